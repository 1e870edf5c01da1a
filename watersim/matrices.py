"""Layout → Matrices: the coefficients of the allocation; pure.

A claim's column holds what one m3 of it takes from every section below: the gain of the reaches
between, less what returns. Below a reservoir with a limited outlet the river is cut, and the outlet
is a transfer (DESIGN §3.1). One set of coefficients for every step length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from watersim.allocation.problem import needs_rounds
from watersim.allot import Matrices
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
from watersim.described import Cap
from watersim.layout import CapRow, ClaimRow, Layout, Transfer
from watersim.river import river

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
COUNTED = 1e-4  # of a flow; if less of it returns within the step, nobody counts on that
RIVER_PRICE = 1e-3  # of outlets and turbines: a river is preferred to any canal
TIE_BREAK = 1e-7  # between equal preferences, by place in river order, then by name


def matrices(layout: Layout, seconds: Floats) -> tuple[Matrices, Integers, int]:
    """The coefficients of every step.

    Parameters
    ----------
    seconds
        length of each step, s, shape (time,)

    Returns
    -------
    Matrices, integers, int
        the sets of coefficients; the set of each step, shape (time,); whether return flows of a
        later rank may serve an earlier one
    """
    of_step = np.column_stack([seconds, losses(layout)])
    different, which = np.unique(of_step, axis=0, return_inverse=True)
    varying = np.array(
        [
            [*_gains(layout, dt, lost), *_returns(layout, dt), *_leaks(layout, dt)]
            for dt, *lost in different.tolist()
        ]
    )
    unique, sets = np.unique(varying, axis=0, return_inverse=True)
    gain = np.ascontiguousarray(unique[:, : len(layout.position)])
    filled = [_Coefficients(layout, own[: gain.shape[1]], own[gain.shape[1] :]) for own in unique]
    A = np.array([own.A for own in filled])
    T = np.array([own.T for own in filled])
    rank = ranks(layout)
    edges = [edge for edge, _ in filled[0].edges()]
    shares = np.array([[share for _, share in own.edges()] for own in filled])
    below = np.array([own.below for own in filled])
    found = Matrices(A, T, below, gain, prices(layout), rank, river(A, T, rank, edges, shares))
    rounds = any(needs_rounds(a, rank, t) for a, t in zip(A, T, strict=True))
    step_sets = sets.ravel()[which.ravel()]
    return found, np.asarray(step_sets, np.int64), int(rounds)


def losses(layout: Layout) -> Floats:
    """Share of the flow entering each reach that is lost in each step, dims (time, reach)."""
    forcing, steps = layout.scenario.forcing, layout.scenario.timeline.n
    found = np.zeros((steps, len(layout.network.reaches)))
    for k, (name, reach) in enumerate(layout.network.reaches.items()):
        found[:, k] = forcing[name, 0, "loss"] if reach.is_seasonal() else reach.share_lost()
    return found


def kept(layout: Layout, seconds: Floats) -> Floats:
    """Share of each section's outflow that ever reaches the next one, dims (time, section)."""
    found, lost = np.ones((seconds.size, len(layout.position))), losses(layout)
    for k, (name, reach) in enumerate(layout.network.reaches.items()):
        found[:, layout.position[name.split(" > ")[0]]] = [
            reach.kept(dt, share) for dt, share in zip(seconds.tolist(), lost[:, k], strict=True)
        ]
    return found


def _gains(layout: Layout, dt: float, lost: Sequence[float]) -> Floats:
    """Share of each section's outflow that reaches the next one within the step."""
    gain = np.zeros(len(layout.position))
    for (name, reach), share in zip(layout.network.reaches.items(), lost, strict=True):
        gain[layout.position[name.split(" > ")[0]]] = reach.gain(dt, share)
    return gain


def _returns(layout: Layout, dt: float) -> list[float]:
    """Share of each claim's return flow that is back within the step."""
    return [layout.scenario.nodes[row.node].returns_within(dt) for row in layout.claims]


def _leaks(layout: Layout, dt: float) -> list[float]:
    """Share of each canal's loss that is back within the step."""
    return [canal.back_within(dt) for canal in layout.network.canals.values()]


