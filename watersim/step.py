"""One step of one realization: the arrays that kinds and engine share, and the flow pass; kernels.

Volumes are m3 per step. A *section* is a river node, numbered upstream first. Kinds meet only here:
`before` writes what a section has and what claims need, `after` reads what flowed.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.jit import kernel
from watersim.records import record

Floats = NDArray[np.float64]

CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING, RETENTION = 0, 1, 2, 3


SECTION = record(
    "down:i",  # next section down the river, −1 at the end
    "limited:i",  # transfer that stands for the section's outlet, −1 if unlimited
    "row:i",  # row of the allocation, −1 if the section cannot bind
    "runoff",  # m3 that enters from outside the network, or from under way
    "carry",  # m3 in store before any water of this step arrives
    "drain",  # m3 that evaporation and seepage can take
    "drained",  # m3 they took
    "dead",  # m3 of the store without an outlet
    "dead_claim:i",  # claim that fills it when water passes below it, −1
    "withheld",  # m3 of it that is there
    "lacked",  # m3 that it took more in the last turn
    "full",  # m3 the store can hold
    "outlet",  # m3 the outlet can pass, inf where there is none or no limit
    "level",  # m, mean level of the lake in this pass
    "inflow",  # m3 that entered
    "outflow",  # m3 that left down the river: release + spill
    "spill",  # m3 over the crest
    "stored",  # m3 in store at the end
    "taken",  # m3 diverted here
    "given_back",  # m3 returned or carried into the section
    "turbined",  # m3 that went through turbines
)
CLAIM = record(
    "section:i",  # where it draws or is measured
    "nature:i",  # CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING or RETENTION
    "row:i",  # own row of an in-stream claim, −1
    "many:i",  # 1 where several canals serve it
    "loss",  # share of the diversion lost on the way to the gate
    "loss_to:i",  # section where that loss comes back, −1: it leaves the model
    "back",  # share of the supply that returns
    "back_to:i",  # section it returns to, −1
    "need",  # m3 it asks for
    "supply",  # m3 it was given, at the site's gate or in the stream
    "way_loss",  # m3 lost between river and gate
    "way_return",  # m3 of its return flow
)
TRANSFER = record(
    "source:i",  # section it takes from
    "target:i",  # section it leads to, −1 if to a claim
    "claim:i",  # claim it serves, −1
    "outlet:i",  # 1 for a reservoir's own outlet
    "loss",  # share of what it takes that is lost
    "loss_to:i",  # section where that loss comes back, −1
    "cap",  # m3 it can carry
    "carried",  # m3 it carries, at its head
)
WAY_OUT = record(
    "source:i",  # section of the reservoir; surplus outlets stand in the order of use
    "target:i",  # section it leads to
    "cap",  # m3 it can pass
    "flow",  # m3 it passed
)


class Step(NamedTuple):
    """What kinds and engine share in one step. Sections, claims… are records, see above."""

    at: NDArray[Any]  # (sections) SECTION
    claim: NDArray[Any]  # (claims) CLAIM
    transfer: NDArray[Any]  # (transfers) TRANSFER
    way_out: NDArray[Any]  # (surplus outlets) WAY_OUT
    limit: Floats  # (rows) m3, right-hand side of rows that are no section
    curve: Floats  # (3, points) x, level, area of all curves, one after the other


@kernel
def curve(first: int, count: int, storage: float, x: Floats, y: Floats) -> float:
    """Linear interpolation of y on the rising x[first : first + count], held at both ends."""
    low = first
    high = first + count - 1
    if storage <= x[low]:
        return float(y[low])
    if storage >= x[high]:
        return float(y[high])
    while high - low > 1:
        middle = (low + high) // 2
        if x[middle] <= storage:
            low = middle
        else:
            high = middle
    share = (storage - x[low]) / (x[high] - x[low])
    return float(y[low] + share * (y[high] - y[low]))


@kernel
def clear(s: Step) -> None:
    """Before a pass: nothing has entered, nothing is stored, every outlet is free."""
    for v in range(s.at.shape[0]):
        at = s.at[v]
        at.runoff = 0.0
        at.carry = 0.0
        at.drain = 0.0
        at.dead = 0.0
        at.withheld = 0.0
        at.lacked = 0.0
        at.full = 0.0
        at.outlet = math.inf
        at.level = 0.0
        at.turbined = 0.0
    for i in range(s.claim.shape[0]):
        s.claim[i].need = 0.0
    for r in range(s.limit.shape[0]):
        s.limit[r] = 0.0


@kernel
def available(gain: Floats, s: Step, spilled: Floats, reach: Floats, b: Floats) -> None:
    """Right-hand sides of all rows.

    reach_v = runoff + carry − drain − withheld − spilled + Σ_u gain_u (reach_u or spilled_u)

    over the sections u just above v: everything where the outlet is unlimited, only what is known
    to spill where the outlet is a transfer; surplus outlets move their water likewise.
    """
    for v in range(reach.shape[0]):
        at = s.at[v]
        reach[v] = at.runoff + at.carry - at.drain - at.withheld - spilled[v]
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        in_river = out.target == s.at[out.source].down
        reach[out.source] -= out.flow
        reach[out.target] += out.flow * gain[out.source] if in_river else out.flow
    for r in range(b.shape[0]):
        b[r] = max(0.0, s.limit[r])
    for v in range(reach.shape[0]):
        at = s.at[v]
        if reach[v] < 0.0:  # only water that is sure to come can evaporate
            at.drain = max(0.0, at.drain + reach[v])
            reach[v] = 0.0
        if at.row >= 0:
            b[at.row] = reach[v]
        if at.down >= 0:
            reach[at.down] += gain[v] * (spilled[v] if at.limited >= 0 else reach[v])
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if claim.row >= 0:
            v = claim.section
            limited = claim.nature == INSTREAM_LEAVING and s.at[v].limited >= 0
            b[claim.row] = spilled[v] if limited else max(0.0, reach[v])
    for j in range(s.transfer.shape[0]):
        if s.transfer[j].outlet == 1:
            s.transfer[j].cap = s.at[s.transfer[j].source].outlet


@kernel
def flow(gain: Floats, s: Step) -> float:
    """Send what was allocated down the river; returns the largest volume that rounding lacked.

    At a section: inflow + carry = taken + drained + stored + release + spill. What no claim took
    and no zone keeps is released as far as the outlet passes it; the rest goes through the surplus
    outlets in their order, stays as far as the store holds it, and last goes over the crest.
    """
    for v in range(s.at.shape[0]):
        at = s.at[v]
        at.taken = 0.0
        at.given_back = 0.0
        at.stored = at.withheld
        at.inflow = at.runoff
    _deliver(s)
    for j in range(s.transfer.shape[0]):
        if s.transfer[j].outlet == 0:
            _carry(s, j)
    for i in range(s.claim.shape[0]):
        _draw(s, i)
    for o in range(s.way_out.shape[0]):
        s.way_out[o].flow = 0.0
    lacked = 0.0
    for v in range(s.at.shape[0]):
        at = s.at[v]
        at.inflow += at.given_back
        water = at.carry + at.inflow - at.taken
        if water < 0.0:
            lacked = max(lacked, -water)
            _give_up(s, v, -water)
            water = 0.0
        at.drained = min(at.drain, water)
        water -= at.drained
        kept = min(at.stored, water, at.full)
        release = water - kept
        over = 0.0
        if release > at.outlet:
            release = at.outlet
            left = water - release
            left -= _surplus(s, v, left - kept)
            kept = min(left, at.full)
            over = left - kept
        at.stored = kept
        at.spill = over
        at.outflow = release + over + _into_river(s, v)
        if at.down >= 0:
            s.at[at.down].inflow += gain[v] * at.outflow
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if claim.nature == INSTREAM_LEAVING:
            claim.supply = min(claim.need, s.at[claim.section].outflow)
        elif claim.nature == INSTREAM_ARRIVING:
            claim.supply = min(claim.need, s.at[claim.section].inflow)
    return lacked


@kernel
def _deliver(s: Step) -> None:
    """What several canals bring to a site is its supply; they bring no more than it asks for."""
    for i in range(s.claim.shape[0]):
        s.claim[i].way_loss = 0.0
        if s.claim[i].many == 1:
            s.claim[i].supply = 0.0
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.claim >= 0:
            s.claim[canal.claim].supply += canal.carried * (1.0 - canal.loss)
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.claim >= 0 and s.claim[canal.claim].supply > s.claim[canal.claim].need:
            canal.carried *= s.claim[canal.claim].need / s.claim[canal.claim].supply
    for i in range(s.claim.shape[0]):
        if s.claim[i].many == 1:
            s.claim[i].supply = min(s.claim[i].supply, s.claim[i].need)


@kernel
def _carry(s: Step, j: int) -> None:
    """Book a canal that is one of several to a site, or that ends in a river."""
    canal = s.transfer[j]
    loss = canal.carried * canal.loss
    s.at[canal.source].taken += canal.carried
    if canal.loss_to >= 0:
        s.at[canal.loss_to].given_back += loss
    if canal.target >= 0:
        s.at[canal.target].given_back += canal.carried - loss
    if canal.claim >= 0:
        s.claim[canal.claim].way_loss += canal.carried


@kernel
def _draw(s: Step, i: int) -> None:
    """Book a claim's diversion, loss on the way and return flow, or the zone it fills."""
    claim = s.claim[i]
    if claim.nature == RETENTION:
        s.at[claim.section].stored += claim.supply
    elif claim.nature == CONSUMPTIVE:
        if claim.many == 1:
            claim.way_loss = max(0.0, claim.way_loss - claim.supply)
        else:
            claim.way_loss = claim.supply * claim.loss / (1.0 - claim.loss)
            s.at[claim.section].taken += claim.supply + claim.way_loss
            if claim.loss_to >= 0:
                s.at[claim.loss_to].given_back += claim.way_loss
        claim.way_return = claim.supply * claim.back
        if claim.back_to >= 0:
            s.at[claim.back_to].given_back += claim.way_return


