"""One pass of one step: fill the claims, send the water, repeat while new spill appears; kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.allocation.fill import Work, fill
from watersim.jit import kernel
from watersim.step import RETENTION, Step, available, flow

TURNS = 60  # most repetitions; a chain of reservoirs needs one for each that spills
DEAD_TURNS = 30  # of them, in which dead storage may still rise
SAME = 1e-9  # of two spills, relative to the water of the step
LACKING, UNSETTLED_SPILL = 11, 12


class Room(NamedTuple):
    """Work space of `allot`. Sizes: s sections, r rows, k claims, j transfers, o outlets."""

    reach: NDArray[np.float64]  # (s) m3 that can reach the section
    spilled: NDArray[np.float64]  # (s) m3 known to spill
    outlet: NDArray[np.float64]  # (o) m3 known to go through surplus outlets
    b: NDArray[np.float64]  # (r)
    cap: NDArray[np.float64]  # (j)
    need: NDArray[np.float64]  # (k)
    y: NDArray[np.float64]  # (k)
    z: NDArray[np.float64]  # (j)
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
    s: Step,
    w: Work,
    r: Room,
) -> int:
    """Allocate and send the water of one pass; 0, or the reason it gave up (see `REASONS`)."""
    total = 0.0
    for v in range(r.reach.shape[0]):
        r.spilled[v] = 0.0
        total += s.at[v].runoff + s.at[v].carry
    for o in range(r.outlet.shape[0]):
        r.outlet[o] = 0.0
        s.way_out[o].flow = 0.0
    for turn in range(TURNS):
        r.turns[0] = turn + 1
        available(gain, s, r.spilled, r.reach, r.b)
        for j in range(r.cap.shape[0]):
            r.cap[j] = min(s.transfer[j].cap, total)
        for i in range(r.y.shape[0]):
            r.need[i] = s.claim[i].need
        status = fill(A, T, price, rank, n_ranks, rounds, r.b, r.need, r.cap, w, r.y, r.z, r.bound)
        if status != 0:
            return status
        for i in range(r.y.shape[0]):
            s.claim[i].supply = r.y[i]
        for j in range(r.z.shape[0]):
            s.transfer[j].carried = r.z[j]
        lacked = flow(gain, s)
        if lacked > SAME * total:
            return LACKING
        if not _again(s, r, SAME * total, turn):
            return 0
    return UNSETTLED_SPILL


@kernel
def _again(s: Step, r: Room, least: float, turn: int) -> bool:
    """Whether water turned up that claims below have not been offered, or dead storage fills."""
    again = False
    for v in range(r.reach.shape[0]):
        if s.at[v].limited >= 0 and abs(s.at[v].spill - r.spilled[v]) > least:
            r.spilled[v] = s.at[v].spill
            again = True
        if s.at[v].dead_claim >= 0 and turn < DEAD_TURNS and _fill_dead(s, v, least):
            again = True
    for o in range(r.outlet.shape[0]):
        if abs(s.way_out[o].flow - r.outlet[o]) > least:
            r.outlet[o] = s.way_out[o].flow
            again = True
    return again


@kernel
def _fill_dead(s: Step, v: int, least: float) -> bool:
    """Let what arrived fill the dead storage before anything leaves; zones above begin higher.

    Where claims above share with those that no longer get anything through, each turn frees a
    share of the last: from two turns the sum of that series follows.
    """
    at = s.at[v]
    if at.outflow + at.taken <= least:
        return False
    held = at.withheld + s.claim[at.dead_claim].need
    lacks = min(at.dead, at.stored + at.outflow + at.taken) - held
    if lacks <= least:
        return False
    more = lacks
    if lacks < at.lacked:
        more = min(at.dead - held, lacks / (1.0 - lacks / at.lacked))
    at.lacked = lacks
    s.claim[at.dead_claim].need += more
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if i != at.dead_claim and claim.section == v and claim.nature == RETENTION:
            cut = min(more, claim.need)
            claim.need -= cut
            more -= cut
    return True
