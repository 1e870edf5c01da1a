"""Gauges: environmental flows late, twice, and out of a store."""

from __future__ import annotations

import pytest
from basins import Basin


# 12 arrive, the farm stands before the river and takes 8: 4 of the 10 asked leave, cover 0.4
def test_an_environmental_flow_of_a_later_priority_gets_what_is_left(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 12 m3/s}
          gate: {kind: gauge, environmental_flow: {flow: 10 m3/s, priority: 2}}
          farm: {kind: irrigation, at: gate, priority: 1, requirement: 8 m3/s}
          sea: {kind: terminal}
        rivers: [spring > gate > sea]
        """
    )
    assert ds["supply"].item() == pytest.approx(8.0, rel=1e-12)
    assert ds["outflow"].sel(node="gate").item() == pytest.approx(4.0, rel=1e-12)
    cover = ds["cover"].sel(claim="gate.environmental_flow").item()
    assert cover == pytest.approx(0.4, rel=1e-12)


# in-stream claims overlap: 10 m3/s pass both gauges, and both are met in full
def test_the_same_water_serves_two_gauges(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 10 m3/s}
          upper: {kind: gauge, environmental_flow: {flow: 10 m3/s, priority: 1}}
          lower: {kind: gauge, environmental_flow: {flow: 10 m3/s, priority: 1}}
          sea: {kind: terminal}
        rivers: [spring > upper > lower > sea]
        """
    )
    assert ds["cover"].values.ravel() == pytest.approx([1.0, 1.0], rel=1e-12)


# the reach loses a fifth: for 8 m3/s at the gauge the dam gives 8 / 0.8 = 10, from its store
def test_an_environmental_flow_draws_on_a_store_above_a_reach_that_loses(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          dam: {kind: reservoir, capacity: 100 hm3, initial_storage: 100 hm3,
            levels: {full_level: 120 m, depth: 20 m, exponent: 2}}
          gate: {kind: gauge, environmental_flow: {flow: 8 m3/s, priority: 1}}
          sea: {kind: terminal}
        rivers: [dam > gate > sea]
        reaches: {dam > gate: {loss: 20 %}}
        """
    )
    assert ds["release"].item() == pytest.approx(10.0, rel=1e-12)
    assert ds["storage"].item() == pytest.approx(100e6 - 10 * 31 * 86_400, rel=1e-12)
