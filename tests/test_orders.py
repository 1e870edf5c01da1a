"""Orders: what claims behind long reaches ask of the river above, and what they get."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from basins import Basin
from test_metamorphic import same

import watersim
from watersim.reasons import short_steps, why

LEVELS = "levels: {full_level: 100 m, depth: 20 m, exponent: 2.5}"
DAM = f"""
nodes:
  dam: {{kind: reservoir, capacity: 90000 hm3, initial_storage: 90000 hm3, {LEVELS}}}
  ford: {{kind: junction}}
  sea: {{kind: terminal}}
"""
SPAN = {
    "day": ("2001-01-01", "2001-03-31", "day"),
    "decade": ("2001-01-01", "2002-12-31", "decade"),
    "month": ("2001-01-01", "2005-12-31", "month"),
}
SHORTEST = {"day": 1.0, "decade": 8.0, "month": 28.0}  # days


def flows(ds: xr.Dataset, name: str, of: str) -> np.ndarray:
    """A variable of a reach or node in every step."""
    family = str(ds[name].dims[-1])
    return np.asarray(ds[name].sel({family: of}).values[0])


# need 100 behind a loss of a tenth: 111.1 in every step, from the first on where the reach is long;
# within the step (up to a third) every release makes up for what the one before left under way
@pytest.mark.parametrize("step", ["day", "decade", "month"])
@pytest.mark.parametrize("lag", [0.1, 0.3, 0.34, 0.4, 0.5, 0.6, 0.85, 1.0, 1.5, 2.0, 7.3, 20.0])
def test_a_steady_need_gives_a_steady_release(basin: Basin, lag: float, step: str) -> None:
    days = lag * SHORTEST[step]
    text = (
        DAM
        + f"""
  farm: {{kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}}
rivers: [dam > ford > sea]
reaches: {{dam > ford: {{lag: {days} days, loss: 10 %}}}}
"""
    )
    start, end, _ = SPAN[step]
    ds = basin.run(text, (start, end, step))
    release, supply = flows(ds, "reach_flow", "dam > ford"), ds["supply"].values.ravel()
    behind = int(np.ceil(lag * 4)) + 2
    if lag > 1 / 3:
        np.testing.assert_allclose(release, 100 / 0.9, rtol=1e-12)
        np.testing.assert_allclose(supply[behind:], 100.0, rtol=1e-12)
    else:
        np.testing.assert_allclose(release[-20:], 100 / 0.9, rtol=1e-5)
        np.testing.assert_allclose(supply, 100.0, rtol=1e-11)
    assert np.all(flows(ds, "outflow", "sea")[behind:] <= (1e-9 if lag > 1 / 3 else 3.0))


# within the step, too, the release is steady from the first one on where the river flowed before
@pytest.mark.parametrize("step", ["day", "decade", "month"])
@pytest.mark.parametrize("lag", [0.1, 0.2, 0.3, 0.333])
def test_a_river_under_way_is_steady_at_once(basin: Basin, lag: float, step: str) -> None:
    text = (
        DAM
        + f"""
  farm: {{kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}}
rivers: [dam > ford > sea]
reaches: {{dam > ford: {{lag: {lag * SHORTEST[step]} days, loss: 10 %, initial_flow: 100 m3/s}}}}
"""
    )
    ds = basin.run(text, SPAN[step])
    np.testing.assert_allclose(flows(ds, "reach_flow", "dam > ford"), 100 / 0.9, rtol=1e-9)
    np.testing.assert_allclose(ds["supply"].values, 100.0, rtol=1e-9)


@pytest.mark.parametrize(("k", "x", "step"), [("3 days", 0.2, "day"), ("25 days", 0.1, "month")])
def test_a_steady_need_behind_a_muskingum_reach_too(
    basin: Basin, k: str, x: float, step: str
) -> None:
    text = (
        DAM
        + f"""
  farm: {{kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}}
