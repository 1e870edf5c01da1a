"""comparison: runs by case → one self-contained HTML page of who gains, who loses, and figures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from watersim.compare import PRESENT, compare, gains
from watersim.plots import style
from watersim.summary import text

Floats = npt.NDArray[np.float64]

MEASURES = (  # name in `gains`, its label, decimals, whether more is better (0: neither)
    ("supply", "supply", 1, 1),
    ("deficit", "deficit", 1, -1),
    ("cover", "cover", 1, 1),
    ("energy", "energy", 1, 1),
    ("lowest_storage", "lowest storage", 1, 1),
)
CASES = (style.OUTFLOW, "#44AA99", "#CC6677", "#882255", "#999933")  # Tol's muted, as in style
LINES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (7, 2, 1.4, 2)), (0, (3, 1, 1, 1, 1, 1)))


class Cell(NamedTuple):
    """A value of the table of gains and its change against the first case."""

    value: str
    change: str
    verdict: str  # better, worse, or "" where nothing changed or nothing can be said


class Row(NamedTuple):
    """One measure of one group, plant owner or reservoir over the cases."""

    of: str
    measure: str
    units: str
    cells: list[Cell]


def page(cases: Mapping[str, xr.Dataset]) -> str:
    """Write the comparison of runs as one page that needs nothing but itself.

    Parameters
    ----------
    cases
        name of the case → its run; the first is what the others are held against

    Raises
    ------
    InputError
        if the runs cannot stand side by side, see `compare`.
    """
    ds = compare(cases)
    table = gains(ds)
    names = list(cases)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = {
        caption: _picture(fig)
        for caption, fig in (*_bars(table), *_energies(table), *_storages(ds))
    }
    days = ds["time_bounds"].values.astype("datetime64[D]")
    return environment.get_template("comparison.html").render(
        title=" · ".join(names),
        period=f"{days[0, 0]} to {days[-1, 1] - 1}",
        members=ds.sizes["realization"],
        cases=[(name, str(run.attrs.get("title", "")),
                str(run.attrs.get("scenario_sha256", ""))[:12]) for name, run in cases.items()],
        names=names,
        rows=list(_rows(table)),
        sentences=list(_sentences(table)),
        absent=list(_absent(ds)),
        figures=drawn,
        texts={name: text(run) for name, run in cases.items()},
    )  # fmt: skip


# the table


def _rows(table: xr.Dataset) -> Iterator[Row]:
    """The table of gains: medians over realizations, changes paired by realization."""
    for name, label, digits, better in MEASURES:
        if name not in table:
            continue
        dim = str(table[name].dims[-1])
        factor, units = (100.0, "%") if name == "cover" else (1.0, table[name].attrs["units"])
        values, changes = (
            factor * np.median(table[key].transpose("case", "realization", dim).values, axis=1)
            for key in (name, f"{name}_change")
        )
        for k, of in enumerate(table[dim].values):
            cells = [
                _cell(value, change, digits, better if case else 0, case == 0)
                for case, (value, change) in enumerate(
                    zip(values[:, k], changes[:, k], strict=True)
                )
            ]
            yield Row(str(of), label, units, cells)


def _cell(value: float, change: float, digits: int, better: int, first: bool) -> Cell:
    if np.isnan(value):
        return Cell("–", "not in this case", "")
    shown = f"{value + 0.0:.{digits}f}"
    if first:
        return Cell(shown, "", "")
    if np.isnan(change):
        return Cell(shown, "new", "")
    rounded = round(change, digits)
    if rounded == 0.0:
        return Cell(shown, "=", "")
    sign = "+" if rounded > 0.0 else "\u2212"
    verdict = "better" if rounded * better > 0 else "worse"
    return Cell(shown, f"{sign}{abs(rounded):.{digits}f}", verdict)


def _sentences(table: xr.Dataset) -> Iterator[str]:
    """Who gains and who loses supply and energy, one sentence per case and party."""
    for name, unit_of in (("supply", "group"), ("energy", "party")):
        if name not in table:
            continue
        changes = np.median(table[f"{name}_change"].transpose("case", ...).values, axis=1)
        before = np.median(table[name].transpose("case", ...).values, axis=1)[0]
        units = table[name].attrs["units"]
        for case, changed in list(zip(table["case"].values, changes, strict=True))[1:]:
            parts = [
                f"{of} {'gains' if change > 0 else 'loses'} {abs(change):.1f} {units}"
                + (f" ({100.0 * change / was:+.0f} %)".replace("-", "\u2212") if was > 0 else "")
                for of, change, was in zip(table[unit_of].values, changed, before, strict=True)
                if abs(change) >= 0.05
            ]
            said = "; ".join(parts) if parts else "nobody gains or loses"
            yield f"{case}, {name}: {said}."


def _absent(ds: xr.Dataset) -> Iterator[str]:
    """What only some cases have."""
    for name in (str(name) for name in ds.coords if str(name).endswith(PRESENT)):
        family = name.removesuffix(PRESENT)
        present = ds[name].transpose("case", family).values
        for k in np.flatnonzero(~present.all(axis=0)):
            cases = ", ".join(str(case) for case in ds["case"].values[present[:, k]])
            yield f"{family} {ds[family].values[k]}: only in {cases}"


# figures


def _bars(table: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """Supply and deficit of every party and sector, one bar per case."""
    if "supply" in table:
        deficit = {"edgecolor": style.DEFICIT, "hatch": "////", "lw": 0.6}
        layers: dict[str, dict[str, Any]] = {
            "supply": {"color": style.SUPPLY},
            "deficit": {"color": style.tint(style.DEFICIT, 0.35), **deficit},
        }
        caption = "Supply and deficit by party and sector; together they are the requirement"
        yield caption, _panels(table, layers)


def _energies(table: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """Energy of every party's plants, one bar per case."""
    if "energy" in table:
        layers = {"energy": {"color": style.ENERGY, "edgecolor": "#8A8420", "lw": 0.6}}
        yield "Energy by party", _panels(table, layers)


