"""Reaches: a pulse on its way, losses in a row and by season, a run that goes on."""

from __future__ import annotations

import numpy as np
import pytest
from basins import Basin

from watersim.errors import InputError
from watersim.netcdf import save
from watersim.simulation import run

YEAR = ("2001-01-01", "2001-12-31", "month")
DAYS = ("2001-01-01", "2001-01-05", "day")
RIVER = """
nodes:
  spring: {kind: catchment, runoff: {file: flow.csv, column: flow_m3s}}
  sea: {kind: terminal}
rivers: [spring > sea]
"""
PULSE = {"flow.csv": "date,flow_m3s\n" + "".join(
    f"2001-01-0{k},{100 if k == 2 else 0}\n" for k in range(1, 6)
)}  # fmt: skip


# 100 m3/s on the second day, lag 6 of 24 hours, loss a tenth: 90 · 3/4 arrive that day, 90 · 1/4
# are under way at its end and arrive on the next; then the river is dry
def test_a_pulse_arrives_in_two_parts(basin: Basin) -> None:
    ds = basin.run(
        RIVER + "reaches: {spring > sea: {lag: 6 hours, loss: 10 %}}\n", DAYS, tables=PULSE
    )
    assert ds["reach_arrival"].values.ravel() == pytest.approx([0, 67.5, 22.5, 0, 0], rel=1e-12)
    under_way = ds["reach_storage"].values.ravel()
    assert under_way == pytest.approx([0, 22.5 * 86_400, 0, 0, 0], rel=1e-12)
    assert ds["reach_loss"].values.ravel() == pytest.approx([0, 10, 0, 0, 0], rel=1e-12)


# (1 − 0.1)(1 − 0.2) = 1 − 0.28
def test_losses_of_two_reaches_in_a_row_multiply(basin: Basin) -> None:
    split = RIVER.replace("  sea:", "  half: {kind: junction}\n  sea:").replace(
        "spring > sea", "spring > half > sea")  # fmt: skip
    two = split + "reaches: {spring > half: {loss: 10 %}, half > sea: {loss: 20 %}}\n"
    one = RIVER + "reaches: {spring > sea: {loss: 28 %}}\n"
    np.testing.assert_allclose(
        basin.run(two, DAYS, tables=PULSE)["sink_flow"].values,
        basin.run(one, DAYS, name="one", tables=PULSE)["sink_flow"].values,
        rtol=1e-12,
    )


# 60 hours: of the second day's water, 90, the half arrives on day 4 and the half on day 5
def test_a_pulse_on_a_long_way_arrives_days_later(basin: Basin) -> None:
    ds = basin.run(
        RIVER + "reaches: {spring > sea: {lag: 60 hours, loss: 10 %}}\n", DAYS, tables=PULSE
    )
    assert ds["reach_arrival"].values.ravel() == pytest.approx([0, 0, 0, 45, 45], rel=1e-12)
    stored = ds["reach_storage"].values.ravel() / 86_400.0
    assert stored == pytest.approx([0, 90, 90, 45, 0], abs=1e-9)
    due = ds["under_way"].sel(reach_part=["spring > sea.1", "spring > sea.2", "spring > sea.3"])
    assert due.values[0, 1] / 86_400.0 == pytest.approx([0, 45, 45], abs=1e-9)


# 16 of 24 hours: a third of the day's water arrives on the day, though no claim could count on it
def test_a_part_may_arrive_within_the_step_in_which_it_entered(basin: Basin) -> None:
    ds = basin.run(RIVER + "reaches: {spring > sea: {lag: 16 hours}}\n", DAYS, tables=PULSE)
    expected = [0, 100 / 3, 200 / 3, 0, 0]
    assert ds["reach_arrival"].values.ravel() == pytest.approx(expected, rel=1e-12)


