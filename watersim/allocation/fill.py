"""fill: one allocation by progressive filling, a compiled primal simplex; writes what it is handed.

The claims of a rank rise together in proportion to need, from cover 0 to 1. The first row that runs
out is relieved by bringing another variable into the basis, the cheapest for its effect; where none
can relieve it, the claims that draw on it are frozen at this cover and the others rise on. Later
ranks stay at what they have, earlier ones at what they got.
"""

from __future__ import annotations

import math

import numpy as np

from watersim.allocation.problem import MET, ROUNDS, SETTLED, Floats, Integers, ran_out
from watersim.allocation.tableau import (
    BASIC,
    BREACH,
    ENTRY,
    FIXED,
    GROWN,
    HIGH,
    LOW,
    NOISE,
    NONE,
    PIVOT,
    TIE,
    UNCLEAR,
    Work,
    begin,
    carry,
    exchange,
    holds,
    relief,
    rise,
    weigh,
    work,
    write_tableau,
)
from watersim.jit import entry, kernel

__all__ = ["REASONS", "Work", "fill", "work"]

# why it gives up
OK, TOO_LONG, NOBODY, GREY, SMALL, PRICE, RESIDUAL, UNSETTLED = 0, 1, 2, 3, 4, 5, 6, 7
REASONS = (
    "filled",
    "too many exchanges in one rank",
    "a row ran out in which nobody draws",
    "an entry too small to tell from rounding",
    "a pivot too small to divide by",
    "a reduced price of the wrong sign: not the least carrying",
    "the answer breaks a row",
    "the return flows of later priorities do not settle",
)

LOAD = 1e-10  # a row's load, relative to the largest need of the rank

UNNAMED = -(2**31)  # bound of a claim just frozen


@entry
def fill(
    A: Floats,
    T: Floats,
    price: Floats,
    rank: Integers,
    n_ranks: int,
    rounds: int,
    b: Floats,
    need: Floats,
    cap: Floats,
    w: Work,
    y: Floats,
    z: Floats,
    bound: Integers,
) -> int:
    """Settle the claims of one step; writes y, z (m3) and bound, see `exact.Allocation`.

    Parameters
    ----------
    A, T, price, rank, rounds
        the fields of a `Problem`; n_ranks is its number of ranks.
    b, need, cap
        water in each row, what each claim asks, capacity of each transfer, m3, finite, ≥ 0.
    w
        from `work`, of the same problem.

    Returns
    -------
    int
        0, or why it gave up: an index of `REASONS`. What is written then is no answer.
    """
    largest = 0.0
    for i in range(need.shape[0]):
        largest = max(largest, need[i])
        y[i] = 0.0
        bound[i] = MET
    for t in range(cap.shape[0]):
        z[t] = 0.0
    if largest == 0.0:
        return OK
    water = 0.0
    for r in range(b.shape[0]):
        water = max(water, b[r])
    for t in range(cap.shape[0]):
        water = max(water, cap[t])
    stake = min(largest, water) if water > 0.0 else largest
    begin(b, cap, w)
    pivots = int(np.int64(0))  # a bare 0 has a type of its own: all would be compiled twice
    grown = 0.0
    for count in range(ROUNDS):
        for p in range(n_ranks):
            # each array handed to a kernel costs: those called often get only what they use
            group = w.order[w.first[p] : w.first[p + 1]]
            widest = activate(
                group,
                need,
                y,
                w.floor,
                w.rate,
                w.state,
                w.place,
                w.below,
                w.above,
                w.drift,
                w.W,
                NOISE * stake,
            )
            if widest == 0.0:
                continue
            cover = 0.0
            for _ in range(40 + 8 * w.state.shape[0]):
                moving, waking, widest = press(
                    group,
                    A,
                    w.start,
                    w.row,
                    w.W,
                    pivots,
                    need,
                    w.floor,
                    w.rate,
                    w.state,
                    w.place,
                    w.drift,
                    w.load,
                    cover,
                )
                if moving == 0:
                    break
                limit = min(waking, 1.0)
                step, r, side = rise(
                    w.load,
                    w.below,
                    w.above,
                    w.drift,
                    limit - cover,
                    LOAD * widest,
                    TIE * stake / max(widest, stake),
                )
                if r < 0:
                    cover = limit
                    if waking >= 1.0:
                        break
                    continue
                cover += step
                c = NONE
                if pivots > 0 or w.adds[r] == 1:
                    c = relief(
                        A,
                        T,
                        price,
                        w.W,
                        w.nonbasic,
                        w.state,
                        pivots,
                        r,
                        side,
                        max(NOISE, GROWN * grown),
                    )
                if c == UNCLEAR:
                    return GREY
                if c == NONE:
                    mark = r if pivots == 0 and w.fed[r] == 0 else UNNAMED
                    frozen = freeze(
                        group,
                        A,
                        w.W,
                        pivots,
                        need,
                        w.floor,
                        w.rate,
                        w.state,
                        w.place,
                        w.below,
                        w.above,
                        w.drift,
                        y,
                        bound,
                        r,
                        side,
                        cover,
                        mark,
                    )
                    if frozen == 0:
                        return NOBODY
                    if mark == UNNAMED:
                        name(group, A, T, b, w, pivots, r, side, bound)
                    continue
                if pivots == 0:
                    write_tableau(A, T, price, w.W)
                if abs(w.W[c, r]) < PIVOT:
                    return SMALL
                grown = max(grown, exchange(need, cap, w, r, c, side, cover))
                pivots += 1
            else:
                return TOO_LONG
            satisfy(group, need, w.state, w.place, w.below, w.above, w.drift, y, bound)
        if rounds == 0:
            break
        change, short = 0.0, 0
        for i in range(need.shape[0]):
            change = max(change, y[i] - w.floor[i])
            if bound[i] != MET:
                short += 1
        if short == 0 or change <= SETTLED * stake:
            break
        if count == ROUNDS - 1:
            return UNSETTLED
    if pivots > 0 and not carry(cap, price, w, z):
        return PRICE
    return OK if holds(A, T, b, y, z, BREACH * stake) else RESIDUAL


