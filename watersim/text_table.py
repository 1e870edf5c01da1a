"""Tables for a terminal: what a run gives in planners' units, laid out in 80 columns; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.metrics import seconds

Floats = npt.NDArray[np.float64]

HM3 = 1e-6  # hm3 in a m3
GWH = 1.0 / 3.6e12  # GWh in a J
NOTHING = "–"
WIDTH = 80
GAP = 2


class Table(NamedTuple):
    """A small table as text: the first column holds labels, the others numbers or dates."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def per_year(ds: xr.Dataset) -> tuple[float, str]:
    """By what to divide sums over the run, and what to write behind their unit.

    A step counts as its share of its calendar month, so that any run of whole months has the length
    a reader expects, leap years or not.
    """
    month = ds["time"].values.astype("datetime64[M]")
    days = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(float)
    years = float(np.sum(seconds(ds).values / 86_400.0 / days)) / 12.0
    whole = round(years)
    if whole >= 1 and abs(years - whole) < 1e-6:
        return float(whole), "/yr"
    return 1.0, " in the run"


def lines(table: Table) -> list[str]:
    """A table as lines: labels to the left, going on below themselves where they do not fit."""
    columns = list(zip(table.columns, *table.rows, strict=True))
    widths = [max(map(len, cells)) for cells in columns]
    room = min(widths[0], max(0, WIDTH - sum(width + GAP for width in widths[1:])))
    laid = []
    for first, *numbers in (table.columns, *table.rows):
        indent = " " * (len(first) - len(first.lstrip()) + 2)
        *above, label = textwrap.wrap(first, max(room, 1), subsequent_indent=indent,
                                      break_on_hyphens=False) or [""]  # fmt: skip
        laid += above
        cells = [cell.rjust(width + GAP) for cell, width in zip(numbers, widths[1:], strict=True)]
        laid.append((label.ljust(room) + "".join(cells)).rstrip())
    return laid


def wrap(line: str) -> list[str]:
    """A sentence as indented lines of the terminal's width."""
    return textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ",
                         break_on_hyphens=False)  # fmt: skip


def rows_of(label: str, values: Sequence[Floats], digits: Sequence[int]) -> list[tuple[str, ...]]:
    """One row of medians over realizations, and where there are several one of 10–90 %."""
    middle = [_number(float(np.median(v)), d) for v, d in zip(values, digits, strict=True)]
    rows = [(label, *middle)]
    if values[0].size > 1:
        ends = [np.quantile(v, (0.1, 0.9)) for v in values]
        texts = [(_number(low, d), _number(high, d)) for (low, high), d in
                 zip(ends, digits, strict=True)]  # fmt: skip
        between = ["" if low == high else f"{low}–{high}" for low, high in texts]
        rows += [("", *between)] if any(between) else []
    return rows


def _number(value: float, digits: int) -> str:
    return NOTHING if np.isnan(value) else f"{value + 0.0:.{digits}f}"


def decimals(largest: Sequence[float]) -> int:
    """Decimals that show about four figures of the largest value of a table."""
    top = max(largest, default=0.0)
    return 0 if top >= 10_000.0 else 1 if top >= 10.0 else 2 if top >= 0.1 or top == 0.0 else 5
