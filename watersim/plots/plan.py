"""plan: Dataset of a season's plan → Figure of what every party may take and gets, summed up."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from watersim.bounds import party_names
from watersim.plots import style

LINES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (7, 2, 1.4, 2)))


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """One figure for a season's plan, none for a run."""
    return [()] if "exceedance" in ds.dims else []


def plot(ds: xr.Dataset) -> Figure:
    """Cumulative limit and supply of every party, one pair of lines for each exceedance.

    Parameters
    ----------
    ds
        a plan from `watersim.season`
    """
    parties = [p for p in map(str, ds["party"].values)
               if float(ds["party_requirement"].sel(party=p).sum()) > 0.0]  # fmt: skip
    names, edges = party_names(ds), style.step_edges(ds)
    at = style.positions(edges)
    fig = style.figure(max(6.5, 4.6 * len(parties)), 4.8)
    axes = fig.subplots(1, max(1, len(parties)), squeeze=False)[0]
    seen = int(ds["observed"].values.sum())
    for ax, party in zip(axes, parties, strict=False):
        own = ds.sel(party=party)
        asked = _sums(own["party_requirement"].values[0]) * style.HM3
        ax.plot(at, asked, color=style.REQUIREMENT, lw=0.9, ls=(0, (2, 2)), label="requirement")
        for k, exceedance in enumerate(ds["exceedance"].values):
            limit, supply = (
                _sums(own[f"party_{name}"].values[k]) * style.HM3 for name in ("limit", "supply")
            )
            line = LINES[k % len(LINES)]
            ax.plot(at, limit, color=style.LIMIT, lw=0.9, ls=line,
                    label=f"limit, {exceedance:g} %")  # fmt: skip
            ax.plot(at, supply, color=style.SUPPLY, lw=1.8, ls=line,
                    label=f"supply, {exceedance:g} %")  # fmt: skip
        if "party_planned_supply" in own:
            first = _sums(own["party_planned_supply"].values[0]) * style.HM3
            ax.plot(at, first, color=style.DEFICIT, lw=1.1,
                    label=f"supply as first planned, {ds['exceedance'].values[0]:g} %")  # fmt: skip
        if seen:
            ax.axvspan(at[0], at[seen], color=style.tint(style.LOSS, 0.6), lw=0.0, zorder=0,
                       label="observed")  # fmt: skip
        ax.set_ylim(bottom=0.0)
        style.dress(ax, "cumulative volume (hm³)")
        style.time_axis(ax, edges)
        ax.set_title(names.get(party, party), loc="left", fontsize=10)
    days = ds["time_bounds"].values.astype("datetime64[D]")
    fig.suptitle(f"Delivery plan {days[0, 0]} to {days[-1, 1] - 1}, by exceedance of the inflow\n"
                 f"{ds.attrs.get('title', '')}", fontsize=11)  # fmt: skip
    style.legend(fig, axes)
    return fig


def _sums(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> style.Floats:
    """Running sums that begin at 0."""
    return np.concatenate([[0.0], np.cumsum(values)])
