"""Canal: carries water from a river node to a site or to another river node."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Link, Place
from watersim.fields import Report, Varying, field, quantity, varying
from watersim.ground import drained, part, prompt
from watersim.jit import kernel
from watersim.records import record
from watersim.water import JOULE_PER_M3_AND_METRE


class Canal(Link):
    """A canal: ``flow = delivery + loss + return flow + growth of the store``, ``flow ≤ capacity``.

    A share of the flow entering is lost on the way. It leaves the model unless ``loss.to`` names a
    river node; then the share `returning` of it comes back there, at once or through the ground.
    Where several lead to one site, those of smaller `preference` are used first. Lifting the flow
    takes ``ρ g flow lift / pump_efficiency``.
    """

    kind: Literal["canal"] = "canal"
    source: str = field("the river node it takes from", alias="from")
    target: str = field("the site or river node it leads to", alias="to")
    capacity: Annotated[Varying, varying("flow")] | None = field(
        "what it carries at most, at its head; without it, unlimited", default=None
    )
    preference: int = field("1 is used first where there is a choice", default=1, ge=1)
    lift: Annotated[float, quantity("length")] | None = field(
        "the height its pumps lift the flow at its head", default=None
    )
    pump_efficiency: Annotated[float, quantity("fraction", least=0.01, most=1.0)] | None = field(
        "overall efficiency of its pumps and motors", default=None
    )

    order: ClassVar[int] = 32  # before a grid, which feeds its pumps
    family: ClassVar[str] = "canal"
    reports: ClassVar = (
        Report("canal_flow", "m3 s-1", "flow entering the canal", "flux", "canal_from", "canal"),
        Report("canal_loss", "m3 s-1", "lost on the way and gone for good, to evaporation and the "
               "ground", "flux", "canal", ""),
        Report("canal_return_flow", "m3 s-1", "what comes back to a river of losses, of this step "
               "and of earlier ones", "flux", "canal", "canal_loss_to"),
        Report("canal_delivery", "m3 s-1", "flow at its end", "flux", "canal", "canal_to"),
        Report("canal_groundwater_storage", "m3", "loss on its way back through the ground at the "
               "end of the step", "state", "canal", ""),
        Report("pumping_energy", "J", "energy that lifted its flow in the step", "diagnostic"),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "claim:i", "transfer:i", "row:i", "limited:i", "loss", "share_back", "back_to:i",
        "recession", "pump:i", "joule_per_m3",
    )  # fmt: skip
    forcing_record: ClassVar = record("capacity")

    def forcing(self) -> Mapping[str, Varying | None]:
        return {"capacity": self.capacity}

    def parameters(self, place: Place) -> Mapping[str, float]:
        to = self.returns_to()
        per_metre = JOULE_PER_M3_AND_METRE / (self.pump_efficiency or 1.0)
        return {
            "claim": place.claim(""),
            "transfer": place.transfer(""),
            "row": place.row(""),
            "limited": self.capacity is not None,
            "loss": self.share_lost(),
            "share_back": self.share_back(),
            "back_to": place.section(to) if to else -1,
            "recession": self.recession(),
            "pump": place.pump(""),
            "joule_per_m3": per_metre * (self.lift or 0.0),
        }

    def initial(self) -> Mapping[str, float]:
        return {"canal_groundwater_storage": self.in_ground()}

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().problems(tables)
        if self.is_seasonal():
            yield "loss.fraction", "changes with the season, as only that of a reach may; give one"
        if self.lift is not None and self.pump_efficiency is None:
            yield (
                "pump_efficiency",
                "is required with 'lift'; give that of pumps and motors, such as 70 %",
            )
        if self.lift is None and self.pump_efficiency is not None:
            yield "lift", "is required with 'pump_efficiency'; give the height, such as 40 m"

    def references(self) -> Iterator[tuple[str, str]]:
        yield "from", self.source
        yield "to", self.target
        to = self.returns_to()
        if to is not None:
            yield "loss.to", to


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        if p[i].pump >= 0:
            pump, per_m3 = s.pump[p[i].pump], p[i].joule_per_m3 * again  # nothing flowed before
            _entering(p[i].transfer, p[i].claim, s, pump.energy)
            for l in range(pump.energy.size):
                pump.energy[l] *= per_m3
        if p[i].transfer >= 0:
            canal = s.transfer[p[i].transfer]
            for l in range(canal.cap.size):
                canal.cap[l] = u[i].capacity[l] * dt if p[i].limited == 1 else math.inf
        elif p[i].row >= 0:
            row = s.row[p[i].row]
            for l in range(row.limit.size):
                row.limit[l] = u[i].capacity[l] * dt
        if p[i].recession > 0.0:
            back = p[i].share_back * prompt(p[i].recession, dt)
            if p[i].transfer >= 0:
                s.transfer[p[i].transfer].loss_back = back
            else:
                s.claim[p[i].claim].loss_back = back
            at, stored = s.at[p[i].back_to], x[i].canal_groundwater_storage
            leaves = drained(p[i].recession, dt)
            for l in range(stored.size):
                at.runoff[l] += stored[l] * leaves


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        out, share = y[i], p[i].loss
        if p[i].transfer >= 0:
            canal = s.transfer[p[i].transfer]
            for l in range(canal.carried.size):
                entering = canal.carried[l]
                lost = entering * share
                out.canal_flow[l] = entering / dt
                out.canal_loss[l] = lost / dt
                out.canal_delivery[l] = (entering - lost) / dt
        else:
            claim = s.claim[p[i].claim]
            for l in range(claim.supply.size):
                out.canal_flow[l] = (claim.supply[l] + claim.way_loss[l]) / dt
                out.canal_loss[l] = claim.way_loss[l] / dt
                out.canal_delivery[l] = claim.supply[l] / dt
    for i in range(p.shape[0]):  # apart, so that the loop above stays lean
        out = y[i]
        if p[i].back_to >= 0:
            _return(p[i], x[i].canal_groundwater_storage, out, s, dt)
        if p[i].pump >= 0:
            pump, per_m3 = s.pump[p[i].pump], p[i].joule_per_m3
            for l in range(pump.energy.size):
                out.pumping_energy[l] = out.canal_flow[l] * dt * per_m3
                pump.energy[l] = out.pumping_energy[l]


@kernel
def _entering(transfer: int, claim: int, s: Step, volume: Any) -> None:
    """Write what entered a canal in the pass before, m3."""
    if transfer >= 0:
        canal = s.transfer[transfer]
        for l in range(volume.size):
            volume[l] = canal.carried[l]
    else:
        site = s.claim[claim]
        for l in range(volume.size):
            volume[l] = site.supply[l] + site.way_loss[l]


@kernel
def _return(own: Any, stored: Any, out: Any, s: Step, dt: float) -> None:
    """Part what a canal lost: what comes back, now or later, and what is gone."""
    now = s.transfer[own.transfer].loss_back if own.transfer >= 0 else s.claim[own.claim].loss_back
    part(
        out.canal_loss, out.canal_return_flow, out.canal_groundwater_storage, stored,
        own.share_back, now, own.recession, dt,
    )  # fmt: skip
