"""tableau: the condensed simplex tableau of one allocation; writes what it is handed.

basic_r = value_r - Σ_c W[c, r] · nonbasic_c, with the reduced prices as the last entry of each
column. Of a row only the gaps to its two bounds are kept. As long as nothing was exchanged the
columns are those of A and T, and W is not touched: a river tree without canals never pivots.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from watersim.allocation.problem import Floats, Integers, Problem, fed_by_transfers
from watersim.jit import kernel

# what a variable may do; a claim at LOW moves with the common cover
FIXED, LOW, HIGH, BASIC = 0, 1, 2, 3

# no column for a relief, or none that can be told from rounding
NONE, UNCLEAR = -1, -2

ENTRY = 1e-9  # a smaller entry of the tableau is none ...
NOISE = 1e-12  # ... but only below this is it surely rounding
GROWN = 1e-13  # rounding of an entry, relative to the largest term that went into any
TIE = 1e-13  # of two steps of the common cover
BREACH = 1e-9  # of a row or a reduced price, relative
PIVOT = 1e-6  # the least entry to divide by


class Work(NamedTuple):
    """What `fill` needs beside the problem: its structure, and room to write in.

    Attributes
    ----------
    order, first
        claims sorted by rank, and where in it each rank begins, dims (claim), (rank + 1).
    start, row
        the rows of the non-zero entries of each claim, dims (claim + 1), (entry).
    adds, fed
        1 for rows with a negative entry; 1 for rows that only transfers fill, dims (row).
    W
        the columns of the tableau, dims (claim + transfer, row + 1).
    load, below, above, drift
        change of a row's value with the common cover, its gaps to its lower and upper bound, and
        the rate at which its lower bound climbs, dims (row).
    state, place
        what a variable may do; its column, or -1 - row if basic, dims (claim + transfer + row).
    nonbasic, basic
        the variable in each column and in each row.
    floor, rate
        what a claim had before this rank was opened; need once the common cover has passed that,
        0 before, dims (claim).
    row_worth, full_worth
        multipliers of the row at which claims are frozen, dims (row), (transfer).
    used
        how often `exact` had to take over, dims (1).
    """

    order: Integers
    first: Integers
    start: Integers
    row: Integers
    adds: Integers
    fed: Integers
    W: Floats
    load: Floats
    below: Floats
    above: Floats
    drift: Floats
    state: Integers
    place: Integers
    nonbasic: Integers
    basic: Integers
    floor: Floats
    rate: Floats
    row_worth: Floats
    full_worth: Floats
    used: Integers


def work(problem: Problem) -> Work:
    """Read the structure of a problem and allocate the room.

    The values in A and T may change from call to call, but an entry that is zero here stays zero
    and none changes its sign.
    """
    rows, claims = problem.A.shape
    transfers = problem.T.shape[1]
    ranks = int(problem.rank.max(initial=-1)) + 1
    claim_of, row_of = np.nonzero(problem.A.T)
    adds = (problem.A < 0.0).any(axis=1) | (problem.T < 0.0).any(axis=1)
    whole = claims + transfers

    def integers(count: int) -> Integers:
        return np.zeros(count, dtype=np.int64)

    return Work(
        order=np.argsort(problem.rank, kind="stable").astype(np.int64),
        first=np.searchsorted(np.sort(problem.rank), np.arange(ranks + 1)).astype(np.int64),
        start=np.searchsorted(claim_of, np.arange(claims + 1)).astype(np.int64),
        row=row_of.astype(np.int64),
        adds=np.asarray(adds, dtype=np.int64),
        fed=fed_by_transfers(problem.A, problem.T),
        W=np.zeros((whole, rows + 1)),
        load=np.zeros(rows),
        below=np.zeros(rows),
        above=np.zeros(rows),
        drift=np.zeros(rows),
        state=integers(whole + rows),
        place=integers(whole + rows),
        nonbasic=integers(whole),
        basic=integers(rows),
        floor=np.zeros(claims),
        rate=np.zeros(claims),
        row_worth=np.zeros(rows),
        full_worth=np.zeros(transfers),
        used=integers(1),
    )


@kernel
def begin(b: Floats, cap: Floats, w: Work) -> None:
    """Start with every slack basic, y = z = 0."""
    rows, columns = w.basic.shape[0], w.nonbasic.shape[0]
    claims = columns - cap.shape[0]
    for c in range(columns):
        w.nonbasic[c] = c
        w.place[c] = c
        w.state[c] = LOW if c >= claims and cap[c - claims] > 0.0 else FIXED
    for r in range(rows):
        w.basic[r] = columns + r
        w.place[columns + r] = -1 - r
        w.state[columns + r] = BASIC
        w.below[r] = b[r]
        w.above[r] = math.inf
        w.drift[r] = 0.0


@kernel
def entry(A: Floats, T: Floats, W: Floats, pivots: int, r: int, c: int) -> float:
    """Return the entry of the tableau in row r and column c."""
    value: float = W[c, r]
    if pivots == 0:
        value = A[r, c] if c < A.shape[1] else T[r, c - A.shape[1]]
    return value


@kernel
def rise(
    load: Floats,
    below: Floats,
    above: Floats,
    drift: Floats,
    limit: float,
    least: float,
    tie: float,
) -> tuple[float, int, int]:
    """Raise the common cover as far as the rows allow, at most by `limit`.

    Returns
    -------
    float, int, int
        by how much; the row that stopped it (-1: none) and at which bound (0 lower, 1 upper).
    """
    step, stopped, side, fastest = limit, -1, 0, 0.0
    for r in range(below.shape[0]):
        speed = load[r] + drift[r]
        if speed > least and below[r] <= (step + tie) * speed:
            reach = max(below[r] / speed, 0.0)
            if reach < step - tie or (stopped >= 0 and speed > fastest):
                step, stopped, side, fastest = min(reach, limit), r, 0, speed
        speed = -load[r]
        if speed > least and above[r] <= (step + tie) * speed:
            reach = max(above[r] / speed, 0.0)
            if reach < step - tie or (stopped >= 0 and speed > fastest):
                step, stopped, side, fastest = min(reach, limit), r, 1, speed
    for r in range(below.shape[0]):
        below[r] -= step * (load[r] + drift[r])
        above[r] += step * load[r]
    return step, stopped, side


@kernel
def relief(
    A: Floats,
    T: Floats,
    price: Floats,
    W: Floats,
    nonbasic: Integers,
    state: Integers,
    pivots: int,
    r: int,
    side: int,
    noise: float,
) -> int:
    """Return the column that can relieve row r at the least price, NONE or UNCLEAR."""
    claims, last = A.shape[1], W.shape[1] - 1
    best, best_ratio, best_size = NONE, math.inf, 0.0
    for c in range(nonbasic.shape[0]):
        may = state[nonbasic[c]]
        if may == FIXED:
            continue
        value = entry(A, T, W, pivots, r, c)
        size = abs(value)
        if size <= ENTRY:
            if size > noise:
                return UNCLEAR
            continue
        if (may == LOW) != ((value < 0.0) == (side == 0)):
            continue
        cost = 1.0
        if pivots > 0:
            cost = abs(W[c, last])
        elif c >= claims:
            cost = price[c - claims]
        ratio = cost / size
        if ratio < best_ratio or (ratio == best_ratio and size > best_size):
            best, best_ratio, best_size = c, ratio, size
    return best


@kernel
def exchange(need: Floats, cap: Floats, w: Work, r: int, c: int, side: int, cover: float) -> float:
    """Bring column c into the basis in place of row r, whose variable stands at its bound."""
    claims, slacks = need.shape[0], w.nonbasic.shape[0]
    entering, leaving = w.nonbasic[c], w.basic[r]
    drift, width = 0.0, math.inf
    if entering < claims:
        drift = w.rate[entering]
        width = need[entering] - max(w.floor[entering], cover * need[entering])
    elif entering < slacks:
        width = cap[entering - claims]
    rises = w.state[entering] == LOW
    grown = pivot(w.W, r, c)
    w.below[r] = 0.0 if rises else width
    w.above[r] = width if rises else 0.0
    w.drift[r] = drift
    w.basic[r], w.place[entering], w.state[entering] = entering, -1 - r, BASIC
    w.nonbasic[c], w.place[leaving] = leaving, c
    if w.state[leaving] != FIXED:
        w.state[leaving] = LOW if side == 0 else HIGH
    return grown


@kernel
def write_tableau(A: Floats, T: Floats, price: Floats, W: Floats) -> None:
    """Write the columns before the first exchange."""
    claims, last = A.shape[1], A.shape[0]
    for c in range(W.shape[0]):
        for r in range(last):
            W[c, r] = A[r, c] if c < claims else T[r, c - claims]
        # free to choose for a claim, whose y is fixed in the end; positive is right-signed
        W[c, last] = 1.0 if c < claims else price[c - claims]


@kernel
def pivot(W: Floats, r: int, c: int) -> float:
    """Solve row r for the variable of column c, in every column; return the largest term added."""
    divisor = W[c, r]
    longest, widest = 0.0, 0.0
    for k in range(W.shape[1] - 1):
        longest = max(longest, abs(W[c, k]))
    for j in range(W.shape[0]):
        if j == c or W[j, r] == 0.0:
            continue
        share = W[j, r] / divisor
        widest = max(widest, abs(share))
        for k in range(W.shape[1]):
            W[j, k] -= share * W[c, k]
        W[j, r] = share
    for k in range(W.shape[1]):
        W[c, k] /= -divisor
    W[c, r] = 1.0 / divisor
    return float(longest * max(widest, 1.0 / abs(divisor)))


@kernel
def weigh(
    A: Floats,
    T: Floats,
    W: Floats,
    nonbasic: Integers,
    basic: Integers,
    state: Integers,
    pivots: int,
    r: int,
    side: int,
    row_worth: Floats,
    full_worth: Floats,
) -> None:
    """Read from row r the multipliers of the rows and full transfers that stop its claims."""
    claims, slacks = A.shape[1], nonbasic.shape[0]
    sign = 1.0 if side == 0 else -1.0
    for k in range(row_worth.shape[0]):
        row_worth[k] = 0.0
    for t in range(full_worth.shape[0]):
        full_worth[t] = 0.0
    for c in range(slacks):
        v = nonbasic[c]
        if v < claims:
            continue
        value = sign * entry(A, T, W, pivots, r, c)
        if v >= slacks and value > ENTRY:
            row_worth[v - slacks] = value
        elif v < slacks and state[v] != LOW and value < -ENTRY:
            full_worth[v - claims] = -value
    v = basic[r]
    if v >= slacks:
        row_worth[v - slacks] = 1.0
    elif v >= claims and side == 1:
        full_worth[v - claims] = 1.0


@kernel
def carry(cap: Floats, price: Floats, w: Work, z: Floats) -> bool:
    """Read the transfers from the tableau; return whether they are the least carrying."""
    slacks, last = w.nonbasic.shape[0], w.W.shape[1] - 1
    claims = slacks - cap.shape[0]
    dearest = 1.0
    for t in range(cap.shape[0]):
        dearest = max(dearest, price[t])
        v = claims + t
        if w.state[v] == HIGH:
            z[t] = cap[t]
        elif w.state[v] == BASIC:
            z[t] = min(max(w.below[-1 - w.place[v]], 0.0), cap[t])
    for c in range(slacks):
        state = w.state[w.nonbasic[c]]
        wrong = w.W[c, last] if state == HIGH else -w.W[c, last]
        if state != FIXED and wrong > BREACH * dearest:
            return False
    return True


@kernel
def holds(A: Floats, T: Floats, b: Floats, y: Floats, z: Floats, breach: float) -> bool:
    """Whether no row gives more than it has; from every coefficient, not from what was tracked."""
    for r in range(b.shape[0]):
        taken = 0.0
        for i in range(y.shape[0]):
            taken += A[r, i] * y[i]
        for t in range(z.shape[0]):
            taken += T[r, t] * z[t]
        if taken - b[r] > breach:
            return False
    return True
