"""Energy regime: the lake serves power in its season and is refilled in the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.described import Claim, Course, Days, Place, Policy
from watersim.fields import Varying, Window, field, quantity, varying
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, ask, open_gates, report
from watersim.records import record


class EnergyRegime(Policy):
    """Power asks for a release all year, and in its season nobody gets more.

    ``asked = release × min(1, (S0 − dead storage) / (reserve − dead storage))``. In the season claims
    below are served from what is asked and call for no more. Outside it they may call for more
    than power asks, as far as the zones and priorities let them.
    """

    kind: Literal["energy_regime"]
    season: Days = field("the days on which the lake serves power alone")
    release: Annotated[Varying, varying("flow")] = field("the flow that power asks for")
    reserve: Annotated[float, quantity("volume")] | None = field(
        "the storage below which less is released, down to nothing at dead storage; without it, never",
        default=None,
    )
    priority: int = field("the priority of the release, 1 is served first", ge=1)

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record("section:i", "claim:i", "reserve")
    forcing_record: ClassVar = record("release", "season")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Course]:
        season = Window(self.season.first, self.season.last, inside=1.0)
        return {"release": self.release, "season": season}

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "section": place.section(self.at),
            "claim": place.claim(""),
            "reserve": self.reserve or 0.0,
        }

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.release.is_zero:
            yield (
                "release",
                "is 0 all year: power asks for nothing; correct it, or remove the policy",
            )


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        report(y[i])
        at, out, above = s.at[p[i].section], y[i], p[i].reserve - s.at[p[i].section].dead
        for l in range(out.release_target.size):
            share = max(0.0, at.carry[l] - at.dead) / above if above > 0.0 else 1.0
            out.rationing[l] = min(1.0, share)
            out.release_target[l] = u[i].release[l] * out.rationing[l]
        ask(p[i].claim, out, s, dt)
        for l in range(out.release_target.size):
            if u[i].season[l] > 0.0:
                at.outlet[l] = min(at.outlet[l], out.release_target[l] * dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
