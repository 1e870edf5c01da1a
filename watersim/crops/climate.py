"""Climate: the weather of a district as described in a file, and what follows from it by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from watersim.crops import evapotranspiration as et
from watersim.crops.coefficients import climate_change
from watersim.fields import Definition, Derived, Described, Varying, field, quantity, varying
from watersim.timeline import DAY, Timeline, average
from watersim.water import DENSITY

Floats = NDArray[np.float64]
Values = Mapping[str, Floats]

JOULE = 1e-6 * DAY  # W m-2 → MJ m-2 day-1
KILO = 1e-3  # Pa → kPa
PER_DAY = 1.0 / (DENSITY * DAY)  # mm day-1 → m s-1

HUMIDITY = ("humidity", "vapour_pressure", "dew_point")
RADIATION = ("sunshine", "radiation", "radiation_coefficient")
_LACKS = {
    HUMIDITY: "give humidity or vapour_pressure; or declare a substitute, such as dew_point: "
    "{below_minimum_temperature: 2 degC}",
    RADIATION: "give sunshine or radiation; or declare a substitute, radiation_coefficient: 0.16 "
    "(inland; 0.19 at a coast)",
    ("wind",): "give the wind speed at 2 m; 2 m/s is the mean of many stations",
}


class DewPoint(Described):
    """Humidity from the least temperature, where none is measured (FAO-56, eq. 48)."""

    below_minimum_temperature: Annotated[float, quantity("temperature", most=10.0)] = field(
        "how far the dew point lies below the minimum temperature: 0 in humid, 2–3 in dry climates"
    )


class Climate(Definition):
    """The weather of a place, in a mean year or in dated series."""

    latitude: float = field("degrees north", ge=-66.0, le=66.0)
    elevation: Annotated[float, quantity("length", least=-430.0, most=5500.0)] = field(
        "the elevation above the sea"
    )
    minimum_temperature: Annotated[Varying, varying("temperature", least=-60.0, most=40.0)] = field(
        "mean daily minimum temperature"
    )
    maximum_temperature: Annotated[Varying, varying("temperature", least=-60.0, most=55.0)] = field(
        "mean daily maximum temperature"
    )
    rain: Annotated[Varying, varying("depth rate")] = field("rain and snow")
    method: Literal["penman_monteith", "hargreaves"] = field(
        "how reference evapotranspiration is computed", default="penman_monteith"
    )
    humidity: Annotated[Varying, varying("fraction", most=1.0)] | None = field(
        "mean relative humidity", default=None
    )
    vapour_pressure: Annotated[Varying, varying("pressure", most=6e3)] | None = field(
        "actual vapour pressure", default=None
    )
    dew_point: DewPoint | None = field("a substitute for humidity", default=None)
    wind: Annotated[Varying, varying("speed", most=30.0)] | None = field("wind speed", default=None)
    wind_height: Annotated[float, quantity("length", least=0.5, most=100.0)] | None = field(
        "the height above the ground at which wind is measured; without it, 2 m", default=None
    )
    sunshine: Annotated[Varying, varying("time", most=DAY)] | None = field(
        "hours of sunshine a day", default=None
    )
    radiation: Annotated[Varying, varying("radiation", most=500.0)] | None = field(
        "solar radiation", default=None
    )
    radiation_coefficient: float | None = field(
        "a substitute for sunshine: kRs of the Hargreaves formula", default=None, ge=0.1, le=0.25
    )
    warming: Annotated[Varying, varying("temperature", least=-10.0, most=15.0)] | None = field(
        "a change added to both temperatures; relative humidity stays as given", default=None
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key, sentence with remedy)."""
        for group in (HUMIDITY, RADIATION, ("wind",)):
            given = [key for key in group if getattr(self, key) is not None]
            if self.method == "hargreaves":
                for key in given:
                    yield key, f"is not used by hargreaves; leave '{key}' out, or change the method"
            elif not given:
                yield group[0], f"is required by penman_monteith; {_LACKS[group]}"
            elif len(given) > 1:
                yield given[1], f"does not go with '{given[0]}'; keep one of them"
        low, high = self.minimum_temperature, self.maximum_temperature
        if low.monthly and high.monthly and low.factor == high.factor:
            for k, (least, most) in enumerate(zip(low.monthly, high.monthly, strict=True)):
                if least > most:
                    yield (
                        f"minimum_temperature.monthly.{k}",
                        f"must be at most the maximum temperature of {most:g} (got {least:g}); "
                        "correct one of them",
                    )

    def inputs(self) -> Mapping[str, Varying | None]:
        """The series that evapotranspiration is computed from."""
        keys = ("minimum_temperature", "maximum_temperature", "humidity", "vapour_pressure",
                "wind", "sunshine", "radiation", "warming")  # fmt: skip
        return {key: getattr(self, key) for key in keys}

    def reference_evapotranspiration(self, values: Values, timeline: Timeline) -> Floats:
        """ET0 of every step, m s-1 of water; values are those of `inputs`, SI.

        The sun's part is the mean over the days of a step. The heat that the soil takes counts in
        steps of a month (eq. 43, with the months before and after) and is 0 in shorter ones.
        """
        low, high = self._temperatures(values, timeline)
        ra, daylight = self._sun(timeline)
        if self.method == "hargreaves":
            return np.asarray(et.hargreaves(low, high, ra) * PER_DAY)
        weather = et.Weather(
            low, high, self._vapour_pressure(values, low, high), self._wind(values),
            self._radiation(values, low, high, ra, daylight),
        )  # fmt: skip
        heat: Floats | float = 0.0
        if timeline.step == "month":
            heat = et.soil_heat_flux_of_months((low + high) / 2.0)
        return np.asarray(et.penman_monteith(weather, self.elevation, ra, heat) * PER_DAY)

    def change(self, values: Values, timeline: Timeline) -> Floats:
        """What wind and dryness add to the coefficient of a crop 3 m high (FAO-56, eq. 62)."""
        if self.method == "hargreaves":
            return np.zeros(timeline.n)
        low, high = self._temperatures(values, timeline)
        least = self._vapour_pressure(values, low, high) / et.saturation_vapour_pressure(high)
        return np.asarray(climate_change(self._wind(values), 100.0 * least))

    def _temperatures(self, values: Values, timeline: Timeline) -> tuple[Floats, Floats]:
        warming = values.get("warming", np.zeros(timeline.n))
        low = values["minimum_temperature"] + warming
        high = values["maximum_temperature"] + warming
        wrong = np.flatnonzero(low > high)
        if wrong.size:
            k = int(wrong[0])
            raise ValueError(
                f"has a minimum temperature above the maximum on {timeline.starts[k]} "
                f"(got {low[k]:g} and {high[k]:g} degC); correct one of them"
            )
        return low, high

    def _vapour_pressure(self, values: Values, low: Floats, high: Floats) -> Floats:
        """Actual vapour pressure, kPa; of relative humidity by eq. 19."""
        if "vapour_pressure" in values:
            return values["vapour_pressure"] * KILO
        if self.dew_point is not None:
            drop = self.dew_point.below_minimum_temperature
            return np.asarray(et.saturation_vapour_pressure(low - drop))
        saturated = et.saturation_vapour_pressure(low) + et.saturation_vapour_pressure(high)
        return np.asarray(np.minimum(values["humidity"], 1.0) * saturated / 2.0)

    def _wind(self, values: Values) -> Floats:
        wind = values["wind"]
        if self.wind_height is None:
            return wind
        return np.asarray(et.wind_at_two_metres(wind, self.wind_height))

    def _radiation(
        self, values: Values, low: Floats, high: Floats, ra: Floats, daylight: Floats
    ) -> Floats:
        if "radiation" in values:
            return values["radiation"] * JOULE
        if self.radiation_coefficient is not None:
            estimate = et.radiation_of_temperature(low, high, ra, self.radiation_coefficient)
            return np.asarray(np.minimum(estimate, et.clear_sky_radiation(ra, self.elevation)))
        hours = np.minimum(values["sunshine"] / 3600.0, daylight)
        return np.asarray(et.radiation_of_sunshine(hours, daylight, ra))

    def _sun(self, timeline: Timeline) -> tuple[Floats, Floats]:
        """Mean Ra, MJ m-2 day-1, and mean length of the day, hours, of every step."""
        days = Timeline(timeline.start, timeline.end, "day")
        first = days.starts.astype("datetime64[Y]").astype("datetime64[D]")
        number = (days.starts - first).astype(np.int64) + 1
        both = (
            np.asarray(function(self.latitude, number), np.float64)
            for function in (et.extraterrestrial_radiation, et.daylight_hours)
        )
        ra, daylight = (average(days.starts, days.ends, values, timeline) for values in both)
        return ra, daylight


def derived(
    climate: Climate,
    compute: str,
    at: tuple[str | int, ...] = ("climate",),
) -> Derived:
    """A forcing that a climate's method of this name computes."""
    return Derived(climate.inputs(), getattr(climate, compute), at, neighbours=True)
