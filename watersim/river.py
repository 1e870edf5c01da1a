"""The allocation of several realizations side by side, as far as no water need be rerouted.

The rows of a river are nested: who draws on a row draws on the rows below it. Then the covers of a
rank follow in one pass down the river. Every claim starts at its need; where a row does not have
what is asked of it, the claims above share it: nobody there keeps more than the common cover at
which it suffices. What a row further down takes back is taken back from those above it, so that no
row need be seen twice. What is asked of a row (``load``) is summed on the way: claims add to the
rows where they stand, and every row passes its load on to the next.

A claim that draws on a single row, an in-stream claim in the first place, may stand beside others that
draw on rows further down too: it shares at its row, and last gets what those have left there.

A realization in which a row runs out that a canal or a returning claim could relieve, or whose rows
are not nested (a quota), is left to `fill` (``todo``), which answers the whole contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.allocation.problem import MET, Floats, Integers
from watersim.allocation.tableau import BREACH, ENTRY, NOISE, TIE
from watersim.arrays import Step
from watersim.jit import kernel

MORE = 1.0 + TIE  # a row that has so much more than asked still has enough
TINY = 1e-300  # no division by zero where nothing is asked
BEYOND = 1e6  # times all the water: more than any claim can get, so that huge needs do no harm
SPARE = 1e-12  # a smaller rest of a coefficient is rounding


class River(NamedTuple):
    """The coefficients of a problem by claim and along the river; dims (set, …).

    Attributes
    ----------
    order, first
        claims by rank, and where in it each rank begins, dims (claim), (rank + 1).
    start, row, value
        what a unit given to a claim takes from each row, dims (claim + 1), (entry), (set, entry).
    own_start, own_row, own_value
        the same without what comes down the river, dims (claim + 1), (own), (set, own).
    edge, upper, lower, share
        the rows that pass a share of their load on, by rank, in river order, dims (rank + 1),
        (edge), (edge), (set, edge).
    touched, touching
        the rows on which the claims of a rank draw or to which they add, dims (rank + 1), (entry).
    above, drawing, taking
        the claims of a rank that draw on each row it touches, and what a unit given to them takes
        from it, dims (entry of touching + 1), (draw), (set, draw).
    alone, alone_claim, alone_row, alone_value
        the claims of a rank that draw on a single row, where only without them the rows are nested
        (in-stream claims, a site beside one with a quota), dims (rank + 1), (claim), (claim), (set, claim).
    plain
        1 where nothing could relieve the row while the rank is filled, and its rows are nested,
        dims (rank, row).
    """

    order: Integers
    first: Integers
    start: Integers
    row: Integers
    value: Floats
    own_start: Integers
    own_row: Integers
    own_value: Floats
    edge: Integers
    upper: Integers
    lower: Integers
    share: Floats
    touched: Integers
    touching: Integers
    above: Integers
    drawing: Integers
    taking: Floats
    alone: Integers
    alone_claim: Integers
    alone_row: Integers
    alone_value: Floats
    plain: Integers


def river(
    A: Floats, T: Floats, rank: Integers, edges: Sequence[tuple[int, int]], shares: Floats
) -> River:
    """Read the structure.

    Parameters
    ----------
    A, T
        coefficients, dims (set, row, claim) and (set, row, transfer).
    rank
        order of service of a claim, dims (claim).
    edges, shares
        rows (upper, lower) along the river, in river order, and which share of what the upper one
        gives up the lower one lacks, dims (edge), (set, edge).
    """
    ranks = int(rank.max(initial=-1)) + 1
    own = A.copy()
    for e, (upper, lower) in enumerate(edges):
        own[:, lower] -= shares[:, e, None] * A[:, upper]
    own[np.abs(own) < SPARE] = 0.0
    start, row, value = _by_claim(A)
    own_start, own_row, own_value = _by_claim(own)
    touched, touching = [0], list[int]()
    edge, used = [0], list[int]()
    above, drawing, at = [0], list[int](), list[int]()
    alone, lone = [0], list[int]()
    plain = np.zeros((ranks, A.shape[1]), np.int64)
    for p in range(ranks):
        members = np.flatnonzero(rank == p)
        rows = np.flatnonzero((A[:, :, members] != 0.0).any(axis=(0, 2)))
        touching += rows.tolist()
        touched.append(len(touching))
        for r in rows:
            own_claims = members[(A[:, r, members] > ENTRY).all(axis=0)].tolist()
            drawing += own_claims
            at += [int(r)] * len(own_claims)
            above.append(len(drawing))
        if members.size > 1:
            along = [e for e, (u, _) in enumerate(edges) if u in set(rows.tolist())]
            used += along
        edge.append(len(used))
        adds = (A[:, :, members] < 0.0).any(axis=(0, 2)) | (T < 0.0).any(axis=(0, 2))
        draws = (A[0][:, members] > ENTRY)[rows]
        nested = _nested(draws)
        if not nested:
            few = (draws.sum(axis=0) == 1) & ((A[:, :, members] != 0.0).sum(axis=1) == 1).all(
                axis=0
            )
            apart = few & ~(draws & (draws[:, few].sum(axis=1) > 1)[:, None]).any(axis=0)
            nested = _nested(draws[:, ~apart])
            lone += members[apart].tolist() if nested else []
        alone.append(len(lone))
        plain[p] = ~adds & nested
    lone_row = np.array([np.argmax(A[0, :, i] > ENTRY) for i in lone], np.int64)
    return River(
        order=np.argsort(rank, kind="stable").astype(np.int64),
        first=np.searchsorted(np.sort(rank), np.arange(ranks + 1)).astype(np.int64),
        start=start,
        row=row,
        value=value,
        own_start=own_start,
        own_row=own_row,
        own_value=own_value,
        edge=np.array(edge, np.int64),
        upper=np.array([edges[e][0] for e in used], np.int64),
        lower=np.array([edges[e][1] for e in used], np.int64),
        share=np.ascontiguousarray(shares[:, np.array(used, np.int64)]),
        touched=np.array(touched, np.int64),
        touching=np.array(touching, np.int64),
        above=np.array(above, np.int64),
        drawing=np.array(drawing, np.int64),
        taking=np.ascontiguousarray(A[:, np.array(at, np.int64), np.array(drawing, np.int64)]),
        alone=np.array(alone, np.int64),
        alone_claim=np.array(lone, np.int64),
        alone_row=lone_row,
        alone_value=np.ascontiguousarray(A[:, lone_row, np.array(lone, np.int64)]),
        plain=plain,
    )


def _nested(draws: NDArray[np.bool_]) -> bool:
    """Whether each row's claims are all or none of those of every later row.

    Parameters
    ----------
    draws
        whether a claim draws on a row, dims (row, claim).
    """
    for k, one in enumerate(draws):
        shared = (draws[k + 1 :] & one).sum(axis=1)
        if bool(((shared != 0) & (shared != one.sum())).any()):
            return False
    return True


def _by_claim(A: Floats) -> tuple[Integers, Integers, Floats]:
    """The entries that are not zero in every set, claim by claim."""
    claim_of, row_of = np.nonzero((A != 0.0).any(axis=0).T)
    start = np.searchsorted(claim_of, np.arange(A.shape[2] + 1)).astype(np.int64)
    value = np.ascontiguousarray(A[:, row_of, claim_of])
    return start, row_of.astype(np.int64), value


@kernel
def ration(c: int, n: River, rounds: int, s: Step) -> None:
    """Settle all claims in every lane; writes what each is given, what stopped it, and `todo`.

    Parameters
    ----------
    c
        the set of coefficients in force.
    rounds
        1 if a later rank's return flow may serve an earlier one: what is short then goes on.
    """
    lane = s.lane[0]
    for l in range(lane.cover.size):
        lane.todo[l] = 0
        lane.largest[l] = 0.0
    for i in range(s.claim.shape[0]):
        claim = s.claim[i]
        for l in range(lane.cover.size):
            lane.largest[l] = max(lane.largest[l], claim.need[l])
    for l in range(lane.cover.size):
        lane.rest[l] = 0.0
    for r in range(s.row.shape[0]):
        row = s.row[r]
        for l in range(lane.cover.size):
            row.below[l] = row.b[l]
            lane.rest[l] = max(lane.rest[l], row.b[l])
    for l in range(lane.cover.size):  # what is at stake: nobody gets more than there is
        water = lane.rest[l] if lane.rest[l] > 0.0 else lane.largest[l]
        lane.largest[l] = min(lane.largest[l], water)
        lane.least[l] = NOISE * lane.largest[l]
    for p in range(n.first.shape[0] - 1):
        if n.first[p + 1] - n.first[p] == 1:
            _serve_one(n, c, p, s)
        else:
            _serve_rank(n, c, p, s)
    for r in range(s.row.shape[0]):
        row = s.row[r]
        for l in range(lane.cover.size):
            if not row.below[l] >= -BREACH * lane.largest[l]:
                lane.todo[l] = 1
    if rounds == 1:
        for i in range(s.claim.shape[0]):
            claim = s.claim[i]
            for l in range(lane.cover.size):
                if claim.stopped[l] != MET:
                    lane.todo[l] = 1


@kernel
def remainder(has: float, loses: float) -> float:
    """What is left of a row; 0 where that is only rounding of the two."""
    left = has - loses
    return left if left > TIE * has or left < 0.0 else 0.0


@kernel
def _serve_one(n: River, c: int, p: int, s: Step) -> None:
    """A rank of a single claim takes what the scarcest of its rows has left."""
    i = n.order[n.first[p]]
    claim, lane, asking = s.claim[i], s.lane[0], 0
    for l in range(lane.cover.size):
        need = claim.need[l]
        wants = need if need > lane.least[l] else 0.0
        asking += 1 if wants > 0.0 else 0
        lane.stop[l] = MET
        claim.stopped[l] = MET
        claim.given[l] = wants
        lane.cover[l] = TIE * wants
    if asking == 0:
        return
    for k in range(n.start[i], n.start[i + 1]):
        value = n.value[c, k]
        if value > ENTRY:
            r = n.row[k]
            row, share = s.row[r], 1.0 / value
            for l in range(lane.cover.size):
                most, given, stop = row.below[l] * share, claim.given[l], lane.stop[l]
                less = most < given - lane.cover[l]
                claim.given[l] = most if less else given
                lane.stop[l] = r if less else stop
    for l in range(lane.cover.size):
        claim.given[l] = max(0.0, claim.given[l])
        claim.stopped[l] = lane.stop[l]
    for k in range(n.start[i], n.start[i + 1]):
        row, value = s.row[n.row[k]], n.value[c, k]
        for l in range(lane.cover.size):
            row.below[l] = remainder(row.below[l], value * claim.given[l])
    for l in range(lane.cover.size):
        if lane.stop[l] >= 0 and n.plain[p, lane.stop[l]] == 0:
            lane.todo[l] = 1


@kernel
def _serve_rank(n: River, c: int, p: int, s: Step) -> None:
    """The claims of a rank share what their rows have left."""
    lane = s.lane[0]
    for k in range(n.first[p], n.first[p + 1]):
        claim = s.claim[n.order[k]]
        for l in range(lane.least.size):
            need = claim.need[l]
            wants = need if need > lane.least[l] else 0.0
            claim.rate[l] = wants
            claim.given[l] = min(wants, BEYOND * lane.largest[l])
            claim.stopped[l] = MET
    if _share(n, c, p, s):
        _sum(n, c, p, s)
        for k in range(n.alone[p], n.alone[p + 1]):
            _raise_alone(n, c, k, s)
    for k in range(n.touched[p], n.touched[p + 1]):
        row = s.row[n.touching[k]]
        for l in range(lane.least.size):
            row.below[l] = remainder(row.below[l], row.load[l])


@kernel
def _raise_alone(n: River, c: int, k: int, s: Step) -> None:
    """Give an in-stream claim what a row further down left at its row, after it was rationed."""
    claim, row, lane = s.claim[n.alone_claim[k]], s.row[n.alone_row[k]], s.lane[0]
    value = n.alone_value[c, k]
    for l in range(lane.least.size):
        free, given, wants = row.below[l] - row.load[l], claim.given[l], claim.rate[l]
        most = min(wants, given + max(0.0, free) / value)
        most = wants if most * MORE >= wants else most
        row.load[l] += value * (most - given)
        claim.given[l] = most
        claim.stopped[l] = MET if most >= wants else claim.stopped[l]


@kernel
def _stand(n: River, c: int, p: int, s: Step) -> None:
    """Add what the claims of a rank take where they stand, before any of it passes down."""
    for k in range(n.touched[p], n.touched[p + 1]):
        row = s.row[n.touching[k]]
        for l in range(row.load.size):
            row.load[l] = 0.0
    for k in range(n.first[p], n.first[p + 1]):
        i = n.order[k]
        claim = s.claim[i]
        for m in range(n.own_start[i], n.own_start[i + 1]):
            row, value = s.row[n.own_row[m]], n.own_value[c, m]
            for l in range(row.load.size):
                row.load[l] += value * claim.given[l]


@kernel
def _sum(n: River, c: int, p: int, s: Step) -> None:
    """The load of every row that a rank touches."""
    _stand(n, c, p, s)
    for e in range(n.edge[p], n.edge[p + 1]):
        row, lower, share = s.row[n.upper[e]], s.row[n.lower[e]], n.share[c, e]
        for l in range(row.load.size):
            lower.load[l] += share * row.load[l]


@kernel
def _share(n: River, c: int, p: int, s: Step) -> bool:
    """Go down the river and ration where a row runs out; whether one did in any lane."""
    lane, e, rationed = s.lane[0], n.edge[p], False
    _stand(n, c, p, s)
    for k in range(n.touched[p], n.touched[p + 1]):
        r = n.touching[k]
        row = s.row[r]
        short = 0
        for l in range(row.load.size):
            short += 1 if row.load[l] > max(lane.least[l], row.below[l] * MORE) else 0
        if short > 0 and n.plain[p, r] == 0:
            for l in range(row.load.size):
                todo = lane.todo[l]
                lane.todo[l] = 1 if row.load[l] > max(lane.least[l], row.below[l] * MORE) else todo
        elif short > 0:
            rationed = True
            _level(n, c, p, k, s)
        while e < n.edge[p + 1] and n.upper[e] == r:
            lower, share = s.row[n.lower[e]], n.share[c, e]
            for l in range(row.load.size):
                lower.load[l] += share * row.load[l]
            e += 1
    return rationed


@kernel
def _level(n: River, c: int, p: int, k: int, s: Step) -> None:
    """Lower the claims above a row that ran out to the common cover at which it suffices.

    Σ_i a_i min(given_i, λ need_i) = below: λ rises while claims that have less drop out.
    """
    r, lane = n.touching[k], s.lane[0]
    row = s.row[r]
    for l in range(lane.cover.size):
        lane.cover[l] = 0.0
    rises = 1
    while rises > 0:
        rises = 0
        for l in range(lane.cover.size):
            lane.rest[l] = max(0.0, row.below[l])
            lane.asked[l] = 0.0
        for m in range(n.above[k], n.above[k + 1]):
            claim, takes = s.claim[n.drawing[m]], n.taking[c, m]
            for l in range(lane.cover.size):
                has, wants = takes * claim.given[l], takes * claim.rate[l]
                less = has < lane.cover[l] * wants
                lane.rest[l] -= has if less else 0.0
                lane.asked[l] += 0.0 if less else wants
        for l in range(lane.cover.size):
            cover, asked = lane.cover[l], lane.asked[l]
            reached = lane.rest[l] / max(asked, TINY)
            rises += 1 if reached > cover else 0
            lane.cover[l] = max(cover, reached)
    for l in range(lane.cover.size):
        load, cover, has = row.load[l], lane.cover[l], max(0.0, row.below[l])
        enough = load <= max(lane.least[l], has * MORE)
        lane.cover[l] = 2.0 if enough else cover
        row.load[l] = load if enough else has
    for m in range(n.above[k], n.above[k + 1]):
        i = n.drawing[m]
        claim = s.claim[i]
        for l in range(lane.cover.size):
            less, given, by = lane.cover[l] * claim.rate[l], claim.given[l], claim.stopped[l]
            lane.rest[l] = max(0.0, given - less)
            claim.stopped[l] = r if given > less else by
            claim.given[l] = min(given, less)
        for o in range(n.own_start[i], n.own_start[i + 1]):
            if n.own_row[o] > r:
                later, value = s.row[n.own_row[o]], n.own_value[c, o]
                for l in range(lane.cover.size):
                    later.load[l] -= value * lane.rest[l]
