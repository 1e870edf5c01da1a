"""Gauge: a point of the river where flow is measured and an environmental flow may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import INSTREAM_LEAVING, Step
from watersim.described import Claim, Node, Place
from watersim.fields import Described, Varying, field, varying
from watersim.jit import kernel
from watersim.records import record


class EnvironmentalFlow(Described):
    """A flow that must stay in the river, measured on what leaves the node."""

    flow: Annotated[Varying, varying("flow")] = field("the flow that must stay in the river")
    priority: int = field("its priority, 1 is served first", ge=1)


class Gauge(Node):
    """A gauge: ``outflow = inflow − diversions``; the claim is ``outflow ≥ environmental flow``."""

    kind: Literal["gauge"]
    environmental_flow: EnvironmentalFlow | None = field(
        "the flow that must pass, with its priority", default=None
    )

    order: ClassVar[int] = 45
    family: ClassVar[str] = "gauge"
    parameter_record: ClassVar = record("claim:i")
    forcing_record: ClassVar = record("environmental_flow")

    def claims(self) -> list[Claim]:
        if self.environmental_flow is None:
            return []
        priority = self.environmental_flow.priority
        key = "environmental_flow"
        return [Claim(key, INSTREAM_LEAVING, priority, "environment", ahead=key)]

    def forcing(self) -> Mapping[str, Varying | None]:
        asked = self.environmental_flow
        return {"environmental_flow": asked.flow if asked else None}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {"claim": place.claim("environmental_flow")}


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        if p[i].claim >= 0:
            claim = s.claim[p[i].claim]
            for l in range(claim.need.size):
                claim.need[l] = u[i].environmental_flow[l] * dt
