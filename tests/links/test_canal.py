"""Canals: seasons, a second canal behind a full one, losses that leave or come back."""

from __future__ import annotations

import pytest
from basins import Basin

HALF_YEAR = ("2001-01-01", "2001-06-30", "month")


def river(canals: str) -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 20 m3/s}}
      bend: {{kind: junction}}
      ford: {{kind: junction}}
      farm: {{kind: irrigation, priority: 1, requirement: 10 m3/s}}
      sea: {{kind: terminal}}
    rivers: [spring > bend > ford > sea]
    canals:
{canals}
    """


# head 10 / 0.8 = 12.5 and 2.5 of it into the ground, out of the model
def test_a_loss_to_groundwater_leaves_the_model(basin: Basin) -> None:
    ds = basin.run(river("      one: {from: bend, to: farm, loss: {fraction: 20 %, "
                         "to: groundwater}}"))  # fmt: skip
    assert ds["canal_flow"].item() == pytest.approx(12.5, rel=1e-12)
    assert ds["canal_loss"].item() == pytest.approx(2.5, rel=1e-12)
    assert ds["sink_flow"].item() == pytest.approx(7.5, rel=1e-12)
    assert ds["diversion"].item() == pytest.approx(12.5, rel=1e-12)


def test_a_canal_may_be_closed_for_a_season(basin: Basin) -> None:
    closed = "{monthly: [0, 0, 0, 4, 20, 20, 20, 20, 20, 0, 0, 0], unit: m3/s}"
    ds = basin.run(river(f"      one: {{from: bend, to: farm, capacity: {closed}}}"), HALF_YEAR)
    assert ds["supply"].values.ravel() == pytest.approx([0, 0, 0, 4, 10, 10], rel=1e-12)


# the first canal carries 6 and delivers 5.4; the second brings the other 4.6, at 25 % loss 6.1333
# at its head, and its loss comes back above the sea
def test_a_second_canal_brings_what_the_full_first_one_cannot(basin: Basin) -> None:
    ds = basin.run(
        river(
            "      one: {from: bend, to: farm, capacity: 6 m3/s, loss: 10 %}\n"
            "      two: {from: bend, to: farm, preference: 2, loss: {fraction: 25 %, to: ford}}"
        )
    )
    flow = ds["canal_flow"]
    assert flow.sel(canal="one").item() == pytest.approx(6.0, rel=1e-12)
    assert flow.sel(canal="two").item() == pytest.approx(4.6 / 0.75, rel=1e-12)
    assert ds["supply"].item() == pytest.approx(10.0, rel=1e-12)
    assert ds["sink_flow"].item() == pytest.approx(20 - 6 - 4.6, rel=1e-12)


# the river holds 20: without a claim below, nothing is carried to another river
def test_a_canal_to_a_river_carries_nothing_that_nobody_asks_for(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          wet: {kind: catchment, runoff: 20 m3/s}
          dry: {kind: catchment, runoff: 0 m3/s}
          sea: {kind: terminal}
        rivers: [wet > sea, dry > sea]
        canals: {link: {from: wet, to: dry, capacity: 5 m3/s}}
        """
    )
    assert ds["canal_flow"].item() == 0.0
