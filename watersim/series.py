"""read: guarded CSV → Series in SI, and a Series laid over a run's steps.

A table is UTF-8, separated by commas, with a header row whose names end in their unit
(``inflow_m3s``). Lines that begin with ``#`` may stand before the header. The first column of a
time series is ``date`` (YYYY-MM-DD: the day, or the first day of the decade or month) or ``month``
(YYYY-MM). The step follows from the rows, and every row has to fit it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from watersim.errors import InputError, Problem
from watersim.files import display, first, printable
from watersim.sheet import Sheet, instead, read_sheet, too_large, values_of
from watersim.timeline import (
    DAY,
    STEPS,
    Dates,
    Floats,
    Step,
    Timeline,
    average,
    days,
    decades,
    first_day,
    ordinal,
    parse_date,
    period_seconds,
)
from watersim.units import UNITS, Dimension, column_unit, measures, spellings

_ADVERB: dict[Step, str] = {"day": "daily", "decade": "by decade", "month": "monthly"}
_RATE_OF: dict[Dimension, Dimension] = {
    "volume": "flow",
    "length": "depth rate",
    "energy": "power",
}
_EPOCH = date(1970, 1, 1)
_SUFFIXES = "_m3s, _hm3, _mm, _mm_per_day, _m, _km2, _ha, _MW, _GWh or _percent"


class Series(NamedTuple):
    """A column of a table: one value per period, in the SI unit of its dimension.

    Attributes
    ----------
    starts, ends : (n,) datetime64[D]
        the first day of every period and the day after its last.
    step : Step
        the length of the periods.
    values : (n,)
        in SI; NaN where the table holds a declared marker of a missing value. An amount (m3, m, J)
        is that of the whole period: see `flow_values`.
    unit, dimension
        the spelling in the column's name, and what it measures.
    file, column : str
        where it was read.
    """

    starts: Dates
    ends: Dates
    step: Step
    values: Floats
    unit: str
    dimension: Dimension
    file: str
    column: str


def read_series(
    path: Path, column: str, root: Path, shown: str | None = None, missing: Sequence[str] = ()
) -> Series:
    """Read one column of a table of dates.

    Parameters
    ----------
    path, root : Path
        the file, and the folder that reading is confined to.
    column : str
        the column's name with its unit.
    shown : str, optional
        the file's name in messages; by default `display` of `path`.
    missing : sequence of str
        declared markers of a missing value (``NA``, ``-999``), read as NaN.

    Raises
    ------
    InputError
        with every problem of the dates and of this column.
    MachineError
        if the machine does not let the file be read.
    """
    shown = display(path) if shown is None else shown
    sheet = read_sheet(path, root, shown)
    problems = list(sheet.problems)
    index, unit = _find_column(sheet, column, problems)
    step, numbers = _periods(sheet, problems)
    values = values_of(sheet, index, _labels(step, numbers), missing, problems)
    if problems:
        raise InputError(first(problems))
    known = np.array(numbers, dtype=np.int64)
    starts, ends = first_day(step, known), first_day(step, known + 1)
    factor, dimension, per = UNITS[unit]
    problems = too_large(sheet, index, values, factor)
    if problems:
        raise InputError(first(problems))
    if per is not None:
        values /= period_seconds(per, _timeline(starts, ends, step))
    return Series(starts, ends, step, values * factor, unit, dimension, shown, column)


def _find_column(sheet: Sheet, column: str, problems: list[Problem]) -> tuple[int | None, str]:
    """The column's position and unit; no position if a problem was noted."""
    names = sheet.header.cells
    unit = column_unit(column)
    if column not in names[1:]:
        message = f"is not a column of the table; {instead(column, names[1:], names[1:])}"
    elif unit is None:
        message = f"must end in its unit, such as {_SUFFIXES}"
    else:
        return names.index(column), unit
    problems.append(Problem(message, sheet.shown, sheet.header.line, printable(column)))
    return None, "1"


