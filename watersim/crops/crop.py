"""Crop: its season and stages, coefficients, roots, yield; and its coefficients by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from watersim.crops.coefficients import cover, height_factor, largest_coefficient, stage_curve
from watersim.described import Days
from watersim.fields import Definition, Described, field, quantity
from watersim.timeline import DAY, Timeline, average, parse_date

Floats = NDArray[np.float64]
Length = Annotated[float, quantity("time", least=0.0, most=366.0 * DAY)]

LATE_CHANGE = 0.45  # the coefficient at the end is changed by the climate from here on (eq. 65)


class Stages(Described):
    """The lengths of the four stages of a crop; together they fill its season."""

    initial: Length = field("from planting to a tenth of cover")
    development: Length = field("to full cover")
    mid: Length = field("to the start of maturity")
    late: Length = field("to harvest or full senescence")

    def lengths(self) -> tuple[float, ...]:
        """In days."""
        return tuple(x / DAY for x in (self.initial, self.development, self.mid, self.late))


class Coefficients(Described):
    """Crop coefficients by stage, of a climate of 45 % least humidity and 2 m/s of wind."""

    initial: float = field("the coefficient in the initial stage", ge=0.0, le=1.3)
    mid: float = field("the coefficient in mid-season", ge=0.0, le=1.4)
    end: float = field("the coefficient on the last day", ge=0.0, le=1.4)
    off_season: float = field("the coefficient of the ground outside the season", ge=0.0, le=1.2)


class YieldResponse(Described):
    """What a lack of water takes from the yield: ``1 − Ya/Ym = Ky (1 − ETa/ETm)`` (FAO-33)."""

    factor: float = field("Ky of the whole season", ge=0.0, le=2.0)
    potential: Annotated[float, quantity("yield")] = field("the yield where no water lacks, Ym")
    price: Annotated[float, quantity("price")] | None = field("the price at the farm", default=None)


class Scheduled(Days):
    """Water given by date whatever the soil lacks."""

    depth: Annotated[float, quantity("length", most=2.0)] = field(
        "the depth that reaches the root zone in these days"
    )


class Crop(Definition):
    """What grows: as it is described once, for all sites."""

    season: Days = field("from planting, or green-up, to harvest")
    stages: Stages = field("the lengths of its stages")
    coefficient: Coefficients | None = field("single crop coefficients Kc", default=None)
    basal_coefficient: Coefficients | None = field(
        "basal crop coefficients Kcb, with evaporation of the soil apart", default=None
    )
    height: Annotated[float, quantity("length", most=15.0)] = field("its greatest height")
    root_depth: Annotated[float, quantity("length", least=0.05, most=5.0)] = field(
        "the depth of its root zone"
    )
    depletion_fraction: float = field(
        "p: the share of the available water it takes without stress", ge=0.1, le=0.8
    )
    percolation: Annotated[float, quantity("depth rate")] = field(
        "what seeps from flooded fields in the season", default=0.0
    )
    yield_response: YieldResponse | None = field("its yield and what a deficit takes", default=None)
    scheduled: list[Scheduled] = field(
        "water given by date: winter leaching, a charge before sowing, the flooding of rice",
        default=[],
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong across its fields: (key, sentence with remedy)."""
        length, filled = season_days(self.season), sum(self.stages.lengths())
        if round(filled) != length:
            what = "do not fill" if filled < length else "overlap the end of"
            yield (
                "stages",
                f"{what} the season: {filled:g} days in a season of {length} days, "
                f"{self.season.first} to {self.season.last}; change a stage or the season",
            )
        both = [key for key in ("coefficient", "basal_coefficient") if getattr(self, key)]
        if len(both) != 1:
            got = "neither" if not both else "both"
            yield (
                "coefficient",
                f"or basal_coefficient is needed, one of the two (got {got}); write the single or "
                "the basal coefficients",
            )

    def coefficients(self) -> Coefficients:
        """Single or basal, whichever is given."""
        found = self.coefficient or self.basal_coefficient
        assert found is not None
        return found

    def by_step(self, change: Floats, timeline: Timeline) -> dict[str, Floats]:
        """Coefficient, its largest value and the bare share of the ground, (time,) each.

        Parameters
        ----------
        change
            of a crop 3 m high by the climate, (time,), see `Climate.change`
        """
        days = Timeline(timeline.start, timeline.end, "day")
        since = days_since(self.season, days)
        growing = since >= 0
        own, lengths = self.coefficients(), self.stages.lengths()
        table = np.where(
            growing, stage_curve(since, lengths, own.initial, own.mid, own.end), own.off_season
        )
        last = 1.0 if own.end >= LATE_CHANGE else 0.0
        weight = np.where(growing, stage_curve(since, lengths, 0.0, 1.0, last), 0.0)
        mean = {key: average(days.starts, days.ends, values, timeline)
                for key, values in (("table", table), ("weight", weight))}  # fmt: skip
        added = mean["weight"] * change * height_factor(self.height)
        coefficient = np.maximum(0.0, mean["table"] + added)
        largest = largest_coefficient(coefficient, change, self.height)
        return {
            "coefficient": coefficient,
            "largest": largest,
            "bare": np.asarray(1.0 - cover(coefficient, largest, self.height)),
        }

    def season_of(self, timeline: Timeline) -> tuple[Floats, Floats]:
        """Days of each step before its first and up to its last day in the season, (time,) each."""
        days = Timeline(timeline.start, timeline.end, "day")
        growing = days_since(self.season, days) >= 0
        first, last = np.zeros(timeline.n), np.zeros(timeline.n)
        bounds = (timeline.edges - timeline.edges[0]).astype(np.int64)
        for t in range(timeline.n):
            inside = np.flatnonzero(growing[bounds[t] : bounds[t + 1]])
            if inside.size:
                first[t], last[t] = inside[0], inside[-1] + 1
        return first, last

    def scheduled_rate(self, timeline: Timeline) -> Floats:
        """Depth that is given by date, mean over the days of each step, m day-1, (time,)."""
        days = Timeline(timeline.start, timeline.end, "day")
        rate = np.zeros(days.n)
        for one in self.scheduled:
            rate += np.where(days_since(one, days) >= 0, one.depth / season_days(one), 0.0)
        return average(days.starts, days.ends, rate, timeline)


def season_days(days: Days) -> int:
    """How many days lie from the first to the last, both counted, in a year of 365 days."""
    first, last = (parse_date(f"2001-{day}" if day != "02-29" else "2001-03-01")
                   for day in (days.first, days.last))  # fmt: skip
    return (last - first).days % 365 + 1


def days_since(window: Days, days: Timeline) -> Floats:
    """Days since the window's first day, −1 outside it; of every day, (n,)."""
    years = days.starts.astype("datetime64[Y]")
    since = np.full(days.n, -1.0)
    for back in (0, 1):
        opened = _day(years - back, window.first)
        closed = _day(years - back + (window.last < window.first), window.last)
        inside = (days.starts >= opened) & (days.starts <= closed)
        since = np.where(inside, (days.starts - opened).astype(np.float64), since)
    return since


def _day(years: NDArray[np.datetime64], day: str) -> NDArray[np.datetime64]:
    month, number = (int(part) for part in day.split("-"))
    first = (years.astype("datetime64[M]") + (month - 1)).astype("datetime64[D]")
    return np.asarray(first + (number - 1))
