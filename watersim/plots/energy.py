"""energy: Dataset → Figure of energy by month, stacked by plant, beside what is required."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from watersim.plots import months, style


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: once, where there are plants."""
    return [()] if "plant" in ds.dims else []


def plot(ds: xr.Dataset) -> Figure:
    """Draw the energy of each month in GWh, plants stacked in shades of their party's colour.

    The right-hand axes show the mean of each calendar month. The outline is the energy required of
    the plants drawn, where any is; the deficit stands hatched on top (a month can hold one although
    its sum is enough: what one step or plant has over does not serve another). With several
    realizations all are means over them.
    """
    edges, energy = months.sums(ds["energy"] * style.GWH, ds)
    _, required = months.sums(ds["energy_requirement"] * style.GWH, ds)
    _, missing = months.sums(ds["energy_deficit"] * style.GWH, ds)
    needed, deficit = (values.mean(axis=0).sum(axis=1) for values in (required, missing))
    layers = {
        style.words(str(name)): (shade, energy.mean(axis=0)[:, k])
        for k, (name, shade) in enumerate(zip(ds["plant"].values, plant_shades(ds), strict=True))
    }
    fig = style.figure(12.0, 4.4)
    (row,) = months.two_axes(fig, ["energy of each month"], edges.size - 1)
    months.draw(row, edges, layers, needed, deficit)
    style.dress(row[0], "energy (GWh/month)")
    row[0].set_ylim(bottom=0.0)
    style.title(fig, ds, "Energy by month")
    style.legend(fig, [row[0]])
    return fig


def plant_shades(ds: xr.Dataset) -> list[style.Colour]:
    """Shade of each plant: the hue is its party's, the plants of a party differ in lightness."""
    hues = style.parties(ds)
    owner = [str(name) for name in ds["plant_party"].values]
    shades = {
        name: iter(style.tints(hues.get(name, style.REQUIREMENT), owner.count(name)))
        for name in set(owner)
    }
    return [next(shades[name]) for name in owner]
