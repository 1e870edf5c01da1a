"""harvest: Dataset → yield, production, and the value that a lack of water took, by season; pure.

``1 − Ya / Ym = Ky (1 − ETa / ETm)`` over the season of a crop, with the yield Y, the actual
evapotranspiration a and that without stress m. Doorenbos and Kassam (1979), *Yield response to
water*, FAO Irrigation and Drainage Paper 33.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.closure import seconds

Floats = npt.NDArray[np.float64]
By = Literal["crop", "site", "party"]
DAY = 86_400.0
AMOUNTS = {
    "production": ("kg", "harvested in the year"),
    "production_lost": ("kg", "what a lack of water took of the harvest"),
    "value_lost": ("USD", "the value of that, missing where a crop has no price"),
}


def relative_yield(factor: Floats, actual: Floats, full: Floats) -> Floats:
    """Share Ya / Ym of the yield that is left, at least 0.

    Parameters
    ----------
    factor
        Ky of the season
    actual, full
        evapotranspiration of the season, and that without stress, in one unit

    Examples
    --------
    >>> float(relative_yield(np.array(1.25), np.array(80.0), np.array(100.0)))
    0.75
    """
    return np.asarray(np.maximum(0.0, 1.0 - factor * (1.0 - actual / full)))


class _Season(NamedTuple):
    year: int  # in which it is harvested
    actual: Floats  # (realization,) m
    full: Floats


def harvest(ds: xr.Dataset, by: By = "crop") -> xr.Dataset:
    """Every complete season of every crop that has a yield.

    Parameters
    ----------
    ds
        a run with a kind of node that has crops
    by
        one row for each crop of each site; or the amounts summed by site or by party

    Returns
    -------
    xr.Dataset
        dims (realization, year, crop), by the year of the harvest; `relative_yield`, `yield`
        (kg m-2) and the amounts; NaN where no season of the year is complete. Summed by site or
        party, the amounts alone, on that dim.

    Raises
    ------
    ValueError
        if the run has no crops with a yield
    """
    found = _of_crops(ds)
    if by == "crop":
        return found
    sums = found[list(AMOUNTS)].groupby(f"crop_{by}").sum(min_count=1)
    return sums.rename({f"crop_{by}": by}).transpose("realization", "year", by)


def _of_crops(ds: xr.Dataset) -> xr.Dataset:
    if "crop" not in ds.dims or not np.isfinite(ds["crop_yield"].values).any():
        raise ValueError("the run has no crops with a yield; write `yield_response` in `crops`")
    own = ds.isel(crop=np.flatnonzero(np.isfinite(ds["crop_yield"].values)))
    seasons = [_seasons(own, k) for k in range(own.sizes["crop"])]
    years = sorted({season.year for crop in seasons for season in crop})
    shape = (own.sizes["realization"], len(years), own.sizes["crop"])
    left = np.full(shape, np.nan)
    for k, crop in enumerate(seasons):
        factor = own["crop_yield_factor"].values[k]
        for season in crop:
            left[:, years.index(season.year), k] = relative_yield(
                factor, season.actual, season.full
            )
    dims = ("realization", "year", "crop")
    most = own["crop_yield"].values * own["crop_area"].values
    price = own["crop_price"].values
    lost = (1.0 - left) * most
    values = {"production": left * most, "production_lost": lost, "value_lost": lost * price}
    found = xr.Dataset(
        {
            "relative_yield": (dims, left, {"units": "1", "long_name": "yield / yield without "
                                            "stress"}),
            "yield": (dims, left * own["crop_yield"].values,
                      {"units": "kg m-2", "long_name": "harvest of an area"}),
            **{name: (dims, values[name], {"units": unit, "long_name": meaning})
               for name, (unit, meaning) in AMOUNTS.items()},
        },
        {"realization": own["realization"], "year": years, "crop": own["crop"]},
    )  # fmt: skip
    return found.assign_coords(
        {name: own[name] for name in own.coords if own[name].dims == ("crop",)}
    )


def _seasons(ds: xr.Dataset, crop: int) -> list[_Season]:
    """The seasons of a crop that lie in the run from first to last day."""
    length = seconds(ds)
    share = ds["in_season"].values[0, :, crop]
    last = ds["time_bounds"].values[:, 1].astype("datetime64[D]") - 1
    opened = _year_of_planting(last, str(ds["crop_season_from"].values[crop]))
    days = float(ds["crop_season_days"].values[crop])
    actual, full = (
        ds[name].values[:, :, crop] * length * share
        for name in ("actual_evapotranspiration", "crop_evapotranspiration")
    )
    found = []
    for year in np.unique(opened):
        inside = opened == year
        if (share * length)[inside].sum() / DAY < days - 0.5 or not full[:, inside].any():
            continue
        planted = np.datetime64(f"{year}-{ds['crop_season_from'].values[crop]}")
        harvested = (planted + int(days) - 1).astype("datetime64[Y]").astype(int) + 1970
        found.append(
            _Season(int(harvested), actual[:, inside].sum(axis=1), full[:, inside].sum(axis=1))
        )
    return found


def _year_of_planting(days: npt.NDArray[np.datetime64], first: str) -> npt.NDArray[np.int64]:
    """The year of the last planting up to a day."""
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    month, number = (int(part) for part in first.split("-"))
    begin = days.astype("datetime64[M]").astype("datetime64[D]")
    own_month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    own_day = (days - begin).astype(np.int64) + 1
    before = (own_month < month) | ((own_month == month) & (own_day < number))
    return np.asarray(year - before)
