"""Days of the year → what follows from them in every step: a curve, the next date, what comes until then; pure.

A date of the year, MM-DD, is its first moment. One that lies inside a step counts at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from watersim.fields import Varying, quantity
from watersim.number import EntryError, shown
from watersim.timeline import Dates, Timeline, parse_date
from watersim.units import DAY

Floats = NDArray[np.float64]


class Dated(NamedTuple):
    """Values on dates of every year: the curve between them, the next one, or the time until it."""

    points: tuple[tuple[str, float], ...]
    of: Literal["curve", "next", "seconds"]


class Ahead(NamedTuple):
    """The volume that flows from the end of a step until the next of some dates."""

    flow: Varying
    days: tuple[str, ...]


class Beginning(NamedTuple):
    """The steps with which a yearly window of days begins: 1 there, 0 in all others."""

    first: str
    last: str


def as_day(value: object) -> object:
    """A day of the year as it is written; ValueError with a sentence otherwise."""
    try:
        parse_date(f"2000-{value}")  # a leap year has every day
    except ValueError:
        message = f"must be a day of the year such as 04-01 (got {shown(value)})"
        raise ValueError(message) from None
    return value


def _by_date(values: dict[str, float]) -> dict[str, float]:
    if not values:
        raise ValueError("names no date; write {04-01: 500 hm3, …}")
    for day in values:
        try:
            as_day(day)
        except ValueError as error:
            raise EntryError(f"{error}; correct it", day) from None
    return values


ByDate = Annotated[dict[str, Annotated[float, quantity("volume")]], AfterValidator(_by_date)]


def day_after(day: str) -> str:
    """The day of the year after one: ``09-30`` → ``10-01``."""
    following = np.datetime64(parse_date(f"2000-{day}")) + np.timedelta64(1, "D")
    return str(following)[5:]


def next_dates(days: Sequence[str], timeline: Timeline) -> tuple[Dates, NDArray[np.int64]]:
    """The date after the start of every step, at the earliest its end; and which of the days it is."""
    dates, which = _dates(days, timeline)
    at = np.searchsorted(dates, timeline.starts, side="right")
    return np.maximum(dates[at], timeline.ends), which[at]


def along(given: Dated, timeline: Timeline) -> Floats:
    """What it asks for, in every step; a curve is taken at the step's end, straight between dates."""
    days, values = [day for day, _ in given.points], np.array([v for _, v in given.points])
    if given.of == "curve":
        dates, which = _dates(days, timeline)
        numbers = dates.astype(np.int64).astype(np.float64)
        ends = timeline.ends.astype(np.int64).astype(np.float64)
        return np.asarray(np.interp(ends, numbers, values[which]))
    until, which = next_dates(days, timeline)
    if given.of == "next":
        return np.asarray(values[which])
    return np.asarray((until - timeline.starts).astype(np.int64) * DAY)


def _dates(days: Sequence[str], timeline: Timeline) -> tuple[Dates, NDArray[np.int64]]:
    """The days in every year around a timeline, in order, and which of them each is."""
    years = range(timeline.start.year - 1, timeline.end.year + 3)
    found = sorted(
        (np.datetime64(f"{year:04d}-{_in_any_year(day)}"), k)
        for year in years
        for k, day in enumerate(days)
    )
    return np.array([date for date, _ in found]), np.array([k for _, k in found], np.int64)


def _in_any_year(day: str) -> str:
    return "03-01" if day == "02-29" else day
