"""summary: Dataset → the short account of a run that a planner reads first; pure.

Amounts are per year where the run is a whole number of years (any twelve months in a row), else
sums over the run: half a year with the growing season in it must not be doubled. With several
realizations a row shows the median, and the row below it what 10 and 90 % of them stay under.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from watersim.accounts import accounts
from watersim.bounds import party_names
from watersim.harvest import harvest
from watersim.metrics import SEASONS, metrics
from watersim.reasons import IN_STREAM, reasons
from watersim.remarks import short, warnings
from watersim.text_table import GWH, HM3, Table, decimals, lines, per_year, rows_of, wrap

Floats = npt.NDArray[np.float64]

KT = 1e-6  # 1000 t in a kg
REASONS = 3  # of a party, that are shown
MILLION = 1e-6
PERIODS_SHOWN = 15  # of an account, the last
SHORT = 0.9995  # of evapotranspiration, that rounds to less than 100.0 %
ASKED_AGAIN = (
    "crops ask again for part of what they lacked, so that the cover of their sites counts a deficit "
    "more than once; the evapotranspiration that they reach does not"
)
MONTHS = ("Apr–Sep", "Oct–Mar")  # of SEASONS, growing and winter


class Summary(NamedTuple):
    """What `text` prints, as plain data."""

    title: str
    facts: list[str]
    tables: list[Table]
    short: list[str]
    notes: list[str]
    warnings: list[str]


def summary(ds: xr.Dataset) -> Summary:
    """Sum a run up: cover by party and sector, energy, storage, what was short and why."""
    measures = metrics(ds)
    tables = [
        *(_supply(ds, measures) if "site" in ds.dims else ()),
        *(_energy(ds, measures) if "plant" in ds.dims else ()),
        *(_pumping(ds, measures) if "canal_pumping_energy_total" in measures else ()),
        *(_storage(ds, measures) if "reservoir" in ds.dims else ()),
        *(_fields(ds, measures) if "crop" in ds.dims else ()),
        *(_harvest(ds) if "crop" in ds.dims and ds["crop_yield"].notnull().any() else ()),
        *(_accounts(ds) if "agreement" in ds.dims else ()),
        *(_exchanges(ds) if "exchange" in ds.dims else ()),
        *(_trade(ds) if "grid" in ds.dims else ()),
        *_reasons(ds),
    ]
    notes = [line for line in str(ds.attrs.get("notes", "")).split("\n") if line]
    if "crop" in ds.dims and float(measures["crop_evapotranspiration_ratio"].min()) < SHORT:
        notes.append(ASKED_AGAIN)
    fallbacks = int(ds.attrs.get("exact_fallbacks", 0))
    if fallbacks:
        notes.append(f"{fallbacks} fills were settled by linear programmes, the slow way")
    title = str(ds.attrs.get("title", ""))
    return Summary(title, _facts(ds), tables, list(short(ds)), notes, list(warnings(ds)))


def _facts(ds: xr.Dataset) -> list[str]:
    bounds = ds["time_bounds"].values.astype("datetime64[D]")
    step = f"{ds.attrs.get('step', 'step')}s"
    period = f"{bounds[0, 0]} to {bounds[-1, 1] - 1}, {ds.sizes['time']} {step}"
    members = ds.sizes["realization"]
    if members > 1:
        period += f", {members} realizations (median, below it 10–90 %)"
    closure = ds.attrs.get("closure_residual")
    return [period, *([f"water balance closes to {float(closure):.1e}"] if closure is not None
                      else [])]  # fmt: skip


def text(ds: xr.Dataset) -> str:
    """Lay the summary out for a terminal of 80 columns."""
    found = summary(ds)
    parts = [[found.title, *found.facts]]
    parts += [[table.title, *lines(table)] for table in found.tables]
    listed = {"Short": found.short, "Warnings": found.warnings, "Notes": found.notes}
    for heading, sentences in listed.items():
        if sentences:
            parts.append([heading, *(wrapped for line in sentences for wrapped in wrap(line))])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


# tables


def _supply(ds: xr.Dataset, measures: xr.Dataset) -> Iterator[Table]:
    """Requirement, supply and deficit of every party and sector, the seasons apart."""
    years, suffix = per_year(ds)
    names = party_names(ds)
    groups = measures["group"].size
    amounts = [
        _members_first(measures[f"group_{name}_total"]) * HM3 / years
        for name in ("requirement", "supply", "deficit")
    ]  # (realization, group, season)
    digits = decimals([float(a.max(initial=0.0)) for a in amounts])
    rows: list[tuple[str, ...]] = []
    for k in range(groups):
        party = str(measures["group_party"].values[k])
        label = f"{names.get(party, party)} {measures['group_sector'].values[k]}".strip()
        asking = [s for s in range(len(SEASONS)) if amounts[0][:, k, s].any()]
        if len(asking) == 1:
            label = f"{label}, {MONTHS[asking[0]]}"
        reliability = _members_first(measures["group_reliability"])[:, k] * 100.0
        whole = [a[:, k].sum(axis=1) for a in amounts]
        rows += rows_of(label, [*whole, _cover(whole), reliability], [digits] * 3 + [1, 1])
        for s in asking if len(asking) > 1 else ():
            part = [a[:, k, s] for a in amounts]
            never = np.full(part[0].shape, np.nan)
            rows += rows_of(f"  {MONTHS[s]}", [*part, _cover(part), never], [digits] * 3 + [1, 1])
    columns = ("", "requirement", "supply", "deficit", "cover", "reliability")
    yield Table(
        f"Supply by party and sector, hm3{suffix}; cover and reliability in %", columns, rows
    )


def _energy(ds: xr.Dataset, measures: xr.Dataset) -> Iterator[Table]:
    """Energy of every plant and grid by season, with what is required of it."""
    years, suffix = per_year(ds)
    families = [family for family in ("plant", "grid") if family in ds.dims]
    every = _members_first(measures["plant_energy_total"]).sum(axis=(1, 2)) * GWH / years
    digits = decimals([float(every.max(initial=0.0))])
    rows: list[tuple[str, ...]] = []
    for family in families:
        energy = _members_first(measures[f"{family}_energy_total"]) * GWH / years
        asked, lacking = (
            _members_first(measures[f"{family}_{name}_total"]).sum(axis=2) * GWH / years
            for name in ("requirement", "deficit")
        )
        word = "" if family == "plant" else f"{family} "
        labels = [(f"{word}{name}", [k]) for k, name in enumerate(measures[family].values)]
        if family == "plant" and len(labels) > 1:
            labels.append(("all plants", list(range(len(labels)))))
        for label, own in labels:
            seasons = energy[:, own].sum(axis=1)
            needs = [asked[:, own].sum(axis=1), lacking[:, own].sum(axis=1)]
            if not needs[0].any():
                needs = [np.full(needs[0].shape, np.nan)] * 2
            rows += rows_of(label, [seasons[:, 0], seasons[:, 1], seasons.sum(axis=1), *needs],
                          [digits] * 5)  # fmt: skip
    columns = ("", *MONTHS, "energy", "requirement", "deficit")
    yield Table(f"Energy by {' and '.join(families)}, GWh{suffix}", columns, rows)


def _pumping(ds: xr.Dataset, measures: xr.Dataset) -> Iterator[Table]:
    """Energy that every pumped canal used, by season."""
    years, suffix = per_year(ds)
    energy = _members_first(measures["canal_pumping_energy_total"]) * GWH / years
    digits = decimals([float(energy.max(initial=0.0))])
    rows: list[tuple[str, ...]] = []
    for k, name in enumerate(measures["canal"].values):
        used = energy[:, k]
        rows += rows_of(str(name), [used[:, 0], used[:, 1], used.sum(axis=1)], [digits] * 3)
    yield Table(f"Energy for pumping by canal, GWh{suffix}", ("", *MONTHS, "energy"), rows)


def _storage(ds: xr.Dataset, measures: xr.Dataset) -> Iterator[Table]:
    """Lowest and highest storage at the ends of steps, with their dates where there is one run."""
    alone = ds.sizes["realization"] == 1
    last = _members_first(ds["storage"].isel(time=-1)) * HM3
    capacity = ds["reservoir_capacity"].values * HM3
    digits = decimals([float(capacity.max(initial=0.0))])
    rows: list[tuple[str, ...]] = []
    for k, name in enumerate(ds["reservoir"].values):
        values = [np.full(last.shape[0], capacity[k])]
        for word in ("lowest", "highest"):
            values.append(_members_first(measures[f"reservoir_{word}_storage"])[:, k] * HM3)
        cells = rows_of(str(name), [*values, last[:, k]], [digits] * 4)
        if alone:
            low, high = (
                str(measures[f"reservoir_{word}_time"].transpose("realization", ...).values[0, k]
                    .astype("datetime64[D]") - 1)
                for word in ("lowest", "highest")
            )  # fmt: skip
            label, full, least, most, end = cells[0]
            cells = [(label, full, least, low, most, high, end)]
        rows += cells
    columns: tuple[str, ...] = ("", "capacity", "lowest", "highest", "at the end")
    if alone:
        columns = ("", "capacity", "lowest", "on", "highest", "on", "at the end")
    yield Table("Storage at the ends of steps, hm3", columns, rows)


def _fields(ds: xr.Dataset, measures: xr.Dataset) -> Iterator[Table]:
    """What the crops of every party evaporate in their seasons, beside what they would unstressed."""
    years, suffix = per_year(ds)
    names = party_names(ds)
    full, actual = (
        _members_first(measures[f"crop_{name}_total"].sum("season")) * HM3 / years
        for name in ("evapotranspiration", "actual_evapotranspiration")
    )  # (realization, crop)
    owner = ds["crop_party"].values.astype(str)
    digits = decimals([float(full.max(initial=0.0))])
    rows: list[tuple[str, ...]] = []
    for party in sorted(set(owner)):
        used, wanted = (a[:, owner == party].sum(axis=1) for a in (actual, full))
        values = [wanted, used, _cover([wanted, used])]
        rows += rows_of(names.get(party, party) or "no party", values, [digits, digits, 1])
    yield Table(
        f"Evapotranspiration of crops in their seasons, hm3{suffix}; reached in %",
        ("", "without stress", "actual", "reached"),
        rows,
    )


def _harvest(ds: xr.Dataset) -> Iterator[Table]:
    """What every party harvests of each crop in the mean of the complete seasons, and what it loses."""
    found = harvest(ds)
    if not found.sizes["year"]:
        return
    names = party_names(ds)
    amounts = [
        found[name].mean("year").transpose("realization", "crop").values * unit
        for name, unit in (("production", KT), ("production_lost", KT), ("value_lost", MILLION))
    ]  # (realization, crop)
    digits = [decimals([float(np.nan_to_num(a).max(initial=0.0))]) for a in amounts]
    parties, crops = (found[f"crop_{key}"].values.astype(str) for key in ("party", "name"))
    rows: list[tuple[str, ...]] = []
    for party in sorted(set(parties)):
        rows.append((names.get(party, party) or "no party", "", "", "", ""))
        for crop in dict.fromkeys(crops[parties == party]):
            own = (parties == party) & (crops == crop)
            made, lost, value = (a[:, own].sum(axis=1) for a in amounts)
            most = made + lost
            share = np.divide(100.0 * lost, most, out=np.full(most.shape, np.nan), where=most > 0.0)
            label = f"  {str(crop).replace('_', ' ')}"
            rows += rows_of(label, [made, lost, share, value], [*digits[:2], 1, digits[2]])
    yield Table(
        f"Harvest of {found.sizes['year']} years, 1000 t/yr; value lost in million USD/yr",
        ("", "harvest", "lost", "% lost", "value lost"),
        rows,
    )


def _accounts(ds: xr.Dataset) -> Iterator[Table]:
    """Plan and fact of every party by period: by hydrological year where there are many."""
    names = party_names(ds)
    for agreement in map(str, ds["agreement"].values):
        found = accounts(ds, agreement)
        by = str(ds["agreement_period"].sel(agreement=agreement).item()) or "year"
        if found.sizes["period"] > PERIODS_SHOWN:
            found, by = accounts(ds, agreement, "year"), "hydrological year"
        credit, charge, left = (
            found[name].transpose("realization", "period", "party").values * HM3
            for name in ("entitlement", "delivered", "balance")
        )
        digits = decimals([float(credit.max(initial=0.0)), float(charge.max(initial=0.0))])
        rows: list[tuple[str, ...]] = []
        for p, party in enumerate(map(str, found["party"].values)):
            rows.append((names.get(party, party), "", "", "", ""))
            for k, first in list(enumerate(found["period"].values))[-PERIODS_SHOWN:]:
                plan, fact = credit[:, k, p], charge[:, k, p]
                share = np.full(plan.shape, np.nan)
                np.divide(100.0 * fact, plan, out=share, where=plan > 0.0)
                label = f"  from {max(first, ds['time'].values[0]).astype('datetime64[D]')}"
                rows += rows_of(
                    label, [plan, fact, share, left[:, k, p]], [digits, digits, 0, digits]
                )
        yield Table(
            f"Accounts of {agreement} by {by}, hm3",
            ("", "entitlement", "delivered", "% of it", "balance"),
            rows,
        )


def _exchanges(ds: xr.Dataset) -> Iterator[Table]:
    """Water and energy that changed hands, and who owes whom at the end of the run."""
    years, suffix = per_year(ds)
    names = party_names(ds)

    def total(name: str, scale: float) -> Floats:
        return np.asarray(ds[name].sum("time").transpose("realization", ...).values * scale / years)

    columns = [
        total("exchange_entitlement", HM3),
        total("exchange_delivered", HM3),
        total("exchange_taken_energy", GWH),
        total("exchange_given_energy", GWH),
        ds["exchange_value"].isel(time=-1).transpose("realization", ...).values * MILLION,
    ]
    digits = [decimals([float(np.abs(values).max(initial=0.0))]) for values in columns]
    digits[1] = digits[0]
    rows: list[tuple[str, ...]] = []
    for k, party in enumerate(ds["exchange_party"].values.astype(str)):
        name = f"{ds['exchange_agreement'].values[k]}, {names.get(party, party)}"
        rows += rows_of(name, [values[:, k] for values in columns], digits)
    units = ("", "hm3", "hm3", "GWh", "GWh", "million USD")
    heads = ("", "scheduled", "arrived", "took", "gave", "owes in the end")
    rows.insert(0, units)
    per = "means of a year" if suffix == "/yr" else "sums of the run"
    yield Table(f"Exchanges, {per}", heads, rows)


def _trade(ds: xr.Dataset) -> Iterator[Table]:
    """What every grid bought and sold, where one did."""
    years, suffix = per_year(ds)
    rows: list[tuple[str, ...]] = []
    for name in map(str, ds["grid"].values):
        own = ds.sel(grid=name)
        bought, sold, cost = (
            np.asarray(own[key].sum("time").values * scale / years)
            for key, scale in (
                ("grid_imported_energy", GWH), ("grid_exported_energy", GWH), ("grid_cost", MILLION)
            )
        )  # fmt: skip
        if bought.any() or sold.any():
            rows += rows_of(name, [bought, sold, cost], [1, 1, 2])
    if rows:
        heads = ("", "imported GWh", "exported GWh", "cost million USD")
        yield Table(f"Trade of energy{suffix}", heads, rows)


def _reasons(ds: xr.Dataset) -> Iterator[Table]:
    """What ran out for every party, the commonest few; nothing where nothing was short."""
    found = reasons(ds)
    years, suffix = per_year(ds)
    names = {"": "no party", **party_names(ds)}
    steps, missing, share = (
        _members_first(found[name]) for name in ("steps", "missing", "share")
    )  # (realization, reason)
    missing = missing * HM3 / years
    digits = decimals([float(missing.max(initial=0.0))])
    rows: list[tuple[str, ...]] = []
    parties = found["reason_party"].values.astype(str).tolist()
    claims = found["reason_claims"].values.astype(str).tolist()
    of = list(zip(parties, claims, strict=True))
    for party, sort in dict.fromkeys(of):
        where = f", {sort}" if sort == IN_STREAM else ""
        rows.append((f"{names.get(party, party)}{where}", "", "", ""))
        for k in [k for k, one in enumerate(of) if one == (party, sort)][:REASONS]:
            shares = 100.0 * share[np.isfinite(share[:, k]), k]
            label = f"  {found['reason_words'].values[k]}"
            rows += rows_of(label, [steps[:, k], missing[:, k], shares], [0, digits, 1])
    if rows:
        title = f"Commonest reasons of deficits by party; missing in hm3{suffix}, share in %"
        yield Table(title, ("", "steps", "missing", "share"), rows)


def _cover(amounts: Sequence[Floats]) -> Floats:
    """Supply in per cent of the requirement; NaN where nothing is required."""
    requirement, supply = amounts[0], amounts[1]
    cover = np.full(requirement.shape, np.nan)
    np.divide(100.0 * supply, requirement, out=cover, where=requirement > 0.0)
    return cover


def _members_first(values: xr.DataArray) -> Floats:
    """Values as an array, realization first, season last where there is one."""
    ordered = values.transpose("realization", ..., "season", missing_dims="ignore")
    return np.asarray(ordered.values, np.float64)
