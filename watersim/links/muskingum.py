"""Muskingum: the river between two nodes, whose store delays and flattens what enters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from watersim.arrays import Step
from watersim.described import Place
from watersim.fields import Computed, Given, field, quantity
from watersim.ground import drained
from watersim.jit import kernel
from watersim.records import record
from watersim.timeline import Timeline
from watersim.waterway import Waterway, give_back

PIECES = 200  # most pieces of a reach
ROUNDING = 1e-9  # of the number of parts of a step

Floats = NDArray[np.float64]


class Muskingum(Waterway):
    """A reach with the store ``S = k (x I + (1 − x) O)``, in n pieces of k/n each.

    ``S1 = S0 + flow − loss − arrival``; the loss is a share of the flow entering. In a piece, over
    a part h of the step, ``O = (V + (h/2 − k x) I) / (k (1 − x) + h/2)`` with the water V in it at
    the start of h. With V of the step before that is ``O2 = C0 I2 + C1 I1 + C2 O1``. There are so
    many pieces and parts that no coefficient is negative.
    Source: McCarthy (1938); Chow, Maidment & Mays, Applied Hydrology (1988), section 8.4.
    """

    kind: Literal["muskingum"]
    k: Annotated[float, quantity("time", least=60.0)] = field("the time its water is under way")
    x: float = field(
        "how far inflow counts in its store: 0 like a lake, 0.5 no flattening", ge=0.0, le=0.5
    )

    parameter_record: ClassVar = record(
        "upper:i", "lower:i", "cut:i", "part:i", "parts:i", "seasonal:i", "loss", "k", "x",
        "share_back", "recession",
    )  # fmt: skip
    part_forcing_record: ClassVar = record("leaves", "within", "loss")

    def travel_time(self) -> float:
        return self.k

    def within(self, dt: float) -> float:
        stores = np.zeros(max(1, self.count()))
        return route(stores, 1.0, self.k / stores.size, self.x, dt)

    def cuts(self) -> bool:
        return True

    def count(self) -> int:
        """The least number of pieces with which no coefficient is negative in any step, 0: none."""
        return next((n for n in range(1, PIECES + 1) if self._fits(self.k / n)), 0)

    def _fits(self, k: float) -> bool:
        """Whether no coefficient of a piece is negative in any step of the calendar."""
        return all(
            dt / parts(k, self.x, dt) >= 2.0 * k * self.x * (1.0 - ROUNDING)
            for dt in self.lengths()
        )

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().problems(tables)
        if self.count() == 0:
            message = f"lets no division of the reach fit every step (got {self.x:g})"
            yield "x", f"{message}; take a smaller one, or a plain reach with `lag`"

    def part_names(self) -> list[str]:
        return [str(n + 1) for n in range(self.count())]

    def part_forcing(self) -> list[Mapping[str, Given]]:
        return [
            {
                "leaves": Computed(partial(self._leaves, n)),
                "within": Computed(self._within),
                **self.forcing_of_parts(),
            }
            for n in range(self.count())
        ]

    def _leaves(self, piece: int, timeline: Timeline) -> Floats:
        """Share of the water in a piece that arrives within each step, (time,)."""
        lengths, which = np.unique(timeline.seconds, return_inverse=True)
        stores = [np.eye(self.count())[piece] for _ in lengths]
        k = self.k / self.count()
        shares = [
            route(store, 0.0, k, self.x, dt)
            for store, dt in zip(stores, lengths.tolist(), strict=True)
        ]
        return np.array(shares)[which]

    def _within(self, timeline: Timeline) -> Floats:
        lengths, which = np.unique(timeline.seconds, return_inverse=True)
        return np.array([self.within(dt) for dt in lengths.tolist()])[which]

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [{} for _ in range(self.count())]

    def part_initial(self, seconds: Floats) -> list[Mapping[str, float]]:
        stored = (self.initial_flow or 0.0) * self.k
        return [{"under_way": stored / self.count()} for _ in range(self.count())]

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "upper": place.section("from"),
            "lower": place.section("to"),
            "cut": place.cut(),
            "part": place.part(),
            "parts": self.count(),
            "seasonal": self.is_seasonal(),
            "loss": self.share_lost(),
            "k": self.k / self.count(),
            "x": self.x,
            "share_back": self.share_back(),
            "recession": self.recession(),
        }


@kernel
def parts(k: float, x: float, dt: float) -> int:
    """In how many parts of a step a piece is routed, so that C2 is not negative: h ≤ 2k(1 − x)."""
    return max(1, math.ceil(dt / (2.0 * k * (1.0 - x)) - ROUNDING))


@kernel
def shares(k: float, x: float, h: float) -> tuple[float, float]:
    """What leaves a piece over h of a unit of inflow, and of a m3 in it at the start, 1 and 1/s.

    But for rounding h is between 2 k x and 2 k (1 − x), so that neither is negative nor takes more
    than there is.
    """
    whole = k * (1.0 - x) + 0.5 * h
    return max(0.0, 0.5 * h - k * x) / whole, min(1.0 / whole, 1.0 / h)


def route(stores: Floats, entering: float, k: float, x: float, dt: float) -> float:
    """What arrives in a step of an even inflow and of the water in the pieces, which it changes.

    Parameters
    ----------
    stores
        water in each piece, m3, dims (piece)
    entering
        what enters in the step, m3
    k, x
        of each piece, s and 1
    """
    count = parts(k, x, dt)
    h, arrived = dt / count, 0.0
    of_flow, of_store = shares(k, x, h)
    for _ in range(count):
        flow = entering / dt
        for n in range(stores.size):
            leaves = of_flow * flow + of_store * stores[n]
            stores[n] = max(0.0, stores[n] + h * (flow - leaves))
            flow = leaves
        arrived += flow * h
    return float(arrived)


@kernel
def before(
    p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, v: Any, z: Any, s: Step, dt: float, again: int
) -> None:
    for i in range(p.shape[0]):
        at, cut, under_way = s.at[p[i].lower], s.cut[p[i].cut], x[i].reach_storage
        more = w[p[i].part].within * dt / (p[i].k * p[i].parts)
        for l in range(under_way.size):
            cut.due[l] = 0.0
            cut.more[l] = under_way[l] * more
            cut.under_way[l] = under_way[l]
        for n in range(p[i].part, p[i].part + p[i].parts):
            stored, leaves = v[n].under_way, w[n].leaves
            for l in range(stored.size):
                cut.due[l] += stored[l] * leaves
        for l in range(under_way.size):
            at.runoff[l] += cut.due[l]
        if p[i].recession > 0.0:
            in_ground, part_of_it = x[i].reach_groundwater_storage, drained(p[i].recession, dt)
            for l in range(in_ground.size):
                at.runoff[l] += in_ground[l] * part_of_it


@kernel
def after(
    p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, v: Any, z: Any, s: Step, dt: float
) -> None:
    for i in range(p.shape[0]):
        at, out, cut = s.at[p[i].upper], y[i], s.cut[p[i].cut]
        first = p[i].part
        loss = w[first].loss if p[i].seasonal == 1 else p[i].loss
        within = w[first].within
        for l in range(out.reach_flow.size):
            entering = at.outflow[l]
            lost = entering * loss
            out.reach_flow[l] = entering / dt
            out.reach_loss[l] = lost / dt
            out.reach_arrival[l] = ((entering - lost) * within + cut.due[l]) / dt
            out.reach_storage[l] = 0.0
        _route(p[i], loss, s, dt, v, z)
        for n in range(first, first + p[i].parts):
            stored = z[n].under_way
            for l in range(stored.size):
                out.reach_storage[l] += stored[l]
        if p[i].share_back > 0.0 or p[i].recession > 0.0:
            give_back(p[i], x[i].reach_groundwater_storage, out, dt)


@kernel
def _route(own: Any, loss: float, s: Step, dt: float, v: Any, z: Any) -> None:
    """Route what enters through the pieces, as `route` does."""
    at, flow = s.at[own.upper], s.lane[0].rest
    k, x, count = own.k, own.x, parts(own.k, own.x, dt)
    h = dt / count
    of_flow, of_store = shares(k, x, h)
    for n in range(own.part, own.part + own.parts):
        had, has = v[n].under_way, z[n].under_way
        for l in range(had.size):
            has[l] = had[l]
    for _ in range(count):
        for l in range(flow.size):
            flow[l] = at.outflow[l] * (1.0 - loss) / dt
        for n in range(own.part, own.part + own.parts):
            has = z[n].under_way
            for l in range(flow.size):
                leaves = of_flow * flow[l] + of_store * has[l]
                has[l] = max(0.0, has[l] + h * (flow[l] - leaves))
                flow[l] = leaves