rivers: [dam > ford > sea]
reaches: {{dam > ford: {{kind: muskingum, k: {k}, x: {x}, loss: 10 %, initial_flow: 100 m3/s}}}}
"""
    )
    ds = basin.run(text, SPAN[step])
    np.testing.assert_allclose(flows(ds, "reach_flow", "dam > ford"), 100 / 0.9, rtol=1e-12)
    np.testing.assert_allclose(ds["supply"].values, 100.0, rtol=1e-12)


# the need of Kyzylorda, by month, behind the reach from Shardara: each month's need steps up or
# down at a day of the calendar, each decade's release arrives over two decades
KYZYLORDA = "{monthly: [0, 0, 0, 208, 549, 438, 360, 177, 39, 0, 0, 0], unit: m3/s}"


# 8 to 9 days is that reach; the others are 0.34 … 4 steps, with 5, 15 and 35 the worst, half a step
@pytest.mark.parametrize(
    "lag", [8.0, 8.5, 9.0, 3.4, 4.0, 5.0, 6.0, 7.0, 12.0, 15.0, 25.0, 35.0, 40.0]
)
def test_a_seasonal_need_is_covered_and_little_more_is_released(basin: Basin, lag: float) -> None:
    text = (
        DAM
        + f"""
  farm: {{kind: irrigation, at: ford, priority: 1, requirement: {KYZYLORDA}}}
rivers: [dam > ford > sea]
reaches: {{dam > ford: {{lag: {lag} days, loss: 10 %}}}}
"""
    )
    ds = basin.run(text, ("2001-01-01", "2003-12-31", "decade"))
    length = np.diff(ds["time_bounds"].values, axis=1).ravel() / np.timedelta64(1, "s")
    volumes = {
        name: float((values * length).sum())
        for name, values in (
            ("need", ds["requirement"].values.ravel()), ("supply", ds["supply"].values.ravel()),
            ("release", flows(ds, "reach_flow", "dam > ford")),
        )
    }  # fmt: skip
    assert volumes["supply"] >= 0.99 * volumes["need"]
    assert volumes["release"] <= 1.05 * volumes["need"] / 0.9


# 12 days, a month's step: of an order of 100 the claim gets what the dam can give; the farm
# above, of a later priority than the town below, gets what is left, and one before it comes first
@pytest.mark.parametrize(("above", "gets"), [(3, 50.0), (1, 90.0)])
def test_an_order_stands_among_the_claims_above_by_its_priority(
    basin: Basin, above: int, gets: float
) -> None:
    text = f"""
nodes:
  spring: {{kind: catchment, runoff: 150 m3/s}}
  weir: {{kind: junction}}
  ford: {{kind: junction}}
  sea: {{kind: terminal}}
  farm: {{kind: irrigation, at: weir, priority: {above}, requirement: 90 m3/s}}
  town: {{kind: municipal, at: ford, priority: 2, requirement: 80 m3/s}}
rivers: [spring > weir > ford > sea]
reaches: {{weir > ford: {{lag: 12 days, loss: 20 %}}}}
"""
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    supply = ds["supply"].sel(site="farm").values[0]
    np.testing.assert_allclose(supply, gets, rtol=1e-12)
    town = ds["supply"].sel(site="town").values[0, 2:]
    np.testing.assert_allclose(town, 80.0 if above == 3 else 48.0, rtol=1e-12)
    ordered = ds["claim_requirement"].sel(claim="weir.orders_2").values
    np.testing.assert_allclose(ordered, 100.0, rtol=1e-12)
    assert float(ds["cover"].sel(claim="weir.orders_2")[0, 5]) == pytest.approx(
        1.0 if above == 3 else 0.6
    )


# 30 for the town first, 50 for the farm later: the first order asks 30, the second 80, which the
# first is part of; with 40 in the river the farm gets 10
def test_orders_of_several_priorities_stand_in_one_another(basin: Basin) -> None:
    text = """
