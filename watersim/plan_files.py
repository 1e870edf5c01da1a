"""plan_files: a season's plan → its files: NetCDF, CSV, XLSX and a figure."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from watersim.files import write_whole
from watersim.netcdf import save
from watersim.plan_tables import csv_text
from watersim.plan_workbook import write_xlsx
from watersim.plots.plan import plot


def write(plan: xr.Dataset, path: Path) -> list[Path]:
    """Write a plan as NetCDF, and beside it as CSV, XLSX and a figure; the paths.

    Raises
    ------
    InputError, MachineError
        as `write_whole`.
    """
    written = [save(plan, path)]
    for suffix, make in (
        (".csv", lambda to: to.write_text(csv_text(plan), encoding="utf-8")),
        (".xlsx", lambda to: write_xlsx(plan, to)),
        (".png", lambda to: plot(plan).savefig(to, dpi=150)),
    ):
        written.append(write_whole(path.with_suffix(suffix), make))
    return written
