"""forecast_table: a given forecast with its band, from a CSV table → Forecast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watersim.columns import (
    amounts,
    as_flow,
    open_sheet,
    quantity_column,
    refuse_others,
    stop,
    text_column,
)
from watersim.errors import InputError, Problem
from watersim.files import printable
from watersim.forecast import Forecast, catchments
from watersim.scenario import Scenario
from watersim.sheet import Sheet, number
from watersim.table import is_named
from watersim.timeline import Timeline, ordinal
from watersim.units import column_unit

Floats = NDArray[np.float64]


def read_forecast(path: Path, scenario: Scenario, timeline: Timeline) -> Forecast:
    """A given forecast with its band: rows of date and exceedance, one column per catchment.

    Every band holds every decade of the plan (``date``) or every month (``month``, held through
    its decades).

    Raises
    ------
    InputError
        for a forecast without its band, a catchment that is missing or unknown, decades that are
        missing, a band that crosses the next.
    """
    sheet, problems = open_sheet(path)
    kind = "month" if "month" in sheet.header.cells else "date"
    dates = text_column(sheet, kind, problems)
    band = _band_column(sheet, problems)
    described = catchments(scenario)
    columns = {name: quantity_column(sheet, name, "flow", problems, "volume") for name in described}
    refuse_others(sheet, {kind, sheet.header.cells[band or 0]}, columns, problems)
    stop(problems)
    rows = _bands(sheet, kind, dates, band or 0, timeline, problems)
    exceedance = np.array(sorted(rows), np.float64)
    runoff: dict[str, Floats] = {}
    if not problems and exceedance.size < 2:
        problems.append(Problem(
            f"is a forecast without its band (only {exceedance[0]:g} %); give the flows of at least "
            "two exceedances, such as 50 and 90 %", sheet.shown, sheet.rows[0].line,
            sheet.header.cells[band or 0],
        ))  # fmt: skip
    stop(problems)
    for name, (index, _) in columns.items():
        values = amounts(sheet, index, dates, problems)
        unit = column_unit(sheet.header.cells[index or 0]) or "1"
        steps = timeline if kind == "date" else _months(timeline)
        runoff[name] = np.array([as_flow(values[rows[p]], unit, steps) for p in exceedance])
    stop(problems)
    if kind == "month":
        month = ordinal("month", timeline.starts) - ordinal("month", timeline.starts[:1])
        runoff = {name: q[:, month] for name, q in runoff.items()}
    _check_order(sheet, exceedance, runoff, timeline)
    said = f"forecast from {sheet.shown}" + (", months held by decade" if kind == "month" else "")
    volumes = sum(q @ timeline.seconds for q in runoff.values())
    words = [said, *(f"inflow exceeded in {p:g} %: {v / 1e6:.1f} hm3"
                     for p, v in zip(exceedance, np.atleast_1d(volumes), strict=True))]  # fmt: skip
    return Forecast(exceedance, runoff, tuple(words))


def _months(timeline: Timeline) -> Timeline:
    """The whole months in which a plan lies."""
    days = np.array([timeline.start, timeline.end], "datetime64[M]") + np.array([0, 1])
    days = days.astype("datetime64[D]")
    return Timeline(days[0].astype(object), (days[1] - 1).astype(object), "month")


def _band_column(sheet: Sheet, problems: list[Problem]) -> int | None:
    headers = sheet.header.cells
    for index, header in enumerate(headers):
        if is_named(header, "exceedance"):
            if column_unit(header) == "%":
                return index
            problems.append(Problem("must be in per cent, exceedance_percent", sheet.shown,
                                    sheet.header.line, printable(header)))  # fmt: skip
            return None
    problems.append(Problem(
        "is missing: a forecast without its band does not say how dry it may become; add the column "
        "with rows for at least two exceedances, such as 50 and 90", sheet.shown,
        sheet.header.line, "exceedance_percent",
    ))  # fmt: skip
    return None


def _bands(
    sheet: Sheet, kind: str, dates: list[str], band: int, timeline: Timeline,
    problems: list[Problem],
) -> dict[float, list[int]]:  # fmt: skip
    """The rows of every exceedance in the order of time; each holds every period once."""
    column = sheet.header.cells[band]
    steps = timeline if kind == "date" else _months(timeline)
    wanted = [str(day)[: 10 if kind == "date" else 7] for day in steps.starts]
    found: dict[float, dict[str, int]] = {}
    for k, row in enumerate(sheet.rows):
        try:
            exceedance = number(row.cells[band], "give the exceedance probability")
            if not 0.0 < exceedance < 100.0:
                raise ValueError(f"must lie between 0 and 100 % (got {exceedance:g})")
        except ValueError as error:
            problems.append(Problem(str(error), sheet.shown, row.line, column))
            continue
        own = found.setdefault(exceedance, {})
        if dates[k] not in wanted:
            what = "decade" if kind == "date" else "month"
            problems.append(Problem(
                f"is not the first day of a {what} of the plan, {wanted[0]} … {wanted[-1]} (got "
                f"{printable(dates[k])!r}); correct it" if kind == "date" else
                f"is not a month of the plan, {wanted[0]} … {wanted[-1]} (got "
                f"{printable(dates[k])!r}); correct it", sheet.shown, row.line, kind,
            ))  # fmt: skip
        elif dates[k] in own:
            problems.append(Problem(
                f"{dates[k]} stands twice for {exceedance:g} %; remove one", sheet.shown, row.line,
                kind))  # fmt: skip
        own[dates[k]] = k
    if not problems:
        for exceedance, own in found.items():
            lacking = [day for day in wanted if day not in own]
            if lacking:
                problems.append(Problem(
                    f"nothing for {lacking[0]} at {exceedance:g} %; give every period of every "
                    "exceedance", sheet.shown, sheet.rows[max(own.values())].line, kind,
                ))  # fmt: skip
    return {p: [own[day] for day in wanted if day in own] for p, own in found.items()}


def _check_order(
    sheet: Sheet, exceedance: Floats, runoff: Mapping[str, Floats], timeline: Timeline
) -> None:
    """Refuse a band in which the rarer inflow is the smaller."""
    whole = np.sum([q @ timeline.seconds for q in runoff.values()], axis=0)
    for k in np.flatnonzero(np.diff(whole) > 1e-9 * whole.max(initial=0.0)):
        wet, dry = exceedance[k], exceedance[k + 1]
        raise InputError(Problem(
            f"gives more water at {dry:g} % ({whole[k + 1] / 1e6:.1f} hm3) than at {wet:g} % "
            f"({whole[k] / 1e6:.1f} hm3); exchange them: what is exceeded more often is less",
            sheet.shown, sheet.header.line, "exceedance_percent",
        ))  # fmt: skip
