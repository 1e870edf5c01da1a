"""Scenario → Compiled: the arrays that the engine advances; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watersim import registry
from watersim.allocation.problem import Problem
from watersim.allot import Matrices
from watersim.arrays import (
    CANAL,
    CLAIM,
    CONSUMPTIVE,
    CUT,
    OUTLET,
    PLANT,
    SECTION,
    TRANSFER,
    WAY_OUT,
)
from watersim.curves import guides
from watersim.described import DEAD_STORAGE, Kind, Node
from watersim.layout import ClaimRow, Layout, Transfer
from watersim.matrices import kept, matrices
from watersim.orders import Later, Orders, Weights, later, orders
from watersim.records import record
from watersim.scenario import Scenario

FAR = 4000  # steps; no water is under way for longer
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
    parts: tuple[str, ...]  # names of the parts, where they report for themselves
    v: NDArray[Any]  # (m) their initial state


@dataclass(frozen=True)
class Compiled:
    """A scenario as arrays. Everything is in river order, then by name: file order cannot matter."""

    scenario: Scenario
    claims: tuple[ClaimRow, ...]
    rows: tuple[tuple[str, str], ...]  # what each row is (section, claim, canal…), and its name
    transfers: tuple[Transfer, ...]
    outlets: tuple[tuple[str, str], ...]
    pumps: tuple[str, ...]
    trades: tuple[tuple[str, str, str], ...]
    sections: NDArray[Any]  # SECTION, CLAIM, TRANSFER, WAY_OUT, PLANT of watersim.arrays
    claim_records: NDArray[Any]
    transfer_records: NDArray[Any]
    outlet_records: NDArray[Any]
    plant_records: NDArray[Any]
    cut_records: NDArray[Any]
    orders: Orders
    weights: Weights
    matrices: Matrices
    sets: Integers  # (time) set of coefficients of each step
    rounds: int  # 1 if return flows of a later rank may serve an earlier one
    passes: int  # 2 where areas or heads at the mean storage of a step change what flows
    seconds: Floats  # (time)
    members: tuple[Members, ...]
    curves: Floats  # (3, points) x, level, area of all curves, one after the other
    guides: Integers  # (curves, parts) where in its curve an even share of x is found

    def problem(self, coefficient_set: int) -> Problem:
        """One coefficient set as the allocation sees it."""
        c, m = coefficient_set, self.matrices
        return Problem(m.A[c], m.T[c], m.price, m.rank, self.rounds)

    def problem_of_shut(self) -> Problem:
        """A problem with every entry that can arise where reservoirs are shut, all of them −1."""
        m = self.matrices
        A: NDArray[np.bool_] = np.any(m.A != 0.0, axis=0)
        for v in np.flatnonzero(self.sections["dead_claim"] >= 0):
            rows = np.any(m.below[:, v] != 0.0, axis=0)
            A |= rows[:, np.newaxis] & A[self.sections["row"][v]]
        return Problem(np.where(A, -1.0, 0.0), m.T[0], m.price, m.rank, 1)

    def later(self, forcing: tuple[NDArray[Any], ...], lane_of: Integers) -> Later:
        """How the needs behind long reaches change, from the forcing that is in use.

        Parameters
        ----------
        forcing
            per kind the forcing records, dims (1 or realizations, time, n)
        lane_of
            the realization of every lane
        """
        known: dict[tuple[str, str], tuple[Floats, bool]] = {}
        for row in self.weights.claim:
            for members, given in zip(self.members, forcing, strict=True):
                names = [name.split(".")[0] for name in members.names]
                if row and row.maker in names and row.claim.ahead in (given.dtype.names or ()):
                    key, k = row.claim.ahead, names.index(row.maker)
                    values = given[key][:, :, k]
                    known[row.maker, key] = values, bool(np.all(values == members.u[key][:, k]))
        steps = self.scenario.timeline.n
        return later(self.weights, self.scenario.beyond, known, lane_of, steps)


def compile(scenario: Scenario) -> Compiled:  # noqa: A001  the project's word for this arrow
    """Lay a scenario out in arrays."""
    return _Compiler(scenario).result()


class _Compiler:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.layout = Layout(scenario)
        self.curve_at: dict[tuple[str, str], tuple[int, int, int]] = {}

    def sections(self) -> NDArray[Any]:
        """The fixed part of `watersim.arrays.SECTION`."""
        at = np.zeros(len(self.layout.position), record(*SECTION))
        outlet_of = {t.of: j for j, t in enumerate(self.layout.transfers) if t.sort == OUTLET}
        for v, name in enumerate(self.layout.position):
            at["down"][v] = self.layout.position.get(self.layout.network.down.get(name, ""), -1)
            at["limited"][v] = outlet_of.get(name, -1)
            at["dead_claim"][v] = self.layout.claim_of.get((name, DEAD_STORAGE), -1)
            at["row"][v] = self.layout.row_of.get(("section", name), -1)
            at["store"][v] = self.scenario.nodes[name].state_record().names != ("_",)
            at["way"][v] = next(
                (o for o, (a, _) in enumerate(self.layout.outlets) if a == name), -1
            )
            at["cut"][v] = self.layout.cut_of.get(name, -1)
        return at

    def claim_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.arrays.CLAIM`."""
        claims = np.zeros(len(self.layout.claims), record(*CLAIM))
        for i, row in enumerate(self.layout.claims):
            to_site = row.claim.sort == CONSUMPTIVE  # what is kept or passes is no canal's delivery
            behind = self.layout.canals_to.get(row.node, []) if to_site else []
            canal = self.layout.network.canals[behind[0]] if len(behind) == 1 else None
            back = self.scenario.nodes[row.node].return_flow_to() or (0.0, "")
            own = claims[i]
            own["section"] = self.layout.position[self.layout.section_of(row.node)]
            own["nature"] = row.claim.sort
            own["row"] = self.layout.row_of.get(("claim", row.name), -1)
            own["many"] = len(behind) > 1
            own["loss"] = canal.share_lost() if canal else 0.0
            own["loss_to"] = self._place_of(canal.returns_to() if canal else None)
            own["loss_back"] = canal.share_back() if canal else 0.0
            own["back"] = back[0]
            own["back_to"] = self._place_of(back[1])
        return claims

    def transfer_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.arrays.TRANSFER`."""
        transfers = np.zeros(len(self.layout.transfers), record(*TRANSFER))
        for j, transfer in enumerate(self.layout.transfers):
            own = transfers[j]
            canals = self.layout.network.canals
            canal = canals[transfer.of] if transfer.sort == CANAL else None
            own["source"] = self.layout.position[self.layout.source_of(transfer)]
            own["target"] = self._place_of(canal.target if canal else None)
            own["claim"] = self.layout.claim_of.get((canal.target, ""), -1) if canal else -1
            own["nature"] = transfer.sort
            own["row"] = self.layout.row_of.get(("grid", transfer.claim), -1)
            own["loss"] = canal.share_lost() if canal else 0.0
            own["loss_to"] = self._place_of(canal.returns_to() if canal else None)
            own["loss_back"] = canal.share_back() if canal else 0.0
        return transfers

    def plant_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.arrays.PLANT`."""
        plants = np.zeros(len(self.layout.plants), record(*PLANT))
        for k, name in enumerate(self.layout.plants):
            section = self.layout.section_of(name)
            plants[k]["section"] = self.layout.position[section]
            plants[k]["row"] = self.layout.row_of.get(("turbines", section), -1)
        return plants

    def outlet_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.arrays.WAY_OUT`."""
        outlets = np.zeros(len(self.layout.outlets), record(*WAY_OUT))
        for o, (source, target) in enumerate(self.layout.outlets):
            outlets[o]["source"] = self.layout.position[source]
            outlets[o]["target"] = self.layout.position[target]
        return outlets

    def cut_records(self) -> NDArray[Any]:
        """The fixed part of `watersim.arrays.CUT`."""
        cuts = np.zeros(len(self.layout.cuts), record(*CUT))
        for k, head in enumerate(self.layout.cuts):
            cuts[k]["head"] = self.layout.position[head]
            cuts[k]["lower"] = self.layout.position[self.layout.network.down[head]]
        return cuts

    def _place_of(self, name: str | None) -> int:
        """The section of a river node, −1 for whatever is none."""
        return self.layout.position.get(name or "", -1)

    # records

    def curves(self) -> Floats:
        parts = [np.zeros((3, 0))]
        start = 0
        for name, member in self.scenario.members():
            own = {key: dict(table) for (of, key), table in self.scenario.tables.items()
                   if of == name}  # fmt: skip
            for key, curve in member.curves(own).items():
                self.curve_at[name, key] = (start, curve[0].size, len(self.curve_at))
                start += curve[0].size
                parts.append(np.stack(curve))
        return np.concatenate(parts, axis=1)

    def all_members(self) -> tuple[Members, ...]:
        return tuple(self._members(kind) for kind in registry.every_kind())

    def _members(self, kind: type[Kind]) -> Members:
        own = [(name, member) for name, member in self.scenario.members() if type(member) is kind]
        steps = self.scenario.timeline.n
        p: list[Any] = []
        q: list[Any] = []
        x: list[Any] = []
        v: list[Any] = []
        names: list[str] = []
        labels: list[str] = []
        for name, member in own:
            labels += [f"{name}.{part}" for part in member.part_names()]
            v += member.part_initial(self.scenario.timeline.seconds_on(FAR))
            for entry in member.entries():
                place = _Place(self, name, member, len(q), entry, len(p))
                p.append(member.parameters(place))
                q += member.parts(place)
                x.append(member.initial_of(place))
                names.append(f"{name}.{entry}" if entry else name)
        owners = [(name, -1) for name, member in own for _ in member.entries()]
        parts = [(name, part) for name, member in own for part in range(len(member.part_forcing()))]
        return Members(
            kind=kind,
            names=tuple(names),
            p=_records(kind.parameter_record, p),
            u=self._forcing(kind.forcing_record, owners, steps),
            q=_records(kind.part_record, q),
            w=self._forcing(kind.part_forcing_record, parts, steps),
            x=_records(kind.state_record(), x),
            parts=tuple(labels),
            v=_records(kind.part_state_record(), v),
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
        layout = self.layout
        found, sets, rounds = matrices(layout, seconds)
        curves = self.curves()
        members = [member for _, member in self.scenario.members()]
        ordered, weights = orders(layout, kept(layout, seconds))
        return Compiled(
            scenario=self.scenario,
            claims=layout.claims,
            rows=layout.rows,
            transfers=layout.transfers,
            outlets=layout.outlets,
            pumps=layout.pumps,
            trades=layout.trades,
            sections=self.sections(),
            claim_records=self.claim_records(),
            transfer_records=self.transfer_records(),
            outlet_records=self.outlet_records(),
            plant_records=self.plant_records(),
            cut_records=self.cut_records(),
            orders=ordered,
            weights=weights,
            matrices=found,
            sets=sets,
            rounds=rounds,
            passes=2 if any(member.needs_second_pass() for member in members) else 1,
            seconds=seconds,
            members=self.all_members(),
            curves=curves,
            guides=guides(curves, [first for first, *_ in self.curve_at.values()]),
        )


class _Place:
    """The indices of one member, see `watersim.described.Place`."""

    def __init__(
        self, compiler: _Compiler, name: str, member: Kind, part: int, entry: str, index: int
    ) -> None:
        self._compiler = compiler
        self._name = name
        self._member = member
        self._part = part
        self._entry = entry
        self._index = index

    def entry(self) -> str:
        return self._entry

    def index(self) -> int:
        return self._index

    def owned(self, party: str) -> tuple[str, ...]:
        return self._compiler.layout.owned.get(party, ())

    def node(self, name: str) -> Node:
        return self._compiler.scenario.nodes[name]

    def reservoirs(self) -> tuple[str, ...]:
        nodes = self._compiler.scenario.nodes
        names = self._compiler.layout.network.sections
        return tuple(n for n in names if type(nodes[n]).name() == "reservoir")

    def above(self, name: str) -> tuple[str, ...]:
        down, found = self._compiler.layout.network.down, {name}
        for upper in reversed(self._compiler.layout.network.sections):
            if down.get(upper) in found:
                found.add(upper)
        return tuple(n for n in self._compiler.layout.network.sections if n in found)

    def section(self, name: str) -> int:
        if name in ("from", "to") and not isinstance(self._member, Node):
            name = self._name.split(" > ")[0 if name == "from" else 1]
        return self._compiler.layout.position[name or self._name]

    def claim(self, key: str, of: str = "") -> int:
        name = of or getattr(self._member, "target", self._name)
        return self._compiler.layout.claim_of.get((name, key), -1)

    def transfer(self, key: str) -> int:
        name = f"{self._name}.{key}" if key else self._name
        names = [transfer.name for transfer in self._compiler.layout.transfers]
        return names.index(name) if name in names else -1

    def row(self, key: str) -> int:
        name = f"{self._name}.{key}" if key else self._name
        return self._compiler.layout.row_of.get((type(self._member).name(), name), -1)

    def outlet(self) -> int:
        sources = [source for source, _ in self._compiler.layout.outlets]
        return sources.index(self._name) if self._name in sources else -1

    def part(self) -> int:
        return self._part

    def plant(self, name: str) -> int:
        return self._compiler.layout.plants.index(name or self._name)

    def pump(self, name: str) -> int:
        pumps, own = self._compiler.layout.pumps, name or self._name
        return pumps.index(own) if own in pumps else -1

    def trade(self) -> int:
        names = [names for _, *names in self._compiler.layout.trades]
        return names.index([self._name, self._entry])

    def trades(self) -> tuple[int, int]:
        grids = [grid for grid, *_ in self._compiler.layout.trades]
        return grids.index(self._name) if self._name in grids else 0, grids.count(self._name)

    def cut(self) -> int:
        return self._compiler.layout.cut_of.get(self._name.split(" > ")[0], -1)

    def curve(self, key: str) -> tuple[int, int, int]:
        return self._compiler.curve_at.get((self._name, key), (0, 0, 0))


def _records(record: np.dtype[np.void], rows: Sequence[Any]) -> NDArray[Any]:
    values = np.zeros(len(rows), record)
    for k, row in enumerate(rows):
        for key, value in row.items():
            values[key][k] = value
    return values
