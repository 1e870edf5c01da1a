"""crops: Dataset → Figure of what the fields of a site evaporate, and of what rain and river bring."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watersim.metrics import seconds
from watersim.plots import months, style

Floats = npt.NDArray[np.float64]

_RAIN = style.tint(style.INFLOW, 0.3)
_DASHES = ("-", "--", ":", "-.")
# apart for eyes that see few colours, and none of those that mean water
_CROPS = ("#7A5230", "#AA4499", "#999933", "#44AA99", "#CC6677", "#222222", "#DDCC77")
_LACK = "evapotranspiration that was lacking"


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name every site that has crops."""
    sites = ds["crop_site"].values.astype(str).tolist() if "crop" in ds.dims else []
    return [(site,) for site in dict.fromkeys(sites)]


def plot(ds: xr.Dataset, site: str) -> Figure:
    """Draw monthly volumes in hm3: what rain and river bring to the root zones, and what evaporates.

    Water brought above the line of evapotranspiration stays in the soil or percolates; below it the
    soil gives. The lower row shows what lacks in the root zone of each crop, in mm. With several
    realizations the upper row shows means over them, the lower the medians.
    """
    own = ds.isel(crop=np.flatnonzero(ds["crop_site"].values.astype(str) == site))
    volumes = {
        "rain": months.volume(ds.sel(site=[site]), "effective_rain"),
        **{name: own[name] * own["crop_area"] * seconds(ds) * style.HM3 for name in
           ("crop_supply", "actual_evapotranspiration", "crop_evapotranspiration")},
    }  # fmt: skip
    edges, _ = months.sums(volumes["rain"], ds)
    sums = {name: months.sums(v, ds)[1].sum(axis=2).mean(axis=0) for name, v in volumes.items()}
    fig = style.figure(12.0, 6.6)
    rows = months.two_axes(
        fig, ["water of the fields", "depletion of the root zone"], edges.size - 1
    )
    layers: dict[str, tuple[style.Colour, Floats]] = {
        "effective rain": (_RAIN, sums["rain"]),
        "irrigation that reaches the root zone": (
            style.tint(style.SUPPLY, 0.0),
            sums["crop_supply"],
        ),
    }
    nothing = np.zeros(edges.size - 1)
    months.draw(rows[0], edges, layers, nothing, nothing)
    _evapotranspiration(rows[0], edges, sums)
    _depletions(rows[1], own, ds)
    style.dress(rows[0][0], "volume (hm³/month)")
    rows[0][0].set_ylim(0.0, 1.08 * max(1e-9, *(float(v.max()) for v in
                        (sums["rain"] + sums["crop_supply"], sums["crop_evapotranspiration"]))))  # fmt: skip
    for ax, unit in zip(rows[1], ("depth (mm)", ""), strict=True):
        if ax is not None:
            style.dress(ax, unit)
    rows[1][0].invert_yaxis()
    style.title(fig, ds, f"Crops of {style.words(site)}")
    style.legend(fig, [row[0] for row in rows])
    return fig


def _evapotranspiration(
    row: tuple[Axes, Axes | None], edges: npt.NDArray[np.datetime64], sums: dict[str, Floats]
) -> None:
    """Lines of what evaporated and of what would have without stress, and the gap between them."""
    for ax, turn in zip(row, (False, True), strict=True):
        if ax is None:
            continue
        at, actual, full = (
            style.positions(edges), sums["actual_evapotranspiration"], sums["crop_evapotranspiration"]
        )  # fmt: skip
        if turn:
            at = np.linspace(-0.5, 11.5, 13)
            actual, full = (np.roll(months.mean_year(edges, v), 3) for v in (actual, full))
        if float((full - actual).max()) > 1e-6 * float(full.max()):
            ax.stairs(full, at, baseline=actual, fill=True, facecolor="none", hatch="////", lw=0.0,
                      edgecolor=style.DEFICIT, label=_LACK)  # fmt: skip
        ax.stairs(actual, at, baseline=None, color=style.EVAPORATION, lw=1.8,
                  label="actual evapotranspiration")  # fmt: skip


def _depletions(row: tuple[Axes, Axes | None], own: xr.Dataset, ds: xr.Dataset) -> None:
    """A line for each crop, at the ends of the steps; and its mean in each month of the year."""
    ends = ds["time_bounds"].values[:, 1]
    month = (ends.astype("datetime64[D]") - 1).astype("datetime64[M]").astype(np.int64) % 12
    depth = (
        np.median(own["depletion"].transpose("realization", "time", "crop").values, axis=0) * 1e3
    )
    for k, name in enumerate(own["crop_name"].values):
        line: dict[str, Any] = {"color": _CROPS[k % len(_CROPS)], "lw": 1.4,
                "ls": _DASHES[k % len(_DASHES)], "label": style.words(str(name))}  # fmt: skip
        row[0].plot(style.positions(ends.astype("datetime64[ns]")), depth[:, k], **line)
        if row[1] is not None:
            year = [
                depth[month == m, k].mean() if (month == m).any() else np.nan for m in range(12)
            ]
            row[1].plot(np.arange(12), np.roll(year, 3), **line)
