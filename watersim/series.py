"""read: guarded CSV → Series in SI, and a Series laid over a run's steps.

A table is UTF-8, separated by commas, with a header row whose names end in their unit
(``inflow_m3s``). Lines that begin with ``#`` may stand before the header. The first column of a
time series is ``date`` (YYYY-MM-DD: the day, or the first day of the decade or month) or ``month``
(YYYY-MM). The step follows from the rows, and every row has to fit it.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from watersim.errors import InputError, Problem
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
from watersim.units import UNITS, Dimension, column_unit, spellings
from watersim.yaml_source import display, first, printable, read_text

MAX_BYTES = 64_000_000

_ADVERB: dict[Step, str] = {"day": "daily", "decade": "by decade", "month": "monthly"}
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
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


class Table(NamedTuple):
    """A small table of numbers.

    Attributes
    ----------
    values : dict of (rows,)
        by column name without the unit, in SI.
    lines : list of int
        the line of every row.
    """

    values: dict[str, Floats]
    lines: list[int]


# --- rows --------------------------------------------------------------------------------------


class _Row(NamedTuple):
    line: int
    cells: list[str]


class _Sheet(NamedTuple):
    """A CSV file as text. Rows of a wrong length are kept and stand among the problems."""

    shown: str
    header: _Row
    rows: list[_Row]
    problems: list[Problem]


def _read_sheet(path: Path, root: Path, shown: str) -> _Sheet:
    """Split a file into header and rows; a file or header that cannot be used raises."""
    lines = read_text(path, root, shown, MAX_BYTES).splitlines(keepends=True)
    above = 0
    while above < len(lines) and (not lines[above].strip() or lines[above].startswith("#")):
        above += 1
    reader = csv.reader(lines[above:], strict=True)
    records: list[_Row] = []
    line = above + 1
    try:
        for record in reader:
            records.append(_Row(line, [cell.strip() for cell in record]))
            line = above + reader.line_num + 1
    except csv.Error as error:
        message = "has an open quote, or text after a closing one; correct the quotes"
        raise InputError(Problem(message, shown, line)) from error
    while records and not any(records[-1].cells):  # blank lines at the end
        records.pop()
    if not records:
        raise InputError(Problem("is empty; write a header and rows of values", shown))
    header, rows = records[0], records[1:]
    problems = _header_problems(header, shown)
    if not rows:
        problems.append(Problem("has a header but no rows; add them", shown, header.line))
    if problems:
        raise InputError(first(problems))
    columns = len(header.cells)
    problems = [
        Problem(_wrong_length(row.cells, columns), shown, row.line)
        for row in rows
        if len(row.cells) != columns
    ]
    return _Sheet(shown, header, rows, problems)


def _header_problems(header: _Row, shown: str) -> list[Problem]:
    names = header.cells
    if len(names) == 1 and re.search("[;\t]", names[0]):
        return [Problem("must be separated by commas (got ';' or a tab)", shown, header.line)]
    messages = [
        f"column {index} has no name; name it or remove it"
        for index, name in enumerate(names, start=1)
        if not name
    ]
    messages += [
        f"column {printable(name)!r} stands twice; rename or remove one"
        for index, name in enumerate(names)
        if name and name in names[:index]
    ]
    return [Problem(message, shown, header.line) for message in messages]


def _wrong_length(cells: list[str], columns: int) -> str:
    if not any(cells) and len(cells) < 2:
        return "is a blank line between rows; remove it"
    counts = f"has {len(cells)} cells where the header has {columns}"
    if len(cells) < columns:
        return f"{counts}; write every cell, also an empty one"
    return f"{counts}; look for decimal commas, which split a number in two"


def _number(cell: str, otherwise: str) -> float:
    """A finite decimal number in ASCII; ValueError with a sentence and its remedy."""
    if _NUMBER.fullmatch(cell):
        number = float(cell)
        if math.isfinite(number):
            return number
    got = f"(got {printable(cell)!r})"
    bare = re.sub(r"[\s',\u00a0\u202f]", "", cell)
    if cell.strip("+-").lower() in ("inf", "infinity", "nan") or _NUMBER.fullmatch(cell):
        raise ValueError(f"must be finite {got}; leave out what is not known")
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]{3}", cell):
        raise ValueError(f"has a comma {got}; write {cell.replace(',', '.')} or {bare}")
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", cell):
        raise ValueError(f"has a decimal comma {got}; write {cell.replace(',', '.')}")
    if _NUMBER.fullmatch(bare):
        raise ValueError(f"has a thousands separator {got}; write {bare}")
    if not cell.isascii():
        raise ValueError(f"must be written with the digits 0-9 and the signs + - . {got}")
    if re.match(r"[-+]?[0-9.]+\s*[A-Za-z%]", cell):
        raise ValueError(f"must be a bare number {got}; the unit stands in the column's name")
    raise ValueError(f"must be a number {got}; {otherwise}")


# --- time series -------------------------------------------------------------------------------


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
    sheet = _read_sheet(path, root, shown)
    problems = list(sheet.problems)
    index, unit = _find_column(sheet, column, problems)
    step, numbers = _periods(sheet, problems)
    values = _values(sheet, index, _labels(step, numbers), missing, problems)
    if problems:
        raise InputError(first(problems))
    known = np.array(numbers, dtype=np.int64)
    starts, ends = first_day(step, known), first_day(step, known + 1)
    factor, dimension, per = UNITS[unit]
    if per is not None:
        values /= period_seconds(per, _timeline(starts, ends, step))
    return Series(starts, ends, step, values * factor, unit, dimension, shown, column)


def _find_column(sheet: _Sheet, column: str, problems: list[Problem]) -> tuple[int | None, str]:
    """The column's position and unit; no position if a problem was noted."""
    names = sheet.header.cells
    unit = column_unit(column)
    if column not in names[1:]:
        message = f"is not a column of the table; {_instead(column, names[1:], names[1:])}"
    elif unit is None:
        message = f"must end in its unit, such as {_SUFFIXES}"
    else:
        return names.index(column), unit
    problems.append(Problem(message, sheet.shown, sheet.header.line, printable(column)))
    return None, "1"


