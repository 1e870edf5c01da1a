"""Realizations side by side: the same bits for any lanes, workers and pieces; the river as `fill`."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from basins import Basin
from test_metamorphic import FORKED, YEARS

from watersim.allocation.problem import MET
from watersim.compile import Compiled, compile
from watersim.engine import LANES, Engine, Outcome, plain_loop

REALIZATIONS = 7


def forced(compiled: Compiled) -> tuple[np.ndarray, ...]:
    """Runoff of its own in every realization, from the first step on."""
    rng = np.random.default_rng(3)
    forcing = [members.u[np.newaxis] for members in compiled.members]
    for k, members in enumerate(compiled.members):
        if members.kind.name() == "catchment":
            own = np.repeat(members.u[np.newaxis], REALIZATIONS, axis=0)
            own["runoff"] *= rng.uniform(0.2, 1.6, (REALIZATIONS, own.shape[1], 1))
            forcing[k] = own
    return tuple(forcing)


def advanced(compiled: Compiled, lanes: int, workers: int = 1, pieces: int = 1) -> Outcome:
    engine = Engine(compiled, REALIZATIONS, forced(compiled), lanes=lanes)
    ends = np.linspace(0, compiled.seconds.size, pieces + 1).astype(int)
    for first, last in pairwise(ends.tolist()):
        assert engine.advance(first, last, workers) == 0
    return engine.outcome()


def arrays(outcome: Outcome) -> list[np.ndarray]:
    found = [outcome.inflow, outcome.outflow, outcome.supply, outcome.need, outcome.bound]
    return found + [values for kind in outcome.reports for values in kind.values()]


@pytest.mark.parametrize(("lanes", "workers", "pieces"), [(LANES, 1, 1), (1, 2, 1), (LANES, 1, 5)])
def test_bits_do_not_depend_on_what_stands_beside(
    basin: Basin, lanes: int, workers: int, pieces: int
) -> None:
    compiled = compile(basin.load(FORKED, YEARS))
    one = arrays(advanced(compiled, 1))
    assert np.ptp(one[0], axis=0).max() > 0.0
    for a, b in zip(one, arrays(advanced(compiled, lanes, workers, pieces)), strict=True):
        assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def test_every_realization_has_its_own_runoff_from_the_first_step(basin: Basin) -> None:
    compiled = compile(basin.load(FORKED, YEARS))
    given = forced(compiled)
    k = [members.kind.name() for members in compiled.members].index("catchment")
    reported = advanced(compiled, LANES).reports[k]["runoff"]
    np.testing.assert_array_equal(reported, given[k]["runoff"])


DAMMED = """
nodes:
  spring: {kind: catchment, runoff:
    {monthly: [9, 9, 14, 30, 55, 60, 38, 22, 14, 11, 10, 9], unit: m3/s}}
  upper: {kind: reservoir, capacity: 300 hm3, initial_storage: 120 hm3, dead_storage: 20 hm3,
    levels: {full_level: 500 m, depth: 60 m, exponent: 2.5}, evaporation: 90 mm/month}
  side: {kind: catchment, runoff: {monthly: [2, 2, 4, 9, 12, 9, 5, 3, 2, 2, 2, 2], unit: m3/s}}
  join: {kind: gauge, environmental_flow: {flow: 6 m3/s, priority: 1}}
  lower: {kind: reservoir, capacity: 150 hm3, initial_storage: 30 hm3,
    levels: {full_level: 300 m, depth: 30 m, exponent: 2.2},
    zones: [{name: reserve, to: 40 hm3, priority: 4}, {name: conservation, to: capacity}]}
  mouth: {kind: junction}
  sea: {kind: terminal}
  a: {kind: irrigation, at: upper, priority: 3,
    requirement: {monthly: [0, 0, 5, 20, 40, 50, 60, 50, 20, 5, 0, 0], unit: m3/s},
    return_flow: {fraction: 20 %, to: join}}
  b: {kind: irrigation, at: join, priority: 2,
    requirement: {monthly: [0, 0, 2, 9, 12, 20, 22, 20, 9, 2, 0, 0], unit: m3/s}}
  c: {kind: irrigation, priority: 3,
    requirement: {monthly: [0, 0, 5, 20, 30, 50, 60, 50, 20, 5, 0, 0], unit: m3/s},
    return_flow: {fraction: 10 %, to: mouth}}
  d: {kind: irrigation, at: mouth, priority: 3,
    requirement: {monthly: [1, 1, 5, 10, 20, 30, 30, 30, 9, 5, 1, 1], unit: m3/s}}
  e: {kind: municipal, at: lower, priority: 2, requirement: 4 m3/s}
