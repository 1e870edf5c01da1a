"""One step of one realization: the arrays that kinds and engine share, and the flow pass; kernels.

Volumes are m3 per step. A *section* is a river node, numbered upstream first. Kinds meet only here:
`before` writes what a section has and what claims need, `after` reads what flowed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.jit import kernel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING, RETENTION = 0, 1, 2, 3


class Step(NamedTuple):
    """The scratch arrays of one step. Sizes: s sections, k claims, j transfers, r rows, o outlets."""

    runoff: Floats  # (s) m3 that enters the section from outside the network or from under way
    carry: Floats  # (s) m3 in store before any water of this step arrives
    drain: Floats  # (s) m3 that evaporation and seepage can take
    drained: Floats  # (s) m3 they took
    dead: Floats  # (s) m3 of the store without an outlet
    withheld: Floats  # (s) m3 of it that is there
    full: Floats  # (s) m3 the store can hold
    outlet: Floats  # (s) m3 the outlet can pass, inf where there is none or no limit
    level: Floats  # (s) m, mean level of the lake in this pass
    need: Floats  # (k) m3 the claim asks for
    supply: Floats  # (k) m3 it was given, at the site's gate or in the stream
    way_loss: Floats  # (k) m3 lost between river and gate
    way_return: Floats  # (k) m3 of its return flow
    limit: Floats  # (r) m3, right-hand side of rows that are no section
    cap: Floats  # (j) m3 a transfer can carry
    carried: Floats  # (j) m3 it carries, at its head
    inflow: Floats  # (s) m3 that entered
    outflow: Floats  # (s) m3 that left down the river: release + spill
    spill: Floats  # (s) m3 over the crest
    stored: Floats  # (s) m3 in store at the end
    taken: Floats  # (s) m3 diverted here
    given_back: Floats  # (s) m3 returned or carried into the section
    turbined: Floats  # (s) m3 that went through turbines
    outlet_cap: Floats  # (o) m3 a surplus outlet can pass
    outlet_flow: Floats  # (o) m3 it passed
    curve_level: Floats  # level–area–storage tables of all lakes, one after the other
    curve_area: Floats
    curve_storage: Floats


class Layout(NamedTuple):
    """What does not change from step to step. Integers index sections, claims, rows, transfers."""

    down: Integers  # (s) next section down the river, −1 at the end
    limited: Integers  # (s) transfer that stands for the section's outlet, −1 if unlimited
    gain: Floats  # (coefficient sets, s) share of the outflow that reaches `down` in this step
    section_row: Integers  # (s) row of the section, −1 if it cannot bind
    claim_section: Integers  # (k) where the claim draws or is measured
    claim_sort: Integers  # (k) CONSUMPTIVE, INSTREAM_…, RETENTION
    claim_row: Integers  # (k) own row of an in-stream claim, −1
    claim_loss: Floats  # (k) share of the diversion lost on the way to the gate
    claim_loss_to: Integers  # (k) section where that loss returns, −1: leaves the model
    claim_return: Floats  # (k) share of the supply that returns
    claim_return_to: Integers  # (k) section it returns to, −1
    claim_many: Integers  # (k) 1 where several canals serve the claim
    transfer_from: Integers  # (j)
    transfer_to: Integers  # (j) section, −1 if to a claim
    transfer_claim: Integers  # (j) claim served, −1
    transfer_loss: Floats  # (j)
    transfer_loss_to: Integers  # (j)
    transfer_outlet: Integers  # (j) 1 for a reservoir's own outlet
    outlet_from: Integers  # (o) surplus outlets in the order of use
    outlet_to: Integers  # (o)
    row_section: Integers  # (r) section of a section row, −1


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
    for v in range(s.runoff.shape[0]):
        s.runoff[v] = 0.0
        s.carry[v] = 0.0
        s.drain[v] = 0.0
        s.dead[v] = 0.0
        s.withheld[v] = 0.0
        s.full[v] = 0.0
        s.outlet[v] = np.inf
        s.level[v] = 0.0
        s.turbined[v] = 0.0
    for i in range(s.need.shape[0]):
        s.need[i] = 0.0
    for r in range(s.limit.shape[0]):
        s.limit[r] = 0.0


@kernel
def available(
    gain: Floats, n: Layout, s: Step, spilled: Floats, reach: Floats, b: Floats
) -> None:
    """Right-hand sides of all rows.

    reach_v = runoff_v + carry_v − drain_v − withheld_v − spilled_v + Σ_u gain_u (reach_u or spilled_u)

    over the sections u just above v: everything where the outlet is unlimited, only what is known
    to spill where the outlet is a transfer; surplus outlets move their water likewise.
    """
    for v in range(reach.shape[0]):
        reach[v] = s.runoff[v] + s.carry[v] - s.drain[v] - s.withheld[v]
    for o in range(n.outlet_from.shape[0]):
        in_river = n.outlet_to[o] == n.down[n.outlet_from[o]]
        share = gain[n.outlet_from[o]] if in_river else 1.0
        reach[n.outlet_to[o]] += share * s.outlet_flow[o]
    for r in range(b.shape[0]):
        b[r] = max(0.0, s.limit[r])
    for v in range(reach.shape[0]):
        reach[v] -= spilled[v]
        for o in range(n.outlet_from.shape[0]):
            if n.outlet_from[o] == v:
                reach[v] -= s.outlet_flow[o]
        if n.section_row[v] >= 0:
            b[n.section_row[v]] = max(0.0, reach[v])
        if n.down[v] >= 0:
            passed = spilled[v] if n.limited[v] >= 0 else max(0.0, reach[v])
            reach[n.down[v]] += gain[v] * passed
    for i in range(n.claim_row.shape[0]):
        row = n.claim_row[i]
        if row >= 0:
            v = n.claim_section[i]
            limited = n.claim_sort[i] == INSTREAM_LEAVING and n.limited[v] >= 0
            b[row] = spilled[v] if limited else max(0.0, reach[v])
    for j in range(n.transfer_from.shape[0]):
        if n.transfer_outlet[j] == 1:
            s.cap[j] = s.outlet[n.transfer_from[j]]


@kernel
def flow(gain: Floats, n: Layout, s: Step) -> float:
    """Send what was allocated down the river; returns the largest volume that rounding lacked.

    At a section: inflow + carry = taken + stored + release + spill. What no claim took and no zone
    keeps is released as far as the outlet passes it; what then stands above `full` goes through the
    surplus outlets in their order and last over the crest.
    """
    sections = s.runoff.shape[0]
    for v in range(sections):
        s.taken[v] = 0.0
        s.given_back[v] = 0.0
        s.stored[v] = s.withheld[v]
        s.inflow[v] = s.runoff[v]
    for j in range(n.transfer_from.shape[0]):
        if n.transfer_outlet[j] == 0:
            _carry(n, s, j)
    for i in range(n.claim_sort.shape[0]):
        _draw(n, s, i)
    for o in range(n.outlet_from.shape[0]):
        s.outlet_flow[o] = 0.0
    lacked = 0.0
    for v in range(sections):
        s.inflow[v] += s.given_back[v]  # returns are known before the river flows
        water = s.carry[v] + s.inflow[v] - s.taken[v]
        if water < 0.0:
            lacked = max(lacked, -water)
            _give_up(n, s, v, -water)
            water = 0.0
        s.drained[v] = min(s.drain[v], water)
        water -= s.drained[v]
        kept = min(s.stored[v], water, s.full[v])
        release = water - kept
        over = 0.0
        if release > s.outlet[v]:
            release = s.outlet[v]
            left = water - release
            left -= _surplus(n, s, v, left - kept)
            kept = min(left, s.full[v])
            over = left - kept
        s.stored[v] = kept
        s.spill[v] = over
        s.outflow[v] = release + over + _in_river(n, s, v)
        if n.down[v] >= 0:
            s.inflow[n.down[v]] += gain[v] * s.outflow[v]
    for i in range(n.claim_sort.shape[0]):
        v = n.claim_section[i]
        if n.claim_sort[i] == INSTREAM_LEAVING:
            s.supply[i] = min(s.need[i], s.outflow[v])
        elif n.claim_sort[i] == INSTREAM_ARRIVING:
            s.supply[i] = min(s.need[i], s.inflow[v])
    return lacked


@kernel
def _draw(n: Layout, s: Step, i: int) -> None:
    """Book a claim's diversion, loss on the way and return flow, or the zone it fills."""
    v = n.claim_section[i]
    given = s.supply[i]
    if n.claim_sort[i] == RETENTION:
        s.stored[v] += given
    elif n.claim_sort[i] == CONSUMPTIVE:
        loss = 0.0
        if n.claim_many[i] == 0:
            loss = given * n.claim_loss[i] / (1.0 - n.claim_loss[i])
            s.taken[v] += given + loss
            if n.claim_loss_to[i] >= 0:
                s.given_back[n.claim_loss_to[i]] += loss
        s.way_loss[i] = loss
        s.way_return[i] = given * n.claim_return[i]
        if n.claim_return_to[i] >= 0:
            s.given_back[n.claim_return_to[i]] += s.way_return[i]


