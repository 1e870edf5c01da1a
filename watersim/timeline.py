"""days → steps of true length, and means over them; pure.

A step is a day, a decade (days 1–10, 11–20, 21–end of the month) or a month. Decades nest in months
and days in decades, so a step never lies in two months. Dates are civil dates without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Step = Literal["day", "decade", "month"]
Period = Literal["decade", "month", "year"]
Accounting = Literal["decade", "month", "season", "year"]  # what accounts and quotas are kept by
Dates = npt.NDArray[np.datetime64]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Array = TypeVar("Array", bound=npt.NDArray[Any])

DAY = 86_400.0
STEPS: tuple[Step, ...] = ("day", "decade", "month")  # from fine to coarse

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def parse_date(text: str) -> date:
    """Read a date written YYYY-MM-DD in ASCII digits.

    Raises
    ------
    ValueError
        if it is written otherwise or is not in the calendar.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"must be a date YYYY-MM-DD (got {text[:40]!r})")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise ValueError(f"must be a date of the calendar (got {text!r})") from error


def ordinal(step: Step, dates: Dates) -> Integers:
    """The number of the day, decade or month each date lies in, counted from 1970-01-01 = 0."""
    days = dates.astype("datetime64[D]")
    if step == "day":
        return days.astype(np.int64)
    months = days.astype("datetime64[M]")
    if step == "month":
        return months.astype(np.int64)
    day_of_month = (days - months.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(3 * months.astype(np.int64) + np.minimum(day_of_month // 10, 2))


def first_day(step: Step, ordinals: Integers) -> Dates:
    """The first day of the days, decades or months so numbered: the inverse of `ordinal`."""
    if step == "day":
        return ordinals.astype("datetime64[D]")
    if step == "month":
        return ordinals.astype("datetime64[M]").astype("datetime64[D]")
    months = (ordinals // 3).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(months + 10 * (ordinals % 3))


def edges(step: Step, first: date, count: int) -> Dates:
    """The ``count + 1`` dates that bound `count` steps, from the step in which `first` lies."""
    start = ordinal(step, np.array([first], "datetime64[D]"))[0]
    return first_day(step, np.arange(start, start + count + 1, dtype=np.int64))


@dataclass(frozen=True)
class Timeline:
    """The steps from `start` to `end`, the last day inclusive.

    Raises
    ------
    ValueError
        if `end` lies before `start` or either is not on a boundary of the step; the message names
        the nearest right dates.
    """

    start: date
    end: date
    step: Step

    def __post_init__(self) -> None:
        if self.step not in STEPS:
            raise ValueError(f"step must be day, decade or month (got {self.step!r})")
        if self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}; exchange them")
        days = np.array([self.start, self.end], "datetime64[D]")
        days[1] += 1
        below = first_day(self.step, ordinal(self.step, days))
        above = first_day(self.step, ordinal(self.step, days) + 1)
        if days[0] != below[0]:
            right = f"{below[0]} or {above[0]}"
            raise ValueError(f"start {self.start} is not the first day of a {self.step}; {right}")
        if days[1] != below[1]:
            right = f"{below[1] - 1} or {above[1] - 1}"
            raise ValueError(f"end {self.end} is not the last day of a {self.step}; {right}")

    @cached_property
    def edges(self) -> Dates:
        """The dates that bound the steps, (n + 1,)."""
        ends = np.array([self.start, self.end], "datetime64[D]")
        first, last = ordinal(self.step, ends)
        return _fixed(first_day(self.step, np.arange(first, last + 2, dtype=np.int64)))

    @property
    def starts(self) -> Dates:
        """The first day of every step, (n,)."""
        return self.edges[:-1]

    @property
    def ends(self) -> Dates:
        """The day after the last of every step, (n,)."""
        return self.edges[1:]

    @property
    def n(self) -> int:
        """How many steps there are."""
        return len(self.edges) - 1

    def beside(self, side: Literal[-1, 1]) -> Timeline:
        """The one step before the first (−1), or after the last (1)."""
        first, last = ordinal(self.step, np.array([self.start, self.end], "datetime64[D]"))
        number = np.array([first - 1 if side < 0 else last + 1])
        ends = first_day(self.step, number + 1) - 1
        return Timeline(
            first_day(self.step, number)[0].astype(object), ends[0].astype(object), self.step
        )

    def extended(self, before: int, after: int) -> Timeline:
        """The same with the step before or after, for 1 in place of 0."""
        return Timeline(
            self.beside(-1).start if before else self.start,
            self.beside(1).end if after else self.end,
            self.step,
        )

    @cached_property
    def seconds(self) -> Floats:
        """The length of every step in s, (n,)."""
        return _fixed((self.ends - self.starts).astype(np.float64) * DAY)

    def at(self, step: int) -> Timeline:
        """The one step that is so many after the first; it may lie before it or beyond the last."""
        number = ordinal(self.step, self.edges[:1])[0] + step
        first, after = first_day(self.step, np.array([number, number + 1])).astype(object)
        return Timeline(first, (after - timedelta(days=1)), self.step)

    def seconds_on(self, count: int) -> Floats:
        """The lengths of `count` steps from the first on, beyond the last if need be, s."""
        days = np.diff(edges(self.step, self.start, count)).astype(np.float64)
        return np.asarray(days * DAY)

    @cached_property
    def month(self) -> Integers:
        """The calendar month of every step, 1 … 12, (n,)."""
        return _fixed(self.starts.astype("datetime64[M]").astype(np.int64) % 12 + 1)

    @cached_property
    def decade(self) -> Integers:
        """The decade of the calendar year in which every step begins, 0 … 35, (n,)."""
        return _fixed(ordinal("decade", self.starts) % 36)

    @cached_property
    def growing(self) -> npt.NDArray[np.bool_]:
        """Whether a step lies in April … September, (n,)."""
        return _fixed((self.month >= 4) & (self.month <= 9))

    @cached_property
    def season(self) -> npt.NDArray[np.str_]:
        """``'growing'`` (April … September) or ``'winter'``, (n,)."""
        return _fixed(np.where(self.growing, "growing", "winter"))

    @cached_property
    def hydrological_year(self) -> Integers:
        """The year, October … September, named by the calendar year it ends in, (n,)."""
        year = self.starts.astype("datetime64[Y]").astype(np.int64) + 1970
        return _fixed(year + (self.month >= 10))


_FIRST_MONTHS: dict[Accounting, tuple[int, ...]] = {
    "decade": tuple(range(1, 13)),
    "month": tuple(range(1, 13)),
    "season": (4, 10),
    "year": (10,),
}


def opens(per: Accounting, timeline: Timeline) -> Floats:
    """1 where a step is the first of a decade, month, season or hydrological year, else 0, (n,)."""
    first = timeline.starts == timeline.starts.astype("datetime64[M]")
    if per == "decade":
        day = (timeline.starts - timeline.starts.astype("datetime64[M]")).astype(np.int64)
        first = np.isin(day, (0, 10, 20))
    return np.asarray(first & np.isin(timeline.month, _FIRST_MONTHS[per]), np.float64)


def steps_back(window: float, timeline: Timeline) -> Floats:
    """How many earlier steps lie, in whole or in part, in a window that ends with each step, (n,).

    Parameters
    ----------
    window
        its length, s

    Raises
    ------
    ValueError
        if it is shorter than a step.
    """
    longest = float(timeline.seconds.max())
    if window < longest:
        raise ValueError(
            f"has a window of {window / DAY:g} days, shorter than a step of {longest / DAY:g}; lengthen "
            "it, or run with a shorter step"
        )
    ends = (timeline.ends - timeline.edges[0]).astype(np.float64) * DAY
    first = np.searchsorted(ends, ends - window, side="right")
    return np.asarray(np.arange(timeline.n) - first, np.float64)


def step_lengths(step: Step) -> tuple[float, ...]:
    """The lengths in s that a step can have in the calendar, the shortest first."""
    days = {"day": (1,), "decade": (8, 9, 10, 11), "month": (28, 29, 30, 31)}
    return tuple(count * DAY for count in days[step])


def shares_due(lag: float, ahead: int, timeline: Timeline) -> Floats:
    """Share of an even flow through a step that arrives `ahead` steps later, (n,).

    It enters over the whole step and is under way for `lag` seconds.
    """
    starts = (timeline.edges - timeline.edges[0]).astype(np.float64) * DAY
    beyond = edges(timeline.step, timeline.start, timeline.n + ahead)[ahead:]
    later = (beyond - timeline.edges[0]).astype(np.float64) * DAY
    first, last = starts[:-1] + lag, starts[1:] + lag
    shared = np.minimum(last, later[1:]) - np.maximum(first, later[:-1])
    return np.asarray(np.maximum(0.0, shared) / timeline.seconds)


def average(starts: Dates, ends: Dates, values: Floats, timeline: Timeline) -> Floats:
    """The time-weighted mean of a piecewise constant series over every step, (n,).

    ``mean = Σ value × days shared / days of the step``. A step that lies within one piece takes its
    value unchanged, to the last bit; a NaN reaches just the steps that share a day with it.

    Parameters
    ----------
    starts, ends : (pieces,) datetime64[D]
        the first day of every piece and the day after its last, in order and without overlap.
    values : (pieces,)
        the value of every piece, a mean over it, in any unit.

    Raises
    ------
    ValueError
        if a day of the timeline is not covered; the message names the first.
    """
    steps = timeline.edges
    _check_covered(starts, ends, steps[0], steps[-1])
    inner = starts[(starts > steps[0]) & (starts < steps[-1])]
    cuts = np.union1d(steps, inner)
    piece = np.searchsorted(starts, cuts[:-1], side="right") - 1
    step = np.searchsorted(cuts[:-1], steps[:-1])
    days = (cuts[1:] - cuts[:-1]).astype(np.float64)
    means = np.add.reduceat(values[piece] * days, step) / np.add.reduceat(days, step)
    single = np.diff(step, append=len(days)) == 1
    return np.asarray(np.where(single, values[piece][step], means))


def _check_covered(starts: Dates, ends: Dates, start: np.datetime64, end: np.datetime64) -> None:
    """Refuse with the first day from `start` to before `end` that no piece covers."""
    if len(starts) == 0:
        raise ValueError(f"has no value for {start}; it is empty")
    missing = start
    if starts[0] <= start:
        after = ends[max(int(np.searchsorted(starts, start, side="right")) - 1, 0) :]
        follows = starts[np.searchsorted(starts, start, side="right") :]
        holes = np.flatnonzero(after[: len(follows)] < follows)
        missing = max(after[holes[0]] if len(holes) else after[-1], start)
    if missing < end:
        covered = (
            f"it runs from {starts[0]} to {ends[-1] - 1}; fill the table or choose another period"
        )
        raise ValueError(f"has no value for {missing}; {covered}")


def period_seconds(per: Period, timeline: Timeline) -> Floats:
    """The true seconds of the decade, month or year every step lies in, (n,).

    Where a step holds several periods (months of a rate per decade) it is their mean length, so
    that an amount per period divided by it is the step's mean rate.
    """
    if per == "year":
        year = timeline.starts.astype("datetime64[Y]")
        first, last = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
        return np.asarray((last - first).astype(np.float64) * DAY)
    number = ordinal(per, timeline.starts)
    after = ordinal(per, timeline.ends - 1) + 1
    spans = (first_day(per, after) - first_day(per, number)).astype(np.float64) * DAY
    return np.asarray(spans / (after - number))


def monthly(values: Sequence[float] | Floats, timeline: Timeline) -> Floats:
    """The value of every step's calendar month, (n,), from 12 values, January first."""
    return _profile(values, 12)[timeline.month - 1]


def decades(values: Sequence[float] | Floats, timeline: Timeline) -> Floats:
    """The mean of 36 values by decade of the year over every step, (n,); exact for months."""
    profile = _profile(values, 36)
    return _mean_of("decade", lambda starts: profile[ordinal("decade", starts) % 36], timeline)


def days(values: Sequence[float] | Floats, timeline: Timeline) -> Floats:
    """The mean of 366 values by day of the year over every step, (n,).

    The 60th value is that of 29 February; a common year passes over it.
    """
    profile = _profile(values, 366)

    def by_day(starts: Dates) -> Floats:
        months = starts.astype("datetime64[M]")
        day = (starts - months.astype("datetime64[D]")).astype(np.int64)
        return np.asarray(profile[_BEFORE_MONTH[months.astype(np.int64) % 12] + day])

    return _mean_of("day", by_day, timeline)


_BEFORE_MONTH = ordinal("day", first_day("month", np.arange(24, 36))) - 730  # in 1972, a leap year


def _profile(values: Sequence[float] | Floats, length: int) -> Floats:
    profile = np.asarray(values, dtype=np.float64)
    if profile.shape != (length,):
        raise ValueError(f"must hold {length} values (got {profile.size})")
    return profile


def _mean_of(step: Step, value: Callable[[Dates], Floats], timeline: Timeline) -> Floats:
    """The mean over every step of a value given by decade or day."""
    if STEPS.index(timeline.step) <= STEPS.index(step):
        return value(timeline.starts)
    fine = Timeline(timeline.start, timeline.end, step)
    return average(fine.starts, fine.ends, value(fine.starts), timeline)


def _fixed(array: Array) -> Array:
    """The array, no longer writable: a cached property is shared."""
    array.setflags(write=False)
    return array
