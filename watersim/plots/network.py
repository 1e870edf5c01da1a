"""network: Dataset → Figure, the basin as a schematic map, or on the ground where coordinates are.

Names are wrapped to the width of a cell and stand where they cover least.
"""

from __future__ import annotations

import math
import textwrap
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.ticker import StrMethodFormatter

from watersim.plots import style
from watersim.plots.layout import Link, Point, beside, schematic

Floats = npt.NDArray[np.float64]
_CELL = (1.45, 1.2)  # inches
_FONT = 8.5  # points


class Stroke(NamedTuple):
    """How one sort of line is drawn."""

    colour: str
    width: float
    dash: str | tuple[float, tuple[float, ...]]
    arrow: str
    bend: float


_STROKES = {
    "river": Stroke(style.RIVER, 2.5, "-", "-", 0.0),
    "canal": Stroke(style.SUPPLY, 1.4, (0, (5, 2)), "-|>", 0.08),
    "return": Stroke(style.RETURN, 1.4, (0, (1, 1.6)), "-|>", 0.22),
    "at": Stroke(style.REQUIREMENT, 0.8, "-", "-", 0.0),
}


class Side(NamedTuple):
    """Where a name stands beside its symbol: shift in points, alignment, width in letters."""

    shift: Point
    across: Literal["left", "center", "right"]
    along: Literal["bottom", "center", "top"]
    width: int = 14


_BELOW = Side((0.0, -9.0), "center", "top")
_ABOVE = Side((0.0, 9.0), "center", "bottom")
_ASIDE = Side((7.0, 7.0), "left", "bottom", 10)
_RIGHT = Side((10.0, 0.0), "left", "center", 30)
_LEFT = Side((-10.0, 0.0), "right", "center", 30)
_CORNERS = (
    Side((7.0, 6.0), "left", "bottom", 30),
    Side((-7.0, 6.0), "right", "bottom", 30),
    Side((7.0, -6.0), "left", "top", 30),
    Side((-7.0, -6.0), "right", "top", 30),
)


class Look(NamedTuple):
    """How one family of nodes is drawn and what the legend calls it."""

    marker: str
    colour: str | style.Colour
    size: float
    name: str


def arguments(ds: xr.Dataset) -> list[tuple[str, ...]]:
    """Name what this figure is drawn for as standard: once, where there are nodes."""
    return [()] if "node" in ds.dims else []


def plot(ds: xr.Dataset) -> Figure:
    """Draw rivers, canals, return flows and every node; rivers are the wider the more they carry.

    Stands on longitude and latitude where every node has ``node_lon`` and ``node_lat``. Needs the
    coordinates of the topology only; without ``reach_flow`` all rivers are drawn alike.
    """
    joined = links(ds)
    drawn = looks(ds)
    places = on_the_ground(ds)
    ground = bool(places)
    if not ground:
        places = schematic(list(drawn), joined)
    xs, ys = (np.array(values) for values in zip(*places.values(), strict=True))
    if ground:
        fig = style.figure(11.0, 8.0)
    else:
        fig = style.figure(
            max(6.0, (np.ptp(xs) + 1.4) * _CELL[0]), max(3.4, (np.ptp(ys) + 1.2) * _CELL[1] + 1.6)
        )
    ax = fig.subplots()
    if ground:
        _ground_axes(ax, ys)
    else:
        ax.set_xlim(xs.min() - 0.7, xs.max() + 0.7)
        ax.set_ylim(ys.min() - 0.6, ys.max() + 0.6)
        ax.axis("off")
    places |= beside(joined, places, list(drawn), 0.07 * max(float(np.ptp(xs)), 0.1))
    _draw_links(ax, joined, places)
    _draw_nodes(ax, drawn, places)
    style.title(fig, ds, "Network")
    _legend(fig, ds, joined, drawn)
    if ground:
        fig.draw_without_rendering()  # the boxes of names need the final scale
        sides = _sides_on_the_ground(ax, places, joined)
    else:
        sides = _sides_of_cells(places, joined)
    _write_names(ax, ds, places, sides)
    return fig


