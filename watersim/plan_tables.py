"""plan_tables: a season's plan → text for a terminal, CSV, and the rows of a workbook; pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from watersim.bounds import party_names
from watersim.text_table import Table, lines, wrap

Floats = NDArray[np.float64]

HM3 = 1e-6  # hm3 in a m3
COLUMNS = (
    "exceedance_percent", "date", "status", "of", "name", "party", "requirement_hm3", "limit_hm3",
    "supply_hm3", "fulfilment_percent", "cumulative_limit_hm3", "cumulative_supply_hm3",
    "planned_limit_hm3", "planned_supply_hm3",
)  # fmt: skip
QUANTITIES = (
    "requirement", "limit", "supply", "fulfilment", "cumulative_limit", "cumulative_supply",
    "planned_limit", "planned_supply",
)  # fmt: skip
# what stands for requirement, limit and supply of a delivery
DELIVERY = ("account_limit", "entitlement", "delivered")
LABELS = {
    "requirement": "requirement",
    "limit": "limit",
    "supply": "supply",
    "fulfilment": "supply / limit",
    "cumulative_limit": "limit, cumulative",
    "cumulative_supply": "supply, cumulative",
    "planned_limit": "limit as first planned",
    "planned_supply": "supply as first planned",
}


class Row(NamedTuple):
    """One quantity of one party, site, account or place over the decades."""

    label: str
    values: Floats  # (t,) hm3, or a share
    total: float  # of the season, or at its end
    share: bool = False


class Block(NamedTuple):
    """The rows of one party, site, account or place."""

    title: str
    level: int  # 0 a heading of the sheet, 1 a party, 2 a site
    rows: list[Row]


# text


def text(plan: xr.Dataset) -> str:
    """Lay a plan out for a terminal of 80 columns: the season by party, and what was assumed."""
    parts = [[str(plan.attrs["title"]), period(plan)]]
    parts += [[table.title, *lines(table)] for table in season_tables(plan)]
    parts.append(["Assumed", *(line for said in assumptions(plan) for line in wrap(said))])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def assumptions(plan: xr.Dataset) -> list[str]:
    """What a plan rests on, a sentence each."""
    return [line for line in str(plan.attrs["assumptions"]).split("\n") if line]


def period(plan: xr.Dataset) -> str:
    """From when to when it goes, and how much of it was observed."""
    bounds = plan["time_bounds"].values.astype("datetime64[D]")
    seen = int(plan["observed"].values.sum())
    said = f"delivery plan {bounds[0, 0]} to {bounds[-1, 1] - 1}, {bounds.shape[0]} decades"
    return f"{said}, of them {seen} observed" if seen else said


def season_tables(plan: xr.Dataset) -> Iterator[Table]:
    """Sums of the season by party, a table for each exceedance, and the balances of accounts."""
    names = party_names(plan)
    for k, exceedance in enumerate(plan["exceedance"].values):
        one = plan.isel(exceedance=k)
        rows: list[tuple[str, ...]] = []
        for party in map(str, plan["party"].values):
            own = one.sel(party=party)
            sums = [float(own[f"party_{q}"].sum()) * HM3 for q in QUANTITIES[:3]]
            cells = [f"{value:.1f}" for value in sums]
            cells.append(_percent(sums[2], sums[1]))
            if "party_planned_supply" in own:
                cells.append(f"{float(own['party_planned_supply'].sum()) * HM3:.1f}")
            rows.append((names.get(party, party), *cells))
        for clause, party in deliveries(plan):
            own = one.sel(agreement=clause, party=party)
            sums = [float(own[q].sum()) * HM3 for q in DELIVERY[1:]]
            cells = ["–", *(f"{value:.1f}" for value in sums), _percent(sums[1], sums[0])]
            rows.append((f"{clause}, to {names.get(party, party)}", *cells,
                         *[""] * ("party_planned_supply" in one)))  # fmt: skip
        columns = ["", "requirement", "limit", "supply", "% of limit"]
        columns += ["first planned"] if "party_planned_supply" in one else []
        title = f"Season with an inflow exceeded in {exceedance:g} %, hm3"
        yield Table(title, tuple(columns), rows)
    if "agreement" in plan.dims:
        yield _balances(plan, names)


def deliveries(plan: xr.Dataset) -> list[tuple[str, str]]:
    """The clauses by which one party owes another a flow, and the party that receives it."""
    if "agreement" not in plan.dims:
        return []
    return [
        (str(clause), str(party))
        for clause in plan["agreement"].values[plan["agreement_kind"].values == "deliveries"]
        for party in plan["party"].values
        if np.isfinite(plan["balance"].sel(agreement=clause, party=party).values).all()
    ]


def _balances(plan: xr.Dataset, names: dict[str, str]) -> Table:
    columns = ["", "at first", *(f"{p:g} %" for p in plan["exceedance"].values)]
    rows = []
    for clause in map(str, plan["agreement"].values):
        for party in map(str, plan["party"].values):
            own = plan.sel(agreement=clause, party=party)
            last = own["balance"].isel(time=-1).values * HM3
            if np.isfinite(last).all():
                first = float(own["initial_balance"].values[0]) * HM3
                cells = [f"{value + 0.0:.1f}" for value in (first, *last)]
                rows.append((f"{clause}, {names.get(party, party)}", *cells))
    return Table("Balance of the accounts at the end, by exceedance, hm3", tuple(columns), rows)


def _percent(part: float, whole: float) -> str:
    return f"{100.0 * part / whole:.0f}" if whole > 0.0 else "–"


# csv


def csv_text(plan: xr.Dataset) -> str:
    """One row for every exceedance, decade, party, site and delivery; volumes in hm3."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    days = plan["time"].values.astype("datetime64[D]").astype(str)
    status = ["fact" if seen else "plan" for seen in plan["observed"].values]
    for k, exceedance in enumerate(plan["exceedance"].values):
        for of, prefix in (("party", "party_"), ("site", "")):
            for j, name in enumerate(map(str, plan[of].values)):
                party = name if of == "party" else str(plan["site_party"].values[j])
                columns = [_cells(plan, f"{prefix}{q}", k, j) for q in QUANTITIES]
                for t, day in enumerate(days):
                    head = (f"{exceedance:g}", day, status[t], of, name, party)
                    writer.writerow((*head, *(column[t] for column in columns)))
        for clause, party in deliveries(plan):
            columns = _delivery(plan.isel(exceedance=k).sel(agreement=clause, party=party))
            for t, day in enumerate(days):
                head = (f"{exceedance:g}", day, status[t], "delivery", clause, party)
                writer.writerow((*head, *(column[t] for column in columns)))
    return out.getvalue()


