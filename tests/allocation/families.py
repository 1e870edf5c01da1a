"""families: random networks of every size and kind, degenerate ones by name; the same by seed.

A family draws a `Sketch` and bends it. Sizes are drawn anew for each network within a `Size`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import numpy as np
from networks import Canal, Claim, Network, Outlet, Plant, build

from watersim.allocation.problem import Floats

Range = tuple[int, int]


class Size(NamedTuple):
    """Least and most of each."""

    sections: Range
    claims: Range
    transfers: Range
    ranks: Range


TINY = Size((2, 4), (1, 6), (0, 3), (1, 3))
SMALL = Size((2, 8), (1, 12), (0, 5), (1, 5))
MIDDLE = Size((4, 20), (5, 30), (0, 8), (1, 8))
LARGE = Size((20, 40), (30, 60), (6, 12), (3, 8))
MIX = (0.4, 0.4, 0.2)  # small, middle, large
WHOLE = Size((2, 40), (1, 60), (0, 12), (1, 8))  # what all of them span


@dataclass
class Sketch:
    """A network before its rows are written; see `networks.build`."""

    rng: np.random.Generator
    size: Size
    plain: bool  # small integers and halves: ties everywhere
    inflow: list[float]
    parents: list[int]
    kept: list[float]
    claims: list[Claim] = field(default_factory=list)
    canals: list[Canal] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    plants: list[Plant] = field(default_factory=list)
    quotas: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def between(self, of: Range) -> int:
        return int(self.rng.integers(of[0], of[1] + 1))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def section(self) -> int:
        return int(self.rng.integers(0, len(self.inflow)))

    def volume(self, most: int) -> float:
        if self.plain:
            return float(self.rng.integers(0, most + 1))
        return 0.0 if self.chance(0.05) else float(self.rng.uniform(0.0, most))

    def share(self) -> float:
        return float(self.rng.choice([0.5, 1.0]) if self.plain else self.rng.uniform(0.4, 1.0))

    def price(self) -> float:
        if self.plain:
            return float(self.rng.choice([0.25, 0.5, 1.0, 2.0]))
        return float(self.rng.uniform(0.1, 3.0))

    def room(self) -> int:
        """How many transfers may still be added."""
        used = len(self.canals) + len(self.outlets) + len(self.plants)
        return self.size.transfers[1] - used

    def network(self) -> Network:
        ranks = np.unique([claim.rank for claim in self.claims], return_inverse=True)[1]
        claims = [c._replace(rank=int(p)) for c, p in zip(self.claims, ranks, strict=True)]
        return build(
            self.parents,
            self.inflow,
            claims,
            self.canals,
            self.quotas,
            self.kept,
            self.outlets,
            self.plants,
        )


def sketch(rng: np.random.Generator, size: Size, plain: bool) -> Sketch:
    """Anything: takes, in-stream claims, sites behind canals, returns anywhere, quotas, outlets."""
    sections = int(rng.integers(size.sections[0], size.sections[1] + 1))
    # from a comb of many short branches to one long river
    reach = int(rng.integers(1, sections + 1))
    parents = [int(rng.integers(max(0, u - reach), u)) for u in range(1, sections)]
    lossy = not plain and rng.random() < 0.5
    kept = [float(rng.uniform(0.85, 1.0)) if lossy else 1.0 for _ in parents]
    s = Sketch(rng, size, plain, [0.0] * sections, parents, kept)
    s.inflow = [s.volume(6) for _ in range(sections)]
    ranks = s.between(size.ranks)
    returns = str(rng.choice(["none", "none", "below", "anywhere"]))
    for _ in range(s.between(size.claims)):
        s.claims.append(claim(s, int(rng.integers(0, ranks)), returns))
    for _ in range(s.between(size.transfers)):
        add_canal(s)
    if s.canals and s.chance(0.25):
        limit_outlets(s, 1 + s.between((0, 2)))
    if s.chance(0.3):
        add_quotas(s, 1 + len(s.claims) // 10)
    return s


def claim(s: Sketch, rank: int, returns: str) -> Claim:
    at = s.section()
    sort = str(s.rng.choice(["take", "take", "take", "share", "pass", "arrive", "site"]))
    back, to = 0.0, 0
    if returns != "none" and sort in ("take", "site") and s.chance(0.5):
        back = 0.5 if s.plain else float(s.rng.uniform(0.05, 0.6))
        to = s.section()
        if returns == "below":
            back = back if at and sort == "take" else 0.0
            to = s.parents[at - 1] if at else 0
    head = 1.0 / s.share() if sort == "take" and s.chance(0.2) else 1.0
    return Claim(at, s.volume(8), rank, back, to, sort, head)


def add_canal(s: Sketch) -> None:
    """Mostly to a site, else from section to section; some lose water to a section."""
    sites = [i for i, c in enumerate(s.claims) if c.sort == "site"]
    serves = int(s.rng.choice(sites)) if sites and s.chance(0.7) else -1
    lost_to = s.section() if s.chance(0.15) else -1
    s.canals.append(
        Canal(s.section(), s.section(), s.share(), s.volume(6), s.price(), serves, lost_to)
    )


def limit_outlets(s: Sketch, count: int) -> None:
    """Turn some sections into reservoirs behind a limited outlet; takes the place of canals."""
    cut = {outlet.at for outlet in s.outlets}
    for _ in range(count):
        at = s.section()
        if at in cut:
            continue
        if s.room() <= 0:
            if not s.canals:
                return
            s.canals.pop()
        cut.add(at)
        s.outlets.append(Outlet(at, s.volume(12)))


def add_quotas(s: Sketch, count: int) -> None:
    for _ in range(count):
        held = s.rng.choice(
            len(s.claims), size=min(len(s.claims), s.between((1, 4))), replace=False
        )
        s.quotas.append(({int(i): s.share() for i in held}, s.volume(10)))


# the families


def any_kind(s: Sketch) -> None:
    """What `sketch` draws."""


def one_priority(s: Sketch) -> None:
    s.claims = [c._replace(rank=0) for c in s.claims]


def dry(s: Sketch) -> None:
    s.inflow = [0.0] * len(s.inflow)
    s.quotas = [] if s.chance(0.5) else s.quotas


def dry_branches(s: Sketch) -> None:
    wet = s.section()
    s.inflow = [v if u == wet or s.chance(0.2) else 0.0 for u, v in enumerate(s.inflow)]


def equal_needs(s: Sketch) -> None:
    need = s.volume(8) or 1.0
    s.claims = [c._replace(need=need) for c in s.claims]
    s.inflow = [need if s.chance(0.5) else v for v in s.inflow]


def equal_capacities(s: Sketch) -> None:
    cap = s.volume(6) or 2.0
    s.canals = [c._replace(cap=cap) for c in s.canals]
    s.outlets = [o._replace(cap=cap) for o in s.outlets]
    s.quotas = [(weights, cap) for weights, _ in s.quotas]
    s.claims = [c._replace(need=cap if s.chance(0.3) else c.need) for c in s.claims]


def closed(s: Sketch) -> None:
    """Capacities of zero."""
    share = 1.0 if s.chance(0.3) else 0.6
    s.canals = [c._replace(cap=0.0) if s.chance(share) else c for c in s.canals]
    s.outlets = [o._replace(cap=0.0) if s.chance(share) else o for o in s.outlets]
    s.quotas = [(weights, 0.0 if s.chance(share) else v) for weights, v in s.quotas]


def nothing_asked(s: Sketch) -> None:
    share = 1.0 if s.chance(0.1) else 0.6
    s.claims = [c._replace(need=0.0) if s.chance(share) else c for c in s.claims]


def thirst(s: Sketch) -> None:
    """Needs of a billion times the supply: all, or some."""
    share = 1.0 if s.chance(0.3) else 0.3
    s.claims = [c._replace(need=1e9 * c.need) if s.chance(share) else c for c in s.claims]


def flood(s: Sketch) -> None:
    """A billion times more water than needed: in all sections, or in some."""
    share = 1.0 if s.chance(0.3) else 0.3
    s.inflow = [1e9 * v if s.chance(share) else v for v in s.inflow]


def twins(s: Sketch) -> None:
    """Claims and canals that are there twice, and some three times."""
    most = s.size.claims[1] - len(s.claims)
    for c in s.claims[:most]:
        if s.chance(0.6) and len(s.claims) < s.size.claims[1]:
            s.claims.append(c)
    for canal in list(s.canals):
        if s.chance(0.6) and s.room() > 0:
            s.canals.append(canal)


def loops(s: Sketch) -> None:
    """Canals that run side by side, and back."""
    for canal in list(s.canals):
        if s.room() <= 0:
            break
        there = canal._replace(share=s.share(), cap=s.volume(6), price=s.price())
        s.canals.append(
            there._replace(source=canal.target, target=canal.source, serves=-1)
            if s.chance(0.5)
            else there
        )


def equal_prices(s: Sketch) -> None:
    """Prices that differ by the tie-break alone."""
    s.canals = [c._replace(price=1.0) for c in s.canals]
    s.outlets = [o._replace(price=1.0) for o in s.outlets]


def reservoirs(s: Sketch) -> None:
    """Stores behind limited outlets, zones after all claims, some balanced with each other."""
    limit_outlets(s, s.between((1, 4)))
    stores = {outlet.at for outlet in s.outlets} | {s.section() for _ in range(2)}
    rank = max(c.rank for c in s.claims)
    balanced = s.chance(0.4)
    for at in sorted(stores, reverse=True):
        s.inflow[at] += s.volume(20)
        for zone in range(s.between((1, 2))):
            if len(s.claims) >= s.size.claims[1]:
                return
            last = rank + 1 if balanced else max(c.rank for c in s.claims) + 1
            last = min(last, s.size.ranks[1] - 1)
            s.claims.append(Claim(at, s.volume(15 if zone else 5), last))


def energy(s: Sketch) -> None:
    """Parties' energy requirements, each served by several plants of the river."""
    s.canals = s.canals[: s.size.transfers[1] // 2]
    for _ in range(s.between((1, 3))):
        if len(s.claims) == s.size.claims[1] or s.room() <= 0:
            return
        party = len(s.claims)
        s.claims.append(
            Claim(0, s.volume(20), s.claims[s.between((0, party - 1))].rank, sort="site")
        )
        for _ in range(min(s.room(), s.between((1, 4)))):
            yields = s.share() * float(s.rng.choice([1.0, 2.0]))
            s.plants.append(Plant(s.section(), yields, s.volume(8), party, s.price()))


def many_sources(s: Sketch) -> None:
    """Sites that several canals reach."""
    s.claims = [
        c._replace(sort="site", head=1.0) if i < 2 or s.chance(0.2) else c
        for i, c in enumerate(s.claims)
    ]
    sites = [i for i, c in enumerate(s.claims) if c.sort == "site"]
    s.canals = [c._replace(serves=int(s.rng.choice(sites))) for c in s.canals]
    while s.room() > 0 and s.chance(0.7):
        add_canal(s)


def returning(s: Sketch) -> None:
    """Later priorities whose return flow reaches earlier ones, and each other in circles."""
    s.claims = [
        c._replace(back=0.5 if s.plain else float(s.rng.uniform(0.05, 0.7)), to=s.section())
        if c.sort in ("take", "site") and s.chance(0.8)
        else c
        for c in s.claims
    ]


def second_rounds(s: Sketch) -> None:
    """Later priorities that return water to sections, dry themselves, where earlier ones ask."""
    ranks = s.between((2, max(2, s.size.ranks[1])))
    claims = []
    for c in s.claims:
        rank = int(s.rng.integers(0, ranks))
        c = c._replace(sort="take" if s.chance(0.5) else c.sort)
        earlier = [other.at for other in claims if other.rank < rank and other.sort == "take"]
        back, to = 0.0, 0
        if earlier and c.sort in ("take", "site"):
            back = 0.5 if s.plain else float(s.rng.uniform(0.2, 0.7))
            to = int(s.rng.choice(earlier))
        claims.append(c._replace(rank=rank, back=back, to=to, need=max(c.need, 2.0)))
    s.claims = claims
    reached = {c.to for c in claims if c.back > 0.0}
    s.inflow = [0.0 if u in reached and s.chance(0.8) else v for u, v in enumerate(s.inflow)]


def in_stream(s: Sketch) -> None:
    """Claims that overlap: the same water serves all that it passes."""
    kinds = ["pass", "pass", "arrive", "share"]
    s.claims = [
        c._replace(sort=str(s.rng.choice(kinds)), back=0.0, head=1.0) if s.chance(0.7) else c
        for c in s.claims
    ]


def quotas(s: Sketch) -> None:
    """Quotas over several claims, some over the same."""
    add_quotas(s, s.between((1, 6)))


FAMILIES: dict[str, Callable[[Sketch], None]] = {
    bend.__name__: bend
    for bend in (
        any_kind,
        one_priority,
        dry,
        dry_branches,
        equal_needs,
        equal_capacities,
        closed,
        nothing_asked,
        thirst,
        flood,
        twins,
        loops,
        equal_prices,
        reservoirs,
        energy,
        many_sources,
        returning,
        second_rounds,
        in_stream,
        quotas,
    )
}


def draw(family: str, seed: int, size: Size | None = None, plain: bool | None = None) -> Sketch:
    """What `generate` builds."""
    rng = np.random.default_rng([crc32(family.encode()), seed])
    mixed = (SMALL, MIDDLE, LARGE)[int(rng.choice(3, p=MIX))]
    tied = bool(rng.random() < 0.5)
    s = sketch(rng, size or mixed, tied if plain is None else plain)
    FAMILIES[family](s)
    return s


def generate(
    family: str, seed: int, size: Size | None = None, plain: bool | None = None
) -> Network:
    """The network of a family and a seed; of mixed size, half of them plain, unless told."""
    return draw(family, seed, size, plain).network()


def nearly_tied(network: Network, rng: np.random.Generator) -> Network:
    """The same with half of its coefficients off by one part in a hundred thousand or far less."""
    problem, off = network.problem, 10.0 ** rng.uniform(-13.0, -5.0)

    def blurred(matrix: Floats) -> Floats:
        some = rng.random(matrix.shape) < 0.5
        return np.ascontiguousarray(matrix * (1.0 + off * some * rng.uniform(-1, 1, matrix.shape)))

    return network._replace(problem=problem._replace(A=blurred(problem.A), T=blurred(problem.T)))
