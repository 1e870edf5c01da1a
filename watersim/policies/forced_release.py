"""Forced release: a given series leaves the dam, limited only by the water there and the outlet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Claim, Place, Policy
from watersim.fields import Varying, field, varying
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, follow
from watersim.records import record


class ForcedRelease(Policy):
    """A given release, as it was observed or is planned.

    ``outflow = min(release, water above dead storage, outlet_capacity) + spill``. Claims below are
    served from it and call for no more; what the full lake cannot keep goes over the crest.
    """

    kind: Literal["forced_release"]
    release: Annotated[Varying, varying("flow")] = field("the flow that leaves the dam")
    priority: int = field("its priority, 1 is served first", default=1, ge=1)

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record("section:i", "claim:i")
    forcing_record: ClassVar = record("release")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Varying]:
        return {"release": self.release}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {"section": place.section(self.at), "claim": place.claim("")}


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        follow(p[i], u[i].release, y[i], s, dt)
