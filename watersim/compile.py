"""Scenario → Compiled: the arrays that the engine advances. Rows, columns, records; pure.

A claim's column holds what one m3 of it takes from every section below: the gain of the reaches
between, less what returns. Below a reservoir with a limited outlet the river is cut, and the outlet
is a transfer (DESIGN §3.1). One set of coefficients for every step length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim import registry
from watersim.allocation.problem import Problem, needs_rounds
from watersim.described import DEAD_STORAGE, Claim, Kind, Node
from watersim.network import Network
from watersim.scenario import Scenario
from watersim.step import (
    CLAIM,
    CONSUMPTIVE,
    INSTREAM_ARRIVING,
    INSTREAM_LEAVING,
    RETENTION,
    SECTION,
    TRANSFER,
    WAY_OUT,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
OUTLET_PRICE = 1e-3  # a river is preferred to any canal
TIE_BREAK = 1e-7  # between equal preferences, by name


class ClaimRow(NamedTuple):
    """A claim and the node that makes it."""

    node: str
    claim: Claim

    @property
    def name(self) -> str:
        """The node's name, or ``node.claim`` where it is not the node's main claim."""
        return f"{self.node}.{self.claim.key}" if self.claim.key else self.node


class Transfer(NamedTuple):
    """A canal that is a choice, or the limited outlet of a reservoir (``canal`` is None)."""

    name: str
    canal: str | None


@dataclass(frozen=True)
class Members:
    """The members of one kind as arrays: n members, m parts, t steps."""

    kind: type[Kind]
    names: tuple[str, ...]
    p: NDArray[Any]  # (n)
    u: NDArray[Any]  # (t, n)
    q: NDArray[Any]  # (m)
    w: NDArray[Any]  # (t, m)
    x: NDArray[Any]  # (n) initial state


@dataclass(frozen=True)
class Compiled:
    """A scenario as arrays. Everything is in river order, then by name: file order cannot matter."""

    scenario: Scenario
    claims: tuple[ClaimRow, ...]
    rows: tuple[tuple[str, str], ...]  # what each row is (section, claim, canal, site) and its name
    transfers: tuple[Transfer, ...]
    outlets: tuple[tuple[str, str], ...]
    sections: NDArray[Any]  # SECTION, CLAIM, TRANSFER, WAY_OUT of watersim.step
    claim_records: NDArray[Any]
    transfer_records: NDArray[Any]
    outlet_records: NDArray[Any]
    gain: Floats  # (coefficient sets, sections) share of an outflow that arrives within the step
    A: Floats  # (coefficient sets, rows, claims)
    T: Floats  # (coefficient sets, rows, transfers)
    price: Floats
    rank: Integers
    rounds: int
    sets: Integers  # (time) coefficient set of each step
    seconds: Floats  # (time)
    members: tuple[Members, ...]
    curves: Floats  # (3, points) x, level, area of all curves, one after the other

    def problem(self, coefficient_set: int) -> Problem:
        """One coefficient set as the allocation sees it."""
        c = coefficient_set
        return Problem(self.A[c], self.T[c], self.price, self.rank, self.rounds)


def compile(scenario: Scenario) -> Compiled:  # noqa: A001  the project's word for this arrow
    """Lay a scenario out in arrays."""
    return _Compiler(scenario).result()


class _Compiler:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.network: Network = scenario.network
        self.position = {name: k for k, name in enumerate(self.network.sections)}
        self.canals_to: dict[str, list[str]] = {}
        for name, canal in self.network.canals.items():
            self.canals_to.setdefault(canal.target, []).append(name)
        self.claims = self._claims()
        self.transfers = self._transfers()
        self.rows = self._rows()
        self.row_of = {row: k for k, row in enumerate(self.rows)}
        self.claim_of = {(c.node, c.claim.key): k for k, c in enumerate(self.claims)}
        self.outlets = tuple(
            (name, outlet.target)
            for name in self.network.sections
            for outlet in scenario.nodes[name].surplus_outlets()
        )
        self.curve_at: dict[tuple[str, str], tuple[int, int]] = {}

    # what there is

    def section_of(self, name: str) -> str:
        """The river node where a node's claims are made."""
        node = self.scenario.nodes[name]
        if node.place == "river":
            return name
        at = getattr(node, "at", None)
        return str(at) if at else self.network.canals[self.canals_to[name][0]].source

    def _claims(self) -> tuple[ClaimRow, ...]:
        rows = [
            (self.position[self.section_of(name)], name, k, ClaimRow(name, claim))
            for name, node in self.scenario.nodes.items()
            for k, claim in enumerate(node.claims())
        ]
        return tuple(row for *_, row in sorted(rows, key=lambda row: row[:3]))

    def is_choice(self, canal: str) -> bool:
        """Whether a canal is a transfer: one of several to a site, or one that ends in a river."""
        target = self.network.canals[canal].target
        return target in self.position or len(self.canals_to[target]) > 1

    def _transfers(self) -> tuple[Transfer, ...]:
        outlets = [
            Transfer(f"{name}.outlet", None)
            for name in self.network.sections
            if self.scenario.nodes[name].has_outlet_limit()
        ]
        canals = [Transfer(name, name) for name in self.network.canals if self.is_choice(name)]
        return (*outlets, *canals)

    def _rows(self) -> tuple[tuple[str, str], ...]:
        drawn = {
            self.section_of(row.node)
            for row in self.claims
            if row.claim.sort in (CONSUMPTIVE, RETENTION)
        }
        drawn |= {canal.source for canal in self.network.canals.values()}
        drawn |= {t.name.removesuffix(".outlet") for t in self.transfers if t.canal is None}
        drawn |= {n for n in self.position if self.scenario.nodes[n].state_record().names != ("_",)}
        rows = [("section", name) for name in self.network.sections if name in drawn]
        rows += [
            ("claim", row.name)
            for row in self.claims
            if row.claim.sort in (INSTREAM_LEAVING, INSTREAM_ARRIVING)
        ]
        for name, canal in self.network.canals.items():
            if not self.is_choice(name) and canal.capacity is not None:
                rows.append(("canal", name))
        rows += [("site", name) for name, to in sorted(self.canals_to.items())
                 if name not in self.position and len(to) > 1]  # fmt: skip
        return tuple(rows)

    # coefficients

    def gains(self, dt: float) -> Floats:
        """Share of each section's outflow that reaches the next one within the step."""
        gain = np.zeros(len(self.position))
        for name, reach in self.network.reaches.items():
            gain[self.position[name.split(" > ")[0]]] = reach.gain(dt)
        return gain

    def coefficients(self, gain: Floats) -> tuple[Floats, Floats]:
        """The matrices A and T for one vector of gains."""
        reach = self._reach(gain)
        A = np.zeros((len(self.rows), len(self.claims)))
        T = np.zeros((len(self.rows), len(self.transfers)))
        for i, row in enumerate(self.claims):
            self._claim_column(A[:, i], reach, row)
        for j, transfer in enumerate(self.transfers):
            self._transfer_column(T[:, j], reach, gain, transfer)
        return A, T

    def _reach(self, gain: Floats) -> Floats:
        """Share of the water at u that can be found at v below, 0 beyond a limited outlet."""
        size = len(self.position)
        reach = np.zeros((size, size))
        for u, name in enumerate(self.network.sections):
            share, v, at = 1.0, u, name
            while True:
                reach[u, v] = share
                if at not in self.network.down or self.scenario.nodes[at].has_outlet_limit():
                    break
                share *= gain[v]
                at = self.network.down[at]
                v = self.position[at]
        return reach

    def _take(self, column: Floats, reach: Floats, name: str, amount: float) -> None:
        """Take from a section and all below it; a negative amount comes in there."""
        u = self.position[name]
        for k, (what, of) in enumerate(self.rows):
            if what == "section":
                column[k] += amount * reach[u, self.position[of]]
            elif what == "claim":
                row = self.claims[[c.name for c in self.claims].index(of)]
                at = self.section_of(row.node)
                v = self.position[at]
                if row.claim.sort == INSTREAM_LEAVING:
                    if not self.scenario.nodes[at].has_outlet_limit():
                        column[k] += amount * reach[u, v]
                elif v != u or amount < 0.0:
                    column[k] += amount * reach[u, v]

    def _claim_column(self, column: Floats, reach: Floats, row: ClaimRow) -> None:
        node = self.scenario.nodes[row.node]
        if row.claim.sort in (INSTREAM_LEAVING, INSTREAM_ARRIVING):
            column[self.row_of["claim", row.name]] = 1.0
            return
        behind = self.canals_to.get(row.node, [])
        if row.claim.sort == RETENTION or not behind:
            self._take(column, reach, self.section_of(row.node), 1.0)
        elif len(behind) == 1:
            self._canal(column, reach, behind[0], 1.0)
        else:
            column[self.row_of["site", row.node]] = 1.0
        back = node.return_flow_to() if row.claim.sort == CONSUMPTIVE else None
        if back is not None and back[0] > 0.0:
            self._take(column, reach, back[1], -back[0])

    def _canal(self, column: Floats, reach: Floats, name: str, delivered: float) -> None:
        """What a canal takes at its head to deliver an amount, and what its loss gives back."""
        canal = self.network.canals[name]
        head = delivered / (1.0 - canal.share_lost())
        self._take(column, reach, canal.source, head)
        if canal.loss is not None and canal.loss.to in self.position and head > delivered:
            self._take(column, reach, str(canal.loss.to), delivered - head)
        if ("canal", name) in self.row_of:
            column[self.row_of["canal", name]] = head

    def _transfer_column(
        self, column: Floats, reach: Floats, gain: Floats, transfer: Transfer
    ) -> None:
        if transfer.canal is None:
            name = transfer.name.removesuffix(".outlet")
            column[self.row_of["section", name]] += 1.0
            if name in self.network.down:
                self._take(column, reach, self.network.down[name], -gain[self.position[name]])
            for k, (what, of) in enumerate(self.rows):
                leaving = what == "claim" and self.claims[[c.name for c in self.claims].index(of)]
                if (
                    leaving
                    and leaving.claim.sort == INSTREAM_LEAVING
                    and (self.section_of(leaving.node) == name)
                ):
                    column[k] -= 1.0
            return
        canal = self.network.canals[transfer.canal]
        arriving = 1.0 - canal.share_lost()
        self._canal(column, reach, transfer.canal, arriving)
        if canal.target in self.position:
            self._take(column, reach, canal.target, -arriving)
        else:
            column[self.row_of["site", canal.target]] -= arriving

    def prices(self) -> Floats:
        """Preference weights, all different: ties go by name."""
        by_name = sorted(range(len(self.transfers)), key=lambda j: self.transfers[j].name)
        price = np.zeros(len(self.transfers))
        for place, j in enumerate(by_name):
            canal = self.transfers[j].canal
            weight = OUTLET_PRICE if canal is None else self.network.canals[canal].preference
            price[j] = weight * (1.0 + TIE_BREAK * place)
        return price

    def ranks(self) -> Integers:
        """Order of service: by priority; zones one after the other, upstream first, or by group."""
        keys: list[tuple[float, int, float, int, str]] = []
        first: dict[str, int] = {}
        for row in self.claims:
            if row.claim.group is not None:
                place = self.position[row.node]
                first[row.claim.group] = min(place, first.get(row.claim.group, place))
        for row in self.claims:
            claim = row.claim
            priority = np.inf if claim.priority is None else float(claim.priority)
            if claim.sort != RETENTION:
                keys.append((priority, 0, 0.0, 0, ""))
                continue
            zone = [c.key for c in self.scenario.nodes[row.node].claims()
                    if c.sort == RETENTION].index(claim.key)  # fmt: skip
            place = self.position[row.node] if claim.group is None else first[claim.group]
            keys.append((priority, 1, place, zone, claim.group or ""))
        order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
        return np.array([order[key] for key in keys], np.int64)

    # layout

    def sections(self) -> NDArray[Any]:
        """The fixed part of `watersim.step.SECTION`."""
        at = np.zeros(len(self.position), SECTION)
        outlet_of = {t.name.removesuffix(".outlet"): j for j, t in enumerate(self.transfers)
                     if t.canal is None}  # fmt: skip
        for v, name in enumerate(self.position):
            at["down"][v] = self.position.get(self.network.down.get(name, ""), -1)
            at["limited"][v] = outlet_of.get(name, -1)
            at["dead_claim"][v] = self.claim_of.get((name, DEAD_STORAGE), -1)
            at["row"][v] = self.row_of.get(("section", name), -1)
        return at

    def claim_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.step.CLAIM`."""
        claims = np.zeros(len(self.claims), CLAIM)
        for i, row in enumerate(self.claims):
            behind = self.canals_to.get(row.node, [])
            canal = self.network.canals[behind[0]] if len(behind) == 1 else None
            back = self.scenario.nodes[row.node].return_flow_to() or (0.0, "")
            own = claims[i]
            own["section"] = self.position[self.section_of(row.node)]
            own["nature"] = row.claim.sort
            own["row"] = self.row_of.get(("claim", row.name), -1)
            own["many"] = len(behind) > 1
            own["loss"] = canal.share_lost() if canal else 0.0
            own["loss_to"] = self._place_of(canal.loss.to if canal and canal.loss else None)
            own["back"] = back[0]
            own["back_to"] = self._place_of(back[1])
        return claims

    def transfer_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.step.TRANSFER`."""
        transfers = np.zeros(len(self.transfers), TRANSFER)
        for j, transfer in enumerate(self.transfers):
            own = transfers[j]
            canal = self.network.canals[transfer.canal] if transfer.canal else None
            source = canal.source if canal else transfer.name.removesuffix(".outlet")
            own["source"] = self.position[source]
            own["target"] = self._place_of(canal.target if canal else None)
            own["claim"] = self.claim_of.get((canal.target, ""), -1) if canal else -1
            own["outlet"] = canal is None
            own["loss"] = canal.share_lost() if canal else 0.0
            own["loss_to"] = self._place_of(canal.loss.to if canal and canal.loss else None)
        return transfers

    def outlet_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.step.WAY_OUT`."""
        outlets = np.zeros(len(self.outlets), WAY_OUT)
        for o, (source, target) in enumerate(self.outlets):
            outlets[o]["source"] = self.position[source]
            outlets[o]["target"] = self.position[target]
        return outlets

    def _place_of(self, name: str | None) -> int:
        """The section of a river node, −1 for whatever is none."""
        return self.position.get(name or "", -1)

    # records

    def curves(self) -> Floats:
        parts = [np.zeros((3, 0))]
        start = 0
        for name, member in self.scenario.members():
            own = {key: dict(table) for (of, key), table in self.scenario.tables.items()
                   if of == name}  # fmt: skip
            for key, curve in member.curves(own).items():
                self.curve_at[name, key] = (start, curve[0].size)
                start += curve[0].size
                parts.append(np.stack(curve))
        return np.concatenate(parts, axis=1)

    def all_members(self) -> tuple[Members, ...]:
        kinds = [*registry.kinds("nodes").values(), *registry.kinds("links").values()]
        kinds.sort(key=lambda kind: (kind.order, kind.name()))
        return tuple(self._members(kind) for kind in kinds)

    def _members(self, kind: type[Kind]) -> Members:
        own = [(name, member) for name, member in self.scenario.members() if type(member) is kind]
        steps = self.scenario.timeline.n
        p: list[Any] = []
        q: list[Any] = []
        for name, member in own:
            place = _Place(self, name, member, len(q))
            p.append(member.parameters(place))
            q += member.parts(place)
        parts = [(name, part) for name, member in own for part in range(len(member.part_forcing()))]
        return Members(
            kind=kind,
            names=tuple(name for name, _ in own),
            p=_records(kind.parameter_record, p),
            u=self._forcing(kind.forcing_record, [(name, -1) for name, _ in own], steps),
            q=_records(kind.part_record, q),
            w=self._forcing(kind.part_forcing_record, parts, steps),
            x=_records(kind.state_record(), [member.initial() for _, member in own]),
        )

    def _forcing(
        self, record: np.dtype[np.void], members: list[tuple[str, int]], steps: int
    ) -> NDArray[Any]:
        values = np.zeros((steps, len(members)), record)
        for k, (name, part) in enumerate(members):
            for key in record.names or ():
                if key != "_":
                    values[key][:, k] = self.scenario.forcing[name, part, key]
        return values

    def result(self) -> Compiled:
        seconds = self.scenario.timeline.seconds
        lengths, sets = np.unique(seconds, return_inverse=True)
        gains = [self.gains(float(dt)) for dt in lengths]
        unique, which = np.unique(np.array(gains), axis=0, return_inverse=True)
        matrices = [self.coefficients(gain) for gain in unique]
        A = np.array([A for A, _ in matrices])
        T = np.array([T for _, T in matrices])
        curves = self.curves()
        rank = self.ranks()
        return Compiled(
            scenario=self.scenario,
            claims=self.claims,
            rows=self.rows,
            transfers=self.transfers,
            outlets=self.outlets,
            sections=self.sections(),
            claim_records=self.claim_records(),
            transfer_records=self.transfer_records(),
            outlet_records=self.outlet_records(),
            gain=unique,
            A=A,
            T=T,
            price=self.prices(),
            rank=rank,
            rounds=int(any(needs_rounds(a, rank, t) for a, t in zip(A, T, strict=True))),
            sets=_integers(which.ravel()[sets.ravel()]),
            seconds=seconds,
            members=self.all_members(),
            curves=curves,
        )


