"""Scenario → xr.Dataset: compile, advance, label, close."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from watersim.closure import require
from watersim.compile import Compiled, compile
from watersim.engine import Engine
from watersim.errors import InputError, Problem
from watersim.forcing import unfit
from watersim.netcdf import open_results
from watersim.results import label
from watersim.rules import Rule, Rules
from watersim.scenario import Scenario


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
    compiled = compile(scenario)
    own = Rules(compiled, rules)
    given = xr.Dataset() if forcing is None and own else forcing
    engine = Engine(
        compiled,
        realizations,
        None if given is None else _forced(compiled, given, realizations),
        initial_states(compiled),
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


def initial_states(compiled: Compiled) -> tuple[NDArray[Any], ...]:
    """The states at the start: the scenario's own, or those at the end of a step of another run."""
    given = compiled.scenario.initial
    if given is None:
        return tuple(members.x for members in compiled.members)
    ds = open_results(given["from"])
    problem = compiled.scenario.description.problem
    ends = ds["time_bounds"].values[:, 1].astype("datetime64[D]")
    step = np.flatnonzero(ends == np.datetime64(given["at"]) + np.timedelta64(1, "D"))
    if step.size == 0:
        last = ends[-1] - np.timedelta64(1, "D")
        raise InputError(problem(
            ("initial", "at"),
            f"is not the last day of a step of that run (got {given['at']}); it ends on {last}",
        ))  # fmt: skip
    states = []
    for members in compiled.members:
        x = members.x.copy()
        for key in x.dtype.names or ():
            if key == "_" or not members.names:
                continue
            known = state_values(ds, key, members.kind.family, int(step[0]))
            for k, name in enumerate(members.names):
                if name not in known:
                    raise InputError(problem(
                        ("initial", "from"), f"is a run without the {members.kind.family} '{name}'"
                    ))  # fmt: skip
                value = known[name]
                signed = any(r.signed for r in members.kind.reports if r.name == key)
                if unfit(abs(value) if signed else value):
                    raise InputError(problem(
                        ("initial", "from"),
                        f"is a run whose {key} of '{name}' on {given['at']} {unfit(value)} (got "
                        f"{value}); run it again",
                    ))  # fmt: skip
                x[key][k] = value
        states.append(x)
    return tuple(states)
