"""Cropland: requirement, balance and memory of a site with crops, by hand and by property."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from basins import Basin

from watersim.crops.budget import monthly_budget
from watersim.errors import InputError
from watersim.harvest import harvest
from watersim.metrics import metrics
from watersim.netcdf import save
from watersim.simulation import run
from watersim.summary import text

CLIMATE = """
climates:
  plain:
    latitude: 43
    elevation: 600 m
    minimum_temperature: {monthly: [-8, -7, -1, 6, 10, 15, 17, 15, 9, 3, -2, -6], unit: degC}
    maximum_temperature: {monthly: [2, 4, 11, 19, 25, 30, 33, 32, 26, 17, 10, 4], unit: degC}
    humidity: {monthly: [73, 72, 68, 57, 52, 43, 40, 39, 43, 56, 68, 74], unit: '%'}
    wind: 2 m/s
    sunshine: {monthly: [4, 5, 6, 8, 9, 11, 11, 11, 9, 7, 5, 4], unit: hours}
    rain: {monthly: [24, 27, 36, 48, 38, 23, 12, 7, 9, 27, 33, 27], unit: mm/month}
"""
MAIZE = """
crops:
  maize:
    season: {from: 05-01, to: 09-17}
    stages: {initial: 25 days, development: 40 days, mid: 45 days, late: 30 days}
    coefficient: {initial: 0.3, mid: 1.2, end: 0.6, off_season: 0.3}
    height: 2 m
    root_depth: 1.2 m
    depletion_fraction: 0.55
    yield_response: {factor: 1.25, potential: 8 t/ha, price: 200 USD/t}
"""
NODES = """
nodes:
  hills: {kind: catchment, runoff: 30 m3/s}
  bend: {kind: junction}
  land:
    kind: cropland
    at: bend
    priority: 1
    area: 10000 ha
    climate: plain
    soil: {field_capacity: 30 %, wilting_point: 15 %, initial_depletion: 20 %}
    technique: {efficiency: 60 %, irrigate_at: 50 %, refill_to: 50 %}
    effective_rain: {method: fraction, fraction: 80 %}
    return_flow: {fraction: 20 %, to: sea}
    crops: [{crop: maize, area: 8000 ha}]
  sea: {kind: terminal}
rivers: [hills > bend > sea]
"""
TEXT = CLIMATE + MAIZE + NODES
DIGEST = """
import sys, hashlib, numpy as np, watersim
ds = watersim.run(watersim.load(sys.argv[1]))
digest = hashlib.sha256()
for name in ("depletion", "surface_depletion", "supply", "percolation", "soil_storage"):
    digest.update(np.ascontiguousarray(ds[name].values).tobytes())