def _instead(name: str, names: Sequence[str], listed: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {printable(close[0])!r}?"
    return f"it has {printable(', '.join(listed), 200) or 'only dates'}"


def _periods(sheet: _Sheet, problems: list[Problem]) -> tuple[Step, list[int | None]]:
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


def _infer_step(sheet: _Sheet, dates: list[int | None], problems: list[Problem]) -> Step:
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
    sheet: _Sheet,
    problems: list[Problem],
) -> None:
    """Note rows that stand shifted, twice, out of order or after a gap."""
    name = sheet.header.cells[0]
    known = np.array([number or 0 for number in numbers], dtype=np.int64)
    rights = first_day(step, known).astype(np.int64)
    lines: dict[int, int] = {}
    last: int | None = None
    for day, number, right, row in zip(dates, numbers, rights, sheet.rows, strict=True):
        if day is None or number is None:  # taken for the period that should stand here
            last = None if last is None else last + 1
            continue
        message = ""
        if day != right:
            number += number in lines  # shifted forwards or back: what should stand here
            was, write = _EPOCH + timedelta(day), first_day(step, np.array([number]))[0]
            message = f"{was} is not the first day of a {step}; write {write}"
        elif number in lines:
            twice = f"on lines {lines[number]} and {row.line}"
            message = f"{_label(step, number)} stands twice, {twice}; remove one"
        elif last is not None and number < last:
            label = f"{_label(step, number)} stands after {_label(step, last)}"
            message = f"{label}; put the rows in order"
        elif last is not None and number > last + 1:
            message = f"nothing for {_gap(step, last + 1, number - 1)}; fill the gap"
        if message:
            problems.append(Problem(message, sheet.shown, row.line, name))
        lines.setdefault(number, row.line)
        last = number if last is None else max(last, number)


def _gap(step: Step, begin: int, end: int) -> str:
    if begin == end:
        return _label(step, begin)
    return f"{_label(step, begin)} to {_label(step, end)}"