# 45 days in months of 31, 28, 31, 30…: what enters in January (31 days at 31 m3/s) is due from 14
# February to 16 March: 14 of 28 days of February, 17 of March
def test_water_under_way_keeps_to_the_calendar(basin: Basin) -> None:
    table = {"flow.csv": "month,flow_m3s\n2001-01,31\n" + "".join(
        f"2001-{m:02d},0\n" for m in range(2, 7)
    )}  # fmt: skip
    time = ("2001-01-01", "2001-06-30", "month")
    ds = basin.run(RIVER + "reaches: {spring > sea: {lag: 45 days}}\n", time, tables=table)
    expected = [0, 31 * 14 / 28, 31 * 17 / 31, 0, 0, 0]
    assert ds["reach_arrival"].values.ravel() == pytest.approx(expected, rel=1e-12)


def test_a_river_that_flowed_before_the_run_flows_on(basin: Basin) -> None:
    text = RIVER.replace("{file: flow.csv, column: flow_m3s}", "100 m3/s")
    for lag, time in (("4 hours", DAYS), ("60 hours", DAYS), ("45 days", YEAR)):
        reach = f"reaches: {{spring > sea: {{lag: {lag}, initial_flow: 100 m3/s}}}}\n"
        ds = basin.run(text + reach, time)
        np.testing.assert_allclose(ds["reach_arrival"].values, 100.0, rtol=1e-12)
        first = ds["initial_reach_storage"].item()
        np.testing.assert_allclose(ds["reach_storage"].values, first, rtol=1e-12)


# January 10 %, July 50 % of 100 m3/s; of a lag of 6 days the rest of a month comes in the next one
def test_a_loss_may_change_with_the_season(basin: Basin) -> None:
    text = RIVER.replace("{file: flow.csv, column: flow_m3s}", "100 m3/s")
    shares = "{monthly: [10, 0, 0, 0, 0, 0, 50, 0, 0, 0, 0, 0], unit: '%'}"
    for lag in (0, 6, 20):
        reach = f"reaches: {{spring > sea: {{lag: {lag} days, loss: {shares}}}}}\n"
        ds = basin.run(text + reach, YEAR)
        lost = ds["reach_loss"].values.ravel()
        assert lost == pytest.approx([10, *[0] * 5, 50, *[0] * 5], rel=1e-12)
        arrived = ds["reach_arrival"].values.ravel()
        assert arrived[6] == pytest.approx(50 * (1 - lag / 31) + 100 * lag / 31, rel=1e-12)


def test_claims_count_on_what_is_left_in_their_season(basin: Basin) -> None:
    text = RIVER.replace("{file: flow.csv, column: flow_m3s}", "100 m3/s").replace(
        "  sea:", "  farm: {kind: irrigation, at: ford, priority: 1, requirement: 80 m3/s}\n"
        "  ford: {kind: junction}\n  sea:").replace("spring > sea", "spring > ford > sea")  # fmt: skip
    shares = "{monthly: [10, 0, 0, 0, 0, 0, 50, 0, 0, 0, 0, 0], unit: '%'}"
    ds = basin.run(text + f"reaches: {{spring > ford: {{loss: {shares}}}}}\n", YEAR)
    assert ds["supply"].values.ravel() == pytest.approx([80] * 6 + [50] + [80] * 5, rel=1e-12)


SPLIT = """
nodes:
  spring: {kind: catchment, runoff: {monthly: [9, 8, 9, 14, 30, 42, 35, 20, 12, 10, 9, 9], unit: m3/s}}
  dam: {kind: reservoir, capacity: 150 hm3, initial_storage: 60 hm3,
    levels: {full_level: 100 m, depth: 20 m, exponent: 2.5}}
  ford: {kind: gauge, environmental_flow: {flow: 2 m3/s, priority: 1}}
  farm: {kind: irrigation, at: ford, priority: 2, requirement:
    {monthly: [0, 0, 2, 8, 15, 20, 22, 18, 9, 2, 0, 0], unit: m3/s}}
  sea: {kind: terminal}
rivers: [spring > dam > ford > sea]
reaches:
  dam > ford: {lag: 44 days, loss: {monthly: [1, 1, 1, 2, 4, 8, 9, 5, 3, 2, 1, 1], unit: '%'}}
  ford > sea: {kind: muskingum, k: 20 days, x: 0.2}
"""