nodes:
  spring: {kind: catchment, runoff: 40 m3/s}
  ford: {kind: junction}
  sea: {kind: terminal}
  town: {kind: municipal, at: ford, priority: 1, requirement: 30 m3/s}
  farm: {kind: irrigation, at: ford, priority: 3, requirement: 50 m3/s}
rivers: [spring > ford > sea]
reaches: {spring > ford: {lag: 20 days}}
"""
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    asked = ds["claim_requirement"].sel(claim=["spring.orders_1", "spring.orders_3"]).values[0]
    np.testing.assert_allclose(asked, np.tile([30.0, 80.0], (12, 1)), rtol=1e-12)
    supply = ds["supply"].sel(site=["town", "farm"]).values[0, 3:]
    np.testing.assert_allclose(supply, np.tile([30.0, 10.0], (9, 1)), rtol=1e-12)


# at the ford 20 are to stay in the river, and further down 30: not 50 but 30, and what is taken.
# ford 10 + max(20, (30 + 15) / 0.9)
def test_flows_that_must_pass_overlap_in_an_order(basin: Basin) -> None:
    text = DAM.replace("ford: {kind: junction}", "ford: {kind: gauge, environmental_flow: "
                       "{flow: 20 m3/s, priority: 1}}\n"
                       "  bend: {kind: gauge, environmental_flow: {flow: 30 m3/s, priority: 1}}") + """
  mill: {kind: municipal, at: ford, priority: 1, requirement: 10 m3/s}
  farm: {kind: irrigation, at: bend, priority: 1, requirement: 15 m3/s}
rivers: [dam > ford > bend > sea]
reaches: {dam > ford: {lag: 20 days}, ford > bend: {loss: 10 %}}
"""  # fmt: skip
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    np.testing.assert_allclose(flows(ds, "reach_flow", "dam > ford"), 60.0, rtol=1e-12)
    np.testing.assert_allclose(flows(ds, "outflow", "bend")[2:], 30.0, rtol=1e-12)


# of 100 the brook brings 30 below the reach, 25 of them after a mill on it: 75 are ordered; what
# comes back of the upper farm (10 of 40, a quarter) counts too: 40 + 60 − 10 − 25
def test_what_enters_below_is_not_ordered(basin: Basin) -> None:
    text = (
        DAM
        + """
  brook: {kind: catchment, runoff: 30 m3/s}
  mouth: {kind: junction}
  mill: {kind: municipal, at: brook, priority: 1, requirement: 5 m3/s}
  upper: {kind: irrigation, at: ford, priority: 1, requirement: 40 m3/s,
    return_flow: {fraction: 25 %, to: mouth}}
  lower: {kind: irrigation, at: mouth, priority: 1, requirement: 60 m3/s}
rivers: [dam > ford > mouth > sea, brook > mouth]
reaches: {dam > ford: {lag: 20 days}}
"""
    )
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    np.testing.assert_allclose(flows(ds, "reach_flow", "dam > ford"), 65.0, rtol=1e-12)
    np.testing.assert_allclose(ds["supply"].sel(site="lower").values[0, 2:], 60.0, rtol=1e-12)
    np.testing.assert_allclose(flows(ds, "outflow", "sea")[2:], 0.0, atol=1e-9)


# 40 are asked behind a canal that loses a fifth and carries 30: 30 are ordered, not 50
def test_no_more_is_ordered_than_a_canal_can_bring(basin: Basin) -> None:
    text = (
        DAM
        + """
  farm: {kind: irrigation, priority: 1, requirement: 40 m3/s}
