"""A delivery is served by its priority at the gauge, and what falls short is owed and repaid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import xarray as xr
from basins import AIM, Basin
from test_metamorphic import same

import watersim
from watersim.accounts import accounts
from watersim.engine import Engine
from watersim.errors import InputError
from watersim.netcdf import save
from watersim.summary import summary

DAY = 86_400.0
DAYS = ("2001-01-01", "2001-01-09", "day")
ONE = ("2001-01-01", "2001-01-01", "day")
PARTIES = "parties: {KG: Kyrgyzstan, KZ: Kazakhstan}\n"
TREATY = (
    "agreements:\n"
    "  treaty: {kind: deliveries, gauge: border, from: KG, to: KZ, priority: 2, schedule: SCHEDULE"
    "MORE}\n"
)
RIVER = f"""{PARTIES}
nodes:
  hills: {{kind: catchment, runoff: 50 m3/s}}
  weir: {{kind: junction}}
  border: {{kind: gauge}}
  sea: {{kind: terminal}}
rivers: [hills > weir > border > sea]
"""
LIMIT = 25 * DAY  # m3 of the debt in most examples: 25 m3/s for a day


def treaty(schedule: str = "20 m3/s", *more: str) -> str:
    return TREATY.replace("SCHEDULE", schedule).replace("MORE", "".join(f", {m}" for m in more))


def debt(**keys: str) -> str:
    own = {"limit": f"{LIMIT:g} m3", **keys}
    return f"debt: {{{', '.join(f'{key}: {value}' for key, value in own.items())}}}"


def with_nodes(*nodes: str) -> str:
    return RIVER.replace("  sea:", "".join(f"  {node}\n" for node in nodes) + "  sea:")


def run(
    basin: Basin, text: str, flows: Sequence[float], time: tuple[str, str, str], **options: object
) -> xr.Dataset:
    """A run in which these m3/s come from the hills; every account must close."""
    scenario = basin.load(text, time)
    starts = scenario.timeline.starts.astype("datetime64[ns]")
    forcing = xr.Dataset({"hills.runoff": ("time", np.array(flows, float))}, {"time": starts})
    return closed(watersim.run(scenario, forcing=forcing, **options))  # type: ignore[arg-type]


def closed(ds: xr.Dataset) -> xr.Dataset:
    """balance(end) = balance(start) + entitlement − delivered + adjustment, for every step."""
    end, first = ds["balance"], ds["initial_balance"]
    start = xr.concat([first.expand_dims(time=ds["time"][:1]), end[:, :-1].assign_coords(
        time=ds["time"][1:])], "time").transpose(*end.dims)  # fmt: skip
    change = ds["entitlement"] - ds["delivered"] + ds["adjustment"]
    largest = max(1.0, float(ds["entitlement"].max()), float(abs(end).max()))
    np.testing.assert_allclose(end.values, (start + change).values, rtol=0.0, atol=1e-12 * largest)
    assert ds.attrs["closure_residual"] <= AIM
    assert ds.attrs["exact_fallbacks"] == 0
    return ds


def m3s(ds: xr.Dataset, name: str) -> list[float]:
    """What KZ's account says in every step of a day, as m3/s for that day."""
    account = ds[name].sel(agreement="treaty", party="KZ").values[0]
    return (account / DAY).tolist()


def near(*values: float) -> object:
    return pytest.approx(values, rel=1e-12, abs=1e-9)


def covers(ds: xr.Dataset) -> dict[str, float]:
    return dict(zip(ds["claim"].values.tolist(), ds["cover"].values[0, 0].tolist(), strict=True))