def links(ds: xr.Dataset) -> list[Link]:
    """Every line of the map, read from the coordinates of the topology."""
    found = []
    if "reach" in ds.dims:
        flow = ds["reach_flow"].mean(("realization", "time")).values if "reach_flow" in ds else None
        ends = zip(ds["reach_from"].values, ds["reach_to"].values, strict=True)
        found += [
            Link("river", str(a), str(b), 0.0 if flow is None else float(flow[k]))
            for k, (a, b) in enumerate(ends)
        ]
    for sort, start, end in (
        ("canal", "canal_from", "canal_to"),
        ("canal", "site_at", "site"),
        ("return", "site", "site_return_to"),
        ("at", "plant_at", "plant"),
    ):
        if start in ds.coords and end in ds.coords:
            pairs = zip(ds[start].values.astype(str), ds[end].values.astype(str), strict=True)
            found += [Link(sort, str(a), str(b)) for a, b in pairs if a and b and a != b]
    known = set(looks(ds))
    return [link for link in found if link.start in known and link.end in known]


def looks(ds: xr.Dataset) -> dict[str, Look]:
    """Symbol of every node, site and plant by the family it reports on, in river order."""
    plain = Look("o", style.PAPER, 7.0, "junction, gauge")
    found = {str(name): plain for name in ds["node"].values}
    families = {
        "catchment": Look("o", style.INFLOW, 11.0, "catchment"),
        "reservoir": Look("v", style.STORAGE, 15.0, "reservoir, lake"),
        "terminal": Look("X", style.OUTFLOW, 12.0, "end of the river"),
        "plant": Look("D", style.ENERGY, 9.0, "hydropower plant"),
    }
    for family, look in families.items():
        if family in ds.dims:
            found |= {str(name): look for name in ds[family].values}
    if "site" in ds.dims:
        shades = style.sectors(ds)
        for name, sector in zip(ds["site"].values, ds["site_sector"].values, strict=True):
            marker = "s" if str(sector) == "irrigation" else "p"
            size = 11.0 if marker == "s" else 13.0
            found[str(name)] = Look(marker, shades[str(sector)], size, str(sector))
    return found


def on_the_ground(ds: xr.Dataset) -> dict[str, Point]:
    """Longitude and latitude of every node; empty where any node lacks them."""
    if "node_lon" not in ds.coords or "node_lat" not in ds.coords:
        return {}
    lon, lat = ds["node_lon"].values.astype(float), ds["node_lat"].values.astype(float)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return {}
    names = ds["node"].values.astype(str).tolist()
    return dict(zip(names, zip(lon.tolist(), lat.tolist(), strict=True), strict=True))


# --- drawing -------------------------------------------------------------------------------------


def _ground_axes(ax: Axes, ys: Floats) -> None:
    """Degrees along both axes, in the right proportion for the latitude."""
    ax.margins(0.14)
    ax.set_aspect(1.0 / math.cos(math.radians(float(ys.mean()))), adjustable="datalim")
    ax.set_xlabel("longitude")
    ax.set_ylabel("latitude")
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}° E"))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}° N"))
    ax.grid(color="#E6E6E6", lw=0.6)
    ax.set_axisbelow(True)


def _draw_links(ax: Axes, joined: list[Link], places: dict[str, Point]) -> None:
    """Draw rivers with an arrow half-way, everything else with one at its end."""
    most = max((link.flow for link in joined), default=0.0)
    for link in joined:
        a, b = places[link.start], places[link.end]
        stroke = _STROKES[link.sort]
        wide = stroke.width
        if link.sort == "river" and most > 0.0:
            wide = 1.2 + 4.3 * math.sqrt(max(link.flow, 0.0) / most)
        line = FancyArrowPatch(
            a,
            b,
            arrowstyle=stroke.arrow,
            mutation_scale=10,
            shrinkA=5,
            shrinkB=0 if link.sort == "river" else 8,
            connectionstyle=f"arc3,rad={stroke.bend}",
            color=stroke.colour,
            linestyle=stroke.dash,
            linewidth=wide,
            zorder=1 if link.sort == "river" else 2,
        )
        ax.add_patch(line)
        if link.sort == "river":
            tail, tip = (
                (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])) for share in (0.4, 0.6)
            )
            half_way = FancyArrowPatch(
                tail,
                tip,
                arrowstyle="-|>",
                mutation_scale=12 + 3.0 * wide,
                color=stroke.colour,
                linewidth=0.0,
                zorder=1,
            )
            ax.add_patch(half_way)


def _owners(ds: xr.Dataset) -> dict[str, str]:
    """Party of every node, site and plant that has one."""
    return {
        str(name): str(party)
        for family in ("node", "reservoir", "site", "plant")
        if f"{family}_party" in ds.coords
        for name, party in zip(ds[family].values, ds[f"{family}_party"].values, strict=True)
    }