rivers: [dam > ford > sea]
reaches: {dam > ford: {lag: 20 days}}
canals: {main: {from: ford, to: farm, loss: 20 %, capacity: 30 m3/s}}
"""
    )
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    np.testing.assert_allclose(flows(ds, "reach_flow", "dam > ford"), 30.0, rtol=1e-12)
    np.testing.assert_allclose(ds["supply"].values[0, 2:], 24.0, rtol=1e-12)


# a store below serves first; orders begin in time for the water to arrive as it runs out, and the
# dam above then gives what is asked, no more; zones that are to be filled order nothing
def test_a_reservoir_below_is_drawn_before_anything_is_ordered(basin: Basin) -> None:
    text = DAM.replace("ford: {kind: junction}", "low: {kind: reservoir, capacity: 1000 hm3, "
                       f"initial_storage: 1000 hm3, dead_storage: 100 hm3, {LEVELS}}}\n"
                       "  ford: {kind: junction}") + """
  farm: {kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}
rivers: [dam > low > ford > sea]
reaches: {dam > low: {lag: 25 days}}
"""  # fmt: skip
    for step, k in (("decade", 30), ("month", 12), ("day", 80)):
        ds = basin.run(text, SPAN[step])
        np.testing.assert_allclose(ds["supply"].values, 100.0, rtol=1e-9)
        release, stored = flows(ds, "reach_flow", "dam > low"), flows(ds, "storage", "low")
        length = np.diff(ds["time_bounds"].values, axis=1).ravel() / np.timedelta64(1, "s")
        drawn = 900e6 / 100.0 - 25 * 86_400  # s for which nothing need be released
        before = np.cumsum(length) <= drawn
        assert np.all(release[before] == 0.0)
        np.testing.assert_allclose(release[k:], 100.0, rtol=1e-9)
        np.testing.assert_allclose(stored[k + 30 :], 100e6, rtol=1e-6)


# two dams behind long ways to one place: the first in river order gives; the second only what the
# first does not bring. One without a dam gives what it has, and is counted on
def test_of_two_long_reaches_that_join_one_waits_for_the_other(basin: Basin) -> None:
    text = f"""
nodes:
  east: {{kind: reservoir, capacity: 9000 hm3, initial_storage: 1500 hm3, {LEVELS}}}
  west: {{kind: reservoir, capacity: 9000 hm3, initial_storage: 9000 hm3, {LEVELS}}}
  hill: {{kind: catchment, runoff: 10 m3/s}}
  ford: {{kind: junction}}
  sea: {{kind: terminal}}
  farm: {{kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}}
rivers: [east > ford > sea, west > ford, hill > ford]
reaches: {{east > ford: {{lag: 20 days}}, west > ford: {{lag: 30 days}}, hill > ford: {{lag: 25 days}}}}
"""
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    east, west = (flows(ds, "reach_flow", f"{name} > ford") for name in ("east", "west"))
    assert east[2] == pytest.approx(90.0, rel=1e-9)
    assert east[-1] == 0.0
    assert west[2] == pytest.approx(0.0, abs=1e-6)
    assert west[-1] == pytest.approx(90.0, rel=1e-9)
    np.testing.assert_allclose(flows(ds, "inflow", "ford")[-3:], 100.0, rtol=1e-9)


def test_orders_reach_through_several_long_reaches(basin: Basin) -> None:
    text = DAM.replace("ford: {kind: junction}",
                       "ford: {kind: junction}\n  bend: {kind: junction}") + """
  near: {kind: irrigation, at: ford, priority: 1, requirement: 20 m3/s}
  far: {kind: irrigation, at: bend, priority: 2, requirement: 40 m3/s}
rivers: [dam > ford > bend > sea]
reaches: {dam > ford: {lag: 20 days, loss: 10 %}, ford > bend: {lag: 35 days, loss: 20 %}}
"""  # fmt: skip
    ds = basin.run(text, ("2001-01-01", "2002-12-31", "month"))
    np.testing.assert_allclose(flows(ds, "reach_flow", "dam > ford"), 70 / 0.9, rtol=1e-12)
    np.testing.assert_allclose(flows(ds, "reach_flow", "ford > bend")[2:], 50.0, rtol=1e-12)
    np.testing.assert_allclose(ds["supply"].sel(site="far").values[0, 5:], 40.0, rtol=1e-12)


# a flow that spills into the reach anyhow serves the order: nothing is released beside it
def test_water_that_passes_anyhow_serves_an_order(basin: Basin) -> None:
    text = """