# 50 come: the senior user has its 20, then 25 pass the border, and 5 are left for the junior one
def test_a_delivery_comes_after_senior_users_above_it_and_before_junior_ones(basin: Basin) -> None:
    text = with_nodes(
        "first: {kind: irrigation, party: KG, at: weir, priority: 1, requirement: 20 m3/s}",
        "last: {kind: irrigation, party: KG, at: weir, priority: 3, requirement: 30 m3/s}",
    )
    ds = closed(watersim.run(basin.load(text + treaty("25 m3/s"), ONE)))
    assert ds["supply"].sel(site="first").item() == pytest.approx(20.0, rel=1e-12)
    assert ds["supply"].sel(site="last").item() == pytest.approx(5.0, rel=1e-12)
    assert ds["inflow"].sel(node="border").item() == pytest.approx(25.0, rel=1e-12)
    assert ds["cover"].sel(claim="treaty").item() == pytest.approx(1.0, rel=1e-12)
    dry = closed(watersim.run(basin.load(text.replace("50 m3/s", "30 m3/s")
                                         + treaty("25 m3/s"), ONE)))  # fmt: skip
    assert covers(dry) == pytest.approx({"first": 1.0, "last": 0.0, "treaty": 0.4}, rel=1e-12)


# the use above and the delivery share 50 for 80; the use below is served by what is delivered
def test_use_above_and_below_and_the_delivery_are_cut_alike(basin: Basin) -> None:
    text = with_nodes(
        "above: {kind: irrigation, party: KG, at: weir, priority: 2, requirement: 40 m3/s}",
        "below: {kind: irrigation, party: KZ, at: border, priority: 2, requirement: 40 m3/s}",
    )
    ds = closed(watersim.run(basin.load(text + treaty("40 m3/s"), ONE)))
    assert covers(ds) == pytest.approx({"above": 0.625, "below": 0.625, "treaty": 0.625}, rel=1e-12)


# in-stream claims overlap: 41 arrive, of which 40 are the delivery and 2 must go on
def test_the_same_water_is_delivered_and_stays_in_the_river(basin: Basin) -> None:
    text = RIVER.replace("border: {kind: gauge}", "border: {kind: gauge, environmental_flow: "
                         "{flow: 2 m3/s, priority: 1}}").replace("50 m3/s", "41 m3/s")  # fmt: skip
    ds = closed(watersim.run(basin.load(text + treaty("40 m3/s"), ONE)))
    assert covers(ds) == {"border.environmental_flow": 1.0, "treaty": 1.0}


# 40 arrive and are delivered in full; 2 stay in the river below the gauge, Zhambyl takes 38
def test_a_delivery_counts_before_the_use_at_its_gauge(basin: Basin) -> None:
    text = with_nodes("zhambyl: {kind: irrigation, party: KZ, at: border, priority: 2, "
                      "requirement: 40 m3/s}")  # fmt: skip
    text = text.replace("border: {kind: gauge}", "border: {kind: gauge, environmental_flow: "
                        "{flow: 2 m3/s, priority: 1}}").replace("50 m3/s", "40 m3/s")  # fmt: skip
    ds = closed(watersim.run(basin.load(text + treaty("40 m3/s"), ONE)))
    assert ds["supply"].sel(site="zhambyl").item() == pytest.approx(38.0, rel=1e-12)
    assert ds["cover"].sel(claim="treaty").item() == pytest.approx(1.0, rel=1e-12)


# the reach loses a fifth: for 20 at the gauge the dam gives 25, from its store
def test_a_delivery_draws_on_a_reservoir_above_a_reach_that_loses(basin: Basin) -> None:
    text = RIVER.replace("weir: {kind: junction}", "weir: {kind: reservoir, capacity: 100 hm3, "
        "initial_storage: 100 hm3, outlet_capacity: 30 m3/s, "
        "levels: {full_level: 120 m, depth: 20 m, exponent: 2}}").replace("50 m3/s", "0 m3/s")  # fmt: skip
    text += "reaches: {weir > border: {loss: 20 %}}\n"
    ds = closed(watersim.run(basin.load(text + treaty(), ONE)))
    assert ds["release"].item() == pytest.approx(25.0, rel=1e-12)
    assert m3s(ds, "delivered") == near(20.0)


