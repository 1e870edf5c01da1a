"""Scenario → Layout: claims, rows and transfers of the allocation, in river order; pure.

Everything is ordered by river position, then by name: the order in a file cannot matter.
"""

from __future__ import annotations

from typing import NamedTuple

from watersim.arrays import (
    CANAL,
    CONSUMPTIVE,
    ENERGY,
    INSTREAM_ARRIVING,
    INSTREAM_LEAVING,
    OUTLET,
    RETENTION,
    TURBINE,
)
from watersim.described import ORDERED, Cap, Claim
from watersim.foresight import heads, stem
from watersim.network import Network
from watersim.scenario import Scenario


class ClaimRow(NamedTuple):
    """A claim, and the node that makes it or where a clause or policy has it measured."""

    node: str
    claim: Claim
    clause: str = ""

    @property
    def maker(self) -> str:
        """Who makes it: the clause or policy, else the node."""
        return self.clause or self.node

    @property
    def name(self) -> str:
        """The maker's name, or ``maker.claim`` where it is not its main claim."""
        return f"{self.maker}.{self.claim.key}" if self.claim.key else self.maker


class Transfer(NamedTuple):
    """A canal that is a choice, the limited outlet of a reservoir, or a plant that serves a grid."""

    name: str
    sort: int  # CANAL, OUTLET or TURBINE
    of: str  # the canal, reservoir or plant
    claim: str = ""  # the grid that a plant serves


class CapRow(NamedTuple):
    """A cap on what sites take, and the clause that sets it."""

    clause: str
    cap: Cap

    @property
    def name(self) -> str:
        """The clause's name, or ``clause.party`` where each party has a cap of its own."""
        return f"{self.clause}.{self.cap.key}" if self.cap.key else self.clause


