"""months: fluxes → sums by calendar month, stacked over the run and over the mean year; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watersim.metrics import calendar_month, seconds
from watersim.plots import style
from watersim.plots.style import Colour, Floats

LETTERS = "ONDJFMAMJJAS"  # in the order of the hydrological year


def sums(amount: xr.DataArray, ds: xr.Dataset) -> tuple[npt.NDArray[np.datetime64], Floats]:
    """Sum amounts per step within calendar months.

    Returns
    -------
    edges
        month boundaries, dims (month + 1,).
    sums
        dims (realization, month, label).
    """
    month = calendar_month(ds)
    first = int(month[0])
    member = np.arange(first, month[-1] + 1)[:, None] == month
    other = [str(dim) for dim in amount.dims if dim not in ("realization", "time")]
    values = amount.transpose("realization", "time", *other).values
    edges = np.arange(first, month[-1] + 2).astype("datetime64[M]").astype("datetime64[ns]")
    return edges, np.einsum("mt,rt...->rm...", member.astype(float), values)


def volume(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Volume per step of a flux, in hm3."""
    return ds[name] * seconds(ds) * style.HM3


def mean_year(edges: npt.NDArray[np.datetime64], values: Floats) -> Floats:
    """Average each calendar month over the years, dims (12, …), from January; NaN without one."""
    month = edges[:-1].astype("datetime64[M]").astype(np.int64) % 12
    found: Floats = np.full((12, *values.shape[1:]), np.nan)
    for m in np.unique(month):
        found[m] = values[month == m].mean(axis=0)
    return found


def two_axes(fig: Figure, rows: Sequence[str], months: int) -> list[tuple[Axes, Axes | None]]:
    """For each row a long axes for the months of the run, and a short one for the mean year.

    A run of a year or less is its own mean year: no short axes.
    """
    if months <= 12:
        alone = fig.subplots(len(rows), 1, squeeze=False, sharex="col")[:, 0]
        pairs: list[tuple[Axes, Axes | None]] = [(ax, None) for ax in alone]
    else:
        grid = fig.subplots(
            len(rows), 2, squeeze=False, width_ratios=(3.4, 1.0), sharey="row", sharex="col"
        )
        pairs = [(long, short) for long, short in grid]
    for (long, short), name in zip(pairs, rows, strict=True):
        long.set_title(name, loc="left", fontsize=10)
        if short is not None:
            short.set_title("mean of each month", loc="left", fontsize=9, color="#555555")
    return pairs


def draw(
    row: tuple[Axes, Axes | None],
    edges: npt.NDArray[np.datetime64],
    layers: dict[str, tuple[Colour, Floats]],
    requirement: Floats,
    deficit: Floats,
) -> None:
    """Stack layers over the months of a run, and their mean year where a short axes is given.

    Parameters
    ----------
    row
        one member of `two_axes`.
    edges
        month boundaries, dims (month + 1,).
    layers
        by label: colour and values, dims (month,).
    requirement, deficit
        dims (month,); drawn as an outline and hatched on top of the layers.
    """
    long, short = row
    series_of = [*(values for _, values in layers.values()), requirement, deficit]
    _stack(long, style.positions(edges), layers, requirement, deficit)
    style.time_axis(long, edges)
    if short is not None:
        january_first = mean_year(edges, np.column_stack(series_of))
        year: Floats = np.roll(january_first, 3, axis=0)
        means = {label: (layers[label][0], year[:, k]) for k, label in enumerate(layers)}
        _stack(short, np.linspace(-0.5, 11.5, 13), means, year[:, -2], year[:, -1])
        style.dress(short, "")
        short.set_xticks(np.arange(12), list(LETTERS), fontsize=8)
        short.set_xlim(-0.6, 11.6)


def _stack(
    ax: Axes,
    at: Floats,
    layers: dict[str, tuple[Colour, Floats]],
    requirement: Floats,
    deficit: Floats,
) -> None:
    lower = np.zeros(requirement.size)
    for label, (shade, values) in layers.items():
        upper = lower + values
        ax.stairs(upper, at, baseline=lower, fill=True, color=shade, lw=0.0, label=label)
        lower = upper
    most = float(requirement.max(initial=0.0))
    if float(deficit.max(initial=0.0)) > 1e-6 * most:
        ax.stairs(
            lower + np.maximum(deficit, 0.0),
            at,
            baseline=lower,
            fill=True,
            facecolor=style.DEFICIT,
            edgecolor=style.tint(style.DEFICIT, 0.5),
            hatch="////",
            lw=0.0,
            label="deficit",
        )
    if most > 0.0:
        ax.stairs(
            requirement, at, baseline=None, color=style.REQUIREMENT, lw=1.0, label="requirement"
        )
