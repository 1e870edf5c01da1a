"""Reach: the river between two nodes, with a loss and a travel time of any length."""

from __future__ import annotations

from collections.abc import Mapping
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
from watersim.timeline import shares_due
from watersim.waterway import Waterway, give_back, slots

SHARE = 1.0 / 3.0  # of a step, that a reach may hold back within the fill


class Reach(Waterway):
    """A reach: ``S1 = S0 + flow − loss − arrival``.

    The loss is a share of the flow entering. What enters evenly over a step arrives evenly over a
    span of the same length, `lag` later: the share ``1 − lag/dt`` within the step, if that is more
    than 0, the other part in the steps in which that span lies. Of the loss the share `returning`
    comes back at the lower end, at once or through the ground.
    """

    kind: Literal["reach"] = "reach"
    lag: Annotated[float, quantity("time")] = field("the travel time", default=0.0)

    parameter_record: ClassVar = record(
        "upper:i", "lower:i", "cut:i", "part:i", "parts:i", "seasonal:i", "loss", "lag",
        "share_back", "recession",
    )  # fmt: skip
    part_forcing_record: ClassVar = record("share", "loss")

    def travel_time(self) -> float:
        return self.lag

    def within(self, dt: float) -> float:
        return max(0.0, 1.0 - self.lag / dt)

    def cuts(self) -> bool:
        return self.lag > SHARE * self.lengths()[0]

    def count(self) -> int:
        """How many steps ahead water is due; 0 where a number for all under way says as much."""
        return slots(self.lengths(), self.lag) if self.cuts() or self.is_seasonal() else 0

    def part_names(self) -> list[str]:
        return [str(k + 1) for k in range(self.count())]

    def part_forcing(self) -> list[Mapping[str, Given]]:
        return [
            {"share": Computed(partial(shares_due, self.lag, k + 1)), **self.forcing_of_parts()}
            for k in range(self.count())
        ]

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [{} for _ in range(self.count())]

    def part_initial(self, seconds: NDArray[np.float64]) -> list[Mapping[str, float]]:
        ends = np.cumsum(seconds[: self.count()])
        due = np.diff(np.minimum(ends, self.lag), prepend=0.0) * (self.initial_flow or 0.0)
        return [{"under_way": float(volume)} for volume in due]

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "upper": place.section("from"),
            "lower": place.section("to"),
            "cut": place.cut(),
            "part": place.part(),
            "parts": self.count(),
            "seasonal": self.is_seasonal(),
            "loss": self.share_lost(),
            "lag": self.lag,
            "share_back": self.share_back(),
            "recession": self.recession(),
        }


@kernel
def before(
    p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, v: Any, z: Any, s: Step, dt: float, again: int
) -> None:
    for i in range(p.shape[0]):
        at = s.at[p[i].lower]
        if p[i].parts == 0:
            under_way = x[i].reach_storage
            for l in range(under_way.size):
                at.runoff[l] += under_way[l]
        else:
            due = v[p[i].part].under_way
            for l in range(due.size):
                at.runoff[l] += due[l]
        if p[i].cut >= 0:
            cut, stored, arrives = s.cut[p[i].cut], x[i].reach_storage, v[p[i].part].under_way
            more = max(0.0, dt - p[i].lag) / p[i].lag
            for l in range(stored.size):
                cut.due[l] = arrives[l]
                cut.more[l] = stored[l] * more
                cut.under_way[l] = stored[l]
        if p[i].recession > 0.0:
            stored, leaves = x[i].reach_groundwater_storage, drained(p[i].recession, dt)
            for l in range(stored.size):
                at.runoff[l] += stored[l] * leaves


@kernel
def after(
    p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, v: Any, z: Any, s: Step, dt: float
) -> None:
    for i in range(p.shape[0]):
        at, out, under_way = s.at[p[i].upper], y[i], x[i].reach_storage
        loss, lag = p[i].loss, p[i].lag
        arrives = (1.0 - loss) * (1.0 - lag / dt)
        for l in range(under_way.size):
            entering = at.outflow[l]
            now = entering * arrives
            lost = entering * loss if lag > 0.0 else entering - now
            out.reach_flow[l] = entering / dt
            out.reach_loss[l] = lost / dt
            out.reach_arrival[l] = (now + under_way[l]) / dt
            out.reach_storage[l] = max(0.0, entering - lost - now) if lag > 0.0 else 0.0
    for i in range(p.shape[0]):  # apart, so that the loop above stays lean
        if p[i].parts > 0:
            _send(p[i], w, y[i], s, dt, v, z)
        if p[i].share_back > 0.0 or p[i].recession > 0.0:
            give_back(p[i], x[i].reach_groundwater_storage, y[i], dt)


@kernel
def _send(own: Any, w: Any, out: Any, s: Step, dt: float, v: Any, z: Any) -> None:
    """Send what enters a long reach to the steps in which it is due; all others come a step nearer."""
    at, first, last = s.at[own.upper], own.part, own.part + own.parts - 1
    loss = w[first].loss if own.seasonal == 1 else own.loss
    within = max(0.0, 1.0 - own.lag / dt)
    due = v[first].under_way
    for l in range(due.size):
        entering = at.outflow[l]
        lost = entering * loss
        out.reach_flow[l] = entering / dt
        out.reach_loss[l] = lost / dt
        out.reach_arrival[l] = ((entering - lost) * within + due[l]) / dt
        out.reach_storage[l] = 0.0
    for k in range(first, last + 1):
        later, now, share = v[min(k + 1, last)].under_way, z[k].under_way, w[k].share
        goes_on = 1.0 if k < last else 0.0
        for l in range(due.size):
            entering = at.outflow[l]
            now[l] = goes_on * later[l] + (entering - entering * loss) * share
            out.reach_storage[l] += now[l]
