"""The water of one step: what claims can draw on, and where it flows once allocated; kernels.

Loops over lanes stand innermost, so that they compile to vector instructions.
"""

from __future__ import annotations

import math

from watersim.arrays import (
    CANAL,
    CONSUMPTIVE,
    INSTREAM_ARRIVING,
    INSTREAM_LEAVING,
    OUTLET,
    RETENTION,
    Floats,
    Step,
)
from watersim.jit import kernel

CORRECTIONS = 20  # most bookings of a pass; one where no rounding has to be taken back
ULPS = 1e-15  # of a sum, its last digits
SLIGHT = 1e-14  # of what is taken; a smaller lack is that of last digits
ENOUGH, LESS, LACKS = 0, 1, 2  # a section has what is taken, but for rounding, or lacks more


@kernel
def clear(s: Step, gain: Floats) -> None:
    """Before a pass: nothing has entered, nothing is stored, every outlet is free."""
    for v in range(s.at.shape[0]):
        at = s.at[v]
        at.gain = gain[v]
        at.passes = 0.0 if at.cut >= 0 else gain[v]
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
              − refill

    over the sections u just above v: everything where the outlet is unlimited, only what is known
    to spill where the outlet is a transfer or shut, only what is known to pass above a long reach;
    surplus outlets move their water likewise.
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
        share = source.passes if out.target == source.down else 1.0
        for l in range(out.known.size):
            source.reach[l] -= out.known[l]
            target.reach[l] += out.known[l] * share
    for k in range(s.cut.shape[0]):
        cut = s.cut[k]
        below, gain = s.at[cut.lower], s.at[cut.head].gain
        for l in range(cut.passing.size):
            below.reach[l] += gain * cut.passing[l]
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
        if at.dead_claim >= 0:  # what canals or return flows must bring is left to a claim
            claim = s.claim[at.dead_claim]
            for l in range(at.runoff.size):
                at.set_aside[l] = min(at.refill[l], at.reach[l])
                at.reach[l] -= at.set_aside[l]
                claim.need[l] = at.refill[l] - at.set_aside[l]
        if at.row >= 0:
            row = s.row[at.row]
            for l in range(at.runoff.size):
                row.b[l] = at.reach[l]
        if at.down >= 0:
            below, gain = s.at[at.down], at.passes
            if at.limited >= 0:
                for l in range(at.runoff.size):
                    below.reach[l] += gain * at.spilled[l]
            elif at.dead_claim >= 0:
                for l in range(at.runoff.size):
                    below.reach[l] += gain * (at.spilled[l] if at.shut[l] == 1 else at.reach[l])
            else:
                for l in range(at.runoff.size):
                    below.reach[l] += gain * at.reach[l]
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if claim.row >= 0:
            row, at = s.row[claim.row], s.at[claim.section]
            leaving = claim.nature == INSTREAM_LEAVING
            limited = at.limited >= 0
            for l in range(row.b.size):
                cut = leaving and (limited or at.shut[l] == 1)
                row.b[l] = at.spilled[l] if cut else at.reach[l]
    for k in range(s.plant.shape[0]):
        plant = s.plant[k]
        if plant.row >= 0:
            row, at = s.row[plant.row], s.at[plant.section]
            limited = at.limited >= 0
            for l in range(row.b.size):
                row.b[l] = at.spilled[l] if limited or at.shut[l] == 1 else at.reach[l]
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.nature == OUTLET:
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
                at.stored[l] = at.withheld[l] + at.set_aside[l]
    for i in range(s.claim.shape[0]):
        if s.claim[i].many == 1:
            _deliver(s, i)
    for j in range(s.transfer.shape[0]):
        if s.transfer[j].nature == CANAL:
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
                elif lack > SLIGHT * at.taken[l]:
                    found = max(found, LESS)
                if lack > SLIGHT * at.taken[l]:
                    _give_up(s, v, l, lack)
                at.outflow[l] = 0.0
    if at.dead_claim >= 0:
        found = max(found, _spare_dead(s, v))
    if at.store == 1:
        full, dead = at.full, at.dead
        for l in range(at.runoff.size):
            water = at.outflow[l]
            drained = min(at.drain[l], water)
            water -= drained
            lack = dead - water
            digits = ULPS * (at.carry[l] + at.inflow[l])
            water = dead if 0.0 < lack <= digits else water
            stored = max(at.stored[l], dead) if at.shut[l] == 1 else at.stored[l]
            kept = min(min(stored, water), full)
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
        to, back = s.at[canal.loss_to], canal.loss_back
        for l in range(canal.carried.size):
            to.given_back[l] += canal.carried[l] * loss * back
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
                to, leak = s.at[claim.loss_to], claim.loss_back
                for l in range(claim.supply.size):
                    to.given_back[l] += claim.way_loss[l] * leak
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
    at, lane = s.at[v], s.lane[0]
    dead, leaks = at.dead, 0
    for l in range(at.runoff.size):
        least, taken = lane.least[l], at.taken[l]
        rest = at.outflow[l] - min(at.drain[l], at.outflow[l])
        digits = ULPS * (at.carry[l] + at.inflow[l])
        lack = dead - rest
        leaks += 1 if lack > digits and taken > 0.0 and min(lack, taken) <= least else 0
        held = min(dead, rest)
        at.stored[l] = held if at.stored[l] < held <= at.stored[l] + least else at.stored[l]
    if leaks == 0:
        return ENOUGH
    for l in range(at.runoff.size):
        taken = at.taken[l]
        lack = dead - (at.outflow[l] - min(at.drain[l], at.outflow[l]))
        digits = ULPS * (at.carry[l] + at.inflow[l])
        if lack > digits and taken > 0.0 and min(lack, taken) <= lane.least[l]:
            _give_up(s, v, l, lack if lack < taken else math.inf)
    return LESS


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
        if canal.source == v and canal.nature == CANAL and canal.carried[l] > 0.0:
            back = min(lack, canal.carried[l])
            canal.carried[l] -= back
            lack -= back


@kernel
def _surplus(s: Step, v: int) -> None:
    """Send water that nobody keeps through the surplus outlets in their order, before it stays."""
    at = s.at[v]
    for l in range(at.runoff.size):
        room = at.full
        kept = at.withheld[l] + at.set_aside[l]
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
