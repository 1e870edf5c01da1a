"""RUN.nc → what is true of it: the balance closed again from its raw terms, and its checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from watersim.closure import LIMIT, close
from watersim.netcdf import open_run

ROUNDING = 1e-9


class Verification(NamedTuple):
    """What was looked at, and what was found wrong."""

    lines: list[str]
    faults: list[str]


def verify(path: Path) -> Verification:
    """Close every balance of a result again and check what it says of its input.

    Raises
    ------
    InputError
        if it is no result of watersim.
    """
    ds = open_run(path)
    lines, faults = [], []
    found = close(ds)
    worst = max(found.residual, found.basin)
    entities = sum(ds.sizes.get(dim, 0) for dim in ("node", "reach", "canal"))
    if worst <= LIMIT:
        lines.append(
            f"{path}: every balance closes: {entities} nodes, reaches and canals × "
            f"{ds.sizes['time']} steps × {ds.sizes['realization']} realizations, "
            f"worst residual {worst:.1e}"
        )
    else:
        faults.append(
            f"{path}: the balance does not close: residual {found.residual:.1e} at "
            f"{found.entity}, step of {found.time}; basin {found.basin:.1e}"
        )
    faults += [f"{path}: {fault}" for fault in (*_text(ds), *_bounds(ds))]
    same, changed, gone = _inputs(ds)
    faults += [f"{path}: its input {name} has changed since; run it again" for name in changed]
    if same:
        lines.append(f"{path}: {same} input files unchanged")
    if gone:
        lines.append(f"{path}: input not found from here, not checked: {', '.join(gone)}")
    return Verification(lines, faults)


def _text(ds: xr.Dataset) -> list[str]:
    digest = hashlib.sha256(ds.attrs["scenario"].encode()).hexdigest()
    if digest != ds.attrs["scenario_sha256"]:
        return ["the scenario text in the file does not match its checksum"]
    return []


def _bounds(ds: xr.Dataset) -> list[str]:
    """Physical bounds: nothing negative, no store above capacity, no supply above requirement."""
    faults = []
    for name, variable in ds.data_vars.items():
        if "flow_from" in variable.attrs or "store_of" in variable.attrs:
            if not np.all(np.isfinite(variable.values)):
                faults.append(f"{name} is not finite everywhere")
            elif variable.values.min(initial=0.0) < 0.0:
                faults.append(f"{name} is negative somewhere ({variable.values.min():.3g})")
    if "reservoir" in ds.dims:
        over = ds["storage"].values - ds["reservoir_capacity"].values
        if over.max(initial=0.0) > ROUNDING * ds["reservoir_capacity"].values.max():
            faults.append(f"storage exceeds capacity by {over.max():.3g} m3")
    if "site" in ds.dims:
        over = ds["supply"].values - ds["requirement"].values
        if over.max(initial=0.0) > ROUNDING * max(1.0, ds["requirement"].values.max()):
            faults.append(f"supply exceeds requirement by {over.max():.3g} m3/s")
    return faults


def _inputs(ds: xr.Dataset) -> tuple[int, list[str], list[str]]:
    """How many input files are unchanged; which changed; which are not to be found from here."""
    same, changed, gone = 0, [], []
    for name, digest in json.loads(ds.attrs["input_checksums"]).items():
        try:
            content = Path(name).read_bytes()
        except OSError:
            gone.append(name)
            continue
        if hashlib.sha256(content).hexdigest() == digest:
            same += 1
        else:
            changed.append(name)
    return same, changed, gone
