"""Figures of the hindcasts: simulated, observed and the mean of the month of five dams → docs/figures.

``python tests/benchmarks/hindcast_figures.py`` draws them anew. Each bears the checksum of what it
was drawn from, so that a test finds a figure that is out of date.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

import watersim

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "figures"
DATA = ROOT / "data" / "syr_darya"
SCENARIOS = ROOT / "scenarios" / "syr_darya"
DAMS = ("toktogul", "andijan", "charvak", "kairakkum", "shardara")
NAMES = {"hindcast": DAMS, "basin_hindcast": ("kairakkum", "shardara")}
SOURCES = ("inflow.csv", "hindcast.csv", "operation.csv", "five_dams.yaml")


def checksum() -> str:
    """SHA-256 of the tables and scenarios that the figures show."""
    files = [DATA / name for name in SOURCES] + [SCENARIOS / f"{name}.yaml" for name in NAMES]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def observed() -> xr.Dataset:
    """Storage (m3, ends of months) and flow below the dams (m3 s-1), 2001–2005."""
    lines = (DATA / "operation.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    stored, flow = (
        np.array([[float(row[f"{dam}_{what}"]) for dam in DAMS] for row in rows])
        for what in ("storage_end_hm3", "release_m3s")
    )
    return xr.Dataset(
        {
            "storage": (("time", "reservoir"), stored * 1e6, {"units": "m3"}),
            "outflow": (("time", "node"), flow, {"units": "m3 s-1"}),
        },
        {
            "time": np.array([row["month"] for row in rows], "datetime64[ns]"),
            "reservoir": list(DAMS),
            "node": list(DAMS),
        },
    )


def draw(folder: Path) -> list[Path]:
    """Draw every figure into a folder."""
    found = []
    for name, dams in NAMES.items():
        ds = watersim.run(watersim.load(SCENARIOS / f"{name}.yaml"))
        for dam in dams:
            path = folder / f"{name}_{dam}.png"
            figure = ds.watersim.plot.hindcast(dam, observed())
            figure.savefig(path, dpi=64, metadata={"Description": checksum()})
            found.append(path)
    return found


if __name__ == "__main__":
    for path in draw(FIGURES):
        print(path.relative_to(ROOT))
