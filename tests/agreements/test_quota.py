"""A quota caps what its sites take in a window, and what they leave goes to the others."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import xarray as xr
from basins import YEAR, Basin
from test_metamorphic import FORKED, same

import watersim
from watersim.compile import compile
from watersim.engine import Engine
from watersim.errors import InputError
from watersim.netcdf import save
from watersim.timeline import Timeline, steps_back

MONTH = ("2001-01-01", "2001-01-31", "month")
TWO = """
nodes:
  hills: {kind: catchment, runoff: 90 hm3/month}
  weir: {kind: junction}
  a: {kind: irrigation, at: weir, priority: 1, requirement: 60 hm3/month}
  b: {kind: irrigation, at: weir, priority: 1, requirement: 60 hm3/month}
  sea: {kind: terminal}
rivers: [hills > weir > sea]
"""
LICENCE = "agreements: {licence: {kind: quota, sites: [a], limit: 30 hm3, per: month}}\n"
# 10 hm3 in every month: a growing season's 35 hm3 are used up in the middle of July
SEASON = """
nodes:
  hills: {kind: catchment, runoff: 50 hm3/month}
  weir: {kind: junction}
  a: {kind: irrigation, at: weir, priority: 1, requirement: 6 hm3/month}
  b: {kind: municipal, at: weir, priority: 2, requirement: 4 hm3/month}
  c: {kind: municipal, at: weir, priority: 3, requirement: 5 hm3/month}
  sea: {kind: terminal}
rivers: [hills > weir > sea]
agreements:
  licence: {kind: quota, sites: [a, b], limit: 35 hm3, per: season}
