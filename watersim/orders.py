"""Orders: what a part of the river below a long reach asks of the part above; compile and kernel.

At the head of a long reach stands one in-stream claim for each priority p of the claims below, for
what all of priority 1 … p will ask for when its water arrives. Up the river from its end, with the
needs of that time (`watersim.foresight`) and what enters now from elsewhere,

    passes(v)  = max(flows that must leave v, arrives(w) / kept(v))     w the next node below v
    arrives(v) = max(passes(v) + takes at v, flows that must arrive at v) − what else enters at v

and ``order = arrives(end) / kept``. Claims at one place overlap or add up as they do in the fill.
Below a reservoir nothing is ordered that its store, and what is under way to it, will cover.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.arrays import (
    CONSUMPTIVE,
    INSTREAM_ARRIVING,
    INSTREAM_LEAVING,
    RETENTION,
    Step,
)
from watersim.described import ORDERED
from watersim.foresight import BESIDE, mean_weights, stem, steps_ahead, weights
from watersim.jit import kernel
from watersim.layout import ClaimRow, Layout
from watersim.records import record

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ORDER = ("claim:i", "line:i", "priority:i")  # an order, and the line of river it is for
LINE = (
    "cut:i",  # the long reach
    "node:i", "nodes:i",  # nodes below it down to the river's end
    "other:i", "others:i",  # needs elsewhere that change what enters
    "stores:i",  # reservoirs on the way
    "lag",  # s
)  # fmt: skip
NODE = (
    "section:i",
    "need:i", "needs:i",  # claims there
    "ends:i",  # a further long reach that ends there, −1
    "lag",  # s, from the head of the first
)  # fmt: skip
NEED = (
    "claim:i", "nature:i", "priority:i",
    "row:i",  # of its canal, where that alone leads to it and has a capacity, −1
    "takes",  # m3 it takes at the river to be given 1
)  # fmt: skip
ALL, ABOVE_STORES, IN_ALL = 0, 1, 2  # which needs are looked at


class Orders(NamedTuple):
    """The orders of a basin as arrays."""

    order: NDArray[Any]  # (orders) ORDER
    line: NDArray[Any]  # (long reaches) LINE
    node: NDArray[Any]  # (nodes of all lines) NODE
    need: NDArray[Any]  # (needs of all lines) NEED
    counts: Integers  # (lines, long reaches) 1 where what it brings enters from elsewhere
    stands_in: Integers  # (lines, sections) 1 where a section is a node of the line
    kept: Floats  # (time, sections) share of an outflow that ever reaches the next section


class Later(NamedTuple):
    """How needs change until the water ordered now arrives, m3/s; one lane, or one for each."""

    then: Floats  # (time, needs, lanes) need of that time − need now
    mean: Floats  # (time, needs, lanes) mean need until that time − need now


class Weights(NamedTuple):
    """How needs of other steps count in the order of a step."""

    claim: tuple[ClaimRow | None, ...]  # whose need it is, None where it stays as it is
    then: tuple[Floats, ...]  # (time, steps beside)
    mean: tuple[Floats, ...]


def orders(layout: Layout, kept: Floats) -> tuple[Orders, Weights]:
    """Lay the orders out.

    Parameters
    ----------
    kept
        share of each section's outflow that ever reaches the next, dims (time, sections)
    """
    return _Lines(layout).result(kept)


class _Lines:
    """Collects the nodes and needs of every line of river below a long reach."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.timeline = layout.scenario.timeline
        self.ahead = steps_ahead(layout.network, self.timeline)
        self.nodes: list[tuple[float, ...]] = []
        self.needs: list[tuple[int, int, int, int, float]] = []
        self.later: list[tuple[ClaimRow | None, Floats, Floats]] = []
        self.tables: dict[tuple[float, ...], tuple[Floats, Floats]] = {}
        self.here: dict[str, list[int]] = {}
        for k, row in enumerate(layout.claims):
            if row.claim.sector != ORDERED:
                self.here.setdefault(layout.section_of(row.node), []).append(k)

    def result(self, kept: Floats) -> tuple[Orders, Weights]:
        layout = self.layout
        stands_in = np.zeros((len(layout.cuts), len(layout.position)), np.int64)
        lines = [self._line(k, head, stands_in[k]) for k, head in enumerate(layout.cuts)]
        heads = [
            (k, layout.cut_of[row.node], row.claim.priority or 0)
            for k, row in enumerate(layout.claims)
            if row.claim.sector == ORDERED
        ]
        found = Orders(
            _filled(heads, ORDER), _filled(lines, LINE), _filled(self.nodes, NODE),
            _filled(self.needs, NEED), self._counts(), stands_in, kept,
        )  # fmt: skip
        return found, Weights(*(tuple(column) for column in zip(*self.later, strict=True))) if (
            self.later
        ) else Weights((), (), ())

    def _line(self, cut: int, head: str, stands_in: Integers) -> tuple[float, ...]:
        layout = self.layout
        nodes = stem(layout.network, head)
        names = [name for name, _ in nodes]
        stands_in[[layout.position[name] for name in names]] = 1
        first, stores = len(self.nodes), 0
        for k, (name, lags) in enumerate(nodes):
            above = head if k == 0 else names[k - 1]
            ends = layout.cut_of.get(above, -1) if k else -1
            start = len(self.needs)
            for claim in self.here.get(name, []):
                self._need(claim, lags)
            node = layout.scenario.nodes[name]
            stores += not node.ends_river and node.state_record().names != ("_",)
            count = len(self.needs) - start
            self.nodes.append((layout.position[name], start, count, ends, sum(lags)))
        other = len(self.needs)
        for name in layout.network.sections:
            for claim in self.here.get(name, []) if name not in names else []:
                if layout.claims[claim].claim.sort == CONSUMPTIVE:
                    self._need(claim, None)
        return (cut, first, len(nodes), other, len(self.needs) - other, stores, nodes[0][1][0])

    def _need(self, claim: int, lags: tuple[float, ...] | None) -> None:
        row = self.layout.claims[claim]
        behind = self.layout.canals_to.get(row.node, []) if row.claim.sort == CONSUMPTIVE else []
        lost = self.layout.network.canals[behind[0]].share_lost() if behind else 0.0
        canal = self.layout.row_of.get(("canal", behind[0]), -1) if len(behind) == 1 else -1
        priority = row.claim.priority or 0
        self.needs.append((claim, row.claim.sort, priority, canal, 1.0 / (1.0 - lost)))
        if lags is None or not row.claim.ahead:
            self.later.append((None, np.zeros((0, 0)), np.zeros((0, 0))))
            return
        if lags not in self.tables:
            self.tables[lags] = (
                weights(self.timeline, lags, self.ahead),
                mean_weights(self.timeline, sum(lags), self.ahead),
            )
        self.later.append((row, *self.tables[lags]))

    def _counts(self) -> Integers:
        """Whose arrivals do not come of what is ordered, and of long reaches that come before.

        Of several that join, one without a reservoir comes before one with, then river order: each
        counts on what those before it bring now, so that they do not all wait for one another.
        """
        cuts, network = self.layout.cuts, self.layout.network
        found = np.zeros((len(cuts), len(cuts)), np.int64)
        for k, own in enumerate(cuts):
            below = {name for name, _ in stem(network, own)}
            for j, head in enumerate(cuts):
                found[k, j] = head not in below and self._place(head) < self._place(own)
        return found

    def _place(self, head: str) -> tuple[bool, int]:
        down, above = self.layout.network.down, {head}
        for upper in reversed(self.layout.network.sections):
            if down.get(upper) in above:
                above.add(upper)
        nodes = self.layout.scenario.nodes
        return any(nodes[n].state_record().names != ("_",) for n in above), (
            self.layout.position[head]
        )