@kernel
def _give_up(s: Step, v: int, lack: float) -> None:
    """Take back what rounding gave too much at a section, so that no flow is negative."""
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        if claim.section == v and claim.nature == CONSUMPTIVE and claim.many == 0:
            back = min(lack, claim.supply)
            claim.supply -= back
            s.at[v].taken -= back
            lack -= back
    for j in range(s.transfer.shape[0]):
        canal = s.transfer[j]
        if canal.source == v and canal.outlet == 0:
            back = min(lack, canal.carried)
            canal.carried -= back
            s.at[v].taken -= back
            lack -= back


@kernel
def _surplus(s: Step, v: int, free: float) -> float:
    """Send water that nobody keeps through the surplus outlets in their order; returns how much."""
    gone = 0.0
    for o in range(s.way_out.shape[0]):
        out = s.way_out[o]
        if out.source == v and gone < free:
            target = s.at[out.target]
            part = min(free - gone, out.cap)
            if target.full > 0.0:
                part = min(part, max(0.0, target.full - target.carry - target.inflow))
            out.flow = part
            if out.target != s.at[v].down:
                target.inflow += part
            gone += part
    return gone


@kernel
def _into_river(s: Step, v: int) -> float:
    """What surplus outlets of v let into the river below it."""
    flow = 0.0
    for o in range(s.way_out.shape[0]):
        if s.way_out[o].source == v and s.way_out[o].target == s.at[v].down:
            flow += s.way_out[o].flow
    return flow