"""
LATE = "agreements: {licence: {kind: quota, sites: [upper, lower], limit: 150 hm3, per: season}}\n"
FORKED_LICENCE = FORKED + LATE


def volumes(ds: xr.Dataset, site: str) -> list[float]:
    """What arrived at a site in every step, hm3."""
    bounds = ds["time_bounds"].values
    seconds = (bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "s")
    given: list[float] = (ds["supply"].sel(site=site).values[0] * seconds / 1e6).tolist()
    return given


def settled_by_fill(basin: Basin, text: str) -> int:
    """In how many allocations of a step the pass down the river left a lane to `fill`."""
    engine = Engine(compile(basin.load(text, MONTH)))
    engine.advance(0, 1)
    return int(engine._blocks[0].room.counts[1])


def test_a_quota_stops_its_site_and_the_other_of_the_same_priority_rises_on(basin: Basin) -> None:
    ds = basin.run(TWO + LICENCE, MONTH)
    assert volumes(ds, "a") == pytest.approx([30.0], rel=1e-12)
    assert volumes(ds, "b") == pytest.approx([60.0], rel=1e-12)
    without = basin.run(TWO, MONTH, name="without")
    assert volumes(without, "a") == pytest.approx([45.0], rel=1e-12)


def test_a_quota_that_stops_nobody_changes_nothing(basin: Basin) -> None:
    ample = basin.run(TWO + LICENCE.replace("30 hm3", "60 hm3"), MONTH)
    without = basin.run(TWO, MONTH, name="without")
    np.testing.assert_array_equal(ample["supply"].values, without["supply"].values)
    np.testing.assert_array_equal(ample["bound_by"].values, without["bound_by"].values)


def test_a_quota_of_nothing_gives_nothing(basin: Basin) -> None:
    ds = basin.run(TWO + LICENCE.replace("30 hm3", "0 hm3"), MONTH)
    assert volumes(ds, "a") == [0.0]
    assert volumes(ds, "b") == pytest.approx([60.0], rel=1e-12)


# b and c share what a leaves of the river, and both rise on when the quota stops a
def test_a_row_that_cuts_across_a_rank_is_left_to_the_fill(basin: Basin) -> None:
    wet = TWO.replace("90 hm3", "500 hm3")
    more = "  c: {kind: irrigation, at: weir, priority: 1, requirement: 60 hm3/month}\n"
    wet = wet.replace("  sea:", f"{more}  sea:")
    assert settled_by_fill(basin, wet + LICENCE) > 0
    assert settled_by_fill(basin, wet + LICENCE.replace("30 hm3", "60 hm3")) == 0


def test_one_claim_beside_a_quota_needs_no_second_method(basin: Basin) -> None:
    assert settled_by_fill(basin, TWO + LICENCE) == 0
    ds = basin.run(TWO + LICENCE, MONTH)
    assert volumes(ds, "b") == pytest.approx([60.0], rel=1e-12)


@pytest.mark.parametrize("sites", ["[a]", "[a, b]"])
@pytest.mark.parametrize("water", [20, 90, 500])
def test_the_pass_down_the_river_gives_what_linear_programmes_give(
    basin: Basin, sites: str, water: int
) -> None:
    text = TWO.replace("90 hm3", f"{water} hm3") + LICENCE.replace("[a]", sites)
    fast = basin.run(text, MONTH)
    exact = watersim.run(basin.load(text, MONTH), exactly=True)
    np.testing.assert_allclose(fast["supply"].values, exact["supply"].values, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(fast["bound_by"].values, exact["bound_by"].values)


def test_a_season_s_quota_runs_out_in_july_and_begins_anew_in_october(basin: Basin) -> None:
    ds = basin.run(SEASON, YEAR)
    assert volumes(ds, "a") == pytest.approx([6, 6, 6, 6, 6, 6, 5, 0, 0, 6, 6, 6], rel=1e-12)
    assert volumes(ds, "b") == pytest.approx([4, 4, 4, 4, 4, 4, 0, 0, 0, 4, 4, 4], rel=1e-12)
    assert volumes(ds, "c") == pytest.approx([5] * 12, rel=1e-12)
    used = ds["quota_used"].sel(quota="licence").values[0] / 1e6
    assert used == pytest.approx([10, 20, 30, 10, 20, 30, 35, 35, 35, 10, 20, 30], rel=1e-12)
    assert np.all(ds["quota_limit"] == 35e6)
    assert float(ds["initial_quota_used"].sum()) == 0.0


@pytest.mark.parametrize(
    ("per", "used"),
    [
        ("month", [10] * 12),
        ("year", [10, 20, 30, 35, 35, 35, 35, 35, 35, 10, 20, 30]),
    ],
)
def test_a_window_is_a_month_or_a_year_from_october(
    basin: Basin, per: str, used: list[float]
) -> None:
    ds = basin.run(SEASON.replace("per: season", f"per: {per}"), YEAR)
    assert ds["quota_used"].values[0, :, 0] / 1e6 == pytest.approx(used, rel=1e-12)


@pytest.mark.parametrize("step", ["day", "decade"])
def test_shorter_steps_use_up_the_same_window(basin: Basin, step: str) -> None:
    ds = basin.run(SEASON, (*YEAR[:2], step))
    growing = ds.sel(time=slice("2001-04-01", "2001-09-30"))
    assert sum(volumes(growing, "a")) + sum(volumes(growing, "b")) == pytest.approx(35.0, rel=1e-12)
    assert growing["supply"].sel(site="a", time=slice("2001-08-01", None)).values.max() == 0.0
    assert float(ds["supply"].sel(site="a", time="2001-10-01").sum()) > 0.0


def test_what_stopped_a_site_is_the_quota_by_name(basin: Basin) -> None:
    ds = basin.run(SEASON, YEAR)
    words = ds["bound_by"].attrs["flag_meanings"].split()
    july = ds["bound_by"].isel(realization=0, time=6)
    assert words[int(july.sel(claim="b"))] == "quota_licence"
    assert words[int(july.sel(claim="c"))] == "requirement_met"
    assert ds.watersim.why("b", "2001-08").endswith("bound by the quota licence")


def test_a_site_behind_canals_counts_what_arrives_at_its_gate(basin: Basin) -> None:
    behind = TWO.replace("a: {kind: irrigation, at: weir,", "a: {kind: irrigation,")
    one = behind + "canals:\n  x: {from: weir, to: a, loss: 20 %}\n"
    two = one + "  y: {from: hills, to: a, loss: 10 %, preference: 2}\n"
    for name, text in (("one", one), ("two", two)):
        ds = basin.run(text + LICENCE, MONTH, name=name)
        assert volumes(ds, "a") == pytest.approx([30.0], rel=1e-12)
        assert float(ds["quota_used"][0, 0, 0]) == pytest.approx(30e6, rel=1e-12)


def test_realizations_side_by_side_give_the_same_bits(basin: Basin) -> None:
    alone = basin.run(FORKED_LICENCE, YEAR)
    ds = basin.run(FORKED_LICENCE, YEAR, how={"realizations": 2})
    same(ds.isel(realization=0, drop=True), ds.isel(realization=1, drop=True))
    same(ds.isel(realization=[0]), alone)
    assert float(ds["quota_used"].max()) == pytest.approx(150e6, rel=1e-12)


def test_realizations_use_up_their_quota_each_for_itself(basin: Basin) -> None:
    scenario = basin.load(FORKED_LICENCE, YEAR)
    alone = watersim.run(scenario)
    both = np.array([0.0, 1.0])[:, np.newaxis] * alone["runoff"].values[0].T[:, np.newaxis]
    names = [f"{name}.runoff" for name in alone["catchment"].values]
    dims = ("realization", "time")
    flows = {name: (dims, flow) for name, flow in zip(names, both, strict=True)}
    forcing = xr.Dataset(flows, {"time": alone["time"]})
    ds = basin.check(watersim.run(scenario, realizations=2, forcing=forcing))
    same(ds.isel(realization=1, drop=True), alone.isel(realization=0, drop=True))
    assert float(ds["quota_used"][0, 4, 0]) < float(ds["quota_used"][1, 4, 0])


def test_a_run_split_in_the_middle_of_a_window_gives_the_same_bits(basin: Basin) -> None:
    whole = basin.run(FORKED_LICENCE, YEAR)
    first = basin.run(FORKED_LICENCE, ("2001-01-01", "2001-06-30", "month"))
    assert float(first["quota_used"][0, -1, 0]) > 0.0
    save(first, basin.folder / "scenarios" / "first.nc")
    second = basin.run(
        FORKED_LICENCE, ("2001-07-01", "2001-12-31", "month"),
        more="initial: {from: first.nc, at: 2001-06-30}",
    )  # fmt: skip
    rest = whole.isel(time=slice(6, None))
    for name, variable in second.variables.items():
        if not str(name).startswith("initial_"):
            np.testing.assert_array_equal(variable.values, rest[name].values, err_msg=str(name))


def test_a_restart_from_a_run_without_the_quota_is_refused(basin: Basin) -> None:
    save(basin.run(FORKED, YEAR), basin.folder / "scenarios" / "first.nc")
    scenario = basin.load(
        FORKED_LICENCE, ("2002-01-01", "2002-12-31", "month"),
        more="initial: {from: first.nc, at: 2001-12-31}",
    )  # fmt: skip
    with pytest.raises(InputError, match="is a run without the quota 'licence'"):
        watersim.run(scenario)


def test_a_variant_changes_the_limit(basin: Basin) -> None:
    scenario = basin.load(TWO + LICENCE, MONTH)
    ds = watersim.run(scenario.with_({"agreements.licence.limit": "40 hm3"}))
    assert volumes(ds, "a") == pytest.approx([40.0], rel=1e-12)


# a rolling window

# 6 hm3 a month, of which 20 hm3 in any four months: 6, 6, 6, 2, and then what leaves the window
ROLLING = TWO.replace("requirement: 60", "requirement: 6") + (
    "agreements: {licence: {kind: quota, sites: [a], limit: 20 hm3, window: 120 days}}\n"
)


def test_a_rolling_window_frees_what_leaves_it(basin: Basin) -> None:
    # four months have 120 days or more, so the window that ends with one begins in the third before
    ds = basin.run(ROLLING, YEAR)
    taken = volumes(ds, "a")
    assert taken[:4] == pytest.approx([6.0, 6.0, 6.0, 2.0])
    for month in range(4, 12):
        assert taken[month] == pytest.approx(min(6.0, 20.0 - sum(taken[month - 3 : month])))
    used = ds["quota_used"].values[0, :, 0]
    assert used[3:] == pytest.approx([1e6 * sum(taken[m - 3 : m + 1]) for m in range(3, 12)])


def test_a_step_counts_while_any_of_it_lies_in_the_window(basin: Basin) -> None:
    # 365 days are the last twelve months, in a leap year and after one
    line = Timeline(date(1999, 1, 1), date(2001, 12, 31), "month")
    assert steps_back(365 * 86_400.0, line)[12:].tolist() == [11.0] * 24
    by_day = Timeline(date(2001, 5, 1), date(2001, 5, 31), "day")
    assert steps_back(7 * 86_400.0, by_day).tolist() == [0, 1, 2, 3, 4, 5, *[6] * 25]


def test_no_thirty_days_take_more_than_the_limit(basin: Basin) -> None:
    text = ROLLING.replace("limit: 20 hm3, window: 120", "limit: 4 hm3, window: 30")
    taken = np.array(volumes(basin.run(text, ("2001-01-01", "2001-12-31", "day")), "a"))
    sums = np.convolve(taken, np.ones(30), "valid")
    assert sums.max() <= 4.0 * (1 + 1e-12)
    assert sums[60:].min() == pytest.approx(4.0)


@pytest.mark.parametrize("cut", ["2001-02-28", "2001-07-31"])
def test_a_rolling_quota_split_in_two_gives_the_same_bits(basin: Basin, cut: str) -> None:
    whole = basin.run(ROLLING, YEAR)
    save(basin.run(ROLLING, ("2001-01-01", cut, "month")), basin.folder / "scenarios" / "first.nc")
    rest = str(np.datetime64(cut) + 1)
    second = basin.run(ROLLING, (rest, "2001-12-31", "month"),
                       more=f"initial: {{from: first.nc, at: {cut}}}")  # fmt: skip
    both = whole.sel(time=slice(rest, None))
    for name, variable in second.variables.items():
        if not str(name).startswith("initial_"):
            np.testing.assert_array_equal(variable.values, both[name].values, err_msg=str(name))
    hand = watersim.stepper(
        basin.load(ROLLING, (rest, "2001-12-31", "month"),
                   more=f"initial: {{from: first.nc, at: {cut}}}")
    )  # fmt: skip
    while hand.time is not None:
        hand.step()
    same(hand.results(), second)


def test_a_window_beyond_a_run_that_went_on_from_another_is_refused(basin: Basin) -> None:
    folder = basin.folder / "scenarios"
    save(basin.run(ROLLING, ("2001-01-01", "2001-06-30", "month")), folder / "first.nc")
    short = basin.run(ROLLING, ("2001-07-01", "2001-08-31", "month"),
                      more="initial: {from: first.nc, at: 2001-06-30}")  # fmt: skip
    save(short, folder / "second.nc")
    third = basin.load(ROLLING, ("2001-09-01", "2001-12-31", "month"),
                       more="initial: {from: second.nc, at: 2001-08-31}")  # fmt: skip
    with pytest.raises(InputError, match="the window of 'licence' reaches back beyond it"):
        watersim.run(third)


def test_realizations_roll_each_for_itself(basin: Basin) -> None:
    scenario = basin.load(ROLLING, YEAR)
    alone = watersim.run(scenario)
    asked = np.stack([alone["requirement"].sel(site="a").values[0] * f for f in (1.0, 0.5, 2.0)])
    forcing = xr.Dataset(
        {"a.requirement": (("realization", "time"), asked)}, {"time": alone["time"]}
    )
    ds = basin.check(watersim.run(scenario, realizations=3, forcing=forcing))
    np.testing.assert_array_equal(ds["supply"].values[0], alone["supply"].values[0])
    for k in range(3):
        one = watersim.run(scenario, forcing=forcing.isel(realization=k))
        np.testing.assert_array_equal(ds["quota_used"].values[k], one["quota_used"].values[0])
    assert volumes(ds.isel(realization=[2]), "a")[:4] == pytest.approx([12.0, 8.0, 0.0, 0.0])
