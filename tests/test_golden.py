"""The Talas scenarios against kept numbers, and against what the basin is known to do.

``WATERSIM_WRITE_GOLDEN=1`` writes the numbers anew, after a change that was meant.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import watersim

ROOT = Path(__file__).resolve().parents[1]
KEPT = Path(__file__).parent / "golden" / "talas.json"
VARIANTS = ("", "dry", "energy_first", "kirov_half", "lined_canals")


@cache
def talas(variant: str) -> xr.Dataset:
    return watersim.run(watersim.load(ROOT / "scenarios/talas/baseline.yaml", variant or None))


def numbers(ds: xr.Dataset) -> dict[str, float]:
    """Means in planners' units: hm3/yr, hm3, GWh/yr."""
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    year = 365.25 * 86_400.0 / seconds.sum()

    def volume(values: np.ndarray) -> float:
        return float((values * seconds).sum() * year / 1e6)

    found = {f"supply {site}": volume(ds["supply"].sel(site=site).values[0])
             for site in ds["site"].values}  # fmt: skip
    found |= {f"storage {word}": float(getattr(ds["storage"].values, word)() / 1e6)
              for word in ("min", "max", "mean")}  # fmt: skip
    found["energy"] = float(ds["energy"].values.sum() * year / 3.6e12)
    found["sink"] = volume(ds["sink_flow"].values[0, :, 0])
    found["evaporation"] = volume(ds["evaporation"].values[0, :, 0])
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_talas_gives_the_kept_numbers(variant: str) -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    found = numbers(talas(variant))
    if os.environ.get("WATERSIM_WRITE_GOLDEN"):
        KEPT.write_text(json.dumps(kept | {variant: found}, indent=1) + "\n")
        return
    assert found == pytest.approx(kept[variant], rel=1e-9)


def test_every_talas_run_closes_and_needs_no_fallback() -> None:
    for variant in VARIANTS:
        assert talas(variant).attrs["closure_residual"] <= 1e-12
        assert talas(variant).attrs["exact_fallbacks"] == 0


def test_kirov_fills_in_winter_and_spring_and_empties_in_late_summer() -> None:
    ds = talas("")
    storage = ds["storage"].sel(reservoir="kirov")[0] / 1e6
    assert float(storage.min()) >= 0.0
    assert float(storage.max()) <= 550.0
    by_month = storage.groupby("time.month").mean()
    assert int(by_month.values.argmax()) + 1 in (3, 4)
    assert int(by_month.values.argmin()) + 1 in (8, 9)
    empty = (storage < 20.0).groupby("time.year").any()
    assert int(empty.sum()) >= 7


def test_kazakhstan_asks_640_to_740_hm3_at_the_head_of_its_canal() -> None:
    ds = talas("")
    loss = float(talas("")["canal_loss"].sum(("realization", "time")).sel(canal="zhambyl_main"))
    flow = float(talas("")["canal_flow"].sum(("realization", "time")).sel(canal="zhambyl_main"))
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    asked = float((ds["requirement"].sel(site="zhambyl").values[0] * seconds).sum()) / 14 / 1e6
    assert 640.0 <= asked / (1.0 - loss / flow) <= 740.0


def test_equal_shares_of_the_whole_are_12_and_88_of_kirov() -> None:
    flow = talas("")["canal_flow"].sum(("realization", "time"))
    share = float(flow.sel(canal="left_bank") / flow.sum())
    assert share == pytest.approx(0.12, abs=0.005)


def test_half_of_kirov_alone_leaves_kazakhstan_short_with_water_in_the_dam() -> None:
    half, whole = talas("kirov_half"), talas("")
    short = float(half["deficit"].sel(site="zhambyl").sum())
    assert short > 1.5 * float(whole["deficit"].sel(site="zhambyl").sum())
    own = half.sel(site="talas_oblast")
    assert float(own["deficit"].sum()) < 0.01 * float(own["requirement"].sum())
    assert float(half["storage"].mean()) > 1.5 * float(whole["storage"].mean())
