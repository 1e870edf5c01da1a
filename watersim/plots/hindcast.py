"""hindcast: Dataset, reservoir, observations → Figure of storage and flow below, simulated and observed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watersim.plots import style

NAIVE = (0, (1.2, 1.6))  # the dashes of the naive forecast


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: nothing, as it needs observations."""
    return []


def plot(ds: xr.Dataset, reservoir: str, observed: xr.Dataset) -> Figure:
    """Draw a reservoir's storage (hm3, ends of steps) and the flow that leaves it down the river (m3/s).

    `observed` holds ``storage`` (time, reservoir) in m3 and ``outflow`` (time, node) in m3 s-1 at some
    or all steps of the run. Dotted is the naive forecast: the mean of the observations of the same
    calendar month. With several realizations the simulation is their median.
    """
    fig = style.figure(11.0, 6.4)
    upper, lower = fig.subplots(2, 1, sharex=True)
    edges = style.step_edges(ds)
    at = style.positions(edges)
    panels = (("storage", "reservoir", style.HM3, at[1:], style.STORAGE),
              ("outflow", "node", 1.0, 0.5 * (at[1:] + at[:-1]), style.STORAGE))  # fmt: skip
    for ax, (name, dim, factor, places, colour) in zip((upper, lower), panels, strict=True):
        simulated = ds[name].sel({dim: reservoir}).median("realization") * factor
        seen = observed[name].sel({dim: reservoir}).reindex(time=ds["time"]) * factor
        _lines(ax, places, simulated, seen, colour)
    style.dress(upper, "storage (hm³)")
    style.dress(lower, "flow below the dam (m³/s)")
    style.time_axis(lower, edges)
    style.title(fig, ds, f"Hindcast of {style.words(reservoir)}")
    style.legend(fig, [upper])
    return fig


def _lines(
    ax: Axes,
    at: npt.NDArray[np.float64],
    simulated: xr.DataArray,
    seen: xr.DataArray,
    colour: str,
) -> None:
    months = seen.groupby("time.month").mean()
    naive = months.sel(month=seen["time"].dt.month)
    ax.plot(at, naive.values, color=style.LOSS, lw=1.2, ls=NAIVE, label="mean of the month")
    ax.plot(at, simulated.values, color=colour, lw=1.7, label="simulated")
    ax.plot(at, seen.values, ls="none", marker="o", ms=3.0, color=style.DEFICIT, label="observed")
    ax.set_ylim(bottom=0.0)