print(digest.hexdigest())
"""
TWO_YEARS = ("2001-01-01", "2002-12-31", "month")


def volume(ds: xr.Dataset, name: str) -> float:
    """Of the whole run, m3 (or m of a depth)."""
    seconds = (ds.time_bounds[:, 1] - ds.time_bounds[:, 0]) / np.timedelta64(1, "s")
    return float((ds[name].isel(realization=0) * seconds).sum())


def test_the_gate_asks_for_the_depth_on_the_field_over_the_efficiency(basin: Basin) -> None:
    ds = basin.run(TEXT, TWO_YEARS)
    gate = ds.requirement.isel(site=0)
    assert gate.values == pytest.approx(ds.crop_requirement.isel(crop=0).values * 8e7 / 0.6)
    assert volume(ds, "return_flow") == pytest.approx(0.2 * volume(ds, "supply"))


def test_what_enters_a_site_leaves_it_or_stays_in_its_soil(basin: Basin) -> None:
    """The ledger by hand; `Basin.run` has closed it step by step already."""
    ds = basin.run(TEXT.replace("runoff: 30", "runoff: 6"), TWO_YEARS)
    enters = volume(ds, "supply") + volume(ds, "effective_rain")
    leaves = sum(volume(ds, name) for name in ("return_flow", "consumption", "percolation"))
    grown = float(ds.soil_storage[0, -1, 0] - ds.initial_soil_storage[0, 0])
    assert enters - leaves == pytest.approx(grown, abs=10.0)
    used = volume(ds, "actual_evapotranspiration") * 8e7
    lost = (1.0 - 0.6 - 0.2) * volume(ds, "supply")
    assert volume(ds, "consumption") == pytest.approx(used + lost)
    stored = ds.soil_storage[0, :, 0] / 8e7 + ds.depletion[0, :, 0]
    assert stored.values == pytest.approx(0.15 * 1.2)


def test_rain_on_the_field_is_no_inflow_and_counts_in_no_river(basin: Basin) -> None:
    ds = basin.run(TEXT, TWO_YEARS)
    assert volume(ds, "effective_rain") == pytest.approx(0.8 * 0.311 * 2 * 8e7)
    assert ds.inflow.sel(node="land").values == pytest.approx(ds.supply.isel(site=0).values)
    rainless = basin.run(
        TEXT.replace("fraction: 80 %}\n    ret", "fraction: 0 %}\n    ret"), TWO_YEARS
    )
    assert volume(rainless, "effective_rain") == 0.0
    assert volume(rainless, "supply") > volume(ds, "supply")


def test_a_dry_july_is_partly_asked_for_in_august_and_partly_lost(basin: Basin) -> None:
    """The river fails in July only. August asks for more than it would, by less than July lacked."""
    months = "[30, 30, 30, 30, 30, 30, 0, 30, 30, 30, 30, 30]"
    dry_text = TEXT.replace("runoff: 30 m3/s", f"runoff: {{monthly: {months}, unit: m3/s}}")
    full, dry = basin.run(TEXT, TWO_YEARS), basin.run(dry_text, TWO_YEARS)
    seconds = 31 * 86_400.0
    lacked = float(dry.deficit[0, 6, 0]) * seconds
    more = float(dry.requirement[0, 7, 0] - full.requirement[0, 7, 0]) * seconds
    assert lacked > 1e6
    assert 0.2 * lacked < more < lacked
    assert float(dry.actual_evapotranspiration[0, 6, 0]) < float(
        dry.crop_evapotranspiration[0, 6, 0]
    )
    less = volume(full, "actual_evapotranspiration") - volume(dry, "actual_evapotranspiration")
    kept = volume(full, "crop_supply") - volume(dry, "crop_supply")
    assert less > 0.0
    assert kept == pytest.approx(less, rel=0.15)  # what was never given again is what was not used


def test_a_run_by_month_asks_for_what_runs_by_decade_and_by_day_ask(basin: Basin) -> None:
    """Coefficients are means of a step and rain is even in it: within 3 % of the year."""
    found = [
        volume(basin.run(TEXT, (*TWO_YEARS[:2], step)), "requirement")
        for step in ("day", "decade", "month")
    ]
    assert found == pytest.approx([found[0]] * 3, rel=0.03)


def test_a_budget_by_month_on_paper_comes_near(basin: Basin) -> None:
    ds = basin.run(TEXT, TWO_YEARS).isel(realization=0, crop=0, site=0)
    seconds = np.diff(ds.time_bounds.values, axis=1)[:, 0] / np.timedelta64(1, "s")
    budget = monthly_budget(
        ds.crop_evapotranspiration.values * seconds, ds.effective_rain.values * seconds / 8e7,
        available=0.18, target=0.5 * 0.55 * 0.18, initial=0.2 * 0.18,
        growing=ds.in_season.values,
    )  # fmt: skip
    asked = ds.crop_requirement.values * seconds
    assert budget.requirement.sum() == pytest.approx(asked.sum(), rel=0.05)
    assert budget.requirement == pytest.approx(asked, abs=0.035)


def test_twice_the_area_asks_for_twice_the_water(basin: Basin) -> None:
    one = basin.run(TEXT, TWO_YEARS)
    two = basin.run(TEXT.replace("8000 ha", "4000 ha"), TWO_YEARS)
    assert one.requirement.values == pytest.approx(2.0 * two.requirement.values)


def test_two_crops_on_one_site_ask_for_what_two_sites_ask(basin: Basin) -> None:
    """And share what there is in equal cover."""
    both = TEXT.replace("area: 8000 ha}", "area: 5000 ha}, {crop: grass, area: 3000 ha}").replace(
        "nodes:", "", 1
    )
    grass = (
        "  grass: {season: {from: 04-01, to: 10-27}, stages: {initial: 10 days, development: 30 days, "
        "mid: 130 days, late: 40 days}, coefficient: {initial: 0.4, mid: 0.95, end: 0.9, "
        "off_season: 0.2}, height: 0.7 m, root_depth: 1.5 m, depletion_fraction: 0.5}\n"
    )
    both = both.replace("  hills:", grass + "nodes:\n  hills:")
    ds = basin.run(both.replace("runoff: 30", "runoff: 5"), TWO_YEARS)
    asked, given = ds.crop_requirement.values, ds.crop_supply.values
    wanted = asked > 1e-12
    both_ask = wanted.all(axis=2)
    share = np.divide(given, asked, out=np.zeros_like(given), where=wanted)
    assert share[both_ask][:, 0] == pytest.approx(share[both_ask][:, 1])
    assert (share[both_ask] < 0.999).any()
    total = (asked * np.array([5e7, 3e7])).sum(axis=2) / 0.6
    assert ds.requirement.values[:, :, 0] == pytest.approx(total)


def test_water_is_asked_for_in_the_season_only_unless_it_is_scheduled(basin: Basin) -> None:
    ds = basin.run(TEXT, TWO_YEARS)
    off = ds.in_season.values[0, :, 0] == 0.0
    assert off.any()
    assert np.all(ds.requirement.values[0, off, 0] == 0.0)
    washed = TEXT.replace(
        "area: 8000 ha}", "area: 8000 ha, scheduled: [{depth: 150 mm, from: 11-01, to: 12-15}]}"
    )
    wet = basin.run(washed, TWO_YEARS)
    winter = np.isin(wet.time.dt.month, (11, 12))
    seconds = np.diff(wet.time_bounds.values, axis=1)[:, 0] / np.timedelta64(1, "s")
    depth = (wet.crop_requirement.values[0, :, 0] * seconds)[winter].sum()
    assert depth == pytest.approx(2 * 0.150)
    assert volume(wet, "percolation") > volume(ds, "percolation")
    spring = wet.time.dt.month == 5
    assert float(wet.requirement[0, spring, 0][1]) < float(ds.requirement[0, spring, 0][1]) + 1e-9


def test_salts_ask_for_more_and_it_percolates(basin: Basin) -> None:
    """LR = 1.5 / (5 × 3 − 1.5) = 0.111: the depth for the roots over 1 − LR."""
    salty = TEXT.replace(
        "    return_flow", "    salinity: {water: 1.5 dS/m, soil: 3 dS/m}\n    return_flow"
    )
    plain, ds = basin.run(TEXT, TWO_YEARS), basin.run(salty, TWO_YEARS)
    share = 1.5 / 13.5
    assert ds.requirement.values == pytest.approx(plain.requirement.values / (1.0 - share))
    more = volume(ds, "percolation") - volume(plain, "percolation")
    assert more == pytest.approx(0.6 * volume(ds, "supply") * share)


def test_what_rises_from_the_groundwater_is_not_asked_for(basin: Basin) -> None:
    shallow = TEXT.replace("    return_flow", "    capillary_rise: 1 mm/day\n    return_flow")
    plain, ds = basin.run(TEXT, TWO_YEARS), basin.run(shallow, TWO_YEARS)
    rises = volume(ds, "capillary_rise")
    assert 0.0 < rises <= 730 * 1e-3 * 8e7
    saved = 0.6 * (volume(plain, "supply") - volume(ds, "supply"))
    seeps = volume(ds, "percolation") - volume(plain, "percolation")  # of rain that finds less room
    used = 8e7 * sum(
        sign * volume(run_, "actual_evapotranspiration") for sign, run_ in ((1, ds), (-1, plain))
    )
    stored = float(ds.soil_storage[0, -1, 0] - plain.soil_storage[0, -1, 0])
    assert saved > 0.4 * rises
    assert saved + seeps + used + stored == pytest.approx(rises)
    assert ds.inflow.sel(node="land").values == pytest.approx(ds.supply.isel(site=0).values)


def test_basal_coefficients_evaporate_more_where_all_the_ground_is_wetted(basin: Basin) -> None:
    basal = TEXT.replace("coefficient: {initial: 0.3, mid: 1.2, end: 0.6, off_season: 0.3}",
                         "basal_coefficient: {initial: 0.15, mid: 1.15, end: 0.5, off_season: 0}")  # fmt: skip
    basal = basal.replace("initial_depletion: 20 %", "initial_depletion: 20 %, "
                          "evaporating_depth: 0.1 m, readily_evaporable: 9 mm")  # fmt: skip
    found = {
        share: volume(basin.run(basal.replace("refill_to: 50 %", f"refill_to: 50 %, interval: 8 days, "
                                              f"wetted: {share} %"), TWO_YEARS), "requirement")
        for share in (100, 30)
    }  # fmt: skip
    assert found[30] < 0.97 * found[100]


def test_a_field_irrigated_at_the_edge_of_stress_gets_few_large_irrigations(basin: Basin) -> None:
    events = TEXT.replace("irrigate_at: 50 %, refill_to: 50 %", "irrigate_at: 90 %, refill_to: 0 %")
    events = events.replace("runoff: 30 m3/s", "runoff: 400 m3/s")
    ds = basin.run(events, ("2001-01-01", "2001-12-31", "day"))
    depth = ds.crop_requirement.values[0, :, 0] * 86_400.0
    given = depth[depth > 0.0]
    readily = 0.15 * 1.2 * 0.55
    assert 3 <= given.size <= 8
    assert given.min() > 0.85 * readily - 0.002
    assert volume(ds, "actual_evapotranspiration") == pytest.approx(
        volume(ds, "crop_evapotranspiration"), rel=0.01
    )


def test_a_warmer_year_asks_for_more_by_its_climate_alone(basin: Basin) -> None:
    scenario = basin.load(TEXT, TWO_YEARS)
    warm = run(scenario.with_({"climates.plain.warming": "2 degC"}))
    base = run(scenario)
    rise = warm.reference_evapotranspiration.sum() / base.reference_evapotranspiration.sum()
    assert 1.03 < float(rise) < 1.10
    assert volume(warm, "requirement") > 1.03 * volume(base, "requirement")


def test_yield_falls_with_the_evapotranspiration_of_the_season(basin: Basin) -> None:
    dry = basin.run(TEXT.replace("runoff: 30", "runoff: 4"), TWO_YEARS)
    found = harvest(dry).isel(realization=0, crop=0)
    assert found.year.values.tolist() == [2001, 2002]
    season = dry.isel(crop=0, realization=0)
    seconds = np.diff(dry.time_bounds.values, axis=1)[:, 0] / np.timedelta64(1, "s")
    weight = seconds * season.in_season.values * (season.time.dt.year.values == 2002)
    actual = (season.actual_evapotranspiration.values * weight).sum()
    full = (season.crop_evapotranspiration.values * weight).sum()
    left = 1.0 - 1.25 * (1.0 - actual / full)
    assert 0.0 < left < 0.95
    assert float(found.relative_yield.sel(year=2002)) == pytest.approx(left)
    assert float(found.production.sel(year=2002)) == pytest.approx(left * 8.0 * 8000 * 1e3)
    assert float(found.value_lost.sel(year=2002)) == pytest.approx((1 - left) * 64_000 * 200.0)
    by_site = harvest(dry, "site")
    assert by_site.production.sel(site="land").values == pytest.approx(
        harvest(dry).production.values[:, :, 0]
    )


def test_the_summary_says_what_is_harvested_and_lost(basin: Basin) -> None:
    dry = basin.run(TEXT.replace("runoff: 30", "runoff: 4"), TWO_YEARS)
    found = harvest(dry).isel(realization=0, crop=0).mean("year")
    [line] = [line for line in text(dry).splitlines() if line.startswith("  maize")]
    made, lost, share, value = (float(part) for part in line.split()[1:])
    assert made == pytest.approx(float(found.production) / 1e6, rel=1e-2)
    assert share == pytest.approx(100.0 * lost / (made + lost), rel=1e-2)
    assert value == pytest.approx(lost * 200.0 / 1e3, rel=1e-2)
    assert "Harvest of 2 years, 1000 t/yr; value lost in million USD/yr" in text(dry)


def test_a_deficit_counts_once_in_evapotranspiration_and_more_than_once_in_cover(
    basin: Basin,
) -> None:
    """A river of a third of the requirement. What was asked for is more than a run without a deficit
    would ask for; the share of evapotranspiration does not see that, and the summary says so."""
    dry, wet = (basin.run(TEXT.replace("runoff: 30", f"runoff: {flow}"), TWO_YEARS)
                for flow in (4, 30))  # fmt: skip
    assert volume(dry, "requirement") > 1.1 * volume(wet, "requirement")
    found = metrics(dry).isel(realization=0)
    cover = float(found.site_cover.sel(site="land"))
    once = volume(dry, "supply") / volume(wet, "requirement")
    reached = float(found.crop_evapotranspiration_ratio.sel(crop="land.maize"))
    assert cover < once < reached < 1.0
    used = [
        volume(dry.assign({name: dry[name] * dry.in_season}), name)
        for name in ("actual_evapotranspiration", "crop_evapotranspiration")
    ]
    assert reached == pytest.approx(used[0] / used[1])
    said = text(dry)
    [line] = [line for line in said.splitlines() if line.startswith("no party    ")]
    assert float(line.split()[-1]) == pytest.approx(100.0 * reached, abs=0.06)
    assert "counts a deficit" in said
    assert "counts a deficit" not in text(wet)


def test_a_crop_without_a_price_or_a_whole_season_is_left_open(basin: Basin) -> None:
    both = (
        TEXT.replace(", price: 200 USD/t", "")
        .replace(
            "nodes:",
            "  late: {season: {from: 05-16, to: 10-02}, stages: {initial: 25 days, development: 40 days, "
            "mid: 45 days, late: 30 days}, coefficient: {initial: 0.3, mid: 1.2, end: 0.6, "
            "off_season: 0.3}, height: 2 m, root_depth: 1.2 m, depletion_fraction: 0.55, "
            "yield_response: {factor: 1, potential: 5 t/ha}}\nnodes:",
        )
        .replace("area: 8000 ha}", "area: 7000 ha}, {crop: late, area: 1000 ha}")
    )
    ds = basin.run(both, ("2001-01-01", "2001-09-30", "month"))
    found = harvest(ds)
    assert np.isnan(found["yield"].sel(crop="land.late").values).all()
    assert np.isnan(found.value_lost.values).all()
    assert np.isfinite(found.production.sel(crop="land.maize").values).all()
    [line] = [line for line in text(ds).splitlines() if line.startswith("  maize")]
    assert line.endswith("–")


def test_compiled_and_plain_give_the_same_bits(basin: Basin) -> None:
    basal = TEXT.replace("coefficient: {initial: 0.3, mid: 1.2, end: 0.6, off_season: 0.3}",
                         "basal_coefficient: {initial: 0.15, mid: 1.15, end: 0.5, off_season: 0}")  # fmt: skip
    basal = basal.replace("initial_depletion: 20 %", "initial_depletion: 20 %, "
                          "evaporating_depth: 0.1 m, readily_evaporable: 9 mm")  # fmt: skip
    basal = basal.replace("refill_to: 50 %", "refill_to: 20 %, interval: 8 days, wetted: 70 %")
    path = basin.write(basal.replace("runoff: 30", "runoff: 5"), TWO_YEARS)
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST, str(path)], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_DISABLE_JIT": off},
        ).stdout.strip()
        for off in ("0", "1")
    }  # fmt: skip
    assert len(digests) == 1


def test_a_saved_run_with_crops_conforms_to_cf(basin: Basin, tmp_path: Path) -> None:
    from compliance_checker.runner import CheckSuite, ComplianceChecker

    path, report = save(basin.run(TEXT, TWO_YEARS), tmp_path / "run.nc"), tmp_path / "report.json"
    CheckSuite.load_all_available_checkers()
    ComplianceChecker.run_checker(
        str(path), ["cf:1.11"], 0, "normal", output_filename=str(report), output_format="json"
    )
    found = json.loads(report.read_text())["cf:1.11"]
    wrong = [
        message
        for level in ("high_priorities", "medium_priorities")
        for check in found[level]
        if not check["name"].startswith("§2.4")
        for message in check["msgs"]
    ]
    assert wrong == []


def test_a_season_that_the_run_cuts_has_no_yield(basin: Basin) -> None:
    ds = basin.run(TEXT, ("2001-06-01", "2002-12-31", "month"))
    assert harvest(ds).year.values.tolist() == [2002]


def test_a_run_without_crops_has_no_harvest(basin: Basin) -> None:
    plain = "nodes:\n  hills: {kind: catchment, runoff: 3 m3/s}\n  sea: {kind: terminal}\n"
    ds = basin.run(plain + "rivers: [hills > sea]\n", TWO_YEARS)
    with pytest.raises(ValueError, match="no crops with a yield"):
        harvest(ds)


def test_a_winter_crop_is_harvested_in_the_year_after_it_is_sown(basin: Basin) -> None:
    winter = TEXT.replace("{from: 05-01, to: 09-17}", "{from: 10-01, to: 06-30}").replace(
        "initial: 25 days", "initial: 158 days"
    )
    ds = basin.run(winter, ("2001-01-01", "2003-12-31", "month"))
    assert harvest(ds).year.values.tolist() == [2002, 2003]


def test_a_run_split_in_two_has_the_same_bits(basin: Basin, tmp_path: Path) -> None:
    dry = TEXT.replace("runoff: 30", "runoff: 5")
    whole = basin.run(dry, TWO_YEARS, name="whole")
    first = basin.run(dry, ("2001-01-01", "2001-12-31", "month"), name="first")
    save(first, basin.folder / "scenarios" / "first.nc")
    second = basin.run(
        dry, ("2002-01-01", "2002-12-31", "month"), name="second",
        more="initial: {from: first.nc, at: 2001-12-31}",
    )  # fmt: skip
    for name in ("depletion", "supply", "soil_storage", "requirement", "percolation"):
        assert np.array_equal(second[name].values, whole[name].values[:, 12:]), name


def test_evapotranspiration_and_rain_can_be_given_in_python(basin: Basin) -> None:
    """Realizations of the weather go side by side, with the bits of one alone."""
    scenario = basin.load(TEXT, TWO_YEARS)
    base = run(scenario)
    et0 = base.reference_evapotranspiration.isel(realization=0, site=0).values
    many = np.stack([et0, 1.2 * et0, 0.8 * et0])
    forcing = xr.Dataset(
        {"land.reference_evapotranspiration": (("realization", "time"), many)},
        {"time": base.time.values},
    )
    ds = basin.check(run(scenario, realizations=3, forcing=forcing))
    assert np.array_equal(ds.requirement.values[0], base.requirement.values[0])
    assert ds.requirement.values[1].sum() > ds.requirement.values[0].sum()
    assert ds.requirement.values[2].sum() < ds.requirement.values[0].sum()


def test_beside_a_given_requirement_what_crops_report_is_missing_or_0(basin: Basin) -> None:
    mixed = TEXT.replace(
        "  sea:", "  farm: {kind: irrigation, at: bend, priority: 1, requirement: 1 m3/s}\n  sea:"
    )
    ds = run(basin.load(mixed, TWO_YEARS))
    assert ds.attrs["closure_residual"] < 1e-12
    farm = ds.sel(site="farm")
    assert np.all(np.isnan(farm.reference_evapotranspiration.values))
    assert np.all(farm.effective_rain.values == 0.0)
    assert np.all(farm.soil_storage.values == 0.0)
    assert list(ds.crop.values) == ["land.maize"]


def test_a_formula_of_months_is_refused_in_a_run_of_days(basin: Basin) -> None:
    by_formula = TEXT.replace("method: fraction, fraction: 80 %", "method: usda")
    with pytest.raises(InputError) as refused:
        basin.load(by_formula, ("2001-01-01", "2001-12-31", "day"))
    assert "land.effective_rain.method: is a formula for months and decades" in str(refused.value)
    basin.load(by_formula, ("2001-01-01", "2001-12-31", "decade"))


def test_a_climate_of_dated_days_is_read_by_its_steps(basin: Basin) -> None:
    days = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    lines = "\n".join(f"{day},{5 + k % 7},{20 + k % 5},{k % 3}" for k, day in enumerate(days))
    table = "date,low_degC,high_degC,rain_mm\n" + lines + "\n"
    text = TEXT
    for key, column in (("minimum_temperature", "low_degC"), ("maximum_temperature", "high_degC"),
                        ("rain", "rain_mm")):  # fmt: skip
        start = text.index(f"{key}: {{monthly")
        text = (
            text[:start]
            + f"{key}: {{file: weather.csv, column: {column}}}"
            + text[text.index("\n", start) :]
        )
    ds = basin.run(text, ("2001-01-01", "2001-12-31", "month"), tables={"weather.csv": table})
    assert volume(ds, "effective_rain") == pytest.approx(0.8 * 8e7 * 0.364)


def test_hargreaves_needs_temperatures_alone(basin: Basin) -> None:
    lines = [line for line in TEXT.splitlines()
             if not line.strip().startswith(("humidity", "wind", "sunshine"))]  # fmt: skip
    text = "\n".join(lines).replace("elevation: 600 m", "elevation: 600 m\n    method: hargreaves")
    ds, other = basin.run(text, TWO_YEARS), basin.run(TEXT, TWO_YEARS)
    ratio = volume(ds, "requirement") / volume(other, "requirement")
    assert 0.7 < ratio < 1.3


@pytest.mark.parametrize("where", ["climates.plain.wind", "crops.maize.height"])
def test_a_change_of_a_definition_reaches_who_names_it(basin: Basin, where: str) -> None:
    scenario = basin.load(TEXT, TWO_YEARS)
    value: Any = {"climates.plain.wind": "4 m/s", "crops.maize.height": "1 m"}[where]
    changed = scenario.with_({where: value})
    assert run(changed).requirement.sum() != run(scenario).requirement.sum()
