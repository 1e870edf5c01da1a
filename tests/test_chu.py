"""The Chu scenarios against what the basin is known to do (docs/validation.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import watersim

FOLDER = Path(__file__).resolve().parents[1] / "scenarios" / "chu"
RUNS = [
    ("baseline", ""), ("baseline", "orto_tokoi_plant"), ("baseline", "lined_canals"),
    ("baseline", "tasotkel_full"), ("dry_2023", ""), ("dry_2023", "open_on_demand"),
    ("year_types", "exceeded_5"), ("year_types", "exceeded_25"), ("year_types", "exceeded_75"),
    ("year_types", "exceeded_95"), ("climate_2050", ""), ("climate_2050", "trend"),
]  # fmt: skip


@cache
def chu(name: str, variant: str = "") -> xr.Dataset:
    """A run's last year, of its only realization."""
    ds = watersim.run(watersim.load(FOLDER / f"{name}.yaml", variant or None))
    assert ds.attrs["closure_residual"] <= 1e-12
    assert ds.attrs["exact_fallbacks"] == 0
    return ds.isel(realization=0, time=slice(-36, None))


def volume(ds: xr.Dataset, flow: xr.DataArray, months: range = range(1, 13)) -> float:
    """hm3 in those months."""
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    return float((flow.values * seconds)[flow.time.dt.month.isin(list(months)).values].sum() / 1e6)


def to_kazakhstan(ds: xr.Dataset) -> tuple[float, float, float]:
    """hm3 of a year by the canals, across the border in season, and in winter."""
    border = ds["inflow"].sel(node="border")
    season = volume(ds, border, range(4, 10))
    canals = (volume(ds, ds["canal_flow"].sel(canal=name)) for name in ("georgievka", "west_6"))
    return sum(canals), season, volume(ds, border) - season


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_every_chu_run_closes_and_stays_within_what_is_there(name: str, variant: str) -> None:
    ds = chu(name, variant)
    for reservoir, most in (("orto_tokoi", 470.0), ("tasotkel", 620.0)):
        storage = ds["storage"].sel(reservoir=reservoir) / 1e6
        assert 0.0 <= float(storage.min()) <= float(storage.max()) <= most * (1 + 1e-12)
    assert float(ds["outflow"].sel(node="springs").max()) < 45.0


def test_a_mean_year_repeats_itself() -> None:
    ds = watersim.run(watersim.load(FOLDER / "baseline.yaml")).isel(realization=0)
    for name in ("storage", "groundwater_storage"):
        first, last = ds[name].isel(time=35), ds[name].isel(time=-1)
        np.testing.assert_allclose(first, last, rtol=0.01, atol=1e6)
    ground = ds["canal_groundwater_storage"]
    np.testing.assert_allclose(
        ds["initial_canal_groundwater_storage"], ground.isel(time=-1), rtol=0.02, atol=1e4
    )


@pytest.mark.parametrize("variant", ["exceeded_75", "exceeded_95"])
def test_most_water_reaches_kazakhstan_outside_the_plan_in_dry_years(variant: str) -> None:
    canals, season, winter = to_kazakhstan(chu("year_types", variant))
    assert canals + season + winter == pytest.approx(1733.0, rel=0.1)  # 2025
    assert canals < 0.15 * (canals + season + winter)
    assert 800.0 <= winter <= 1120.0
    assert 470.0 <= season <= 770.0


def test_orto_tokoi_is_empty_in_early_august_2023() -> None:
    storage = chu("dry_2023")["storage"].sel(reservoir="orto_tokoi") / 1e6
    assert float(storage.sel(time="2023-03-21")) == pytest.approx(432.0, abs=3.0)
    assert float(storage.sel(time="2023-06-21")) > 50.0
    assert float(storage.sel(time="2023-07-21")) == pytest.approx(8.55, abs=1.0)
    out = chu("dry_2023")["outflow"].sel(node="orto_tokoi")
    assert volume(chu("dry_2023"), out, range(4, 9)) == pytest.approx(654.0, rel=0.06)
    georgievka = chu("dry_2023")["canal_flow"].sel(canal="georgievka", time="2023-08-21")
    assert 6.0 <= float(georgievka) <= 7.5


def test_a_drier_year_leaves_less_to_everybody() -> None:
    years = [chu("year_types", f"exceeded_{p}") for p in (5, 25, 75, 95)]
    supply = [float(ds["supply"].sum()) for ds in years]
    across = [sum(to_kazakhstan(ds)) for ds in years]
    assert supply == sorted(supply, reverse=True)
    assert across == sorted(across, reverse=True)


def test_the_plant_changes_no_water() -> None:
    with_plant, without = chu("baseline", "orto_tokoi_plant"), chu("baseline")
    np.testing.assert_array_equal(with_plant["supply"].values, without["supply"].values)
    assert 60.0 <= float(with_plant["energy"].sum()) / 3.6e12 <= 80.0


# 9810 × 40 m / 70 % are 0.156 kWh a m3
def test_kordai_pumps_with_what_their_lift_asks_for() -> None:
    ds = chu("baseline").sel(canal="kordai_pumps")
    kwh = float(ds["pumping_energy"].sum()) / 3.6e6
    assert kwh / volume(ds, ds["canal_flow"]) / 1e6 == pytest.approx(0.1557, abs=1e-4)


def test_a_tenth_of_what_the_big_chu_canals_lose_comes_back() -> None:
    ds = chu("baseline")
    lost = sum(volume(ds, (ds["canal_flow"] - ds["canal_delivery"]).sel(canal=str(name)))
               for name in ds["canal"].values if ds["canal_loss_to"].sel(canal=name) == "springs")  # fmt: skip
    back = sum(volume(ds, ds["canal_return_flow"].sel(canal=name)) for name in ds["canal"].values)
    assert lost == pytest.approx(103.0, abs=1.0)
    assert back == pytest.approx(0.1 * lost, rel=0.01)
