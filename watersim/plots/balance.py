"""balance: Dataset → Figure of what enters and leaves the basin, per hydrological year."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.figure import Figure

from watersim.metrics import complete_years, hydrological_year, seconds
from watersim.plots import style

Floats = npt.NDArray[np.float64]

_STORAGE = "from storage (below: into it)"
_LAKE_RAIN = style.tint(style.INFLOW, 0.6)
_FIELD_RAIN = style.tint(style.INFLOW, 0.3)


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: once, where water enters the basin."""
    return [()] if "catchment" in ds.dims else []


def plot(ds: xr.Dataset) -> Figure:
    """Draw volumes in hm3: what came in above the line, where it went below it.

    Years are hydrological (October–September) and complete; a run without such a year is drawn as
    one bar. Water taken from storage counts as coming in, water put into storage as going out. What
    the terms shown leave over is drawn as *other* and is absent where they close the balance. With
    several realizations all volumes are means over them.
    """
    names, rows = periods(ds)
    terms = {key: np.array([value[row].sum() for row in rows]) for key, value in flows(ds).items()}
    terms[_STORAGE] = -np.array([stored(ds)[row].sum() for row in rows])
    other = -np.sum(list(terms.values()), axis=0)
    if np.abs(other).max() > 1e-6 * max(np.abs(v).max() for v in terms.values()):
        terms["other"] = other
    fig = style.figure(max(7.5, 2.5 + 0.62 * len(rows)), 5.6)
    ax = fig.subplots()
    colours = _colours(ds)
    top, bottom = np.zeros(len(rows)), np.zeros(len(rows))
    for name, value in terms.items():
        if not np.abs(value).max() > 0.0:
            continue
        base = np.where(value >= 0.0, top, bottom)
        ax.bar(
            np.arange(len(rows)),
            value,
            bottom=base,
            width=0.72,
            label=name,
            color=colours[name],
            edgecolor="white",
            linewidth=0.5,
            hatch="///" if name == _STORAGE else None,
        )
        top, bottom = top + np.maximum(value, 0.0), bottom + np.minimum(value, 0.0)
    ax.set_ylim(1.06 * float(bottom.min()), 1.06 * float(top.max()))
    ax.axhline(0.0, color=style.LIMIT, lw=1.0)
    ax.set_xticks(np.arange(len(rows)), names)
    ax.set_xlim(-max(0.6, 1.4 - 0.4 * len(rows)), len(rows) - 1 + max(0.6, 1.4 - 0.4 * len(rows)))
    style.dress(ax, "volume (hm³), in above, out below")
    ax.set_xlabel("hydrological year, October to September" if complete_years(ds) else "whole run")
    style.title(fig, ds, "Water balance of the basin")
    style.legend(fig, [ax])
    return fig


def periods(ds: xr.Dataset) -> tuple[list[str], list[npt.NDArray[np.bool_]]]:
    """Names of the bars and the steps in each: complete hydrological years, or the whole run."""
    year = hydrological_year(ds).values
    complete = complete_years(ds)
    if complete:
        return [str(one) for one in complete], [year == one for one in complete]
    bounds = ds["time_bounds"].values
    last = bounds[-1, 1] - np.timedelta64(1, "D")
    return [f"{str(bounds[0, 0])[:10]} to {str(last)[:10]}"], [np.ones(year.size, dtype=bool)]


def flows(ds: xr.Dataset) -> dict[str, Floats]:
    """Volume of every term in each step in hm3, positive where water enters, dims (time,)."""
    length: Floats = seconds(ds).values * style.HM3

    def total(name: str, keep: npt.NDArray[np.bool_] | None = None) -> Floats:
        if name not in ds:
            return np.zeros(length.size)
        values = ds[name].transpose("realization", "time", ...).values
        values = values if keep is None else values[:, :, keep]
        return np.asarray(values.sum(axis=2).mean(axis=0) * length)

    terms = {"runoff": total("runoff"), "rain on lakes": total("precipitation")}
    if "effective_rain" in ds:
        terms["rain and groundwater to fields"] = total("effective_rain") + total("capillary_rise")
    owner = ds["site_party"].values.astype(str) if "site" in ds.dims else np.array([], dtype=str)
    for party in sorted(set(owner.tolist())):
        terms[_consumption(party)] = -total("consumption", owner == party)
    terms["evaporation from lakes"] = -total("evaporation")
    terms[_losses(ds)] = -(
        total("seepage") + total("reach_loss") + total("canal_loss") + total("percolation")
    )
    terms["outflow"] = -total("sink_flow")
    return terms


def _losses(ds: xr.Dataset) -> str:
    """What of a basin loses water: with crops, their fields too."""
    fields = "percolation" in ds and bool((ds["percolation"].values > 0.0).any())
    return "losses of rivers, canals, lakes" + (", fields" if fields else "")


def _consumption(party: str) -> str:
    return f"consumption {party}".strip()


def stored(ds: xr.Dataset) -> Floats:
    """Growth of all stored water within each step in hm3, dims (time,)."""
    growth = np.zeros(ds.sizes["time"])
    for initial in ds.data_vars:
        name = str(initial).removeprefix("initial_")
        if name != initial and name.endswith("storage"):
            start = ds[str(initial)].values.sum(axis=1).mean()
            state = ds[name].transpose("realization", "time", ...).values.sum(axis=2).mean(axis=0)
            growth += np.diff(state, prepend=start) * style.HM3
    return growth


def _colours(ds: xr.Dataset) -> dict[str, str | style.Colour]:
    colours: dict[str, str | style.Colour] = {
        "runoff": style.INFLOW,
        "rain on lakes": _LAKE_RAIN,
        "rain and groundwater to fields": _FIELD_RAIN,
        "consumption": style.SUPPLY,
        "evaporation from lakes": style.EVAPORATION,
        _losses(ds): style.LOSS,
        "outflow": style.OUTFLOW,
        _STORAGE: style.STORAGE,
        "other": style.LIMIT,
    }
    for party, colour in style.parties(ds).items():
        colours[_consumption(party)] = colour
    return colours
