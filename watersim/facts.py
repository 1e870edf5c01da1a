"""facts: guarded CSV of what is known of a season → storages, a given forecast, what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.errors import InputError, Problem
from watersim.files import display, first, printable
from watersim.forcing import per_period
from watersim.forecast import Forecast, catchments
from watersim.network import suggest
from watersim.scenario import Scenario
from watersim.sheet import Sheet, number, read_sheet, too_large, values_of
from watersim.table import is_named
from watersim.timeline import Timeline, ordinal, parse_date
from watersim.units import UNITS, Dimension, column_unit, spellings

Floats = NDArray[np.float64]

ABOVE = 1e-9  # of the capacity; a storage above it by less is rounding


class Observed(NamedTuple):
    """What was seen in the first decades of a season: k decades.

    Attributes
    ----------
    runoff, supply : dict of (k,)
        by catchment and by site, m3/s
    storage : dict of (k,)
        by reservoir, m3 at the end of the decade
    """

    runoff: Mapping[str, Floats]
    supply: Mapping[str, Floats]
    storage: Mapping[str, Floats]

    @property
    def steps(self) -> int:
        """How many decades were seen."""
        return next(iter(self.runoff.values())).size


def reservoirs(scenario: Scenario) -> list[str]:
    """The reservoirs in river order, without lakes at the ends of rivers."""
    nodes = scenario.nodes
    return [n for n in scenario.network.sections if type(nodes[n]).name() == "reservoir"]


def read_storages(path: Path, scenario: Scenario, timeline: Timeline) -> dict[str, float]:
    """Today's storage of every reservoir, m3, from a table with node, date and storage.

    Raises
    ------
    InputError
        for a node that is no reservoir, one that is missing or stands twice, a storage of another
        day, below 0 or above capacity.
    """
    sheet, problems = _sheet(path)
    nodes = _text_column(sheet, "node", problems)
    dates = _text_column(sheet, "date", problems)
    index, factor = _quantity_column(sheet, "storage", "volume", problems)
    values = values_of(sheet, index, nodes or [""] * len(sheet.rows), (), problems) * factor
    _stop(problems)
    known = reservoirs(scenario)
    lines: dict[str, int] = {}
    found: dict[str, float] = {}

    def add(row: int, key: str, message: str) -> None:
        problems.append(Problem(message, sheet.shown, sheet.rows[row].line, key))

    for k, (name, day, value) in enumerate(zip(nodes, dates, values, strict=True)):
        if name not in known:
            what = "is no reservoir" if name in scenario.nodes else "is not a node"
            add(k, "node", f"{what} of the scenario (got {printable(name)}){suggest(name, known)}")
        elif name in lines:
            add(k, "node", f"{name} stands twice, on lines {lines[name]} and "
                f"{sheet.rows[k].line}; remove one")  # fmt: skip
        else:
            lines[name] = sheet.rows[k].line
            said = _wrong_day(day, timeline)
            if said:
                add(k, "date", said)
            capacity = float(getattr(scenario.nodes[name], "capacity"))  # noqa: B009
            unit = column_unit(sheet.header.cells[index or 0])
            got = f"(got {value / factor:g} {unit})"
            if value < 0.0:
                add(k, "storage", f"must be at least 0 {got}; correct it")
            elif value > capacity * (1.0 + ABOVE):
                add(k, "storage", f"is above the capacity of {name}, {capacity / factor:g} {unit} "
                    f"{got}; correct it")  # fmt: skip
            found[name] = float(min(max(value, 0.0), capacity))
    lacking = [name for name in known if name not in lines]
    if lacking and not problems:
        names = ", ".join(lacking)
        problems.append(Problem(f"lacks {names}; give the storage of every reservoir", sheet.shown))
    _stop(problems)
    return found


def _wrong_day(day: str, timeline: Timeline) -> str:
    """What is wrong with the day of a storage; '' if nothing is."""
    try:
        given = parse_date(day)
    except ValueError as error:
        return str(error)
    if given == timeline.start:
        return ""
    return (
        f"must be {timeline.start}, the first day of the plan (got {given}); give the storage of "
        "that morning, or plan from the day that is known"
    )


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
    sheet, problems = _sheet(path)
    kind = "month" if "month" in sheet.header.cells else "date"
    dates = _text_column(sheet, kind, problems)
    band = _band_column(sheet, problems)
    described = catchments(scenario)
    columns = {
        name: _quantity_column(sheet, name, "flow", problems, "volume") for name in described
    }
    _unknown(sheet, {kind, sheet.header.cells[band or 0]}, columns, problems)
    _stop(problems)
    rows = _bands(sheet, kind, dates, band or 0, timeline, problems)
    exceedance = np.array(sorted(rows), np.float64)
    runoff: dict[str, Floats] = {}
    if not problems and exceedance.size < 2:
        problems.append(Problem(
            f"is a forecast without its band (only {exceedance[0]:g} %); give the flows of at least "
            "two exceedances, such as 50 and 90 %", sheet.shown, sheet.rows[0].line,
            sheet.header.cells[band or 0],
        ))  # fmt: skip
    _stop(problems)
    for name, (index, _) in columns.items():
        values = _flows(sheet, index, dates, problems)
        unit = column_unit(sheet.header.cells[index or 0]) or "1"
        steps = timeline if kind == "date" else _months(timeline)
        runoff[name] = np.array([_as_flow(values[rows[p]], unit, steps) for p in exceedance])
    _stop(problems)
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


def read_observed(path: Path, scenario: Scenario, timeline: Timeline) -> Observed:
    """What was seen so far: runoff of every catchment, supply of every site, every storage.

    One row per decade from the first of the plan on; columns ``NAME_runoff_m3s``,
    ``NAME_supply_m3s`` (or the decade's volume, ``…_hm3``) and ``NAME_storage_hm3``, at the end of
    the decade.

    Raises
    ------
    InputError
        for columns that are missing or unknown, rows that do not follow the plan's decades, values
        that are missing, negative or above capacity, or a file that leaves nothing to plan.
    """
    sheet, problems = _sheet(path)
    dates = _text_column(sheet, "date", problems)
    sites = [name for name, node in sorted(scenario.nodes.items()) if node.place == "site"]
    wanted: dict[str, tuple[str, Dimension, Dimension | None]] = {
        **{f"{name}_runoff": (name, "flow", "volume") for name in catchments(scenario)},
        **{f"{name}_supply": (name, "flow", "volume") for name in sites},
        **{f"{name}_storage": (name, "volume", None) for name in reservoirs(scenario)},
    }
    columns = {
        key: _quantity_column(sheet, key, dimension, problems, *([other] if other else []))
        for key, (_, dimension, other) in wanted.items()
    }
    _unknown(sheet, {"date"}, columns, problems)
    _stop(problems)
    _check_rows(sheet, dates, timeline, problems)
    _stop(problems)
    seen = Timeline(timeline.start, (timeline.ends[len(dates) - 1] - 1).astype(object), "decade")
    found: dict[str, dict[str, Floats]] = {"runoff": {}, "supply": {}, "storage": {}}
    for key, (name, _, _) in wanted.items():
        index, factor = columns[key]
        if key == f"{name}_storage":
            values = _flows(sheet, index, dates, problems) * factor
            capacity = float(getattr(scenario.nodes[name], "capacity"))  # noqa: B009
            for k in np.flatnonzero(values > capacity * (1.0 + ABOVE)):
                problems.append(Problem(
                    f"is above the capacity, {capacity / factor:g} (got {values[k] / factor:g}); "
                    "correct it", sheet.shown, sheet.rows[k].line, key))  # fmt: skip
            found["storage"][name] = np.minimum(values, capacity)
            continue
        values = _flows(sheet, index, dates, problems)
        unit = column_unit(sheet.header.cells[index or 0]) or "1"
        sort = "runoff" if key == f"{name}_runoff" else "supply"
        found[sort][name] = _as_flow(values, unit, seen)
    _stop(problems)
    return Observed(found["runoff"], found["supply"], found["storage"])


def _as_flow(values: Floats, unit: str, timeline: Timeline) -> Floats:
    """Flows, or volumes of each step, in m3/s."""
    if UNITS[unit].dimension == "volume":
        return values * UNITS[unit].factor / timeline.seconds
    return per_period(values, unit, timeline)


def _check_rows(
    sheet: Sheet, dates: list[str], timeline: Timeline, problems: list[Problem]
) -> None:
    days = [str(day) for day in timeline.starts]
    for k, (day, row) in enumerate(zip(dates, sheet.rows, strict=True)):
        if k >= timeline.n - 1:
            problems.append(Problem(
                f"leaves nothing to plan; the last decade that can have been seen is {days[-2]}"
                if timeline.n > 1 else "leaves nothing to plan: the plan has one decade",
                sheet.shown, row.line, "date"))  # fmt: skip
            return
        if day != days[k]:
            problems.append(Problem(
                f"must be {days[k]}, decade {k + 1} of the plan (got {printable(day)!r}); give every "
                "decade from the first on", sheet.shown, row.line, "date"))  # fmt: skip
            return


def _sheet(path: Path) -> tuple[Sheet, list[Problem]]:
    sheet = read_sheet(path, path.resolve().parent, display(path))
    return sheet, list(sheet.problems)


def _text_column(sheet: Sheet, name: str, problems: list[Problem]) -> list[str]:
    if name not in sheet.header.cells:
        message = f"is missing; add a column {name}"
        problems.append(Problem(message, sheet.shown, sheet.header.line, name))
        return []
    index = sheet.header.cells.index(name)
    return [row.cells[index] if index < len(row.cells) else "" for row in sheet.rows]


def _quantity_column(
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


def _unknown(
    sheet: Sheet, others: set[str], columns: Mapping[str, object], problems: list[Problem]
) -> None:
    for header in sheet.header.cells:
        if header not in others and not any(is_named(header, name) for name in columns):
            said = f"is not a column of this table{suggest(header, list(columns))}"
            problems.append(Problem(said, sheet.shown, sheet.header.line, printable(header)))


def _flows(
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


def _stop(problems: list[Problem]) -> None:
    if problems:
        raise InputError(first(problems))
