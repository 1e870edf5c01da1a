"""Catchment: natural runoff enters the river here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Node, Place
from watersim.fields import Report, Varying, field, varying
from watersim.jit import kernel
from watersim.records import record


class Catchment(Node):
    """A source of natural flow: ``inflow = runoff`` (+ what arrives from above)."""

    kind: Literal["catchment"]
    runoff: Annotated[Varying, varying("flow")] = field("the natural flow it yields")

    order: ClassVar[int] = 10
    family: ClassVar[str] = "catchment"
    reports: ClassVar = (
        Report("runoff", "m3 s-1", "natural flow of the catchment", "flux", "", "catchment"),
    )
    parameter_record: ClassVar = record("section:i")
    forcing_record: ClassVar = record("runoff")

    def forcing(self) -> Mapping[str, Varying | None]:
        return {"runoff": self.runoff}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {"section": place.section("")}


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        at, runoff = s.at[p[i].section], u[i].runoff
        for l in range(runoff.size):
            at.runoff[l] += runoff[l] * dt


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        for l in range(u[i].runoff.size):
            y[i].runoff[l] = u[i].runoff[l]
