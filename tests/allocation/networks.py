"""networks: river trees with claims and transfers → allocation problems; and the kernel's one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from watersim.allocation import fill as filling
from watersim.allocation.exact import Allocation
from watersim.allocation.problem import Floats, Problem, needs_rounds


class Claim(NamedTuple):
    """A claim at a section; `back` of what is taken returns at section `to`.

    sort: take (from the river), share (in-stream, counted in the section's own row), pass
    (in-stream, what leaves, with a row of its own), arrive (the same of what arrives, above every
    take there), site (only canals and plants reach it; `at` is not used). `head` is what the river
    loses per unit taken: more than 1 behind a canal that is no choice.
    """

    at: int
    need: float
    rank: int = 0
    back: float = 0.0
    to: int = 0
    sort: str = "take"
    head: float = 1.0


class Canal(NamedTuple):
    """A transfer from a section to another, or into the site of claim `serves`."""

    source: int
    target: int
    share: float
    cap: float
    price: float = 1.0
    serves: int = -1
    lost_to: int = -1


class Outlet(NamedTuple):
    """The limited outlet of a reservoir: the river is cut below it, the transfer passes water on."""

    at: int
    cap: float
    price: float = 1e-3


class Plant(NamedTuple):
    """A transfer of what flows at a section and stays there: worth `yields` to claim `serves`."""

    at: int
    yields: float
    cap: float
    serves: int
    price: float = 1.0


class Network(NamedTuple):
    problem: Problem
    b: Floats
    need: Floats
    cap: Floats


def build(
    parents: Sequence[int],
    inflow: Sequence[float],
    claims: Sequence[Claim],
    canals: Sequence[Canal] = (),
    quotas: Sequence[tuple[dict[int, float], float]] = (),
    kept: float | Sequence[float] = 1.0,
    outlets: Sequence[Outlet] = (),
    plants: Sequence[Plant] = (),
) -> Network:
    """Build the rows: sections, in-stream claims and sites in claim order, plants, quotas.

    Section u flows to parents[u - 1] < u, section 0 is the last; reach u - 1 passes `kept`.
    Transfers: canals, outlets, plants.
    """
    sections, n = len(inflow), len(claims)
    k = len(canals) + len(outlets) + len(plants)
    passed = np.broadcast_to(np.asarray(kept, dtype=float), (max(sections - 1, 0),))
    cut = {outlet.at: len(canals) + t for t, outlet in enumerate(outlets)}
    gain = np.eye(sections)
    for u in range(1, sections):
        if u not in cut:
            gain[u] += passed[u - 1] * gain[parents[u - 1]]
    # apart, because what leaves at a gauge does not count in what arrives there
    drawn, added = np.zeros((sections, n + k)), np.zeros((sections, n + k))
    source = np.full(n + k, -1)
    for i, claim in enumerate(claims):
        if claim.sort == "take":
            drawn[:, i] = claim.head * gain[claim.at]
            source[i] = claim.at
        if claim.sort in ("take", "site"):
            added[:, i] = claim.back * gain[claim.to]
    for t, canal in enumerate(canals):
        drawn[:, n + t] = gain[canal.source]
        source[n + t] = canal.source
        if canal.serves < 0:
            added[:, n + t] += canal.share * gain[canal.target]
        if canal.lost_to >= 0:
            added[:, n + t] += (1.0 - canal.share) * gain[canal.lost_to]
    for u, t in cut.items():
        drawn[:, n + t] = gain[u]
        source[n + t] = u
        if u > 0:
            added[:, n + t] = passed[u - 1] * gain[parents[u - 1]]
    water = np.asarray(inflow, dtype=float) @ gain
    taken = drawn - added
    rows, b = list(taken), list(water)

    def leaving(at: int) -> tuple[Floats, float]:
        if at not in cut:
            return taken[at].copy(), float(water[at])
        row = np.zeros(n + k)
        row[n + cut[at]] = -1.0
        return row, 0.0

    for i, claim in enumerate(claims):
        row = np.zeros(n + k)
        if claim.sort == "share":
            rows[claim.at][i] += 1.0
            continue
        if claim.sort == "take":
            continue
        limit = 0.0
        if claim.sort == "pass":
            row, limit = leaving(claim.at)
        elif claim.sort == "arrive":
            limit = float(water[claim.at])
            row = np.where(source == claim.at, 0.0, drawn[claim.at]) - added[claim.at]
        else:
            for t, canal in enumerate(canals):
                row[n + t] = -canal.share if canal.serves == i else 0.0
            for t, plant in enumerate(plants):
                row[n + t + k - len(plants)] = -plant.yields if plant.serves == i else 0.0
        row[i] += 1.0
        rows.append(row)
        b.append(limit)
    for t, plant in enumerate(plants):
        row, limit = leaving(plant.at)
        row[n + t + k - len(plants)] = 1.0
        rows.append(row)
        b.append(limit)
    for weights, limit in quotas:
        rows.append(np.array([weights.get(i, 0.0) for i in range(n)] + [0.0] * k))
        b.append(limit)
    whole = np.array(rows)
    A, T = np.ascontiguousarray(whole[:, :n]), np.ascontiguousarray(whole[:, n:])
    transfers = (*canals, *outlets, *plants)
    price = np.array([each.price * (1.0 + 1e-7 * t) for t, each in enumerate(transfers)])
    rank = np.array([claim.rank for claim in claims], dtype=np.int64)
    return Network(
        Problem(A, T, price, rank, int(needs_rounds(A, rank, T))),
        np.array(b, dtype=float),
        np.array([claim.need for claim in claims], dtype=float),
        np.array([each.cap for each in transfers], dtype=float),
    )


def once(network: Network) -> Network:
    """Without the rounds in which return flows are offered again."""
    return network._replace(problem=network.problem._replace(rounds=0))


def shuffle(network: Network, rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    """The same network with claims and rows in another order, and the order of the claims."""
    problem = network.problem
    claims, rows = rng.permutation(problem.A.shape[1]), rng.permutation(problem.A.shape[0])
    moved = Problem(
        np.ascontiguousarray(problem.A[rows][:, claims]),
        np.ascontiguousarray(problem.T[rows]),
        problem.price,
        problem.rank[claims],
        problem.rounds,
    )
    return Network(moved, network.b[rows], network.need[claims], network.cap), claims


def work(problem: Problem) -> Any:
    """The room that the kernel works in; it, and the kernel, are called only here."""
    return filling.work(problem)


def attempt(network: Network, room: Any = None) -> tuple[str, Allocation]:
    """Why the kernel gave up, "" if it did not, and what it wrote."""
    problem, b, need, cap = network
    room = room or work(problem)
    y, z = np.full(need.size, np.nan), np.full(cap.size, np.nan)
    bound = np.zeros(need.size, dtype=np.int64)
    ranks = int(problem.rank.max()) + 1
    code = filling.fill(*problem[:4], ranks, problem.rounds, b, need, cap, room, y, z, bound)
    return filling.REASONS[code] if code else "", Allocation(y, z, bound, 0)


def filled(network: Network, room: Any = None) -> Allocation:
    """Fill, in arrays of its own unless told; giving up is a failure."""
    reason, answer = attempt(network, room)
    assert reason == ""
    return answer
