"""CSV files as text cells: header, rows with their lines, numbers; guarded."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.errors import InputError, Problem
from watersim.files import first, printable, read_text
from watersim.units import LARGEST

MAX_BYTES = 64_000_000

Floats = NDArray[np.float64]

_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


class Row(NamedTuple):
    """One line of a table and its cells."""

    line: int
    cells: list[str]


class Sheet(NamedTuple):
    """A CSV file as text. Rows of a wrong length are kept and stand among the problems."""

    shown: str
    header: Row
    rows: list[Row]
    problems: list[Problem]


def read_sheet(path: Path, root: Path, shown: str) -> Sheet:
    """Split a file into header and rows; a file or header that cannot be used raises."""
    lines = read_text(path, root, shown, MAX_BYTES).splitlines(keepends=True)
    above = 0
    while above < len(lines) and (not lines[above].strip() or lines[above].startswith("#")):
        above += 1
    reader = csv.reader(lines[above:], strict=True)
    records: list[Row] = []
    line = above + 1
    try:
        for record in reader:
            records.append(Row(line, [cell.strip() for cell in record]))
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
    return Sheet(shown, header, rows, problems)


def _header_problems(header: Row, shown: str) -> list[Problem]:
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


def number(cell: str, otherwise: str) -> float:
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


def instead(name: str, names: Sequence[str], listed: Sequence[str]) -> str:
    """What to write in place of an unknown name: the nearest of `names`, or what there is."""
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {printable(close[0])!r}?"
    return f"it has {printable(', '.join(listed), 200) or 'only dates'}"


def values_of(
    sheet: Sheet,
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
                found = number(row.cells[index], otherwise)
                values[position] = np.nan if found in numbers else found
            else:
                message = _empty(None if labels is None else labels[position])
        except ValueError as error:
            message = str(error)
        if message:
            problems.append(Problem(message, sheet.shown, row.line, column))
    return values


def too_large(sheet: Sheet, index: int | None, values: Floats, factor: float) -> list[Problem]:
    """The cells of a column that no quantity of a basin is as large as; factor to SI."""
    if index is None:
        return []
    column = sheet.header.cells[index]
    return [
        Problem(f"is too large (got {printable(row.cells[index])!r}); correct it, or the unit in "
                "the column's name", sheet.shown, row.line, column)
        for row, value in zip(sheet.rows, values, strict=True)
        if abs(value) > LARGEST / factor
    ]  # fmt: skip


def _empty(label: str | None) -> str:
    if label is None:
        return "no value; fill the cell"
    when = f" for {label}" if label else ""
    return f"no value{when}; fill the gap or declare how missing values are treated"