def later(
    found: Weights,
    beyond: Mapping[tuple[str, str], tuple[Floats, Floats]],
    forcing: Mapping[tuple[str, str], tuple[Floats, bool]],
    lane_of: Integers,
    steps: int,
) -> Later:
    """How each need changes until the water ordered now arrives.

    Parameters
    ----------
    beyond
        what a forcing was before the run and will be after it, by maker and key
    forcing
        its values in the run, dims (1 or realizations, time), and whether they are the scenario's
    lane_of
        the realization of every lane
    """
    wide = any(values.shape[0] > 1 for values, _ in forcing.values())
    lanes = lane_of if wide else np.zeros(1, np.int64)
    then = np.zeros((steps, len(found.claim), lanes.size))
    mean = np.zeros_like(then)
    for k, row in enumerate(found.claim):
        if row is None:
            continue
        key = (row.maker, row.claim.ahead)
        values, own = forcing[key]
        now = values[lanes if values.shape[0] > 1 else np.zeros(lanes.size, np.int64)]
        first, last = beyond[key]
        if not own:  # given in Python: nothing is known beyond the run
            first, last = np.full(first.size, np.nan), np.full(last.size, np.nan)
        for target, table in ((then, found.then[k]), (mean, found.mean[k])):
            target[:, k] = _weighted(now, first, last, table).T - now.T
    return Later(then, mean)