# Second day: 10 short, repaid in 4 days by 2.5 each although 100 come. Days 7 and 8: nothing comes
# for 20, then for 20 + 20/4; 40 would be owed, of which 15 beyond the limit of 25 are forgotten.
# Of the 25 that remain 20 are a day old, 0.8 days in the mean: 25 / (4 − 0.8) = 7.8125 fall due.
def test_what_falls_short_is_owed_up_to_a_limit_and_repaid_evenly(basin: Basin) -> None:
    flows = [20, 10, 100, 100, 100, 100, 0, 0, 100]
    ds = run(basin, RIVER + treaty("20 m3/s", debt(repay_within="4 days")), flows, DAYS)
    assert m3s(ds, "entitlement") == near(*[20.0] * 9)
    assert m3s(ds, "account_limit") == near(20, 20, 22.5, 22.5, 22.5, 22.5, 20, 25, 27.8125)
    assert m3s(ds, "delivered") == near(20, 10, 22.5, 22.5, 22.5, 22.5, 0, 0, 27.8125)
    assert m3s(ds, "balance") == near(0, 10, 7.5, 5, 2.5, 0, 20, 25, 17.1875)
    assert m3s(ds, "adjustment") == near(0, 0, 0, 0, 0, 0, 0, -15, 0)
    assert m3s(ds, "debt_age") == near(0, 0, 1, 2, 3, 0, 0, 0.8, 1.8)


def test_nothing_of_a_debt_is_repaid_outside_the_season(basin: Basin) -> None:
    once = debt(repay_within="4 days", season="{from: 01-05, to: 01-31}")
    ds = run(basin, RIVER + treaty("20 m3/s", once), [20, 10, *[100] * 7], DAYS)
    assert m3s(ds, "account_limit") == near(20, 20, 20, 20, 22.5, 22.5, 22.5, 22.5, 20)
    assert m3s(ds, "balance") == near(0, 10, 10, 10, 7.5, 5, 2.5, 0, 0)
    assert m3s(ds, "debt_age") == near(0, 0, 0, 0, 1, 2, 3, 0, 0)


def test_a_debt_without_a_time_is_due_at_once(basin: Basin) -> None:
    ds = run(basin, RIVER + treaty("20 m3/s", debt()), [10, 24, 100, *[20] * 6], DAYS)
    assert m3s(ds, "account_limit")[:4] == near(20, 30, 26, 20)
    assert m3s(ds, "balance")[:4] == near(10, 6, 0, 0)


# 60 days are 28 of February, 31 of March and 1 of April: by months the debt is repaid as evenly
def test_longer_steps_repay_by_their_days(basin: Basin) -> None:
    text = RIVER + treaty("20 m3/s", debt(limit="100 hm3", repay_within="60 days"))
    ds = run(basin, text, [0, 100, 100, 100], ("2001-01-01", "2001-04-30", "month"))
    owed = 20.0 * 31
    left = [owed, owed * 32 / 60, owed / 60, 0.0]
    assert m3s(ds, "balance") == near(*left)
    assert m3s(ds, "account_limit")[1:] == near(
        20 * 28 + owed * 28 / 60, 20 * 31 + owed * 31 / 60, 20 * 30 + owed / 60
    )


def test_without_a_debt_what_falls_short_is_forgotten(basin: Basin) -> None:
    ds = run(basin, RIVER + treaty(), [20, 10, 30, *[20] * 6], DAYS)
    assert m3s(ds, "account_limit") == near(*[20.0] * 9)
    assert m3s(ds, "balance") == near(*[0.0] * 9)
    assert m3s(ds, "adjustment")[:3] == near(0, -10, 0)
    assert m3s(ds, "delivered")[:3] == near(20, 10, 20)


# 30 come for 20: 5 count ahead, and 15 are called for on the next day; then 2 are short, and what
# comes beyond 20 + 2 counts again up to 5
def test_what_is_delivered_ahead_lowers_what_is_called_for(basin: Basin) -> None:
    once = debt(credit_limit=f"{5 * DAY:g} m3")
    flows = [30, 15, 18, 100, 17, 100, *[20] * 3]
    ds = run(basin, RIVER + treaty("20 m3/s", once), flows, DAYS)
    assert m3s(ds, "account_limit")[:6] == near(20, 15, 20, 22, 15, 18)
    assert m3s(ds, "delivered")[:6] == near(25, 15, 18, 27, 17, 23)
    assert m3s(ds, "balance")[:6] == near(-5, 0, 2, -5, -2, -5)


