"""Reach: the river between two nodes, with loss and a travel time within the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Link, Loss, Place
from watersim.fields import Report, field, quantity
from watersim.jit import kernel
from watersim.records import record


class Reach(Link):
    """A reach: ``S1 = S0 + flow − loss − arrival``.

    The loss is a share of the flow entering. Of the rest, the share ``1 − lag/dt`` arrives within
    the step, with what was under way at its start; the other part is under way at its end.
    """

    kind: Literal["reach"] = "reach"
    loss: Loss | None = field("the share of the flow entering that is lost", default=None)
    lag: Annotated[float, quantity("time")] = field("the travel time", default=0.0)

    order: ClassVar[int] = 5
    family: ClassVar[str] = "reach"
    reports: ClassVar = (
        Report("reach_flow", "m3 s-1", "flow entering the reach", "flux", "reach_from", "reach"),
        Report("reach_loss", "m3 s-1", "evaporation and seepage from the reach", "flux", "reach",
               ""),
        Report("reach_arrival", "m3 s-1", "flow arriving at its end", "flux", "reach", "reach_to"),
        Report("reach_storage", "m3", "water under way at the end of the step", "state", "reach",
               ""),
    )  # fmt: skip
    parameter_record: ClassVar = record("upper:i", "lower:i", "loss", "lag")

    def share_lost(self) -> float:
        """Share of the flow entering that is lost."""
        return self.loss.fraction if self.loss else 0.0

    def gain(self, dt: float) -> float:
        """Share of the flow entering that arrives within a step of dt seconds."""
        return (1.0 - self.share_lost()) * (1.0 - self.lag / dt)

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "upper": place.section("from"),
            "lower": place.section("to"),
            "loss": self.share_lost(),
            "lag": self.lag,
        }

    def initial(self) -> Mapping[str, float]:
        return {"reach_storage": 0.0}

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.loss is not None and self.loss.to not in (None, "groundwater"):
            yield (
                "loss.to",
                f"must be groundwater or absent (got {self.loss.to}); only a canal's loss can "
                "come back to a river node",
            )


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        at, under_way = s.at[p[i].lower], x[i].reach_storage
        for l in range(under_way.size):
            at.runoff[l] += under_way[l]


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
