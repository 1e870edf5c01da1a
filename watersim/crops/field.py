"""Field: soil, technique, salinity and rain of irrigated land, as described in a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from watersim.crops.soil import leaching_requirement
from watersim.fields import Definition, Described, field, quantity
from watersim.timeline import DAY

RAIN_METHODS = ("fraction", "usda", "dependable")
Share = Annotated[float, quantity("fraction", most=1.0)]


class Soil(Definition):
    """What the soil holds."""

    field_capacity: Annotated[float, quantity("fraction", most=0.6)] = field(
        "water content at field capacity, by volume"
    )
    wilting_point: Annotated[float, quantity("fraction", most=0.5)] = field(
        "water content at the wilting point, by volume"
    )
    initial_depletion: Share = field(
        "the share of the available water that lacks at the start of the run"
    )
    evaporating_depth: Annotated[float, quantity("length", least=0.02, most=0.3)] | None = field(
        "the depth of the surface layer that dries by evaporation, with basal coefficients",
        default=None,
    )
    readily_evaporable: Annotated[float, quantity("length", most=0.03)] | None = field(
        "water that evaporates from it without hindrance, REW, with basal coefficients",
        default=None,
    )

    def available(self) -> float:
        """Available water, m3 m-3."""
        return self.field_capacity - self.wilting_point

    def evaporable(self) -> float:
        """Total evaporable water TEW of the surface layer, m (FAO-56, eq. 73)."""
        depth = self.evaporating_depth or 0.0
        return (self.field_capacity - 0.5 * self.wilting_point) * depth

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key, sentence with remedy)."""
        if self.wilting_point >= self.field_capacity:
            yield (
                "wilting_point",
                f"must be below the field capacity of {100.0 * self.field_capacity:.4g} % (got "
                f"{100.0 * self.wilting_point:.4g} %); correct one of them",
            )
        easily = self.readily_evaporable
        if (easily is None) != (self.evaporating_depth is None):
            lacking = "readily_evaporable" if easily is None else "evaporating_depth"
            yield lacking, "is required with the other of the surface layer; give both or neither"
        elif easily is not None and easily >= self.evaporable():
            yield (
                "readily_evaporable",
                f"must be below the evaporable water of {self.evaporable() * 1e3:.1f} mm (got "
                f"{easily * 1e3:g} mm); correct it or the depth",
            )


class Technique(Definition):
    """How water is brought to the root zone."""

    efficiency: Annotated[float, quantity("fraction", least=0.05, most=1.0)] = field(
        "the share of the supply at the gate that reaches the root zone"
    )
    irrigate_at: Share = field(
        "the depletion at which a field is irrigated, as a share of the readily available water"
    )
    refill_to: Share = field(
        "the depletion it is refilled to, as a share of the readily available water"
    )
    interval: Annotated[float, quantity("time", least=DAY, most=60.0 * DAY)] | None = field(
        "the days from one irrigation of a field to the next; without it, it may be every day",
        default=None,
    )
    wetted: Annotated[float, quantity("fraction", least=0.05, most=1.0)] | None = field(
        "the share of the ground that irrigation wets, with basal coefficients", default=None
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key, sentence with remedy)."""
        if self.refill_to > self.irrigate_at:
            yield (
                "refill_to",
                f"must be at most irrigate_at, {100.0 * self.irrigate_at:.4g} % (got "
                f"{100.0 * self.refill_to:.4g} %): a field cannot be refilled to less than it holds; "
                "lower it",
            )
        if self.interval is not None and self.interval % DAY:
            yield "interval", f"must be whole days (got {self.interval / DAY:g}); round it"


class Salinity(Described):
    """Salts that must be leached: ``LR = ECw / (5 ECe − ECw)`` (Ayers and Westcot, 1985)."""

    water: Annotated[float, quantity("salinity")] = field("conductivity of the irrigation water")
    soil: Annotated[float, quantity("salinity")] = field(
        "conductivity of the soil's extract that the crops bear without loss"
    )

    def requirement(self) -> float:
        """The share of the irrigation that must percolate."""
        return leaching_requirement(self.water, self.soil) if self.water > 0.0 else 0.0

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key, sentence with remedy)."""
        if self.water > 0.0 and self.water >= 2.5 * self.soil:
            yield (
                "water",
                f"must be below {25.0 * self.soil:g} dS/m, 2.5 times what the soil may have (got "
                f"{10.0 * self.water:g} dS/m): no leaching keeps the soil as it should be; choose a "
                "crop that bears more",
            )


class EffectiveRain(Described):
    """The part of the rain that reaches the root zone."""

    method: Literal["fraction", "usda", "dependable"] = field(
        "a fixed fraction, the formula of the USDA, or that of dependable rain"
    )
    fraction: Share | None = field("the fixed fraction", default=None)

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key, sentence with remedy)."""
        if (self.method == "fraction") != (self.fraction is not None):
            say = "is required by" if self.fraction is None else "goes only with"
            yield "fraction", f"{say} the method fraction; give 80 %, or name another method"
