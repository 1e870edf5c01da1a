"""facts: guarded CSV of what is known of a season → today's storages, what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

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
from watersim.errors import Problem
from watersim.files import printable
from watersim.forecast import catchments
from watersim.network import suggest
from watersim.scenario import Scenario
from watersim.sheet import Sheet, values_of
from watersim.timeline import Timeline, parse_date
from watersim.units import Dimension, column_unit

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
    sheet, problems = open_sheet(path)
    nodes = text_column(sheet, "node", problems)
    dates = text_column(sheet, "date", problems)
    index, factor = quantity_column(sheet, "storage", "volume", problems)
    refuse_others(sheet, {"node", "date"}, {"storage": index}, problems)
    values = values_of(sheet, index, nodes or [""] * len(sheet.rows), (), problems) * factor
    stop(problems)
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
    stop(problems)
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
    sheet, problems = open_sheet(path)
    dates = text_column(sheet, "date", problems)
    sites = [name for name, node in sorted(scenario.nodes.items()) if node.place == "site"]
    wanted: dict[str, tuple[str, Dimension, Dimension | None]] = {
        **{f"{name}_runoff": (name, "flow", "volume") for name in catchments(scenario)},
        **{f"{name}_supply": (name, "flow", "volume") for name in sites},
        **{f"{name}_storage": (name, "volume", None) for name in reservoirs(scenario)},
    }
    columns = {
        key: quantity_column(sheet, key, dimension, problems, *([other] if other else []))
        for key, (_, dimension, other) in wanted.items()
    }
    refuse_others(sheet, {"date"}, columns, problems)
    stop(problems)
    _check_rows(sheet, dates, timeline, problems)
    stop(problems)
    seen = Timeline(timeline.start, (timeline.ends[len(dates) - 1] - 1).astype(object), "decade")
    found: dict[str, dict[str, Floats]] = {"runoff": {}, "supply": {}, "storage": {}}
    for key, (name, _, _) in wanted.items():
        index, factor = columns[key]
        if key == f"{name}_storage":
            values = amounts(sheet, index, dates, problems) * factor
            capacity = float(getattr(scenario.nodes[name], "capacity"))  # noqa: B009
            for k in np.flatnonzero(values > capacity * (1.0 + ABOVE)):
                problems.append(Problem(
                    f"is above the capacity, {capacity / factor:g} (got {values[k] / factor:g}); "
                    "correct it", sheet.shown, sheet.rows[k].line, key))  # fmt: skip
            found["storage"][name] = np.minimum(values, capacity)
            continue
        values = amounts(sheet, index, dates, problems)
        unit = column_unit(sheet.header.cells[index or 0]) or "1"
        sort = "runoff" if key == f"{name}_runoff" else "supply"
        found[sort][name] = as_flow(values, unit, seen)
    stop(problems)
    return Observed(found["runoff"], found["supply"], found["storage"])


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
