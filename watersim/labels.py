"""labels: members and what they report → coordinates and attributes of a Dataset (CF-1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from watersim.described import Kind, Node
from watersim.fields import Report

DIMS = ("realization", "time")
AMOUNTS = ("m3", "J", "USD")  # units of what adds up over steps


def name_members(
    ds: xr.Dataset, family: str, names: list[str], members: Mapping[str, Kind]
) -> None:
    """The coordinates of a family: name, kind, party, and what its kinds add."""
    ds[family] = (family, np.array(names, object), {"long_name": f"name of the {family}"})
    owners, _, entries = zip(*(name.partition(".") for name in names), strict=True)
    own = [members[name] for name in owners]
    columns: dict[str, list[Any]] = {"kind": [type(member).name() for member in own]}
    if any(entries):
        columns |= {"agreement": list(owners), "party": list(entries)}
    if all(isinstance(member, Node) for member in own):
        nodes = [member for member in own if isinstance(member, Node)]
        columns["party"] = [node.party or "" for node in nodes]
        if any(node.lon is not None for node in nodes):
            columns["lon"] = [np.nan if node.lon is None else node.lon for node in nodes]
            columns["lat"] = [np.nan if node.lat is None else node.lat for node in nodes]
        if family not in ("node", "terminal"):  # kinds that report on a family of their own
            for key in nodes[0].coordinates():
                columns[key] = [node.coordinates()[key] for node in nodes]
    for key, values in columns.items():
        add_coordinate(ds, family, f"{family}_{key}", values)


_COORDINATES = {
    "lon": {"units": "degrees_east", "standard_name": "longitude"},
    "lat": {"units": "degrees_north", "standard_name": "latitude"},
    "dead_storage": {"units": "m3", "long_name": "storage below the lowest outlet"},
    "from": {"long_name": "node it takes from"},
    "to": {"long_name": "node it leads to"},
    "at": {"long_name": "river node it stands at"},
    "return_to": {"long_name": "river node its return flow comes back to"},
    "loss_to": {"long_name": "river node its loss comes back to"},
    "ordered": {"long_name": "1 where what is needed below is ordered ahead, else 0"},
    "lift": {"units": "m", "long_name": "height its pumps lift the flow, 0 where it has none"},
    "diversion_from": {"long_name": "river node it takes from by itself"},
    "diversion_to": {"long_name": "its own name where it takes from the river by itself"},
    "area": {"units": "m2", "long_name": "irrigated area, 0 where not given"},
    "season_from": {"long_name": "first day of the season, MM-DD"},
    "season_days": {"units": "d", "long_name": "length of the season"},
    "yield_factor": {"units": "1", "long_name": "yield response factor Ky of the season"},
    "yield": {"units": "kg m-2", "long_name": "yield where no water lacks, missing if not given"},
    "price": {"units": "kg-1", "long_name": "price at the farm in USD, missing if not given"},
}


def add_coordinate(ds: xr.Dataset, family: str, name: str, values: list[Any]) -> None:
    """A coordinate of a family: texts, or numbers with their unit."""
    key = name.removeprefix(f"{family}_")
    text = all(isinstance(value, str) for value in values)
    array = np.array(values, object if text else np.float64)
    attributes = dict(_COORDINATES.get(key, {"long_name": f"{key.replace('_', ' ')} of {family}"}))
    if key == "capacity":
        attributes = {"units": "m3" if family == "reservoir" else "W", "long_name": "capacity"}
    ds.coords[name] = (family, array, attributes)


def report_attributes(report: Report, family: str) -> dict[str, str]:
    """Unit, meaning and cell method of what is reported, and its ends where it is water."""
    method = "time: point" if report.role == "state" else "time: mean"
    attributes = {"units": report.unit, "long_name": report.meaning}
    if report.role == "diagnostic" and report.unit in AMOUNTS:
        method = "time: sum"
    if report.name in ("level", "area"):
        method = "time: point"
    attributes["cell_methods"] = method
    if report.source is None or report.target is None:
        return attributes
    if report.role == "state":
        attributes["store_of"] = family
    else:
        attributes["flow_from"] = _end(report.source, family)
        attributes["flow_to"] = _end(report.target, family)
        if report.apart:
            attributes["part_of_inflow"] = "no"
    return attributes


def _end(end: str, family: str) -> str:
    if end == "":
        return "outside"
    known = {"return_to": "site_return_to", "diversion_from": "site_diversion_from",
             "diversion_to": "site_diversion_to"}  # fmt: skip
    return known.get(end, end)
