"""Reservoirs: two ways to give the curve, minimum releases, cascades, room behind an outlet."""

from __future__ import annotations

import numpy as np
import pytest
from basins import Basin

DAY = 86_400.0
MONTH = 31 * DAY
QUARTER = ("2001-01-01", "2001-03-31", "month")
LEVELS = "levels: {full_level: 120 m, depth: 20 m, exponent: 2}"


def dam(levels: str) -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 3 m3/s}}
      dam: {{kind: reservoir, capacity: 100 hm3, initial_storage: 25 hm3, {levels},
        evaporation: 6 mm/day, seepage: 1 mm/day}}
      mill: {{kind: hydropower, at: dam, capacity: 5 MW, efficiency: 0.9, tailwater: 95 m}}
      gate: {{kind: gauge, environmental_flow: {{flow: 5 m3/s, priority: 1}}}}
      sea: {{kind: terminal}}
    rivers: [spring > dam > gate > sea]
    """


# V = 100 (h/20)^2 hm3 and A = 10 (h/20) km2, written out at the 129 depths the curve is kept at
def test_a_table_of_the_power_curve_gives_what_the_power_curve_gives(basin: Basin) -> None:
    share = np.linspace(0.0, 1.0, 129)
    rows = [f"{100 + 20 * s!r},{10 * s!r},{100 * s**2!r}" for s in map(float, share)]
    table = "\n".join(["level_m,area_km2,storage_hm3", *rows, ""])
    one = basin.run(dam(LEVELS), QUARTER)
    two = basin.run(dam("levels: {file: dam.csv}"), QUARTER, name="table",
                    tables={"dam.csv": table})  # fmt: skip
    for name in ("storage", "level", "area", "evaporation", "seepage", "energy"):
        np.testing.assert_allclose(two[name].values, one[name].values, rtol=1e-11, err_msg=name)


# a quarter of the volume stands at half the depth: 110 m; the area there is half of 10 km2
def test_level_and_area_follow_the_power_curve(basin: Basin) -> None:
    text = dam(LEVELS).replace("runoff: 3", "runoff: 5").replace("6 mm", "0 mm").replace(
        "seepage: 1 mm", "seepage: 0 mm")  # fmt: skip
    ds = basin.run(text, QUARTER)
    assert ds["level"].values.ravel() == pytest.approx([110.0] * 3, rel=1e-9)
    assert ds["area"].values.ravel() == pytest.approx([5e6] * 3, rel=1e-9)


# nothing arrives and the zone keeps all, but 2 m3/s must leave: 5.3568 hm3 in January; the rest of the
# 7 hm3 above dead storage, 1.6432, in February; then nothing
def test_a_minimum_release_is_taken_from_the_conservation_zone(basin: Basin) -> None:
    ds = basin.run(
        f"""
        nodes:
          dam: {{kind: reservoir, capacity: 100 hm3, initial_storage: 55 hm3, dead_storage: 48 hm3,
            {LEVELS}, minimum_release: {{flow: 2 m3/s, priority: 1}}}}
          sea: {{kind: terminal}}
        rivers: [dam > sea]
        """,
        QUARTER,
    )
    assert ds["release"].values[0, 0, 0] == pytest.approx(2.0, rel=1e-12)
    assert ds["release"].values[0, 2, 0] == 0.0
    assert ds["storage"].values[0, :, 0] == pytest.approx([55e6 - 2 * MONTH, 48e6, 48e6], rel=1e-12)


# three full dams, 10 m3/s from above, outlets of 6, 5 and 4: each spills what its outlet leaves,
# and the town below is offered all 10 of it
def test_spill_passes_down_a_cascade_and_is_offered_below(basin: Basin) -> None:
    dams = basin.joined(
        *(f"d{k}: {{kind: reservoir, capacity: 20 hm3, initial_storage: 20 hm3, {LEVELS}, "
          f"outlet_capacity: {6 - k} m3/s}}" for k in range(3))
    )  # fmt: skip
    ds = basin.run(
        "nodes:\n  spring: {kind: catchment, runoff: 10 m3/s}\n" + dams + "\n"
        "  bend: {kind: junction}\n"
        "  town: {kind: municipal, at: bend, priority: 1, requirement: 12 m3/s}\n"
        "  sea: {kind: terminal}\n"
        "rivers: [spring > d0 > d1 > d2 > bend > sea]\n",
        QUARTER,
    )
    assert ds["release"].values[0, 0] == pytest.approx([6.0, 5.0, 4.0], rel=1e-9)
    assert ds["spill"].values[0, 0] == pytest.approx([4.0, 5.0, 6.0], rel=1e-9)
    assert ds["supply"].values.ravel() == pytest.approx([10.0] * 3, rel=1e-9)


# the side lake has room for 20 − 12 = 8 hm3; the next outlet takes what is left of 26.784
def test_a_surplus_outlet_takes_no_more_than_the_room_behind_it(basin: Basin) -> None:
    ds = basin.run(
        f"""
        nodes:
          spring: {{kind: catchment, runoff: 10 m3/s}}
          dam: {{kind: reservoir, capacity: 100 hm3, initial_storage: 100 hm3, {LEVELS},
            outlets: [{{to: sea, capacity: {{monthly: [1, 2, 4, 9, 9, 9, 9, 9, 9, 9, 9, 9],
              unit: m3/s}}}}, {{to: side}}, {{to: sea}}]}}
          sea: {{kind: terminal}}
          ditch: {{kind: junction}}
          side: {{kind: lake, capacity: 20 hm3, initial_storage: 12 hm3, {LEVELS}}}
        rivers: [spring > dam > sea, ditch > side]
        """,
        QUARTER,
    )
    assert ds["storage"].sel(reservoir="side").values[0] == pytest.approx([20e6] * 3, rel=1e-12)
    assert ds["release"].sel(reservoir="dam").values[0] == pytest.approx(
        [10 - 8e6 / MONTH, 10.0, 10.0], rel=1e-9
    )
    assert ds["spill"].sel(reservoir="side").values.sum() == 0.0


# the river outlet passes 1, 2, 4 m3/s by month, and claims below may use only that
def test_claims_below_use_only_the_first_outlet_and_its_season(basin: Basin) -> None:
    ds = basin.run(
        f"""
        nodes:
          dam: {{kind: reservoir, capacity: 100 hm3, initial_storage: 90 hm3, {LEVELS},
            outlets: [{{to: bend, capacity: {{monthly: [1, 2, 4, 9, 9, 9, 9, 9, 9, 9, 9, 9],
              unit: m3/s}}}}, {{to: hollow}}]}}
          bend: {{kind: junction}}
          town: {{kind: municipal, at: bend, priority: 1, requirement: 9 m3/s}}
          sea: {{kind: terminal}}
          ditch: {{kind: junction}}
          hollow: {{kind: terminal}}
        rivers: [dam > bend > sea, ditch > hollow]
        """,
        QUARTER,
    )
    assert ds["supply"].values.ravel() == pytest.approx([1.0, 2.0, 4.0], rel=1e-12)
    assert ds["outlet_flow"].values.sum() == 0.0