@pytest.mark.parametrize(
    ("counts", "delivered", "balance"),
    [("scheduled", [0, 0, 10, 20], [0, 0, 10, 10]), ("all", [5, 0, 10, 25], [-5, -5, 5, 0])],
)
def test_what_comes_when_nothing_is_scheduled_counts_only_if_all_does(
    basin: Basin, counts: str, delivered: list[float], balance: list[float]
) -> None:
    winter = "{monthly: [0, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20], unit: m3/s}"
    once = debt(credit_limit=f"{5 * DAY:g} m3", season="{from: 04-01, to: 09-30}")
    if counts == "scheduled":  # nor does what comes beyond the schedule without a credit limit
        once = debt(season="{from: 04-01, to: 09-30}")
    text = RIVER + treaty(winter, once, f"counts: {counts}")
    ds = run(basin, text, [100, 100, 10, 25], ("2001-01-30", "2001-02-02", "day"))
    assert m3s(ds, "delivered") == near(*delivered)
    assert m3s(ds, "balance") == near(*balance)


# 3 m3/s go over the crest of a full dam: they cancel as much of what is owed, and no more
def test_spill_cancels_as_much_of_the_debt(basin: Basin) -> None:
    full = with_nodes(
        "brook: {kind: catchment, runoff: 5 m3/s}",
        "dam: {kind: reservoir, capacity: 10 hm3, initial_storage: 10 hm3, "
        "outlet_capacity: 2 m3/s, levels: {full_level: 120 m, depth: 20 m, exponent: 2}}",
    ).replace("border > sea]", "border > sea, brook > dam > sea]")
    text = full + treaty("20 m3/s", debt(), "forfeit_on_spill: dam")
    ds = run(basin, text, [10, 10, 32, 20], ("2001-01-01", "2001-01-04", "day"))
    assert ds["spill"].values.ravel() == near(3, 3, 3, 3)
    assert m3s(ds, "balance") == near(7, 14, 0, 0)
    assert m3s(ds, "adjustment") == near(-3, -3, -2, 0)
    assert m3s(ds, "delivered") == near(10, 10, 32, 20)


def test_what_is_left_is_settled_where_a_new_period_begins(basin: Basin) -> None:
    text = RIVER + treaty("20 m3/s", debt(), "period: month")
    time = ("2001-01-30", "2001-02-02", "day")
    ds = run(basin, text, [10, 15, 18, 20], time)
    assert m3s(ds, "account_limit") == near(20, 30, 20, 22)
    assert m3s(ds, "balance") == near(10, 15, 2, 2)
    assert m3s(ds, "adjustment") == near(0, 0, -15, 0)
    assert ds["agreement_period"].item() == "month"


def test_a_delivery_is_a_claim_of_the_party_that_receives_it(basin: Basin) -> None:
    text = with_nodes(
        "first: {kind: irrigation, party: KG, at: weir, priority: 1, requirement: 40 m3/s}"
    )
    ds = closed(watersim.run(basin.load(text + treaty(), ONE)))
    one = ds.sel(claim="treaty")
    known = {key: one[key].item() for key in ("claim_node", "claim_sort", "claim_party", "sector")}
    assert known == {"claim_node": "border", "claim_sort": "instream", "claim_party": "KZ",
                     "sector": "delivery"}  # fmt: skip
    assert one["claim_supply"].item() == pytest.approx(10.0, rel=1e-12)
    words = ds.watersim.why("treaty", "2001-01-01")
    assert words.endswith("bound by the water of the river at border")


def test_a_user_below_a_delivery_is_told_of_it(basin: Basin) -> None:
    text = with_nodes(
        "last: {kind: irrigation, party: KG, at: weir, priority: 3, requirement: 40 m3/s}"
    )
    ds = closed(watersim.run(basin.load(text + treaty(), ONE)))
    words = ds.watersim.why("last", "2001-01-01")
    assert words.endswith("bound by the water of the river at border beyond the delivery treaty")