def _periods(sheet: Sheet, problems: list[Problem]) -> tuple[Step, list[int | None]]:
    """The step and the number of every row's period, None where its date cannot be read."""
    kind = sheet.header.cells[0]
    if kind not in ("date", "month"):
        message = f"the first column must be 'date' or 'month' (got {printable(kind)!r})"
        raise InputError(first([*problems, Problem(message, sheet.shown, sheet.header.line)]))
    dates: list[int | None] = []
    for row in sheet.rows:
        cell = row.cells[0] if row.cells else ""
        try:
            dates.append(_day(cell, kind))
        except ValueError as error:
            dates.append(None)
            if any(row.cells):
                problems.append(Problem(str(error), sheet.shown, row.line, kind))
    step = "month" if kind == "month" else _infer_step(sheet, dates, problems)
    known = np.array([day or 0 for day in dates], dtype=np.int64)
    numbers = [
        None if day is None else int(number)
        for day, number in zip(dates, ordinal(step, first_day("day", known)), strict=True)
    ]
    _check_periods(step, dates, numbers, sheet, problems)
    return step, numbers


def _day(cell: str, kind: str) -> int:
    """The day a cell names, counted from 1970-01-01."""
    if kind == "month":
        if not re.fullmatch("(?!0000)[0-9]{4}-(0[1-9]|1[0-2])", cell):
            raise ValueError(f"must be a month YYYY-MM (got {printable(cell)!r})")
        cell = f"{cell}-01"
    return (parse_date(cell) - _EPOCH).days


def _infer_step(sheet: Sheet, dates: list[int | None], problems: list[Problem]) -> Step:
    """The step whose length is the median distance between neighbouring rows."""
    known = np.array([day for day in dates if day is not None], dtype=np.int64)
    apart = np.diff(known)
    apart = apart[apart > 0]
    if len(apart) == 0:
        if len(known) == len(dates):
            message = (
                "has too few dates to tell its step; name the column 'month' and write YYYY-MM"
            )
            line = sheet.rows[0].line
            raise InputError(first([*problems, Problem(message, sheet.shown, line, "date")]))
        raise InputError(first(problems))
    median = float(np.median(apart))
    for step, shortest, longest in (("day", 1, 1), ("decade", 8, 12), ("month", 26, 62)):
        if shortest <= median <= longest:
            return step  # type: ignore[return-value]
    message = f"must be daily, by decade (1, 11, 21) or monthly (rows are {median:g} days apart)"
    raise InputError(first([*problems, Problem(message, sheet.shown, sheet.rows[0].line, "date")]))


def _labels(step: Step, numbers: Sequence[int | None]) -> list[str]:
    """Every period as the user writes it, '' where its date cannot be read."""
    known = first_day(step, np.array([number or 0 for number in numbers], dtype=np.int64))
    texts = np.datetime_as_string(known, unit="M" if step == "month" else "D")
    return ["" if n is None else str(t) for n, t in zip(numbers, texts, strict=True)]


def _label(step: Step, number: int) -> str:
    return _labels(step, [number])[0]


def _check_periods(
    step: Step,
    dates: Sequence[int | None],
    numbers: Sequence[int | None],
    sheet: Sheet,
    problems: list[Problem],
) -> None:
    """Note rows that stand shifted, twice, out of order or after a gap."""
    known = np.array([number or 0 for number in numbers], dtype=np.int64)
    rights = first_day(step, known).astype(np.int64)
    lines: dict[int, int] = {}
    found: list[tuple[int, str | range]] = []  # line, and a sentence or the periods of a gap
    last: int | None = None
    for day, number, right, row in zip(dates, numbers, rights, sheet.rows, strict=True):
        if day is None or number is None:  # taken for the period that should stand here
            last = None if last is None else last + 1
            continue
        if day != right:
            number += number in lines  # shifted forwards or back: what should stand here
            was, write = _EPOCH + timedelta(day), first_day(step, np.array([number]))[0]
            found.append((row.line, f"{was} is not the first day of a {step}; write {write}"))
        elif number in lines:
            twice = f"on lines {lines[number]} and {row.line}"
            found.append((row.line, f"{_label(step, number)} stands twice, {twice}; remove one"))
        elif last is not None and number < last:
            label = f"{_label(step, number)} stands after {_label(step, last)}"
            found.append((row.line, f"{label}; put the rows in order"))
        elif last is not None and number > last + 1:
            found.append((row.line, range(last + 1, number)))
        lines.setdefault(number, row.line)
        last = number if last is None else max(last, number)
    for line, what in found:
        message = what if isinstance(what, str) else _gap(step, what, lines)
        if message:
            problems.append(Problem(message, sheet.shown, line, sheet.header.cells[0]))


