"""Hydropower: turbines on the release of a reservoir, or on the river at a junction."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator

from watersim.arrays import INSTREAM_LEAVING, Step
from watersim.curves import curve
from watersim.described import Claim, Curve, EnergyRequirement, Node, Place, Standing
from watersim.fields import Described, Report, Varying, field, quantity
from watersim.jit import kernel
from watersim.levels import Table
from watersim.records import record
from watersim.water import JOULE_PER_M3_AND_METRE


class Tailwater(Described):
    """The water level below the plant: constant, or a rating curve of the flow."""

    level: Annotated[float, quantity("length", least=-500.0)] | None = field(
        "the level above sea", default=None
    )
    file: str | None = field("a CSV rating curve with flow_m3s and level_m", default=None)


def _tailwater(value: object) -> object:
    return value if isinstance(value, (dict, Tailwater)) else {"level": value}


class Hydropower(Node):
    """A plant: ``P = ρ g Q H η``, ``H = level − tailwater(release)`` or a fixed head.

    ``turbine_flow`` is at most the release of its node, `max_flow`, and what makes `capacity` at
    this head. The head is that at the mean storage of the step (DESIGN: two passes), and below
    `minimum_head` the plant stands still.
    """

    kind: Literal["hydropower"]
    at: str = field("the reservoir or junction it stands at")
    capacity: Annotated[float, quantity("power")] = field("the installed capacity")
    max_flow: Annotated[float, quantity("flow")] | None = field(
        "the turbines' largest flow", default=None
    )
    efficiency: Annotated[float, quantity("fraction", least=0.01, most=1.0)] = field(
        "overall efficiency of turbines and generators"
    )
    tailwater: Annotated[Tailwater | None, BeforeValidator(_tailwater)] = field(
        "the level below the plant, or {file: rating curve}", default=None
    )
    head: Annotated[float, quantity("length")] | None = field(
        "a fixed net head, for a plant at a junction", default=None
    )
    minimum_head: Annotated[float, quantity("length")] = field(
        "the head below which it stands still", default=0.0
    )
    energy_requirement: EnergyRequirement | None = field(
        "energy asked of the plant, with its priority", default=None
    )

    order: ClassVar[int] = 30
    place: ClassVar[Standing] = "plant"
    family: ClassVar[str] = "plant"
    reports: ClassVar = (
        Report("turbine_flow", "m3 s-1", "flow through the turbines", "flux"),
        Report("head", "m", "gross head in the step", "diagnostic"),
        Report("power", "W", "mean power in the step", "diagnostic"),
        Report("energy", "J", "energy generated in the step", "diagnostic"),
        Report("energy_requirement", "J", "energy asked of the plant in the step, less other "
               "generation", "diagnostic"),
        Report("energy_deficit", "J", "requirement that was not generated", "diagnostic"),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "section:i", "plant:i", "claim:i", "first:i", "count:i", "guide:i", "tailwater", "fixed_head",
        "capacity", "max_flow", "efficiency", "minimum_head",
    )  # fmt: skip
    forcing_record: ClassVar = record("energy", "other_generation")

    def claims(self) -> list[Claim]:
        if self.energy_requirement is None:
            return []
        priority = self.energy_requirement.priority
        return [Claim("energy_requirement", INSTREAM_LEAVING, priority, "energy")]

    def forcing(self) -> Mapping[str, Varying | None]:
        asked = self.energy_requirement
        return {
            "energy": asked.energy if asked else None,
            "other_generation": asked.other_generation if asked else None,
        }

    def tables(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        if self.tailwater is None or self.tailwater.file is None:
            return {}
        return {"tailwater": (self.tailwater.file, {"flow": "flow", "level": "length"})}

    def curves(self, tables: Mapping[str, Table]) -> dict[str, Curve]:
        rating = tables.get("tailwater")
        if rating is None:
            return {}
        return {"tailwater": (rating["flow"], rating["level"], 0.0 * rating["flow"])}

    def parameters(self, place: Place) -> Mapping[str, float]:
        first, count, guide = place.curve("tailwater")
        level = self.tailwater.level if self.tailwater else None
        return {
            "section": place.section(self.at),
            "plant": place.plant(""),
            "claim": place.claim("energy_requirement"),
            "first": first,
            "count": count,
            "guide": guide,
            "tailwater": 0.0 if level is None else level,
            "fixed_head": -1.0 if self.head is None else self.head,
            "capacity": self.capacity,
            "max_flow": math.inf if self.max_flow is None else self.max_flow,
            "efficiency": self.efficiency,
            "minimum_head": self.minimum_head,
        }

    def needs_second_pass(self) -> bool:
        return self.head is None

    def references(self) -> Iterator[tuple[str, str]]:
        yield "at", self.at

    def lowest_tailwater(self, tables: Mapping[str, Table]) -> float | None:
        rating = tables.get("tailwater")
        if rating is not None:
            return float(rating["level"][0])
        return self.tailwater.level if self.tailwater else None

    def coordinates(self) -> dict[str, Any]:
        return {"at": self.at, "capacity": self.capacity}

    def problems(self, tables: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
        if self.head is not None and self.tailwater is not None:
            yield "head", "does not go with 'tailwater'; keep one of the two"
        if self.head is None and self.tailwater is None:
            yield "tailwater", "is required; give the level below the plant, or a fixed head"
        given = self.tailwater
        if given is not None and (given.level is None) == (given.file is None):
            yield "tailwater", "needs a level, or a file with a rating curve"
        rating = tables.get("tailwater")
        if rating is not None and (
            np.any(np.diff(rating["flow"]) <= 0.0) or np.any(np.diff(rating["level"]) < 0.0)
        ):
            yield "tailwater.file", "must be a curve whose flow and level rise"


@kernel
def before(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float, again: int) -> None:
    for i in range(p.shape[0]):
        at, out, fixed = s.at[p[i].section], y[i], p[i].fixed_head
        plant = s.plant[p[i].plant]
        for l in range(out.head.size):
            head = fixed
            if fixed < 0.0:
                passing = at.release[l] / dt if again == 1 else 0.0
                tail = p[i].tailwater
                if p[i].count > 0:
                    tail = curve(p[i].first, p[i].count, p[i].guide, passing, s)[0]
                head = max(0.0, at.level[l] - tail)
            per_m3 = JOULE_PER_M3_AND_METRE * p[i].efficiency * head
            most = 0.0
            if per_m3 > 0.0 and head >= p[i].minimum_head:
                most = min(p[i].max_flow, p[i].capacity / per_m3)
            out.head[l] = head
            plant.per_m3[l] = per_m3
            plant.most[l] = most * dt
            out.turbine_flow[l] = most
            out.energy_requirement[l] = max(0.0, u[i].energy[l] - u[i].other_generation[l]) * dt
        if p[i].claim >= 0:
            claim = s.claim[p[i].claim]
            for l in range(out.head.size):
                per_m3 = JOULE_PER_M3_AND_METRE * p[i].efficiency * out.head[l]
                most = out.turbine_flow[l]
                asked = out.energy_requirement[l]
                claim.need[l] = min(asked / per_m3, most * dt) if most > 0.0 else 0.0


@kernel
def after(p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, s: Step, dt: float) -> None:
    for i in range(p.shape[0]):
        at, out, plant = s.at[p[i].section], y[i], s.plant[p[i].plant]
        per_m3_and_metre = JOULE_PER_M3_AND_METRE * p[i].efficiency
        for l in range(out.head.size):
            free = at.release[l] - at.turbined[l]
            passed = min(out.turbine_flow[l] * dt, free)
            at.turbined[l] += passed
            out.turbine_flow[l] = passed / dt
            out.energy[l] = per_m3_and_metre * out.head[l] * passed
            plant.energy[l] = out.energy[l]
            out.power[l] = out.energy[l] / dt
            out.energy_deficit[l] = max(0.0, out.energy_requirement[l] - out.energy[l])
