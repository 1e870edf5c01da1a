"""Compiled → filled arrays: the loop over realizations and time; mutates only what it allocates.

Realizations advance in blocks, side by side in lanes; threads share the blocks. The loop that calls
every kind's kernels is written into the user's cache folder, named by the hash of all kernels, and
imported from there: no list of kinds in the source, and numba's cache hits. Where the compiled fill
gives up, that one step of the block is repeated as plain Python, with `allocation.exact` for the
realizations in which it gave up; they are counted.
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
from watersim.allocation import exact, fill
from watersim.allocation.fill import REASONS, work
from watersim.allocation.problem import Problem
from watersim.allot import LACKING, UNSETTLED_SPILL, Room
from watersim.arrays import (
    CLAIM,
    CUT,
    LANE,
    PLANT,
    PUMP,
    ROW,
    SECTION,
    TRADE,
    TRANSFER,
    WAY_OUT,
    Step,
)
from watersim.compile import Compiled
from watersim.errors import ModelError
from watersim.records import in_lanes, record, spread

Floats = NDArray[np.float64]
LANES = 25  # realizations side by side: enough for vector instructions, parts of 50, 100, 1000


class Outcome(NamedTuple):
    """What a run gives, in arrays. r realizations, t steps, s sections, k claims, o outlets."""

    inflow: Floats  # (r, t, s) m3
    outflow: Floats  # (r, t, s) m3
    outlet_flow: Floats  # (r, t, o) m3
    need: Floats  # (r, t, k) m3
    supply: Floats  # (r, t, k) m3
    bound: NDArray[np.int64]  # (r, t, k)
    reports: tuple[dict[str, Floats], ...]  # per kind and report (r, t, n)
    initial: tuple[dict[str, Floats], ...]  # per kind and state (r, n), before the first step
    part_reports: tuple[dict[str, Floats], ...]  # per kind and report of its parts (r, t, m)
    part_initial: tuple[dict[str, Floats], ...]  # per kind and state of its parts (r, m)
    fallbacks: int  # steps that `allocation.exact` had to settle


class States(NamedTuple):
    """What is held before the first step, one array of records per kind."""

    members: tuple[NDArray[Any], ...]  # (n)
    parts: tuple[NDArray[Any], ...]  # (m), of the kinds whose parts report


def _loop_source() -> str:
    """The source of the loop: one call per kind and hook, in the kinds' order."""
    imports: list[str] = []
    starts: list[str] = []
    befores: list[str] = []
    afters: list[str] = []
    lasts: list[str] = []
    spreads: list[str] = []
    for k, kind in enumerate(registry.every_kind()):
        module = registry.module_of(kind)
        for hook in ("start", "before", "after"):
            if hasattr(module, hook):
                imports.append(f"from {module.__name__} import {hook} as {hook}_{k}")
        before = f"y[{k}][:t + 1]" if kind.looks_back else f"y[{k}][t]"
        parts = f"z[{k}][t], z[{k}][t + 1], " if kind.part_reports else ""
        values = f"p[{k}], u[{k}][h], {before}, y[{k}][t + 1], q[{k}], w[{k}][t], {parts}s, dt"
        if hasattr(module, "start"):
            starts.append(f"if p[{k}].size > 0: start_{k}(p[{k}], y[{k}][0], s)")
        if hasattr(module, "before"):
            call = f"before_{k}({values.replace('[h]', f'[t * own[{k}]]')}, again)"
            befores.append(f"if p[{k}].size > 0: {call}")
        if hasattr(module, "after"):
            call = f"after_{k}({values.replace('[h]', f'[t * own[{k}]]')})"
            (lasts if kind.settled_last else afters).insert(0, f"if p[{k}].size > 0: {call}")
        for name in kind.forcing_record.names or ():
            if name != "_":
                spreads.append(f"for i in range(f[{k}].shape[1] * (1 - own[{k}])):")
                spreads.append(f"    given, row = f[{k}][t, i].{name}, u[{k}][0, i].{name}")
                spreads.append("    for l in range(row.size):")
                spreads.append("        row[l] = given")
    indent = "\n" + " " * 12
    return f'''"""The loop over steps, written by watersim.engine."""
from watersim.allot import allot
from watersim.jit import entry
from watersim.orders import order
from watersim.step import clear
{chr(10).join(imports)}


@entry
def run_steps(first, last, seconds, sets, passes, m, rounds, s, room, p, f, own, u, y, z, q, w,
              orders, ahead, sections, claims, ways, status):
    if first == 0:
        {(chr(10) + " " * 8).join(starts)}
    for t in range(first, last):
        dt = seconds[t]
        {(chr(10) + " " * 8).join(spreads)}
        for again in range(passes):
            clear(s, m.gain[sets[t]])
            {indent.join(befores)}
            order(orders, ahead, t, s, dt)
            status[0] = allot(m, sets[t], rounds, s, room, again, again + 1 == passes)
            if status[0] != 0:
                return t
        {(chr(10) + " " * 8).join([*afters, *lasts])}
        for v in range(s.at.shape[0]):
            at, out = s.at[v], sections[t, v]
            for l in range(at.inflow.size):
                out.inflow[l] = at.inflow[l]
                out.outflow[l] = at.outflow[l]
        for o in range(s.way_out.shape[0]):
            way, out = s.way_out[o], ways[t, o]
            for l in range(way.flow.size):
                out.flow[l] = way.flow[l]
        for i in range(s.claim.shape[0]):
            claim, out = s.claim[i], claims[t, i]
            for l in range(claim.need.size):
                out.need[l] = claim.need[l]
                out.supply[l] = claim.supply[l]
                out.bound[l] = claim.bound[l]
    return last
'''


