"""Energy regime: the lake serves power in its season and is refilled in the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.dated import Ahead, day_after
from watersim.described import Claim, Course, Days, Place, Policy
from watersim.fields import Varying, Window, field, quantity, varying
from watersim.jit import kernel
from watersim.operation import POLICY_REPORTS, arriving, ask, foreseen, open_gates, report
from watersim.records import record


class EnergyRegime(Policy):
    """Power asks for a release all year, and in its season nobody gets more.

    ``asked = release × min(1, (S0 − reserve + inflow foreseen) / release ahead)`` in the season, both
    until its end: a shortage that is foreseen is spread over it, so that the reserve is left. Claims
    below are then served from what is asked and call for no more. Outside the season power asks
    for its release, and they may call for more, as far as zones and priorities let them.
    """

    kind: Literal["energy_regime"]
    season: Days = field("the days on which the lake serves power alone")
    release: Annotated[Varying, varying("flow")] = field("the flow that power asks for")
    reserve: Annotated[float, quantity("volume")] | None = field(
        "the storage that is to be left at the season's end; without it, nothing is rationed",
        default=None,
    )
    expected_inflow: Annotated[Varying, varying("flow")] | None = field(
        "the inflow expected in later steps, a profile of the year", default=None
    )
    persistence: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of this step's departure from the expected inflow that is expected to last",
        default=0.0,
    )
    priority: int = field("the priority of the release, 1 is served first", ge=1)

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record(
        "section:i", "claim:i", "rations:i", "reserve", "persistence"
    )
    forcing_record: ClassVar = record("release", "season", "expected", "ahead", "release_ahead")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Course]:
        end, expected = (day_after(self.season.last),), self.expected_inflow
        return {
            "release": self.release,
            "season": Window(self.season.first, self.season.last, inside=1.0),
            "expected": expected,
            "ahead": Ahead(expected, end) if expected else None,
            "release_ahead": Ahead(self.release, end) if expected else None,
        }

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "section": place.section(self.at),
            "claim": place.claim(""),
            "rations": self.reserve is not None,
            "reserve": self.reserve or 0.0,
            "persistence": self.persistence,
        }

    def needs_second_pass(self) -> bool:
        return self.reserve is not None

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.release.is_zero:
            message = "is 0 all year: power asks for nothing; correct it, or remove the policy"
            yield "release", message
        pair = {"reserve": self.reserve, "expected_inflow": self.expected_inflow}
        given = [key for key, value in pair.items() if value is not None]
        if len(given) == 1:
            (other,) = set(pair) - set(given)
            yield given[0], f"goes with '{other}': who rations looks ahead; give both, or neither"
        if self.persistence > 0.0 and self.expected_inflow is None:
            message = "needs an 'expected_inflow' to depart from; give it, or leave this out"
            yield "persistence", message


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        report(y[i])
        at, own, out = s.at[p[i].section], u[i], y[i]
        for l in range(out.release_target.size):
            asked = own.release[l] * dt
            if p[i].rations == 1 and own.season[l] > 0.0:
                live = at.carry[l] - p[i].reserve
                inflow = arriving(p[i].section, own.expected, l, s, dt, again)
                ahead, wanted = own.ahead[l], asked + own.release_ahead[l]
                comes = foreseen(inflow, own.expected[l], ahead, p[i].persistence, dt)
                share = (live + comes) / wanted if wanted > 0.0 else 1.0
                out.rationing[l] = max(0.0, min(1.0, share))
            out.release_target[l] = own.release[l] * out.rationing[l]
        ask(p[i].claim, out, s, dt)
        for l in range(out.release_target.size):
            if own.season[l] > 0.0:
                at.outlet[l] = min(at.outlet[l], out.release_target[l] * dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
