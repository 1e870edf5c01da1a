"""Season plans: limits by hand, the record's exceedances, revision, tables, and what is refused."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xarray as xr
from basins import Basin

import watersim
from watersim.cli import main
from watersim.errors import InputError
from watersim.netcdf import open_results
from watersim.plan_files import write
from watersim.plan_tables import blocks, csv_text, text

season = watersim.season
ROOT = Path(__file__).resolve().parents[1]
START, END = "2021-04-01", "2021-05-31"  # 6 decades of 10, 10, 10, 10, 10, 11 days
SECONDS = 86_400.0 * np.array([10, 10, 10, 10, 10, 11])

# Nine years of steady flow, 11 … 19 m3/s: exceeded in 10, 20 … 90 % (m / (n + 1)), 19 in 10 %.
RIVER = """
parties: {UP: Upper country, LOW: Lower country}
nodes:
  hills: {kind: catchment, runoff: {file: inflow.csv, column: hills_m3s, finer: hold}}
  weir: {kind: junction}
  a: {kind: irrigation, at: weir, party: UP, priority: 2, requirement: 10 m3/s}
  b: {kind: irrigation, at: weir, party: LOW, priority: 2, requirement: 10 m3/s}
  town: {kind: gauge}
  sands: {kind: terminal}
rivers: [hills > weir > town > sands]
agreements:
  halves:
    kind: shares
    resource: {inflow_of: [hills]}
    shares: {UP: 60 %, LOW: 40 %}
    period: year