class _Coefficients:
    """The matrices A and T for one vector of gains and one of what is back within the step."""

    def __init__(self, layout: Layout, gain: Floats, back: Floats) -> None:
        self.layout = layout
        self.gain = gain
        self.leak = dict(zip(layout.network.canals, back[len(layout.claims) :], strict=True))
        self.reach = self._reach()
        sections = [(k, layout.position[of]) for k, (what, of) in enumerate(layout.rows)
                    if what == "section"]  # fmt: skip
        self.section_rows = np.array([k for k, _ in sections], np.int64)
        self.row_sections = np.array([v for _, v in sections], np.int64)
        self.instream = [
            (row.claim.sort, layout.row_of["claim", row.name], layout.section_of(row.node))
            for row in layout.claims
            if row.claim.sort in (INSTREAM_LEAVING, INSTREAM_ARRIVING)
        ] + [
            (INSTREAM_LEAVING, k, of) for k, (what, of) in enumerate(layout.rows)
            if what == "turbines"
        ]  # fmt: skip
        self.A = np.zeros((len(layout.rows), len(layout.claims)))
        self.T = np.zeros((len(layout.rows), len(layout.transfers)))
        self.below = np.zeros((len(layout.position), len(layout.rows)))
        for name, v in layout.position.items():
            self._take(self.below[v], name, 1.0)
        for i, row in enumerate(layout.claims):
            self._claim_column(self.A[:, i], row, float(back[i]))
        for j, transfer in enumerate(layout.transfers):
            self._transfer_column(self.T[:, j], transfer)

    def _reach(self) -> Floats:
        """Share of the water at u that can be found at v below, 0 beyond a limited outlet.

        Nor beyond a long reach.
        """
        layout = self.layout
        size = len(layout.position)
        reach = np.zeros((size, size))
        for u, name in enumerate(layout.network.sections):
            share, v, at = 1.0, u, name
            while True:
                reach[u, v] = share
                if at not in layout.network.down or not layout.passes_on(at):
                    break
                share *= self.gain[v]
                at = layout.network.down[at]
                v = layout.position[at]
        return reach

    def edges(self) -> Iterator[tuple[tuple[int, int], float]]:
        """Rows (upper, lower) next to each other along the river, and the share passed on."""
        layout = self.layout
        for name in layout.network.sections:
            upper = layout.row_of.get(("section", name))
            if upper is None:
                continue
            share, at = 1.0, name
            for sort, row, place in self.instream:
                if place == name and sort == INSTREAM_LEAVING and not layout.is_limited(name):
                    yield (upper, row), 1.0
            while at in layout.network.down and layout.passes_on(at):
                share *= self.gain[layout.position[at]]
                at = layout.network.down[at]
                lower = layout.row_of.get(("section", at))
                for sort, row, place in self.instream:
                    if place == at and (sort == INSTREAM_ARRIVING or
                                        (lower is None and not layout.is_limited(at))):  # fmt: skip
                        yield (upper, row), share
                if lower is not None:
                    yield (upper, lower), share
                    break

    def _take(self, column: Floats, name: str, amount: float) -> None:
        """Take from a section and all below it; a negative amount comes in there."""
        u = self.layout.position[name]
        column[self.section_rows] += amount * self.reach[u, self.row_sections]
        for sort, k, at in self.instream:
            v = self.layout.position[at]
            if sort == INSTREAM_LEAVING:
                if not self.layout.is_limited(at):
                    column[k] += amount * self.reach[u, v]
            elif v != u or amount < 0.0:
                column[k] += amount * self.reach[u, v]

    def _claim_column(self, column: Floats, row: ClaimRow, prompt: float) -> None:
        layout = self.layout
        node = layout.scenario.nodes[row.node]
        if row.claim.sort in (INSTREAM_LEAVING, INSTREAM_ARRIVING):
            column[layout.row_of["claim", row.name]] = 1.0
            return
        if row.claim.sort == ENERGY:
            column[layout.row_of["grid", row.node]] = 1.0
            return
        behind = layout.canals_to.get(row.node, [])
        if row.claim.sort == RETENTION or not behind:
            self._take(column, layout.section_of(row.node), 1.0)
        elif len(behind) == 1:
            self._canal(column, behind[0], 1.0)
        else:
            column[layout.row_of["site", row.node]] = 1.0
            if ("delivery", row.node) in layout.row_of:
                column[layout.row_of["delivery", row.node]] = -1.0
        back = node.return_flow_to() if row.claim.sort == CONSUMPTIVE else None
        for name, cap in layout.caps if row.claim.sort == CONSUMPTIVE else ():
            kind = type(layout.scenario.agreements[name]).name()
            column[layout.row_of[kind, CapRow(name, cap).name]] += self._counted(
                row.node, cap, prompt
            )
        if back is not None and back[0] * prompt > COUNTED:
            self._take(column, back[1], -back[0] * prompt)

    def _counted(self, site: str, cap: Cap, prompt: float) -> float:
        """What a unit supplied to a site takes from a cap, but for what transfers are counted for."""
        node, behind = self.layout.scenario.nodes[site], self.layout.canals_to.get(site, [])
        fraction = (node.return_flow_to() or (0.0, ""))[0]
        counted = 0.0
        if site in cap.sites:
            if cap.counts == "consumption":
                counted = 1.0 - fraction
            elif cap.counts == "supply" or not behind:
                counted = 1.0
            elif len(behind) == 1:
                counted = 1.0 / (1.0 - self.layout.network.canals[behind[0]].share_lost())
        if site in cap.returning:
            counted -= cap.share * fraction * prompt
        return counted

    def _canal(self, column: Floats, name: str, delivered: float) -> None:
        """What a canal takes at its head to deliver an amount, and what its loss gives back."""
        canal = self.layout.network.canals[name]
        head = delivered / (1.0 - canal.share_lost())
        self._take(column, canal.source, head)
        to, back = canal.returns_to(), (head - delivered) * float(self.leak[name])
        if to is not None and back > COUNTED * head:
            self._take(column, to, -back)
        if ("canal", name) in self.layout.row_of:
            column[self.layout.row_of["canal", name]] = head

    def _transfer_column(self, column: Floats, transfer: Transfer) -> None:
        layout = self.layout
        if transfer.sort == TURBINE:  # it moves no water; the engine writes what a unit is worth
            column[layout.row_of["turbines", layout.source_of(transfer)]] = 1.0
            column[layout.row_of["grid", transfer.claim]] = -1.0
            return
        if transfer.sort == OUTLET:
            name = transfer.of
            column[layout.row_of["section", name]] += 1.0
            if name in layout.network.down and name not in layout.cut_of:
                self._take(column, layout.network.down[name], -self.gain[layout.position[name]])
            for sort, k, at in self.instream:
                if sort == INSTREAM_LEAVING and at == name:
                    column[k] -= 1.0
            return
        canal = layout.network.canals[transfer.of]
        arriving = 1.0 - canal.share_lost()
        self._canal(column, transfer.of, arriving)
        for name, cap in layout.caps:
            if canal.target in cap.sites and cap.counts == "diversion":
                kind = type(layout.scenario.agreements[name]).name()
                column[layout.row_of[kind, CapRow(name, cap).name]] += 1.0
        if canal.target in layout.position:
            self._take(column, canal.target, -arriving)
        else:
            column[layout.row_of["site", canal.target]] -= arriving
            if ("delivery", canal.target) in layout.row_of:
                column[layout.row_of["delivery", canal.target]] += arriving


