"""supply: Dataset → Figure of requirement, supply and deficit, stacked per party and sector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watersim.plots import months, style

Floats = npt.NDArray[np.float64]


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: once, where there are demand sites."""
    return [()] if "site" in ds.dims else []


def plot(ds: xr.Dataset) -> Figure:
    """Draw monthly volumes in hm3, one row per party, the sectors stacked and the deficit on top.

    The right-hand axes show the mean of each calendar month. With several realizations all volumes
    are means over them (means add up in a stack, medians do not).
    """
    owner, sector = ds["site_party"].values.astype(str), ds["site_sector"].values.astype(str)
    names = sorted(set(owner.tolist()))
    edges, supply = months.sums(months.volume(ds, "supply"), ds)
    _, requirement = months.sums(months.volume(ds, "requirement"), ds)
    supply, requirement = supply.mean(axis=0), requirement.mean(axis=0)
    fig = style.figure(12.0, 1.6 + 2.5 * len(names))
    rows = months.two_axes(fig, [name or "no party" for name in names], edges.size - 1)
    colours = style.parties(ds)
    for row, name in zip(rows, names, strict=True):
        layers = {
            f"supply, {kind}": (shade, supply[:, (owner == name) & (sector == kind)].sum(axis=1))
            for kind, shade in style.sectors(ds).items()
            if ((owner == name) & (sector == kind)).any()
        }
        need = requirement[:, owner == name].sum(axis=1)
        deficit = need - supply[:, owner == name].sum(axis=1)
        months.draw(row, edges, layers, need, deficit)
        style.dress(row[0], "volume (hm³/month)")
        row[0].set_ylim(0.0, max(float(need.max()), 1e-9) * 1.08)
        _mark(row[0], colours.get(name, style.LIMIT))
    style.title(fig, ds, "Requirement, supply and deficit by party and sector")
    style.legend(fig, [row[0] for row in rows])
    return fig


def _mark(ax: Axes, colour: str) -> None:
    """Show whose row it is by the party's colour along the axis and in the name."""
    ax.spines["left"].set_color(colour)
    ax.spines["left"].set_linewidth(4.0)
    ax.set_title(ax.get_title(loc="left"), loc="left", fontsize=11, color=colour, weight="bold")