def test_a_run_split_while_something_is_owed_gives_the_same_bits(basin: Basin) -> None:
    flows = [20, 10, 17, 100, 23, 100, 0, 0, 100]
    more = debt(repay_within="7 days", credit_limit=f"{3 * DAY:g} m3")
    text = RIVER + treaty("20 m3/s", more)
    whole = run(basin, text, flows, DAYS)
    for last in (3, 4, 8):  # something is owed, or was delivered ahead
        first = run(basin, text, flows[:last], ("2001-01-01", f"2001-01-0{last}", "day"))
        save(first, basin.folder / "scenarios" / "first.nc")
        scenario = basin.load(text, (f"2001-01-0{last + 1}", "2001-01-09", "day"),
                              more=f"initial: {{from: first.nc, at: 2001-01-0{last}}}")  # fmt: skip
        starts = scenario.timeline.starts.astype("datetime64[ns]")
        forcing = xr.Dataset({"hills.runoff": ("time", np.array(flows[last:], float))},
                             {"time": starts})  # fmt: skip
        second = closed(watersim.run(scenario, forcing=forcing))
        rest = whole.isel(time=slice(last, None))
        for name, variable in second.variables.items():
            if not str(name).startswith("initial_"):
                np.testing.assert_array_equal(variable.values, rest[name].values, err_msg=name)


def test_a_run_goes_on_from_what_was_delivered_ahead(basin: Basin) -> None:
    text = RIVER + treaty("20 m3/s", debt(credit_limit=f"{5 * DAY:g} m3"))
    save(run(basin, text, [30], ONE), basin.folder / "scenarios" / "first.nc")
    scenario = basin.load(text, ("2001-01-02", "2001-01-02", "day"),
                          more="initial: {from: first.nc, at: 2001-01-01}")  # fmt: skip
    ds = closed(watersim.run(scenario))
    assert float(ds["initial_balance"].item()) == -5 * DAY
    assert m3s(ds, "account_limit") == near(15.0)


# KG may take half of what comes, and owes 20 at the border whatever it may take
def test_its_account_stands_beside_those_of_shares(basin: Basin) -> None:
    text = with_nodes(
        "kg: {kind: irrigation, party: KG, at: weir, priority: 3, requirement: 40 m3/s}",
        "kz: {kind: irrigation, party: KZ, at: border, priority: 1, requirement: 5 m3/s}",
    )
    halves = (
        "  pact: {kind: shares, resource: {inflow_of: [hills]}, shares: {KG: 50 %, KZ: 50 %}, "
        "period: year}\n"
    )
    text += treaty("20 m3/s", debt()) + halves
    flows = [10.0, 30.0, 50.0]
    ds = run(basin, text, flows, (*DAYS[:1], "2001-01-03", "day"))
    assert ds["balance"].dims == ("realization", "time", "agreement", "party")
    assert np.isnan(ds["balance"].sel(agreement="treaty", party="KG").values).all()
    taken = ds["supply"].sel(site="kg").values[0]
    assert taken == near(0, 0, 30)  # 50 come, 20 are called for
    assert m3s(ds, "balance") == near(10, 0, 0)
    save(ds.copy(), basin.folder / "scenarios" / "first.nc")
    back = watersim.open_results(basin.folder / "scenarios" / "first.nc")
    assert back.identical(ds)


def test_a_delivery_that_is_never_settled_is_summed_up_by_year(basin: Basin) -> None:
    ds = run(basin, RIVER + treaty("20 m3/s", debt()), [20, 10, *[20] * 7], DAYS)
    found = accounts(ds, "treaty")
    assert found["delivered"].values.ravel() / DAY == near(170)
    assert found["balance"].values.ravel() / DAY == near(10)
    assert "Accounts of treaty by year, hm3" in [table.title for table in summary(ds).tables]


