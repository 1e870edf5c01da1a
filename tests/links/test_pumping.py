"""Pumped canals: the energy that lifts their water, and the grid whose plants give it."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin

import watersim.accessor  # noqa: F401  registers ds.watersim
from watersim.errors import InputError

SECONDS = 31 * 86_400.0
PER_M3 = 9810 * 40.0 / 0.7  # J that lift a m3 by 40 m
PLANT = 9810 * 0.9 * 100.0  # J that a m3 makes in the plant
PUMPS = "lift: 40 m, pump_efficiency: 70 %"


def river(canals: str, more: str = "") -> str:
    return f"""
    nodes:
      spring: {{kind: catchment, runoff: 20 m3/s}}
      dry: {{kind: catchment, runoff: 0 m3/s}}
      bend: {{kind: junction}}
      farm: {{kind: irrigation, priority: 2, requirement: 4 m3/s}}
      hill: {{kind: municipal, at: plain, priority: 2, requirement: 1 m3/s}}
      plain: {{kind: junction}}
      sea: {{kind: terminal}}
{more}
    rivers: [spring > bend > sea, dry > plain > sea]
    canals:
      over: {{from: bend, to: plain}}
{canals}
    """


def grid(energy: str, priority: int = 3, more: str = "") -> str:
    """A plant of 100 m below a dam of 100 hm3 in store, in a valley of its own, and its grid."""
    return f"""
      dam: {{kind: reservoir, capacity: 200 hm3, initial_storage: 100 hm3,
            levels: {{full_level: 120 m, depth: 20 m, exponent: 2}}}}
      weir: {{kind: junction}}
      end: {{kind: terminal}}
      mill: {{kind: hydropower, at: weir, capacity: 50 MW, head: 100 m, efficiency: 0.9}}
      lines: {{kind: grid, plants: [mill], pumps: [{more or "high"}],
              energy_requirement: {{energy: {energy}, priority: {priority}}}}}"""


def powered(energy: str, canals: str = "", **options: object) -> str:
    text = river(canals or f"      high: {{from: bend, to: farm, loss: 20 %, {PUMPS}}}",
                 grid(energy, **options))  # type: ignore[arg-type]  # fmt: skip
    return text.replace("rivers: [", "rivers: [dam > weir > end, ")


# 4 m3/s at the gate are 5 at the head, and 5 × 9810 × 40 / 0.7 = 2.803 MW
def test_the_flow_at_the_head_is_lifted(basin: Basin) -> None:
    ds = basin.run(river(f"      high: {{from: bend, to: farm, loss: 20 %, {PUMPS}}}"))
    assert ds["canal"].values.tolist() == ["high", "over"]
    assert ds["canal_lift"].values.tolist() == [40.0, 0.0]
    used = ds["pumping_energy"].values.ravel()
    assert used == pytest.approx([5.0 * PER_M3 * SECONDS, 0.0], rel=1e-12)


def test_pumps_of_one_of_several_canals_and_of_one_to_a_river(basin: Basin) -> None:
    ds = basin.run(
        river(
            "      low: {from: bend, to: farm, capacity: 3 m3/s}\n"
            f"      high: {{from: bend, to: farm, preference: 2, {PUMPS}}}"
        ).replace("to: plain}", "to: plain, lift: 10 m, pump_efficiency: 0.5}")
    )
    used = ds["pumping_energy"].squeeze().to_series()
    assert used["low"] == 0.0
    assert used["high"] == pytest.approx(1.0 * PER_M3 * SECONDS, rel=1e-12)
    assert used["over"] == pytest.approx(1.0 * 9810 * 10 / 0.5 * SECONDS, rel=1e-12)


def test_pumping_moves_no_water(basin: Basin) -> None:
    with_pumps = basin.run(river(f"      high: {{from: bend, to: farm, loss: 20 %, {PUMPS}}}"))
    without = basin.run(river("      high: {from: bend, to: farm, loss: 20 %}"), name="without")
    for name in ("canal_flow", "supply", "outflow"):
        np.testing.assert_array_equal(with_pumps[name].values, without[name].values)


# 1 MW and the pumps' 2.803 MW are 3.803 MW: 4.307 m3/s through 100 m at 0.9
def test_what_pumps_take_is_asked_of_the_plants(basin: Basin) -> None:
    ds = basin.run(powered("1 MW"))
    asked = 1e6 + 5.0 * PER_M3
    assert ds["grid_pumping_energy"].item() == pytest.approx(5.0 * PER_M3 * SECONDS, rel=1e-12)
    assert ds["grid_energy_requirement"].item() == pytest.approx(asked * SECONDS, rel=1e-12)
    assert ds["turbine_flow"].item() == pytest.approx(asked / PLANT, rel=1e-12)
    assert ds["grid_energy"].item() == pytest.approx(asked * SECONDS, rel=1e-12)
    assert ds["grid_energy_deficit"].item() <= 1e-12 * asked * SECONDS
    assert ds["cover"].sel(claim="lines").item() == pytest.approx(1.0, rel=1e-12)


# other generation covers the pumps too: 0.5 + 2.803 − 2 = 1.303 MW are left to the plants
def test_other_generation_covers_pumps_too(basin: Basin) -> None:
    text = powered("0.5 MW").replace("energy: 0.5 MW,", "energy: 0.5 MW, other_generation: 2 MW,")
    ds = basin.run(text)
    assert ds["grid_energy_requirement"].item() == pytest.approx(
        (5.0 * PER_M3 - 1.5e6) * SECONDS, rel=1e-12
    )
    idle = text.replace("other_generation: 2 MW", "other_generation: 4 MW")
    assert basin.run(idle, name="idle")["turbine_flow"].item() == 0.0


# 2 MW can be made, 3.803 are asked: the deficit is requirement + pumping − generated
def test_the_deficit_holds_the_pumps(basin: Basin) -> None:
    ds = basin.run(powered("1 MW").replace("capacity: 50 MW", "capacity: 2 MW"))
    lacking = (1e6 + 5.0 * PER_M3 - 2e6) * SECONDS
    assert ds["grid_energy"].item() == pytest.approx(2e6 * SECONDS, rel=1e-12)
    assert ds["grid_energy_deficit"].item() == pytest.approx(lacking, rel=1e-9)


# the claim of the second pass asks for the pumping of the first. Where the plants' water is what the
# pumps lift, the first pass pumps 5 m3/s of 8; 1 + 2.803 MW then ask for 4.307 of the 8 in the river,
# before the farm: 3.693 are left to pump, so 0.733 MW more were made than the step needed
def test_the_claim_asks_for_the_pumping_of_the_first_pass(basin: Basin) -> None:
    ds = basin.run(
        f"""
        nodes:
          spring: {{kind: catchment, runoff: 8 m3/s}}
          bend: {{kind: junction}}
          farm: {{kind: irrigation, priority: 2, requirement: 5 m3/s}}
          mill: {{kind: hydropower, at: bend, capacity: 50 MW, head: 100 m, efficiency: 0.9}}
          lines: {{kind: grid, plants: [mill], pumps: [high],
                  energy_requirement: {{energy: 1 MW, priority: 1}}}}
          sea: {{kind: terminal}}
        rivers: [spring > bend > sea]
        canals: {{high: {{from: bend, to: farm, {PUMPS}}}}}
        """
    )
    made = 1e6 + 5.0 * PER_M3
    pumped = 8.0 - made / PLANT
    assert ds["canal_flow"].item() == pytest.approx(pumped, rel=1e-12)
    assert ds["grid_energy"].item() == pytest.approx(made * SECONDS, rel=1e-12)
    assert ds["pumping_energy"].item() == pytest.approx(pumped * PER_M3 * SECONDS, rel=1e-12)
    assert ds["grid_energy_requirement"].item() == pytest.approx(
        (1e6 + pumped * PER_M3) * SECONDS, rel=1e-12
    )
    assert ds["grid_energy_deficit"].item() == 0.0


def test_the_summary_shows_the_energy_of_pumped_canals(basin: Basin) -> None:
    ds = basin.run(powered("1 MW"), YEAR)
    lines = ds.watersim.summary().splitlines()
    used = float(ds["pumping_energy"].sum()) / 3.6e12
    [row] = [line.split() for line in lines[lines.index("Energy for pumping by canal, GWh/yr") :]
             if line.startswith("high")]  # fmt: skip
    assert float(row[-1]) == pytest.approx(used, abs=0.06)
    assert not any(line.startswith("over") for line in lines)


def test_a_grid_feeds_only_canals_with_a_lift_and_each_canal_once(basin: Basin) -> None:
    with pytest.raises(InputError, match=r"nodes\.lines\.pumps\.0: is a canal without a lift"):
        basin.load(powered("1 MW", more="over"))
    twice = powered("1 MW").replace("      weir:", "      wires: {kind: grid, plants: [mill], "
        "pumps: [high], energy_requirement: {energy: 1 MW, priority: 4}}\n      weir:")  # fmt: skip
    with pytest.raises(InputError, match=r"nodes\.lines\.pumps\.0: is fed by the grid 'wires'"):
        basin.load(twice)
