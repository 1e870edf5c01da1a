"""problem: the coefficients of one allocation, and the one rule that names what ran out; pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.jit import entry

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MET = -1  # bound of a claim that got its need; -2 - t stands for transfer t at its capacity
ROUNDS = 1000  # most rounds of return flows, enough for a loop that keeps 97 % of its water
SETTLED = 1e-12  # change of a round, relative to the largest need, that counts as none


class Problem(NamedTuple):
    """The coefficients in ``A·y + T·z ≤ b``, ``0 ≤ y ≤ need``, ``0 ≤ z ≤ cap``.

    The entries should be of the order of one: scale a row of joules to m3 with its b.

    Attributes
    ----------
    A
        what a unit given to a claim takes from each row, dims (row, claim); negative: it adds.
    T
        what a unit carried by a transfer takes from each row, dims (row, transfer).
    price
        preference weight of a transfer, > 0 and no two equal, dims (transfer).
    rank
        order of service of a claim, 0 first, consecutive, dims (claim).
    rounds
        1 if return flows of a later rank may serve an earlier one (see `needs_rounds`), else 0.
    """

    A: Floats
    T: Floats
    price: Floats
    rank: Integers
    rounds: int


def needs_rounds(A: Floats, rank: Integers, T: Floats | None = None) -> bool:
    """Whether a claim adds to a row from which an earlier rank may draw.

    Parameters
    ----------
    A, rank
        as in `Problem`.
    T
        the transfers' coefficients; None where there are none. A transfer may serve any rank.
    """
    for row in range(A.shape[0]):
        adding = rank[A[row] < 0.0]
        if adding.size == 0:
            continue
        drawing = rank[A[row] > 0.0]
        if drawing.size and drawing.min() < adding.max():
            return True
        if T is not None and bool((T[row] > 0.0).any()) and adding.max() > 0:
            return True
    return False


def fed_by_transfers(A: Floats, T: Floats) -> Integers:
    """1 for each row that only transfers can fill (a site behind canals, where its b is 0)."""
    fed = (T < 0.0).any(axis=1) & ~(T > 0.0).any(axis=1) & ~(A < 0.0).any(axis=1)
    return np.asarray(fed, dtype=np.int64)


@entry
def ran_out(
    A: Floats, T: Floats, b: Floats, fed: Integers, row_worth: Floats, full_worth: Floats, i: int
) -> int:
    """Name what stopped claim i: the nearest thing that ran out, what it draws on before the rest.

    A row that only transfers fill (a site) does not run out by itself, so what stopped them is
    named in its place; and a river below a full transfer (an outlet, a canal) ran out after it. In
    order: a full transfer into a row the claim draws on itself; that row; a full transfer into its
    site; another row; another full transfer; the site. Of several, the one worth most to the claim.

    Parameters
    ----------
    fed
        from `fed_by_transfers`.
    row_worth, full_worth
        multipliers ≥ 0 of the rows and of the transfers at capacity in the certificate that
        stopped the claim: what a further unit of each would have raised its cover.

    Returns
    -------
    int
        the row, or -2 - t for transfer t.
    """
    rows, transfers = T.shape
    own, own_worth = -1, 0.0
    other, other_worth = -1, 0.0
    site, site_worth = -1, 0.0
    for r in range(rows):
        if row_worth[r] <= 0.0:
            continue
        drawn = row_worth[r] * A[r, i]
        if fed[r] == 1 and b[r] == 0.0:
            if site < 0 or drawn > site_worth:
                site, site_worth = r, drawn
        elif drawn > own_worth:
            own, own_worth = r, drawn
        elif row_worth[r] > other_worth:
            other, other_worth = r, row_worth[r]
    nearest = own if own >= 0 else site
    into, into_worth = -1, 0.0
    full, most = -1, 0.0
    for t in range(transfers):
        if full_worth[t] > most:
            full, most = t, full_worth[t]
        if (
            nearest >= 0
            and A[nearest, i] > 0.0
            and T[nearest, t] < 0.0
            and full_worth[t] > into_worth
        ):
            into, into_worth = t, full_worth[t]
    if into >= 0:
        return -2 - into
    if own >= 0:
        return own
    if other >= 0:
        return other
    return -2 - full if full >= 0 else site
