"""A `Varying` description → its value in every step, SI; reads tables only through `Tables`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watersim.dated import Ahead, Beginning, day_after, next_dates
from watersim.fields import Varying, Window
from watersim.series import Series, drive, measured_as, read_series
from watersim.table import Table, read_table
from watersim.timeline import Timeline, decades, monthly, period_seconds
from watersim.units import LARGEST, UNITS, Dimension, parse_quantity

Floats = NDArray[np.float64]


def unfit(values: object) -> str:
    """Why numbers given in Python cannot be a forcing; '' if they can."""
    try:
        numbers = np.asarray(values)
        if numbers.dtype.kind not in "iuf":
            raise ValueError
    except ValueError:
        return "must be a number"
    if not np.all(np.isfinite(numbers)):
        return "must be finite"
    if np.any(numbers < 0.0) or np.any(numbers > LARGEST):
        return f"must be at least 0 and at most {LARGEST:g}"
    return ""


class Tables:
    """Every table of a scenario, each read once, with the paths of all files read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, Path] = {}
        self._series: dict[tuple[Path, str, tuple[str, ...]], Series] = {}

    def series(self, path: Path, shown: str, column: str, missing: list[str]) -> Series:
        """A column of a CSV table of dated rows."""
        key = (path, column, tuple(missing))
        if key not in self._series:
            self._series[key] = read_series(path, column, self.root, shown, missing)
            self.files[shown] = path
        return self._series[key]

    def table(self, path: Path, shown: str, columns: dict[str, Dimension]) -> Table:
        """A CSV table without dates."""
        read = read_table(path, columns, self.root, shown)
        self.files[shown] = path
        return read


def constant(text: str, dimension: Dimension, timeline: Timeline) -> Floats:
    """A constant quantity in every step, by the true length of its calendar period if any."""
    number, spelling = parse_quantity(text)
    return per_period(np.full(timeline.n, number), spelling, timeline)


def per_period(values: Floats, spelling: str, timeline: Timeline) -> Floats:
    """Numbers in a unit → SI; hm3/month and the like by the true length of each period."""
    unit = UNITS[spelling]
    if unit.per is None:
        return values * unit.factor
    return values * unit.factor / period_seconds(unit.per, timeline)


def resolve(varying: Varying, timeline: Timeline, series: Series | None) -> Floats:
    """The value of every step, shape (time,), SI, factor applied.

    Raises
    ------
    ValueError
        if its table does not cover the timeline, is coarser without saying how to refine it, or
        lacks a value.
    """
    form = varying.form
    if form == "constant":
        values = constant(str(varying.constant), varying.dimension, timeline)
    elif form == "annual":
        values = _annual(varying, timeline)
    elif form == "file":
        assert series is not None
        values = drive(measured_as(series, varying.dimension), timeline, varying.finer)
    else:
        spread = monthly if form == "monthly" else decades
        numbers = np.array(getattr(varying, form), np.float64)
        values = _profile(spread, numbers, str(varying.unit), timeline)
    return values * varying.factor


def _profile(spread: object, numbers: Floats, spelling: str, timeline: Timeline) -> Floats:
    unit = UNITS[spelling]
    if unit.per is None or unit.per == "year":
        return per_period(np.asarray(spread(numbers, timeline)), spelling, timeline)  # type: ignore[operator]
    days = Timeline(timeline.start, timeline.end, "day")
    daily = per_period(np.asarray(spread(numbers, days)), spelling, days)  # type: ignore[operator]
    return _mean_of_days(daily, timeline)


def _annual(varying: Varying, timeline: Timeline) -> Floats:
    number, spelling = parse_quantity(str(varying.annual))
    total = number * UNITS[spelling].factor
    shares = np.array(varying.shares, np.float64) / 100.0
    days = Timeline(timeline.start, timeline.end, "day")
    if shares.size == 12:
        daily = monthly(shares, days) / period_seconds("month", days)
    else:
        daily = decades(shares, days) / period_seconds("decade", days)
    return _mean_of_days(total * daily, timeline)


def _mean_of_days(daily: Floats, timeline: Timeline) -> Floats:
    counts = np.rint(timeline.seconds / 86_400.0).astype(np.int64)
    firsts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.asarray(np.add.reduceat(daily, firsts) / counts)


def inside(window: Window, timeline: Timeline) -> Floats:
    """The window's value in every step whose last day lies inside, the rest of 1 in the others."""
    last = (timeline.ends - np.timedelta64(1, "D")).astype(object)
    days = np.array([f"{day.month:02d}-{day.day:02d}" for day in last])
    if window.first <= window.last:
        within = (days >= window.first) & (days <= window.last)
    else:
        within = (days >= window.first) | (days <= window.last)
    return np.where(within, window.inside, 1.0 - window.inside)


def begins(given: Beginning, timeline: Timeline) -> Floats:
    """1 in the steps that are inside a window while the one before is not, 0 in all others.

    A window of the whole year begins in the steps that its first day lies in.
    """
    window = Window(given.first, given.last, inside=1.0)
    days = Timeline(timeline.start - timedelta(days=1), timeline.end, "day")
    if day_after(given.last) == given.first:
        numbers = np.array([f"{day.month:02d}-{day.day:02d}" for day in days.starts.astype(object)])
        counted = np.concatenate(([0], np.cumsum(numbers == given.first)))
        first, end = (
            np.searchsorted(days.starts, edge) for edge in (timeline.starts, timeline.ends)
        )
        return (counted[end] > counted[first]).astype(np.float64)
    before = inside(window, days)[np.searchsorted(days.starts, timeline.starts) - 1]
    return inside(window, timeline) * (1.0 - before)


def ahead(given: Ahead, timeline: Timeline) -> Floats:
    """Volume from the end of every step until the next date, m3, shape (time,).

    Raises
    ------
    ValueError
        if the flow stands in a table: nobody knows it beyond the table's end.
    """
    if given.flow.form == "file":
        raise ValueError(
            "must be a profile of the year, which is known ahead; write monthly values"
        )
    days = Timeline(timeline.start, timeline.end + timedelta(days=2 * 366), "day")
    volume = np.concatenate(([0.0], np.cumsum(resolve(given.flow, days, None) * days.seconds)))
    until, _ = next_dates(given.days, timeline)
    first, last = (
        (dates - timeline.starts[0]).astype(np.int64) for dates in (timeline.ends, until)
    )
    return np.asarray(volume[last] - volume[first])
