"""Canal: carries water from a river node to a site or to another river node."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Link, Loss, Place
from watersim.fields import Report, Varying, field, varying
from watersim.jit import kernel
from watersim.records import record


class Canal(Link):
    """A canal: ``delivery = flow − loss``, ``flow ≤ capacity``.

    The loss is a share of the flow entering; it leaves the model unless ``loss.to`` names a river
    node. Where several lead to one site, those of smaller `preference` are used first.
    """

    kind: Literal["canal"] = "canal"
    source: str = field("the river node it takes from", alias="from")
    target: str = field("the site or river node it leads to", alias="to")
    capacity: Annotated[Varying, varying("flow")] | None = field(
        "what it carries at most, at its head; without it, unlimited", default=None
    )
    loss: Loss | None = field("the share of the flow entering that is lost", default=None)
    preference: int = field("1 is used first where there is a choice", default=1, ge=1)

    order: ClassVar[int] = 50
    family: ClassVar[str] = "canal"
    reports: ClassVar = (
        Report("canal_flow", "m3 s-1", "flow entering the canal", "flux", "canal_from", "canal"),
        Report("canal_loss", "m3 s-1", "loss of the canal", "flux", "canal", "canal_loss_to"),
        Report("canal_delivery", "m3 s-1", "flow at its end", "flux", "canal", "canal_to"),
    )
    parameter_record: ClassVar = record("claim:i", "transfer:i", "row:i", "limited:i", "loss")
    forcing_record: ClassVar = record("capacity")

    def share_lost(self) -> float:
        """Share of the flow entering that is lost."""
        return self.loss.fraction if self.loss else 0.0

    def forcing(self) -> Mapping[str, Varying | None]:
        return {"capacity": self.capacity}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "claim": place.claim(""),
            "transfer": place.transfer(""),
            "row": place.row(""),
            "limited": self.capacity is not None,
            "loss": self.share_lost(),
        }

    def references(self) -> Iterator[tuple[str, str]]:
        yield "from", self.source
        yield "to", self.target
        if self.loss is not None and self.loss.to not in (None, "groundwater"):
            yield "loss.to", str(self.loss.to)


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        if p[i].transfer >= 0:
            canal = s.transfer[p[i].transfer]
            for l in range(canal.cap.size):
                canal.cap[l] = u[i].capacity[l] * dt if p[i].limited == 1 else math.inf
        elif p[i].row >= 0:
            row = s.row[p[i].row]
            for l in range(row.limit.size):
                row.limit[l] = u[i].capacity[l] * dt


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
