"""Reaches: a pulse on its way, losses in a row, and a lag that is too long."""

from __future__ import annotations

import numpy as np
import pytest
from basins import Basin

from watersim.errors import InputError

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


@pytest.mark.parametrize(("hours", "fits"), [(8, True), (9, False)])
def test_a_lag_longer_than_a_third_of_the_step_is_refused_by_name(
    basin: Basin, hours: int, fits: bool
) -> None:
    text = RIVER + f"reaches: {{spring > sea: {{lag: {hours} hours}}}}\n"
    if fits:
        basin.run(text, DAYS, tables=PULSE)
        return
    with pytest.raises(InputError, match=r"reaches\.spring > sea\.lag: .*third of the step"):
        basin.load(text, DAYS, tables=PULSE)


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