def _gap(step: Step, periods: range, lines: Mapping[int, int]) -> str:
    """The sentence on a gap; '' if all of it stands elsewhere, which is said there."""
    lacking = [number for number in periods if number not in lines]
    if not lacking:
        return ""
    apart = [k for k in range(1, len(lacking)) if lacking[k] > lacking[k - 1] + 1]
    spans = [
        (lacking[begin], lacking[end - 1])
        for begin, end in zip([0, *apart], [*apart, len(lacking)], strict=True)
    ]
    said = [
        _label(step, a) if a == b else f"{_label(step, a)} to {_label(step, b)}" for a, b in spans
    ]
    return f"nothing for {', '.join(said)}; fill the gap"


def _timeline(starts: Dates, ends: Dates, step: Step) -> Timeline:
    return Timeline(starts[0].astype(object), (ends[-1] - 1).astype(object), step)


def flow_values(series: Series) -> Floats:
    """The mean rate over every period, (n,): m3 s-1 of a flow or volume column.

    An amount (m3, m, J) is divided by the true seconds of its period and becomes m3 s-1, m s-1 or
    W; a rate is returned as it is.

    Raises
    ------
    ValueError
        if the column measures neither a rate nor an amount that has one.
    """
    if series.dimension in _RATE_OF.values():
        return series.values
    if series.dimension not in _RATE_OF:
        raise ValueError(f"{series.column} must be a rate, or an amount per period")
    return np.asarray(series.values / ((series.ends - series.starts).astype(np.float64) * DAY))


def measured_as(series: Series, dimension: Dimension) -> Series:
    """The series in the dimension a field asks for: an amount of each period becomes a mean rate.

    Raises
    ------
    ValueError
        if the column measures something else; the message names the right units.
    """
    if series.dimension == dimension or measures(series.unit, dimension):
        return series
    if _RATE_OF.get(series.dimension) == dimension:
        return series._replace(values=flow_values(series), dimension=dimension)
    message = f"{series.column} must be in {spellings(dimension)} (got {series.unit})"
    raise ValueError(f"{message}; choose another column or correct its unit")


def drive(
    series: Series, timeline: Timeline, finer: Literal["hold"] | Sequence[float] | None = None
) -> Floats:
    """The series' mean over every step of a run, (n,).

    A run of the same or a longer step takes the exact time-weighted mean. In a run of a shorter
    step, ``'hold'`` gives every step the value of its period; a shape of 36 weights by decade or
    366 by day of the year (29 February the 60th) is scaled in every period so that the period's
    mean stays. The values count as means over their period: an amount is first made a rate, with
    `measured_as`.

    Raises
    ------
    ValueError
        if the run is finer and nothing is declared, if the shape cannot carry a period's value, or
        if a day of the run is not covered.
    """
    held = average(series.starts, series.ends, series.values, timeline)
    if STEPS.index(timeline.step) >= STEPS.index(series.step) or isinstance(finer, str):
        return held
    if finer is None:
        steps = f"is {_ADVERB[series.step]} and the run is {_ADVERB[timeline.step]}"
        raise ValueError(f"{steps}; declare `finer: hold` or `finer: {{disaggregate: [...]}}`")
    return _disaggregate(series, timeline, held, np.asarray(finer, dtype=np.float64))


def _disaggregate(series: Series, timeline: Timeline, held: Floats, shape: Floats) -> Floats:
    """Scale a shape so that its mean over every whole period is the period's value."""
    if shape.size not in (36, 366):
        raise ValueError(f"`disaggregate` must hold 36 or 366 weights (got {shape.size})")
    if not (np.isfinite(shape).all() and (shape >= 0.0).all()):
        raise ValueError("`disaggregate` must hold finite weights of at least 0")
    weigh = decades if shape.size == 36 else days
    ends = np.array([timeline.start, timeline.end], "datetime64[D]")
    begin, last = ordinal(series.step, ends)
    bounds = first_day(series.step, np.array([begin, last + 1]))
    whole = _timeline(
        bounds[:1], bounds[1:], timeline.step
    )  # also the periods begun and unfinished
    periods = _timeline(bounds[:1], bounds[1:], series.step)
    means = average(whole.starts, whole.ends, weigh(shape, whole), periods)
    mean = average(periods.starts, periods.ends, means, timeline)
    empty = (mean == 0.0) & (held != 0.0)
    if empty.any():
        when = timeline.starts[np.flatnonzero(empty)[0]]
        raise ValueError(f"`disaggregate` is 0 throughout the period of {when}, the value is not")
    ratio = np.divide(weigh(shape, timeline), mean, out=np.zeros_like(mean), where=mean > 0.0)
    return np.asarray(held * ratio)
