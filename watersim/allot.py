"""One pass of one step: fill the claims, send the water, repeat while new spill appears; kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.allocation.fill import Work, fill
from watersim.allocation.problem import Floats, Integers
from watersim.jit import kernel
from watersim.river import River, ration
from watersim.step import RETENTION, Step, available, flow

TURNS = 60  # most repetitions; a chain of reservoirs needs one for each that spills
DEAD_TURNS = 30  # of them, in which dead storage may still rise
SAME = 1e-9  # of two spills, relative to the water of the step
LACKING, UNSETTLED_SPILL = 11, 12


class Matrices(NamedTuple):
    """The coefficients of the allocation in every step, see `allocation.problem.Problem`."""

    A: Floats  # (sets, rows, claims)
    T: Floats  # (sets, rows, transfers)
    gain: Floats  # (sets, sections) share of an outflow that arrives within the step
    price: Floats  # (transfers)
    rank: Integers  # (claims)
    river: River


class Room(NamedTuple):
    """Work space for one lane's `fill`. Sizes: r rows, k claims, j transfers."""

    work: Work
    b: Floats  # (r)
    cap: Floats  # (j)
    need: Floats  # (k)
    y: Floats  # (k)
    z: Floats  # (j)
    bound: Integers  # (k) what stopped the claim
    counts: NDArray[np.int64]  # (2) repetitions of the last pass, lanes that `fill` settled


@kernel
def allot(m: Matrices, c: int, rounds: int, s: Step, r: Room) -> int:
    """Allocate and send the water of one pass; 0, or the reason it gave up (see `REASONS`).

    Parameters
    ----------
    c
        the set of coefficients in force.
    """
    lane, ranks = s.lane[0], m.river.first.shape[0] - 1
    for l in range(lane.live.size):
        lane.live[l] = 1
        lane.total[l] = 0.0
    for v in range(s.at.shape[0]):
        at = s.at[v]
        for l in range(lane.live.size):
            at.spilled[l] = 0.0
            lane.total[l] += at.runoff[l]
        if at.store == 1:
            for l in range(lane.live.size):
                lane.total[l] += at.carry[l]
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        for l in range(lane.live.size):
            out.known[l] = 0.0
            out.flow[l] = 0.0
    for turn in range(TURNS):
        r.counts[0] = turn + 1
        available(s)
        ration(c, m.river, rounds, s)
        for j in range(s.transfer.shape[0]):
            canal = s.transfer[j]
            for l in range(lane.live.size):
                done = lane.live[l] == 1 and lane.todo[l] == 0
                canal.z[l] = 0.0 if done else canal.z[l]
        for i in range(s.claim.shape[0]):
            claim = s.claim[i]
            for l in range(lane.live.size):
                done = lane.live[l] == 1 and lane.todo[l] == 0
                claim.y[l] = claim.given[l] if done else claim.y[l]
                claim.bound[l] = claim.stopped[l] if done else claim.bound[l]
        for l in range(lane.live.size):
            if lane.live[l] == 1 and lane.todo[l] == 1:
                r.counts[1] += 1
                _read_lane(s, r, l)
                status = fill(
                    m.A[c], m.T[c], m.price, m.rank, ranks, rounds, r.b, r.need, r.cap, r.work,
                    r.y, r.z, r.bound,
                )  # fmt: skip
                if status != 0:
                    return status
                _write_lane(s, r, l)
        for l in range(lane.live.size):
            lane.least[l] = SAME * lane.total[l]
            lane.live[l] = 0
        enough = flow(s)
        if not _again(s, turn):
            return 0 if enough else LACKING
    return UNSETTLED_SPILL


@kernel
def _read_lane(s: Step, r: Room, l: int) -> None:
    """Copy one lane's allocation to the work space of `fill`."""
    for k in range(r.b.shape[0]):
        r.b[k] = s.row[k].b[l]
    for j in range(r.cap.shape[0]):
        r.cap[j] = min(s.transfer[j].cap[l], s.lane[0].total[l])
    for i in range(r.need.shape[0]):
        r.need[i] = s.claim[i].need[l]


@kernel
def _write_lane(s: Step, r: Room, l: int) -> None:
    """Copy back what `fill` gave."""
    for j in range(r.cap.shape[0]):
        s.transfer[j].z[l] = r.z[j]
    for i in range(r.need.shape[0]):
        s.claim[i].y[l] = r.y[i]
        s.claim[i].bound[l] = r.bound[i]


@kernel
def _again(s: Step, turn: int) -> bool:
    """Whether water turned up that claims below have not been offered, or dead storage fills.

    Lanes where it did are live again.
    """
    lane, again = s.lane[0], False
    for v in range(s.at.shape[0]):
        at = s.at[v]
        if at.limited >= 0:
            for l in range(lane.live.size):
                if abs(at.spill[l] - at.spilled[l]) > lane.least[l]:
                    at.spilled[l] = at.spill[l]
                    lane.live[l] = 1
                    again = True
        if at.dead_claim >= 0 and turn < DEAD_TURNS:
            for l in range(lane.live.size):
                if at.outflow[l] + at.taken[l] > lane.least[l] and _fill_dead(s, v, l):
                    lane.live[l] = 1
                    again = True
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        for l in range(lane.live.size):
            if abs(out.flow[l] - out.known[l]) > lane.least[l]:
                out.known[l] = out.flow[l]
                lane.live[l] = 1
                again = True
    return again


@kernel
def _fill_dead(s: Step, v: int, l: int) -> bool:
    """Let what arrived fill the dead storage before anything leaves; zones above begin higher.

    Where claims above share with those that no longer get anything through, each turn frees a
    share of the last: from two turns the sum of that series follows.
    """
    at = s.at[v]
    held = at.withheld[l] + s.claim[at.dead_claim].need[l]
    lacks = min(at.dead, at.stored[l] + at.outflow[l] + at.taken[l]) - held
    if lacks <= s.lane[0].least[l]:
        return False
    more = lacks
    if lacks < at.lacked[l]:
        more = min(at.dead - held, lacks / (1.0 - lacks / at.lacked[l]))
    at.lacked[l] = lacks
    s.claim[at.dead_claim].need[l] += more
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if i != at.dead_claim and claim.section == v and claim.nature == RETENTION:
            cut = min(more, claim.need[l])
            claim.need[l] -= cut
            more -= cut
    return True
