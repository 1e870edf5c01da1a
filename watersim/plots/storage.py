"""storage: Dataset, reservoir → Figure of its storage with zones, capacity and dead storage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watersim.plots import style


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: every reservoir."""
    return [(str(name),) for name in ds["reservoir"].values] if "reservoir" in ds.dims else []


def plot(ds: xr.Dataset, reservoir: str) -> Figure:
    """Draw the storage of a reservoir at the ends of steps, in hm3, over its zones.

    With several realizations the line is the median and the band holds 10–90 % of them.
    """
    fig = style.figure(10.0, 4.6)
    ax = fig.subplots()
    one = ds.sel(reservoir=reservoir)
    edges = style.step_edges(ds)
    at = style.positions(edges)
    dead = float(one["reservoir_dead_storage"]) * style.HM3
    capacity = float(one["reservoir_capacity"]) * style.HM3
    _zones(ax, ds, reservoir, at, dead)
    if dead > 0.0:
        ax.axhspan(
            0.0,
            dead,
            facecolor=style.DEAD,
            edgecolor="white",
            hatch="///",
            lw=0.0,
            label="dead storage",
        )
    start = one["initial_storage"].values[:, None]
    values = np.hstack([start, one["storage"].transpose("realization", "time").values])
    values = values * style.HM3
    note = ""
    if values.shape[0] > 1:
        low, high = np.quantile(values, (0.1, 0.9), axis=0)
        ax.fill_between(at, low, high, color=style.STORAGE, alpha=0.3, lw=0.0)
        note = ": median, 10–90 %"
    ax.plot(at, np.median(values, axis=0), color=style.STORAGE, lw=1.7, label=f"storage{note}")
    ax.axhline(capacity, color=style.LIMIT, lw=1.0, ls=(0, (6, 3)), label="capacity")
    ax.set_ylim(0.0, max(capacity, float(values.max())) * 1.05)
    style.dress(ax, "storage (hm³)")
    ax.grid(False)
    style.time_axis(ax, edges)
    style.title(fig, ds, f"Storage of {style.words(reservoir)}")
    style.legend(fig, [ax])
    return fig


def _zones(
    ax: Axes, ds: xr.Dataset, reservoir: str, at: npt.NDArray[np.float64], dead: float
) -> None:
    """Fill each zone between the one below it and its own upper storage, and name it inside."""
    if "zone" not in ds.dims:
        return
    own = ds["zone_storage"].isel(zone=np.flatnonzero(ds["zone_reservoir"].values == reservoir))
    tops = own.transpose("zone", "time").values * style.HM3
    lower = np.full(tops.shape[1] + 1, dead)
    for k in np.argsort(tops.mean(axis=1), kind="stable"):
        upper = np.maximum(np.append(tops[k], tops[k, -1]), lower)
        ax.fill_between(at, lower, upper, step="post", color=style.ZONES[k % 2], lw=0.0)
        ax.step(at, upper, where="post", color="#8FA3B0", lw=0.7)
        ax.annotate(
            style.words(str(own["zone_name"].values[k])).lower(),
            (1.0, float(0.5 * (lower[-1] + upper[-1]))),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color="#4A5A66",
            annotation_clip=False,
        )
        lower = upper
