"""Standard operating policy: release what is required as long as there is water, keep the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Claim, Place, Policy
from watersim.fields import Varying, field, varying
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, follow, open_gates
from watersim.records import record


class Standard(Policy):
    """The standard operating policy of a dam with a requirement of its own.

    ``release = min(requirement, water above dead storage)``, and what the full lake cannot keep. It
    saves nothing for later: every other policy is measured against it (Loucks and van Beek 2017,
    Water Resource Systems Planning and Management, doi:10.1007/978-3-319-44234-1, ch. 4).
    """

    kind: Literal["standard"]
    requirement: Annotated[Varying, varying("flow")] = field("the flow that is to leave the dam")
    priority: int = field("its priority, 1 is served first", ge=1)

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record("section:i", "claim:i")
    forcing_record: ClassVar = record("requirement")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Varying]:
        return {"requirement": self.requirement}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {"section": place.section(self.at), "claim": place.claim("")}


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        follow(p[i], u[i].requirement, y[i], s, dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
