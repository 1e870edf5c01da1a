"""Compiled → filled arrays: the loop over realizations and time; mutates only what it allocates.

The loop that calls every kind's kernels is written into the user's cache folder, named by the hash
of all kernels, and imported from there: no list of kinds in the source, and numba's cache hits.
Where the compiled fill gives up, that one step is repeated with `allocation.exact` and counted.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim import jit, registry
from watersim.allocation import exact
from watersim.allocation.fill import REASONS, work
from watersim.allocation.problem import Problem
from watersim.allot import LACKING, UNSETTLED_SPILL, Room
from watersim.compile import Compiled
from watersim.errors import ModelError
from watersim.step import Step

Floats = NDArray[np.float64]


class Outcome(NamedTuple):
    """What a run gives, in arrays. r realizations, t steps, s sections, k claims, o outlets."""

    inflow: Floats  # (r, t, s) m3
    outflow: Floats  # (r, t, s) m3
    outlet_flow: Floats  # (r, t, o) m3
    need: Floats  # (r, t, k) m3
    supply: Floats  # (r, t, k) m3
    bound: NDArray[np.int64]  # (r, t, k)
    reports: tuple[NDArray[Any], ...]  # per kind (r, t, n) records
    initial: tuple[NDArray[Any], ...]  # per kind (r, n) records of the states before the first step
    fallbacks: int  # steps that `allocation.exact` had to settle


def _loop_source() -> str:
    """The source of the loop: one call per kind and hook, in the kinds' order."""
    kinds = [*registry.kinds("nodes").values(), *registry.kinds("links").values()]
    kinds.sort(key=lambda kind: (kind.order, kind.name()))
    imports: list[str] = []
    befores: list[str] = []
    afters: list[str] = []
    states: list[str] = []
    for k, kind in enumerate(kinds):
        module = registry.module_of(kind)
        for hook in ("before", "after"):
            if hasattr(module, hook):
                imports.append(f"from {module.__name__} import {hook} as {hook}_{k}")
        values = f"p[{k}], u[{k}][f, t], x[{k}][r], y[{k}][r, t], q[{k}], w[{k}][t], s, dt"
        if hasattr(module, "before"):
            befores.append(f"before_{k}({values}, again)")
        if hasattr(module, "after"):
            afters.insert(0, f"after_{k}({values})")
        for name in kind.state_record().names or ():
            if name != "_":
                states.append(f"for i in range(p[{k}].shape[0]):")
                states.append(f"    x[{k}][r, i].{name} = y[{k}][r, t, i].{name}")
    indent = "\n" + " " * 12
    return f'''"""The loop over steps, written by watersim.engine."""
from watersim.allot import allot
from watersim.jit import kernel
from watersim.step import clear
{chr(10).join(imports)}


@kernel
def run_steps(r, f, first, last, seconds, sets, A, T, price, rank, n_ranks, rounds,
              gain, s, fill_work, room, p, u, x, y, q, w, inflow, outflow, outlet_flow, need, supply,
              bound, status):
    for t in range(first, last):
        dt = seconds[t]
        c = sets[t]
        for again in range(2):
            clear(s)
            {indent.join(befores)}
            status[0] = allot(A[c], T[c], gain[c], price, rank, n_ranks, rounds, s,
                              fill_work, room)
            if status[0] != 0:
                return t
            {indent.join(afters)}
        {(chr(10) + " " * 8).join(states)}
        for v in range(s.at.shape[0]):
            inflow[r, t, v] = s.at[v].inflow
            outflow[r, t, v] = s.at[v].outflow
        for o in range(s.way_out.shape[0]):
            outlet_flow[r, t, o] = s.way_out[o].flow
        for i in range(s.claim.shape[0]):
            need[r, t, i] = s.claim[i].need
            supply[r, t, i] = s.claim[i].supply
            bound[r, t, i] = room.bound[i]
    return last
'''


_LOOP = "watersim._loop"