def _values(
    sheet: _Sheet,
    index: int | None,
    labels: Sequence[str] | None,
    missing: Sequence[str],
    problems: list[Problem],
) -> Floats:
    """The numbers of a column as written; NaN where a declared marker stands.

    `labels` name the period of every row; None in a table without dates.
    """
    values = np.full(len(sheet.rows), np.nan)
    if index is None:
        return values
    column = sheet.header.cells[index]
    numbers = {float(marker) for marker in missing if _NUMBER.fullmatch(marker)}
    otherwise = "correct it" if labels is None else "correct it, or declare it a missing value"
    for position, row in enumerate(sheet.rows):
        if len(row.cells) != len(sheet.header.cells) or row.cells[index] in missing:
            continue
        message = ""
        try:
            if row.cells[index]:
                number = _number(row.cells[index], otherwise)
                values[position] = np.nan if number in numbers else number
            else:
                message = _empty(None if labels is None else labels[position])
        except ValueError as error:
            message = str(error)
        if message:
            problems.append(Problem(message, sheet.shown, row.line, column))
    return values


def _empty(label: str | None) -> str:
    if label is None:
        return "no value; fill the cell"
    when = f" for {label}" if label else ""
    return f"no value{when}; fill the gap or declare how missing values are treated"


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
    if series.dimension == dimension:
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


# --- tables without dates ------------------------------------------------------------------------


def read_table(
    path: Path, columns: Mapping[str, Dimension], root: Path, shown: str | None = None
) -> Table:
    """Read a table of numbers, such as a reservoir's levels.

    Parameters
    ----------
    path, root : Path
        the file, and the folder that reading is confined to.
    columns : mapping
        the dimension by column name without the unit: ``{'level': 'length'}`` finds ``level_m``.
    shown : str, optional
        the file's name in messages; by default `display` of `path`.

    Raises
    ------
    InputError
        with every problem: unknown, missing or doubled columns, wrong units, cells not numbers.
    MachineError
        if the machine does not let the file be read.
    """
    shown = display(path) if shown is None else shown
    sheet = _read_sheet(path, root, shown)
    problems = list(sheet.problems)
    where = _match_columns(sheet, columns, problems)
    values = {
        name: _values(sheet, index, None, (), problems) * factor
        for name, (index, factor) in where.items()
    }
    if problems:
        raise InputError(first(problems))
    return Table(values, [row.line for row in sheet.rows])


def _match_columns(
    sheet: _Sheet, columns: Mapping[str, Dimension], problems: list[Problem]
) -> dict[str, tuple[int, float]]:
    """The position and factor of every asked column."""
    headers = sheet.header.cells
    names = [next((n for n in columns if _is_named(header, n)), None) for header in headers]
    lacking = {name: columns[name] for name in columns if name not in names}
    wanted = [
        f"{name}_{unit}"
        for name, dimension in lacking.items()
        for unit, meaning in UNITS.items()
        if meaning.dimension == dimension and unit.isalnum()
    ]
    found: dict[str, tuple[int, float]] = {}
    for index, (header, name) in enumerate(zip(headers, names, strict=True)):
        unit = UNITS[column_unit(header) or "1"]
        message = ""
        if name is None:
            message = f"is not a column of this table; {_instead(header, wanted, list(columns))}"
        elif unit.dimension != columns[name]:
            message = f"must be in {spellings(columns[name])} (got {column_unit(header)})"
        elif unit.per is not None:
            message = f"must not be a rate per {unit.per} in a table without dates"
        elif name in found:
            message = f"{name!r} stands twice; remove one"
        if message:
            problems.append(Problem(message, sheet.shown, sheet.header.line, printable(header)))
        elif name is not None:
            found[name] = (index, unit.factor)
    for name, dimension in lacking.items():
        message = f"is missing; add a column {name}_ with one of {spellings(dimension)}"
        problems.append(Problem(message, sheet.shown, sheet.header.line, name))
    return found


def _is_named(header: str, name: str) -> bool:
    """Whether a header is this name and a unit, with nothing between."""
    rest = header.removeprefix(f"{name}_")
    return rest != header and column_unit(rest) is None and column_unit(f"_{rest}") is not None