"""
DAM = (
    RIVER.replace("rivers: [hills > weir", "rivers: [hills > dam > weir")
    .replace("period: year", "period: year\n    carry_over: {}")
    .replace(
        "  weir: {kind",
        """  dam: {kind: reservoir, capacity: 500 hm3, initial_storage: 0 hm3,
        levels: {full_level: 900 m, depth: 50 m, exponent: 3}}
  weir: {kind""",
    )
)


def record(flows: dict[int, float]) -> str:
    """A table of months with one flow in each year."""
    rows = [f"{year}-{month:02d},{q}" for year, q in flows.items() for month in range(1, 13)]
    return "\n".join(["month,hills_m3s", *rows]) + "\n"


NINE = record({2001 + k: q for k, q in enumerate([15, 11, 19, 13, 17, 12, 18, 14, 16])})
STORED = f"node,date,storage_hm3\ndam,{START},90\n"
OBSERVED = """date,hills_runoff_m3s,a_supply_m3s,b_supply_hm3,dam_storage_hm3
2021-04-01,14,8,6.048,88
2021-04-11,13,9,6.048,85
"""


def plan(
    basin: Basin, network: str = RIVER, asked: object = (50, 75), *, inflow: str = NINE,
    end: str | None = END, stored: str = STORED, observed: str = "", given: str = "",
) -> xr.Dataset:  # fmt: skip
    scenario = basin.load(network, tables={"inflow.csv": inflow})

    def file(name: str, content: str) -> Path:
        (basin.folder / name).write_text(content, encoding="utf-8")
        return basin.folder / name

    return season(
        scenario,
        START,
        file("stored.csv", stored) if "dam:" in network else None,
        file("given.csv", given) if given else list(asked),  # type: ignore[call-overload]
        end,
        file("observed.csv", observed) if observed else None,
    )


def settled(ds: xr.Dataset) -> None:
    """The accounts run on: what is left is what there was, and what came and went since."""
    change = (ds["entitlement"] - ds["delivered"] + ds["adjustment"]).cumsum("time")
    gap = ds["initial_balance"] + change - ds["balance"]
    assert float(abs(gap).max()) < 1e-9 * max(1.0, float(ds["entitlement"].sum()))


# by hand


def test_limits_are_shares_of_the_inflow_that_is_exceeded(basin: Basin) -> None:
    # the median of nine years is 15; 75 % lies midway between 13 (70 %) and 12 (80 %)
    ds = plan(basin)
    for exceedance, inflow in ((50, 15.0), (75, 12.5)):
        own = ds.sel(exceedance=exceedance)
        for site, share in (("a", 0.6), ("b", 0.4)):
            expected = share * inflow * SECONDS
            assert own.limit.sel(site=site).values == pytest.approx(expected)
            assert own.supply.sel(site=site).values == pytest.approx(expected)
            assert own.cumulative_limit.sel(site=site).values == pytest.approx(np.cumsum(expected))
            assert own.fulfilment.sel(site=site).values == pytest.approx(1.0)
        assert own.party_cumulative_supply.sel(party="UP").values[-1] == pytest.approx(
            0.6 * inflow * SECONDS.sum()
        )


def test_a_limit_is_no_more_than_what_is_asked_for(basin: Basin) -> None:
    # of 19 m3/s UP may take 11.4 and asks for 10: its rest of 1.4 is offered to LOW, 7.6 + 1.4
    ds = plan(basin, asked=[10])
    assert ds.limit.sel(site="a").values[0] == pytest.approx(10.0 * SECONDS)
    assert ds.limit.sel(site="b").values[0] == pytest.approx(9.0 * SECONDS)


def test_without_agreements_the_limit_is_the_requirement_and_water_is_what_lacks(
    basin: Basin,
) -> None:
    ds = plan(basin, RIVER.split("agreements:")[0])
    assert ds.limit.values == pytest.approx(np.broadcast_to(10.0 * SECONDS[:, None], (2, 6, 2)))
    assert ds.fulfilment.sel(exceedance=50).values == pytest.approx(0.75)


def test_of_a_limit_the_earlier_priority_has_its_part_first(basin: Basin) -> None:
    third = "  c: {kind: irrigation, at: weir, party: UP, priority: 1, requirement: 4 m3/s}\n"
    ds = plan(basin, RIVER.replace("  town:", f"{third}  town:"), asked=[50])
    assert ds.limit.sel(site="c").values[0] == pytest.approx(4.0 * SECONDS)
    assert ds.limit.sel(site="a").values[0] == pytest.approx(5.0 * SECONDS)


def test_a_limit_stands_at_the_gate_below_the_losses_of_the_canal(basin: Basin) -> None:
    behind = RIVER.replace("irrigation, at: weir, party: UP", "irrigation, party: UP") + (
        "canals: {main: {from: weir, to: a, loss: 20 %}}\n"
    )
    ds = plan(basin, behind, asked=[50])
    assert ds.limit.sel(site="a").values[0] == pytest.approx(0.8 * 9.0 * SECONDS)
    assert ds.delivered.sel(party="UP").values.ravel() == pytest.approx(9.0 * SECONDS)


def test_a_quota_limits_its_sites(basin: Basin) -> None:
    # 18 hm3 a month for both together: 13.8 hm3 a decade of 10 days are asked for at 16 m3/s
    quota = RIVER.split("agreements:")[0] + (
        "agreements: {licence: {kind: quota, sites: [a, b], limit: 18 hm3, per: month}}\n"
    )
    ds = plan(basin, quota.replace("10 m3/s", "7 m3/s"), asked=[50])
    first = 7.0 * 864_000.0
    left = (18e6 - 2.0 * first) / 2.0
    assert ds.limit.sel(site="a").values[0, :3] == pytest.approx([first, left, 0.0])


def test_a_limit_is_what_a_quota_has_left_where_water_lacks(basin: Basin) -> None:
    # 11 m3/s are 9.504 hm3 of 17.28 that are asked for; the quota of 16 hm3 would allow more
    quota = RIVER.split("agreements:")[0] + (
        "agreements: {licence: {kind: quota, sites: [a, b], limit: 16 hm3, per: month}}\n"
    )
    ds = plan(basin, quota, asked=[90])
    assert ds.limit.sum("site").values[0, :2] == pytest.approx([16e6, 16e6 - 9.504e6])
    assert ds.supply.sum("site").values[0, 0] == pytest.approx(9.504e6)


# the record


def test_the_record_is_of_the_basin_not_of_each_catchment(basin: Basin) -> None:
    # two catchments that are never dry at once: their sum is 20 every year, and each varies
    two = RIVER.split("agreements:")[0].replace(
        "  weir:",
        "  brook: {kind: catchment, runoff: {file: brook.csv, column: hills_m3s, finer: hold}}\n"
        "  weir:",
    ).replace("rivers: [", "rivers: [brook > weir, ")  # fmt: skip
    flows = {2001 + k: q for k, q in enumerate([15, 11, 19, 13, 17, 12, 18, 14, 16])}
    other = {year: 30.5 - q + 0.001 * (year - 2000) for year, q in flows.items()}
    scenario = basin.load(two, tables={"inflow.csv": record(flows), "brook.csv": record(other)})
    ds = season(scenario, START, None, [10, 90], END)
    both = ds.runoff.sum("catchment").values / SECONDS
    assert both[0] == pytest.approx(30.509)
    assert both[1] == pytest.approx(30.501)
    year = (2009, 2001)  # the analogue years, whole
    for k, analogue in enumerate(year):
        found = ds.runoff.sel(catchment="hills").values[k] / SECONDS
        assert found == pytest.approx(flows[analogue])


def test_the_course_is_that_of_one_year(basin: Basin) -> None:
    # 2002 has twice as much in May as in April; between the years only the volume changes
    rows = record({2001: 10, 2003: 30}).splitlines()
    year = [f"2002-{m:02d},{30 if m == 5 else 15}" for m in range(1, 13)]
    inflow = "\n".join([rows[0], *rows[1:13], *year, *rows[13:]]) + "\n"
    ds = plan(basin, inflow=inflow, asked=[50, 40])
    flow = ds.runoff.sel(catchment="hills").values / SECONDS
    assert flow[1, 0] == pytest.approx(15.0)
    assert flow[0, 0] == pytest.approx(17.0, rel=0.01)  # 40 %: 2002, scaled up
    assert flow[:, 3] / flow[:, 0] == pytest.approx(2.0)


def test_only_years_before_the_plan_count(basin: Basin) -> None:
    later = NINE + record({2021: 100.0}).split("\n", 1)[1]
    gap = record(dict.fromkeys(range(2010, 2021), 1.0)).split("\n", 1)[1]
    whole = NINE + gap + later[len(NINE) :]
    ds = plan(basin, inflow=whole, asked=[5])
    assert float(ds.runoff.max() / SECONDS[-1]) < 20.0
    assert "20 years" in ds.attrs["assumptions"]


def test_a_year_with_a_gap_is_left_out_and_said_so(basin: Basin) -> None:
    network = RIVER.replace("finer: hold", "finer: hold, missing: ['NA']")
    ds = plan(basin, network, inflow=NINE.replace("2002-04,11", "2002-04,NA"), asked=[50])
    assert "2002 of the record is left out: hills lacks values" in ds.attrs["assumptions"]
    assert float(ds.runoff[0, 0, 0] / SECONDS[0]) == pytest.approx(15.5)


def test_a_record_that_cannot_answer_is_refused(basin: Basin) -> None:
    with pytest.raises(InputError, match=r"from 10 to 90 % with the 9 years .*got 95"):
        plan(basin, asked=[50, 95])
    with pytest.raises(InputError, match="one and the same"):
        plan(basin, inflow=record({2001: 5, 2002: 5, 2003: 5}), asked=[50])
    with pytest.raises(InputError, match="no catchment has a table"):
        plan(basin, RIVER.replace("{file: inflow.csv, column: hills_m3s, finer: hold}", "9 m3/s"))
    with pytest.raises(InputError, match=r"basin.yaml:4: .*is monthly and a plan is by decade"):
        plan(basin, RIVER.replace(", finer: hold", ""))
    with pytest.raises(InputError, match="between 0 and 100 %"):
        plan(basin, asked=[0])
    with pytest.raises(InputError, match="holds no whole season"):
        plan(basin, inflow="month,hills_m3s\n2001-01,5\n2001-02,5\n")


# dates


def test_the_season_of_an_agreement_ends_the_plan(basin: Basin) -> None:
    ds = plan(basin, RIVER.replace("period: year", "period: season"), end=None)
    assert str(ds.time_bounds.values[-1, 1])[:10] == "2021-10-01"
    assert ds.sizes["time"] == 18
    assert "is the end of the season of halves" in ds.attrs["assumptions"]


def test_a_season_that_nobody_names_is_not_guessed(basin: Basin) -> None:
    with pytest.raises(InputError, match=r"^to: is required: no agreement .* names a season"):
        plan(basin, end=None)
    with pytest.raises(InputError, match="to: end 2021-05-30 is not the last day of a decade"):
        plan(basin, end="2021-05-30")
    with pytest.raises(InputError, match="within a year"):
        plan(basin, end="2022-04-30")


# storages and accounts


def test_accounts_begin_with_shares_of_what_is_in_store_today(basin: Basin) -> None:
    ds = plan(basin, DAM)
    assert ds.initial_storage.values == pytest.approx(90e6)
    assert ds.initial_balance.sel(party="UP").values == pytest.approx(54e6)
    assert "the accounts of halves begin with LOW 36.0 hm3, UP 54.0 hm3" in ds.attrs["assumptions"]
    settled(ds)


# revision


def test_a_revised_plan_is_what_was_seen_and_then_a_plan_from_there(basin: Basin) -> None:
    ds = plan(basin, DAM, observed=OBSERVED)
    first = plan(basin, DAM)
    assert ds.observed.values.tolist() == [1, 1, 0, 0, 0, 0]
    for k in range(2):
        assert ds.supply.sel(site="a").values[k, :2] == pytest.approx([8 * 864e3, 9 * 864e3])
        assert ds.supply.sel(site="b").values[k, :2] == pytest.approx(6.048e6)
        assert ds.storage.values[k, :2, 0] == pytest.approx([88e6, 85e6])
        assert ds.runoff.values[k, :2, 0] == pytest.approx([14 * 864e3, 13 * 864e3])
    xr.testing.assert_allclose(ds.planned_supply, first.supply.rename("planned_supply"))
    xr.testing.assert_allclose(ds.planned_limit, first.limit.rename("planned_limit"))
    assert ds.limit.values[:, :2] == pytest.approx(first.limit.values[:, :2])
    assert ds.cumulative_supply.values == pytest.approx(np.cumsum(ds.supply.values, axis=1))
    assert ds.cumulative_supply.sel(site="a").values[0, 1] == pytest.approx(17 * 864e3)


def test_fact_and_new_plan_together_are_what_the_account_gives(basin: Basin) -> None:
    ds = plan(basin, DAM, observed=OBSERVED)
    settled(ds)
    for party in ("UP", "LOW"):  # at the weir what arrives is what is charged
        own = ds.sel(party=party, agreement="halves")
        given = own.initial_balance + (own.entitlement + own.adjustment).sum("time")
        left = own.balance.isel(time=-1)
        taken = own.party_cumulative_supply.isel(time=-1)
        assert taken.values == pytest.approx((given - left).values)


def test_the_credit_of_the_past_is_that_of_the_inflow_that_was_seen(basin: Basin) -> None:
    ds = plan(basin, DAM, observed=OBSERVED)
    seen = ds.entitlement.sel(party="UP").values[0, :2, 0]
    assert seen == pytest.approx([0.6 * 14 * 864e3, 0.6 * 13 * 864e3])


def test_who_took_beyond_its_limit_has_less_left(basin: Basin) -> None:
    # UP had 54 hm3 and 7 more of the inflow; it took 86 in the first decade
    within = plan(basin, DAM, observed=OBSERVED)
    greedy = OBSERVED.replace("14,8,", "14,100,")
    beyond = plan(basin, DAM, observed=greedy)
    last = {"time": 1, "exceedance": 0}
    change = (beyond - within).balance.sel(party="UP", agreement="halves").isel(last)
    assert float(change) == pytest.approx(-92 * 864e3, rel=1e-9)
    assert float(beyond.party_limit.sel(party="UP")[0, 2:].sum()) < float(
        within.party_limit.sel(party="UP")[0, 2:].sum()
    )
    settled(beyond)


def test_storages_that_were_seen_start_the_rest_and_the_gap_is_said(basin: Basin) -> None:
    ds = plan(basin, DAM, observed=OBSERVED)
    # 90 + (14 + 13) × 0.864 − 17 × 0.864 − 2 × 6.048 = 86.5 are explained, 85 were seen
    assert "dam: 85.0 hm3 were seen, 1.5 less than" in ds.attrs["assumptions"]
    flow = ds.isel(exceedance=0, time=2)
    inflow, taken = float(flow.runoff.sum()), float(flow.supply.sum())
    river = float(flow.flow.sum())
    assert float(flow.storage.squeeze()) == pytest.approx(85e6 + inflow - taken - river)


def test_the_forecast_of_the_rest_is_read_anew_from_the_record(basin: Basin) -> None:
    ds = plan(basin, DAM, observed=OBSERVED)
    later = ds.runoff.values[:, 2:, 0] / SECONDS[2:]
    assert later[0] == pytest.approx(15.0)
    assert later[1] == pytest.approx(12.5)


def test_the_rest_of_a_season_has_its_own_wet_years(basin: Basin) -> None:
    # the more May brings, the less April brought: the whole season is wettest in the year with 11
    # m3/s in May, what is left of it after two decades in the year with 19
    rows = ["month,hills_m3s"]
    for k, q in enumerate([15, 11, 19, 13, 17, 12, 18, 14, 16]):
        rows += [f"{2001 + k}-{m:02d},{40 - 2 * q if m == 4 else q}" for m in range(1, 13)]
    ds = plan(basin, DAM, [10], inflow="\n".join(rows) + "\n", observed=OBSERVED)
    assert ds.runoff.values[0, 3:, 0] / SECONDS[3:] == pytest.approx(19.0)
    first = plan(basin, DAM, [10], inflow="\n".join(rows) + "\n")
    assert first.runoff.values[0, 3:, 0] / SECONDS[3:] == pytest.approx(11.0)


@pytest.mark.parametrize("per", ["per: season", "window: 90 days", "window: 50 days"])
def test_what_was_seen_uses_up_a_quota(basin: Basin, per: str) -> None:
    # of 40 hm3 both took 8 + 9 m3/s × 10 days + 2 × 6.048 = 26.784 hm3 in the first two decades; they ask
    # for 2 × 8.64 in the third, so 13.216 hm3 are left.
    # Fifty days before the end of the sixth decade the first is over
    quota = DAM.split("agreements:")[0] + (
        f"agreements: {{licence: {{kind: quota, sites: [a, b], limit: 40 hm3, {per}}}}}\n"
    )
    ds = plan(basin, quota, asked=[50], observed=OBSERVED)
    assert float(ds.limit[0, 2].sum()) == pytest.approx(13.216e6)
    assert ds.limit[0, 3:5].values == pytest.approx(0.0)
    freed = 8 * 864e3 + 6.048e6 if per.endswith("50 days") else 0.0
    assert float(ds.limit[0, 5].sum()) == pytest.approx(freed)


# a given forecast

GIVEN = "date,exceedance_percent,hills_m3s\n" + "".join(
    f"2021-{month:02d}-{day:02d},{p},{q}\n"
    for p, q in ((50, 15), (90, 10))
    for month in (4, 5)
    for day in (1, 11, 21)
)


def test_a_given_forecast_is_taken_as_it_is(basin: Basin) -> None:
    ds = plan(basin, given=GIVEN)
    assert ds.exceedance.values.tolist() == [50.0, 90.0]
    assert ds.runoff.values[1, :, 0] == pytest.approx(10.0 * SECONDS)
    assert ds.limit.sel(site="a").values[1] == pytest.approx(6.0 * SECONDS)


def test_a_forecast_by_month_is_held_through_its_decades(basin: Basin) -> None:
    by_month = "month,exceedance_percent,hills_hm3\n" + "".join(
        f"2021-{m:02d},{p},{v}\n"
        for p, four, five in ((50, 30, 62), (80, 15, 31))
        for m, v in ((4, four), (5, five))
    )
    ds = plan(basin, given=by_month)
    assert ds.runoff.values[0, :, 0] == pytest.approx(
        np.array([10, 10, 10, 20, 20, 22], np.float64) * 1e6
    )


def test_the_rest_of_a_given_forecast_is_kept_in_a_revision(basin: Basin) -> None:
    ds = plan(basin, DAM, given=GIVEN, observed=OBSERVED)
    assert ds.runoff.values[1, 2:, 0] == pytest.approx(10.0 * SECONDS[2:])
    settled(ds)


# what is refused: each with the good twin above

BAD_STORED = {
    "dam,2021-04-01,90": "node,date,storage_hm3",
    "lake,2021-04-01,90": ":2: node: is not a node of the scenario (got lake)",
    "weir,2021-04-01,90": ":2: node: is no reservoir of the scenario (got weir); known are dam",
    "dam,2021-04-01,501": ":2: storage: is above the capacity of dam, 500 hm3 (got 501 hm3)",
    "dam,2021-04-01,-1": ":2: storage: must be at least 0 (got -1 hm3)",
    "dam,2021-04-01,full": ":2: storage_hm3: must be a number (got 'full')",
    "dam,2021-04-01,": ":2: storage_hm3: no value for dam",
    "dam,2021-03-21,90": ":2: date: must be 2021-04-01, the first day of the plan (got 2021-03-21)",
    "dam,1 April,90": ":2: date: must be a date YYYY-MM-DD",
    "dam,2021-04-01,9\ndam,2021-04-01,9": ":3: node: dam stands twice, on lines 2 and 3",
}


@pytest.mark.parametrize("row", list(BAD_STORED)[1:])
def test_storages_that_cannot_be_are_refused(basin: Basin, row: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(basin, DAM, stored=f"{BAD_STORED['dam,2021-04-01,90']}\n{row}\n")
    assert f"stored.csv{BAD_STORED[row]}" in str(refused.value)


def test_every_reservoir_must_be_given(basin: Basin) -> None:
    two = DAM.replace("hills > dam", "hills > top > dam").replace(
        "  dam:",
        """  top: {kind: reservoir,
    capacity: 5 hm3, initial_storage: 0 hm3, levels: {full_level: 900 m, depth: 5 m, exponent: 3}}
  dam:""",
    )
    with pytest.raises(InputError, match=r"stored.csv: lacks top; give the storage of every"):
        plan(basin, two)
    with pytest.raises(InputError, match="storages: is required"):
        season(basin.load(DAM, tables={"inflow.csv": NINE}), START, None, [50], END)
    with pytest.raises(InputError, match=r"stored.csv:1: storage: is missing; add a column"):
        plan(basin, DAM, stored=STORED.replace("storage_hm3", "level_m"))
    with pytest.raises(InputError, match=r"stored.csv:1: stored: is not a column of this table"):
        plan(basin, DAM, stored=STORED.replace("date,", "stored,date,").replace("dam,", "dam,1,"))
    with pytest.raises(InputError, match=r"storage_m3s: must be in m3, hm3"):
        plan(basin, DAM, stored=STORED.replace("storage_hm3", "storage_m3s"))


BAD_FORECASTS = [
    ("exceedance_percent,", "", ":1: exceedance_percent: is missing: a forecast without its band"),
    (",90,10", ",50,10", ":8: date: 2021-04-01 stands twice for 50 %"),
    (",90,10", ",90,16", ":1: exceedance_percent: gives more water at 90 %"),
    ("2021-05-21,90,10\n", "", ":12: date: nothing for 2021-05-21 at 90 %"),
    ("2021-04-11,50", "2021-04-12,50", ":3: date: is not the first day of a decade of the plan"),
    ("hills_m3s", "hill_m3s", ":1: hill_m3s: is not a column of this table; did you mean 'hills'?"),
    ("hills_m3s", "hills_m", ":1: hills_m: must be in"),
    ("2021-04-01,50,15", "2021-04-01,50,-1", ":2: hills_m3s: must be at least 0 (got -1)"),
    ("2021-04-01,50,15", "2021-04-01,100,15", ":2: exceedance_percent: must lie between 0 and 100"),
    ("2021-04-01,50,15", "2021-04-01,half,15", ":2: exceedance_percent: must be a number"),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD_FORECASTS)
def test_a_forecast_that_cannot_be_is_refused(basin: Basin, old: str, new: str, said: str) -> None:
    bad = GIVEN.replace(old, new)
    if old.startswith("exceedance"):
        bad = "\n".join(",".join(np.delete(line.split(","), 1)) for line in GIVEN.splitlines())
    with pytest.raises(InputError) as refused:
        plan(basin, given=bad)
    assert f"given.csv{said}" in str(refused.value)


def test_a_forecast_of_one_exceedance_lacks_its_band(basin: Basin) -> None:
    alone = "\n".join(line for line in GIVEN.splitlines() if ",90," not in line) + "\n"
    with pytest.raises(InputError, match=r"given.csv:2: exceedance_percent: is a forecast without"):
        plan(basin, given=alone)


BAD_OBSERVED = [
    (
        "hills_runoff_m3s",
        "hills_m3s",
        ":1: hills_runoff: is missing; add a column hills_runoff_m3s",
    ),
    ("2021-04-11", "2021-04-21", ":3: date: must be 2021-04-11, decade 2 of the plan"),
    ("14,8,", "14,-8,", ":2: a_supply_m3s: must be at least 0 (got -8)"),
    ("14,8,", ",8,", ":2: hills_runoff_m3s: no value for 2021-04-01"),
    ("6.048,85", "6.048,501", ":3: dam_storage: is above the capacity, 500 (got 501)"),
    ("b_supply_hm3", "c_supply_hm3", ":1: b_supply: is missing"),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD_OBSERVED)
def test_facts_that_cannot_be_are_refused(basin: Basin, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(basin, DAM, observed=OBSERVED.replace(old, new))
    assert f"observed.csv{said}" in str(refused.value)


def test_facts_that_leave_nothing_to_plan_are_refused(basin: Basin) -> None:
    days = ("2021-04-01", "2021-04-11", "2021-04-21", "2021-05-01", "2021-05-11", "2021-05-21")
    rows = OBSERVED.splitlines()[:1] + [f"{day},14,8,6,88" for day in days]
    with pytest.raises(InputError, match=r"observed.csv:7: date: leaves nothing to plan"):
        plan(basin, DAM, observed="\n".join(rows) + "\n")


# deliveries at the border

OWED = (
    DAM.split("agreements:")[0]
    + """
agreements:
  border:
    kind: deliveries
    gauge: town
    from: UP
    to: LOW
    schedule: 3 m3/s
    priority: 1
    debt: {limit: 10 hm3, season: {from: 04-01, to: 05-31}}
    initial_balance: 2 hm3
"""
)


def test_a_season_until_29_february_ends_with_february(basin: Basin) -> None:
    text = OWED.replace("to: 05-31", "to: 02-29").replace("initial_balance: 2 hm3", "")
    ds = plan(basin, text, end=None)
    assert str(ds.time_bounds.values[-1, 1])[:10] == "2022-03-01"


def test_a_delivery_stands_in_the_plan_with_what_is_called_for(basin: Basin) -> None:
    ds = plan(basin, OWED, end=None)
    assert str(ds.time_bounds.values[-1, 1])[:10] == "2021-06-01"
    called = ds.account_limit.sel(agreement="border", party="LOW").values[0]
    assert called == pytest.approx(3.0 * SECONDS + np.array([2e6, 0, 0, 0, 0, 0]))
    settled(ds)
    rows = [row for row in csv.DictReader(csv_text(ds).splitlines()) if row["of"] == "delivery"]
    assert len(rows) == 12
    assert float(rows[5]["cumulative_supply_hm3"]) == pytest.approx(called.sum() / 1e6)
    assert float(rows[0]["requirement_hm3"]) == pytest.approx(3.0 * 0.864 + 2.0)
    assert float(rows[0]["limit_hm3"]) == pytest.approx(3.0 * 0.864)
    assert float(rows[1]["fulfilment_percent"]) == pytest.approx(100.0)
    [shown] = [
        block for block in blocks(ds, 0) if block.title == "border: delivered to Lower country"
    ]
    shares = ["delivered / scheduled", "scheduled, cumulative", "delivered, cumulative", "owed"]
    assert [row.label for row in shown.rows] == ["called for", "scheduled", "delivered", *shares]
    assert shown.rows[0].values == pytest.approx(called / 1e6)
    assert shown.rows[3].total == pytest.approx(1.0 + 2e6 / (3.0 * SECONDS.sum()))
    assert "border, to Lower country" in text(ds)


# files


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, list[Path]]:
    folder = tmp_path_factory.mktemp("season")
    ds = plan(Basin(folder), DAM, observed=OBSERVED)
    return ds, write(ds, folder / "out" / "plan.nc")


def test_a_plan_is_read_back_from_netcdf(written: tuple[xr.Dataset, list[Path]]) -> None:
    ds, paths = written
    back = open_results(paths[0])
    for name in ds.data_vars:
        np.testing.assert_array_equal(back[name].values, ds[name].values)
    assert {v.attrs.get("units") for v in back.data_vars.values()} <= {"m3", "1", None}
    assert back.attrs["assumptions"] == ds.attrs["assumptions"]
    given = {Path(name).name for name in json.loads(back.attrs["input_checksums"])}
    assert given == {"basin.yaml", "case.yaml", "inflow.csv", "stored.csv", "observed.csv"}


def test_the_csv_has_every_decade_of_every_site_and_party(
    written: tuple[xr.Dataset, list[Path]],
) -> None:
    ds, paths = written
    rows = list(csv.DictReader(paths[1].read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * 6 * 4
    for row in rows:
        family, prefix = (row["of"], "party_" if row["of"] == "party" else "")
        own = ds.sel({family: row["name"], "exceedance": float(row["exceedance_percent"]),
                      "time": row["date"]})  # fmt: skip
        assert row["status"] == ("fact" if bool(own.observed) else "plan")
        for name in ("limit", "supply", "cumulative_limit", "cumulative_supply", "planned_supply"):
            assert float(row[f"{name}_hm3"]) * 1e6 == pytest.approx(float(own[f"{prefix}{name}"]))
        assert float(row["fulfilment_percent"]) == pytest.approx(
            100.0 * float(own[f"{prefix}supply"] / own[f"{prefix}limit"])
        )


def test_the_workbook_holds_the_same_numbers(written: tuple[xr.Dataset, list[Path]]) -> None:
    ds, paths = written
    book = openpyxl.load_workbook(paths[2])
    assert book.sheetnames == ["season", "exceeded in 50 %", "exceeded in 75 %"]
    for k, sheet in enumerate(book.worksheets[1:]):
        days = [cell.value for cell in sheet[4][2:-1]]
        assert [str(day)[:10] for day in days] == [str(t)[:10] for t in ds.time.values]
        assert [cell.value for cell in sheet[3][2:-1]] == ["fact"] * 2 + ["plan"] * 4
        lines = iter(sheet.iter_rows(min_row=5, values_only=True))
        for block in blocks(ds, k):
            for r, row in enumerate(block.rows):
                title, label, *values, total = next(lines)
                assert (title or "").strip() == (block.title if r == 0 else "")
                assert label == row.label
                assert values == pytest.approx(row.values.tolist())
                assert total == pytest.approx(row.total)
        assert next(lines, None) is None
        limit = ds.party_limit.isel(exceedance=k).sel(party="LOW").values / 1e6
        assert [cell.value for cell in sheet[6][2:-1]] == pytest.approx(limit.tolist())
    front = [[cell.value for cell in row] for row in book["season"].iter_rows()]
    said = {str(row[0]) for row in front}
    assert set(ds.attrs["assumptions"].split("\n")) <= said
    assert {"For Upper country:", "For Lower country:"} <= said


def test_the_text_names_parties_exceedances_and_assumptions(
    written: tuple[xr.Dataset, list[Path]],
) -> None:
    said = text(written[0])
    assert "Season with an inflow exceeded in 75 %, hm3" in said
    assert "Lower country" in said
    assert "6 decades, of them 2 observed" in said
    assert max(map(len, said.splitlines())) <= 80


def test_the_figure_has_a_panel_for_every_party(written: tuple[xr.Dataset, list[Path]]) -> None:
    ds, paths = written
    assert paths[3].read_bytes().startswith(b"\x89PNG")
    figure = ds.watersim.plot.plan()
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Lower country", "Upper country"]


# the shipped basins


def test_the_talas_treaty_is_planned_from_its_record() -> None:
    scenario = watersim.load(ROOT / "scenarios/talas/treaty.yaml")
    stored = ROOT / "data/talas/storages_2013-04-01.csv"
    ds = watersim.season(scenario, "2013-04-01", stored, [50, 75, 90])
    whole = ds.party_supply.sum("time")
    assert (np.diff(whole.sel(party="KZ").values) < 0).all()
    assert ds.sizes["time"] == 18
    assert ds.limit.values.max() > 0
    assert (ds.supply <= ds.limit * (1 + 1e-12)).all()
    settled(ds)


@pytest.mark.parametrize("name", ["baseline", "treaty"])
def test_the_chu_is_planned_from_a_given_forecast(name: str) -> None:
    scenario = watersim.load(ROOT / f"scenarios/chu/{name}.yaml")
    data = ROOT / "data/chu"
    ds = watersim.season(
        scenario, "2023-04-01", data / "storages_2023-04-01.csv", data / "forecast_2023.csv",
        "2023-09-30",
    )  # fmt: skip
    assert ds.exceedance.values.tolist() == [50.0, 75.0, 90.0]
    assert (ds.supply <= ds.limit * (1 + 1e-12)).all()
    if name == "treaty":
        settled(ds)


# the command line


def call(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watersim", "season", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, timeout=300,
    )  # fmt: skip


def test_the_command_writes_four_files_and_says_where(tmp_path: Path) -> None:
    done = call(ROOT / "scenarios/talas/treaty.yaml", "--from", "2013-04-01", "--storages",
                ROOT / "data/talas/storages_2013-04-01.csv", "--forecast", "50,75,90", "-o", "plans",
                cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "plans").iterdir())
    assert names == [f"treaty.plan_2013-04-01.{end}" for end in ("csv", "nc", "png", "xlsx")]
    assert "written: plans/treaty.plan_2013-04-01.nc" in done.stdout


def test_the_command_refuses_with_exit_2_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("node,date,storage_hm3\nkirow,2013-04-01,4\n")
    done = call(ROOT / "scenarios/talas/treaty.yaml", "--from", "2013-04-01", "--storages",
                "bad.csv", "--forecast", "50", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "bad.csv:2: node: is not a node of the scenario (got kirow); did you mean 'kirov'?\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


# the page


def test_the_page_on_seasons_works_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs/season.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, xr.Dataset] = {}
    exec(code, names)
    tables = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    shipped = (ROOT / "data/talas/storages_2013-04-01.csv").read_text(encoding="utf-8")
    assert shipped.endswith(tables[0])
    (tmp_path / "seen.csv").write_text(tables[2], encoding="utf-8")
    stored = "data/talas/storages_2013-04-01.csv"
    scenario = watersim.load("scenarios/talas/treaty.yaml")
    ds = season(scenario, "2013-04-01", stored, [50, 75, 90], None, tmp_path / "seen.csv")
    assert ds.observed.values.sum() == 2
    settled(ds)
    xr.testing.assert_allclose(ds.planned_supply, names["plan"].supply.rename("planned_supply"))


def test_a_plan_is_not_taken_for_a_run(
    written: tuple[xr.Dataset, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written[1][0]
    for command in (["verify", path], ["plot", path], ["compare", path, path]):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in command])
        assert stop.value.code == 2
        said = capsys.readouterr().err
        assert said == f"{path}: is the plan of a season; name the result of a run\n"