def _weighted(now: Floats, first: Floats, last: Floats, table: Floats) -> Floats:
    """Weighted sums over the steps beside each step, dims (lane, time); held where unknown."""
    lanes, steps = now.shape
    before = np.where(np.isnan(first), now[:, :1], first)
    after = np.where(np.isnan(last), now[:, -1:], last)
    whole = np.concatenate([before[:, before.shape[1] - BESIDE :], now, after], axis=1)
    found = np.zeros((lanes, steps))
    for k in range(table.shape[1]):
        found += table[:, k] * whole[:, k : k + steps]
    return found


def _filled(rows: list[Any], names: tuple[str, ...]) -> NDArray[Any]:
    return np.array([tuple(row) for row in rows], record(*names))


@kernel
def order(o: Orders, later: Later, t: int, s: Step, dt: float) -> None:
    """Write the needs of all orders, m3."""
    for g in range(o.order.shape[0]):
        own = o.order[g]
        line, claim, lane = o.line[own.line], s.claim[own.claim], s.lane[0]
        head = s.cut[line.cut].head
        kept = o.kept[t, head]
        _arrives(o, later.then, g, t, s, dt, ALL)
        for l in range(claim.need.size):
            claim.need[l] = lane.rest[l]
        if line.stores > 0:
            _arrives(o, later.then, g, t, s, dt, ABOVE_STORES)
            for l in range(claim.need.size):
                claim.y[l] = lane.rest[l]
            _arrives(o, later.mean, g, t, s, dt, IN_ALL)
            steps, under_way = (line.lag + dt) / dt, s.cut[line.cut].under_way
            for l in range(claim.need.size):
                lacks = lane.rest[l] * steps - under_way[l]
                claim.need[l] = min(claim.need[l], max(claim.y[l], lacks))
        for l in range(claim.need.size):
            claim.need[l] /= kept


@kernel
def _arrives(o: Orders, change: Floats, g: int, t: int, s: Step, dt: float, which: int) -> None:
    """What must arrive at the end of a long reach for the claims up to a priority, m3 per step."""
    own, lane = o.order[g], s.lane[0]
    line = o.line[own.line]
    _enters(o, change, g, t, s, dt)
    for l in range(lane.rest.size):
        lane.rest[l] = 0.0
    for k in range(line.node + line.nodes - 1, line.node - 1, -1):
        node = o.node[k]
        at, kept = s.at[node.section], max(1e-9, o.kept[t, node.section])
        for l in range(lane.rest.size):
            lane.cover[l] = lane.rest[l] / kept
            lane.asked[l] = 0.0
            lane.total[l] = 0.0
        for n in range(node.need, node.need + node.needs):
            _stands_at(o.need[n], change, n, t, own.priority, s, dt)
        for l in range(lane.rest.size):
            arrives = max(lane.cover[l] + lane.asked[l], lane.total[l])
            lane.rest[l] = max(0.0, arrives - max(0.0, at.reach[l]))
        holds = at.store == 1 and at.down >= 0
        if which == ABOVE_STORES and holds:
            for l in range(lane.rest.size):
                lane.rest[l] = 0.0
        elif which == IN_ALL:
            part = dt / (node.lag + dt)
            if holds:
                _draw_store(o, k, own.priority, part, s)
            if node.ends >= 0:
                under_way = s.cut[node.ends].under_way
                for l in range(lane.rest.size):
                    lane.rest[l] = max(0.0, lane.rest[l] - under_way[l] * part)