def test_realizations_have_a_debt_each(basin: Basin) -> None:
    text = RIVER + treaty("20 m3/s", debt(repay_within="4 days"))
    scenario = basin.load(text, DAYS)
    starts = scenario.timeline.starts.astype("datetime64[ns]")
    flows = np.random.default_rng(5).uniform(0.0, 60.0, (3, 9))
    forcing = xr.Dataset({"hills.runoff": (("realization", "time"), flows)}, {"time": starts})
    ds = closed(watersim.run(scenario, realizations=3, forcing=forcing))
    for r in range(3):
        alone = run(basin, text, flows[r].tolist(), DAYS)
        same(ds.isel(realization=r, drop=True), alone.isel(realization=0, drop=True))


@pytest.mark.parametrize(
    ("schedule", "more", "message"),
    [
        ("20 m3/s", "gauge: weir", "treaty.gauge: is not a gauge on the river (got weir)"),
        ("20 m3/s", "gauge: frontier", "treaty.gauge: is not a gauge on the river (got frontier)"),
        ("20 m3/s", "from: UZ", "treaty.from: is not a party (got UZ); known are KG, KZ"),
        ("20 m3/s", "from: KZ", "treaty.to: is the party that owes it (got KZ); name the other"),
        ("0 m3/s", "", "treaty.schedule: is 0 all year: nobody is owed anything"),
        ("{monthly: [" + ", ".join("0" * 12) + "], unit: m3/s}", "",
         "treaty.schedule: is 0 all year"),
        ("20 m3/s", "debt: {limit: -1 hm3}", "treaty.debt.limit: must be at least 0 m3"),
        ("20 m3/s", "debt: {credit_limit: 1 hm3}", "treaty.debt.limit: is required"),
        ("20 m3/s", "period: season", "treaty.period: has nothing to act on without a debt"),
        ("20 m3/s", "forfeit_on_spill: weir",
         "treaty.forfeit_on_spill: is not a reservoir on the river (got weir)"),
    ],
)  # fmt: skip
def test_what_is_no_delivery_is_refused_with_its_place(
    basin: Basin, schedule: str, more: str, message: str
) -> None:
    key = more.split(":")[0]
    text = treaty(schedule)
    for own in ("gauge: border, ", "from: KG, ") if more else ():
        text = text.replace(own, f"{more}, ") if own.startswith(f"{key}:") else text
    if more and more not in text:
        text = treaty(schedule, more)
    with pytest.raises(InputError) as caught:
        basin.load(RIVER + text, ONE)
    assert message in str(caught.value)
    assert "basin.yaml:" in str(caught.value)


def test_a_zone_never_shares_its_priority_with_a_delivery(basin: Basin) -> None:
    text = RIVER.replace("weir: {kind: junction}", "weir: {kind: reservoir, capacity: 100 hm3, "
        "initial_storage: 100 hm3, levels: {full_level: 120 m, depth: 20 m, exponent: 2}, "
        "zones: [{name: reserve, to: 50 hm3, priority: 2}, {name: rest, to: capacity}]}")  # fmt: skip
    with pytest.raises(InputError, match="is shared by zone 'reserve' and 'treaty'"):
        basin.load(text + treaty(), ONE)


def test_a_delivery_where_no_water_comes_is_refused(basin: Basin) -> None:
    dry = RIVER.replace("rivers: [hills > weir > border > sea]",
                        "rivers: [hills > weir > sea, border > sea]")  # fmt: skip
    with pytest.raises(InputError, match=r"can never be met: no catchment.* to 'border'"):
        basin.load(dry + treaty(), ONE)