def test_a_run_split_in_two_finds_the_water_under_way(basin: Basin) -> None:
    whole = basin.run(SPLIT, ("2001-01-01", "2003-12-31", "month"))
    first = basin.run(SPLIT, ("2001-01-01", "2001-08-31", "month"))
    save(first, basin.folder / "scenarios" / "first.nc")
    second = basin.run(
        SPLIT, ("2001-09-01", "2003-12-31", "month"),
        more="initial: {from: first.nc, at: 2001-08-31}",
    )  # fmt: skip
    assert float(first["under_way"][0, -1].min()) > 0.0
    both = whole.isel(time=slice(8, None))
    for name, variable in second.variables.items():
        if not str(name).startswith("initial_"):
            np.testing.assert_array_equal(variable.values, both[name].values, err_msg=str(name))


def test_a_run_with_other_water_under_way_is_refused(basin: Basin) -> None:
    first = basin.run(SPLIT, ("2001-01-01", "2001-08-31", "month"))
    save(first, basin.folder / "scenarios" / "first.nc")
    goes_on = "initial: {from: first.nc, at: 2001-08-31}"
    other = SPLIT.replace("44 days", "80 days")
    with pytest.raises(InputError, match=r"initial\.from: is a run with other water under way"):
        run(basin.load(other, ("2001-09-01", "2001-12-31", "month"), more=goes_on))
    with pytest.raises(InputError, match="travel times and the step must be the same"):
        run(basin.load(SPLIT, ("2001-09-01", "2001-12-31", "decade"), more=goes_on))


# a tenth is lost, half of that comes back at the lower end: 90 + 5 in one, of a store of 20 days
# 1 − k/dt (1 − exp(−dt/k)) of the 5 within the day
def test_a_loss_may_come_back_at_the_lower_end(basin: Basin) -> None:
    at_once = (
        RIVER + "reaches: {spring > sea: {loss: {fraction: 10 %, to: sea, returning: 50 %}}}\n"
    )
    ds = basin.run(at_once, DAYS, tables=PULSE)
    assert ds["sink_flow"].values.ravel() == pytest.approx([0, 95, 0, 0, 0], rel=1e-12)
    assert ds["reach_loss"].values.ravel() == pytest.approx([0, 5, 0, 0, 0], rel=1e-12)
    slow = at_once.replace("50 %", "50 %, recession: 20 days, initial_storage: 0 hm3")
    ds = basin.run(slow, DAYS, name="slow", tables=PULSE)
    k, day = 20.0, 86_400.0
    share = 1.0 - k * (1.0 - np.exp(-1.0 / k))
    left = 5.0 * day * (1.0 - share)
    back = ds["reach_return_flow"].values.ravel()
    assert back[1] == pytest.approx(5.0 * share, rel=1e-12)
    assert back[2] * day == pytest.approx(left * (1.0 - np.exp(-1.0 / k)), rel=1e-12)
    stored = ds["reach_groundwater_storage"].values.ravel()
    assert stored[1:] == pytest.approx(left * np.exp(-np.arange(4) / k), rel=1e-12)
    assert ds["reach_arrival"].values.ravel() == pytest.approx([0, 90, 0, 0, 0], rel=1e-12)


# below the reach 40 m3/s are asked of 38 + what comes back, and of what was in the ground
def test_what_comes_back_of_a_reach_serves_claims_below_it(basin: Basin) -> None:
    text = """
    nodes:
      spring: {kind: catchment, runoff: 40 m3/s}
      town: {kind: municipal, at: ford, priority: 1, requirement: 60 m3/s}
      ford: {kind: junction}
      sea: {kind: terminal}
    rivers: [spring > ford > sea]
    reaches:
      spring > ford: {lag: 2 days, loss: {fraction: 5 %, to: ford, recession: 30 days,
                      initial_storage: 10 hm3}}
    """
    ds = basin.run(text)
    dt, k, lag = 31.0, 30.0, 2.0
    e = np.exp(-dt / k)
    within = 38.0 * (1 - lag / dt) + 2.0 * (1.0 - k / dt * (1.0 - e))
    stored = 10e6 * (1 - e) / (dt * 86_400.0)
    assert ds["supply"].item() == pytest.approx(within + stored, rel=1e-12)
    assert ds["outflow"].sel(node="ford").item() == 0.0