def prices(layout: Layout) -> Floats:
    """Preference weights, all different: ties go by place in river order, then by name."""
    places = [(layout.position[layout.source_of(t)], t.name) for t in layout.transfers]
    price = np.zeros(len(layout.transfers))
    for place, j in enumerate(sorted(range(len(places)), key=places.__getitem__)):
        t = layout.transfers[j]
        weight = layout.network.canals[t.of].preference if t.sort == CANAL else RIVER_PRICE
        price[j] = weight * (1.0 + TIE_BREAK * place)
    return price


def ranks(layout: Layout) -> Integers:
    """Order of service: by priority; zones one after the other, upstream first, or by group."""
    keys: list[tuple[float, int, float, int, str]] = []
    first: dict[str, int] = {}
    for row in layout.claims:
        if row.claim.group is not None:
            place = layout.position[row.node]
            first[row.claim.group] = min(place, first.get(row.claim.group, place))
    for row in layout.claims:
        claim = row.claim
        priority = np.inf if claim.priority is None else float(claim.priority)
        if claim.sort != RETENTION:
            keys.append((priority, 0, 0.0, 0, ""))
            continue
        zone = [c.key for c in layout.scenario.nodes[row.node].claims()
                if c.sort == RETENTION].index(claim.key)  # fmt: skip
        place = layout.position[row.node] if claim.group is None else first[claim.group]
        keys.append((priority, 1, place, zone, claim.group or ""))
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return np.array([order[key] for key in keys], np.int64)
