"""Rule curve: the storage that is kept by date; what stands above it is released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.dated import ByDate, Dated
from watersim.described import Course, Place, Policy
from watersim.fields import field
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, report
from watersim.records import record


class RuleCurve(Policy):
    """The zones of a reservoir end at a curve that is given by dates, straight lines between them.

    ``kept in a zone ≤ curve − what the zones below it keep``. What stands above the curve at the
    end of a step is released, as fast as the outlet passes it; below the curve claims draw on the
    lake as its zones' priorities say.
    """

    kind: Literal["rule_curve"]
    curve: ByDate = field("the storage kept on days of the year: {04-01: 6 km3, 10-01: 17 km3}")

    limits_release: ClassVar[bool] = False
    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record("section:i", "part:i", "parts:i")
    forcing_record: ClassVar = record("curve")
    part_record: ClassVar = record("claim:i")

    def forcing(self) -> Mapping[str, Course]:
        return {"curve": Dated(tuple(self.curve.items()), "curve")}

    def storages(self) -> Iterator[tuple[str, float]]:
        return ((f"curve.{day}", storage) for day, storage in self.curve.items())

    def parameters(self, place: Place) -> Mapping[str, float]:
        zones = place.node(self.at).zone_names()
        return {"section": place.section(self.at), "part": place.part(), "parts": len(zones)}

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [{"claim": place.claim(zone, self.at)} for zone in place.node(self.at).zone_names()]


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        report(y[i])
        at = s.at[p[i].section]
        for l in range(y[i].rationing.size):
            room = max(0.0, u[i].curve[l] - at.withheld[l])
            for k in range(p[i].part, p[i].part + p[i].parts):
                zone = s.claim[q[k].claim]
                zone.need[l] = min(zone.need[l], room)
                room -= zone.need[l]
