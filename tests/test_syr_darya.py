"""The Syr Darya and Karkyra: derived columns follow from sourced ones, plants and lakes are as published."""

from __future__ import annotations

import calendar
import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import watersim
from watersim.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "syr_darya"
SCENARIOS = ROOT / "scenarios" / "syr_darya"
DAYS = [31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
CHARVAK = [64, 62, 82, 215, 411, 548, 422, 242, 137, 99, 85, 72]  # m3/s, 1932–79
ANDIJAN_MEAN, NARYN_MEAN, CHARVAK_MEAN, AKHANGARAN = 119.4, 386.0, 206.3, 22.8
CASCADE = ("toktogul", "kurpsai", "tash_kumyr", "shamaldy_sai", "uch_kurgan")
RUNS = [
    ("baseline", name) for name in (
        "", "demand_2024", "dry_spell",
        "wet_spell", "rehabilitated_canals", "koksarai",
    )
] + [("kambarata", ""), ("kambarata", "without"), ("kambarata", "filling"), ("climate", ""),
     ("climate", "hot_2085"), ("regimes", ""), ("regimes", "irrigation_1984"),
     ("regimes", "observed_mixture"), ("regimes", "dry_spell"), ("regimes", "wet_spell"),
     ("regimes", "dry_spell+irrigation_1984"), ("regimes", "wet_spell+irrigation_1984")]  # fmt: skip


def rows(name: str) -> list[dict[str, str]]:
    """A table of data/syr_darya."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def described(name: str, variant: str = "") -> dict[str, Any]:
    """The nodes of a scenario."""
    return dict(watersim.load(SCENARIOS / f"{name}.yaml", variant or None).nodes)


def column(name: str, key: str) -> np.ndarray:
    return np.array([float(row[key]) for row in rows(name)])


def year_of(values: list[float]) -> float:
    return sum(v * d for v, d in zip(values, DAYS, strict=True)) / 365.25


def side(used_in: str) -> list[float]:
    """Sum by month of the rivers that are part of a column of inflow.csv."""
    months = [f"{month.lower()}_m3s" for month in calendar.month_abbr[1:]]
    used = [row for row in rows("gauges.csv") if row["used_in"] == used_in]
    return [sum(float(row[month]) for row in used) for month in months]


def side_rivers() -> list[dict[str, str]]:
    """The derived columns of inflow.csv, as they stand in the file."""
    inflow = rows("inflow.csv")
    lengths = [calendar.monthrange(*map(int, row["month"].split("-")))[1] for row in inflow]

    def mean(year: str, key: str) -> float:
        at = [i for i, row in enumerate(inflow) if row["month"].startswith(year)]
        return sum(float(inflow[i][key]) * lengths[i] for i in at) / sum(lengths[i] for i in at)

    ugam = [round(a - b, 1) for a, b in zip(side("ugam"), CHARVAK, strict=True)]
    found = []
    for row in inflow:
        year, m = row["month"][:4], int(row["month"][5:]) - 1
        small = mean(year, "kara_darya_m3s") / ANDIJAN_MEAN
        icy = 0.5 + 0.5 * mean(year, "naryn_m3s") / NARYN_MEAN
        west = mean(year, "chatkal_pskem_m3s") / CHARVAK_MEAN
        values = {
            "naryn_side": side("naryn_side")[m] * small,
            "kara_darya_side": side("kara_darya_side")[m] * small,
            "north_side": side("north_side")[m] * small,
            "south_side": side("south_side")[m] * icy,
            "ugam": ugam[m] * west,
            "akhangaran": ugam[m] * AKHANGARAN / year_of(ugam) * west,
            "arys": side("arys")[m],
        }
        found.append({f"{name}_m3s": f"{value:.2f}" for name, value in values.items()})
    return found


def test_side_rivers_follow_from_the_gauges() -> None:
    for row, derived in zip(rows("inflow.csv"), side_rivers(), strict=True):
        assert {key: row[key] for key in derived} == derived, row["month"]


def climate(name: str) -> list[dict[str, str]]:
    """inflow_2050.csv or inflow_2085.csv as data/README.md says."""
    inflow = rows("inflow.csv")
    naryn = column("inflow.csv", "naryn_m3s").reshape(10, 12).mean(axis=0)
    days = np.array(DAYS)
    keys = [key for key in inflow[0] if key != "month" and "observed" not in key]
    factor = np.ones(12)
    moved = np.zeros(12)  # the share of the next month's volume that comes already in this
    if name == "inflow_2050.csv":
        fixed = {3: 1.15, 4: 1.08, 6: 0.92, 7: 0.85}
        whole = 0.95
    else:
        fixed, whole = {7: 0.70}, 0.84
        moved[4] = 0.5
    shifted = naryn.copy()
    shifted[:-1] += moved[:-1] * naryn[1:] * np.where(moved[:-1] > 0, 30 / 31, 0)
    shifted[1:] -= moved[:-1] * naryn[1:]
    rest = [m for m in range(12) if m not in fixed]
    given = sum(shifted[m] * days[m] * share for m, share in fixed.items())
    factor[:] = (whole * (naryn * days).sum() - given) / (shifted * days)[rest].sum()
    for m, share in fixed.items():
        factor[m] = share
    found = []
    for i, row in enumerate(inflow):
        m = i % 12
        values = {"month": row["month"]}
        for key in keys:
            flow = float(row[key]) * (1.0 - moved[m - 1])
            if moved[m]:
                flow += moved[m] * float(inflow[i + 1][key]) * 30 / 31
            values[key] = f"{factor[m] * flow:.2f}"
        found.append(values)
    return found


@pytest.mark.parametrize("name", ["inflow_2050.csv", "inflow_2085.csv"])
def test_climate_tables_follow_from_the_inflow(name: str) -> None:
    for row, derived in zip(rows(name), climate(name), strict=True):
        assert list(row) == list(derived)
        for key in list(row)[1:]:
            assert float(row[key]) == pytest.approx(float(derived[key]), abs=0.0101)


def test_the_curve_of_toktogul_is_the_quadratic() -> None:
    for row in rows("toktogul_levels.csv"):
        v = float(row["storage_hm3"]) / 1000
        assert float(row["level_m"]) == pytest.approx(804.7 + 6.25 * v - 0.070 * v**2, abs=0.006)
        assert float(row["area_km2"]) == pytest.approx(1000 / (6.25 - 0.14 * v), abs=0.06)
    last = rows("toktogul_levels.csv")[-2]
    assert last["storage_hm3"] == "19500"
    assert float(last["level_m"]) == pytest.approx(900.0, abs=0.1)


def test_initial_storages_close_january_2001() -> None:
    """Where that is possible: Kairakkum would have held more than it can."""
    nodes = described("baseline")
    inflow, operation = rows("inflow.csv")[0], rows("operation.csv")[0]
    sources = {"toktogul": "naryn", "andijan": "kara_darya", "charvak": "chatkal_pskem",
               "shardara": "shardara_observed", "kairakkum": "kairakkum_observed"}  # fmt: skip
    for name, source in sources.items():
        net = float(inflow[f"{source}_m3s"]) - float(operation[f"{name}_release_m3s"])
        before = float(operation[f"{name}_storage_end_hm3"]) - net * 31 * 0.0864
        held = nodes[name].initial_storage / 1e6
        if name == "kairakkum":
            assert before > 3600.0
            assert held == nodes[name].capacity / 1e6
        else:
            assert held == pytest.approx(before, abs=1.0)


def test_kyzylorda_asks_for_what_was_lost_between_its_gauges() -> None:
    late = {row["river"]: row for row in rows("gauges.csv") if row["from"] == "1974"}
    months = [f"{month.lower()}_m3s" for month in calendar.month_abbr[4:10]]
    asked = described("baseline")["kyzylorda_fields"].requirement
    above, below = late["syr_darya_tyumen_aryk"], late["syr_darya_kazalinsk"]
    derived = [(float(above[m]) - float(below[m]) / 0.71) / 0.9 for m in months]
    assert list(asked.monthly[3:9]) == pytest.approx(derived, abs=0.6)


@cache
def at_full_gate() -> xr.Dataset:
    """A day at about 13 km3 in Toktogul and a release of 932 m3/s."""
    scenario = watersim.load(SCENARIOS / "baseline.yaml")
    changed = scenario.with_({
        "time": {"start": "2001-01-01", "end": "2001-01-01", "step": "day"},
        "nodes.toktogul.initial_storage": "13040 hm3",
        "nodes.toktogul.minimum_release": {"flow": "932 m3/s", "priority": 1},
        "nodes.toktogul.outlet_capacity": "932 m3/s",
    })  # fmt: skip
    return watersim.run(changed).isel(realization=0, time=0)


def test_a_m3_makes_at_toktogul_what_was_observed() -> None:
    ds = at_full_gate()
    assert float(ds["turbine_flow"].sel(plant="toktogul_plant")) == pytest.approx(932.0)
    made = float(ds["energy"].sel(plant="toktogul_plant")) / 3.6e6 / (932.0 * 86_400.0)
    assert made == pytest.approx(0.342, rel=0.05)


def test_a_m3_makes_in_the_cascade_what_is_published() -> None:
    plants = [f"{name}_plant" for name in CASCADE]
    made = float(at_full_gate()["energy"].sel(plant=plants).sum()) / 3.6e6 / (932.0 * 86_400.0)
    assert made == pytest.approx(0.83, rel=0.10)


@cache
def syr(name: str, variant: str = "") -> xr.Dataset:
    ds = watersim.run(watersim.load(SCENARIOS / f"{name}.yaml", variant or None))
    assert ds.attrs["closure_residual"] <= 1e-12
    assert ds.attrs["exact_fallbacks"] == 0
    return ds.isel(realization=0)


@pytest.mark.parametrize(("name", "variant"), RUNS)
def test_every_syr_darya_run_closes_and_stays_within_its_lakes(name: str, variant: str) -> None:
    ds = syr(name, variant)
    storage = ds["storage"]
    nodes = described(name, variant)
    for lake in storage["reservoir"].values:
        most = float(storage.sel(reservoir=lake).max())
        assert 0.0 <= most <= nodes[str(lake)].capacity * (1 + 1e-12)
    assert float(storage.sel(reservoir="toktogul").min()) >= 5.5e9 * (1 - 1e-9)


def volume(ds: xr.Dataset, flow: xr.DataArray, months: Any = range(1, 13)) -> float:
    """km3 a year in those months."""
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    within = flow.time.dt.month.isin(list(months)).values
    return float((flow.values * seconds)[within].sum() / 1e9 / (seconds.sum() / 31_557_600))


WINTER = (10, 11, 12, 1, 2, 3)


def test_the_observed_mixture_releases_in_winter_and_the_rule_of_1984_in_summer() -> None:
    for variant, share in (("observed_mixture", 0.63), ("irrigation_1984", 0.25)):
        ds = syr("regimes", variant)
        release = ds["outflow"].sel(node="toktogul")
        assert volume(ds, release, WINTER) / volume(ds, release) == pytest.approx(share, abs=0.02)
    short = syr("regimes", "irrigation_1984")["grid_energy_deficit"]
    assert float(short.sum()) / 3.6e12 / 10 == pytest.approx(2700, rel=0.1)


def test_under_the_rule_of_1984_only_a_full_lake_gives_the_winter_more_than_a_quarter() -> None:
    ds = syr("regimes", "irrigation_1984")
    release = ds["outflow"].sel(node="toktogul").values
    storage = ds["storage"].sel(reservoir="toktogul").values
    full = storage > described("regimes")["toktogul"].capacity * (1 - 1e-9)
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    years = (release * seconds)[3:111].reshape(9, 12)  # from April to March
    share = years[:, :6].sum(axis=1) / years.sum(axis=1)
    kept = ~full[3:111].reshape(9, 12)[:, 6:].any(axis=1)
    assert kept.any() and not kept.all()
    assert np.all(share[kept] >= 0.75 - 1e-9)
    winter = ds["time"].dt.month.isin(WINTER).values & ~full
    assert release[winter].max() <= 180.0 * (1 + 1e-9)


def test_the_energy_regime_gives_the_winter_what_power_asks_for_and_no_more() -> None:
    ds = syr("regimes")
    release = ds["outflow"].sel(node="toktogul")
    winter = release[release.time.dt.month.isin(WINTER)].values
    asked = ds["release_target"].sel(policy="toktogul_rule")
    asked = asked[asked.time.dt.month.isin(WINTER)].values
    np.testing.assert_allclose(winter, asked, rtol=1e-9)
    assert float(ds["rationing"].min()) < 1.0  # one winter would have ended below the reserve
    assert float(ds["grid_energy_deficit"].sum()) / 3.6e12 / 10 < 150.0


def test_with_the_observed_releases_the_lakes_below_receive_what_was_observed() -> None:
    """The calibration: four dams release as they did in 2001–2005, the fields take the rest."""
    table = {"file": str(DATA / "operation.csv")}
    forced: dict[str, Any] = {"time.end": "2005-12-31", "nodes.toktogul.capacity": "19600 hm3"}
    for name in ("toktogul", "andijan", "charvak", "kairakkum"):
        flow = table | {"column": f"{name}_release_m3s"}
        last = 6 if name == "kairakkum" else 1  # it cannot: its balance does not close
        forced[f"nodes.{name}.minimum_release"] = {"flow": flow, "priority": last}
        forced[f"nodes.{name}.outlet_capacity"] = flow
    scenario = watersim.load(SCENARIOS / "baseline.yaml")
    ds = watersim.run(scenario.with_(forced)).isel(realization=0)
    assert float(ds["release"].sel(reservoir="toktogul").mean()) == pytest.approx(434.0, abs=1.0)
    for name, correlation in (("kairakkum", 0.7), ("shardara", 0.8)):
        seen = column("inflow.csv", f"{name}_observed_m3s")[:60]
        model = ds["inflow"].sel(node=name).values
        assert model.mean() == pytest.approx(seen.mean(), rel=0.06)
        assert np.corrcoef(seen, model)[0, 1] > correlation
    storage = ds["storage"].sel(reservoir="toktogul").values / 1e6
    seen = column("operation.csv", "toktogul_storage_end_hm3")
    assert np.sqrt(((storage - seen) ** 2).mean()) < 300.0


@pytest.mark.parametrize("step", ["decade", "day"])
def test_shorter_steps_run_from_the_same_files(step: str) -> None:
    scenario = watersim.load(SCENARIOS / "baseline.yaml")
    short = watersim.run(scenario.with_({"time.step": step, "time.end": "2002-12-31"}))
    months = syr("baseline").isel(time=slice(0, 24))
    assert short.attrs["closure_residual"] <= 1e-12
    ends = short["storage"].sel(reservoir="toktogul").isel(realization=0, time=-1)
    same = months["storage"].sel(reservoir="toktogul").isel(time=-1)
    assert float(ends) == pytest.approx(float(same), rel=0.03)


@pytest.mark.parametrize("step", ["decade", "day"])
def test_the_fields_of_kyzylorda_get_what_they_order_from_shardara(step: str) -> None:
    scenario = watersim.load(SCENARIOS / "baseline.yaml")
    end = {"decade": "2010-12-31", "day": "2002-12-31"}[step]
    ds = watersim.run(scenario.with_({"time.step": step, "time.end": end})).isel(realization=0)
    reaches = dict(zip(ds["reach"].values, ds["reach_ordered"].values, strict=True))
    assert reaches["arys_mouth > tyumen_aryk"] == 1.0
    fields = ds.sel(site="kyzylorda_fields")
    assert volume(ds, fields["supply"]) >= 0.99 * volume(ds, fields["requirement"])


def test_a_run_beyond_the_tables_is_refused() -> None:
    scenario = watersim.load(SCENARIOS / "baseline.yaml")
    with pytest.raises(InputError, match="has no value for 2011-01-01"):
        watersim.run(scenario.with_({"time.end": "2011-12-31"}))


def test_kambarata_makes_about_what_is_published_and_spares_import() -> None:
    energy = syr("kambarata")["energy"].sel(plant="kambarata_1_plant")
    assert float(energy.sum()) / 3.6e12 / 10 == pytest.approx(5600, rel=0.1)
    deficit = [float(syr("kambarata", v)["grid_energy_deficit"].sum()) for v in ("", "without")]
    assert deficit[0] < 0.3 * deficit[1]


def test_kambarata_fills_by_its_schedule_and_lets_its_minimum_pass() -> None:
    ds = syr("kambarata", "filling")
    stored = ds["storage"].sel(reservoir="kambarata_1").values / 1e6
    filled = column("kambarata_1_filling.csv", "filled_hm3")
    inactive = column("kambarata_1_filling.csv", "inactive_hm3")
    np.testing.assert_array_equal(inactive, np.minimum(filled, 2530.0))
    assert np.all(stored <= filled + 1e-6)
    np.testing.assert_allclose(stored[:34], filled[:34])  # until what is kept before power is there
    assert np.all(stored[34:] >= 2530.0 - 1e-6)
    assert ds["outflow"].sel(node="kambarata_1").values.min() >= 60.0 - 1e-9


def test_koksarai_and_the_dykes_keep_water_from_arnasay() -> None:
    end = [float(syr("baseline", v)["storage"].sel(reservoir="arnasay")[-1]) for v in
           ("", "koksarai")]  # fmt: skip
    assert end[1] < end[0] - 5e9


@pytest.mark.parametrize("variant", ["", "dry_year", "half_at_the_border", "more_land"])
def test_every_karkyra_run_closes(variant: str) -> None:
    scenario = watersim.load(ROOT / "scenarios/karkyra/shared_river.yaml", variant or None)
    ds = watersim.run(scenario).isel(realization=0)
    assert ds.attrs["closure_residual"] <= 1e-12
    assert ds.attrs["exact_fallbacks"] == 0
    kazakh = ds.sel(site="karkyra_fields_kz")
    assert float(kazakh["deficit"].sum()) <= 1e-9 * float(kazakh["requirement"].sum())
    if not variant:
        assert volume(ds, ds["runoff"].sel(catchment="karkyra")) == pytest.approx(0.356, abs=0.002)