def _draw_nodes(ax: Axes, drawn: dict[str, Look], places: dict[str, Point]) -> None:
    """Draw the symbol of every node, site and plant."""
    for name, look in drawn.items():
        x, y = places[name]
        ax.plot(
            [x], [y], look.marker, ms=look.size, mfc=look.colour, mec=style.REQUIREMENT, zorder=4
        )


def _write_names(
    ax: Axes, ds: xr.Dataset, places: dict[str, Point], sides: dict[str, Side]
) -> None:
    """Write every name beside its symbol in its party's colour."""
    hues, owners = style.parties(ds), _owners(ds)
    for name, side in sides.items():
        ax.annotate(
            _wrapped(name, side),
            places[name],
            xytext=side.shift,
            textcoords="offset points",
            ha=side.across,
            va=side.along,
            fontsize=_FONT,
            color=hues.get(owners.get(name, ""), style.LIMIT),
            path_effects=style.HALO,
            zorder=5,
            linespacing=0.95,
        )


def _wrapped(name: str, side: Side) -> str:
    return textwrap.fill(style.words(name), side.width, break_long_words=False)


def _sides_of_cells(places: dict[str, Point], joined: list[Link]) -> dict[str, Side]:
    """Write below the symbol, above it where a line leaves downwards, aside where both do."""
    found = {}
    for name, (_, y) in places.items():
        others = [
            places[b if a == name else a][1] - y
            for sort, a, b, _ in joined
            if name in (a, b) and sort != "river"
        ]
        up, down = any(dy > 0.0 for dy in others), any(dy < 0.0 for dy in others)
        found[name] = _ASIDE if up and down else _ABOVE if down else _BELOW
    return found


def _sides_on_the_ground(ax: Axes, places: dict[str, Point], joined: list[Link]) -> dict[str, Side]:
    """Choose for every name the side where it covers fewest names, symbols and lines."""
    points = {
        name: np.asarray(ax.transData.transform(xy)) * 72.0 / ax.figure.dpi
        for name, xy in places.items()
    }
    along = [
        points[link.start] + share * (points[link.end] - points[link.start])
        for link in joined
        for share in np.linspace(0.0, 1.0, 25)
    ]
    lines = np.array([*along, *points.values()])
    boxes: list[tuple[float, float, float, float]] = []
    found = {}
    for name, point in points.items():
        best = None
        for side in (_RIGHT, _LEFT, _BELOW, _ABOVE, *_CORNERS):
            box = _box(_wrapped(name, side), point, side)
            inside = (lines > box[:2]) & (lines < box[2:])
            cover = sum(_meet(box, other) for other in boxes) * 100 + int(inside.all(axis=1).sum())
            if best is None or cover < best[0]:
                best = (cover, side, box)
        assert best is not None
        found[name] = best[1]
        boxes.append(best[2])
    return found


def _box(text: str, at: Floats, side: Side) -> tuple[float, float, float, float]:
    """Estimate the box a name takes, in points: left, bottom, right, top."""
    lines = text.split("\n")
    wide, high = 0.6 * _FONT * max(map(len, lines)), 1.25 * _FONT * len(lines)
    x = at[0] + side.shift[0] - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[side.across]
    y = at[1] + side.shift[1] - high * {"bottom": 0.0, "center": 0.5, "top": 1.0}[side.along]
    return x, y, x + wide, y + high


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _legend(fig: Figure, ds: xr.Dataset, joined: list[Link], drawn: dict[str, Look]) -> None:
    """Explain the symbols, lines and name colours that are there, and no others."""
    entries: dict[str, Artist] = {}
    for look in drawn.values():
        entries[look.name] = Line2D(
            [], [], marker=look.marker, ls="", ms=9, mfc=look.colour, mec=style.REQUIREMENT
        )
    flowing = any(link.flow > 0.0 for link in joined)
    meanings = {
        "river": "river (wider: more flow)" if flowing else "river",
        "canal": "diversion, canal",
        "return": "return flow",
    }
    for sort, meaning in meanings.items():
        if any(link.sort == sort for link in joined):
            stroke = _STROKES[sort]
            entries[meaning] = Line2D(
                [], [], color=stroke.colour, ls=stroke.dash, lw=max(stroke.width, 1.5)
            )
    for party, hue in style.parties(ds).items():
        letters = "$\\mathrm{Aa}$"
        entries[f"name: party {party}"] = Line2D([], [], marker=letters, ls="", ms=14, color=hue)
    style.legend_of(fig, entries)
