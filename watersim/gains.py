"""gains: runs by case → who gains and who loses against the first: table, sentences, text; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.bounds import party_names
from watersim.comparison import PRESENT, compare, join, only
from watersim.metrics import metrics
from watersim.text_table import GAP, GWH, HM3, WIDTH, Table, lines, per_year, wrap

MEASURES = (  # name in `gains`, its label, decimals, whether more is better (0: neither)
    ("supply", "supply", 1, 1),
    ("deficit", "deficit", 1, -1),
    ("cover", "cover", 1, 1),
    ("evapotranspiration_ratio", "evapotranspiration reached by crops", 1, 1),
    ("entitlement", "entitlement", 1, 1),
    ("delivered", "delivered", 1, 1),
    ("fulfilment", "delivered / entitlement", 1, 0),
    ("final_balance", "balance at the end", 1, 0),
    ("energy", "energy", 1, 1),
    ("energy_missing", "energy missing", 1, -1),
    ("winter_energy_missing", "energy missing Oct–Mar", 1, -1),
    ("exchange_delivered", "water in exchange", 1, 0),
    ("exchange_taken", "surplus energy taken", 1, 0),
    ("exchange_given", "energy in return", 1, 0),
    ("exchange_value", "owes at the end", 1, 0),
    ("lowest_storage", "lowest storage", 1, 1),
)
IMPLIED = ("party", "claim", "zone")  # families whose members follow from others that are named
BESIDE = 4  # cases that are shown beside one another, with their changes


SAID_ALONE = 3  # members of a family that one case alone has, each on a line of its own


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


def text(cases: Mapping[str, xr.Dataset]) -> str:
    """Lay the comparison out for a terminal of 80 columns: sentences, then the table in blocks."""
    ds = compare(cases)
    table = gains(ds)
    found = list(rows(table))
    names = list(cases)
    said_first = f"{' · '.join(names)}; changes are against {names[0]}"
    parts = [textwrap.wrap(said_first, WIDTH)]
    asked = zip(names, map(str, ds["case_question"].values), strict=True)
    parts += [[line for name, said in asked if said for line in wrap(f"{name}: {said}")]]
    parts += [[line for said in sentences(table) for line in wrap(said)]]
    parts += [[line for said in absences(ds) for line in wrap(said)]]
    if len(names) > BESIDE:
        parts += [lines(one) for one in _by_measure(found, names)]
    else:
        parts += _beside_the_first(found, names)
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _beside_the_first(found: list[Row], names: list[str]) -> list[list[str]]:
    """The table of few cases: measures below one another, each case beside the first."""
    labels = [f"{row.of}, {row.measure} ({row.units})" for row in found]
    texts = [
        [f"{row.cells[k].value} ({row.cells[k].change})" if k else row.cells[k].value
         for row in found]
        for k in range(len(names))
    ]  # fmt: skip
    parts = []
    for block in _blocks(labels, texts, names):
        columns = ("", *(names[k] for k in block))
        cells = [tuple(texts[k][r] for k in block) for r in range(len(found))]
        parts.append(
            lines(Table("", columns, [(a, *b) for a, b in zip(labels, cells, strict=True)]))
        )
    return parts


def _by_measure(found: list[Row], names: list[str]) -> Iterator[Table]:
    """The tables of many cases: one for each measure, the cases below one another."""
    for (measure, units), group in groupby(found, lambda row: (row.measure, row.units)):
        block: list[Row] = []
        room = WIDTH - max(map(len, [f"{measure} ({units})", *names]))
        for row in group:
            if block and sum(map(_width, [*block, row])) > room:
                yield _table_of(block, f"{measure} ({units})", names)
                block = []
            block.append(row)
        yield _table_of(block, f"{measure} ({units})", names)


def _width(row: Row) -> int:
    return GAP + max(len(row.of), *(len(cell.value) for cell in row.cells))


def _table_of(block: list[Row], head: str, names: list[str]) -> Table:
    rows = [(name, *(row.cells[k].value for row in block)) for k, name in enumerate(names)]
    return Table("", (head, *(row.of for row in block)), rows)


def _blocks(labels: list[str], texts: list[list[str]], names: list[str]) -> Iterator[list[int]]:
    """Cases that fit beside the labels and the first case, and so on until all are shown."""
    widths = [GAP + max(map(len, [name, *own])) for name, own in zip(names, texts, strict=True)]
    room = WIDTH - max(map(len, labels), default=0) - widths[0]
    block: list[int] = []
    for k in range(1, len(names)):
        if block and sum(widths[c] for c in [*block, k]) > room:
            yield [0, *block]
            block = []
        block.append(k)
    yield [0, *block]


def gains(ds: xr.Dataset) -> xr.Dataset:
    """Who gains and who loses: what every case gives, and its change against the first.

    Parameters
    ----------
    ds
        from `compare`

    Returns
    -------
    xr.Dataset
        dims (case, realization, …), in planners' units. Per ``group`` (party and sector):
        ``requirement supply deficit`` (hm3, per year where the run is whole years) and ``cover``;
        per ``crop_party``: ``evapotranspiration_ratio``, the share of their full evapotranspiration
        that crops reach;
        per ``account`` (party and clause): ``entitlement delivered`` (hm3, likewise), ``fulfilment``
        (delivered / entitlement) and ``final_balance`` (hm3); per ``party``: ``energy`` (GWh); per
        ``grid``: ``energy_missing`` and of it ``winter_energy_missing`` (GWh); per ``exchange`` (receiver and
        clause): ``exchange_delivered`` (hm3), ``exchange_taken`` and ``exchange_given`` (GWh) and
        ``exchange_value`` (million USD, what it owes at the end); per ``reservoir``:
        ``lowest_storage`` (hm3); and each of them
        as ``…_change``. NaN where a case has no such group, account, plant or reservoir.
    """
    tables = {str(case): _table(only(ds, str(case))) for case in ds["case"].values}
    found = join(tables)
    for name in list(found.data_vars):
        change = found[name] - found[name].isel(case=0)
        change.attrs = {
            **found[name].attrs,
            "long_name": f"change of {name} against the first case",
        }
        found[f"{name}_change"] = change
    found.attrs = {"title": ds.attrs.get("title", ""), "first_case": str(ds["case"].values[0])}
    return found


def _table(ds: xr.Dataset) -> xr.Dataset:
    """The measures of one run that are compared."""
    measures, (years, suffix) = metrics(ds), per_year(ds)
    parties = party_names(ds)
    table = xr.Dataset()
    if "site" in ds.dims:
        labels = [
            f"{parties.get(party, party)} {sector}".strip()
            for party, sector in zip(
                measures["group_party"].values.astype(str),
                measures["group_sector"].values.astype(str),
                strict=True,
            )
        ]
        for name in ("requirement", "supply", "deficit"):
            total = measures[f"group_{name}_total"].sum("season") * HM3 / years
            table[name] = _named(total, "group", labels, f"hm3{suffix}", name)
        table["cover"] = _named(measures["group_cover"], "group", labels, "1", "cover")
    if "crop" in ds.dims:
        labels, (full, used) = _by_party(
            ds["crop_party"].values.astype(str),
            [measures[f"crop_{name}_total"].sum("season")
             for name in ("evapotranspiration", "actual_evapotranspiration")],
            "crop", parties,
        )  # fmt: skip
        ratio = (used / full).where(full > 0.0)
        table["evapotranspiration_ratio"] = _named(
            ratio, "party", labels, "1", "actual evapotranspiration / that without stress"
        ).rename(party="crop_party")
    if "agreement" in ds.dims:
        table = table.merge(_accounts(ds, parties))
    if "plant" in ds.dims:
        labels, (energy,) = _by_party(
            ds["plant_party"].values.astype(str),
            [measures["plant_energy_total"].sum("season") * GWH / years],
            "plant", parties,
        )  # fmt: skip
        table["energy"] = _named(energy, "party", labels, f"GWh{suffix}", "energy")
    if "grid" in ds.dims:
        missing = measures["grid_deficit_total"] * GWH / years
        labels = ds["grid"].values.astype(str).tolist()
        for name, part in (
            ("energy_missing", missing.sum("season")),
            ("winter_energy_missing", missing.sel(season="winter")),
        ):
            table[name] = _named(part, "grid", labels, f"GWh{suffix}", name.replace("_", " "))
    if "exchange" in ds.dims:
        table = table.merge(_exchanges(ds, parties))
    if "reservoir" in ds.dims:
        lowest = measures["reservoir_lowest_storage"] * HM3
        labels = ds["reservoir"].values.astype(str).tolist()
        table["lowest_storage"] = _named(lowest, "reservoir", labels, "hm3", "lowest storage")
    return table


def _by_party(
    owner: npt.NDArray[np.str_], amounts: list[xr.DataArray], dim: str, parties: Mapping[str, str]
) -> tuple[list[str], list[xr.DataArray]]:
    """Names of the parties that own members of a family, and amounts summed by party."""
    keys = sorted(set(owner.tolist()))
    sums = [
        xr.concat([a.isel({dim: np.flatnonzero(owner == key)}).sum(dim) for key in keys], "party")
        for a in amounts
    ]
    return [parties.get(key, key) or "no party" for key in keys], sums


def _exchanges(ds: xr.Dataset, parties: Mapping[str, str]) -> xr.Dataset:
    """Water and energy of every receiver of an exchange, and what it owes the giver at the end."""
    years, suffix = per_year(ds)
    owner, clause = (ds[f"exchange_{of}"].values.astype(str) for of in ("party", "agreement"))
    labels = [f"{parties.get(p, p)} ({c})" for p, c in zip(owner, clause, strict=True)]
    plain = ds.drop_vars([name for name in ds.coords if str(name).startswith("exchange")])
    table = xr.Dataset()
    for name, of, scale, unit in (
        ("exchange_delivered", "exchange_delivered", HM3, "hm3"),
        ("exchange_taken", "exchange_taken_energy", GWH, "GWh"),
        ("exchange_given", "exchange_given_energy", GWH, "GWh"),
    ):
        total = plain[of].sum("time") * scale / years
        table[name] = _named(total, "exchange", labels, f"{unit}{suffix}", name.replace("_", " "))
    owes = plain["exchange_value"].isel(time=-1, drop=True) * 1e-6
    table["exchange_value"] = _named(
        owes, "exchange", labels, "million USD", "what the receiver owes the giver at the end"
    )
    return table


def _accounts(ds: xr.Dataset, parties: Mapping[str, str]) -> xr.Dataset:
    """Entitlement, delivery and last balance of every account of a run."""
    years, suffix = per_year(ds)
    table = xr.Dataset()
    own = ds[["entitlement", "delivered", "balance"]].stack(account=("agreement", "party"))
    own = own.transpose("realization", "time", "account")
    own = own.isel(account=np.flatnonzero(np.isfinite(own["balance"].values).all(axis=(0, 1))))
    labels = [f"{parties.get(str(party), str(party))} ({clause})"
              for clause, party in own["account"].values]  # fmt: skip
    plain = own.drop_vars(["account", "agreement", "party"])
    for name in ("entitlement", "delivered"):
        total = plain[name].sum("time") * HM3 / years
        table[name] = _named(total, "account", labels, f"hm3{suffix}", name)
    credit = table["entitlement"]
    part = (table["delivered"] / credit).where(credit > 0.0)
    table["fulfilment"] = _named(part, "account", labels, "1", "delivered / entitlement")
    last = plain["balance"].isel(time=-1) * HM3
    table["final_balance"] = _named(last, "account", labels, "hm3", "balance at the end")
    return table


def _named(
    values: xr.DataArray, dim: str, labels: list[str], units: str, meaning: str
) -> xr.DataArray:
    """Bare values with dims (realization, label) and text labels."""
    return xr.DataArray(
        values.transpose("realization", dim).values,
        {"realization": values["realization"].values, dim: np.array(labels, object)},
        ("realization", dim),
        attrs={"units": units, "long_name": meaning},
    )


def rows(table: xr.Dataset) -> Iterator[Row]:
    """The table of gains: medians over realizations, changes paired by realization."""
    for name, label, digits, better in MEASURES:
        if name not in table:
            continue
        dim = str(table[name].dims[-1])
        factor, units = (
            (100.0, "%") if table[name].attrs["units"] == "1" else (1.0, table[name].attrs["units"])
        )
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
    shown = f"{value + 0.0:.{digits}f}".replace("-", "−")
    if first:
        return Cell(shown, "", "")
    if np.isnan(change):
        return Cell(shown, "new", "")
    rounded = round(change, digits)
    if rounded == 0.0:
        return Cell(shown, "=", "")
    sign = "+" if rounded > 0.0 else "\u2212"
    verdict = ("worse", "", "better")[int(np.sign(rounded * better)) + 1]
    return Cell(shown, f"{sign}{abs(rounded):.{digits}f}", verdict)


def sentences(table: xr.Dataset) -> Iterator[str]:
    """Who gains and who loses supply, entitlements and energy, one sentence per case."""
    measures = ("supply", "group"), ("entitlement", "account"), ("energy", "party")
    for name, unit_of in measures:
        if name not in table:
            continue
        changes = np.median(table[f"{name}_change"].transpose("case", ...).values, axis=1)
        if np.isnan(changes[1:]).all():  # the first case has nothing to hold the others against
            continue
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


def absences(ds: xr.Dataset) -> Iterator[str]:
    """What only some cases have; many of a family that the same cases have in one line."""
    for name in (str(name) for name in ds.coords if str(name).endswith(PRESENT)):
        family = name.removesuffix(PRESENT)
        if family in IMPLIED:
            continue
        present = ds[name].transpose("case", family).values
        alike: dict[str, list[str]] = {}
        for k in np.flatnonzero(~present.all(axis=0)):
            cases = ", ".join(str(case) for case in ds["case"].values[present[:, k]])
            alike.setdefault(cases, []).append(str(ds[family].values[k]))
        for cases, names in alike.items():
            if len(names) > SAID_ALONE:
                names = [f"{names[0]} and {len(names) - 1} more"]
            yield from (f"{family} {one}: only in {cases}" for one in names)
