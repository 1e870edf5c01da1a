"""xr.Dataset ↔ NetCDF-4 file, written beside its final name and moved there when complete."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from watersim.errors import InputError, MachineError, Problem
from watersim.files import write_whole
from watersim.labels import DIMS

CHUNK = 1 << 20  # bytes of a chunk: a node's series of one realization is one read


def encoding(ds: xr.Dataset) -> dict[str, dict[str, Any]]:
    """How each variable is stored: compressed, one node's series in one read, time in days."""
    how: dict[str, dict[str, Any]] = {}
    for name, variable in ds.variables.items():
        if name in ("time", "time_bounds"):
            how[str(name)] = {"units": "days since 1900-01-01", "calendar": "standard",
                              "dtype": "float64", "_FillValue": None}  # fmt: skip
        elif variable.dtype.kind == "f":
            own: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True}
            own["_FillValue"] = np.nan if name == "cover" or "party" in variable.dims else None
            if variable.dims[:2] == DIMS and variable.size:
                _, steps, *widths = variable.shape
                wide = max(1, min(widths[-1], CHUNK // (8 * steps)))
                own["chunksizes"] = (1, steps, *[1] * (len(widths) - 1), wide)
            how[str(name)] = own
        elif variable.dtype.kind == "i" and variable.ndim == 3:
            how[str(name)] = {"zlib": True, "complevel": 1, "shuffle": True}
    return how


def save(ds: xr.Dataset, path: str | Path) -> Path:
    """Write a run beside its final name, read it back, and move it there.

    Raises
    ------
    InputError, MachineError
        as `write_whole`, and for a file that is not whole.
    """

    def make(part: Path) -> None:
        ds.to_netcdf(part, engine="netcdf4", format="NETCDF4", encoding=encoding(ds))
        with xr.open_dataset(part, engine="netcdf4") as back:
            if dict(back.sizes) != dict(ds.sizes):
                raise MachineError(f"{path}: was not written whole; is the disk full?")

    return write_whole(Path(path), make)


def prepare(path: Path) -> None:
    """Make a result's folder and try to write there, so that no run is computed in vain.

    Raises
    ------
    MachineError
        if the disk or a permission stands in the way.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise MachineError(f"{path}: cannot be written ({error.strerror or error})") from error


def open_results(path: str | Path) -> xr.Dataset:
    """Read a run or a plan that `save` wrote, whole, into memory.

    Raises
    ------
    InputError
        if the file is missing or is no result of watersim.
    """
    shown = str(path)
    if Path(path).is_dir():
        raise InputError(Problem("is a folder; name a file", shown))
    if not Path(path).is_file():
        raise InputError(Problem("does not exist; run a scenario first", shown))
    try:
        with xr.open_dataset(path, engine="netcdf4") as ds:
            loaded = ds.load()
    except (OSError, ValueError) as error:
        raise InputError(Problem("is not a NetCDF file that can be read", shown)) from error
    if "watersim_version" not in loaded.attrs or "time_bounds" not in loaded:
        raise InputError(Problem("is not a result of watersim run", shown))
    for name in loaded.variables:
        for key in ("units", "calendar"):
            loaded[name].encoding.pop(key, None)
    return loaded


def open_run(path: str | Path) -> xr.Dataset:
    """Read a run, as `open_results`, and refuse the plan of a season.

    Raises
    ------
    InputError
        as `open_results`, and for a plan.
    """
    ds = open_results(path)
    if "realization" not in ds.dims:
        raise InputError(Problem("is the plan of a season; name the result of a run", str(path)))
    return ds
