"""Cropland: a site whose requirement follows from its crops, its soil and the weather."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from watersim.arrays import Step
from watersim.crops.climate import Climate, derived
from watersim.crops.crop import Crop, season_days
from watersim.crops.field import RAIN_METHODS, EffectiveRain, Salinity, Soil, Technique
from watersim.crops.soil import effective, step
from watersim.demand import Site, from_ground, settle
from watersim.described import Place
from watersim.fields import Derived, Report, Varying, defined, field, quantity, varying
from watersim.jit import kernel
from watersim.records import record
from watersim.timeline import DAY, Timeline

MONTH = 365.25 * DAY / 12.0  # the mean month that formulas of effective rain are made for


def _named(schema: dict[str, Any]) -> None:
    """What a crop's name brings along need not be written again."""
    schema["required"] = ["crop", "area"]


class CropArea(Crop):
    """A crop on a site: its area, and what is otherwise than described for all sites."""

    model_config = ConfigDict(json_schema_extra=_named)

    crop: str = field("its name, a key of `crops`")
    area: Annotated[float, quantity("area")] = field("the area it is grown on")
    technique: Annotated[Technique | None, defined("techniques", Technique)] = field(
        "how it is irrigated, if not as the site", default=None
    )


class Cropland(Site):
    """Irrigated land: ``requirement = Σ area × (refill / (1 − LR) + scheduled) / efficiency``.

    The root zone of every crop is a store: ``Dr1 = Dr0 − effective rain − irrigation −
    capillary rise + (Ks Kc) ET0 + percolation``, day by day (FAO Irrigation and Drainage Paper 56).
    """

    kind: Literal["cropland"]
    area: Annotated[float, quantity("area")] = field("the command area, at least that of its crops")
    climate: Annotated[Climate, defined("climates", Climate)] = field(
        "its weather, or a key of `climates`"
    )
    soil: Annotated[Soil, defined("soils", Soil)] = field(
        "what its soil holds, or a key of `soils`"
    )
    technique: Annotated[Technique, defined("techniques", Technique)] = field(
        "how water is brought to the root zone, or a key of `techniques`"
    )
    effective_rain: EffectiveRain = field("the part of the rain that reaches the root zone")
    capillary_rise: Annotated[Varying, varying("depth rate")] | None = field(
        "what can rise from shallow groundwater into a root zone that lacks water", default=None
    )
    salinity: Salinity | None = field("salts that must be leached", default=None)
    crops: Annotated[list[CropArea], defined("crops", Crop, "crop")] = field(
        "its crops with their areas"
    )

    sector: ClassVar[str] = "irrigation"
    fed_by_rain: ClassVar = ("soil_storage",)
    reports: ClassVar = (
        Report("effective_rain", "m3 s-1", "rain that reaches the root zone of its crops", "flux",
               "", "site", apart=True),
        Report("capillary_rise", "m3 s-1", "water that rises from the groundwater into the root zone of "
               "its crops", "flux", "", "site", apart=True),
        Report("percolation", "m3 s-1", "water that leaves below the root zone of its crops", "flux",
               "site", ""),
        Report("soil_storage", "m3", "available water in the root zone of its crops at the end of "
               "the step", "state", "site", ""),
        Report("reference_evapotranspiration", "m s-1", "evapotranspiration of the reference grass",
               "diagnostic"),
        *Site.reports,
    )  # fmt: skip
    part_family: ClassVar = "crop"
    part_reports: ClassVar = (
        Report("crop_requirement", "m s-1", "depth that the root zone asks for", "diagnostic"),
        Report("crop_supply", "m s-1", "depth that reached the root zone", "diagnostic"),
        Report("crop_evapotranspiration", "m s-1", "evapotranspiration without stress, ETc",
               "diagnostic"),
        Report("actual_evapotranspiration", "m s-1", "evapotranspiration with the stress of a "
               "dry root zone, ETc adj", "diagnostic"),
        Report("in_season", "1", "share of the step that lies in the season", "diagnostic"),
        Report("depletion", "m", "depth that lacks in the root zone to field capacity", "state"),
        Report("surface_depletion", "m", "depth that lacks in the surface layer, with basal "
               "coefficients", "state"),
        Report("wetted_ground", "1", "share of the ground that was wetted last, with basal "
               "coefficients", "state"),
    )  # fmt: skip
    parameter_record: ClassVar = record(
        "part:i", "parts:i", "rain_method:i", "rain_fraction", "claim:i", "back", "back_to:i",
        "recession",
    )  # fmt: skip
    forcing_record: ClassVar = record("reference_evapotranspiration", "rain", "capillary_rise")
    part_record: ClassVar = record(
        "area", "total", "readily", "evaporable", "easily", "wetted", "dual:i", "percolation",
        "start", "target", "interval", "efficiency", "leaching",
    )  # fmt: skip
    part_forcing_record: ClassVar = record(
        "coefficient", "largest", "bare", "first", "last", "day", "scheduled"
    )

    def technique_of(self, crop: CropArea) -> Technique:
        """How a crop is irrigated."""
        return crop.technique or self.technique

    def available(self, crop: CropArea) -> float:
        """Total available water TAW of a crop's root zone, m (FAO-56, eq. 82)."""
        return self.soil.available() * crop.root_depth

    def forcing(self) -> Mapping[str, Any]:
        return {
            "reference_evapotranspiration": derived(self.climate, "reference_evapotranspiration"),
            "rain": Derived({"rain": self.climate.rain}, self._rain, ("effective_rain", "method")),
            "capillary_rise": self.capillary_rise,
        }

    def _rain(self, values: Mapping[str, Any], timeline: Timeline) -> Any:
        if timeline.step == "day" and self.effective_rain.method != "fraction":
            raise ValueError(
                f"is a formula for months and decades (got {self.effective_rain.method}, the step "
                "is a day); write {method: fraction, fraction: 80 %}"
            )
        return values["rain"]

    def part_forcing(self) -> list[Mapping[str, Any]]:
        return [self._forcing_of(crop) for crop in self.crops]

    def _forcing_of(self, crop: CropArea) -> Mapping[str, Any]:
        def coefficient(key: str) -> Derived:
            def compute(values: Mapping[str, Any], timeline: Timeline) -> Any:
                return crop.by_step(self.climate.change(values, timeline), timeline)[key]

            return Derived(self.climate.inputs(), compute, ("climate",))

        def day(_: Mapping[str, Any], timeline: Timeline) -> Any:
            return timeline.starts.astype("datetime64[D]").astype(float)

        return {
            **{key: coefficient(key) for key in ("coefficient", "largest", "bare")},
            "first": Derived({}, lambda _, timeline: crop.season_of(timeline)[0]),
            "last": Derived({}, lambda _, timeline: crop.season_of(timeline)[1]),
            "day": Derived({}, day),
            "scheduled": Derived({}, lambda _, timeline: crop.scheduled_rate(timeline)),
        }

    def parameters(self, place: Place) -> Mapping[str, float]:
        return {
            **super().parameters(place),
            "part": place.part(),
            "parts": len(self.crops),
            "rain_method": RAIN_METHODS.index(self.effective_rain.method),
            "rain_fraction": self.effective_rain.fraction or 0.0,
        }

    def parts(self, place: Place) -> list[Mapping[str, float]]:
        return [self._parameters_of(crop) for crop in self.crops]

    def _parameters_of(self, crop: CropArea) -> Mapping[str, float]:
        technique, total = self.technique_of(crop), self.available(crop)
        readily = crop.depletion_fraction * total
        return {
            "area": crop.area,
            "total": total,
            "readily": readily,
            "evaporable": self.soil.evaporable(),
            "easily": self.soil.readily_evaporable or 0.0,
            "wetted": technique.wetted or 1.0,
            "dual": crop.basal_coefficient is not None,
            "percolation": crop.percolation * DAY,
            "start": technique.irrigate_at * readily,
            "target": technique.refill_to * readily,
            "interval": (technique.interval or DAY) / DAY,
            "efficiency": technique.efficiency,
            "leaching": self.salinity.requirement() if self.salinity else 0.0,
        }

    def initial(self) -> Mapping[str, float]:
        left = 1.0 - self.soil.initial_depletion
        stored = sum(crop.area * self.available(crop) * left for crop in self.crops)
        return {**super().initial(), "soil_storage": stored}

    def part_names(self) -> list[str]:
        return [crop.crop for crop in self.crops]

    def part_initial(self, seconds: NDArray[np.float64]) -> list[Mapping[str, float]]:
        lacks = self.soil.initial_depletion
        return [
            {"depletion": lacks * self.available(crop),
             "surface_depletion": lacks * self.soil.evaporable(), "wetted_ground": 1.0}
            for crop in self.crops
        ]  # fmt: skip

    def part_coordinates(self) -> list[Mapping[str, Any]]:
        return [
            {
                "name": crop.crop,
                "party": self.party or "",
                "area": crop.area,
                "season_from": crop.season.first,
                "season_days": float(season_days(crop.season)),
                "yield_factor": crop.yield_response.factor if crop.yield_response else float("nan"),
                "yield": crop.yield_response.potential if crop.yield_response else float("nan"),
                "price": (crop.yield_response.price if crop.yield_response else None)
                or float("nan"),
            }
            for crop in self.crops
        ]

    def coordinates(self) -> dict[str, Any]:
        return {**super().coordinates(), "area": self.area}

    def problems(self, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().problems(tables)
        for key in ("climate", "soil", "technique", "effective_rain", "salinity"):
            described = getattr(self, key)
            for inner, message in described.problems() if described else ():
                yield f"{key}.{inner}", message
        yield from self._problems_of_crops()
        lost = 1.0 - max((self.technique_of(crop).efficiency for crop in self.crops), default=0.0)
        if self.return_flow is not None and self.return_flow.fraction > lost + 1e-9:
            yield (
                "return_flow.fraction",
                f"must be at most what does not reach the root zone, {100.0 * lost:.4g} % (got "
                f"{100.0 * self.return_flow.fraction:.4g} %); lower it or the efficiency",
            )

    def _problems_of_crops(self) -> Iterator[tuple[str, str]]:
        grown = sum(crop.area for crop in self.crops)
        if not self.crops:
            yield "crops", "is empty: nothing grows; write a crop with its area"
        if grown > self.area * (1.0 + 1e-9):
            yield (
                "crops",
                f"take {grown / 1e4:g} ha, more than the command area of {self.area / 1e4:g} ha; "
                "lower an area or give the area that can be irrigated",
            )
        for k, crop in enumerate(self.crops):
            for inner, message in crop.problems():
                yield f"crops.{k}.{inner}", message
            for inner, message in crop.technique.problems() if crop.technique else ():
                yield f"crops.{k}.technique.{inner}", message
            if crop.crop in self.part_names()[:k]:
                yield f"crops.{k}.crop", f"stands a second time (got {crop.crop}); add the areas up"
            if crop.basal_coefficient is None:
                continue
            if self.soil.evaporating_depth is None:
                yield (
                    "soil.evaporating_depth",
                    f"is required by the basal coefficients of '{crop.crop}'; give it with "
                    "readily_evaporable, such as 0.1 m and 9 mm",
                )
            if self.technique_of(crop).wetted is None:
                yield (
                    "technique.wetted" if crop.technique is None else f"crops.{k}.technique.wetted",
                    f"is required by the basal coefficients of '{crop.crop}'; give the share of the "
                    "ground that irrigation wets: 100 % by sprinklers, 30–100 % in furrows, 30–40 % by "
                    "drippers",
                )


@kernel
def before(
    p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, v: Any, z: Any, s: Step, dt: float, again: int
) -> None:
    days = int(dt / DAY + 0.5)
    for i in range(p.shape[0]):
        own, claim, out = p[i], s.claim[p[i].claim], y[i]
        et0, rain = u[i].reference_evapotranspiration, u[i].rain
        for l in range(claim.need.size):
            claim.need[l] = 0.0
            out.reference_evapotranspiration[l] = et0[l]
            wet = effective(rain[l] * MONTH * 1e3, own.rain_method, own.rain_fraction)
            out.effective_rain[l] = min(rain[l], wet / (MONTH * 1e3))
        for k in range(own.part, own.part + own.parts):
            crop, now, lacks, top = q[k], w[k], v[k].depletion, v[k].surface_depletion
            asked = z[k].crop_requirement
            for l in range(claim.need.size):
                refill = step(
                    lacks[l], top[l], v[k].wetted_ground[l], 0.0, out.effective_rain[l] * DAY,
                    u[i].capillary_rise[l] * DAY, et0[l] * DAY, crop, now, days,
                )[3]  # fmt: skip
                scheduled = now.scheduled * days
                asked[l] = (refill + scheduled) / dt
                gross = (refill / (1.0 - crop.leaching) + scheduled) / crop.efficiency
                claim.need[l] += crop.area * gross
        for l in range(claim.need.size):
            out.requirement[l] = claim.need[l] / dt
        from_ground(own, x[i], claim, s, dt)


@kernel
def after(
    p: Any, u: Any, x: Any, y: Any, q: Any, w: Any, v: Any, z: Any, s: Step, dt: float
) -> None:
    days = int(dt / DAY + 0.5)
    for i in range(p.shape[0]):
        own, claim, out = p[i], s.claim[p[i].claim], y[i]
        settle(own, out.requirement, x[i], out, claim, dt)
        for l in range(claim.need.size):
            out.consumption[l] = -claim.supply[l] * own.back
            out.percolation[l] = 0.0
            out.capillary_rise[l] = 0.0
            out.soil_storage[l] = 0.0
        grown = 0.0
        for k in range(own.part, own.part + own.parts):
            grown += q[k].area
            for l in range(claim.need.size):
                _field(q[k], w[k], v[k], z[k], u[i], out, claim, l, dt, days)
        for l in range(claim.need.size):
            out.consumption[l] = max(0.0, out.consumption[l]) / dt
            out.percolation[l] /= dt
            out.capillary_rise[l] /= dt
            out.effective_rain[l] *= grown


@kernel
def _field(
    crop: Any, now: Any, v: Any, z: Any, u: Any, out: Any, claim: Any, l: int, dt: float, days: int
) -> None:
    """Advance the field of a crop; add its volumes (m3) to those of its site."""
    share = claim.supply[l] / claim.need[l] if claim.need[l] > 0.0 else 0.0
    depletion, surface, wetted, refill, actual, full, seeped, risen = step(
        v.depletion[l], v.surface_depletion[l], v.wetted_ground[l], share,
        out.effective_rain[l] * DAY, u.capillary_rise[l] * DAY,
        u.reference_evapotranspiration[l] * DAY, crop, now, days,
    )  # fmt: skip
    scheduled = now.scheduled * days
    leached = share * refill * crop.leaching / (1.0 - crop.leaching)
    brought = share * (refill + scheduled)
    lost = (brought + leached) * (1.0 - crop.efficiency) / crop.efficiency
    z.crop_supply[l] = brought / dt
    z.crop_evapotranspiration[l] = full / dt
    z.actual_evapotranspiration[l] = actual / dt
    z.in_season[l] = (now.last - now.first) / days
    z.depletion[l] = depletion
    z.surface_depletion[l] = surface
    z.wetted_ground[l] = wetted
    out.consumption[l] += crop.area * (actual + lost)
    out.capillary_rise[l] += crop.area * risen
    out.percolation[l] += crop.area * (seeped + leached)
    out.soil_storage[l] += crop.area * (crop.total - depletion)
