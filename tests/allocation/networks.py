"""networks: river trees with claims and canals → allocation problems, given or random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from watersim.allocation.exact import Allocation
from watersim.allocation.fill import REASONS, fill, work
from watersim.allocation.problem import Floats, Problem, needs_rounds


class Claim(NamedTuple):
    """A claim at a section; `back` of what is taken returns at section `to`.

    sort: take (from the river), share (in-stream, counted in the section's own row), pass
    (in-stream, with a row of its own), site (only canals reach it; `at` is not used).
    """

    at: int
    need: float
    rank: int = 0
    back: float = 0.0
    to: int = 0
    sort: str = "take"


class Canal(NamedTuple):
    """A transfer from a section to another, or into the site of claim `serves`."""

    source: int
    target: int
    share: float
    cap: float
    price: float = 1.0
    serves: int = -1


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
    kept: float = 1.0,
) -> Network:
    """Build the rows: sections, then passes and sites in claim order, then quotas.

    Section u flows to parents[u - 1] < u, section 0 is the last; each reach passes `kept`.
    """
    sections, n, k = len(inflow), len(claims), len(canals)
    gain = np.eye(sections)
    for u in range(1, sections):
        gain[u] += kept * gain[parents[u - 1]]
    takes, carries = np.zeros((sections, n)), np.zeros((sections, k))
    for i, claim in enumerate(claims):
        if claim.sort == "take":
            takes[:, i] += gain[claim.at]
        if claim.sort in ("take", "site"):
            takes[:, i] -= claim.back * gain[claim.to]
    for t, canal in enumerate(canals):
        carries[:, t] += gain[canal.source]
        if canal.serves < 0:
            carries[:, t] -= canal.share * gain[canal.target]
    water = np.asarray(inflow, dtype=float) @ gain
    A, T, b = takes.copy(), carries.copy(), list(water)
    for i, claim in enumerate(claims):
        own = np.zeros(n)
        own[i] = 1.0
        if claim.sort == "share":
            A[claim.at, i] = 1.0
        elif claim.sort == "pass":
            A, T = np.vstack([A, takes[claim.at] + own]), np.vstack([T, carries[claim.at]])
            b.append(water[claim.at])
        elif claim.sort == "site":
            into = [-canal.share if canal.serves == i else 0.0 for canal in canals]
            A, T = np.vstack([A, own]), np.vstack([T, into])
            b.append(0.0)
    for weights, limit in quotas:
        A, T = np.vstack([A, [weights.get(i, 0.0) for i in range(n)]]), np.vstack([T, np.zeros(k)])
        b.append(limit)
    T = T.reshape(len(b), k)
    price = np.array([canal.price * (1.0 + 1e-7 * t) for t, canal in enumerate(canals)])
    rank = np.array([claim.rank for claim in claims], dtype=np.int64)
    A = np.ascontiguousarray(A)
    problem = Problem(A, T, price, rank, int(needs_rounds(A, rank, T)))
    return Network(
        problem,
        np.array(b),
        np.array([claim.need for claim in claims], dtype=float),
        np.array([canal.cap for canal in canals], dtype=float),
    )


def draw(rng: np.random.Generator, most: int = 4, ranks: int = 3, plain: bool = True) -> Network:
    """Draw a network; plain ones have small integers and halves: full of ties and zeros."""
    sections = int(rng.integers(1, most + 1))
    n, k = int(rng.integers(1, most + 3)), int(rng.integers(0, min(most, 6) + 1))
    parents = [int(rng.integers(0, u)) for u in range(1, sections)]
    returns = "none" if rng.random() < 0.4 else str(rng.choice(["below", "anywhere"]))

    def volume(largest: int) -> float:
        if plain:
            return float(rng.integers(0, largest + 1))
        return 0.0 if rng.random() < 0.1 else float(rng.uniform(0.0, largest))

    def share() -> float:
        return float(rng.choice([0.5, 1.0]) if plain else rng.uniform(0.4, 1.0))

    claims = []
    used = np.unique(rng.integers(0, ranks, size=n), return_inverse=True)[1]
    for i in range(n):
        at = int(rng.integers(0, sections))
        sort = str(rng.choice(["take", "take", "take", "share", "pass", "site"]))
        back, to = 0.0, 0
        if returns != "none" and sort in ("take", "site") and rng.random() < 0.5:
            back = 0.5 if plain else float(rng.uniform(0.05, 0.6))
            to = int(rng.integers(0, sections))
            if returns == "below":
                to = parents[at - 1] if at and sort == "take" else 0
                if at == 0 or sort == "site":
                    back = 0.0
        claims.append(Claim(at, volume(8), int(used[i]), back, to, sort))
    sites = [i for i, claim in enumerate(claims) if claim.sort == "site"]
    canals = []
    for _ in range(k):
        source, target = (int(v) for v in rng.integers(0, sections, size=2))
        serves = int(rng.choice(sites)) if sites and rng.random() < 0.7 else -1
        price = float(rng.choice([0.25, 0.5, 1.0, 2.0]) if plain else rng.uniform(0.1, 3.0))
        canals.append(Canal(source, target, share(), volume(6), price, serves))
    quotas = []
    if rng.random() < 0.3:
        held = rng.choice(n, size=min(n, 2), replace=False)
        quotas.append(({int(i): share() for i in held}, volume(8)))
    kept = 1.0 if plain or rng.random() < 0.5 else 0.9
    inflow = [volume(6) for _ in range(sections)]
    return build(parents, inflow, claims, canals, quotas, kept)


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


def filled(network: Network) -> Allocation:
    """Fill once, with arrays of its own; giving up is a failure."""
    problem, b, need, cap = network
    room = work(problem)
    y, z = np.full(need.size, np.nan), np.full(cap.size, np.nan)
    bound = np.zeros(need.size, dtype=np.int64)
    ranks = room.first.size - 1
    code = fill(*problem[:4], ranks, problem.rounds, b, need, cap, room, y, z, bound)
    assert code == 0, REASONS[code]
    return Allocation(y, z, bound, 0)
