"""Scenario → xr.Dataset: compile, advance, label, close."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from watersim.closure import require
from watersim.compile import Compiled, compile
from watersim.engine import Engine, States
from watersim.errors import InputError, Problem
from watersim.fields import Report
from watersim.forcing import unfit
from watersim.netcdf import open_run
from watersim.results import label
from watersim.rules import Rule, Rules
from watersim.scenario import Scenario
from watersim.waterway import Waterway


def run(
    scenario: Scenario,
    realizations: int = 1,
    seed: int = 0,
    forcing: xr.Dataset | None = None,
    *,
    rules: Mapping[str, Rule] | None = None,
    workers: int = 1,
    exactly: bool = False,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Run a scenario.

    Parameters
    ----------
    scenario
        from `load`
    realizations
        how many; they differ only where `forcing` has a dim realization
    seed
        kept in the result
    forcing
        values in place of the files', SI: variables named ``node.key`` (``upper_talas.runoff``),
        dims (time) or (realization, time)
    rules
        functions for policies of the kind `function`, by the name written there; they are called
        before every step with a `watersim.rules.Situation`, which is slow
    workers
        threads that share the realizations; the result has the same bits for any number
    exactly
        settle every step with linear programmes instead of the compiled fill (slow; for checks)
    progress
        called with the number of steps done

    Returns
    -------
    xr.Dataset
        see docs/results.md; ``attrs['closure_residual']`` is the worst residual of all balances

    Raises
    ------
    InputError
        if forcing or the run it starts from does not fit
    ModelError
        if a rule raises, or gives what is no flow
    ClosureError
        if a water balance does not close
    """
    compiled = resumed(compile(scenario))
    return advance(
        compiled, initial_states(compiled), realizations, seed, forcing, workers=workers,
        exactly=exactly, progress=progress, rules=rules,
    )  # fmt: skip