rivers: [spring > upper > join > lower > mouth > sea, side > join]
reaches: {upper > join: {loss: 3 %}, lower > mouth: {loss: 2 %, lag: 3 days}}
canals: {main: {from: lower, to: c, capacity: 35 m3/s, loss: 15 %}}
"""


# nested rows: the pass down the river against the whole method, in every step of dry and wet years
def test_the_pass_down_the_river_gives_what_the_whole_method_gives(basin: Basin) -> None:
    compiled = compile(basin.load(DAMMED, ("2001-01-01", "2003-12-31", "month")))
    quick = advanced(compiled, LANES)

    def leave_all(c: int, n: Any, rounds: int, s: Any) -> None:
        s.lane[0].todo[:] = 1

    engine = Engine(compiled, REALIZATIONS, forced(compiled), lanes=REALIZATIONS)
    used = [bool(members.names) for members in compiled.members]
    whole = plain_loop(used, {"watersim.river.ration": leave_all})
    block = engine._blocks[0]
    assert whole.run(0, compiled.seconds.size, whole.program, *block.slow) == compiled.seconds.size
    assert block.room.counts[1] > 100
    slow = engine.outcome()
    short = quick.supply < quick.need * (1 - 1e-9)
    assert 200 < short.sum() < short.size / 2
    for a, b in zip(arrays(quick), arrays(slow), strict=True):
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max(initial=1.0))


def random_river(seed: int) -> str:
    """A river with a tributary, dams, sites and gauges that share few priorities, returns, losses."""
    chance = np.random.default_rng(seed)

    def one(*of: object) -> str:
        return str(chance.choice(np.array(of, object)))

    names = [f"n{k}" for k in range(7)]
    nodes = ["  sea: {kind: terminal}"]
    reaches = []
    for spring in ("spring", "side"):
        flows = ", ".join(one(0, 1, 3, 8, 20) for _ in range(12))
        nodes.append(f"  {spring}: {{kind: catchment, runoff: {{monthly: [{flows}], unit: m3/s}}}}")
    for k, name in enumerate(names):
        below = names[k + 1] if k + 1 < len(names) else "sea"
        what = one("dam", "gauge", "gauge", "junction")
        if what == "dam":
            nodes.append(
                f"  {name}: {{kind: reservoir, capacity: 60 hm3, dead_storage: {one(0, 8)} hm3, "
                f"initial_storage: {one(0.5, 5, 50)} hm3, evaporation: 150 mm/month, "
                "levels: {full_level: 120 m, depth: 20 m, exponent: 2.2}}"
            )
        elif what == "gauge":
            nodes.append(f"  {name}: {{kind: gauge, environmental_flow: {{flow: {one(1, 4, 9)} "
                         f"m3/s, priority: {one(1, 2)}}}}}")  # fmt: skip
        else:
            nodes.append(f"  {name}: {{kind: junction}}")
        for site in range(int(one(0, 1, 2))):
            back = one("", f", return_flow: {{fraction: 30 %, to: {below}}}")
            nodes.append(f"  s{k}{site}: {{kind: irrigation, at: {name}, priority: {one(1, 2, 3)}, "
                         f"requirement: {one(1, 3, 7)} m3/s{back}}}")  # fmt: skip
        reaches.append(f"  {name} > {below}: {{loss: {one(0, 0, 5)} %}}")
    return ("nodes:\n" + "\n".join(nodes) + "\nreaches:\n" + "\n".join(reaches) + "\nrivers:\n"
            f"  - spring > {' > '.join(names)} > sea\n  - side > {one(*names)}\n")  # fmt: skip


# a river of which no row is plain: whatever runs out is left to the whole method, compiled
def test_generated_rivers_give_what_the_whole_method_gives(basin: Basin) -> None:
    settled, shorts = 0, 0
    for seed in range(60):
        compiled = compile(basin.load(random_river(seed), ("2001-01-01", "2002-12-31", "month")))
        river = compiled.matrices.river
        left = river._replace(plain=np.zeros_like(river.plain))
        whole = replace(compiled, matrices=compiled.matrices._replace(river=left))
        outcomes = []
        for which in (compiled, whole):
            engine = Engine(which, REALIZATIONS, forced(which), lanes=LANES)
            engine.advance(0, which.seconds.size)
            outcomes.append(engine.outcome())
            counts = sum(block.room.counts[1] for block in engine._blocks)
        settled += counts
        quick, slow = outcomes
        shorts += int((quick.supply < quick.need * (1 - 1e-9)).sum())
        assert np.array_equal(quick.bound == MET, slow.bound == MET), seed
        for a, b in zip(arrays(quick), arrays(slow), strict=True):
            if a.dtype.kind == "f":
                tight = 1e-9 * np.abs(b).max(initial=1.0)
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=tight, err_msg=str(seed))
    assert settled > 10_000
    assert shorts > 10_000
