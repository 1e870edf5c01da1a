"""The hindcast figure draws the numbers that it is given, and where no observation is, none."""

from __future__ import annotations

import numpy as np
import xarray as xr

from watersim.plots import hindcast


def test_it_draws_what_was_simulated_what_was_seen_and_the_mean_of_the_month(
    years: xr.Dataset,
) -> None:
    first = years.isel(time=slice(0, 24))
    seen = xr.Dataset({
        "storage": 0.9 * first["storage"].isel(realization=0, drop=True),
        "outflow": 1.1 * first["outflow"].isel(realization=0, drop=True),
    })  # fmt: skip
    upper, lower = hindcast.plot(years, "kirov", seen).axes[:2]
    for ax, name, dim, factor in (
        (upper, "storage", "reservoir", 1e-6),
        (lower, "outflow", "node", 1.0),
    ):
        naive, simulated, observed = (np.asarray(line.get_ydata()) for line in ax.get_lines()[:3])
        whole = years[name].sel({dim: "kirov"}).isel(realization=0).values * factor
        np.testing.assert_allclose(simulated, whole)
        own = seen[name].sel({dim: "kirov"}).values * factor
        np.testing.assert_allclose(observed[:24], own)
        assert np.isnan(observed[24:]).all()
        np.testing.assert_allclose(naive[:12], own.reshape(2, 12).mean(axis=0))
        np.testing.assert_allclose(naive[12:24], naive[:12])
