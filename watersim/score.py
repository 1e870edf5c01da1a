"""score: simulated and observed Datasets → NSE, KGE and bias per variable and label; pure."""

from __future__ import annotations

import difflib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.errors import InputError, Problem

Floats = npt.NDArray[np.float64]


class Score(NamedTuple):
    """How well one simulated series follows the observed one; see `goodness`."""

    nse: float
    kge: float
    r: float
    alpha: float
    beta: float
    bias: float
    n: float


def goodness(simulated: Floats, observed: Floats) -> Score:
    r"""Compare two aligned series; pairs without an observation (NaN) are dropped.

    * ``nse`` :math:`= 1 - \sum (s-o)^2 / \sum (o-\bar o)^2` (Nash and Sutcliffe 1970,
      doi:10.1016/0022-1694(70)90255-6)
    * ``kge`` :math:`= 1 - \sqrt{(r-1)^2 + (\alpha-1)^2 + (\beta-1)^2}` with the linear correlation
      ``r``, ``alpha`` :math:`= \sigma_s/\sigma_o` and ``beta`` :math:`= \bar s/\bar o` (Gupta et
      al. 2009, doi:10.1016/j.jhydrol.2009.08.003, eq. 9 and 10)
    * ``bias`` :math:`= 100\,(\bar s - \bar o)/\bar o`, per cent; positive where the simulation is
      too high.

    A ratio whose denominator is 0 (constant or zero observations, a constant simulation for ``r``)
    is undefined: NaN. ``n`` is the number of pairs.
    """
    known = ~np.isnan(observed)
    s, o = simulated[known], observed[known]
    if o.size == 0:
        return Score(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, 0.0)
    ds, do = s - s.mean(), o - o.mean()
    spread_s, spread_o = float(np.sum(ds * ds)), float(np.sum(do * do))
    error = s - o
    nse = 1.0 - float(np.sum(error * error)) / spread_o if spread_o > 0.0 else np.nan
    root = np.sqrt(spread_s) * np.sqrt(spread_o)
    r = float(np.sum(ds * do)) / root if root > 0.0 else np.nan
    alpha = float(np.sqrt(spread_s / spread_o)) if spread_o > 0.0 else np.nan
    beta = float(s.mean() / o.mean()) if o.mean() != 0.0 else np.nan
    kge = 1.0 - float(np.sqrt((r - 1.0) ** 2 + (alpha - 1.0) ** 2 + (beta - 1.0) ** 2))
    return Score(nse, kge, float(r), alpha, beta, 100.0 * (beta - 1.0), float(o.size))


def _refusals(name: str, simulated: xr.Dataset, observed: xr.DataArray) -> list[str]:
    """Say what keeps one observed variable from being compared; empty when nothing does."""
    if name not in simulated.data_vars:
        near = difflib.get_close_matches(name, [str(v) for v in simulated.data_vars], 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return [f"is not a variable of the run{hint}"]
    target = simulated[name]
    expected = tuple(dim for dim in target.dims if dim != "realization")
    if set(observed.dims) != set(expected) or "time" not in expected:
        return [f"has dimensions {observed.dims}; the run has {expected}"]
    wrong = []
    units = observed.attrs.get("units")
    if units != target.attrs.get("units"):
        wrong.append(f"must be in {target.attrs.get('units')!r} (got units {units!r})")
    for dim in expected:
        if dim != "time":
            unknown = sorted(set(observed[dim].values.tolist()) - set(target[dim].values.tolist()))
            wrong += [f"has {dim} {label!r}, which the run lacks" for label in unknown]
    if np.isinf(observed.values).any():
        wrong.append("must be finite or NaN where nothing was observed")
    return wrong + _time_refusals(target["time"].values, observed["time"].values)


def _time_refusals(run: npt.NDArray[np.datetime64], seen: npt.NDArray[np.datetime64]) -> list[str]:
    """Refuse labels that are not starts of steps, and another step length under the same labels."""
    if np.unique(seen).size != seen.size:
        return ["has a time label twice"]
    inside = seen[(seen >= run[0]) & (seen <= run[-1])]
    if inside.size == 0:
        return [f"has no time in common with the run ({str(run[0])[:10]} to {str(run[-1])[:10]})"]
    strange = np.setdiff1d(inside, run)
    if strange.size:
        return [f"has {str(strange[0])[:10]}, where no step of the run begins; use starts of steps"]
    if inside.size > 1 and run.size > 1:
        mine, theirs = np.median(np.diff(run)), np.median(np.diff(np.sort(inside)))
        if theirs > 1.5 * mine:
            days = (mine / np.timedelta64(1, "D"), theirs / np.timedelta64(1, "D"))
            return [
                f"stands {days[1]:.0f} days apart and the run {days[0]:.0f}; "
                "observe at the step of the run, with NaN where nothing was observed"
            ]
    return []


def score(simulated: xr.Dataset, observed: xr.Dataset) -> xr.Dataset:
    """Score every observed variable and label against a run, on exactly equal time labels.

    Parameters
    ----------
    simulated
        results of a run, dims (realization, time, …).
    observed
        variables of the same names, units and dims without ``realization``; any subset of labels
        and times; NaN where nothing was observed.

    Returns
    -------
    xr.Dataset
        each observed variable with dims (realization, …, score); ``score`` labels the members of
        `Score`.

    Raises
    ------
    InputError
        for an unknown variable or label, another unit, other dims, time labels that are not starts
        of steps, another step length, or no time in common.
    """
    names = [str(name) for name in observed.data_vars if name != "time_bounds"]
    problems = [
        Problem(message, file="observed", key=name)
        for name in names
        for message in _refusals(name, simulated, observed[name])
    ]
    if not names:
        problems.append(Problem("holds no variable; give at least one", file="observed"))
    if problems:
        raise InputError(problems)
    scores = {}
    for name in names:
        run, seen = xr.align(simulated[name], observed[name], join="inner")
        values = xr.apply_ufunc(
            lambda s, o: np.array(goodness(s, o)),
            run,
            seen,
            input_core_dims=[["time"], ["time"]],
            output_core_dims=[["score"]],
            vectorize=True,
            output_dtypes=[float],
        )
        scores[name] = values.assign_coords(score=list(Score._fields))
    title = simulated.attrs.get("title", "")
    return xr.Dataset(scores, attrs={"title": title, "bias": "per cent, simulated above observed"})