nodes:
  spring: {kind: catchment, runoff: 300 m3/s}
  ford: {kind: junction}
  sea: {kind: terminal}
  farm: {kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}
rivers: [spring > ford > sea]
reaches: {spring > ford: {lag: 20 days}}
"""
    ds = basin.run(text, ("2001-01-01", "2001-06-30", "month"))
    np.testing.assert_allclose(ds["claim_supply"].sel(claim="spring.orders_1"), 100.0, rtol=1e-12)
    np.testing.assert_allclose(flows(ds, "outflow", "sea")[2:], 200.0, rtol=1e-12)


CUT = f"""
nodes:
  north: {{kind: catchment, runoff: {{monthly: [9, 8, 9, 14, 30, 42, 35, 20, 12, 10, 9, 9],
    unit: m3/s}}}}
  dam: {{kind: reservoir, capacity: 150 hm3, dead_storage: 10 hm3, initial_storage: 60 hm3, {LEVELS},
    outlet_capacity: 25 m3/s, evaporation: 4 mm/day}}
  south: {{kind: catchment, runoff: {{monthly: [3, 3, 4, 9, 12, 8, 4, 2, 2, 3, 3, 3], unit: m3/s}}}}
  fork: {{kind: gauge, environmental_flow: {{flow: 2 m3/s, priority: 1}}}}
  low: {{kind: reservoir, capacity: 60 hm3, dead_storage: 5 hm3, initial_storage: 20 hm3, {LEVELS},
    zones: [{{name: reserve, to: 15 hm3, priority: 3}}, {{name: conservation, to: capacity}}]}}
  upper: {{kind: irrigation, priority: 2, requirement: {{monthly: [0, 0, 2, 8, 15, 20, 22, 18, 9, 2,
    0, 0], unit: m3/s}}, return_flow: {{fraction: 25 %, to: fork}}}}
  lower: {{kind: irrigation, at: low, priority: 2, requirement: {{monthly: [0, 0, 0, 6, 10, 14, 16,
    12, 6, 0, 0, 0], unit: m3/s}}}}
  last: {{kind: irrigation, at: delta, priority: 4, requirement: 5 m3/s}}
  town: {{kind: municipal, at: fork, priority: 1, requirement: 1 m3/s}}
  delta: {{kind: junction}}
  end: {{kind: terminal}}
rivers:
  - north > dam > fork > low > delta > end
  - south > fork
reaches:
  dam > fork: {{loss: 3 %, lag: 17 days}}
  low > delta: {{kind: muskingum, k: 12 days, x: 0.1, loss: {{monthly: [1, 1, 1, 2, 4, 8, 9, 5, 3, 2,
    1, 1], unit: '%'}}}}
canals:
  main: {{from: dam, to: upper, capacity: 18 m3/s, loss: 12 %}}
"""


@pytest.mark.parametrize("step", ["decade", "month"])
def test_the_compiled_fill_and_the_linear_programmes_agree(basin: Basin, step: str) -> None:
    scenario = basin.load(CUT, ("2001-01-01", "2002-12-31", step))
    one, other = watersim.run(scenario), watersim.run(scenario, exactly=True)
    for name in ("supply", "storage", "reach_flow", "claim_requirement"):
        largest = float(np.abs(one[name]).max())
        np.testing.assert_allclose(one[name].values, other[name].values, atol=1e-7 * largest)


def test_realizations_steps_by_hand_and_the_order_of_the_file_change_no_bit(basin: Basin) -> None:
    time = ("2001-01-01", "2002-12-31", "decade")
    scenario = basin.load(CUT, time)
    plain = watersim.run(scenario)
    four = watersim.run(scenario, realizations=4, workers=2)
    same(four.isel(realization=3, drop=True), plain.isel(realization=0, drop=True))
    hand = watersim.stepper(scenario)
    while hand.time is not None:
        hand.step()
    same(hand.results(), plain)
    head, rest = CUT.split("rivers:")
    blocks = re.split(r"(?m)^  (?=\w)", head.removeprefix("\nnodes:\n"))[1:]
    text = "nodes:\n" + "".join(f"  {block}" for block in reversed(blocks))
    other = basin.run(text + "rivers:" + rest, time, name="other")
    same(other, plain)


# a requirement given in Python is ordered as it is there, realization by realization
def test_orders_follow_the_forcing_that_is_used(basin: Basin) -> None:
    text = (
        DAM
        + """
  farm: {kind: irrigation, at: ford, priority: 1, requirement: 100 m3/s}