_LOOP = "watersim._loop"


class Loops(NamedTuple):
    """The loop compiled; as plain Python with `exact` where the fill gives up; or everywhere."""

    fast: Callable[..., int]
    either: Callable[..., int]
    exact: Callable[..., int]


def load_loop() -> Loops:
    """The loop, loaded and compiled once in a process."""
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
        loops = Loops(module.run_steps, _with_exact(plain), _with_exact(plain, always=True))
        module.__dict__["loops"] = loops
    loaded: Loops = sys.modules[_LOOP].__dict__["loops"]
    return loaded


def is_cold() -> bool:
    """Whether the first run will compile the kernels: nothing is kept of this version yet."""
    if _LOOP in sys.modules:
        return False
    folder = None if jit.disabled() else jit.cache_folder()
    return folder is not None and not (folder / "loop.py").exists()


def _write_once(path: Path, source: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        part = path.with_suffix(f".{id(source):x}.part")
        part.write_text(source, encoding="utf-8")
        part.replace(path)


def _with_exact(loop: Callable[..., int], always: bool = False) -> Callable[..., int]:
    """The loop as plain Python, with `exact.allocate` where (or wherever) `fill` gives up."""
    filled = jit.plain(fill.fill, {})

    def either(
        A: Floats, T: Floats, price: Floats, rank: Any, n_ranks: int, rounds: int,
        b: Floats, need: Floats, cap: Floats, w: Any, y: Floats, z: Floats, bound: Any,
    ) -> int:  # fmt: skip
        if not always and not filled(
            A, T, price, rank, n_ranks, rounds, b, need, cap, w, y, z, bound
        ):
            return 0
        given = exact.allocate(
            Problem(A, T, price, rank, rounds), b.copy(), need.copy(), cap.copy()
        )
        y[:], z[:], bound[:] = given.y, given.z, given.bound
        w.used[0] += 1
        return 0

    def leave_all(c: int, n: Any, rounds: int, s: Any) -> None:
        s.lane[0].todo[:] = 1

    instead: dict[str, Callable[..., Any]] = {"watersim.allocation.fill.fill": either}
    if always:
        instead["watersim.river.ration"] = leave_all
    return jit.plain(loop, instead)


class _Block:
    """The arrays of some realizations that advance side by side."""

    def __init__(
        self,
        compiled: Compiled,
        realizations: range,
        forcing: tuple[NDArray[Any], ...],
        start: States,
        lanes: int,
    ) -> None:
        self.realizations = realizations
        c, members, steps = compiled, compiled.members, compiled.seconds.size
        sections, claims = c.sections.size, len(c.claims)
        lane_of = np.minimum(np.arange(lanes), len(realizations) - 1)  # idle lanes repeat the last

        def own(record_: np.dtype[np.void], *shape: int) -> NDArray[Any]:
            return blank(shape, in_lanes(record_, lanes))

        self.y = tuple(own(m.kind.report_record(), steps + 1, len(m.names)) for m in members)
        self.z = tuple(own(m.kind.part_report_record(), steps + 1, len(m.parts)) for m in members)
        for y, x in zip((*self.y, *self.z), (*start.members, *start.parts), strict=True):
            for name in x.dtype.names or ():
                if name != "_":
                    y[name][0] = x[name][:, np.newaxis]
        self.own = np.array([f.shape[0] > 1 for f in forcing], np.int64)
        self.u = tuple(
            own(m.kind.forcing_record, steps if apart else 1, len(m.names))
            for m, apart in zip(members, self.own, strict=True)
        )
        for f, u, apart in zip(forcing, self.u, self.own, strict=True):
            if apart:
                for name in f.dtype.names or ():
                    u[name] = np.moveaxis(f[name][np.array(realizations)[lane_of]], 0, -1)
        self.shared = tuple(f[0] for f in forcing)
        self.sections = own(record("inflow", "outflow"), steps, sections)
        self.ways = own(record("flow"), steps, len(c.outlets))
        self.claims = own(record("need", "supply", "bound:i"), steps, claims)
        self.step = Step(
            spread(c.sections, record(*SECTION, lanes=lanes)),
            spread(c.claim_records, record(*CLAIM, lanes=lanes)),
            spread(c.transfer_records, record(*TRANSFER, lanes=lanes)),
            spread(c.outlet_records, record(*WAY_OUT, lanes=lanes)),
            spread(c.plant_records, record(*PLANT, lanes=lanes)),
            np.zeros(len(c.pumps), record(*PUMP, lanes=lanes)),
            np.zeros(len(c.trades), record(*TRADE, lanes=lanes)),
            np.zeros(len(c.rows), record(*ROW, lanes=lanes)),
            np.zeros(1, record(*LANE, lanes=lanes)),
            spread(c.cut_records, record(*CUT, lanes=lanes)),
            c.curves,
            c.guides,
        )
        rows, transfers = len(c.rows), len(c.transfers)
        plain = work(c.problem(0))
        shut = work(c.problem_of_shut())._replace(used=plain.used, fed=plain.fed)
        self.room = Room(
            work=plain, shut=shut,
            b=np.zeros(rows), cap=np.zeros(transfers), need=np.zeros(claims),
            y=np.zeros(claims), z=np.zeros(transfers), bound=np.zeros(claims, np.int64),
            A=np.zeros((rows, claims)), T=np.zeros((rows, transfers)),
            counts=np.array([0, 0, -1], np.int64),
        )  # fmt: skip
        self.status = np.zeros(1, np.int64)
        p, q, w = (tuple(getattr(m, letter) for m in members) for letter in "pqw")
        head = (c.seconds, c.sets, c.passes, c.matrices, c.rounds)
        ahead = c.later(forcing, np.array(realizations)[lane_of])
        tail = (c.orders, ahead, self.sections, self.claims, self.ways, self.status)
        own_arrays = (self.u, self.y, self.z, q, w)
        self.fast = (*head, self.step, self.room, p, self.shared, self.own, *own_arrays, *tail)
        seen = [tuple(_seen(a) for a in group) for group in (p, self.shared, *own_arrays)]
        step = Step(*map(_seen, self.step[:10]), c.curves, c.guides)  # type: ignore[call-arg]
        orders = c.orders._replace(
            **{name: _seen(getattr(c.orders, name)) for name in ("order", "line", "node", "need")}
        )
        out = (orders, ahead, *map(_seen, tail[2:5]), self.status)
        self.slow = (*head, step, self.room, *seen[:2], self.own, *seen[2:], *out)


def blank(shape: tuple[int, ...], record_: np.dtype[np.void]) -> NDArray[Any]:
    """Zeros. Unlike np.zeros, np.empty asks for large pages, and a first touch of a page is dear."""
    values = np.empty(shape, record_)
    values.view(np.uint8).reshape(-1)[:] = 0
    return values


def _seen(array: NDArray[Any]) -> Any:
    """The same array with fields as attributes, for kernels run as plain Python."""
    return array.view(np.recarray)


class Engine:
    """A compiled scenario ready to advance, for one or several realizations.

    Parameters
    ----------
    compiled
        the arrays
    realizations
        how many
    forcing
        per kind the forcing records, shape (1 or realizations, time, n)
    initial
        the states before the first step; the scenario's own if None
    exactly
        allocate every step with `allocation.exact` (slow; for checks)
    lanes
        how many realizations advance side by side; the results do not depend on it
    """

    def __init__(
        self,
        compiled: Compiled,
        realizations: int = 1,
        forcing: tuple[NDArray[Any], ...] | None = None,
        initial: States | None = None,
        exactly: bool = False,
        lanes: int | None = None,
    ) -> None:
        self.compiled = compiled
        self.realizations = realizations
        self._exactly = exactly
        self.forcing = forcing or tuple(m.u[np.newaxis] for m in compiled.members)
        own = States(*(tuple(getattr(m, letter) for m in compiled.members) for letter in "xv"))
        self._start = initial or own
        width = lanes or (1 if realizations == 1 else LANES)
        self._blocks = [
            _Block(compiled, range(r, min(r + width, realizations)), self.forcing, self._start,
                   width)
            for r in range(0, realizations, width)
        ]  # fmt: skip

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

        def one(block: _Block) -> int:
            return self._advance(block, first, last, progress)

        if workers > 1 and len(self._blocks) > 1 and not self._exactly:
            with ThreadPoolExecutor(workers) as pool:
                return sum(pool.map(one, self._blocks))
        return sum(one(block) for block in self._blocks)

    def _advance(
        self, block: _Block, first: int, last: int, progress: Callable[[int], None] | None
    ) -> int:
        loops = load_loop()
        used = block.room.work.used
        used[0], t = 0, first
        chunk = max(1, (last - first) // 20) if progress else last - first
        while t < last:
            stop = min(last, t + chunk)
            reached = t
            if not self._exactly:
                arguments = block.slow if jit.disabled() else block.fast
                reached = loops.fast(t, stop, *arguments)
            if reached < stop:
                again = loops.exact if self._exactly else loops.either
                with np.errstate(over="ignore"):  # a limit that is no limit, as in the kernels
                    stuck = again(reached, reached + 1, *block.slow) == reached
                if stuck:
                    raise ModelError(self._sentence(reached, int(block.status[0])))
                reached += 1
            if progress:
                progress((reached - t) * len(block.realizations))
            t = reached
        return 0 if self._exactly else int(used[0])

    def _sentence(self, t: int, status: int) -> str:
        day = self.compiled.scenario.timeline.starts[t]
        reason = {
            LACKING: "more water was allocated than arrives",
            UNSETTLED_SPILL: "the spill from reservoir to reservoir does not settle",
        }.get(status) or (REASONS[status] if 0 < status < len(REASONS) else f"reason {status}")
        return f"the allocation of the step that starts on {day} failed: {reason}"

    def force(self, t: int, member: int, name: str, k: int, values: Floats) -> None:
        """Write a forcing of member k of a kind in step t, shape (realizations).

        One that differs between realizations must have been given for each of them.
        """
        self.forcing[member][name][:, t, k] = values
        for block in self._blocks:
            if block.own[member]:
                lanes = block.u[member][name][t, k]
                last = block.realizations.stop - 1
                for lane in range(lanes.size):
                    lanes[lane] = values[min(block.realizations.start + lane, last)]

    def inflow(self, t: int, realization: int) -> Floats:
        """Inflow of every section in step t, m3/s."""
        block = next(b for b in self._blocks if realization in b.realizations)
        lane = realization - block.realizations.start
        flows = block.sections["inflow"][t, :, lane] / self.compiled.seconds[t]
        return np.asarray(flows)

    def state(self, t: int, member: int, name: str) -> Floats:
        """A state of one kind before step t, shape (realizations, n)."""
        return self._now([block.y[member][name] for block in self._blocks], t)

    def part_state(self, t: int, member: int, name: str) -> Floats:
        """A state of the parts of one kind before step t, shape (realizations, m)."""
        return self._now([block.z[member][name] for block in self._blocks], t)

    def _now(self, arrays: list[NDArray[Any]], t: int) -> Floats:
        blocks = zip(arrays, self._blocks, strict=True)
        return np.concatenate([a[t, :, : len(b.realizations)].T for a, b in blocks])

    def outcome(self, fallbacks: int = 0) -> Outcome:
        """What the steps advanced so far gave; zeros for those to come."""
        blocks = self._blocks

        def joined(arrays: list[NDArray[Any]], name: str, first: int = 0) -> Any:
            parts = [
                np.moveaxis(a[name][first:, :, : len(b.realizations)], -1, 0)
                for a, b in zip(arrays, blocks, strict=True)
            ]
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        sections = [b.sections for b in blocks]
        claims = [b.claims for b in blocks]
        kinds = [m.kind for m in self.compiled.members]
        return Outcome(
            inflow=joined(sections, "inflow"),
            outflow=joined(sections, "outflow"),
            outlet_flow=joined([b.ways for b in blocks], "flow"),
            need=joined(claims, "need"),
            supply=joined(claims, "supply"),
            bound=joined(claims, "bound"),
            reports=tuple(
                {report.name: joined([b.y[k] for b in blocks], report.name, 1)
                 for report in kind.reports}
                for k, kind in enumerate(kinds)
            ),
            initial=tuple(
                {report.name: self.state(0, k, report.name)
                 for report in kind.reports if report.role == "state"}
                for k, kind in enumerate(kinds)
            ),
            part_reports=tuple(
                {report.name: joined([b.z[k] for b in blocks], report.name, 1)
                 for report in kind.part_reports}
                for k, kind in enumerate(kinds)
            ),
            part_initial=tuple(
                {report.name: self.part_state(0, k, report.name)
                 for report in kind.part_reports if report.role == "state"}
                for k, kind in enumerate(kinds)
            ),
            fallbacks=fallbacks,
        )  # fmt: skip
