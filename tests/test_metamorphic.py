"""What must stay the same, or change in a known way, whatever the numbers are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from basins import Basin

import watersim

LEVELS = "levels: {full_level: 100 m, depth: 20 m, exponent: 2.5}"
FORKED = f"""
nodes:
  north: {{kind: catchment, runoff: {{monthly: [9, 8, 9, 14, 30, 42, 35, 20, 12, 10, 9, 9],
    unit: m3/s}}}}
  south: {{kind: catchment, runoff: {{monthly: [3, 3, 4, 9, 12, 8, 4, 2, 2, 3, 3, 3], unit: m3/s}}}}
  dam: {{kind: reservoir, capacity: 150 hm3, dead_storage: 10 hm3, initial_storage: 60 hm3, {LEVELS},
    outlet_capacity: 25 m3/s, evaporation: 4 mm/day}}
  plant: {{kind: hydropower, at: dam, capacity: 3 MW, efficiency: 0.85, tailwater: 78 m}}
  fork: {{kind: gauge, environmental_flow: {{flow: 2 m3/s, priority: 1}}}}
  upper: {{kind: irrigation, priority: 2, requirement: {{monthly: [0, 0, 2, 8, 15, 20, 22, 18, 9, 2,
    0, 0], unit: m3/s}}, return_flow: {{fraction: 25 %, to: fork}}}}
  lower: {{kind: irrigation, at: fork, priority: 2, requirement: {{monthly: [0, 0, 0, 6, 10, 14, 16,
    12, 6, 0, 0, 0], unit: m3/s}}}}
  town: {{kind: municipal, at: fork, priority: 1, requirement: 1 m3/s}}
  end: {{kind: terminal}}
rivers:
  - north > dam > fork > end
  - south > fork
reaches:
  dam > fork: {{loss: 3 %, lag: 2 days}}
canals:
  main: {{from: dam, to: upper, capacity: 18 m3/s, loss: 12 %}}