@pytest.mark.parametrize("seed", range(6))
def test_the_pass_down_the_river_gives_what_linear_programmes_give(basin: Basin, seed: int) -> None:
    """Rivers with two dams, users above, between and below two borders, and losses."""
    rng = np.random.default_rng(seed)
    dam = ("{kind: reservoir, capacity: 60 hm3, initial_storage: 20 hm3, outlet_capacity: 60 m3/s, "
           "levels: {full_level: 120 m, depth: 20 m, exponent: 2}}")  # fmt: skip

    def user(at: str) -> str:
        return (f"{{kind: irrigation, party: {rng.choice(['KG', 'KZ'])}, at: {at}, "
                f"priority: {rng.integers(1, 4)}, requirement: {rng.uniform(5, 40):.3f} m3/s}}")  # fmt: skip

    def clause(gauge: str) -> str:
        return (f"{{kind: deliveries, gauge: {gauge}, from: KG, to: KZ, "
                f"priority: {rng.integers(1, 4)}, schedule: {rng.uniform(10, 40):.3f} m3/s, "
                f"counts: {rng.choice(['all', 'scheduled'])}, forfeit_on_spill: upper, "
                "debt: {limit: 30 hm3, credit_limit: 5 hm3, repay_within: 20 days}}")  # fmt: skip

    text = f"""{PARTIES}
nodes:
  hills: {{kind: catchment, runoff: 50 m3/s}}
  upper: {dam}
  weir: {{kind: junction}}
  border: {{kind: gauge, environmental_flow: {{flow: 3 m3/s, priority: 1}}}}
  lower: {dam}
  gate: {{kind: gauge}}
  sea: {{kind: terminal}}
  a: {user("weir")}
  b: {user("weir")}
  c: {user("border")}
  d: {user("gate")}
rivers: [hills > upper > weir > border > lower > gate > sea]
reaches: {{weir > border: {{loss: 10 %}}, lower > gate: {{loss: 5 %}}}}
agreements:
  treaty: {clause("border")}
  other: {clause("gate")}
"""
    flows = rng.uniform(0.0, 80.0, 18)
    time = ("2001-01-01", "2001-06-30", "decade")
    fast = run(basin, text, flows.tolist(), time)
    exact = run(basin, text, flows.tolist(), time, exactly=True)
    names = ("cover", "claim_supply", "delivered", "balance", "adjustment", "debt_age", "storage")
    for name in names:
        scale = max(1.0, float(abs(exact[name]).max()))
        np.testing.assert_allclose(fast[name].values, exact[name].values, rtol=0.0,
                                   atol=1e-8 * scale, err_msg=name)  # fmt: skip
    assert np.nanmin(exact["cover"].values) < 0.999
    assert float(exact["balance"].max()) > 0.0


def test_a_delivery_that_is_always_met_needs_no_second_method(basin: Basin) -> None:
    from watersim.compile import compile

    engine = Engine(compile(basin.load(RIVER + treaty(), DAYS)))
    engine.advance(0, 9)
    assert int(engine._blocks[0].room.counts[1]) == 0


def test_what_is_owed_at_the_start_is_called_for_as_any_debt(basin: Basin) -> None:
    # 10 m3/s for a day are owed; all of it is due at once, on top of the schedule of 20
    text = RIVER + treaty("20 m3/s", debt(), f"initial_balance: {10 * DAY:g} m3")
    ds = run(basin, text, [50.0, 50.0], ("2001-01-01", "2001-01-02", "day"))
    assert ds["initial_balance"].values.ravel() == pytest.approx([10 * DAY])
    assert ds["account_limit"].values.ravel() == pytest.approx([30 * DAY, 20 * DAY])
    assert ds["balance"].values.ravel() == pytest.approx([0.0, 0.0], abs=1e-3)


def test_what_was_delivered_ahead_lowers_what_is_called_for(basin: Basin) -> None:
    own = debt(credit_limit=f"{10 * DAY:g} m3")
    text = RIVER + treaty("20 m3/s", own, f"initial_balance: {-8 * DAY:g} m3")
    ds = run(basin, text, [15.0], ONE)
    assert ds["account_limit"].values.ravel() == pytest.approx([12 * DAY])


@pytest.mark.parametrize("owed", ["26", "-1"])
def test_a_start_beyond_the_limits_of_the_debt_is_refused(basin: Basin, owed: str) -> None:
    volume = f"{float(owed) * DAY:g} m3"
    with pytest.raises(InputError, match="initial_balance: must lie within the limits of the debt"):
        basin.load(RIVER + treaty("20 m3/s", debt(), f"initial_balance: {volume}"), ONE)
    with pytest.raises(InputError, match="initial_balance: has nothing to act on without a debt"):
        basin.load(RIVER + treaty("20 m3/s", "initial_balance: 1 hm3"), ONE)
