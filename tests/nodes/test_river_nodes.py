"""Catchments, junctions and terminals: water adds up, and ends where its river ends."""

from __future__ import annotations

import pytest
from basins import Basin


# 3 + 2 from two springs and 4 that the third, further down, adds
def test_runoff_adds_to_what_arrives_from_above(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          north: {kind: catchment, runoff: 3 m3/s}
          south: {kind: catchment, runoff: 2 m3/s}
          fork: {kind: junction}
          valley: {kind: catchment, runoff: 4 m3/s}
          sea: {kind: terminal}
        rivers: [north > fork > valley > sea, south > fork]
        """
    )
    assert ds["outflow"].sel(node="fork").item() == 5.0
    assert ds["inflow"].sel(node="valley").item() == 9.0
    assert ds["sink_flow"].item() == 9.0


def test_every_river_ends_in_its_own_terminal(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          a: {kind: catchment, runoff: 3 m3/s}
          b: {kind: catchment, runoff: 5 m3/s}
          east: {kind: terminal}
          west: {kind: terminal}
        rivers: [a > east, b > west]
        """
    )
    assert ds["sink_flow"].sel(terminal="east").item() == 3.0
    assert ds["sink_flow"].sel(terminal="west").item() == 5.0


# 4 of 7 are there in January, nothing is asked in February: no cover, not a cover of 0 or 1
def test_a_month_without_requirement_has_no_cover(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 4 m3/s}
          farm: {kind: irrigation, at: spring, priority: 1, requirement: {file: need.csv,
            column: farm_m3s}}
          sea: {kind: terminal}
        rivers: [spring > sea]
        """,
        ("2001-01-01", "2001-02-28", "month"),
        tables={"need.csv": "month,farm_m3s\n2001-01,7\n2001-02,0\n"},
    )
    cover = ds["cover"].values[0, :, 0]
    assert cover[0] == pytest.approx(4 / 7, rel=1e-12)
    assert str(cover[1]) == "nan"
    assert ds["supply"].values[0, 1, 0] == 0.0