@kernel
def activate(
    group: Integers,
    need: Floats,
    y: Floats,
    floor: Floats,
    rate: Floats,
    state: Integers,
    place: Integers,
    below: Floats,
    above: Floats,
    drift: Floats,
    W: Floats,
    negligible: float,
) -> float:
    """Open the claims of a rank that lack something; return the largest of their needs."""
    price = W.shape[1] - 1
    widest = 0.0
    for i in group:
        floor[i] = y[i]
        if need[i] - y[i] <= negligible:
            continue
        widest = max(widest, need[i])
        rate[i] = 0.0
        at = place[i]
        if at >= 0:
            state[i] = LOW
            # it may have drifted while the claim was fixed; see write_tableau
            W[at, price] = 1.0
        else:
            state[i] = BASIC
            below[-1 - at] = 0.0
            above[-1 - at] = need[i] - y[i]
            drift[-1 - at] = 0.0
    return widest


@kernel
def press(
    group: Integers,
    A: Floats,
    start: Integers,
    row: Integers,
    W: Floats,
    pivots: int,
    need: Floats,
    floor: Floats,
    rate: Floats,
    state: Integers,
    place: Integers,
    drift: Floats,
    load: Floats,
    cover: float,
) -> tuple[int, float, float]:
    """Write the load of the claims of a rank that rise with the common cover.

    A claim that had more than this cover before stays there until the others have come up to it.

    Returns
    -------
    int, float
        the number of claims not yet at their need or frozen; the cover at which the next claim
        joins the others, infinity if none is waiting.
    """
    moving, waking, widest = 0, math.inf, 0.0
    for r in range(load.shape[0]):
        load[r] = 0.0
    for i in group:
        if state[i] == FIXED:
            continue
        if state[i] != HIGH:
            moving += 1
        if rate[i] == 0.0:
            joins = floor[i] / need[i]
            if joins > cover:
                waking = min(waking, joins)
                continue
            rate[i] = need[i]
            if state[i] == BASIC:
                drift[-1 - place[i]] = need[i]
        if state[i] != HIGH:
            widest = max(widest, need[i])
        if state[i] != LOW:
            continue
        if pivots > 0:
            for r in range(load.shape[0]):
                load[r] += rate[i] * W[place[i], r]
        else:
            for k in range(start[i], start[i + 1]):
                load[row[k]] += rate[i] * A[row[k], i]
    return moving, waking, widest


@kernel
def freeze(
    group: Integers,
    A: Floats,
    W: Floats,
    pivots: int,
    need: Floats,
    floor: Floats,
    rate: Floats,
    state: Integers,
    place: Integers,
    below: Floats,
    above: Floats,
    drift: Floats,
    y: Floats,
    bound: Integers,
    r: int,
    side: int,
    cover: float,
    mark: int,
) -> int:
    """Settle at this cover the claims of a rank that row r stops; return how many.

    The row says basic + Σ W·nonbasic = constant. As nothing can relieve it, each term is at its
    least in every answer with this cover or more, so each is what it is now.
    """
    sign = 1.0 if side == 0 else -1.0
    frozen = 0
    for i in group:
        if state[i] == FIXED or state[i] == HIGH or rate[i] == 0.0:
            continue
        at = place[i]
        if state[i] == LOW and sign * (W[at, r] if pivots > 0 else A[r, i]) <= ENTRY:
            continue
        if state[i] == BASIC and (side == 1 or at != -1 - r):
            continue
        y[i] = max(floor[i], cover * need[i])
        # a later round finds later claims at rest on what an earlier one left them: a claim that
        # does not rise there was stopped by what stopped it before
        if bound[i] == MET or y[i] > floor[i] * (1.0 + SETTLED):
            bound[i] = mark
        state[i] = FIXED
        if at < 0:
            above[r] = 0.0
            drift[r] = 0.0
        frozen += 1
    if side == 0:
        below[r] = 0.0
    else:
        above[r] = 0.0
    return frozen


@kernel
def name(
    group: Integers,
    A: Floats,
    T: Floats,
    b: Floats,
    w: Work,
    pivots: int,
    r: int,
    side: int,
    bound: Integers,
) -> None:
    """Write what ran out for the claims just frozen at row r."""
    weigh(A, T, w.W, w.nonbasic, w.basic, w.state, pivots, r, side, w.row_worth, w.full_worth)
    for i in group:
        if bound[i] == UNNAMED:
            bound[i] = ran_out(A, T, b, w.fed, w.row_worth, w.full_worth, i)


@kernel
def satisfy(
    group: Integers,
    need: Floats,
    state: Integers,
    place: Integers,
    below: Floats,
    above: Floats,
    drift: Floats,
    y: Floats,
    bound: Integers,
) -> None:
    """Give the claims of a rank that nothing stopped their need."""
    for i in group:
        if state[i] == FIXED:
            continue
        y[i] = need[i]
        bound[i] = MET
        state[i] = FIXED
        r = -1 - place[i]
        if r >= 0:
            below[r] = 0.0
            above[r] = 0.0
            drift[r] = 0.0
