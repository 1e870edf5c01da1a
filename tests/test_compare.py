from __future__ import annotations

import base64
import re

import numpy as np
import pytest
import xarray as xr
from nodes.test_cropland import TEXT, TWO_YEARS

from watersim.closure import close
from watersim.comparison import compare, only
from watersim.comparison_page import _look, page
from watersim.errors import InputError
from watersim.gains import absences, gains, rows, text
from watersim.simulation import run

YEAR = ("2001-01-01", "2001-12-31", "month")
BASIN = """
parties: {UP: Upper, LOW: Lower}
nodes:
  hills: {kind: catchment, party: UP, runoff: 10 m3/s}
  gate: {kind: gauge, environmental_flow: {flow: 2 m3/s, priority: 1}}
  fields: {kind: irrigation, party: LOW, at: gate, priority: 2, requirement: 16 m3/s}
  sands: {kind: terminal}
rivers: [hills > gate > sands]
"""
# A lake of 100 hm3 that starts full, its plant at a fixed head, and a town that is served first.
LARGER = """
parties: {UP: Upper, LOW: Lower}
nodes:
  hills: {kind: catchment, party: UP, runoff: 10 m3/s}
  dam:
    kind: reservoir
    capacity: 100 hm3
    initial_storage: 100 hm3
    levels: {full_level: 900 m, depth: 50 m, exponent: 2}
  plant: {kind: hydropower, party: UP, at: gate, capacity: 20 MW, efficiency: 1.0, head: 10 m}
  gate: {kind: gauge, environmental_flow: {flow: 2 m3/s, priority: 1}}
  fields: {kind: irrigation, party: LOW, at: gate, priority: 2, requirement: 16 m3/s}
  town: {kind: municipal, party: LOW, at: gate, priority: 1, requirement: 1 m3/s}
  sands: {kind: terminal}
rivers: [hills > dam > gate > sands]
"""


@pytest.fixture
def cases(basin) -> dict[str, xr.Dataset]:
    """The basin, the same with 6 m3/s, and one with a dam, a plant and a town."""
    scenario = basin.load(BASIN, YEAR)
    dry = scenario.with_({"nodes.hills.runoff": "6 m3/s", "nodes.fields.priority": 3})
    larger = basin.load(LARGER, YEAR, name="larger")
    return {"as it is": run(scenario), "dry": run(dry), "dam": run(larger)}


def test_every_run_comes_back_as_it_went_in(cases) -> None:
    together = compare(cases)
    for name, ds in cases.items():
        back = only(together, name)
        assert back.attrs["title"] == ds.attrs["title"]
        assert set(back.variables) == set(ds.variables)
        assert close(back).residual <= 1e-12
        for variable in set(ds.variables) - {"bound_by"}:
            family = ds[variable].dims[-1] if ds[variable].dims else None
            there = back[variable]
            if family in ds.indexes:
                there = there.sel({family: ds[family].values})
            np.testing.assert_array_equal(there.values, ds[variable].values, str(variable))


def test_what_a_case_lacks_is_missing_not_zero(cases) -> None:
    together = compare(cases)
    assert together["supply"].dims == ("case", "realization", "time", "site")
    assert together["site"].values.tolist() == ["fields", "town"]
    assert together["site_in_case"].values.tolist() == [[True, False], [True, False], [True, True]]
    assert np.isnan(together["supply"].sel(case="dry", site="town")).all()
    assert np.isnan(together["storage"].sel(case="dry")).all()
    assert np.isfinite(together["supply"].sel(site="fields")).all()


def test_a_coordinate_that_differs_keeps_the_case(cases) -> None:
    together = compare(cases)
    assert together["priority"].dims == ("case", "claim")
    assert together["priority"].sel(claim="fields").values.tolist() == [2, 3, 2]
    assert together["site_party"].dims == ("site",)
    assert together["reservoir_capacity"].values.tolist() == [100e6]