def _delivery(own: xr.Dataset) -> list[list[str]]:
    """What is called for, scheduled and delivered, in the columns of requirement, limit, supply."""
    called, scheduled, delivered = (own[name].values for name in DELIVERY)
    part = np.full(called.shape, np.nan)
    np.divide(100.0 * delivered, scheduled, out=part, where=scheduled > 0.0)
    volumes = called * HM3, scheduled * HM3, delivered * HM3
    sums = np.cumsum(volumes[1]), np.cumsum(volumes[2])
    columns = [_shown(values) for values in (*volumes, part, *sums)]
    return [*columns, *[[""] * called.size] * 2]


def _shown(values: Floats) -> list[str]:
    return ["" if np.isnan(value) else repr(float(value)) for value in values]


def _cells(plan: xr.Dataset, name: str, k: int, j: int) -> list[str]:
    if name not in plan:
        return [""] * plan.sizes["time"]
    factor = 100.0 if name.endswith("fulfilment") else HM3
    return _shown(plan[name].values[k, :, j] * factor)


# rows of the workbook


def blocks(plan: xr.Dataset, k: int) -> Iterator[Block]:
    """What the sheet of one exceedance shows, from top to bottom."""
    names, one = party_names(plan), plan.isel(exceedance=k)
    for party in map(str, plan["party"].values):
        own = one.sel(party=party)
        yield Block(names.get(party, party), 1, list(_rows(own, "party_")))
        for site in plan["site"].values[plan["site_party"].values == party]:
            yield Block(str(site), 2, list(_rows(one.sel(site=site), "")))
    for site in plan["site"].values[plan["site_party"].values == ""]:
        yield Block(str(site), 1, list(_rows(one.sel(site=site), "")))
    if "agreement" in plan.dims:
        for clause in map(str, plan["agreement"].values):
            for party in map(str, plan["party"].values):
                account = one.sel(agreement=clause, party=party)
                owed = (clause, party) in deliveries(plan)
                if np.isfinite(account["balance"].values).all():
                    whose = "delivered to" if owed else "account of"
                    title = f"{clause}: {whose} {names.get(party, party)}"
                    yield Block(title, 1, list(_account(account, owed)))
    flows = [_sum_row("inflow of all catchments", one["runoff"].sum("catchment").values)]
    for gauge in map(str, plan["gauge"].values) if "gauge" in plan.dims else ():
        flows.append(_sum_row(f"at {gauge}", one["flow"].sel(gauge=gauge).values))
    yield Block("River", 1, flows)
    if "reservoir" in plan.dims:
        held = [_end_row(str(name), one["storage"].sel(reservoir=name).values)
                for name in plan["reservoir"].values]  # fmt: skip
        yield Block("Storage at the end of the decade", 1, held)


def _rows(own: xr.Dataset, prefix: str) -> Iterator[Row]:
    for quantity in QUANTITIES:
        name = f"{prefix}{quantity}"
        if name not in own:
            continue
        values = own[name].values
        if quantity == "fulfilment":
            limit, supply = (float(own[f"{prefix}{q}"].sum()) for q in ("limit", "supply"))
            yield Row(LABELS[quantity], values, supply / limit if limit > 0.0 else np.nan, True)
        elif quantity.startswith("cumulative"):
            yield Row(LABELS[quantity], values * HM3, float(values[-1]) * HM3)
        else:
            yield _sum_row(LABELS[quantity], values)


def _account(account: xr.Dataset, owed: bool) -> Iterator[Row]:
    if owed:
        scheduled, delivered = (account[name].values for name in DELIVERY[1:])
        # a debt is called for again and again until it is repaid: no sum
        yield Row("called for", account["account_limit"].values * HM3, np.nan)
        yield _sum_row("scheduled", scheduled)
        yield _sum_row("delivered", delivered)
        part = np.full(scheduled.shape, np.nan)
        np.divide(delivered, scheduled, out=part, where=scheduled > 0.0)
        whole = scheduled.sum()
        total = float(delivered.sum() / whole) if whole > 0.0 else np.nan
        yield Row("delivered / scheduled", part, total, True)
        yield Row("scheduled, cumulative", np.cumsum(scheduled) * HM3, float(whole) * HM3)
        yield Row("delivered, cumulative", np.cumsum(delivered) * HM3, float(delivered.sum()) * HM3)
        yield _end_row("owed", account["balance"].values)
        return
    for name in ("entitlement", "delivered", "adjustment"):
        yield _sum_row(name, account[name].values)
    yield _end_row("balance", account["balance"].values)


def _sum_row(label: str, values: Floats) -> Row:
    return Row(label, values * HM3, float(values.sum()) * HM3)


def _end_row(label: str, values: Floats) -> Row:
    return Row(label, values * HM3, float(values[-1]) * HM3)
