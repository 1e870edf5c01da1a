"""style: one colour for one meaning in every figure, planners' units, and the shared axes; pure.

The colours of quantities are those of Okabe and Ito (2008, Color Universal Design), which readers
with any common colour deficiency can tell apart; parties take hues of Tol's muted set (2021, SRON
technical note 3.2) that differ from them in lightness as well. Where two of them meet, hatching or
line style says the same a second time.
"""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib.dates as mdates
import matplotlib.patheffects as effects
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

Floats = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

HM3 = 1e-6  # hm3 in a m3
GWH = 1.0 / 3.6e12  # GWh in a J

STORAGE = "#0072B2"
INFLOW = "#56B4E9"
OUTFLOW = "#101418"
SUPPLY = "#009E73"
DEFICIT = "#D55E00"
REQUIREMENT = "#333333"
ENVIRONMENT = "#CC79A7"
EVAPORATION = "#E69F00"
LOSS = "#9A9A9A"
RETURN = "#7A5230"
RIVER = "#8FB4D0"
ENERGY = "#F0E442"
LIMIT = "#000000"
ZONES = ("#D3DFE7", "#EAF0F4")
DEAD = "#B8B8B8"
PAPER = "#FFFFFF"

_PARTIES = ("#332288", "#7D7D1B", "#AA3377", "#661100", "#44667A", "#B8A070")

HALO = (effects.withStroke(linewidth=2.6, foreground="white"),)


def parties(ds: xr.Dataset) -> dict[str, str]:
    """Colour of every party of a run, by name order so that it is the same in all its figures."""
    coords = [name for name in ds.coords if str(name).endswith("_party")]
    names = sorted({str(one) for name in coords for one in ds[name].values.ravel()} - {""})
    return {name: _PARTIES[k % len(_PARTIES)] for k, name in enumerate(names)}


def tint(colour: str, share: float) -> Colour:
    """Mix a colour with white; share 0 leaves it, 1 is white."""
    red, green, blue = (part + (1.0 - part) * share for part in to_rgb(colour))
    return red, green, blue


def tints(colour: str, count: int) -> list[Colour]:
    """Several members of one meaning, from the full colour to a light one."""
    return [tint(colour, 0.15 + 0.6 * k / max(count - 1, 1)) for k in range(count)]


def sectors(ds: xr.Dataset) -> dict[str, Colour]:
    """Shade of supply for every sector of a run; irrigation has the full colour in all runs."""
    names = sorted(set(ds["site_sector"].values.astype(str).tolist()) - {"irrigation"})
    shades = {"irrigation": tint(SUPPLY, 0.0)}
    return shades | {name: tint(SUPPLY, 0.55 + 0.2 * (k % 3)) for k, name in enumerate(names)}


def words(label: str) -> str:
    """Write a name of the scenario as a reader would: ``talas_oblast`` → ``Talas oblast``."""
    text = label.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def figure(width: float, height: float) -> Figure:
    """Make an empty figure that arranges itself; independent of any pyplot state."""
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def title(fig: Figure, ds: xr.Dataset, text: str) -> None:
    """Write what is shown, and below it of which run."""
    members = ds.sizes["realization"]
    run = str(ds.attrs.get("title", ""))
    if members > 1:
        run = f"{run} · {members} realizations" if run else f"{members} realizations"
    fig.suptitle(f"{text}\n{run}" if run else text, fontsize=11)


def thousands(value: float, _: int | None = None) -> str:
    """Write a tick with a thin space between thousands and no needless decimals."""
    return f"{value:,.10g}".replace(",", "\u2009").replace("-", "\u2212")


def dress(ax: Axes, unit_label: str) -> None:
    """Give an axes its unit, ticks that read well, and a quiet frame."""
    ax.set_ylabel(unit_label)
    ax.yaxis.set_major_formatter(FuncFormatter(thousands))
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def positions(edges: npt.NDArray[np.datetime64]) -> Floats:
    """Places of dates along x, in days."""
    found: Floats = mdates.date2num(edges)  # type: ignore[no-untyped-call]
    return found


def time_axis(ax: Axes, edges: npt.NDArray[np.datetime64]) -> None:
    """Dates along x, from the first to the last moment shown."""
    locator = mdates.AutoDateLocator(minticks=4, maxticks=16)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        mdates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    )
    at = positions(edges)
    ax.set_xlim(float(at[0]), float(at[-1]))


def legend(fig: Figure, axes: Iterable[Axes]) -> None:
    """One legend for the whole figure, below it, each label once, as wide as the figure allows."""
    entries: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    legend_of(fig, entries)


def legend_of(fig: Figure, entries: dict[str, Artist]) -> None:
    """Set the legend of given entries below a figure, in as many columns as its width holds."""
    if not entries:
        return
    longest = max(len(label) for label in entries)
    columns = max(1, int(fig.get_figwidth() * 72.0 / (5.2 * longest + 44.0)))
    rows = -(-len(entries) // columns)
    fig.legend(
        handles=list(entries.values()),
        labels=list(entries),
        loc="outside lower center",
        ncols=-(-len(entries) // rows),
        frameon=False,
        fontsize=9,
    )


def step_edges(ds: xr.Dataset) -> npt.NDArray[np.datetime64]:
    """Boundaries of the steps, one more than there are steps."""
    bounds = ds["time_bounds"].values
    edges: npt.NDArray[np.datetime64] = np.append(bounds[:, 0], bounds[-1, 1])
    return edges


def series(
    ax: Axes,
    edges: npt.NDArray[np.datetime64],
    values: Floats,
    colour: str,
    label: str,
    *,
    linestyle: str = "-",
) -> None:
    """Draw step means: the one realization, or the median and the band of 10–90 % of them.

    Parameters
    ----------
    edges
        boundaries of the steps, dims (time + 1,).
    values
        dims (realization, time).
    """
    middle = np.median(values, axis=0)
    at = positions(edges)
    if values.shape[0] > 1:
        low, high = np.quantile(values, (0.1, 0.9), axis=0)
        ax.fill_between(
            at,
            np.append(low, low[-1]),
            np.append(high, high[-1]),
            step="post",
            color=tint(colour, 0.35),
            alpha=0.4,
            linewidth=0.0,
        )
        label = f"{label}: median, 10–90 %"
    ax.stairs(middle, at, baseline=None, color=colour, label=label, linestyle=linestyle, lw=1.3)