def test_flags_mean_the_same_in_every_case(cases) -> None:
    together = compare(cases)
    meanings = np.array(together["bound_by"].attrs["flag_meanings"].split())
    for name, ds in cases.items():
        own = np.array(ds["bound_by"].attrs["flag_meanings"].split())
        there = together["bound_by"].sel(case=name, claim=ds["claim"].values).values
        assert (meanings[there] == own[ds["bound_by"].values]).all()
    absent = together["bound_by"].sel(case="dry", claim="town").values
    assert (absent == -1).all()


def test_steps_and_realizations_must_be_the_same(basin) -> None:
    scenario = basin.load(BASIN, YEAR)
    one = run(scenario)
    other = basin.run(BASIN, ("2001-01-01", "2001-12-31", "decade"))
    with pytest.raises(InputError) as refused:
        compare({"a": one, "decades": other, "many": run(scenario, 2)})
    assert str(refused.value).splitlines() == [
        "decades: has other steps than 'a' (2001-01-01 to 2001-12-31 in 36 decades; 2001-01-01 to "
        "2001-12-31 in 12 months); compare runs of one period and step",
        "many: has 2 realizations and 'a' 1; run both with as many",
    ]


@pytest.mark.parametrize("count", [0, 1])
def test_a_comparison_needs_two_runs(cases, count: int) -> None:
    with pytest.raises(InputError, match="at least two runs"):
        compare(dict(list(cases.items())[:count]))