rivers: [dam > ford > sea]
reaches: {dam > ford: {lag: 20 days}}
"""
    )
    scenario = basin.load(text, ("2001-01-01", "2001-12-31", "month"))
    time = scenario.timeline.starts.astype("datetime64[ns]")
    asked = np.stack([np.linspace(0, 110, 12), np.linspace(110, 0, 12)])
    forcing = xr.Dataset({"farm.requirement": (("realization", "time"), asked)}, {"time": time})
    ds = watersim.run(scenario, realizations=2, forcing=forcing)
    supply = ds["supply"].values[:, 2:, 0]
    np.testing.assert_allclose(supply, asked[:, 2:], rtol=0.02, atol=1.5)
    alone = watersim.run(scenario, forcing=forcing.isel(realization=1))
    np.testing.assert_array_equal(alone["supply"].values[0], ds["supply"].values[1])


# what is asked beyond the end of a run counts in its last orders, so that a run split in two is one
def test_needs_beyond_the_end_are_known_where_the_file_says_them(basin: Basin) -> None:
    def text(form: str) -> str:
        return (
            DAM
            + f"""
  farm: {{kind: irrigation, at: ford, priority: 1, requirement: {form}}}
rivers: [dam > ford > sea]
reaches: {{dam > ford: {{lag: 40 days}}}}
"""
        )

    table = {"need.csv": "month,need_m3s\n" + "".join(
        f"{year}-{month:02d},{need}\n" for year in (2001, 2002)
        for month, need in enumerate([0, 0, 0, 20, 50, 60, 60, 50, 20, 0, 0, 0], 1)
    )}  # fmt: skip
    column = "{file: need.csv, column: need_m3s}"
    months = "{monthly: [0, 0, 0, 20, 50, 60, 60, 50, 20, 0, 0, 0], unit: m3/s}"
    for form in (column, months):
        whole = basin.run(text(form), ("2001-01-01", "2002-12-31", "month"), tables=table)
        half = basin.run(text(form), ("2001-01-01", "2001-05-31", "month"), tables=table)
        np.testing.assert_array_equal(half["reach_flow"].values, whole["reach_flow"].values[:, :5])


def test_a_claim_behind_a_long_reach_says_what_was_short_and_where_to_look(basin: Basin) -> None:
    text = """
nodes:
  spring: {kind: catchment, runoff: 60 m3/s}
  weir: {kind: junction}
  ford: {kind: junction}
  sea: {kind: terminal}
  farm: {kind: irrigation, at: weir, priority: 1, requirement: 50 m3/s}
  town: {kind: municipal, at: ford, priority: 2, requirement: 40 m3/s}
rivers: [spring > weir > ford > sea]
reaches: {weir > ford: {lag: 25 days}}
"""
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"))
    short = "bound by the water of the river at ford and of what was sent earlier from weir"
    assert why(ds, "town", "2001-11").endswith(f"25 % covered; {short}")
    said = why(ds, "weir.orders_2", "2001-10")
    assert said.endswith("25 % covered; bound by the water of the river at weir")
    listed = short_steps(ds)["claim"].values.astype(str)
    assert set(listed.tolist()) == {"town"}
