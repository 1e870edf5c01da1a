"""Target storage: released evenly, or as planned, so that the lake holds a target on the next of some dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.dated import Ahead, ByDate, Dated
from watersim.described import Claim, Course, Place, Policy
from watersim.fields import Varying, field, quantity, varying
from watersim.jit import kernel
from watersim.operation import (
    POLICY_REPORTS,
    arriving,
    ask,
    foreseen,
    hold_back,
    open_gates,
    report,
)
from watersim.records import record


class TargetStorage(Policy):
    """A storage that is to be reached by date with an even release, or with an even share of a plan.

    ``release = (S0 + inflow foreseen − target) / time until the date``; with a `plan`
    ``plan × (S0 + inflow foreseen − target) / volume planned until the date``; at least `minimum`
    and at most `maximum`. Foreseen is the inflow of this step, as it comes, and from its end until the
    date what is expected, or the same inflow where nothing is expected. Evaporation is not foreseen.
    """

    kind: Literal["target_storage"]
    targets: ByDate = field("the storage to be held on days of the year: {04-01: 600 hm3}")
    expected_inflow: Annotated[Varying, varying("flow")] | None = field(
        "the inflow expected in later steps, a profile of the year; without it, that of this step",
        default=None,
    )
    persistence: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of this step's departure from the expected inflow that is expected to last",
        default=0.0,
    )
    plan: Annotated[Varying, varying("flow")] | None = field(
        "the course of the release, a profile of the year: what is released is everywhere the same "
        "share of it; without it, the release is even",
        default=None,
    )
    minimum: Annotated[Varying, varying("flow")] | None = field(
        "what is released at least", default=None
    )
    maximum: Annotated[Varying, varying("flow")] | None = field(
        "what is released at most, unless the lake is full", default=None
    )
    priority: int = field("the priority of the release, 1 is served first", ge=1)

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record(
        "section:i", "claim:i", "persistence", "expects:i", "planned:i", "capped:i"
    )
    forcing_record: ClassVar = record(
        "target", "seconds", "expected", "ahead", "plan", "planned_ahead", "minimum", "maximum"
    )

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Course]:
        points, expected = tuple(self.targets.items()), self.expected_inflow
        days = tuple(self.targets)
        return {
            "target": Dated(points, "next"),
            "seconds": Dated(points, "seconds"),
            "expected": expected,
            "ahead": Ahead(expected, days) if expected else None,
            "plan": self.plan,
            "planned_ahead": Ahead(self.plan, days) if self.plan else None,
            "minimum": self.minimum,
            "maximum": self.maximum,
        }

    def storages(self) -> Iterator[tuple[str, float]]:
        return ((f"targets.{day}", storage) for day, storage in self.targets.items())

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            "section": place.section(self.at),
            "claim": place.claim(""),
            "persistence": self.persistence,
            "expects": self.expected_inflow is not None,
            "planned": self.plan is not None,
            "capped": self.maximum is not None,
        }

    def needs_second_pass(self) -> bool:
        return True

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.persistence > 0.0 and self.expected_inflow is None:
            yield (
                "persistence",
                "needs an 'expected_inflow' to depart from; give it, or leave this out",
            )


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        report(y[i])
        at, own, out = s.at[p[i].section], u[i], y[i]
        for l in range(out.release_target.size):
            inflow = arriving(p[i].section, own.expected, l, s, dt, again)
            comes = inflow / dt * own.seconds[l]
            if p[i].expects == 1:
                comes = foreseen(inflow, own.expected[l], own.ahead[l], p[i].persistence, dt)
            share = 1.0 / own.seconds[l]  # of what is to leave, per second
            if p[i].planned == 1:
                planned = own.plan[l] * dt + own.planned_ahead[l]
                share = own.plan[l] / planned if planned > 0.0 else 0.0
            leads = (at.carry[l] + comes - own.target[l]) * share
            most = max(own.maximum[l], own.minimum[l]) if p[i].capped == 1 else leads
            out.release_target[l] = max(own.minimum[l], min(most, leads), 0.0)
        ask(p[i].claim, y[i], s, dt)
        hold_back(p[i].section, y[i], s, dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
