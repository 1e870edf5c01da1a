"""Arrays of a run → xr.Dataset with names, units and dates (CF-1.11).

Every flux that is a term of the water balance says between which ends it runs, in the attributes
``flow_from`` and ``flow_to``: the name of the coordinate that holds its ends, or ``outside``. A
state says in ``store_of`` whose water it is. `watersim.closure` needs nothing else.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import watersim
from watersim.arrays import (
    CANAL,
    CONSUMPTIVE,
    ENERGY,
    INSTREAM_ARRIVING,
    INSTREAM_LEAVING,
    OUTLET,
    RETENTION,
    TURBINE,
)
from watersim.compile import Compiled, Members
from watersim.described import DEAD_STORAGE
from watersim.engine import Outcome
from watersim.fields import Report
from watersim.labels import DIMS, add_coordinate, name_members, report_attributes

SORTS = {
    CONSUMPTIVE: "consumptive",
    INSTREAM_LEAVING: "instream",
    INSTREAM_ARRIVING: "instream",
    RETENTION: "retention",
    ENERGY: "instream",
}
FLAGS = {  # the first words of a flag of bound_by, by the sort of row; its name follows
    "": "requirement_met",
    "section": "river_at_",
    "canal": "canal_",
    "site": "canals_to_",
    "outlet": "outlet_of_",
    "plant": "turbines_of_",
    "grid": "plants_of_",
    "shares": "account_of_",
}


def flag(sort: str, name: str) -> str:
    """What ran out as one word: ``canal_left_bank``; of a sort that is not listed ``SORT_NAME``."""
    return f"{FLAGS.get(sort, f'{sort}_')}{name}"


def label(compiled: Compiled, outcome: Outcome, seed: int = 0) -> xr.Dataset:
    """Name what a run gave.

    Returns
    -------
    xr.Dataset
        dims realization, time and one for each family; fluxes m3 s-1 (means over the step), states
        m3 (at the end of the step) with their ``initial_…``.
    """
    scenario = compiled.scenario
    ds = xr.Dataset()
    _time(ds, compiled)
    ds["realization"] = ("realization", np.arange(outcome.inflow.shape[0]),
                         {"long_name": "forcing realization"})  # fmt: skip
    families: dict[str, list[tuple[Members, Mapping[str, Any], Mapping[str, Any]]]] = {}
    for members, values, first in zip(
        compiled.members, outcome.reports, outcome.initial, strict=True
    ):
        if members.names and members.kind.reports:
            families.setdefault(members.kind.family, []).append((members, values, first))
    order = {name: place for place, (name, _) in enumerate(scenario.members())}
    for family, groups in families.items():
        if family == "agreement":
            _accounts(ds, compiled, groups)
        else:
            _family(ds, compiled, family, groups, order)
    _parts(ds, compiled, outcome)
    _nodes(ds, compiled, outcome)
    _links(ds, compiled)
    _sites(ds, compiled)
    _ends(ds, compiled, outcome)
    _zones(ds, compiled)
    _claims(ds, compiled, outcome)
    _attributes(ds, compiled, outcome, seed)
    return ds


def _time(ds: xr.Dataset, compiled: Compiled) -> None:
    timeline = compiled.scenario.timeline
    starts = timeline.starts.astype("datetime64[ns]")
    bounds = np.stack([starts, timeline.ends.astype("datetime64[ns]")], axis=1)
    ds["time"] = ("time", starts, {
        "units_metadata": "leap_seconds: none",
            "standard_name": "time", "long_name": "start of the step", "axis": "T",
        "bounds": "time_bounds",
    })  # fmt: skip
    ds["time_bounds"] = (("time", "bounds"), bounds)


def _family(
    ds: xr.Dataset,
    compiled: Compiled,
    family: str,
    groups: list[tuple[Members, Mapping[str, Any], Mapping[str, Any]]],
    order: Mapping[str, int],
) -> None:
    """One family of members: the kinds that report on it, side by side in river order."""
    names = [name for members, *_ in groups for name in members.names]
    place = np.argsort([order[name.partition(".")[0]] for name in names], kind="stable")
    members = dict(compiled.scenario.members())
    name_members(ds, family, [names[k] for k in place], members)
    size = (ds.sizes["realization"], ds.sizes["time"])
    reports = {report.name: report for kinds, *_ in groups for report in kinds.kind.reports}
    for report in reports.values():
        values = np.concatenate(
            [_of_group(report, v, (*size, len(k.names))) for k, v, _ in groups], axis=2
        )
        ds[report.name] = ((*DIMS, family), values[:, :, place], report_attributes(report, family))
        if report.role == "state":
            first = np.concatenate(
                [_of_group(report, f, (size[0], len(k.names))) for k, _, f in groups], axis=1
            )
            _initial(ds, report, family, first[:, place])


def _of_group(report: Report, values: Mapping[str, Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """What one kind reports. Of a kind that has no such store or flow it is 0, else missing."""
    if report.name in values:
        return np.asarray(values[report.name])
    return np.full(shape, np.nan if report.role == "diagnostic" else 0.0)


def _initial(ds: xr.Dataset, report: Report, family: str, first: NDArray[Any]) -> None:
    about = {"units": report.unit, "long_name": f"{report.name} at the start of the run"}
    ds[f"initial_{report.name}"] = (("realization", family), first, about)


def _parts(ds: xr.Dataset, compiled: Compiled, outcome: Outcome) -> None:
    """What the parts of members report, on a dim of their own, kind by kind."""
    described = dict(compiled.scenario.members())
    families: dict[str, list[int]] = {}
    for k, members in enumerate(compiled.members):
        if members.parts:
            families.setdefault(members.kind.part_family, []).append(k)
    for family, own in families.items():
        groups = [compiled.members[k] for k in own]
        names = [name for members in groups for name in members.parts]
        ds[family] = (family, np.array(names, object), {"long_name": f"name of the {family}"})
        owners = [name for members in groups for name in dict.fromkeys(members.names)]
        rows = [(name, row) for name in owners for row in described[name].part_coordinates()]
        if rows:
            owner = [name for name, _ in rows]
            add_coordinate(ds, family, f"{family}_{groups[0].kind.family}", owner)
            for key in rows[0][1]:
                add_coordinate(ds, family, f"{family}_{key}", [row[key] for _, row in rows])
        for report in groups[0].kind.part_reports:
            values = np.concatenate([outcome.part_reports[k][report.name] for k in own], axis=2)
            ds[report.name] = ((*DIMS, family), values, report_attributes(report, family))
            if report.role == "state":
                first = np.concatenate([outcome.part_initial[k][report.name] for k in own], axis=1)
                _initial(ds, report, family, first)


def _accounts(
    ds: xr.Dataset,
    compiled: Compiled,
    groups: list[tuple[Members, Mapping[str, Any], Mapping[str, Any]]],
) -> None:
    """What clauses report for each party, dims (…, agreement, party); NaN: has no account."""
    names = [name.split(".") for members, *_ in groups for name in members.names]
    clauses = sorted({name for name, _ in names})
    parties = sorted({party for _, party in names})
    at = [(clauses.index(name), parties.index(party)) for name, party in names]
    ds["agreement"] = ("agreement", np.array(clauses, object), {"long_name": "name of the clause"})
    ds["party"] = ("party", np.array(parties, object), {"long_name": "party of an agreement"})
    own = [compiled.scenario.agreements[name] for name in clauses]
    add_coordinate(ds, "agreement", "agreement_kind", [type(clause).name() for clause in own])
    add_coordinate(ds, "agreement", "agreement_period",
                [getattr(clause, "period", None) or "" for clause in own])  # fmt: skip
    dims = ("agreement", "party")

    def spread(parts: list[NDArray[Any]]) -> NDArray[Any]:
        values = np.concatenate(parts, axis=-1)
        whole = np.full((*values.shape[:-1], len(clauses), len(parties)), np.nan)
        for k, (clause, party) in enumerate(at):
            whole[..., clause, party] = values[..., k]
        return whole

    for k, first_of in enumerate(groups[0][0].kind.reports):
        meanings = dict.fromkeys(members.kind.reports[k].meaning for members, *_ in groups)
        report = first_of._replace(meaning="; or ".join(meanings))
        values = spread([values[report.name] for _, values, _ in groups])
        ds[report.name] = ((*DIMS, *dims), values, report_attributes(report, "agreement"))
        if report.role == "state":
            ds[f"initial_{report.name}"] = (
                ("realization", *dims), spread([first[report.name] for *_, first in groups]),
                {"units": report.unit, "long_name": f"{report.name} at the start of the run"},
            )  # fmt: skip


def _nodes(ds: xr.Dataset, compiled: Compiled, outcome: Outcome) -> None:
    """Every node that has a water balance: river nodes in river order, then sites by name."""
    scenario = compiled.scenario
    sections = list(scenario.network.sections)
    sites = [] if "site" not in ds.dims else [str(name) for name in ds["site"].values]
    name_members(ds, "node", sections + sites, dict(scenario.nodes))
    seconds = compiled.seconds[np.newaxis, :, np.newaxis]
    flows = {
        "inflow": (outcome.inflow, "supply", "water that enters the node: by river, as runoff, "
                   "by canal, as return flow"),
        "outflow": (outcome.outflow, "return_flow", "water that goes on: down the river, or back "
                    "to it from a site"),
    }  # fmt: skip
    for name, (values, of_sites, meaning) in flows.items():
        parts = [values / seconds] + ([ds[of_sites].values] if sites else [])
        ds[name] = ((*DIMS, "node"), np.concatenate(parts, axis=2),
                    {"units": "m3 s-1", "long_name": meaning, "cell_methods": "time: mean"})  # fmt: skip


def _links(ds: xr.Dataset, compiled: Compiled) -> None:
    network = compiled.scenario.network
    if "reach" in ds.dims:
        ends = [str(name).split(" > ") for name in ds["reach"].values]
        add_coordinate(ds, "reach", "reach_from", [end[0] for end in ends])
        add_coordinate(ds, "reach", "reach_to", [end[1] for end in ends])
        reaches = [network.reaches[str(name)] for name in ds["reach"].values]
        add_coordinate(ds, "reach", "reach_ordered", [float(reach.cuts()) for reach in reaches])
        add_coordinate(
            ds, "reach", "reach_loss_to", [reach.returns_to() or "" for reach in reaches]
        )
    if "canal" in ds.dims:
        canals = [network.canals[str(name)] for name in ds["canal"].values]
        add_coordinate(ds, "canal", "canal_from", [canal.source for canal in canals])
        add_coordinate(ds, "canal", "canal_to", [canal.target for canal in canals])
        add_coordinate(ds, "canal", "canal_loss_to", [canal.returns_to() or "" for canal in canals])
        add_coordinate(ds, "canal", "canal_lift", [canal.lift or 0.0 for canal in canals])


def _sites(ds: xr.Dataset, compiled: Compiled) -> None:
    """Sites that take from the river themselves; those behind canals are booked there."""
    if "site" in ds.dims:
        names = [str(name) for name in ds["site"].values]
        at = [str(value) for value in ds["site_at"].values]
        add_coordinate(ds, "site", "site_diversion_from", at)
        add_coordinate(ds, "site", "site_diversion_to",
                    [name if place else "" for name, place in zip(names, at, strict=True)])  # fmt: skip


def _ends(ds: xr.Dataset, compiled: Compiled, outcome: Outcome) -> None:
    """Water that leaves the model at river ends, and through surplus outlets."""
    network, seconds = compiled.scenario.network, compiled.seconds[np.newaxis, :, np.newaxis]
    last = [k for k, name in enumerate(network.sections) if name not in network.down]
    names = [network.sections[k] for k in last]
    name_members(ds, "terminal", names, dict(compiled.scenario.nodes))
    ds["sink_flow"] = ((*DIMS, "terminal"), outcome.outflow[:, :, last] / seconds, {
        "units": "m3 s-1", "long_name": "water that leaves the model at the end of a river",
        "cell_methods": "time: mean", "flow_from": "terminal", "flow_to": "outside",
    })  # fmt: skip
    if compiled.outlets:
        labels = [f"{a} > {b} ({k + 2})" for k, (a, b) in enumerate(compiled.outlets)]
        ds["outlet"] = ("outlet", np.array(labels, object), {"long_name": "surplus outlet"})
        apart = [network.down.get(a) != b for a, b in compiled.outlets]
        ends = list(zip(compiled.outlets, apart, strict=True))
        add_coordinate(ds, "outlet", "outlet_from", [a if off else "" for (a, _), off in ends])
        add_coordinate(ds, "outlet", "outlet_to", [b if off else "" for (_, b), off in ends])
        ds["outlet_flow"] = ((*DIMS, "outlet"), outcome.outlet_flow / seconds, {
            "units": "m3 s-1", "long_name": "water that no claim took and no zone kept",
            "cell_methods": "time: mean", "flow_from": "outlet_from", "flow_to": "outlet_to",
        })  # fmt: skip


def _zones(ds: xr.Dataset, compiled: Compiled) -> None:
    scenario = compiled.scenario
    zones = [
        (name, zone, scenario.forcing[name, k, "top"], ds)
        for name in scenario.network.sections
        for k, zone in enumerate(scenario.nodes[name].zone_names())
    ]
    if not zones:
        return
    ds["zone"] = ("zone", np.array([f"{name}.{zone}" for name, zone, *_ in zones], object),
                  {"long_name": "name of the storage zone"})  # fmt: skip
    add_coordinate(ds, "zone", "zone_reservoir", [name for name, *_ in zones])
    add_coordinate(ds, "zone", "zone_name", [zone for _, zone, *_ in zones])
    ds["zone_storage"] = (("time", "zone"), np.stack([top for *_, top, _ in zones], axis=1), {
        "units": "m3", "long_name": "storage up to which the zone reaches",
    })  # fmt: skip


def _claims(ds: xr.Dataset, compiled: Compiled, outcome: Outcome) -> None:
    own = [k for k, row in enumerate(compiled.claims) if row.claim.sector != DEAD_STORAGE]
    if not own:
        return
    scenario, seconds = compiled.scenario, compiled.seconds[np.newaxis, :, np.newaxis]
    rows = [compiled.claims[k] for k in own]
    need, supply = outcome.need[..., own], outcome.supply[..., own]
    ds["claim"] = ("claim", np.array([row.name for row in rows], object),
                   {"long_name": "name of the claim"})  # fmt: skip
    add_coordinate(ds, "claim", "claim_node", [row.node for row in rows])
    add_coordinate(ds, "claim", "claim_sort", [SORTS[row.claim.sort] for row in rows])
    add_coordinate(ds, "claim", "claim_party",
                [row.claim.party or scenario.nodes[row.node].party or "" for row in rows])  # fmt: skip
    ds.coords["priority"] = ("claim", np.array([row.claim.priority or 0 for row in rows]),
                             {"long_name": "priority, 1 is first, 0 after all others"})  # fmt: skip
    ds.coords["sector"] = ("claim", np.array([row.claim.sector for row in rows], object),
                           {"long_name": "sector of the claim"})  # fmt: skip
    flux = {"units": "m3 s-1", "cell_methods": "time: mean"}
    dims = (*DIMS, "claim")
    ds["claim_requirement"] = (dims, need / seconds,
                               {**flux, "long_name": "water the claim asks for"})  # fmt: skip
    ds["claim_supply"] = (dims, supply / seconds,
                          {**flux, "long_name": "water it was given, or that passes"})  # fmt: skip
    asked = need > 0.0
    cover = np.full(need.shape, np.nan)
    np.divide(supply, need, out=cover, where=asked)
    ds["cover"] = (dims, cover, {"units": "1", "long_name": "supply / requirement, missing where "
                                 "nothing is required", "cell_methods": "time: mean"})  # fmt: skip
    codes, meanings = _bounds(compiled, outcome.bound[..., own])
    ds["bound_by"] = (dims, codes, {
        "long_name": "the first thing that ran out",
        "flag_values": np.arange(len(meanings), dtype=np.int32),
        "flag_meanings": " ".join(meanings),
    })  # fmt: skip


def _bounds(compiled: Compiled, bound: NDArray[np.int64]) -> tuple[NDArray[np.int32], list[str]]:
    """Codes of what bound a claim, and their meanings; code 0: nothing, the requirement is met."""
    nodes = compiled.scenario.nodes
    where = {row.name: getattr(nodes[row.node], "at", None) or row.node for row in compiled.claims}
    rows = [
        flag("section", where.get(of, of))
        if what in ("claim", "turbines")
        else flag("site" if what == "delivery" else what, of)
        for what, of in compiled.rows
    ]
    transfers = [
        flag({CANAL: "canal", OUTLET: "outlet", TURBINE: "plant"}[t.sort], t.of)
        for t in compiled.transfers
    ]
    meanings = list(dict.fromkeys([FLAGS[""], *rows, *transfers]))
    code = {meaning: k for k, meaning in enumerate(meanings)}
    table = np.array([code[m] for m in [*transfers[::-1], FLAGS[""], *rows]], np.int32)
    return table[bound + 1 + len(transfers)], meanings


def _attributes(ds: xr.Dataset, compiled: Compiled, outcome: Outcome, seed: int) -> None:
    scenario = compiled.scenario
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ds.attrs.update(
        Conventions="CF-1.11",
        title=scenario.title + (f" · {scenario.variant}" if scenario.variant else ""),
        summary=scenario.question,
        institution="watersim",
        source=f"watersim {watersim.__version__}",
        history=f"{now} watersim run {scenario.sources.shown}",
        references="https://doi.org/10.1029/WR018i001p00014",
        comment="Model results. Time is the start of the step; states are at its end.",
        scenario_name=scenario.label,
        scenario=scenario.text,
        scenario_sha256=hashlib.sha256(scenario.text.encode()).hexdigest(),
        input_checksums=json.dumps(dict(scenario.checksums), sort_keys=True),
        watersim_version=watersim.__version__,
        step=scenario.timeline.step,
        seed=seed,
        parties=json.dumps(dict(scenario.parties), ensure_ascii=False, sort_keys=True),
        notes="\n".join(scenario.notes),
        exact_fallbacks=outcome.fallbacks,
    )
