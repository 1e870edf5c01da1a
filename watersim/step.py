"""One step of some realizations: the arrays that kinds and engine share, and the flow pass; kernels.

Volumes are m3 per step. A *section* is a river node, numbered upstream first. Kinds meet only here:
`before` writes what a section has and what claims need, `after` reads what flowed. Fields in lanes
(``[]``) hold one number for each realization of the block; loops over lanes stand innermost, so
that they compile to vector instructions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING, RETENTION = 0, 1, 2, 3


SECTION = (
    "down:i",  # next section down the river, −1 at the end
    "limited:i",  # transfer that stands for the section's outlet, −1 if unlimited
    "row:i",  # row of the allocation, −1 if the section cannot bind
    "store:i",  # 1 where water can stay
    "dead_claim:i",  # claim that fills dead storage when water passes below it, −1
    "way:i",  # first surplus outlet, −1 where there is none
    "full",  # m3 the store can hold
    "dead",  # m3 of the store without an outlet
    "gain",  # share of the outflow that reaches the next section within the step
    "runoff[]",  # m3 that enters from outside the network, or from under way
    "carry[]",  # m3 in store before any water of this step arrives
    "drain[]",  # m3 that evaporation and seepage can take
    "drained[]",  # m3 they took
    "withheld[]",  # m3 of the dead storage that is there
    "lacked[]",  # m3 that it took more in the last turn
    "outlet[]",  # m3 the outlet can pass, inf where there is none or no limit
    "level[]",  # m, mean level of the lake in this pass
    "reach[]",  # m3 that can reach the section
    "spilled[]",  # m3 known to spill
    "inflow[]",  # m3 that entered
    "outflow[]",  # m3 that left down the river: release + spill
    "release[]",  # m3 of that through outlets and turbines
    "spill[]",  # m3 over the crest
    "stored[]",  # m3 in store at the end
    "taken[]",  # m3 diverted here
    "given_back[]",  # m3 returned or carried into the section
    "turbined[]",  # m3 that went through turbines
)
CLAIM = (
    "section:i",  # where it draws or is measured
    "nature:i",  # CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING or RETENTION
    "row:i",  # own row of an in-stream claim, −1
    "many:i",  # 1 where several canals serve it
    "loss_to:i",  # section where its canal's loss comes back, −1: it leaves the model
    "back_to:i",  # section its return flow comes back to, −1
    "loss",  # share of the diversion lost on the way to the gate
    "back",  # share of the supply that returns
    "prompt",  # share of that which is back within the step
    "need[]",  # m3 it asks for
    "y[]",  # m3 the allocation gives it
    "bound:i[]",  # what stopped it, see `allocation.problem`
    "rate[]",  # m3 it asks of its rank, 0 where that is rounding
    "given[]",  # m3 it has so far, see `watersim.river`
    "stopped:i[]",  # the row that stopped it, −1
    "supply[]",  # m3 it was given, at the site's gate or in the stream
    "way_loss[]",  # m3 lost between river and gate
    "way_return[]",  # m3 of its return flow that is back within the step
)
TRANSFER = (
    "source:i",  # section it takes from
    "target:i",  # section it leads to, −1 if to a claim
    "claim:i",  # claim it serves, −1
    "outlet:i",  # 1 for a reservoir's own outlet
    "loss_to:i",  # section where its loss comes back, −1
    "loss",  # share of what it takes that is lost
    "cap[]",  # m3 it can carry
    "z[]",  # m3 the allocation sends through it
    "carried[]",  # m3 it carries, at its head
)
WAY_OUT = (
    "source:i",  # section of the reservoir; surplus outlets stand in the order of use
    "target:i",  # section it leads to
    "cap",  # m3 it can pass
    "flow[]",  # m3 it passed
    "known[]",  # m3 known to go through it
)
ROW = (
    "limit[]",  # m3, right-hand side of a row that is no section
    "b[]",  # m3, right-hand side
    "below[]",  # m3 not yet given
    "load[]",  # m3 that a unit of the common cover takes
)
LANE = (
    "live:i[]",  # 1 where the pass is not settled yet
    "todo:i[]",  # 1 where `watersim.river` leaves the allocation to `fill`
    "total[]",  # m3 of water in the step
    "least[]",  # m3 below which a volume is rounding
    "largest[]",  # m3 at stake: the largest need, or all water if that is less
    "cover[]",  # common cover of a row's claims
    "rest[]",  # m3 that a row has for them, or that one of them loses
    "asked[]",  # m3 that they ask of it
    "stop:i[]",  # row that stops a claim, −1
)


class Step(NamedTuple):
    """What kinds and engine share in one step. Sections, claims… are records, see above."""

    at: NDArray[Any]  # (sections) SECTION
    claim: NDArray[Any]  # (claims) CLAIM
    transfer: NDArray[Any]  # (transfers) TRANSFER
    way_out: NDArray[Any]  # (surplus outlets) WAY_OUT
    row: NDArray[Any]  # (rows) ROW
    lane: NDArray[Any]  # (1) LANE
    curve: Floats  # (3, points) x, level, area of all curves, one after the other
    guide: Integers  # (curves, GUIDES) where in its curve an even share of x is found


CORRECTIONS = 20  # most bookings of a pass; one where no rounding has to be taken back
ULPS = 1e-15  # of a sum; a smaller lack is that of its last digits
ENOUGH, LESS, LACKS = 0, 1, 2  # a section has what is taken, but for rounding, or lacks more

GUIDES = 256  # even parts of a curve's x range


@kernel
def curve(first: int, count: int, guide: int, x: float, s: Step) -> tuple[float, float]:
    """Level and area at x on a curve, linear between its points, held at both ends.

    Parameters
    ----------
    first, count, guide
        where its points stand in `s.curve`, and its row in `s.guide`
    """
    xs = s.curve[0]
    last = first + count - 1
    low = first
    if x >= xs[last]:
        return float(s.curve[1, last]), float(s.curve[2, last])
    if not x > xs[first]:
        return float(s.curve[1, first]), float(s.curve[2, first])
    low = s.guide[guide, int((x - xs[first]) / (xs[last] - xs[first]) * GUIDES)]
    while xs[low + 1] <= x:
        low += 1
    while xs[low] > x:
        low -= 1
    share = (x - xs[low]) / (xs[low + 1] - xs[low])
    level = s.curve[1, low] + share * (s.curve[1, low + 1] - s.curve[1, low])
    area = s.curve[2, low] + share * (s.curve[2, low + 1] - s.curve[2, low])
    return float(level), float(area)


def guides(curve: Floats, starts: list[int]) -> Integers:
    """The rows of `Step.guide` for curves that start at these points.

    Parameters
    ----------
    curve
        x, level, area of all curves, shape (3, points)
    """
    rows = np.zeros((max(1, len(starts)), GUIDES), np.int64)
    ends = [*starts, curve.shape[1]][1:]
    for k, (first, end) in enumerate(zip(starts, ends, strict=True)):
        x = curve[0, first:end]
        even = x[0] + (x[-1] - x[0]) * np.arange(GUIDES) / GUIDES
        rows[k] = first + np.clip(np.searchsorted(x, even, side="right") - 1, 0, x.size - 2)
    return rows


@kernel
def clear(s: Step, gain: Floats) -> None:
    """Before a pass: nothing has entered, nothing is stored, every outlet is free."""
    for v in range(s.at.shape[0]):
        at = s.at[v]
        at.gain = gain[v]
        for l in range(at.runoff.size):
            at.runoff[l] = 0.0
            at.turbined[l] = 0.0
        if at.store == 1:
            for l in range(at.runoff.size):
                at.carry[l] = 0.0
                at.drain[l] = 0.0
                at.withheld[l] = 0.0
                at.lacked[l] = 0.0
                at.outlet[l] = math.inf


@kernel
def available(s: Step) -> None:
    """Right-hand sides of all rows.

    reach_v = runoff + carry − drain − withheld − spilled + Σ_u gain_u (reach_u or spilled_u)

    over the sections u just above v: everything where the outlet is unlimited, only what is known
    to spill where the outlet is a transfer; surplus outlets move their water likewise.
    """
    for v in range(s.at.shape[0]):
        at = s.at[v]
        for l in range(at.runoff.size):
            at.reach[l] = at.runoff[l]
        if at.store == 1:
            for l in range(at.runoff.size):
                at.reach[l] += at.carry[l] - at.drain[l] - at.withheld[l] - at.spilled[l]
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        source, target = s.at[out.source], s.at[out.target]
        share = source.gain if out.target == source.down else 1.0
        for l in range(out.flow.size):
            source.reach[l] -= out.flow[l]
            target.reach[l] += out.flow[l] * share
    for r in range(s.row.shape[0]):
        row = s.row[r]
        for l in range(row.b.size):
            row.b[l] = row.limit[l]
    lane = s.lane[0]
    for v in range(s.at.shape[0]):
        at = s.at[v]
        if at.store == 1:  # only water that is sure to come can evaporate
            for l in range(at.runoff.size):
                lacks = min(0.0, at.reach[l]) if lane.live[l] == 1 else 0.0
                at.drain[l] = max(0.0, at.drain[l] + lacks)
        for l in range(at.runoff.size):
            at.reach[l] = max(0.0, at.reach[l])
        if at.row >= 0:
            row = s.row[at.row]
            for l in range(at.runoff.size):
                row.b[l] = at.reach[l]
        if at.down >= 0:
            below, gain = s.at[at.down], at.gain
            if at.limited >= 0:
                for l in range(at.runoff.size):
                    below.reach[l] += gain * at.spilled[l]
            else:
                for l in range(at.runoff.size):
                    below.reach[l] += gain * at.reach[l]
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if claim.row >= 0:
            row, at = s.row[claim.row], s.at[claim.section]
            limited = claim.nature == INSTREAM_LEAVING and at.limited >= 0
            for l in range(row.b.size):
                row.b[l] = at.spilled[l] if limited else at.reach[l]
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.outlet == 1:
            at = s.at[canal.source]
            for l in range(canal.cap.size):
                canal.cap[l] = at.outlet[l]


@kernel
def flow(s: Step) -> bool:
    """Send what was allocated down the river; returns whether only rounding was lacking.

    At a section: inflow + carry = taken + drained + stored + release + spill. What no claim took
    and no zone keeps is released as far as the outlet passes it; the rest goes through the surplus
    outlets in their order, stays as far as the store holds it, and last goes over the crest.
    """
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        for l in range(canal.z.size):
            canal.carried[l] = canal.z[l]
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        for l in range(claim.y.size):
            claim.supply[l] = claim.y[l]
    fine = True
    for _ in range(CORRECTIONS):
        _book(s)
        worst = ENOUGH
        for v in range(s.at.shape[0]):
            worst = max(worst, _pass_on(s, v))
        fine = fine and worst != LACKS
        if worst == ENOUGH:
            break
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        at = s.at[claim.section]
        if claim.nature == INSTREAM_LEAVING:
            for l in range(claim.need.size):
                claim.supply[l] = min(claim.need[l], at.outflow[l])
        elif claim.nature == INSTREAM_ARRIVING:
            for l in range(claim.need.size):
                claim.supply[l] = min(claim.need[l], at.inflow[l])
    return fine


@kernel
def _book(s: Step) -> None:
    """Book all takes, leaks, return flows and zones, before any water moves."""
    for v in range(s.at.shape[0]):
        at = s.at[v]
        for l in range(at.runoff.size):
            at.taken[l] = 0.0
            at.given_back[l] = 0.0
            at.inflow[l] = at.runoff[l]
            at.stored[l] = 0.0
        if at.store == 1:
            for l in range(at.runoff.size):
                at.stored[l] = at.withheld[l]
    for i in range(s.claim.shape[0]):
        if s.claim[i].many == 1:
            _deliver(s, i)
    for j in range(s.transfer.shape[0]):
        if s.transfer[j].outlet == 0:
            _carry(s, j)
    for i in range(s.claim.shape[0]):
        _draw(s, i)
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        for l in range(out.flow.size):
            out.flow[l] = 0.0


@kernel
def _pass_on(s: Step, v: int) -> int:
    """Settle the balance of section v and send its outflow on; ENOUGH, LESS or LACKS."""
    at = s.at[v]
    found, short = ENOUGH, 0
    for l in range(at.runoff.size):
        at.inflow[l] += at.given_back[l]
        at.outflow[l] = at.inflow[l] - at.taken[l]
    if at.store == 1:
        for l in range(at.runoff.size):
            at.outflow[l] += at.carry[l]
    for l in range(at.runoff.size):
        short += 1 if at.outflow[l] < 0.0 else 0
    if short > 0:
        for l in range(at.runoff.size):
            lack = -at.outflow[l]
            if lack > 0.0:
                if lack > s.lane[0].least[l]:
                    found = LACKS
                elif lack > ULPS * at.taken[l]:
                    found = max(found, LESS)
                if lack > ULPS * at.taken[l]:
                    _give_up(s, v, l, lack)
                at.outflow[l] = 0.0
    if at.dead_claim >= 0:
        found = max(found, _spare_dead(s, v))
    if at.store == 1:
        full = at.full
        for l in range(at.runoff.size):
            water = at.outflow[l]
            drained = min(at.drain[l], water)
            water -= drained
            lack = at.dead - water
            digits = ULPS * (at.carry[l] + at.inflow[l])
            water = at.dead if 0.0 < lack <= digits else water
            kept = min(min(at.stored[l], water), full)
            wish = water - kept
            limited = wish > at.outlet[l]
            release = at.outlet[l] if limited else wish
            left = water - release
            most = min(left, full)
            at.drained[l] = drained
            at.outflow[l] = release
            at.stored[l] = most if limited else kept
            at.spill[l] = left - most if limited else 0.0
        if at.way >= 0:
            _surplus(s, v)
    for l in range(at.runoff.size):
        at.release[l] = at.outflow[l]
    if at.store == 1:
        for l in range(at.runoff.size):
            at.outflow[l] += at.spill[l]
    if at.down >= 0:
        below, gain = s.at[at.down], at.gain
        for l in range(at.runoff.size):
            below.inflow[l] += gain * at.outflow[l]
    return found


@kernel
def _deliver(s: Step, i: int) -> None:
    """What several canals bring to a site is its supply; they bring no more than it asks for."""
    claim = s.claim[i]
    for l in range(claim.supply.size):
        claim.way_loss[l] = 0.0
        claim.supply[l] = 0.0
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.claim == i:
            arriving = 1.0 - canal.loss
            for l in range(claim.supply.size):
                claim.supply[l] += canal.carried[l] * arriving
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.claim == i:
            for l in range(claim.supply.size):
                if claim.supply[l] > claim.need[l]:
                    canal.carried[l] *= claim.need[l] / claim.supply[l]
    for l in range(claim.supply.size):
        claim.supply[l] = min(claim.supply[l], claim.need[l])


@kernel
def _carry(s: Step, j: int) -> None:
    """Book a canal that is one of several to a site, or that ends in a river."""
    canal = s.transfer[j]
    source, loss = s.at[canal.source], canal.loss
    for l in range(canal.carried.size):
        source.taken[l] += canal.carried[l]
    if canal.loss_to >= 0:
        to = s.at[canal.loss_to]
        for l in range(canal.carried.size):
            to.given_back[l] += canal.carried[l] * loss
    if canal.target >= 0:
        to = s.at[canal.target]
        for l in range(canal.carried.size):
            to.given_back[l] += canal.carried[l] - canal.carried[l] * loss
    if canal.claim >= 0:
        claim = s.claim[canal.claim]
        for l in range(canal.carried.size):
            claim.way_loss[l] += canal.carried[l]


@kernel
def _draw(s: Step, i: int) -> None:
    """Book a claim's diversion, loss on the way and return flow, or the zone it fills."""
    claim = s.claim[i]
    at = s.at[claim.section]
    if claim.nature == RETENTION:
        for l in range(claim.supply.size):
            at.stored[l] += claim.supply[l]
    elif claim.nature == CONSUMPTIVE:
        if claim.many == 1:
            for l in range(claim.supply.size):
                claim.way_loss[l] = max(0.0, claim.way_loss[l] - claim.supply[l])
        elif claim.loss > 0.0:
            lost = claim.loss / (1.0 - claim.loss)
            for l in range(claim.supply.size):
                claim.way_loss[l] = claim.supply[l] * lost
                at.taken[l] += claim.supply[l] + claim.way_loss[l]
            if claim.loss_to >= 0:
                to = s.at[claim.loss_to]
                for l in range(claim.supply.size):
                    to.given_back[l] += claim.way_loss[l]
        else:
            for l in range(claim.supply.size):
                at.taken[l] += claim.supply[l]
        if claim.back_to >= 0:
            to, back = s.at[claim.back_to], claim.back * claim.prompt
            for l in range(claim.supply.size):
                claim.way_return[l] = claim.supply[l] * back
                to.given_back[l] += claim.way_return[l]


