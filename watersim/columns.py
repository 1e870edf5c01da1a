"""columns: columns of a guarded CSV by name and unit, with every problem at its line; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watersim.errors import InputError, Problem
from watersim.files import display, first, printable
from watersim.forcing import per_period
from watersim.network import suggest
from watersim.sheet import Sheet, read_sheet, too_large, values_of
from watersim.table import is_named
from watersim.timeline import Timeline
from watersim.units import UNITS, Dimension, column_unit, spellings

Floats = NDArray[np.float64]


def open_sheet(path: Path) -> tuple[Sheet, list[Problem]]:
    """A table that the user names, and what is wrong with its rows."""
    sheet = read_sheet(path, path.resolve().parent, display(path))
    return sheet, list(sheet.problems)


def text_column(sheet: Sheet, name: str, problems: list[Problem]) -> list[str]:
    """The cells of a column of texts, none where it is missing."""
    if name not in sheet.header.cells:
        message = f"is missing; add a column {name}"
        problems.append(Problem(message, sheet.shown, sheet.header.line, name))
        return []
    index = sheet.header.cells.index(name)
    return [row.cells[index] if index < len(row.cells) else "" for row in sheet.rows]


def quantity_column(
    sheet: Sheet, name: str, dimension: Dimension, problems: list[Problem], *others: Dimension
) -> tuple[int | None, float]:
    """Position and SI factor of the column with this name and a unit."""
    for index, header in enumerate(sheet.header.cells):
        if is_named(header, name):
            unit = UNITS[column_unit(header) or "1"]
            if unit.dimension in (dimension, *others):
                return index, unit.factor
            problems.append(Problem(
                f"must be in {spellings(dimension)} (got {column_unit(header)})", sheet.shown,
                sheet.header.line, printable(header)))  # fmt: skip
            return None, 1.0
    example = "m3s" if dimension == "flow" else "hm3"
    problems.append(Problem(f"is missing; add a column {name}_{example}", sheet.shown,
                            sheet.header.line, name))  # fmt: skip
    return None, 1.0


def refuse_others(
    sheet: Sheet, others: set[str], columns: Mapping[str, object], problems: list[Problem]
) -> None:
    """Note columns that are none of these."""
    for header in sheet.header.cells:
        if header not in others and not any(is_named(header, name) for name in columns):
            said = f"is not a column of this table{suggest(header, list(columns))}"
            problems.append(Problem(said, sheet.shown, sheet.header.line, printable(header)))


def amounts(
    sheet: Sheet, index: int | None, labels: Sequence[str], problems: list[Problem]
) -> Floats:
    """The numbers of a column as written, none below 0."""
    before = len(problems)
    values = values_of(sheet, index, labels, (), problems)
    column = sheet.header.cells[index or 0]
    factor = UNITS[column_unit(column) or "1"].factor
    problems += too_large(sheet, index, values, factor)
    for k in np.flatnonzero(values < 0.0):
        problems.append(Problem(f"must be at least 0 (got {values[k]:g}); correct it", sheet.shown,
                                sheet.rows[k].line, column))  # fmt: skip
    return values if len(problems) == before else np.zeros_like(values)


def as_flow(values: Floats, unit: str, timeline: Timeline) -> Floats:
    """Flows, or volumes of each step, in m3/s."""
    if UNITS[unit].dimension == "volume":
        return values * UNITS[unit].factor / timeline.seconds
    return per_period(values, unit, timeline)


def stop(problems: list[Problem]) -> None:
    """Raise what was found.

    Raises
    ------
    InputError
        if anything was.
    """
    if problems:
        raise InputError(first(problems))