class _Place:
    """The indices of one member, see `watersim.described.Place`."""

    def __init__(self, compiler: _Compiler, name: str, member: Kind, part: int) -> None:
        self._compiler = compiler
        self._name = name
        self._member = member
        self._part = part

    def section(self, name: str) -> int:
        if name in ("from", "to") and not isinstance(self._member, Node):
            name = self._name.split(" > ")[0 if name == "from" else 1]
        return self._compiler.position[name or self._name]

    def claim(self, key: str) -> int:
        name = getattr(self._member, "target", self._name)
        return self._compiler.claim_of.get((name, key), -1)

    def transfer(self, key: str) -> int:
        names = [transfer.canal for transfer in self._compiler.transfers]
        return names.index(self._name) if self._name in names else -1

    def row(self, key: str) -> int:
        return self._compiler.row_of.get(("canal", self._name), -1)

    def outlet(self) -> int:
        sources = [source for source, _ in self._compiler.outlets]
        return sources.index(self._name) if self._name in sources else -1

    def part(self) -> int:
        return self._part

    def curve(self, key: str) -> tuple[int, int]:
        return self._compiler.curve_at[self._name, key]


def _integers(values: Any) -> Integers:
    return np.asarray(values, np.int64).reshape(-1)


def _records(record: np.dtype[np.void], rows: Sequence[Any]) -> NDArray[Any]:
    values = np.zeros(len(rows), record)
    for k, row in enumerate(rows):
        for key, value in row.items():
            values[key][k] = value
    return values