def test_gains_are_against_the_first_case_by_hand(cases) -> None:
    # The fields get 8 of 16 m3/s, in the dry case 4; a year of 1 m3/s is 31.536 hm3.
    # With the dam 100 hm3 more are at hand, less 31.536 of the town: all of it goes to the fields.
    found = gains(compare(cases)).isel(realization=0)
    fields = found.sel(group="Lower irrigation")
    np.testing.assert_allclose(
        fields["supply"], [8 * 31.536, 4 * 31.536, 7 * 31.536 + 100], rtol=1e-12
    )
    np.testing.assert_allclose(
        fields["supply_change"], [0.0, -4 * 31.536, 100 - 31.536], rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(fields["deficit_change"], -fields["supply_change"], atol=1e-9)
    np.testing.assert_allclose(fields["cover"][:2], [0.5, 0.25], rtol=1e-12)
    assert fields["supply"].attrs["units"] == "hm3/yr"
    town = found.sel(group="Lower municipal")
    assert np.isnan(town["supply"][:2]).all()
    assert float(town["supply"][2]) == pytest.approx(31.536)
    assert np.isnan(found["energy"].sel(party="Upper")[:2]).all()
    # what passes the gate drives the plant: P = 9810 W per m3/s and 10 m, E = P x 8760 h
    passing = (
        cases["dam"]["turbine_flow"].weighted(cases["dam"]["time"].dt.days_in_month).mean("time")
    )
    energy = float(passing.squeeze()) * 9.81e4 * 8760 / 1e9
    assert float(found["energy"].sel(party="Upper")[2]) == pytest.approx(energy)
    assert float(found["lowest_storage"][2, 0]) == pytest.approx(0.0, abs=1e-6)


def test_several_years_are_a_mean_year(basin) -> None:
    scenario = basin.load(BASIN, ("2001-01-01", "2003-12-31", "month"))
    dry = run(scenario.with_({"nodes.hills.runoff": "6 m3/s"}))
    change = gains(compare({"as it is": run(scenario), "dry": dry}))["supply_change"]
    np.testing.assert_allclose(change.values.ravel(), [0.0, -4 * 31.536], rtol=1e-12)


def test_changes_are_paired_by_realization(basin) -> None:
    scenario = basin.load(BASIN, YEAR)
    starts = scenario.timeline.starts.astype("datetime64[ns]")

    def forced(values: list[float]) -> xr.Dataset:
        runoff = np.array(values)[:, np.newaxis] * np.ones(starts.size)
        made = xr.Dataset({"hills.runoff": (("realization", "time"), runoff)}, {"time": starts})
        return run(scenario, 2, forcing=made)

    found = gains(compare({"a": forced([6.0, 12.0]), "b": forced([7.0, 14.0])}))
    change = found["supply_change"].isel(case=1, group=0).values
    np.testing.assert_allclose(change, [31.536, 2 * 31.536], rtol=1e-12)


def test_the_text_names_who_loses_and_fits_eighty_columns(cases) -> None:
    shown = text(cases)
    assert "dry, supply: Lower irrigation loses 126.1 hm3/yr (−50 %)." in shown
    assert "reservoir dam: only in dam" in shown
    assert re.search(r"Lower irrigation, supply \(hm3/yr\) +252\.3 +126\.1 \(−126\.1\)", shown)
    assert max(map(len, shown.splitlines())) <= 80


def test_many_cases_are_shown_in_blocks_beside_the_first(cases) -> None:
    many = {f"a case with a long name {k}": cases["dry"] for k in range(5)}
    shown = text(many)
    assert all(shown.count(f"long name {k}") >= 2 for k in range(5))
    assert max(map(len, shown.splitlines())) <= 80


# of five cases every measure has a table of its own, one line for each case
def test_many_cases_stand_below_one_another(cases) -> None:
    many = {"as it is": cases["as it is"], **{f"dry {k}": cases["dry"] for k in range(3)},
            "dam": cases["dam"]}  # fmt: skip
    shown = text(many)
    block = shown[shown.index("supply (hm3/yr)") :].split("\n\n")[0].splitlines()
    assert block[0].split() == ["supply", "(hm3/yr)", "Lower", "irrigation", "Lower", "municipal"]
    assert [line.split()[-2] for line in block[1:]] == ["252.3", "126.1", "126.1", "126.1", "320.8"]
    assert block[-1].split()[-1] == "31.5"


def test_the_question_of_every_case_is_said(cases) -> None:
    asked = {name: ds.assign_attrs(summary=f"What of {name}? More is said. And more?")
             for name, ds in cases.items()}  # fmt: skip
    shown, made = text(asked), page(asked)
    for name in cases:
        assert f"  {name}: What of {name}?\n" in shown
        assert f"<td>What of {name}?</td>" in made


def test_no_two_cases_are_drawn_alike() -> None:
    looks = [str(_look(case)) for case in range(25)]
    assert len(set(looks)) == 25


def test_the_page_needs_nothing_but_itself(cases) -> None:
    made = page({"<b>as it is</b>": cases["as it is"], **cases})
    plain = re.sub(r"base64,[A-Za-z0-9+/=]+", "", made)
    assert "://" not in plain
    assert "<script" not in plain
    assert "<b>" not in plain
    assert "&lt;b&gt;as it is" in plain
    pictures = [base64.b64decode(code) for code in re.findall(r"base64,([A-Za-z0-9+/=]+)", made)]
    assert len(pictures) == 3  # supply and deficit, energy, the storage of the dam
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert "Lower irrigation" in plain
    assert "not in this case" in plain


# UP and LOW share 10 m3/s; each asks for 8. Under 60 : 40 they take 6 and 4, under 50 : 50 five each.
SHARED = """
parties: {UP: Upper, LOW: Lower}
nodes:
  hills: {kind: catchment, runoff: 10 m3/s}
  gate: {kind: gauge}
  above: {kind: irrigation, party: UP, at: gate, priority: 1, requirement: 8 m3/s}
  below: {kind: irrigation, party: LOW, at: gate, priority: 1, requirement: 8 m3/s}
  sands: {kind: terminal}
rivers: [hills > gate > sands]
agreements:
  treaty: {kind: shares, resource: {inflow_of: [hills]}, shares: {UP: 60 %, LOW: 40 %}, period: month}
"""


@pytest.fixture
def treaties(basin) -> dict[str, xr.Dataset]:
    scenario = basin.load(SHARED, YEAR)
    even = scenario.with_({"agreements.treaty.shares": {"UP": "50 %", "LOW": "50 %"}})
    without = scenario.with_({"agreements.treaty": None})
    return {"60 : 40": run(scenario), "50 : 50": run(even), "no treaty": run(without)}


def test_two_variants_of_a_treaty_show_who_gains_and_who_loses(treaties) -> None:
    found = gains(compare(treaties)).isel(realization=0)
    upper, lower = (found.sel(account=f"{name} (treaty)") for name in ("Upper", "Lower"))
    year = 31.536
    np.testing.assert_allclose(upper["entitlement"][:2], [6 * year, 5 * year], rtol=1e-12)
    np.testing.assert_allclose(lower["entitlement"][:2], [4 * year, 5 * year], rtol=1e-12)
    np.testing.assert_allclose(upper["delivered_change"][:2], [0.0, -year], atol=1e-9)
    np.testing.assert_allclose(lower["delivered_change"][:2], [0.0, year], atol=1e-9)
    np.testing.assert_allclose(lower["fulfilment"][:2], 1.0, rtol=1e-12)
    np.testing.assert_allclose(upper["final_balance"][:2], 0.0, atol=1e-9)
    assert np.isnan(upper["entitlement"][2])
    cover = found["cover"].sel(group="Lower irrigation")
    np.testing.assert_allclose(cover, [0.5, 0.625, 0.625], rtol=1e-12)


def test_a_share_that_is_used_less_is_neither_gain_nor_loss(basin) -> None:
    # LOW asks for 3 m3/s: of 4 it uses 75 %, of 5 only 60 %, and gets the same
    modest = SHARED.replace("priority: 1, requirement: 8 m3/s}\n  sands", "priority: 1, requirement: "
                            "3 m3/s}\n  sands")  # fmt: skip
    scenario = basin.load(modest, YEAR)
    even = scenario.with_({"agreements.treaty.shares": {"UP": "50 %", "LOW": "50 %"}})
    found = list(rows(gains(compare({"60 : 40": run(scenario), "50 : 50": run(even)}))))
    own = {row.measure: row.cells[1] for row in found if row.of == "Lower (treaty)"}
    assert own["delivered / entitlement"] == ("60.0", "−15.0", "")
    assert own["entitlement"].verdict == "better"
    assert own["delivered"] == ("94.6", "=", "")


def test_the_text_and_the_page_show_the_accounts(treaties) -> None:
    shown = text(treaties)
    said = " ".join(shown.split())
    assert (
        "50 : 50, entitlement: Lower (treaty) gains 31.5 hm3/yr (+25 %); Upper (treaty) loses"
        in said
    )
    assert re.search(r"Lower \(treaty\), delivered \(hm3/yr\) +126\.1 +157\.7 \(\+31\.5\)", shown)
    assert max(map(len, shown.splitlines())) <= 80
    made = page(treaties)
    captions = re.findall("<figcaption>(.*?)</figcaption>", made)
    assert any(caption.startswith("Accounts of the agreements") for caption in captions)
    assert "Balances of the accounts of treaty" in captions
    assert "Upper (treaty)" in made


def test_crops_are_compared_by_what_they_evaporate(basin) -> None:
    wet, dry = (
        run(basin.load(TEXT.replace("runoff: 30", f"runoff: {flow}"), TWO_YEARS, name=f"r{flow}"))
        for flow in (30, 4)
    )
    [row] = [row for row in rows(gains(compare({"wet": wet, "dry": dry})))
             if row.measure == "evapotranspiration reached by crops"]  # fmt: skip
    assert (row.of, row.units, row.cells[1].verdict) == ("no party", "%", "worse")
    assert float(row.cells[0].value) > 99.0 > float(row.cells[1].value)


def test_many_members_that_only_some_cases_have_stand_in_one_line(basin) -> None:
    many = TEXT.replace(
        "area: 8000 ha}",
        "area: 4000 ha}" + "".join(f", {{crop: maize{k}, area: 1000 ha}}" for k in range(3)),
    )
    start, end = many.index("  maize:\n"), many.index("\nnodes:")
    copies = "".join(many[start:end].replace("maize:", f"maize{k}:") + "\n" for k in range(3))
    many = many[:start] + copies + many[start:]
    with_crops = run(basin.load(many, TWO_YEARS, name="crops"))
    without = run(basin.load(BASIN, TWO_YEARS, name="plain"))
    said = [line for line in absences(compare({"plain": without, "crops": with_crops}))
            if line.startswith("crop ")]  # fmt: skip
    assert said == ["crop land.maize and 3 more: only in crops"]
