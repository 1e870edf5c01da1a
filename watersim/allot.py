"""One pass of one step: fill the claims, send the water, repeat while new spill appears; kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.allocation.fill import Work, fill
from watersim.jit import kernel
from watersim.step import RETENTION, Layout, Step, available, flow

TURNS = 60  # most repetitions; a chain of reservoirs needs one for each that spills
SAME = 1e-9  # of two spills, relative to the water of the step
LACKING, UNSETTLED_SPILL = 11, 12


class Room(NamedTuple):
    """Work space of `allot`. Sizes: s sections, r rows, k claims, j transfers, o outlets."""

    reach: NDArray[np.float64]  # (s) m3 that can reach the section
    spilled: NDArray[np.float64]  # (s) m3 known to spill
    outlet: NDArray[np.float64]  # (o) m3 known to go through surplus outlets
    b: NDArray[np.float64]  # (r)
    cap: NDArray[np.float64]  # (j)
    y: NDArray[np.float64]  # (k)
    bound: NDArray[np.int64]  # (k) what stopped the claim
    turns: NDArray[np.int64]  # (1) repetitions of the last pass


@kernel
def allot(
    A: NDArray[np.float64],
    T: NDArray[np.float64],
    gain: NDArray[np.float64],
    price: NDArray[np.float64],
    rank: NDArray[np.int64],
    n_ranks: int,
    rounds: int,
    n: Layout,
    s: Step,
    w: Work,
    r: Room,
) -> int:
    """Allocate and send the water of one pass; 0, or the reason it gave up (see `REASONS`)."""
    total = 0.0
    for v in range(r.reach.shape[0]):
        r.spilled[v] = 0.0
        total += s.runoff[v] + s.carry[v]
    for o in range(r.outlet.shape[0]):
        r.outlet[o] = 0.0
        s.outlet_flow[o] = 0.0
    for turn in range(TURNS):
        r.turns[0] = turn + 1
        available(gain, n, s, r.spilled, r.reach, r.b)
        for j in range(r.cap.shape[0]):
            r.cap[j] = min(s.cap[j], total)
        status = fill(
            A, T, price, rank, n_ranks, rounds, r.b, s.need, r.cap, w, r.y, s.carried, r.bound
        )
        if status != 0:
            return status
        for i in range(r.y.shape[0]):
            s.supply[i] = r.y[i]
        lacked = flow(gain, n, s)
        if lacked > SAME * total:
            return LACKING
        if not _again(n, s, r, SAME * total):
            return 0
    return UNSETTLED_SPILL


@kernel
def _again(n: Layout, s: Step, r: Room, least: float) -> bool:
    """Whether water turned up that claims below have not been offered, or dead storage fills."""
    again = False
    for v in range(r.reach.shape[0]):
        if n.limited[v] >= 0 and abs(s.spill[v] - r.spilled[v]) > least:
            r.spilled[v] = s.spill[v]
            again = True
        if s.withheld[v] < s.dead[v] and s.outflow[v] > least:
            present = min(s.dead[v], s.stored[v] + s.outflow[v])
            if present - s.withheld[v] > least:
                _withhold(n, s, v, present - s.withheld[v])
                again = True
    for o in range(r.outlet.shape[0]):
        if abs(s.outlet_flow[o] - r.outlet[o]) > least:
            r.outlet[o] = s.outlet_flow[o]
            again = True
    return again


@kernel
def _withhold(n: Layout, s: Step, v: int, more: float) -> None:
    """Keep more water in dead storage: it has no outlet, and the zones above begin higher."""
    s.withheld[v] += more
    for i in range(n.claim_sort.shape[0]):
        if n.claim_section[i] == v and n.claim_sort[i] == RETENTION:
            cut = min(more, s.need[i])
            s.need[i] -= cut
            more -= cut
