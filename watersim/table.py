"""Small tables of numbers without dates, such as a reservoir's levels: CSV → SI columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.errors import InputError, Problem
from watersim.files import display, first, printable
from watersim.sheet import Sheet, instead, read_sheet, too_large, values_of
from watersim.units import UNITS, Dimension, column_unit, spellings

Floats = NDArray[np.float64]


class RowFault(str):
    """A sentence on one row of a table, to be shown at its line.

    Attributes
    ----------
    row
        the row, counted from 0; −1 is the last.
    column
        the column's name without its unit.
    """

    row: int
    column: str

    def __new__(cls, sentence: str, row: int, column: str) -> RowFault:
        fault = super().__new__(cls, sentence)
        fault.row, fault.column = row, column
        return fault


class Table(NamedTuple):
    """A small table of numbers.

    Attributes
    ----------
    values : dict of (rows,)
        by column name without the unit, in SI.
    lines : list of int
        the line of every row.
    headers : dict of str
        by the same names, as they stand in the file.
    shown : str
        the file's name in messages.
    """

    values: dict[str, Floats]
    lines: list[int]
    headers: dict[str, str]
    shown: str

    def problem(self, fault: RowFault) -> Problem:
        """A fault at the line of its row."""
        return Problem(str(fault), self.shown, self.lines[fault.row], self.headers[fault.column])


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
    sheet = read_sheet(path, root, shown)
    problems = list(sheet.problems)
    where = _match_columns(sheet, columns, problems)
    values: dict[str, Floats] = {}
    for name, (index, factor) in where.items():
        numbers = values_of(sheet, index, None, (), problems)
        large = too_large(sheet, index, numbers, factor)
        problems += large
        values[name] = numbers if large else numbers * factor
    if problems:
        raise InputError(first(problems))
    headers = {name: sheet.header.cells[index] for name, (index, _) in where.items()}
    return Table(values, [row.line for row in sheet.rows], headers, shown)


def _match_columns(
    sheet: Sheet, columns: Mapping[str, Dimension], problems: list[Problem]
) -> dict[str, tuple[int, float]]:
    """The position and factor of every asked column."""
    headers = sheet.header.cells
    names = [next((n for n in columns if is_named(header, n)), None) for header in headers]
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
            message = f"is not a column of this table; {instead(header, wanted, list(columns))}"
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


def is_named(header: str, name: str) -> bool:
    """Whether a header is this name and a unit, with nothing between."""
    rest = header.removeprefix(f"{name}_")
    return rest != header and column_unit(rest) is None and column_unit(f"_{rest}") is not None
