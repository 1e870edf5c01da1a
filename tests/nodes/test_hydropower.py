"""Plants: what they lack, what they pass by, and energy drawn from a store."""

from __future__ import annotations

import pytest
from basins import Basin

LEVELS = "levels: {full_level: 120 m, depth: 20 m, exponent: 2}"
SECONDS = 31 * 86_400.0


def dam(runoff: int, first: int, more: str, plants: str) -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: {runoff} m3/s}}
      dam: {{kind: reservoir, capacity: 100 hm3, initial_storage: {first} hm3, {LEVELS}{more}}}
{plants}
      sea: {{kind: terminal}}
    rivers: [spring > dam > sea]
    """


# full: 10 m3/s pass at 120 − 95 = 25 m; the turbines take 6, the rest goes by
def test_what_the_turbines_do_not_take_is_bypass(basin: Basin) -> None:
    mill = "      mill: {kind: hydropower, at: dam, capacity: 50 MW, max_flow: 6 m3/s, " \
        "efficiency: 0.9, tailwater: 95 m}"  # fmt: skip
    ds = basin.run(dam(10, 100, "", mill))
    assert ds["turbine_flow"].item() == pytest.approx(6.0, rel=1e-12)
    assert ds["bypass"].item() == pytest.approx(4.0, rel=1e-12)
    assert ds["power"].item() == pytest.approx(9810 * 0.9 * 25 * 6, rel=1e-12)


# the outlet passes 6 of 10, the other 4 go over the crest and turn nothing
def test_spilled_water_makes_no_energy(basin: Basin) -> None:
    mill = "      mill: {kind: hydropower, at: dam, capacity: 50 MW, efficiency: 0.9, " \
        "tailwater: 95 m}"  # fmt: skip
    ds = basin.run(dam(10, 100, ", outlet_capacity: 6 m3/s", mill))
    assert ds["spill"].item() == pytest.approx(4.0, rel=1e-12)
    assert ds["turbine_flow"].item() == pytest.approx(6.0, rel=1e-12)
    assert ds["bypass"].item() == pytest.approx(0.0, abs=1e-12)


# two plants at one dam use its release once: together never more than the 10 m3/s
def test_two_plants_at_one_dam_share_its_release(basin: Basin) -> None:
    plants = "\n".join(
        f"      {name}: {{kind: hydropower, at: dam, capacity: 50 MW, max_flow: 7 m3/s, "
        "efficiency: 0.9, tailwater: 95 m}"
        for name in ("east", "west")
    )
    ds = basin.run(dam(10, 100, "", plants))
    assert ds["turbine_flow"].values.sum() == pytest.approx(10.0, rel=1e-12)
    assert ds["turbine_flow"].values.max() == pytest.approx(7.0, rel=1e-12)
    assert ds["bypass"].item() == pytest.approx(0.0, abs=1e-12)


# no inflow: the dam releases what 1 MW takes at the head of the step, nothing more
def test_required_energy_is_drawn_from_the_store_and_met_exactly(basin: Basin) -> None:
    mill = "      mill: {kind: hydropower, at: dam, capacity: 50 MW, efficiency: 0.9, " \
        "tailwater: 95 m, energy_requirement: {energy: 1 MW, priority: 1}}"  # fmt: skip
    ds = basin.run(dam(0, 100, "", mill))
    assert ds["energy"].item() == pytest.approx(1e6 * SECONDS, rel=1e-12)
    assert ds["energy_deficit"].item() == pytest.approx(0.0, abs=1e-3)
    flow = 1e6 / (9810 * 0.9 * ds["head"].item())
    assert ds["release"].item() == pytest.approx(flow, rel=1e-12)
    assert ds["storage"].item() == pytest.approx(100e6 - flow * SECONDS, rel=1e-12)


# 30 m of head and 2 m3/s give 0.52974 MW of the 1 MW asked; the rest is deficit
def test_what_the_river_cannot_give_is_energy_deficit(basin: Basin) -> None:
    ds = basin.run(
        """
        nodes:
          spring: {kind: catchment, runoff: 2 m3/s}
          bend: {kind: junction}
          mill: {kind: hydropower, at: bend, capacity: 5 MW, head: 30 m, efficiency: 0.9,
            energy_requirement: {energy: 1 MW, priority: 1}}
          sea: {kind: terminal}
        rivers: [spring > bend > sea]
        """
    )
    power = 9810 * 0.9 * 30 * 2
    assert ds["power"].item() == pytest.approx(power, rel=1e-12)
    assert ds["energy_deficit"].item() == pytest.approx((1e6 - power) * SECONDS, rel=1e-12)
