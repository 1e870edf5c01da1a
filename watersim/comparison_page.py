"""comparison_page: runs by case → one self-contained HTML page of gains, losses and figures."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from watersim.bounds import party_names
from watersim.comparison import compare, question
from watersim.gains import BESIDE, absences, gains, rows, sentences
from watersim.plots import style
from watersim.summary import text

CASES = (style.OUTFLOW, "#44AA99", "#CC6677", "#882255", "#999933")  # Tol's muted, as in style
LINES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (7, 2, 1.4, 2)), (0, (3, 1, 1, 1, 1, 1)))


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
        for caption, fig in (
            *_bars(table),
            *_accounts(table),
            *_balances(ds),
            *_energies(table),
            *_storages(ds),
        )
    }
    days = ds["time_bounds"].values.astype("datetime64[D]")
    return environment.get_template("comparison_page.html").render(
        title=" · ".join(names),
        period=f"{days[0, 0]} to {days[-1, 1] - 1}",
        members=ds.sizes["realization"],
        cases=[(name, str(run.attrs.get("title", "")), question(run),
                str(run.attrs.get("scenario_sha256", ""))[:12]) for name, run in cases.items()],
        names=names,
        rows=list(rows(table)),
        sentences=list(sentences(table)),
        absent=list(absences(ds)),
        figures=drawn,
        texts={name: text(run) for name, run in cases.items()},
    )  # fmt: skip


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


def _accounts(table: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """Entitlement and delivery of every account, two bars per case."""
    if "entitlement" not in table:
        return
    accounts, names = ([str(one) for one in table[key].values] for key in ("account", "case"))
    fig, axes = _grid(len(accounts), len(names))
    at = np.arange(len(names))
    looks: dict[str, dict[str, Any]] = {
        "entitlement": {"color": style.PAPER, "edgecolor": style.LIMIT, "lw": 1.0},
        "delivered": {"color": style.SUPPLY},
    }
    for k, (ax, label) in enumerate(zip(axes, accounts, strict=False)):
        for j, (name, look) in enumerate(looks.items()):
            values = table[name].mean("realization").transpose("case", "account").values[:, k]
            ax.bar(at + 0.34 * (j - 0.5), values, 0.32, label=name, **look)
        ax.set_xticks(at, names, rotation=25, ha="right", rotation_mode="anchor")
        ax.set_xlim(-0.6, len(names) - 0.4)
        style.dress(ax, f"volume ({table['entitlement'].attrs['units'].replace('hm3', 'hm³')})")
        ax.set_title(label, loc="left", fontsize=10)
    style.legend(fig, axes[: len(accounts)])
    yield "Accounts of the agreements: what each party is entitled to, and what it was charged", fig


def _balances(ds: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """Balance of every account at the ends of steps, one line per case (medians)."""
    if "agreement" not in ds.dims:
        return
    names, at = party_names(ds), style.positions(style.step_edges(ds))
    for clause in map(str, ds["agreement"].values):
        own = ds.sel(agreement=clause)
        has = [str(party) for party in own["party"].values
               if np.isfinite(own["balance"].sel(party=party).values).any()]  # fmt: skip
        fig = style.figure(10.0, 0.8 + 2.6 * len(has))
        axes = fig.subplots(len(has), 1, squeeze=False)[:, 0]
        for ax, party in zip(axes, has, strict=True):
            for c, case in enumerate(ds["case"].values):
                one = own.isel(case=c).sel(party=party)
                start = one["initial_balance"].values[:, np.newaxis]
                later = one["balance"].transpose("realization", "time").values
                values = np.hstack([start, later])
                if np.isnan(values).all():
                    continue
                middle = np.median(values, axis=0) * style.HM3
                ax.plot(at, middle, label=str(case), lw=1.4, **_look(c))
            ax.axhline(0.0, color=style.LIMIT, lw=0.7)
            style.dress(ax, "balance (hm³)")
            style.time_axis(ax, style.step_edges(ds))
            ax.set_title(names.get(party, party), loc="left", fontsize=10)
        style.legend(fig, axes)
        yield f"Balances of the accounts of {clause}", fig


def _look(case: int) -> dict[str, Any]:
    """The line of a case in every figure over time."""
    return {
        "color": CASES[case % len(CASES)],
        "ls": LINES[(case + case // len(CASES)) % len(LINES)],
    }


def _grid(count: int, bars: int) -> tuple[Figure, NDArray[Any]]:
    """A figure of panels, three in a row, wide enough for the bars of each."""
    columns, rows = min(count, 3), -(-count // 3)
    fig = style.figure(min(10.0, columns * max(3.0, 1.2 + 0.75 * bars)), 0.6 + 3.0 * rows)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_visible(False)
    return fig, axes


def _energies(table: xr.Dataset) -> Iterator[tuple[str, Figure]]:
    """Energy of every party's plants, one bar per case."""
    if "energy" in table:
        layers = {"energy": {"color": style.ENERGY, "edgecolor": "#8A8420", "lw": 0.6}}
        yield "Energy by party", _panels(table, layers)
    if "energy_missing" in table and float(table["energy_missing"].max()) > 0.0:
        layers = {
            "October–March": {"color": style.tint(style.DEFICIT, 0.35), "hatch": "////",
                       "edgecolor": style.DEFICIT, "lw": 0.6},
            "April–September": {"color": style.tint(style.DEFICIT, 0.7)},
        }  # fmt: skip
        missing = xr.Dataset({
            "October–March": table["winter_energy_missing"],
            "April–September": table["energy_missing"] - table["winter_energy_missing"],
        })  # fmt: skip
        missing["October–March"].attrs = table["energy_missing"].attrs
        yield "Energy that grids asked for and did not get", _panels(missing, layers)


