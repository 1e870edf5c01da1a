"""measure: Dataset → Dataset of reliability, resilience, vulnerability, yields and sums; pure.

Conventions that hold for every number here

* The *seconds* of a step come from ``time_bounds``; an amount is a mean flux times its seconds.
* *Hydrological years* run from October to September and are named by the year they end in. Only
  complete ones enter annual statistics; the attributes of the result name those left out.
* The *growing season* is April–September, *winter* October–March.
* A step whose requirement is 0 counts neither as met nor as failed, and does not end a failure: a
  shortage in September and one in April are one run for a site that asks nothing in winter.
* A step *fails* when its supply is below the requirement by more than `TOLERANCE` of it. One
  millionth is 1 m3 in 1 hm3: far below what any gauge can see, and three orders of magnitude above
  the closure a run must reach to be saved, so rounding is never counted as a shortage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

TOLERANCE = 1e-6
DEPENDABILITY = (0.75, 0.90, 0.95)
SEASONS = ("growing", "winter")

Floats = npt.NDArray[np.float64]


class Performance(NamedTuple):
    """How one series of supplies met its requirements; see `performance`."""

    reliability: float
    resilience: float
    vulnerability: float
    vulnerability_relative: float
    max_deficit: float


def performance(requirement: Floats, supply: Floats) -> Performance:
    r"""Measure how a series of supplies met its requirements (Hashimoto et al. 1982).

    With failing steps :math:`F` among the :math:`N` steps that have a requirement,
    ``reliability`` is :math:`1 - |F|/N` (their eq. 1); ``resilience`` is the share of failing steps
    followed by a met one (eq. 3; the last step has no successor and is not asked);
    ``vulnerability`` is the mean over failure runs of the largest deficit in the run (eq. 5 with
    equally likely runs), ``vulnerability_relative`` the same with each deficit divided by its
    requirement.

    Without any requirement all are NaN. Where nothing ever failed, resilience is NaN (there was
    nothing to recover from) and both vulnerabilities are 0 (nothing was lost).

    Parameters
    ----------
    requirement, supply
        amounts per step, dims (time,): m3, or J for energy.

    References
    ----------
    Hashimoto, T., Stedinger, J. R., Loucks, D. P. (1982): Reliability, resiliency, and
    vulnerability criteria for water resource system performance evaluation. Water Resour. Res.
    18(1), 14–20, doi:10.1029/WR018i001p00014.
    """
    asked = requirement > 0.0
    wanted, given = requirement[asked], supply[asked]
    if wanted.size == 0:
        return Performance(*[np.nan] * 5)
    failed = given < wanted * (1.0 - TOLERANCE)
    deficit = np.where(failed, wanted - given, 0.0)
    followed = failed[:-1]
    resilience = float(np.mean(~failed[1:][followed])) if followed.any() else np.nan
    starts = np.flatnonzero(failed & ~np.concatenate(([False], failed[:-1])))
    worst = np.maximum.reduceat(deficit, starts) if starts.size else np.zeros(1)
    relative = np.maximum.reduceat(deficit / wanted, starts) if starts.size else np.zeros(1)
    return Performance(
        reliability=float(1.0 - failed.mean()),
        resilience=resilience,
        vulnerability=float(worst.mean()),
        vulnerability_relative=float(relative.mean()),
        max_deficit=float(deficit.max()),
    )


def dependable(annual: Floats, dependability: float) -> float:
    r"""Annual amount that was reached or exceeded in the given share of years.

    The m-th largest of n years is exceeded with probability :math:`m/(n+1)` (Weibull 1939; the
    plotting position recommended by the WMO Guide to Hydrological Practices, WMO-No. 168, 2009,
    vol. II, 5.7), linear in between. NaN where the sample is too short to hold such a year: 95 %
    takes 19 complete years, 90 % nine, 75 % three; nothing is extrapolated.
    """
    years = np.sort(annual)
    place = round((1.0 - dependability) * (years.size + 1), 9)
    if years.size == 0 or place < 1.0:
        return np.nan
    return float(np.interp(place, np.arange(1, years.size + 1), years))


def seconds(ds: xr.Dataset) -> xr.DataArray:
    """Length of every step from ``time_bounds``, in s, dims (time,)."""
    bounds = ds["time_bounds"].values
    length = (bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "s")
    return xr.DataArray(length, {"time": ds["time"]}, ("time",), attrs={"units": "s"})


def calendar_month(ds: xr.Dataset) -> npt.NDArray[np.int64]:
    """Months from January 1970 to the month each step begins in, dims (time,)."""
    month: npt.NDArray[np.int64] = ds["time"].values.astype("datetime64[M]").astype(np.int64)
    return month


def hydrological_year(ds: xr.Dataset) -> xr.DataArray:
    """Hydrological year of every step (October–September, named by its end), dims (time,)."""
    months = calendar_month(ds)
    year = 1970 + (months + 3) // 12  # October to December belong to the year that follows
    return xr.DataArray(year, {"time": ds["time"]}, ("time",), name="hydrological_year")


def complete_years(ds: xr.Dataset) -> list[int]:
    """Hydrological years of which the run holds every day."""
    year, length = hydrological_year(ds).values, seconds(ds).values
    complete = []
    for one in np.unique(year):
        whole = np.datetime64(f"{one}-10-01") - np.datetime64(f"{one - 1}-10-01")
        if abs(length[year == one].sum() - whole / np.timedelta64(1, "s")) < 1.0:
            complete.append(int(one))
    return complete


def _seasons(ds: xr.Dataset) -> xr.DataArray:
    """Ones where a step lies in the season, dims (season, time)."""
    month = calendar_month(ds) % 12  # 0 is January
    growing = ((month >= 3) & (month <= 8)).astype(float)
    coords = {"season": list(SEASONS), "time": ds["time"]}
    return xr.DataArray([growing, 1.0 - growing], coords, ("season", "time"))


def by_season(amount: xr.DataArray, ds: xr.Dataset) -> xr.DataArray:
    """Sum amounts per step over the whole run, growing season and winter apart."""
    total: xr.DataArray = xr.dot(amount, _seasons(ds), dim="time")
    return total


def by_year(amount: xr.DataArray, ds: xr.Dataset) -> xr.DataArray:
    """Sum amounts per step over each complete hydrological year, seasons apart.

    The annual sum is ``by_year(...).sum("season")``.
    """
    complete = np.array(complete_years(ds), dtype=np.int64)
    member = xr.DataArray(
        (hydrological_year(ds).values == complete[:, None]).astype(float),
        {"hydrological_year": complete, "time": ds["time"]},
        ("hydrological_year", "time"),
    )
    total: xr.DataArray = xr.dot(amount, _seasons(ds), member, dim="time")
    return total


def _variable(values: xr.DataArray, units: str, meaning: str) -> xr.DataArray:
    """Put realization first and say what the values are."""
    ordered = values.transpose("realization", "hydrological_year", ..., missing_dims="ignore")
    ordered.attrs = {"units": units, "long_name": meaning}
    return ordered.rename(None)


def _sums(name: str, amount: xr.DataArray, ds: xr.Dataset, units: str) -> dict[str, xr.DataArray]:
    words = name.replace("_", " ")
    return {
        name: _variable(by_year(amount, ds), units, f"{words} per hydrological year and season"),
        f"{name}_total": _variable(by_season(amount, ds), units, f"{words} in the run, by season"),
    }


def _yield(name: str, amount: xr.DataArray, ds: xr.Dataset, units: str) -> dict[str, xr.DataArray]:
    annual = by_year(amount, ds).sum("season")
    joined: xr.DataArray = xr.apply_ufunc(
        lambda years: np.array([dependable(years, level) for level in DEPENDABILITY]),
        annual,
        input_core_dims=[["hydrological_year"]],
        output_core_dims=[["dependability"]],
        vectorize=True,
        output_dtypes=[float],
    ).assign_coords(dependability=list(DEPENDABILITY))
    meaning = "annual amount reached in this share of complete hydrological years"
    return {name: _variable(joined, units, meaning)}


def _cover(supply: xr.DataArray, requirement: xr.DataArray) -> xr.DataArray:
    return supply / requirement.where(requirement > 0.0)


def _demand(
    family: str, requirement: xr.DataArray, supply: xr.DataArray, ds: xr.Dataset, units: str
) -> dict[str, xr.DataArray]:
    """Find sums, covers and performance of a family from amounts (realization, time, label)."""
    found: dict[str, xr.DataArray] = {}
    for name, amount in {
        "requirement": requirement,
        "supply": supply,
        "deficit": requirement - supply,
    }.items():
        found |= _sums(f"{family}_{name}", amount, ds, units)
    whole = _cover(supply.sum("time"), requirement.sum("time"))
    found[f"{family}_cover"] = _variable(whole, "1", "supply / requirement of the whole run")
    seasonal = _cover(found[f"{family}_supply"], found[f"{family}_requirement"])
    found[f"{family}_cover_by_year"] = _variable(seasonal, "1", "cover per year and season")
    indices: Sequence[xr.DataArray] = xr.apply_ufunc(
        performance,
        requirement,
        supply,
        input_core_dims=[["time"], ["time"]],
        output_core_dims=[[]] * len(Performance._fields),
        vectorize=True,
        output_dtypes=[float] * len(Performance._fields),
    )
    meanings = {
        "reliability": ("1", "share of steps with a requirement that were met in full"),
        "resilience": ("1", "share of failing steps followed by a met one; NaN if none failed"),
        "vulnerability": (units, "mean over failure runs of the largest deficit of a step"),
        "vulnerability_relative": ("1", "the same, of deficit / requirement"),
        "max_deficit": (units, "largest deficit of one step"),
    }
    for name, values in zip(Performance._fields, indices, strict=True):
        found[f"{family}_{name}"] = _variable(values, *meanings[name])
    return found


def _groups(ds: xr.Dataset, length: xr.DataArray) -> dict[str, xr.DataArray]:
    """Find sums and covers per party and sector, dims (…, group)."""
    party, sector = ds["site_party"].values.astype(str), ds["site_sector"].values.astype(str)
    pairs = sorted(set(zip(party.tolist(), sector.tolist(), strict=True)))
    member = xr.DataArray(
        [((party == one) & (kind == sector)).astype(float) for one, kind in pairs],
        {
            "group": [f"{one} {kind}".strip() for one, kind in pairs],
            "group_party": ("group", [one for one, _ in pairs]),
            "group_sector": ("group", [kind for _, kind in pairs]),
            "site": ds["site"],
        },
        ("group", "site"),
    )
    requirement = xr.dot(ds["requirement"] * length, member, dim="site")
    supply = xr.dot(ds["supply"] * length, member, dim="site")
    return _demand("group", requirement, supply, ds, "m3")


def _crops(ds: xr.Dataset, length: xr.DataArray) -> dict[str, xr.DataArray]:
    """Find what crops evaporate in their seasons, and the share it is of that without stress."""
    grown = ds["in_season"] * ds["crop_area"] * length
    full, actual = (
        ds[name] * grown for name in ("crop_evapotranspiration", "actual_evapotranspiration")
    )
    found = {
        **_sums("crop_evapotranspiration", full, ds, "m3"),
        **_sums("crop_actual_evapotranspiration", actual, ds, "m3"),
    }
    whole = _cover(actual.sum("time"), full.sum("time"))
    found["crop_evapotranspiration_ratio"] = _variable(
        whole, "1", "actual evapotranspiration / that without stress, in the seasons of the run"
    )
    annual = _cover(by_year(actual, ds).sum("season"), by_year(full, ds).sum("season"))
    found["crop_evapotranspiration_ratio_by_year"] = _variable(
        annual, "1", "the same per hydrological year"
    )
    return found


def _reservoirs(ds: xr.Dataset, length: xr.DataArray) -> dict[str, xr.DataArray]:
    """Find lowest and highest storage with their dates, sums of fluxes, the yield of releases."""
    found: dict[str, xr.DataArray] = {}
    storage = ds["storage"]
    ends = xr.DataArray(ds["time_bounds"].values[:, 1], {"time": ds["time"]}, ("time",))
    for word, when in {"lowest": storage.argmin("time"), "highest": storage.argmax("time")}.items():
        value = storage.isel(time=when).drop_vars("time")
        found[f"reservoir_{word}_storage"] = _variable(value, "m3", f"{word} storage at a step end")
        date = _variable(ends.isel(time=when).drop_vars("time"), "", "end of the first such step")
        del date.attrs["units"]
        found[f"reservoir_{word}_time"] = date
    for flux in ("release", "spill", "evaporation"):
        found |= _sums(f"reservoir_{flux}", ds[flux] * length, ds, "m3")
    return found | _yield("reservoir_firm_yield", ds["release"] * length, ds, "m3")


def _years_text(ds: xr.Dataset) -> dict[str, Any]:
    complete = complete_years(ds)
    others = sorted(set(hydrological_year(ds).values.tolist()) - set(complete))
    return {
        "hydrological_years": "October to September, named by the year they end in",
        "incomplete_years": (
            "left out of annual statistics: " + ", ".join(map(str, others)) if others else "none"
        ),
        "seasons": "growing: April to September; winter: October to March",
        "tolerance": TOLERANCE,
        "title": ds.attrs.get("title", ""),
    }


def metrics(ds: xr.Dataset) -> xr.Dataset:
    """Every measure of a run, by family; families that the run lacks are absent.

    Names are ``FAMILY_MEASURE``; the families are ``site``, ``group`` (party and sector), ``claim``
    (consumptive and in-stream; a retention claim asks for the same stored water at every step, so
    its amounts cannot be added up and it is left out), ``crop``, ``plant`` and ``grid`` (in J),
    ``canal`` (pumped ones, in J) and ``reservoir``. For all that have a requirement: ``requirement supply
    deficit`` per complete hydrological year and season, the same with ``_total`` over the whole run
    by season, ``cover`` (supply / requirement of the whole run: the volumetric reliability of
    McMahon et al. 2006, doi:10.1016/j.jhydrol.2005.09.004), ``cover_by_year`` and the members of
    `Performance`.
    A site with crops asks again for part of what it lacked, so that its cover counts a deficit more
    than once. ``crop_evapotranspiration_ratio`` (actual / without stress, in the seasons)
    does not.
    ``firm_yield`` (sites: supply; reservoirs: release) and ``plant_firm_energy`` are what was
    reached in 75, 90 and 95 % of the complete hydrological years **of this run** (`dependable`):
    a statement on the run as operated, not the largest draft the reservoir could sustain.
    """
    # one memory order, so that a run and the same run read from a file add up to the same bits
    ds = ds.map(lambda v: v.copy(data=np.ascontiguousarray(v.values)), keep_attrs=True)
    length = seconds(ds)
    found: dict[str, xr.DataArray] = {}
    if "site" in ds.dims:
        requirement, supply = ds["requirement"] * length, ds["supply"] * length
        found |= _demand("site", requirement, supply, ds, "m3")
        found |= _yield("site_firm_yield", supply, ds, "m3")
        found |= _groups(ds, length)
    if "crop" in ds.dims:
        found |= _crops(ds, length)
    if "claim" in ds.dims:
        flowing = ds.isel(claim=np.flatnonzero(ds["claim_sort"].values != "retention"))
        requirement, supply = (flowing[f"claim_{x}"] * length for x in ("requirement", "supply"))
        found |= _demand("claim", requirement, supply, ds, "m3")
    if "plant" in ds.dims:
        required = ds["energy_requirement"]
        found |= _demand("plant", required, required - ds["energy_deficit"], ds, "J")
        found |= _sums("plant_energy", ds["energy"], ds, "J")
        found |= _yield("plant_firm_energy", ds["energy"], ds, "J")
    if "pumping_energy" in ds and (ds["canal_lift"].values > 0.0).any():
        pumped = ds["pumping_energy"].isel(canal=np.flatnonzero(ds["canal_lift"].values > 0.0))
        found |= _sums("canal_pumping_energy", pumped, ds, "J")
    if "grid" in ds.dims:
        required = ds["grid_energy_requirement"]
        found |= _demand("grid", required, required - ds["grid_energy_deficit"], ds, "J")
        found |= _sums("grid_energy", ds["grid_energy"], ds, "J")
    if "reservoir" in ds.dims:
        found |= _reservoirs(ds, length)
    return xr.Dataset(found, attrs=_years_text(ds))
