"""Hedging: a dam gives less than is required before it is empty, so that no later cut is worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from watersim.arrays import Step
from watersim.dated import Ahead, day_after
from watersim.described import Claim, Course, Days, Place, Policy
from watersim.fields import Described, Varying, Window, field, quantity, varying
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

TRIGGER, PHASES, SPREAD = 0, 1, 2


class Phase(Described):
    """A share of the requirement that is given while there is less water than a threshold."""

    below: Annotated[Varying, varying("volume")] = field("the water below which it holds")
    share: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of the requirement that is given then"
    )


class Spread(Described):
    """A shortage that is foreseen is spread evenly over a season."""

    season: Days = field("the days over which it is spread; outside them nothing is rationed")
    expected_inflow: Annotated[Varying, varying("flow")] = field(
        "the inflow expected in later steps, a profile of the year"
    )
    persistence: Annotated[float, quantity("fraction", most=1.0)] = field(
        "the share of this step's departure from the expected inflow that is expected to last",
        default=0.0,
    )


class Hedging(Policy):
    """Rationing of a dam's requirement by the water there is.

    ``release = requirement × rationing``, with W = S0 − reserve + inflow of the step and

    * `trigger`: ``rationing = min(1, W / trigger)`` (the continuous rule of Shih and ReVelle 1994, J.
      Water Resour. Plann. Manage. 120(5) 613–629)
    * `phases`: the share of the lowest phase with ``W < below``, else 1 (the discrete rule of Shih
      and ReVelle 1995, European J. Oper. Res. 82(1) 163–175)
    * `spread`: ``rationing = min(1, (S0 − reserve + inflow foreseen) / requirement ahead)``, both
      from now until the season's end: the cut is the same all season if what is foreseen comes

    What of it pays hangs on how losses grow with a deficit (Draper and Lund 2004, J. Water Resour.
    Plann. Manage. 130(1) 83–87). With a `priority` the rationed requirement is asked for at the dam;
    without one it is only the most that claims below may call for.
    """

    kind: Literal["hedging"]
    requirement: Annotated[Varying, varying("flow")] | None = field(
        "the flow that is to leave the dam", default=None
    )
    serves: list[str] = field(
        "in its place, the sites that live on the dam: what they need, with the loss of their canal",
        default=[],
    )
    reserve: Annotated[float, quantity("volume")] | None = field(
        "the storage that is not counted on; without it, the dead storage", default=None
    )
    trigger: Annotated[Varying, varying("volume")] | None = field(
        "the water below which is rationed, in proportion", default=None
    )
    phases: list[Phase] = field("shares by the water there is, from the lowest", default=[])
    spread: Spread | None = field("ration evenly until the end of a season", default=None)
    priority: int | None = field(
        "the priority of the release; without it, it is only a limit", default=None, ge=1
    )

    reports: ClassVar = POLICY_REPORTS
    parameter_record: ClassVar = record(
        "section:i", "claim:i", "reserve", "form:i", "part:i", "phases:i", "sites:i", "persistence"
    )
    forcing_record: ClassVar = record(
        "requirement", "trigger", "season", "expected", "ahead", "required_ahead"
    )
    part_record: ClassVar = record("share", "site:i")
    part_forcing_record: ClassVar = record("below")

    def claims(self) -> list[Claim]:
        return self.asks(self.priority)

    def forcing(self) -> Mapping[str, Course]:
        spread = self.spread
        end = (day_after(spread.season.last),) if spread else ()
        return {
            "requirement": self.requirement,
            "trigger": self.trigger,
            "season": Window(spread.season.first, spread.season.last, 1.0) if spread else None,
            "expected": spread.expected_inflow if spread else None,
            "ahead": Ahead(spread.expected_inflow, end) if spread else None,
            "required_ahead": Ahead(self.requirement, end) if spread and self.requirement else None,
        }

    def part_forcing(self) -> Sequence[Mapping[str, Course]]:
        none: list[Mapping[str, Course]] = [{"below": None} for _ in self.serves]
        return [*({"below": phase.below} for phase in self.phases), *none]

    def parameters(self, place: Place) -> Mapping[str, float]:
        dead = float(getattr(place.node(self.at), "dead_storage"))  # noqa: B009  of the kind itself
        return {
            "section": place.section(self.at),
            "claim": place.claim(""),
            "reserve": dead if self.reserve is None else self.reserve,
            "form": SPREAD if self.spread else PHASES if self.phases else TRIGGER,
            "part": place.part(),
            "phases": len(self.phases),
            "sites": len(self.serves),
            "persistence": self.spread.persistence if self.spread else 0.0,
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        sites = [{"site": place.claim("", site)} for site in self.serves]
        return [*({"share": phase.share} for phase in self.phases), *sites]

    def needs_second_pass(self) -> bool:
        return True

    def references(self) -> Iterator[tuple[str, str]]:
        for k, site in enumerate(self.serves):
            yield f"serves.{k}", site

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        forms = {"trigger": self.trigger, "phases": self.phases, "spread": self.spread}
        given = [name for name, value in forms.items() if value]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            yield "", f"needs exactly one of trigger, phases, spread (got {got})"
        if (self.requirement is None) == (not self.serves):
            got = "both" if self.serves else "none"
            yield "", f"needs either a 'requirement' or the sites it 'serves' (got {got})"
        if self.serves and self.spread:
            yield "serves", "does not go with 'spread', which must know what is required later; " \
                "give a 'requirement'"  # fmt: skip
        shares = [phase.share for phase in self.phases]
        if shares != sorted(shares):
            yield "phases", "must give more the more water there is; order them from the lowest"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        report(y[i])
        own, out = u[i], y[i]
        first = p[i].part + p[i].phases
        for l in range(out.rationing.size):
            asked = own.requirement[l] * dt
            for k in range(first, first + p[i].sites):
                claim = s.claim[q[k].site]
                asked += claim.need[l] / (1.0 - claim.loss)
            inflow = arriving(p[i].section, own.expected, l, s, dt, again)
            live = s.at[p[i].section].carry[l] - p[i].reserve
            share = 1.0
            if p[i].form == TRIGGER and own.trigger[l] > 0.0:
                share = (live + inflow) / own.trigger[l]
            elif p[i].form == PHASES:
                for k in range(first - 1, p[i].part - 1, -1):  # the lowest last: it counts
                    share = q[k].share if live + inflow < w[k].below else share
            elif p[i].form == SPREAD and own.season[l] > 0.0:
                ahead = own.ahead[l]
                comes = foreseen(inflow, own.expected[l], ahead, p[i].persistence, dt)
                required = asked + own.required_ahead[l]
                share = (live + comes) / required if required > 0.0 else 1.0
            out.rationing[l] = max(0.0, min(1.0, share))
            out.release_target[l] = asked / dt * out.rationing[l]
        ask(p[i].claim, out, s, dt)
        hold_back(p[i].section, out, s, dt)


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        open_gates(p[i].section, s)
