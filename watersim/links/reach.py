"""Reach: the river between two nodes, with loss and a travel time within the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Link, Place
from watersim.fields import Report, field, quantity
from watersim.ground import drained, part, prompt
from watersim.jit import kernel
from watersim.records import record


class Reach(Link):
    """A reach: ``S1 = S0 + flow − loss − arrival``.

    The loss is a share of the flow entering. Of the rest, the share ``1 − lag/dt`` arrives within
    the step, with what was under way at its start; the other part is under way at its end. Of the
    loss the share `returning` comes back at the lower end, at once or through the ground.
    """

    kind: Literal["reach"] = "reach"
    lag: Annotated[float, quantity("time")] = field("the travel time", default=0.0)

    order: ClassVar[int] = 5
    family: ClassVar[str] = "reach"
    reports: ClassVar = (
        Report("reach_flow", "m3 s-1", "flow entering the reach", "flux", "reach_from", "reach"),
        Report("reach_loss", "m3 s-1", "evaporation and seepage from the reach, gone for good",
               "flux", "reach", ""),
        Report("reach_return_flow", "m3 s-1", "what comes back to the river of losses, of this step "
               "and of earlier ones", "flux", "reach", "reach_loss_to"),
        Report("reach_arrival", "m3 s-1", "flow arriving at its end", "flux", "reach", "reach_to"),
        Report("reach_storage", "m3", "water under way at the end of the step", "state", "reach",
               ""),
        Report("reach_groundwater_storage", "m3", "loss on its way back through the ground at the "
               "end of the step", "state", "reach", ""),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "upper:i", "lower:i", "loss", "lag", "share_back", "recession"
    )

    def gain(self, dt: float) -> float:
        """Share of the flow entering that reaches its end within a step of dt seconds.

        By the river, and of the loss what comes back so soon.
        """
        by_river = (1.0 - self.share_lost()) * (1.0 - self.lag / dt)
        return by_river + self.share_lost() * self.back_within(dt)

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "upper": place.section("from"),
            "lower": place.section("to"),
            "loss": self.share_lost(),
            "lag": self.lag,
            "share_back": self.share_back(),
            "recession": self.recession(),
        }

    def initial(self) -> Mapping[str, float]:
        return {"reach_storage": 0.0, "reach_groundwater_storage": self.in_ground()}


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        at, under_way = s.at[p[i].lower], x[i].reach_storage
        for l in range(under_way.size):
            at.runoff[l] += under_way[l]
        if p[i].recession > 0.0:
            stored, leaves = x[i].reach_groundwater_storage, drained(p[i].recession, dt)
            for l in range(stored.size):
                at.runoff[l] += stored[l] * leaves


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
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
        if p[i].share_back > 0.0 or p[i].recession > 0.0:
            _return(p[i], x[i].reach_groundwater_storage, y[i], dt)


@kernel
def _return(own: Any, stored: Any, out: Any, dt: float) -> None:
    """Part what a reach lost: what comes back, now or later, and what is gone."""
    now = own.share_back
    now *= prompt(own.recession, dt) if own.recession > 0.0 else 1.0
    part(
        out.reach_loss, out.reach_return_flow, out.reach_groundwater_storage, stored,
        own.share_back, now, own.recession, dt,
    )  # fmt: skip