@kernel
def _enters(o: Orders, change: Floats, g: int, t: int, s: Step, dt: float) -> None:
    """What enters every section from elsewhere, and passes those that are not on the line, m3."""
    own = o.order[g]
    line = o.line[own.line]
    for v in range(s.at.shape[0]):
        at = s.at[v]
        for l in range(at.reach.size):
            at.reach[l] = at.runoff[l]
    for k in range(s.cut.shape[0]):
        cut, counts = s.cut[k], o.counts[own.line, k]
        at = s.at[cut.lower]
        for l in range(at.reach.size):
            at.reach[l] += cut.more[l] if counts == 1 else -cut.due[l]
    for k in range(line.node, line.node + line.nodes):
        for n in range(o.node[k].need, o.node[k].need + o.node[k].needs):
            _comes_back(o.need[n], change, n, t, own.priority, s, dt)
    for n in range(line.other, line.other + line.others):
        _comes_back(o.need[n], change, n, t, own.priority, s, dt)
        claim, takes = s.claim[o.need[n].claim], o.need[n].takes
        if o.need[n].priority <= own.priority:
            at = s.at[claim.section]
            for l in range(at.reach.size):
                at.reach[l] -= claim.need[l] * takes
    for v in range(s.at.shape[0]):
        at = s.at[v]
        if o.stands_in[own.line, v] == 0 and at.down >= 0 and at.cut < 0:
            below, kept = s.at[at.down], o.kept[t, v]
            for l in range(at.reach.size):
                below.reach[l] += max(0.0, at.reach[l]) * kept


@kernel
def _comes_back(
    need: Any, change: Floats, n: int, t: int, priority: int, s: Step, dt: float
) -> None:
    """Add what comes back of a take up to a priority, from its canal and from the site."""
    claim = s.claim[need.claim]
    if need.nature != CONSUMPTIVE or need.priority > priority:
        return
    if claim.back_to >= 0:
        to, back = s.at[claim.back_to], claim.back * claim.prompt
        for l in range(claim.need.size):
            to.reach[l] += back * _asks(need, change, n, t, l, s, dt)
    if claim.loss_to >= 0:
        to, back = s.at[claim.loss_to], claim.loss / (1.0 - claim.loss) * claim.loss_back
        for l in range(claim.need.size):
            to.reach[l] += back * _asks(need, change, n, t, l, s, dt)


@kernel
def _stands_at(
    need: Any, change: Floats, n: int, t: int, priority: int, s: Step, dt: float
) -> None:
    """Add a claim to what is taken at its section, or must leave it or arrive there."""
    lane = s.lane[0]
    if need.priority > priority:
        return
    for l in range(lane.rest.size):
        asks = _asks(need, change, n, t, l, s, dt)
        if need.nature == CONSUMPTIVE:
            lane.asked[l] += asks * need.takes
        elif need.nature == INSTREAM_LEAVING:
            lane.cover[l] = max(lane.cover[l], asks)
        elif need.nature == INSTREAM_ARRIVING:
            lane.total[l] = max(lane.total[l], asks)


@kernel
def _asks(need: Any, change: Floats, n: int, t: int, l: int, s: Step, dt: float) -> float:
    """What a claim will ask for, no more than its canal can bring, m3 per step."""
    wide = 1 if change.shape[2] > 1 else 0
    asks: float = max(0.0, s.claim[need.claim].need[l] + change[t, n, l * wide] * dt)
    if need.row >= 0:
        asks = min(asks, s.row[need.row].limit[l] / need.takes)
    return asks


@kernel
def _draw_store(o: Orders, k: int, priority: int, part: float, s: Step) -> None:
    """Take off what a reservoir can give of its store, above dead storage and earlier zones."""
    node, lane = o.node[k], s.lane[0]
    at = s.at[node.section]
    for l in range(lane.rest.size):
        lane.asked[l] = at.carry[l] - at.drain[l] - at.withheld[l]
    for n in range(node.need, node.need + node.needs):
        need = o.need[n]
        if need.nature == RETENTION and 0 < need.priority < priority:
            zone = s.claim[need.claim]
            for l in range(lane.rest.size):
                lane.asked[l] -= zone.need[l]
    for l in range(lane.rest.size):
        lane.rest[l] = max(0.0, lane.rest[l] - max(0.0, lane.asked[l]) * part)
