"""Sites that ask for water: what all of them share, fields and kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from watersim import ground
from watersim.arrays import CONSUMPTIVE, Step
from watersim.described import Claim, Node, Place, Standing
from watersim.fields import Described, Report, Varying, field, quantity, varying
from watersim.ground import Recession, Stored, drained, prompt, remains
from watersim.jit import kernel
from watersim.records import record


class ReturnFlow(Described):
    """The share of the supply that comes back to a river: at once, or through the ground.

    Through the ground it passes a linear store, `outflow = storage / recession`.
    """

    fraction: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of what arrives at the gate"
    )
    to: str = field("the river node it comes back to")
    recession: Recession | None = field(ground.RECESSION, default=None)
    initial_storage: Stored | None = field(ground.INITIAL_STORAGE, default=None)


class Site(Node):
    """A site that asks for water: ``supply = return_flow + consumption ≤ requirement``.

    Its requirement is gross at the site's gate, below its canal. The site stands either ``at`` a
    river node or behind the canals that name it in ``to``.
    """

    at: str | None = field("the river node it takes from, unless canals lead to it", default=None)
    priority: int = field("its priority, 1 is served first", ge=1)
    return_flow: ReturnFlow | None = field("what comes back to the river", default=None)

    order: ClassVar[int] = 8
    place: ClassVar[Standing] = "site"
    family: ClassVar[str] = "site"
    sector: ClassVar[str]
    reports: ClassVar[tuple[Report, ...]] = (
        Report("requirement", "m3 s-1", "flow asked for at the site's gate", "diagnostic"),
        Report("supply", "m3 s-1", "flow that arrived at the site's gate", "diagnostic"),
        Report("deficit", "m3 s-1", "requirement − supply", "diagnostic"),
        Report("diversion", "m3 s-1", "flow taken from the river, losses of the canals included",
               "flux", "diversion_from", "diversion_to"),
        Report("return_flow", "m3 s-1", "flow that comes back to the river", "flux", "site",
               "return_to"),
        Report("consumption", "m3 s-1", "water that leaves for good: supply − what comes back of it, "
               "now or later; of cropland evapotranspiration and what is lost on its way", "flux",
               "site", ""),
        Report("groundwater_storage", "m3", "return flow on its way through the ground at the end "
               "of the step", "state", "site", ""),
    )  # fmt: skip
    parameter_record: ClassVar = record("claim:i", "back", "back_to:i", "recession")

    def claims(self) -> list[Claim]:
        known = "requirement" if "requirement" in self.forcing() else ""
        return [Claim("", CONSUMPTIVE, self.priority, self.sector, ahead=known)]

    def return_flow_to(self) -> tuple[float, str] | None:
        return (self.return_flow.fraction, self.return_flow.to) if self.return_flow else None

    def returns_within(self, dt: float) -> float:
        return ground.within(self.return_flow.recession if self.return_flow else None, dt)

    def parameters(self, place: Place) -> Mapping[str, float]:
        back = self.return_flow
        return {
            "claim": place.claim(""),
            "back": back.fraction if back else 0.0,
            "back_to": place.section(back.to) if back else -1,
            "recession": (back.recession or 0.0) if back else 0.0,
        }

    def initial(self) -> Mapping[str, float]:
        stored = self.return_flow.initial_storage if self.return_flow else None
        return {"groundwater_storage": stored or 0.0}

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        back = self.return_flow
        if back is not None:
            yield from ground.problems("return_flow", back.recession, back.initial_storage)

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


class Demand(Site):
    """A site whose requirement is given."""

    requirement: Annotated[Varying, varying("flow")] = field("the flow it asks for at its gate")

    forcing_record: ClassVar = record("requirement")

    def forcing(self) -> Mapping[str, Varying | None]:
        return {"requirement": self.requirement}

    def asks_for_water(self) -> bool:
        return not self.requirement.is_zero


@kernel
def from_ground(own: Any, x: Any, claim: Any, s: Step, dt: float) -> None:
    """Let earlier return flow come back from the ground."""
    claim.prompt = 1.0
    for l in range(claim.need.size):
        claim.ground[l] = 0.0
    if own.recession > 0.0:
        claim.prompt = prompt(own.recession, dt)
        at, stored = s.at[own.back_to], x.groundwater_storage
        leaves = drained(own.recession, dt)
        for l in range(claim.need.size):
            claim.ground[l] = stored[l] * leaves
            at.runoff[l] += claim.ground[l]


@kernel
def settle(own: Any, asked: Any, x: Any, out: Any, claim: Any, dt: float) -> None:
    """Write what a site asked for (m3/s in lanes) and got, and what comes back of it."""
    stored, back = x.groundwater_storage, own.back
    leaves = drained(own.recession, dt) if own.recession > 0.0 else 1.0
    for l in range(claim.need.size):
        given = claim.supply[l] / dt
        given = asked[l] if claim.supply[l] == claim.need[l] else given
        leaves_ground = stored[l] * leaves
        comes_back = claim.supply[l] * back
        out.requirement[l] = asked[l]
        out.supply[l] = given
        out.deficit[l] = max(0.0, asked[l] - given)
        out.diversion[l] = (claim.supply[l] + claim.way_loss[l]) / dt
        out.return_flow[l] = (claim.way_return[l] + leaves_ground) / dt
        out.consumption[l] = max(0.0, (claim.supply[l] - comes_back) / dt)
        stays = remains(stored[l], leaves_ground, comes_back, claim.way_return[l])
        out.groundwater_storage[l] = stays if leaves < 1.0 else 0.0


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        claim, asked = s.claim[p[i].claim], u[i].requirement
        for l in range(claim.need.size):
            claim.need[l] = asked[l] * dt
        from_ground(p[i], x[i], claim, s, dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        settle(p[i], u[i].requirement, x[i], y[i], s.claim[p[i].claim], dt)
