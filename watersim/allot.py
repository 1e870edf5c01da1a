"""One pass of one step: fill the claims, send the water, repeat while new spill appears; kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.allocation.fill import Work, fill
from watersim.allocation.problem import Floats, Integers
from watersim.arrays import CONSUMPTIVE, RETENTION, TURBINE, Step
from watersim.jit import kernel
from watersim.river import River, ration
from watersim.step import available, flow

TURNS = 60  # most repetitions; a chain of reservoirs needs one for each that spills
DEAD_TURNS = 30  # of them, in which dead storage may still rise
RISING = 20  # of them, in which a known spill may still rise
FALLING = 40  # of them, after which a known spill that falls is not counted on at all
SAME = 1e-9  # of two spills, relative to the water of the step
LACKING, UNSETTLED_SPILL = 11, 12


class Matrices(NamedTuple):
    """The coefficients of the allocation in every step, see `allocation.problem.Problem`."""

    A: Floats  # (sets, rows, claims)
    T: Floats  # (sets, rows, transfers)
    below: Floats  # (sets, sections, rows) share of a section's water that each row counts
    gain: Floats  # (sets, sections) share of an outflow that arrives within the step
    price: Floats  # (transfers)
    rank: Integers  # (claims)
    river: River


class Room(NamedTuple):
    """Work space for one lane's `fill`. Sizes: r rows, k claims, j transfers."""

    work: Work
    shut: Work  # of the same problem where reservoirs are shut
    b: Floats  # (r)
    cap: Floats  # (j)
    need: Floats  # (k)
    y: Floats  # (k)
    z: Floats  # (j)
    bound: Integers  # (k) what stopped the claim
    A: Floats  # (r, k) coefficients of the set in force, as they are in one lane
    T: Floats  # (r, j)
    counts: NDArray[
        np.int64
    ]  # (3) repetitions of the last pass, lanes that `fill` settled, their set


@kernel
def allot(m: Matrices, c: int, rounds: int, s: Step, r: Room, second: int, last: int) -> int:
    """Allocate and send the water of one pass; 0, or the reason it gave up (see `REASONS`).

    Parameters
    ----------
    c
        the set of coefficients in force.
    second
        1 in the second pass, which starts from what would have filled dead storage in the first.
    last
        1 in the last pass. One before it only tells area and head, and is not repeated for water
        that should have filled dead storage: it only notes how much.
    """
    lane, ranks = s.lane[0], m.river.first.shape[0] - 1
    for l in range(lane.live.size):
        lane.live[l] = 1
        lane.shut[l] = 0
        lane.total[l] = 0.0
    for v in range(s.at.shape[0]):
        at = s.at[v]
        for l in range(lane.live.size):
            at.spilled[l] = 0.0
            lane.total[l] += at.runoff[l]
        if at.store == 1:
            for l in range(lane.live.size):
                lane.total[l] += at.carry[l]
        if at.dead_claim >= 0:
            for l in range(lane.live.size):
                at.shut[l] = 0
                at.refill[l] = min(at.refill[l], at.dead - at.withheld[l]) if second == 1 else 0.0
                if at.refill[l] > 0.0:
                    _lift_zones(s, v, l, at.refill[l])
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        for l in range(lane.live.size):
            out.known[l] = 0.0
            out.flow[l] = 0.0
    for k in range(s.cut.shape[0]):
        cut = s.cut[k]
        for l in range(lane.live.size):
            cut.passing[l] = 0.0
    for turn in range(TURNS):
        r.counts[0] = turn + 1
        available(s)
        ration(c, m.river, rounds, s)
        for l in range(lane.live.size):
            lane.todo[l] = 1 if lane.shut[l] == 1 else lane.todo[l]
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
                _read_lane(m, c, s, r, l)
                room = r.shut if lane.shut[l] == 1 else r.work
                status = fill(
                    r.A, r.T, m.price, m.rank, ranks, max(rounds, lane.shut[l]), r.b, r.need,
                    r.cap, room, r.y, r.z, r.bound,
                )  # fmt: skip
                if status != 0:
                    return status
                _write_lane(s, r, l)
        for l in range(lane.live.size):
            lane.least[l] = SAME * lane.total[l]
            lane.live[l] = 0
        enough = flow(s)
        again = _spills(s, turn)
        if last == 1:
            again = (turn < DEAD_TURNS and _dead_fills(s)) or again
            again = _shut_below_dead(s) or again
        if not again:
            if last == 0:
                _foresee_refills(s)
            return 0 if enough else LACKING
    return UNSETTLED_SPILL


