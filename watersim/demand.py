"""Demand sites: what irrigation and municipal sites share, fields and kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.described import Claim, Node, Place
from watersim.fields import Described, Report, Varying, field, quantity, varying
from watersim.jit import kernel
from watersim.records import record
from watersim.step import CONSUMPTIVE, Step


class ReturnFlow(Described):
    """The share of the supply that comes back to a river, within the same step."""

    fraction: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of what arrives at the gate"
    )
    to: str = field("the river node it comes back to")


class Demand(Node):
    """A site that asks for water: ``supply = return_flow + consumption ≤ requirement``.

    `requirement` is gross at the site's gate, below its canal. The site stands either ``at`` a
    river node or behind the canals that name it in ``to``.
    """

    at: str | None = field("the river node it takes from, unless canals lead to it", default=None)
    priority: int = field("its priority, 1 is served first", ge=1)
    requirement: Annotated[Varying, varying("flow")] = field("the flow it asks for at its gate")
    return_flow: ReturnFlow | None = field("what comes back to the river", default=None)

    order: ClassVar[int] = 40
    place: ClassVar[Literal["river", "site", "plant"]] = "site"
    family: ClassVar[str] = "site"
    sector: ClassVar[str]
    reports: ClassVar = (
        Report("requirement", "m3 s-1", "flow asked for at the site's gate", "diagnostic"),
        Report("supply", "m3 s-1", "flow that arrived at the site's gate", "diagnostic"),
        Report("deficit", "m3 s-1", "requirement − supply", "diagnostic"),
        Report("diversion", "m3 s-1", "flow taken from the river, losses of the canals included",
               "flux", "diversion_from", "diversion_to"),
        Report("return_flow", "m3 s-1", "flow that comes back to the river", "flux", "site",
               "return_to"),
        Report("consumption", "m3 s-1", "supply − return flow", "flux", "site", ""),
    )  # fmt: skip
    parameter_record: ClassVar = record("claim:i")
    forcing_record: ClassVar = record("requirement")

    def claims(self) -> list[Claim]:
        return [Claim("", CONSUMPTIVE, self.priority, self.sector)]

    def return_flow_to(self) -> tuple[float, str] | None:
        return (self.return_flow.fraction, self.return_flow.to) if self.return_flow else None

    def forcing(self) -> Mapping[str, Varying | None]:
        return {"requirement": self.requirement}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {"claim": place.claim("")}

    def references(self) -> Iterator[tuple[str, str]]:
        if self.at is not None:
            yield "at", self.at
        if self.return_flow is not None:
            yield "return_flow.to", self.return_flow.to

    def coordinates(self) -> dict[str, Any]:
        return {
            "at": self.at or "",
            "sector": self.sector,
            "return_to": self.return_flow.to if self.return_flow else "",
        }


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        claim = s.claim[p[i].claim]
        for l in range(claim.need.size):
            claim.need[l] = u[i].requirement[l] * dt


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        claim, asked, out = s.claim[p[i].claim], u[i].requirement, y[i]
        for l in range(claim.need.size):
            given = claim.supply[l] / dt
            given = asked[l] if claim.supply[l] == claim.need[l] else given
            out.requirement[l] = asked[l]
            out.supply[l] = given
            out.deficit[l] = max(0.0, asked[l] - given)
            out.diversion[l] = (claim.supply[l] + claim.way_loss[l]) / dt
            out.return_flow[l] = claim.way_return[l] / dt
            out.consumption[l] = max(0.0, (claim.supply[l] - claim.way_return[l]) / dt)