"""
YEARS = ("2001-01-01", "2003-12-31", "month")


def same(a: xr.Dataset, b: xr.Dataset) -> None:
    """Equal to the last bit, but for the text of the description and the time of writing."""
    assert set(a.variables) == set(b.variables)
    for name, variable in a.variables.items():
        np.testing.assert_array_equal(variable.values, b[name].values, err_msg=str(name))


def test_the_order_of_a_file_does_not_matter(basin: Basin) -> None:
    head, rest = FORKED.split("rivers:")
    lines = head.strip().splitlines()[1:]
    blocks: list[list[str]] = []
    for line in lines:
        if not line.startswith("   "):
            blocks.append([])
        blocks[-1].append(line)
    turned = "nodes:\n" + "\n".join("\n".join(block) for block in reversed(blocks))
    rivers = "\nrivers:\n  - south > fork\n  - north > dam > fork > end\n"
    other = turned + rivers + "reaches:" + rest.split("reaches:")[1]
    same(basin.run(FORKED, YEARS), basin.run(other, YEARS, name="other"))


def test_a_lossless_reach_split_in_two_gives_the_same_outflow(basin: Basin) -> None:
    split = FORKED.replace("  end: {kind", "  half: {kind: junction}\n  end: {kind").replace(
        "dam > fork > end", "dam > fork > half > end")  # fmt: skip
    one, two = basin.run(FORKED, YEARS), basin.run(split, YEARS, name="other")
    np.testing.assert_array_equal(one["sink_flow"].values, two["sink_flow"].values)
    np.testing.assert_array_equal(one["supply"].values, two["supply"].values)


def test_two_realizations_with_equal_forcing_are_equal_to_the_last_bit(basin: Basin) -> None:
    ds = basin.run(FORKED, YEARS, how={"realizations": 2})
    same(ds.isel(realization=0, drop=True), ds.isel(realization=1, drop=True))


def test_the_number_of_workers_does_not_matter(basin: Basin) -> None:
    one = basin.run(FORKED, YEARS, how={"realizations": 5, "workers": 1})
    two = basin.run(FORKED, YEARS, how={"realizations": 5, "workers": 2})
    same(one, two)


def test_two_disjoint_basins_in_one_file_are_the_sum_of_each(basin: Basin) -> None:
    def renamed(text: str) -> str:
        for name in ("north", "south", "dam", "plant", "fork", "upper", "lower", "town", "end",
                     "main"):  # fmt: skip
            text = __import__("re").sub(rf"\b{name}\b(?!_)", f"{name}2", text)
        return text

    def parts(text: str) -> list[str]:
        nodes, rest = text.split("rivers:")
        rivers, rest = rest.split("reaches:")
        reaches, canals = rest.split("canals:")
        return [nodes.replace("nodes:", ""), rivers, reaches, canals]

    first, second = parts(FORKED), parts(renamed(FORKED))
    text = "".join(
        f"{key}:\n{a.rstrip()}\n{b.strip(chr(10))}\n"
        for key, a, b in zip(("nodes", "rivers", "reaches", "canals"), first, second, strict=True)
    )
    alone, both = basin.run(FORKED, YEARS), basin.run(text, YEARS, name="both")
    for name, dim in (("supply", "site"), ("storage", "reservoir"), ("energy", "plant"),
                      ("sink_flow", "terminal")):  # fmt: skip
        labels = [str(label) for label in alone[dim].values]
        for suffix in ("", "2"):
            np.testing.assert_allclose(
                both[name].sel({dim: [label + suffix for label in labels]}).values,
                alone[name].values, rtol=1e-12, atol=1e-9,
            )  # fmt: skip


def test_doubled_flows_and_areas_give_doubled_volumes(basin: Basin) -> None:
    """Capacity doubled at equal depth doubles the area at every level: all is linear in volume."""
    import re

    def double(text: str) -> str:
        text = re.sub(r"(\d+) (hm3|MW)", lambda m: f"{2 * int(m[1])} {m[2]}", text)
        text = re.sub(r"(\d+) m3/s", lambda m: f"{2 * int(m[1])} m3/s", text)
        return re.sub(
            r"monthly: \[([^\]]*)\]",
            lambda m: "monthly: [" + ", ".join(str(2 * int(v)) for v in m[1].split(",")) + "]",
            text,
        )

    one, two = basin.run(FORKED, YEARS), basin.run(double(FORKED), YEARS, name="other")
    for name in ("supply", "storage", "evaporation", "energy", "sink_flow", "spill"):
        np.testing.assert_allclose(
            two[name].values, 2.0 * one[name].values, rtol=1e-11,
            atol=1e-11 * float(two[name].max()) + 1e-12,
        )  # fmt: skip


@pytest.mark.parametrize("factor", [1.1, 1.5, 3.0])
def test_more_inflow_never_lowers_the_cover_of_the_first_priority(
    basin: Basin, factor: float
) -> None:
    scenario = basin.load(FORKED, YEARS).with_({"nodes.north.runoff.factor": 0.2})
    more = scenario.with_({"nodes.north.runoff.factor": 0.2 * factor})
    first = watersim.run(scenario)
    second = watersim.run(more)
    own = first["priority"].values == 1
    assert own.sum() == 2
    before, after = first["cover"].values[..., own], second["cover"].values[..., own]
    assert np.all(after >= before - 1e-9)


def test_the_compiled_fill_gives_what_linear_programmes_give(basin: Basin) -> None:
    fast = basin.run(FORKED, YEARS)
    slow = basin.run(FORKED, YEARS, how={"exactly": True})
    np.testing.assert_allclose(fast["cover"].values, slow["cover"].values, atol=1e-7)
    np.testing.assert_allclose(
        fast["storage"].values, slow["storage"].values, atol=1e-7 * float(fast["storage"].max())
    )