@kernel
def _read_lane(m: Matrices, c: int, s: Step, r: Room, l: int) -> None:
    """Copy one lane's allocation to the work space of `fill`."""
    if r.counts[2] != c:
        for k in range(r.b.shape[0]):
            for i in range(r.need.shape[0]):
                r.A[k, i] = m.A[c, k, i]
            for j in range(r.cap.shape[0]):
                r.T[k, j] = m.T[c, k, j]
        r.counts[2] = c
    for k in range(r.b.shape[0]):
        r.b[k] = s.row[k].b[l]
    for j in range(r.cap.shape[0]):
        canal = s.transfer[j]
        # unlimited is more than all the water, so that it is never what ran out
        r.cap[j] = min(canal.cap[l], 2.0 * s.lane[0].total[l])
        if canal.nature == TURBINE:
            r.T[canal.row, j] = -canal.worth[l]
    for i in range(r.need.shape[0]):
        r.need[i] = s.claim[i].need[l]
    if s.lane[0].shut[l] == 1:
        for v in range(s.at.shape[0]):
            if s.at[v].shut[l] == 1:
                _shut(m, c, s, r, v)
        r.counts[2] = -1


@kernel
def _shut(m: Matrices, c: int, s: Step, r: Room, v: int) -> None:
    """Let no claim take at a reservoir, and none below count on what passes it."""
    here = s.at[v].row
    for k in range(r.b.shape[0]):
        share = m.below[c, v, k]
        if k != here and share != 0.0:
            for i in range(r.need.shape[0]):
                r.A[k, i] -= share * r.A[here, i]
            for j in range(r.cap.shape[0]):
                r.T[k, j] -= share * r.T[here, j]
    for i in range(r.need.shape[0]):
        claim = s.claim[i]
        if claim.section == v and claim.nature == CONSUMPTIVE and claim.many == 0:
            r.need[i] = 0.0
    for j in range(r.cap.shape[0]):
        if s.transfer[j].source == v and s.transfer[j].nature != TURBINE:
            r.cap[j] = 0.0


@kernel
def _write_lane(s: Step, r: Room, l: int) -> None:
    """Copy back what `fill` gave."""
    for j in range(r.cap.shape[0]):
        s.transfer[j].z[l] = r.z[j]
    for i in range(r.need.shape[0]):
        s.claim[i].y[l] = r.y[i]
        s.claim[i].bound[l] = r.bound[i]


@kernel
def _spills(s: Step, turn: int) -> bool:
    """Whether water turned up that claims below have not been offered; such lanes are live again."""
    lane, again, shut = s.lane[0], False, 0
    for l in range(lane.live.size):
        shut += lane.shut[l]
    for v in range(s.at.shape[0]):
        at = s.at[v]
        if at.limited >= 0 or (shut > 0 and at.dead_claim >= 0):
            limited = at.limited >= 0
            for l in range(lane.live.size):
                spill = at.outflow[l] if at.shut[l] == 1 else at.spill[l] if limited else 0.0
                known = _known(at.spilled[l], spill, lane.least[l], turn)
                if known != at.spilled[l]:
                    at.spilled[l] = known
                    lane.live[l] = 1
                    again = True
    for k in range(s.cut.shape[0]):  # the part below is filled after the part above
        cut = s.cut[k]
        at = s.at[cut.head]
        for l in range(lane.live.size):
            known = _known(cut.passing[l], at.outflow[l], lane.least[l], turn)
            if known != cut.passing[l] and at.gain > 0.0:
                cut.passing[l] = known
                lane.live[l] = 1
                again = True
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        for l in range(lane.live.size):
            known = _known(out.known[l], out.flow[l], lane.least[l], turn)
            if known != out.known[l]:
                out.known[l] = known
                lane.live[l] = 1
                again = True
    return again


