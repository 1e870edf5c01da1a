"""Compiled → filled arrays: the loop over realizations and time; mutates only what it allocates.

Realizations advance in blocks, side by side in lanes; threads share the blocks. Where the compiled
fill gives up, that one step of the block is repeated as plain Python, with `allocation.exact` for
the realizations in which it gave up; they are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim import hooks, jit, loop
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
from watersim.loop import Program
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


class _Loop(NamedTuple):
    """The loop over steps and what it calls, compiled or as plain Python."""

    run: Callable[..., int]
    program: Program


def plain_loop(used: Sequence[bool], instead: Mapping[str, Callable[..., Any]]) -> _Loop:
    """The loop as plain Python with some kernels replaced, for the kinds in use."""
    return _Loop(jit.plain(loop.run_steps, instead), hooks.plain(used, instead))


def _exact_instead(always: bool) -> dict[str, Callable[..., Any]]:
    """`exact.allocate` where (or wherever) `fill` gives up."""
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
    return instead


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
        groups = (p, self.shared, self.u, self.y, self.z, q, w)
        head = (c.seconds, c.sets, c.passes, c.matrices, c.rounds)
        ahead = c.later(forcing, np.array(realizations)[lane_of])
        out = (self.sections, self.claims, self.ways)
        self._groups = groups  # where `rows` points at
        places = hooks.frame(self.step), hooks.rows(groups, self.own)
        self.fast = (*places, *head, self.step, self.room, c.orders, ahead, *out, self.status)
        step = Step(*map(_seen, self.step[:10]), c.curves, c.guides)  # type: ignore[call-arg]
        seen = hooks.plain_rows([tuple(map(_seen, group)) for group in groups], self.own)
        orders = c.orders._replace(
            **{name: _seen(getattr(c.orders, name)) for name in ("order", "line", "node", "need")}
        )
        tail = (step, self.room, orders, ahead, *map(_seen, out), self.status)
        self.slow = (step, seen, *head, *tail)


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
        width = self._width = lanes or (1 if realizations == 1 else LANES)
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
        IndexError
            if there are no such steps.
        """
        if not 0 <= first <= last <= self.compiled.seconds.size:
            raise IndexError(f"steps {first} to {last} of {self.compiled.seconds.size}")
        self._loop  # noqa: B018 - compiled before threads share it

        def one(block: _Block) -> int:
            return self._advance(block, first, last, progress)

        if workers > 1 and len(self._blocks) > 1 and not self._exactly:
            with ThreadPoolExecutor(workers) as pool:
                return sum(pool.map(one, self._blocks))
        return sum(one(block) for block in self._blocks)

    @cached_property
    def _used(self) -> list[bool]:
        return [bool(members.names) for members in self.compiled.members]

    @cached_property
    def _loop(self) -> _Loop:
        if jit.disabled() or self._exactly:
            return self._plain
        _, _, _, _, _, m, rounds, s, room, orders, ahead, *_ = self._blocks[0].fast
        ordered, allotted = (orders, ahead, 0, s, 0.0), (m, 0, rounds, s, room, 0, 0)
        program = hooks.compiled(self._used, self._width, s, ordered, allotted)
        return _Loop(loop.run_steps, program)

    @cached_property
    def _plain(self) -> _Loop:
        return plain_loop(self._used, _exact_instead(self._exactly))

    def _advance(
        self, block: _Block, first: int, last: int, progress: Callable[[int], None] | None
    ) -> int:
        used = block.room.work.used
        used[0], t = 0, first
        chunk = max(1, (last - first) // 20) if progress else last - first
        while t < last:
            stop = min(last, t + chunk)
            reached = t
            if not self._exactly:
                arguments = block.slow if jit.disabled() else block.fast
                reached = self._loop.run(t, stop, self._loop.program, *arguments)
            if reached < stop:
                with np.errstate(over="ignore"):  # a limit that is no limit, as in the kernels
                    plain = self._plain
                    next_ = plain.run(reached, reached + 1, plain.program, *block.slow)
                if next_ == reached:
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
