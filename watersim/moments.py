"""name: step of a Dataset ↔ the date a reader says, "2nd decade of July 2008"; pure."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.errors import InputError, Problem

Dates = npt.NDArray[np.datetime64]

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
_DATE = re.compile(r"([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)(?:[T ].*)?")
_ORDINAL = ("1st", "2nd", "3rd")


def moment(ds: xr.Dataset, step: int) -> str:
    """Name a step: ``July 2008``, ``2nd decade of July 2008`` or ``5 July 2008``."""
    day: date = _bounds(ds)[step, 0].astype(object)
    month = f"{MONTHS[day.month - 1]} {day.year}"
    length = ds.attrs["step"]
    if length == "decade":
        return f"{_ORDINAL[(day.day - 1) // 10]} decade of {month}"
    return month if length == "month" else f"{day.day} {month}"


def position(ds: xr.Dataset, time: object) -> int:
    """Find the step that holds a date, or that is all of the run within a month or year.

    Parameters
    ----------
    time
        ``2008-07-15``, ``2008-07``, ``2008``, or a date or time of Python, numpy or xarray

    Raises
    ------
    InputError
        if it is no date, or names no step of the run, or several.
    """
    bounds = _bounds(ds)
    form = "datetime64[M]" if ds.attrs["step"] == "month" else "datetime64[D]"
    try:
        span = _span(time)
    except ValueError as error:
        message = f"must be a date such as {bounds[0, 0].astype(form)} (got {error})"
        raise InputError(Problem(message, key="time")) from None
    first, after = span.astype("datetime64[D]"), (span + 1).astype("datetime64[D]")
    found = np.flatnonzero((bounds[:, 0] < after) & (bounds[:, 1] > first))
    if found.size == 1:
        return int(found[0])
    message = f"{span} is not in the run, which goes from {bounds[0, 0]} to {bounds[-1, 1] - 1}"
    if found.size:
        example = bounds[found[0], 0].astype(form)
        message = f"{span} holds {found.size} steps of the run; name one, such as {example}"
    raise InputError(Problem(message, key="time"))


def _span(time: object) -> np.datetime64:
    """The day, month or year that is named; ValueError with what was given otherwise."""
    text = time if isinstance(time, str) else str(getattr(time, "values", time))
    match = _DATE.fullmatch(text)
    try:
        if match:
            return np.datetime64(match[1])
    except ValueError:
        pass
    raise ValueError(text)


def _bounds(ds: xr.Dataset) -> Dates:
    days: Dates = ds["time_bounds"].values.astype("datetime64[D]")
    return days