@kernel
def _spare_dead(s: Step, v: int) -> int:
    """Hold back what only rounding lets out of dead storage, that nothing leaves it; as `_pass_on`.

    What is more than rounding fills it in another turn of `watersim.allot`.
    """
    at = s.at[v]
    found = ENOUGH
    for l in range(at.runoff.size):
        least, taken = s.lane[0].least[l], at.taken[l]
        drained = min(at.drain[l], at.outflow[l])
        lack = at.dead - (at.outflow[l] - drained)
        digits = ULPS * (at.carry[l] + at.inflow[l])
        if lack > digits and taken > 0.0 and min(lack, taken) <= least:
            _give_up(s, v, l, lack if lack < taken else math.inf)
            found = LESS
        held = min(at.dead, at.outflow[l] - min(at.drain[l], at.outflow[l]))
        if at.stored[l] < held <= at.stored[l] + least:
            at.stored[l] = held
    return found


@kernel
def _give_up(s: Step, v: int, l: int, lack: float) -> None:
    """Take back what rounding gave too much at a section; all is booked again with what is left."""
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if claim.section == v and claim.nature == CONSUMPTIVE and claim.many == 0:
            taken = claim.supply[l] / (1.0 - claim.loss)
            if taken > 0.0:
                part = min(1.0, lack / taken)
                claim.supply[l] -= claim.supply[l] * part
                lack -= taken * part
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.source == v and canal.outlet == 0 and canal.carried[l] > 0.0:
            back = min(lack, canal.carried[l])
            canal.carried[l] -= back
            lack -= back


@kernel
def _surplus(s: Step, v: int) -> None:
    """Send water that nobody keeps through the surplus outlets in their order, before it stays."""
    at = s.at[v]
    for l in range(at.runoff.size):
        room = at.full
        kept = at.withheld[l]
        for i in range(s.claim.shape[0]):
            if s.claim[i].section == v and s.claim[i].nature == RETENTION:
                kept += s.claim[i].supply[l]
        water = at.stored[l] + at.spill[l]
        kept = min(min(max(kept, at.dead), water), room)
        gone = 0.0
        o = at.way
        while o < s.way_out.shape[0] and s.way_out[o].source == v and gone < water - kept:
            out = s.way_out[o]
            target = s.at[out.target]
            part = min(water - kept - gone, out.cap)
            if target.full > 0.0:
                space = target.full - target.carry[l] - target.inflow[l]
                part = min(part, max(0.0, space))
            out.flow[l] = part
            if out.target != at.down:
                target.inflow[l] += part
            else:
                at.outflow[l] += part
            gone += part
            o += 1
        rest = max(kept, water - gone)
        at.stored[l] = min(rest, room)
        at.spill[l] = rest - at.stored[l]