def load_loop() -> tuple[Callable[..., int], Callable[..., int]]:
    """The loop compiled, and the same as plain Python that allocates with `exact`."""
    if _LOOP not in sys.modules:
        source = _loop_source()
        folder = None if jit.disabled() else jit.cache_folder()
        module = types.ModuleType(_LOOP)
        if folder is not None:
            path = folder / "loop.py"
            _write_once(path, source)
            spec = importlib.util.spec_from_file_location(_LOOP, path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            if not jit.disabled():
                print("watersim: no folder to keep compiled kernels in; compiling each time "
                      "(set WATERSIM_CACHE_DIR)", file=sys.stderr)  # fmt: skip
            exec(compile(source, "<watersim loop>", "exec"), module.__dict__)
        plain = module.run_steps
        sys.modules[_LOOP] = module
        jit.compiled(folder)
        module.__dict__["plain"] = _with_exact(plain)
    module = sys.modules[_LOOP]
    return module.run_steps, module.plain


def is_cold() -> bool:
    """Whether the first run will compile the kernels: nothing is kept of this version yet."""
    folder = None if jit.disabled() else jit.cache_folder()
    return folder is not None and not (folder / "loop.py").exists()


def _write_once(path: Path, source: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        part = path.with_suffix(f".{id(source):x}.part")
        part.write_text(source, encoding="utf-8")
        part.replace(path)


def _with_exact(loop: Callable[..., int]) -> Callable[..., int]:
    """The loop as plain Python with `exact.allocate` in the place of `fill`."""

    def fill(
        A: Floats, T: Floats, price: Floats, rank: Any, n_ranks: int, rounds: int,
        b: Floats, need: Floats, cap: Floats, w: Any, y: Floats, z: Floats, bound: Any,
    ) -> int:  # fmt: skip
        given = exact.allocate(
            Problem(A, T, price, rank, rounds), b.copy(), need.copy(), cap.copy()
        )
        y[:], z[:], bound[:] = given.y, given.z, given.bound
        return 0

    return jit.plain(loop, {"watersim.allocation.fill.fill": fill})


class Engine:
    """A compiled scenario ready to advance, for one or several realizations.

    Parameters
    ----------
    compiled
        the arrays
    forcing
        per kind the forcing records, shape (1 or realizations, time, n)
    realizations
        how many
    exactly
        allocate every step with `allocation.exact` (slow; for checks)
    """

    def __init__(
        self,
        compiled: Compiled,
        realizations: int = 1,
        forcing: tuple[NDArray[Any], ...] | None = None,
        initial: tuple[NDArray[Any], ...] | None = None,
        exactly: bool = False,
    ) -> None:
        self.compiled = compiled
        self.realizations = realizations
        self._exactly = exactly
        members = compiled.members
        steps, sections = compiled.seconds.size, compiled.sections.size
        claims, outlets = len(compiled.claims), len(compiled.outlets)
        self.forcing = forcing or tuple(m.u[np.newaxis] for m in members)
        start = initial or tuple(m.x for m in members)
        self.x = tuple(np.repeat(x[np.newaxis], realizations, axis=0) for x in start)
        shape = (realizations, steps)
        self.outcome = Outcome(
            inflow=np.zeros((*shape, sections)),
            outflow=np.zeros((*shape, sections)),
            outlet_flow=np.zeros((*shape, outlets)),
            need=np.zeros((*shape, claims)),
            supply=np.zeros((*shape, claims)),
            bound=np.full((*shape, claims), -1, np.int64),
            reports=tuple(
                np.zeros((*shape, len(m.names)), m.kind.report_record()) for m in members
            ),
            initial=tuple(x.copy() for x in self.x),
            fallbacks=0,
        )

    def advance(
        self,
        first: int,
        last: int,
        workers: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Advance every realization through steps [first, last); returns the exact fallbacks.

        Raises
        ------
        ModelError
            if a step cannot be settled even by `allocation.exact`.
        """
        load_loop()

        def one(r: int) -> int:
            return self._realization(r, first, last, progress)

        if workers > 1 and self.realizations > 1 and not self._exactly:
            with ThreadPoolExecutor(workers) as pool:
                return sum(pool.map(one, range(self.realizations)))
        return sum(one(r) for r in range(self.realizations))

    def _realization(
        self, r: int, first: int, last: int, progress: Callable[[int], None] | None
    ) -> int:
        compiled_loop, plain_loop = load_loop()
        arguments, status = self._arguments(r)
        fallbacks, t = 0, first
        chunk = max(1, (last - first) // 20) if progress else last - first
        while t < last:
            stop = min(last, t + chunk)
            reached = t
            if not self._exactly:
                reached = compiled_loop(r, arguments[0], t, stop, *arguments[1])
            if reached < stop:
                done = plain_loop(r, arguments[0], reached, reached + 1, *arguments[2])
                if done == reached:
                    raise ModelError(self._sentence(reached, int(status[0])))
                fallbacks += 0 if self._exactly else 1
                reached += 1
            if progress:
                progress(reached - t)
            t = reached
        return fallbacks

    def _sentence(self, t: int, status: int) -> str:
        day = self.compiled.scenario.timeline.starts[t]
        reason = {
            LACKING: "more water was allocated than arrives",
            UNSETTLED_SPILL: "the spill from reservoir to reservoir does not settle",
        }.get(status) or (REASONS[status] if 0 < status < len(REASONS) else f"reason {status}")
        return f"the allocation of the step that starts on {day} failed: {reason}"

    def _arguments(self, r: int) -> tuple[Any, NDArray[np.int64]]:
        c, out = self.compiled, self.outcome
        sections, claims, outlets = c.sections.size, len(c.claims), len(c.outlets)
        rows, transfers = len(c.rows), len(c.transfers)
        room = Room(
            np.zeros(sections), np.zeros(sections), np.zeros(outlets), np.zeros(rows),
            np.zeros(transfers), np.zeros(claims), np.zeros(claims), np.zeros(transfers),
            np.zeros(claims, np.int64), np.zeros(1, np.int64),
        )  # fmt: skip
        step = Step(
            c.sections.copy(), c.claim_records.copy(), c.transfer_records.copy(),
            c.outlet_records.copy(), np.zeros(rows), c.curves,
        )  # fmt: skip
        status = np.zeros(1, np.int64)
        f = r if self.forcing[0].shape[0] > 1 else 0
        head = (
            c.seconds, c.sets, c.A, c.T, c.price, c.rank, int(c.rank.max(initial=-1)) + 1, c.rounds,
            c.gain,
        )  # fmt: skip
        tail = (out.inflow, out.outflow, out.outlet_flow, out.need, out.supply, out.bound, status)
        groups = (
            tuple(m.p for m in c.members),
            self.forcing,
            self.x,
            out.reports,
            tuple(m.q for m in c.members),
            tuple(m.w for m in c.members),
        )
        aids = (work(c.problem(0)), room)
        plain = tuple(tuple(a.view(np.recarray) for a in group) for group in groups)
        at, claim, transfer, way_out = (a.view(np.recarray) for a in step[:4])
        seen = Step(at, claim, transfer, way_out, step.limit, step.curve)
        fast = (*head, step, *aids, *groups, *tail)
        slow = (*head, seen, *aids, *plain, *tail)
        return (f, slow if jit.disabled() else fast, slow), status