def advance(
    compiled: Compiled,
    states: States,
    realizations: int = 1,
    seed: int = 0,
    forcing: xr.Dataset | None = None,
    *,
    workers: int = 1,
    exactly: bool = False,
    progress: Callable[[int], None] | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> xr.Dataset:
    """Run a compiled scenario from given states, see `run`."""
    own = Rules(compiled, rules)
    given = xr.Dataset() if forcing is None and own else forcing
    engine = Engine(
        compiled,
        realizations,
        None if given is None else _forced(compiled, given, realizations),
        states,
        exactly,
    )
    fallbacks = _advance(engine, own, workers, progress)
    ds = label(compiled, engine.outcome(fallbacks), seed)
    found = require(ds)
    ds.attrs["closure_residual"] = max(found.residual, found.basin)
    return ds


def _advance(
    engine: Engine, rules: Rules, workers: int, progress: Callable[[int], None] | None
) -> int:
    """Advance through all steps, at once where no rule is asked between them."""
    steps = engine.compiled.seconds.size
    if not rules:
        return engine.advance(0, steps, workers, progress)
    fallbacks = 0
    for t in range(steps):
        rules.apply(engine, t)
        fallbacks += engine.advance(t, t + 1, workers, progress)
    return fallbacks


def _forced(compiled: Compiled, forcing: xr.Dataset, realizations: int) -> tuple[NDArray[Any], ...]:
    """The forcing records with the values of a Dataset in the place of the files'."""
    left = {str(name) for name in forcing.data_vars}
    records = []
    for members in compiled.members:
        u = np.repeat(members.u[np.newaxis], realizations, axis=0)
        for k, name in enumerate(members.names):
            for key in u.dtype.names or ():
                variable = f"{name}.{key}"
                if variable in left:
                    left.discard(variable)
                    u[key][:, :, k] = _values(compiled, forcing[variable], realizations)
        records.append(u)
    if left:
        known = sorted(
            f"{name}.{key}"
            for members in compiled.members
            for name in members.names
            for key in members.u.dtype.names or ()
            if key != "_"
        )
        raise InputError(
            [Problem(f"forcing: is not a forcing of this scenario (got {name}); known are "
                     f"{', '.join(known)}") for name in sorted(left)]
        )  # fmt: skip
    return tuple(records)


def _values(compiled: Compiled, variable: xr.DataArray, realizations: int) -> NDArray[np.float64]:
    starts = compiled.scenario.timeline.starts.astype("datetime64[ns]")
    problems = []
    if not set(variable.dims) <= {"realization", "time"} or "time" not in variable.dims:
        problems.append(f"must have the dims (realization, time) or (time) (got {variable.dims})")
    elif not _are_the_same(variable["time"].values, starts):
        problems.append("must have the starts of the scenario's steps as its time")
    elif variable.sizes.get("realization", realizations) != realizations:
        problems.append(f"must have {realizations} realizations")
    elif unfit(variable.values):
        problems.append(f"{unfit(variable.values)}; correct it")
    if problems:
        raise InputError([Problem(f"forcing: {variable.name}: {text}") for text in problems])
    ordered = variable.transpose(..., "time")
    return np.broadcast_to(ordered.values, (realizations, starts.size))


def _are_the_same(times: NDArray[Any], starts: NDArray[np.datetime64]) -> bool:
    return times.dtype.kind == "M" and np.array_equal(times.astype("datetime64[ns]"), starts)


def state_values(ds: xr.Dataset, key: str, family: str, step: int) -> dict[str, float]:
    """A state at the end of a step of the first realization by name, ``clause.party`` of accounts."""
    if key not in ds:
        return {}
    values = ds[key].isel(realization=0, time=step)
    if "party" not in values.dims:
        return dict(zip(map(str, ds[family].values), values.values.tolist(), strict=True))
    return {
        f"{clause}.{party}": float(values.sel(agreement=clause, party=party))
        for clause in ds["agreement"].values
        for party in ds["party"].values
    }


def initial_states(compiled: Compiled) -> States:
    """The states at the start: the scenario's own, or those at the end of a step of another run."""
    given = compiled.scenario.initial
    if given is None:
        return States(*(tuple(getattr(m, letter) for m in compiled.members) for letter in "xv"))
    return states_of(compiled, *_past(compiled))


def resumed(compiled: Compiled) -> Compiled:
    """The same with what clauses remember of the run it starts from, if it starts from one."""
    return compiled if compiled.scenario.initial is None else with_past(compiled, *_past(compiled))


def with_past(compiled: Compiled, ds: xr.Dataset, step: int) -> Compiled:
    """The same with what was used in rolling windows until the end of a step of an earlier run.

    Raises
    ------
    InputError
        if a window reaches back beyond a run that itself went on from another.
    """
    timeline, members_by_name = compiled.scenario.timeline, dict(compiled.scenario.members())
    bounds = ds["time_bounds"].values[: step + 1].astype("datetime64[s]").astype(np.int64)
    ends = timeline.ends.astype("datetime64[s]").astype(np.int64)
    changed = []
    for members in compiled.members:
        w = members.w.copy()
        for k, name in enumerate(members.names if members.kind.looks_back else ()):
            window = members_by_name[name].lookback()
            if window == 0.0:
                continue
            begins = ends - window
            if bounds[0, 0] > begins[0] and "initial" in json.loads(ds.attrs["scenario"]):
                raise InputError(compiled.scenario.description.problem(
                    ("initial", "from"), f"is a run that went on from another, and the window of "
                    f"'{name}' reaches back beyond it; start from a run as long as the window",
                ))  # fmt: skip
            past = ds[members.kind.looks_back].sel({members.kind.family: name})
            w["earlier"][:, members.p["part"][k]] = _sums_after(
                begins, bounds[:, 1], past.isel(realization=0).values[: step + 1]
            )
        changed.append(replace(members, w=w))
    return replace(compiled, members=tuple(changed))


def _sums_after(begins: NDArray[Any], ends: NDArray[Any], amounts: NDArray[Any]) -> NDArray[Any]:
    """The sum of what was used in steps that end after each moment, the oldest first."""
    sums = np.zeros(begins.size)
    for t, begin in enumerate(begins):
        for amount in amounts[ends > begin]:
            sums[t] += amount
    return sums


def _past(compiled: Compiled) -> tuple[xr.Dataset, int]:
    """The run a scenario starts from, and the step at whose end."""
    given = compiled.scenario.initial
    assert given is not None
    ds = open_run(given["from"])
    problem = compiled.scenario.description.problem
    ends = ds["time_bounds"].values[:, 1].astype("datetime64[D]")
    step = np.flatnonzero(ends == np.datetime64(given["at"]) + np.timedelta64(1, "D"))
    if step.size == 0:
        last = ends[-1] - np.timedelta64(1, "D")
        raise InputError(problem(
            ("initial", "at"),
            f"is not the last day of a step of that run (got {given['at']}); it ends on {last}",
        ))  # fmt: skip
    return ds, int(step[0])


def states_of(compiled: Compiled, ds: xr.Dataset, step: int) -> States:
    """The states of every member at the end of a step of another run.

    Raises
    ------
    InputError
        if that run lacks a member, or holds a state that cannot be.
    """
    _check_under_way(compiled, ds)
    own, of_parts = [], []
    for members in compiled.members:
        kind = members.kind
        own.append(_taken_over(
            compiled, ds, step, members.names, kind.family, kind.reports, members.x
        ))  # fmt: skip
        of_parts.append(_taken_over(
            compiled, ds, step, members.parts, kind.part_family, kind.part_reports, members.v
        ))  # fmt: skip
    return States(tuple(own), tuple(of_parts))


def _check_under_way(compiled: Compiled, ds: xr.Dataset) -> None:
    """Refuse a run whose water under way is not that of the same reaches and steps."""
    dim, step = Waterway.part_family, compiled.scenario.timeline.step
    kinds = [members for members in compiled.members if members.kind.part_family == dim]
    names = {name for members in kinds for name in members.parts}
    there = set(ds[dim].values.astype(str).tolist()) if dim in ds.dims else set()
    if there != names or (names and ds.attrs["step"] != step):
        odd = min(there ^ names, default="") or f"{ds.attrs['step']} steps"
        raise InputError(compiled.scenario.description.problem(
            ("initial", "from"),
            f"is a run with other water under way ({odd}); travel times and the step must be the same",
        ))  # fmt: skip


def _taken_over(
    compiled: Compiled,
    ds: xr.Dataset,
    step: int,
    names: tuple[str, ...],
    family: str,
    reports: tuple[Report, ...],
    first: NDArray[Any],
) -> NDArray[Any]:
    """The states of one kind, or of its parts, at the end of a step of another run."""
    on = ds["time_bounds"].values[step, 1].astype("datetime64[D]") - np.timedelta64(1, "D")
    problem, x = compiled.scenario.description.problem, first.copy()
    for key in x.dtype.names or ():
        if key == "_" or not names:
            continue
        known = state_values(ds, key, family, step)
        for k, name in enumerate(names):
            if name not in known:
                raise InputError(problem(
                    ("initial", "from"), f"is a run without the {family} '{name}'"
                ))  # fmt: skip
            value = known[name]
            signed = any(r.signed for r in reports if r.name == key)
            if unfit(abs(value) if signed else value):
                raise InputError(problem(
                    ("initial", "from"),
                    f"is a run whose {key} of '{name}' on {on} {unfit(value)} (got "
                    f"{value}); run it again",
                ))  # fmt: skip
            x[key][k] = value
    return x
