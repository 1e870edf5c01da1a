"""forecast: the record of the catchments → their inflow in a season, by exceedance probability.

One year of the record stands for each probability (an analogue year), the same for all catchments,
scaled as a whole. So the basin keeps one sky: a sum over catchments of what each exceeds in 90 % of
years would be drier than any year in ten, since not all of them are dry at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from watersim.errors import InputError, Problem
from watersim.fields import Varying
from watersim.forcing import Tables, resolve
from watersim.scenario import Scenario
from watersim.series import Series
from watersim.timeline import Timeline, first_day, ordinal

Floats = NDArray[np.float64]

A_YEAR = 36  # decades
ALIKE = 1e-9  # of the largest volume; years that differ by less are one year written twice


class Forecast(NamedTuple):
    """What flows into a basin in a season, at several exceedance probabilities.

    Attributes
    ----------
    exceedance : (p,)
        the probability that a season brings more, per cent
    runoff : dict of (p, t)
        by catchment, m3/s in every decade
    words
        how it was made, a sentence each
    """

    exceedance: Floats
    runoff: Mapping[str, Floats]
    words: tuple[str, ...]

    def since(self, step: int) -> Forecast:
        """The same from a decade on."""
        return self._replace(runoff={name: q[:, step:] for name, q in self.runoff.items()})


def catchments(scenario: Scenario) -> dict[str, Varying]:
    """The runoff of every catchment as it is described, by name in river order."""
    found = {}
    for name in scenario.network.sections:
        node = scenario.nodes[name]
        runoff = node.forcing().get("runoff") if node.family == "catchment" else None
        if isinstance(runoff, Varying):
            found[name] = runoff
    return found


def of_record(scenario: Scenario, timeline: Timeline, asked: Sequence[float]) -> Forecast:
    """Take the forecast from the record of the catchments' tables.

    For every year that ended before the season begins, `V` is the volume of the same decades over
    all catchments with a table. The m-th largest of n is exceeded with the probability m/(n + 1)
    (Weibull 1939); between them `V` is interpolated. The year with the nearest volume gives the
    course, scaled by ``V / V(year)`` in all those catchments. Catchments without a table have the
    flow that is written.

    Parameters
    ----------
    scenario
        its catchments have tables, as `runoff: {file: …}`
    timeline
        the decades of the season
    asked
        exceedance probabilities, per cent

    Raises
    ------
    InputError
        if the record cannot be read by decade, is too short for what is asked, or is one year
        repeated.
    """
    described = catchments(scenario)
    recorded = {name: runoff for name, runoff in described.items() if runoff.file is not None}
    if not recorded:
        raise _refused("no catchment has a table, so there is no record; give a forecast as a file")
    years, flows, words = _years(scenario, timeline, recorded)
    seconds = timeline.seconds
    volumes = np.array([sum(float(q @ seconds) for q in year.values()) for year in flows])
    _check(years, volumes, asked)
    order = np.argsort(-volumes, kind="stable")
    plotted = 100.0 * np.arange(1, len(years) + 1) / (len(years) + 1)
    runoff: dict[str, list[Floats]] = {name: [] for name in described}
    for exceedance in asked:
        volume = float(np.interp(exceedance, plotted, volumes[order]))
        k = int(np.argmin(np.abs(volumes - volume)))
        factor = volume / volumes[k] if volumes[k] > 0.0 else 1.0
        for name, given in described.items():
            own = flows[k][name] * factor if name in recorded else resolve(given, timeline, None)
            runoff[name].append(own)
        words.append(
            f"inflow exceeded in {exceedance:g} %: {volume / 1e6:.1f} hm3, the course of {years[k]} "
            f"times {factor:.3f}"
        )
    words.insert(0, f"forecast from the record of {_spans(years)}: the same decades of {len(years)} "
                 "years, all catchments together")  # fmt: skip
    return Forecast(
        np.array(asked, np.float64),
        {name: np.array(parts) for name, parts in runoff.items()},
        tuple(words),
    )


def _years(
    scenario: Scenario, timeline: Timeline, recorded: Mapping[str, Varying]
) -> tuple[list[int], list[dict[str, Floats]], list[str]]:
    """The years of the record that hold the season's decades: flows of each, and what was left out."""
    tables = Tables(scenario.sources.root)
    series = {name: _series(scenario, name, runoff, tables) for name, runoff in recorded.items()}
    bounds = np.array([timeline.start, timeline.end], "datetime64[D]")
    numbers = ordinal("decade", bounds)
    begin = max(one.starts[0] for one in series.values())
    close = min(min(one.ends[-1] for one in series.values()), bounds[0])
    years: list[int] = []
    flows: list[dict[str, Floats]] = []
    left_out: list[str] = []
    for back in range(1 + int(numbers[1] - ordinal("decade", np.array([begin]))[0]) // A_YEAR):
        days = first_day("decade", numbers + np.array([0, 1]) - A_YEAR * back)
        if days[0] < begin or days[1] > close:
            continue
        own = Timeline(days[0].astype(object), (days[1] - 1).astype(object), "decade")
        flow = {name: _resolved(scenario, name, runoff, own, series[name])
                for name, runoff in recorded.items()}  # fmt: skip
        gaps = [name for name, q in flow.items() if not np.isfinite(q).all()]
        if gaps:
            left_out.append(f"{own.start.year} of the record is left out: {gaps[0]} lacks values")
            continue
        years.append(own.start.year)
        flows.append(flow)
    if not years:
        raise _refused(
            f"the record holds no whole season from {timeline.start:%d.%m.} to {timeline.end:%d.%m.} "
            f"before {timeline.start}; give a forecast as a file"
        )
    return years, flows, left_out


def _series(scenario: Scenario, name: str, runoff: Varying, tables: Tables) -> Series:
    path = ("nodes", name, "runoff", "file")
    file = scenario.description.source(path).file
    real, shown = scenario.sources.beside(file, str(runoff.file))
    return tables.series(real, shown, str(runoff.column), runoff.missing)


def _resolved(
    scenario: Scenario, name: str, runoff: Varying, timeline: Timeline, series: Series
) -> Floats:
    try:
        with np.errstate(invalid="ignore"):
            return resolve(runoff, timeline, series)
    except ValueError as error:
        path = ("nodes", name, "runoff", "file")
        said = str(error).replace("the run is", "a plan is")
        raise InputError(scenario.description.problem(path, f"{runoff.file}: {said}")) from error


def _check(years: Sequence[int], volumes: Floats, asked: Sequence[float]) -> None:
    """Refuse a record that cannot answer."""
    n = len(years)
    least, most = 100.0 / (n + 1), 100.0 * n / (n + 1)
    if n > 1 and np.ptp(volumes) <= ALIKE * volumes.max():
        raise _refused(
            f"the {n} years of the record ({_spans(years)}) are one and the same, so it says "
            "nothing of wet and dry years; give a forecast with its band as a file"
        )
    beyond = [p for p in asked if not least - 1e-9 <= p <= most + 1e-9]
    if beyond:
        raise InputError([
            Problem(
                f"must lie from {least:.3g} to {most:.3g} % with the {n} years of the record "
                f"({_spans(years)}) (got {p:g}); ask for less, or give a forecast as a file",
                key="forecast",
            ) for p in beyond
        ])  # fmt: skip


def _refused(message: str) -> InputError:
    return InputError(Problem(message, key="forecast"))


def _spans(years: Sequence[int]) -> str:
    """Years as ``2000–2003, 2005``."""
    known = sorted(years)
    parts: list[list[int]] = []
    for year in known:
        if parts and year == parts[-1][-1] + 1:
            parts[-1].append(year)
        else:
            parts.append([year])
    return ", ".join(f"{p[0]}–{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