class Layout:
    """What there is to allocate.

    Attributes
    ----------
    position
        place of each river node in river order
    claims, transfers
        as in `watersim.compile.Compiled`
    rows, row_of
        what each row is (section, claim, canal, site, delivery, turbines, grid, quota) and its
        name; and where each stands. Of a delivery a site takes no less than canals bring, so that
        no canal runs only for what it leaks
    plants
        the plants in river order
    pumps
        the canals that are pumped
    trades
        grid, clause and party of each exchange of energy, those of a grid side by side
    operated
        the reservoirs whose release a policy limits
    owned, caps
        the sites of each party, and the caps that agreements set
    cuts, cut_of
        the nodes above long reaches, in river order, and the place of each
    outlets
        reservoir and target of each surplus outlet, in the order of use
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.network: Network = scenario.network
        self.operated = {own.at for own in scenario.policies.values() if own.limits_release}
        self.position = {name: k for k, name in enumerate(self.network.sections)}
        self.canals_to: dict[str, list[str]] = {}
        for name, canal in self.network.canals.items():
            self.canals_to.setdefault(canal.target, []).append(name)
        places = sorted((self.position[self.section_of(name)], name)
                        for name, node in scenario.nodes.items() if node.place == "plant")  # fmt: skip
        self.plants = tuple(name for _, name in places)
        self.pumps = tuple(n for n, c in self.network.canals.items() if c.lift is not None)
        self.trades = tuple(sorted(
            (grid, name, party) for name, clause in scenario.agreements.items()
            if (grid := clause.trades_with()) is not None for party in clause.entries()
        ))  # fmt: skip
        owned: dict[str, tuple[str, ...]] = {}
        for name, node in sorted(scenario.nodes.items()):
            if node.place == "site" and node.party is not None:
                owned[node.party] = (*owned.get(node.party, ()), name)
        self.owned = owned
        self.caps = tuple(
            CapRow(name, cap) for name, clause in scenario.agreements.items()
            for cap in clause.caps(owned)
        )  # fmt: skip
        self.cuts = tuple(heads(self.network))
        self.cut_of = {name: k for k, name in enumerate(self.cuts)}
        self.claims = self._claims()
        self.transfers = self._transfers()
        self.rows = self._rows()
        self.row_of = {row: k for k, row in enumerate(self.rows)}
        self.claim_of = {(c.maker, c.claim.key): k for k, c in enumerate(self.claims)}
        self.outlets = tuple(
            (name, outlet.target)
            for name in self.network.sections
            for outlet in scenario.nodes[name].surplus_outlets()
        )

    def is_limited(self, name: str) -> bool:
        """Whether the river below a section receives only what an outlet or a policy lets pass."""
        return name in self.operated or self.scenario.nodes[name].has_outlet_limit()

    def section_of(self, name: str) -> str:
        """The river node where a node's claims are made."""
        node = self.scenario.nodes[name]
        if node.place == "river":
            return name
        if node.place == "grid":
            return min(map(self.section_of, node.served_by()), key=self.position.__getitem__)
        at = getattr(node, "at", None)
        return str(at) if at else self.network.canals[self.canals_to[name][0]].source

    def _claims(self) -> tuple[ClaimRow, ...]:
        rows = [
            (self.position[self.section_of(name)], name, k, ClaimRow(name, claim))
            for name, node in self.scenario.nodes.items()
            for k, claim in enumerate(node.claims())
        ] + [
            (self.position[claim.at], name, k, ClaimRow(claim.at, claim, name))
            for name, clause in (*self.scenario.agreements.items(), *self.scenario.policies.items())
            for k, claim in enumerate(clause.claims())
        ]
        known = [row for *_, row in rows]
        for head in self.cuts:
            ordered = self._orders(head, known)
            rows += [(self.position[head], head, len(known) + k, row)
                     for k, row in enumerate(ordered)]  # fmt: skip
        return tuple(row for *_, row in sorted(rows, key=lambda row: row[:3]))

    def _orders(self, head: str, known: list[ClaimRow]) -> list[ClaimRow]:
        """One claim above a long reach for each priority of the claims below it."""
        below = {name for name, _ in stem(self.network, head)}
        asking = (CONSUMPTIVE, INSTREAM_LEAVING, INSTREAM_ARRIVING)
        priorities = {
            row.claim.priority for row in known
            if row.claim.sort in asking and self.section_of(row.node) in below
        }  # fmt: skip
        return [
            ClaimRow(head, Claim(f"orders_{priority}", INSTREAM_LEAVING, priority, ORDERED))
            for priority in sorted(p for p in priorities if p is not None)
        ]

    def passes_on(self, name: str) -> bool:
        """Whether claims below a section count on the water that is there."""
        return not self.is_limited(name) and name not in self.cut_of

    def is_choice(self, canal: str) -> bool:
        """Whether a canal is a transfer: one of several to a site, or one that ends in a river."""
        target = self.network.canals[canal].target
        return target in self.position or len(self.canals_to[target]) > 1

    def leaks(self, canal: str) -> bool:
        """Whether a part of what a canal loses comes back to a river."""
        own = self.network.canals[canal]
        return own.share_lost() * own.share_back() > 0.0

    def _transfers(self) -> tuple[Transfer, ...]:
        nodes = self.scenario.nodes
        outlets = [
            Transfer(f"{name}.outlet", OUTLET, name)
            for name in self.network.sections
            if self.is_limited(name)
        ]
        canals = [
            Transfer(name, CANAL, name) for name in self.network.canals if self.is_choice(name)
        ]
        turbines = [
            Transfer(f"{row.node}.{plant}", TURBINE, plant, row.node)
            for row in self.claims
            for plant in self.plants
            if plant in nodes[row.node].served_by()
        ]
        return (*outlets, *canals, *turbines)

    def source_of(self, transfer: Transfer) -> str:
        """The river node whose water a transfer takes, or that passes its turbines."""
        if transfer.sort == CANAL:
            return self.network.canals[transfer.of].source
        return transfer.of if transfer.sort == OUTLET else self.section_of(transfer.of)

    def _rows(self) -> tuple[tuple[str, str], ...]:
        drawn = {
            self.section_of(row.node)
            for row in self.claims
            if row.claim.sort in (CONSUMPTIVE, RETENTION)
        }
        drawn |= {canal.source for canal in self.network.canals.values()}
        drawn |= {t.of for t in self.transfers if t.sort == OUTLET}
        drawn |= {n for n in self.position if self.scenario.nodes[n].state_record().names != ("_",)}
        # what few claims draw on before what many do: see `watersim.river`
        rows = [
            ("canal", name)
            for name, canal in self.network.canals.items()
            if not self.is_choice(name) and canal.capacity is not None
        ]
        turning = {self.section_of(t.of) for t in self.transfers if t.sort == TURBINE}
        for name in self.network.sections:
            rows += self._instream(name, INSTREAM_ARRIVING)
            rows += [("section", name)] if name in drawn else []
            rows += self._instream(name, INSTREAM_LEAVING)
            rows += [("turbines", name)] if name in turning else []
        rows += [("grid", row.node) for row in self.claims if row.claim.sort == ENERGY]
        rows += [("site", name) for name, to in sorted(self.canals_to.items())
                 if name not in self.position and len(to) > 1]  # fmt: skip
        rows += [("delivery", name) for name, to in sorted(self.canals_to.items())
                 if ("site", name) in rows and any(map(self.leaks, to))]  # fmt: skip
        rows += [(type(self.scenario.agreements[cap.clause]).name(), cap.name)
                 for cap in self.caps]  # fmt: skip
        return tuple(rows)

    def _instream(self, name: str, sort: int) -> list[tuple[str, str]]:
        """The rows of the in-stream claims measured at a section."""
        return [
            ("claim", row.name)
            for row in self.claims
            if row.claim.sort == sort and self.section_of(row.node) == name
        ]