@kernel
def _carry(n: Layout, s: Step, j: int) -> None:
    """Book a canal that is one of several to a site, or that ends in a river."""
    moved = s.carried[j]
    loss = moved * n.transfer_loss[j]
    s.taken[n.transfer_from[j]] += moved
    if n.transfer_loss_to[j] >= 0:
        s.given_back[n.transfer_loss_to[j]] += loss
    if n.transfer_to[j] >= 0:
        s.given_back[n.transfer_to[j]] += moved - loss


@kernel
def _give_up(n: Layout, s: Step, v: int, lack: float) -> None:
    """Take back what rounding gave too much at a section, so that no flow is negative."""
    for i in range(n.claim_sort.shape[0]):
        if n.claim_section[i] == v and n.claim_sort[i] == CONSUMPTIVE and n.claim_many[i] == 0:
            back = min(lack, s.supply[i])
            s.supply[i] -= back
            s.taken[v] -= back
            lack -= back
    for j in range(n.transfer_from.shape[0]):
        if n.transfer_from[j] == v and n.transfer_outlet[j] == 0:
            back = min(lack, s.carried[j])
            s.carried[j] -= back
            s.taken[v] -= back
            lack -= back


@kernel
def _surplus(n: Layout, s: Step, v: int, free: float) -> float:
    """Send water that nobody keeps through the surplus outlets in their order; returns how much."""
    gone = 0.0
    for o in range(n.outlet_from.shape[0]):
        if n.outlet_from[o] == v and gone < free:
            w = n.outlet_to[o]
            part = min(free - gone, s.outlet_cap[o])
            if s.full[w] > 0.0:
                part = min(part, max(0.0, s.full[w] - s.carry[w] - s.inflow[w]))
            s.outlet_flow[o] = part
            if w != n.down[v]:
                s.inflow[w] += part
            gone += part
    return gone


@kernel
def _in_river(n: Layout, s: Step, v: int) -> float:
    """What surplus outlets of v let into the river below it."""
    flow = 0.0
    for o in range(n.outlet_from.shape[0]):
        if n.outlet_from[o] == v and n.outlet_to[o] == n.down[v]:
            flow += s.outlet_flow[o]
    return flow