def _panels(table: xr.Dataset, layers: Mapping[str, Mapping[str, Any]]) -> Figure:
    """One panel per label with a bar per case, the layers stacked; means over realizations."""
    if table.sizes["case"] > BESIDE:
        return _rows_of_bars(table, layers)
    first = table[next(iter(layers))]
    dim = str(first.dims[-1])
    labels, names = ([str(one) for one in table[key].values] for key in (dim, "case"))
    fig, axes = _grid(len(labels), len(names))
    at = np.arange(len(names))
    for k, (ax, label) in enumerate(zip(axes, labels, strict=False)):
        for name, values, base in _stacked(table, layers, k):
            ax.bar(at, values, 0.62, bottom=base, label=name, **layers[name])
        ax.set_xticks(at, names, rotation=25, ha="right", rotation_mode="anchor")
        ax.set_xlim(-0.6, len(names) - 0.4)
        style.dress(ax, f"{' + '.join(layers)} ({first.attrs['units'].replace('hm3', 'hm³')})")
        ax.set_title(label, loc="left", fontsize=10)
    if len(layers) > 1:
        style.legend(fig, axes[: len(labels)])
    return fig


def _stacked(
    table: xr.Dataset, layers: Iterable[str], k: int
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Each layer of label k: its values by case, means over realizations, and what lies below."""
    base = np.zeros(table.sizes["case"])
    for name in layers:
        dim = str(table[name].dims[-1])
        values = table[name].mean("realization").transpose("case", dim).values[:, k]
        yield name, values, base
        base = base + values


def _rows_of_bars(table: xr.Dataset, layers: Mapping[str, Mapping[str, Any]]) -> Figure:
    """The same for many cases: bars lie below one another, beside the name of their case."""
    first = table[next(iter(layers))]
    dim = str(first.dims[-1])
    labels, names = ([str(one) for one in table[key].values] for key in (dim, "case"))
    columns = min(len(labels), 2)
    lines = -(-len(labels) // columns)
    fig = style.figure(10.0, 0.6 + lines * (0.9 + 0.26 * len(names)))
    grid = fig.subplots(lines, columns, squeeze=False, sharey=True)
    axes, at = grid.ravel(), np.arange(len(names))
    for ax in axes[len(labels) :]:
        ax.set_visible(False)
    for k, (ax, label) in enumerate(zip(axes, labels, strict=False)):
        for name, values, base in _stacked(table, layers, k):
            ax.barh(at, values, 0.62, left=base, label=name, **layers[name])
        style.dress(ax, "")
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x", color="#DDDDDD", linewidth=0.6)
        ax.xaxis.set_major_formatter(FuncFormatter(style.thousands))
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.margins(x=0.03)
        ax.set_yticks(at, names)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_xlabel(f"{' + '.join(layers)} ({first.attrs['units'].replace('hm3', 'hm³')})")
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
            middle = np.median(values, axis=0) * style.HM3
            ax.plot(at, middle, label=str(case), lw=1.3 if c else 1.6, **_look(c))
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
