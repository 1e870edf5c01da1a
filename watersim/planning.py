"""planning: scenario, storages, forecast → the delivery plan of a season, by decade and party.

The plan is the run of the scenario over the season, once for every exceedance of the inflow, side by
side with what its clauses allow. Revised, it is what was seen so far and a new run from there, with
the storages that were seen and what the accounts have left.
"""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from watersim.compile import compile
from watersim.engine import States
from watersim.errors import InputError, Problem
from watersim.facts import Observed, read_observed, read_storages, reservoirs
from watersim.files import display
from watersim.forecast import Forecast, of_record
from watersim.forecast_table import read_forecast
from watersim.limits import charge_ratio, owned
from watersim.plan import assemble, join, terms
from watersim.scenario import Scenario
from watersim.simulation import advance, initial_states, resumed, states_of, with_past
from watersim.timeline import Timeline, opens, parse_date, steps_back

Floats = NDArray[np.float64]

A_YEAR = 36  # decades; a season is not longer


def season(
    scenario: Scenario,
    start: str | date,
    storages: str | Path | None,
    forecast: Sequence[float] | str | Path,
    end: str | date | None = None,
    observed: str | Path | None = None,
) -> xr.Dataset:
    """Plan the deliveries of a season by decade.

    Parameters
    ----------
    scenario
        from `load`; its own period does not matter
    start
        the first day of the plan, the first of a decade
    storages
        a table ``node,date,storage_hm3`` with every reservoir on the morning of that day; None
        where there is no reservoir
    forecast
        exceedance probabilities in per cent, read from the record of the catchments; or a table with
        the flows of a given forecast and its band
    end
        the last day of the plan; without it, the end of the season that the agreements name
    observed
        a table of what was seen in the first decades; the rest is planned anew from there

    Returns
    -------
    xr.Dataset
        dims (exceedance, time, site | party | agreement | reservoir | gauge), m3 per decade, see
        docs/season.md

    Raises
    ------
    InputError
        with every problem of a date, a table or the record.
    ModelError
        if a run fails.
    """
    timeline, why = _timeline(scenario, _day(start, "from"), end)
    stored = _storages(scenario, timeline, storages)
    given = _forecast(scenario, timeline, forecast)
    planned = _Run(scenario, timeline, stored, given.runoff)
    begins, words = _states(planned, stored)
    first = planned.terms(planned.run(begins))
    words = [why, *given.words, *words, *_accounts(first)]
    files = _checksums(scenario, storages, forecast, observed)
    if observed is None:
        return assemble(planned.scenario, first, given.exceedance, None, 0, words, files)
    seen = read_observed(Path(observed), scenario, timeline)
    past, rest = _cut(timeline, seen.steps)
    before = _Run(scenario, past, stored, {name: q[np.newaxis] for name, q in seen.runoff.items()})
    saw = before.run(_states(before, stored)[0], seen.supply)
    facts, owed = _facts(before, saw, seen, first.isel(time=slice(0, seen.steps)))
    later = given.since(seen.steps)
    if not isinstance(forecast, str | Path):
        later = _forecast(scenario, rest, forecast)
    after = _Run(scenario, rest, {n: float(q[-1]) for n, q in seen.storage.items()}, later.runoff)
    again = after.terms(after.run(after.states(saw, seen.storage, owed)))
    words += [f"observed until {past.end}; from {rest.start} on:", *later.words]
    words += _unlike(saw, seen)
    return assemble(
        planned.scenario, join(facts, again), given.exceedance, first, seen.steps, words, files
    )