@kernel
def _dead_fills(s: Step) -> bool:
    """Hold back what went through a reservoir below its dead storage; whether any did.

    Lanes where it did are live again.
    """
    lane, found = s.lane[0], False
    for v in range(s.at.shape[0]):
        at = s.at[v]
        lacking = 0
        if at.dead_claim >= 0:
            dead = at.dead
            for l in range(lane.live.size):
                lacks = min(dead, at.stored[l] + at.outflow[l] + at.taken[l])
                lacks -= at.withheld[l] + at.refill[l]
                lacking += 1 if lacks > lane.least[l] else 0
        if lacking > 0:
            for l in range(lane.live.size):
                if at.outflow[l] + at.taken[l] > lane.least[l] and _fill_dead(s, v, l):
                    lane.live[l] = 1
                    found = True
    return found


@kernel
def _known(known: float, flow: float, least: float, turn: int) -> float:
    """What claims below may count on of water that nobody asked for.

    What a claim does with a known spill can make the spill vanish, by way of a canal back to the
    reservoir. So after some turns it only falls, and at last is not counted on.
    """
    if abs(flow - known) <= least or (flow > known and turn >= RISING):
        return known
    return 0.0 if flow < known and turn >= FALLING else flow


@kernel
def _shut_below_dead(s: Step) -> bool:
    """Shut reservoirs from which water goes though they are below dead storage; whether any.

    That is water of return flows and canals which later claims gave away before it was there. Only
    where nothing else is left to do: lanes that are not live, which then are.
    """
    lane, done = s.lane[0], False
    for v in range(s.at.shape[0]):
        at = s.at[v]
        if at.dead_claim >= 0:
            dead, found = at.dead, 0
            for l in range(lane.live.size):
                passes = at.outflow[l] + at.taken[l]
                leaks = min(dead, at.stored[l] + passes) - at.stored[l] > lane.least[l]
                found += 1 if leaks and lane.live[l] == 0 and at.shut[l] == 0 else 0
            if found > 0:
                done = True
                for l in range(lane.live.size):
                    passes = at.outflow[l] + at.taken[l]
                    leaks = min(dead, at.stored[l] + passes) - at.stored[l] > lane.least[l]
                    if leaks and lane.live[l] == 0 and at.shut[l] == 0:
                        at.shut[l] = lane.shut[l] = lane.live[l] = 1
                        at.refill[l] = at.spilled[l] = 0.0
    return done


@kernel
def _fill_dead(s: Step, v: int, l: int) -> bool:
    """Let what arrived fill the dead storage before anything leaves; zones above begin higher.

    Where claims above share with those that no longer get anything through, each turn frees a
    share of the last: from two turns the sum of that series follows.
    """
    at = s.at[v]
    held = at.withheld[l] + at.refill[l]
    lacks = min(at.dead, at.stored[l] + at.outflow[l] + at.taken[l]) - held
    if lacks <= s.lane[0].least[l]:
        return False
    more = lacks
    if lacks < at.lacked[l]:
        more = min(at.dead - held, lacks / (1.0 - lacks / at.lacked[l]))
    at.lacked[l] = lacks
    at.refill[l] += more
    _lift_zones(s, v, l, more)
    return True


@kernel
def _lift_zones(s: Step, v: int, l: int, more: float) -> None:
    """Let the zones of a reservoir begin higher: water below them is held already."""
    i = s.at[v].dead_claim + 1
    while i < s.claim.shape[0] and s.claim[i].section == v:
        claim = s.claim[i]
        if claim.nature == RETENTION:
            cut = min(more, claim.need[l])
            claim.need[l] -= cut
            more -= cut
        i += 1


@kernel
def _foresee_refills(s: Step) -> None:
    """Leave to the second pass what should have filled dead storage, whatever it lacks there."""
    _dead_fills(s)
    for v in range(s.at.shape[0]):
        at = s.at[v]
        if at.dead_claim >= 0:
            for l in range(at.refill.size):
                at.stored[l] = max(at.stored[l], at.withheld[l] + at.refill[l])
                whole = at.refill[l] > 0.0 and (
                    at.withheld[l] + at.refill[l] >= at.dead - s.lane[0].least[l]
                )
                at.refill[l] = at.dead if whole else at.refill[l]
