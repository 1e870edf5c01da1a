"""What holds on any network: generated basins, run as plain Python or compiled."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from basins import Basin
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FLOWS = st.sampled_from([0, 1, 3, 10, 40])


@st.composite
def networks(draw: st.DrawFn) -> str:
    """A river of 1 to 5 nodes with a tributary, dams, sites, plants, canals and returns."""
    length = draw(st.integers(1, 5))
    nodes = [f"  spring: {{kind: catchment, runoff: {draw(FLOWS)} m3/s}}",
             f"  side: {{kind: catchment, runoff: {draw(FLOWS)} m3/s}}", "  sea: {kind: terminal}"]  # fmt: skip
    canals, reaches = [], []
    names = [f"n{k}" for k in range(length)]
    for k, name in enumerate(names):
        if draw(st.booleans()):
            dead, first = draw(st.sampled_from([0, 10])), draw(st.sampled_from([0, 5, 10, 60, 100]))
            limit = draw(st.sampled_from(["", ", outlet_capacity: 8 m3/s"]))
            wet = draw(st.sampled_from(["", ", evaporation: 6 mm/day, seepage: 1 mm/day"]))
            nodes.append(
                f"  {name}: {{kind: reservoir, capacity: 100 hm3, dead_storage: {dead} hm3, "
                f"initial_storage: {first} hm3, levels: {{full_level: 120 m, depth: 20 m, "
                f"exponent: 2.2}}{limit}{wet}}}"
            )
        else:
            flow = draw(FLOWS)
            nodes.append(f"  {name}: {{kind: gauge, environmental_flow: "
                         f"{{flow: {flow} m3/s, priority: {draw(st.integers(1, 3))}}}}}")  # fmt: skip
        if draw(st.booleans()):
            back = draw(st.sampled_from(["", *(f", return_flow: {{fraction: 30 %, to: {other}}}"
                                              for other in [*names[k:], "side", "sea"])]))  # fmt: skip
            through = draw(st.booleans())
            place = "" if through else f", at: {name}"
            nodes.append(
                f"  s{k}: {{kind: irrigation{place}, priority: {draw(st.integers(1, 3))}, "
                f"requirement: {draw(FLOWS)} m3/s{back}}}"
            )
            if through:
                cap = draw(st.sampled_from(["", ", capacity: 6 m3/s"]))
                canals.append(f"  c{k}: {{from: {name}, to: s{k}, loss: 10 %{cap}}}")
                if draw(st.booleans()):
                    canals.append(f"  d{k}: {{from: side, to: s{k}, preference: 2}}")
        if draw(st.booleans()):
            below = names[k + 1] if k + 1 < length else "sea"
            reaches.append(f"  {name} > {below}: {{loss: 4 %, lag: 3 days}}")
    joins = draw(st.sampled_from([*names, "sea"]))
    text = "nodes:\n" + "\n".join(nodes)
    text += f"\nrivers:\n  - spring > {' > '.join(names)} > sea\n  - side > {joins}\n"
    for key, entries in (("reaches", reaches), ("canals", canals)):
        text += f"{key}:\n" + "\n".join(entries) + "\n" if entries else ""
    return text


@settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(networks())
def test_the_compiled_fill_covers_as_linear_programmes_do_on_any_network(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        basin = Basin(Path(folder))
        scenario = basin.load(text, ("2001-01-01", "2001-02-28", "month"))
        from watersim.simulation import run

        fast, slow = run(scenario), run(scenario, exactly=True)
    if "claim" in fast.dims:
        np.testing.assert_allclose(fast["cover"].values, slow["cover"].values, atol=1e-6)