def _checksums(scenario: Scenario, *given: object) -> dict[str, str]:
    """Of the scenario's files and the tables that were named beside it."""
    tables = [Path(one) for one in given if isinstance(one, str | Path)]
    sums = {display(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in tables}
    return {**scenario.checksums, **sums}


class _Run:
    """The scenario over some decades with given inflow (p, t) and storages at their start."""

    def __init__(
        self, scenario: Scenario, timeline: Timeline, stored: Mapping[str, float],
        runoff: Mapping[str, Floats],
    ) -> None:  # fmt: skip
        changes: dict[str, Any] = {
            "time": {"start": str(timeline.start), "end": str(timeline.end), "step": "decade"}
        }
        for name, values in runoff.items():
            by_decade = np.zeros(A_YEAR)
            by_decade[timeline.decade] = values[0]
            given = {"decades": by_decade.tolist(), "unit": "m3/s"}
            changes[f"nodes.{name}.runoff"] = given
        for name, storage in stored.items():
            changes[f"nodes.{name}.initial_storage"] = f"{float(storage)!r} m3"
        self.scenario = scenario.with_(changes)
        self.compiled = compile(self.scenario)
        self.runoff = runoff
        self.stored = stored

    def run(self, states: States, supply: Mapping[str, Floats] | None = None) -> xr.Dataset:
        """Run it; the sites ask for `supply` (t) m3/s where that is given."""
        starts = self.scenario.timeline.starts.astype("datetime64[ns]")
        forcing = xr.Dataset(coords={"time": starts})
        for name, values in self.runoff.items():
            forcing[f"{name}.runoff"] = (("realization", "time"), values)
        for name, asked in (supply or {}).items():
            forcing[f"{name}.requirement"] = ("time", asked)
        members = next(iter(self.runoff.values())).shape[0]
        return advance(self.compiled, states, members, forcing=forcing)

    def terms(self, ds: xr.Dataset) -> xr.Dataset:
        """What a plan shows of it."""
        return terms(self.scenario, ds)

    def set_state(self, states: States, key: str, values: Mapping[str, float]) -> States:
        """States with some values in place of, by member."""
        changed = []
        for members, x in zip(self.compiled.members, states.members, strict=True):
            x = x.copy()
            if key in (x.dtype.names or ()):
                for k, name in enumerate(members.names):
                    x[key][k] = values.get(name, x[key][k])
            changed.append(x)
        return states._replace(members=tuple(changed))

    def states(
        self, earlier: xr.Dataset, storage: Mapping[str, Floats], owed: Mapping[str, float]
    ) -> States:
        """States at the end of an earlier run, with what was seen in place of what it gave."""
        last_step = earlier.sizes["time"] - 1
        self.compiled = with_past(self.compiled, earlier, last_step)
        states = states_of(self.compiled, earlier, last_step)
        last = {name: float(values[-1]) for name, values in storage.items()}
        states = self.set_state(states, "storage", last)
        for key in ("balance", "quota_used"):
            states = self.set_state(states, key, owed)
        return states


# dates


def _day(given: str | date, key: str) -> date:
    try:
        return given if isinstance(given, date) else parse_date(given)
    except ValueError as error:
        raise InputError(Problem(str(error), key=key)) from error


def _timeline(scenario: Scenario, start: date, end: str | date | None) -> tuple[Timeline, str]:
    """The decades of the plan, and why it ends there."""
    if end is not None:
        last, why = _day(end, "to"), "as asked for"
    else:
        last, why = _season_end(scenario, start)
    try:
        timeline = Timeline(start, last, "decade")
    except ValueError as error:
        key = "to" if str(error).startswith("end") else "from"
        raise InputError(Problem(str(error), key=key)) from error
    if timeline.n > A_YEAR:
        raise InputError(Problem(f"must lie within a year of the first day (got {last})", key="to"))
    return timeline, f"plan from {start} to {last} by decade; the last day {why}"


def _season_end(scenario: Scenario, start: date) -> tuple[date, str]:
    """The end of the season that the agreements name."""
    ends: dict[date, str] = {}
    for name, clause in scenario.agreements.items():
        for last in _ends(clause, start):
            ends.setdefault(last, name)
    if not ends:
        raise InputError(Problem(
            "is required: no agreement of the scenario names a season; give the last day of the plan, "
            f"such as {start.year}-09-30", key="to",
        ))  # fmt: skip
    if len(ends) > 1:
        said = ", ".join(f"{day} ({name})" for day, name in sorted(ends.items()))
        raise InputError(Problem(
            f"is required: the agreements name several ends of the season, {said}; give one", key="to"
        ))  # fmt: skip
    [(last, name)] = ends.items()
    return last, f"is the end of the season of {name}"


def _ends(clause: Any, start: date) -> Iterator[date]:
    """Ends of seasons that a clause writes: its period, or days that count."""
    if "season" in (getattr(clause, "period", None), getattr(clause, "per", None)):
        growing = 4 <= start.month <= 9
        yield date(start.year + (start.month > 9), 9 if growing else 3, 30 if growing else 31)
    for holder in ("counts", "debt"):
        days = getattr(getattr(clause, holder, None), "season", None)
        if days is not None:
            month, day = map(int, days.last.split("-"))
            year = start.year + ((start.month, start.day) > (month, day))
            yield date(year, month, min(day, monthrange(year, month)[1]))  # of 29 February


def _cut(timeline: Timeline, steps: int) -> tuple[Timeline, Timeline]:
    """The decades before and from a step on."""
    at = timeline.starts[steps]
    past, rest = (at - 1).astype(object), at.astype(object)
    return Timeline(timeline.start, past, "decade"), Timeline(rest, timeline.end, "decade")


# inflow and states


def _storages(
    scenario: Scenario, timeline: Timeline, storages: str | Path | None
) -> dict[str, float]:
    known = reservoirs(scenario)
    if storages is not None:
        return read_storages(Path(storages), scenario, timeline)
    if known:
        raise InputError(Problem(
            f"is required; give a table node,date,storage_hm3 with {', '.join(known)}",
            key="storages"))  # fmt: skip
    return {}


def _forecast(
    scenario: Scenario, timeline: Timeline, forecast: Sequence[float] | str | Path
) -> Forecast:
    if isinstance(forecast, str | Path):
        return read_forecast(Path(forecast), scenario, timeline)
    asked = sorted(set(forecast))
    wrong = [p for p in asked if not 0.0 < p < 100.0]
    if wrong or not asked:
        said = f" (got {wrong[0]:g})" if wrong else ""
        raise InputError(Problem(
            f"must be exceedance probabilities between 0 and 100 %{said}, such as 50,75,90",
            key="forecast"))  # fmt: skip
    return of_record(scenario, timeline, asked)


def _states(planned: _Run, stored: Mapping[str, float]) -> tuple[States, list[str]]:
    """What is there when the plan begins, and a sentence on each thing that was assumed."""
    scenario, given = planned.scenario, planned.scenario.initial
    if given is not None:
        start = scenario.timeline.start
        right = np.datetime64(start) - np.timedelta64(1, "D")
        if np.datetime64(given["at"]) != right:
            raise InputError(scenario.description.problem(
                ("initial", "at"),
                f"must be {right}, the day before the plan begins (got {given['at']}); start from a "
                "run that ends then, or leave `initial` out",
            ))  # fmt: skip
    planned.compiled = resumed(planned.compiled)
    states = planned.set_state(initial_states(planned.compiled), "storage", stored)
    lakes = {name: value for name, value in _held(planned, states, "storage").items()
             if name not in stored}  # fmt: skip
    ground = sum(
        value for key in ("groundwater_storage", "reach_groundwater_storage",
                          "canal_groundwater_storage", "reach_storage")
        for value in _held(planned, states, key).values()
    )  # fmt: skip
    whence = f"from {Path(given['from']).name}" if given else "as the scenario writes it"
    held = ", ".join(f"{name} {v / 1e6:.1f} hm3" for name, v in stored.items())
    words = [f"storages: {held}"] if stored else []
    words += [f"{name} holds {v / 1e6:.1f} hm3, {whence}" for name, v in lakes.items()]
    if ground > 0.0:
        words.append(f"water in the ground and under way: {ground / 1e6:.1f} hm3, {whence}")
    used = _held(planned, states, "quota_used")
    words += [f"used of {name}: {v / 1e6:.1f} hm3, {whence}" for name, v in used.items()]
    return states, words


def _held(planned: _Run, states: States, key: str) -> dict[str, float]:
    return {
        name: float(x[key][k])
        for members, x in zip(planned.compiled.members, states.members, strict=True)
        if key in (x.dtype.names or ())
        for k, name in enumerate(members.names)
    }


def _accounts(first: xr.Dataset) -> Iterator[str]:
    """With what every account begins."""
    if "agreement" not in first.dims:
        return
    for clause in first["agreement"].values:
        own = first["initial_balance"].sel(agreement=clause).isel(realization=0)
        said = [f"{party} {value / 1e6:.1f} hm3"
                for party, value in zip(own["party"].values, own.values, strict=True)
                if np.isfinite(value)]  # fmt: skip
        yield f"the accounts of {clause} begin with " + ", ".join(said)


# what was seen


def _facts(
    before: _Run, saw: xr.Dataset, seen: Observed, planned: xr.Dataset
) -> tuple[xr.Dataset, dict[str, float]]:
    """The observed decades as a plan shows them, and what accounts and quotas hold at their end.

    Credits follow from the run with the observed inflow; charges from what the sites were seen to
    take, whatever their limits were.
    """
    found = before.terms(saw)
    owed: dict[str, float] = {}
    seconds = before.scenario.timeline.seconds
    sites = [str(name) for name in saw["site"].values]
    supply = np.stack([seen.supply[name] for name in sites], axis=-1)
    more = supply - saw["supply"].transpose("realization", "time", "site").values[0]
    for name, clause in before.scenario.agreements.items():
        for cap in clause.caps(owned(before.scenario)):
            own = [sites.index(site) for site in cap.sites]
            ratio = charge_ratio(before.scenario, saw, cap)[0]
            beyond = (more[:, own] * ratio).sum(axis=-1) * seconds
            if "quota" in saw.dims and name in saw["quota"].values:
                owed[name] = _used(clause, saw.sel(quota=name), beyond, before.scenario.timeline)
                saw["quota_supply"].loc[{"quota": name}] += beyond
                continue
            at = {"agreement": name, "party": cap.key}
            found["delivered"].loc[at] += beyond
            found["balance"].loc[at] -= np.cumsum(beyond)
            owed[f"{name}.{cap.key}"] = float(found["balance"].sel(at)[0, -1])
    found["supply"].values[0] = supply * seconds[:, np.newaxis]
    for name, values in seen.storage.items():
        found["storage"].loc[{"reservoir": name}] = values
    found = xr.concat([found] * planned.sizes["realization"], "realization", data_vars="minimal",
                      coords="minimal", join="override", compat="override")  # fmt: skip
    found = found.assign_coords(realization=planned["realization"])
    for name in ("requirement", "limit"):
        found[name] = (found[name].dims, planned[name].values)
    return found, owed


def _used(clause: Any, own: xr.Dataset, beyond: Floats, timeline: Timeline) -> float:
    """What of a quota is used at the end of the past, with what was taken beyond its run."""
    back = steps_back(clause.window, timeline)[-1] if clause.window else _since(clause, timeline)
    first = timeline.n - 1 - int(back)
    return max(0.0, float(own["quota_used"][0, -1]) + float(beyond[first:].sum()))


def _since(clause: Any, timeline: Timeline) -> int:
    """How many steps before the last the window of a quota began."""
    began = np.flatnonzero(opens(clause.per, timeline))
    return timeline.n - 1 - int(began[-1]) if began.size else timeline.n - 1


def _unlike(saw: xr.Dataset, seen: Observed) -> Iterator[str]:
    """By how much the run of the past misses what was seen."""
    for name, values in seen.storage.items():
        modelled = float(saw["storage"].sel(reservoir=name)[0, -1])
        gap = (values[-1] - modelled) / 1e6
        if abs(gap) >= 0.05:
            yield (
                f"{name}: {values[-1] / 1e6:.1f} hm3 were seen, {abs(gap):.1f} "
                f"{'more' if gap > 0 else 'less'} than the observed inflow and supplies explain"
            )
