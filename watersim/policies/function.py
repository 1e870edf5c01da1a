"""Function: the release that a Python function of the user's own gives, called between steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Claim, Place, Policy
from watersim.fields import Varying, field
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, follow, open_gates
from watersim.records import record


class Function(Policy):
    """A rule of one's own, written in Python.

    ``release = min(function(situation), water above dead storage)``, and what the full lake cannot
    keep. The function is called before each step with what is known then (`watersim.rules`), which
    takes far longer than the step itself.
    """

    kind: Literal["function"]
    function: str = field("the name of the function, which is given to the run")
    priority: int = field("the priority of the release, 1 is served first", ge=1)

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record("section:i", "claim:i")
    forcing_record: ClassVar = record("release")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def function_name(self) -> str:
        return self.function

    def forcing(self) -> Mapping[str, Varying | None]:
        return {"release": None}  # written between steps

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {"section": place.section(self.at), "claim": place.claim("")}


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        follow(p[i], u[i].release, y[i], s, dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
