"""accounts: Dataset → what every party was entitled to, what it got and what is left, by period; pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

Floats = npt.NDArray[np.float64]

PERIODS = ("decade", "month", "season", "year")  # from short to long


def accounts(ds: xr.Dataset, agreement: str, period: str | None = None) -> xr.Dataset:
    """The audit of one agreement, summed over periods.

    Parameters
    ----------
    ds
        a run with agreements that keep accounts
    agreement
        the name of the clause
    period
        decade, month, season (from April, from October) or year (from October); the clause's own
        period if None, a year where it is never settled

    Returns
    -------
    xr.Dataset
        dims (realization, period, party), m3: ``entitlement`` and ``delivered`` in the period,
        ``adjustment`` and ``balance`` at its end; ``period`` is its first day. Parties without an
        account are left out. ``delivered / entitlement`` is plan against fact.

    Raises
    ------
    ValueError
        if the run has no such agreement, or period is none of these.
    """
    if "agreement" not in ds.dims or agreement not in ds["agreement"].values:
        known = ", ".join(map(str, ds["agreement"].values)) if "agreement" in ds.dims else "none"
        raise ValueError(f"has no accounts of '{agreement}'; known are {known}")
    own = ds.sel(agreement=agreement)
    period = period or str(own["agreement_period"].item()) or "year"
    if period not in PERIODS:
        raise ValueError(f"must be one of {', '.join(PERIODS)} (got {period})")
    own = own[["entitlement", "delivered", "adjustment", "balance"]]
    own = own.transpose("realization", "time", "party")
    has = np.isfinite(own["balance"].values).all(axis=(0, 1))
    own = own.isel(party=np.flatnonzero(has))
    opens = _first_days(ds["time"].values.astype("datetime64[D]"), period)
    starts = np.unique(opens)
    which = np.searchsorted(starts, opens)
    last = np.searchsorted(which, np.arange(starts.size), side="right") - 1
    found = xr.Dataset(
        coords={
            "realization": ds["realization"].values,
            "period": starts.astype("datetime64[ns]"),
            "party": own["party"].values,
        }
    )
    dims = ("realization", "period", "party")
    for name in ("entitlement", "delivered", "adjustment"):
        sums = np.add.reduceat(own[name].values, np.searchsorted(which, range(starts.size)), axis=1)
        found[name] = (dims, sums, dict(own[name].attrs))
    found["balance"] = (dims, own["balance"].values[:, last], dict(own["balance"].attrs))
    return found


def _first_days(days: npt.NDArray[np.datetime64], period: str) -> npt.NDArray[np.datetime64]:
    """The first day of the period that each day belongs to."""
    month = days.astype("datetime64[M]")
    if period == "decade":
        into = (days - month.astype("datetime64[D]")).astype(np.int64)
        return np.asarray(month.astype("datetime64[D]") + 10 * np.minimum(into // 10, 2))
    if period == "month":
        return np.asarray(month.astype("datetime64[D]"))
    length = 6 if period == "season" else 12
    since = (month.astype(np.int64) + 3) % length  # months since the period began
    return np.asarray((month - since.astype("timedelta64[M]")).astype("datetime64[D]"))
