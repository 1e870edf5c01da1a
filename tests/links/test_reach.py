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