def _panels(table: xr.Dataset, layers: Mapping[str, Mapping[str, Any]]) -> Figure:
    """One panel per label with a bar per case, the layers stacked; means over realizations."""
    first = table[next(iter(layers))]
    dim = str(first.dims[-1])
    labels, names = ([str(one) for one in table[key].values] for key in (dim, "case"))
    columns, rows = min(len(labels), 3), -(-len(labels) // 3)
    fig = style.figure(min(10.0, columns * max(3.0, 1.2 + 0.75 * len(names))), 0.6 + 3.0 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(labels) :]:
        ax.set_visible(False)
    at = np.arange(len(names))
    for k, (ax, label) in enumerate(zip(axes, labels, strict=False)):
        base = np.zeros(len(names))
        for name, look in layers.items():
            values = table[name].mean("realization").transpose("case", dim).values[:, k]
            ax.bar(at, values, 0.62, bottom=base, label=name, **look)
            base = base + values
        ax.set_xticks(at, names, rotation=25, ha="right", rotation_mode="anchor")
        ax.set_xlim(-0.6, len(names) - 0.4)
        style.dress(ax, f"{' + '.join(layers)} ({first.attrs['units'].replace('hm3', 'hm³')})")
        ax.set_title(label, loc="left", fontsize=10)
    if len(layers) > 1:
        style.legend(fig, axes[: len(labels)])
    return fig


def _storages(ds: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """Storage of every reservoir at the ends of steps, one line per case (medians)."""
    if "reservoir" not in ds.dims:
        return
    edges = style.step_edges(ds)
    at = style.positions(edges)
    for k, name in enumerate(ds["reservoir"].values):
        fig = style.figure(10.0, 4.2)
        ax = fig.subplots()
        for c, case in enumerate(ds["case"].values):
            one = ds.isel(case=c, reservoir=k)
            start = one["initial_storage"].values[:, np.newaxis]
            values = np.hstack([start, one["storage"].transpose("realization", "time").values])
            if np.isnan(values).all():
                continue
            look: dict[str, Any] = {"color": CASES[c % len(CASES)], "ls": LINES[c % len(LINES)]}
            middle = np.median(values, axis=0) * style.HM3
            ax.plot(at, middle, label=str(case), lw=1.3 if c else 1.6, **look)
        ax.set_ylim(bottom=0.0)
        style.dress(ax, "storage (hm³)")
        style.time_axis(ax, edges)
        style.legend(fig, [ax])
        yield f"Storage of {style.words(str(name))}", fig


def _picture(fig: Figure) -> tuple[str, int]:
    """A figure as the text of a PNG, without a word on what drew it, and its width on the page."""
    buffer = BytesIO()
    fig.savefig(buffer, format="png", dpi=150, facecolor=style.PAPER, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode("ascii"), int(92.0 * fig.get_figwidth())
