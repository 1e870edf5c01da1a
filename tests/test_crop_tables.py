"""The crops of the basins against the table that says where their coefficients come from."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import watersim
from watersim.crops.crop import Crop
from watersim.yaml_source import read_yaml

# FAO-56 (1998), compared with its text: Table 12 (rice at the start: Table 14, arid, moderate wind; alfalfa
# averaged over cuttings; apples without cover, killing frost; tomatoes), Table 17, Table 12, Table 22, Table 24
FAO_56: dict[str, tuple[tuple[float, float], ...]] = {
    #            Kc initial   mid           end           Kcb initial  mid          end
    "cotton":     ((0.35, 0.35), (1.15, 1.20), (0.50, 0.70), (0.15, 0.15), (1.10, 1.15), (0.40, 0.50),
                   (1.2, 1.5), (1.0, 1.7), (0.65, 0.65), (0.85, 0.85)),
    "wheat":      ((0.40, 0.40), (1.15, 1.15), (0.25, 0.40), (0.15, 0.50), (1.10, 1.10), (0.15, 0.30),
                   (1.0, 1.0), (1.5, 1.8), (0.55, 0.55), (1.05, 1.05)),
    "rice":       ((1.15, 1.15), (1.20, 1.20), (0.60, 0.90), (1.00, 1.00), (1.15, 1.15), (0.45, 0.70),
                   (1.0, 1.0), (0.5, 1.0), (0.20, 0.20)),
    "sugar_beet": ((0.35, 0.35), (1.20, 1.20), (0.70, 1.00), (0.15, 0.15), (1.15, 1.15), (0.50, 0.90),
                   (0.5, 0.5), (0.7, 1.2), (0.55, 0.55), (1.00, 1.00)),
    "maize":      ((0.30, 0.30), (1.20, 1.20), (0.35, 0.60), (0.15, 0.15), (1.15, 1.15), (0.15, 0.50),
                   (2.0, 2.0), (1.0, 1.7), (0.55, 0.55), (1.25, 1.25)),
    "alfalfa":    ((0.40, 0.40), (0.95, 0.95), (0.90, 0.90), (0.30, 0.30), (0.90, 0.90), (0.85, 0.85),
                   (0.7, 0.7), (1.0, 2.0), (0.55, 0.55), (1.10, 1.10)),
    "vegetables": ((0.60, 0.60), (1.15, 1.15), (0.70, 0.90), (0.15, 0.15), (1.10, 1.10), (0.60, 0.80),
                   (0.6, 0.6), (0.7, 1.5), (0.40, 0.40), (1.05, 1.05)),
    "orchards":   ((0.45, 0.45), (0.95, 0.95), (0.70, 0.70), (0.35, 0.35), (0.90, 0.90), (0.65, 0.65),
                   (4.0, 4.0), (1.0, 2.0), (0.50, 0.50)),
    "beans":      ((0.40, 0.40), (1.15, 1.15), (0.35, 0.35), (0.15, 0.15), (1.10, 1.10), (0.25, 0.25),
                   (0.4, 0.4), (0.6, 0.9), (0.45, 0.45), (1.15, 1.15)),
}  # fmt: skip
COLUMNS = ("kc_initial", "kc_mid", "kc_end", "kcb_initial", "kcb_mid", "kcb_end", "height_m",
           "root_depth_m", "depletion_fraction", "yield_response_factor")  # fmt: skip
# Table 11, the nearest climate; those of wheat, rice and alfalfa are fitted to the seasons of the region
STAGES = {
    "cotton": (30, 50, 55, 45), "sugar_beet": (50, 40, 50, 40), "maize": (30, 40, 50, 30),
    "vegetables": (30, 40, 40, 25), "orchards": (20, 70, 90, 30), "beans": (20, 30, 40, 20),
}  # fmt: skip

DATA = Path(__file__).resolve().parents[1] / "data"
SCENARIOS = DATA.parent / "scenarios"
BASINS = ("chu", "syr_darya", "talas")


def table() -> dict[str, dict[str, float]]:
    lines = [line for line in (DATA / "crops.csv").read_text("utf-8").splitlines()
             if not line.startswith("#")]  # fmt: skip
    return {
        row.pop("crop"): {key: float(value) for key, value in row.items() if value}
        for row in csv.DictReader(lines)
    }


def crops() -> list[tuple[str, str, Any]]:
    return [
        (basin, name, given)
        for basin in BASINS
        for name, given in read_yaml(DATA / basin / "basin.yaml", DATA, basin).data["crops"].items()
    ]


@pytest.mark.parametrize(("basin", "name", "given"), crops(), ids=lambda value: str(value)[:20])
def test_a_crop_has_the_coefficients_of_the_table(basin: str, name: str, given: Any) -> None:
    crop, row = Crop.model_validate(given), table()[name]
    found = crop.coefficients()
    assert [found.initial, found.mid, found.end] == [
        row["kc_initial"], row["kc_mid"], row["kc_end"]
    ]  # fmt: skip
    assert crop.stages.lengths() == tuple(
        row[f"stage_{stage}_days"] for stage in ("initial", "development", "mid", "late")
    )
    assert [crop.height, crop.root_depth, crop.depletion_fraction] == [
        row["height_m"], row["root_depth_m"], row["depletion_fraction"]
    ]  # fmt: skip
    given_factor = crop.yield_response.factor if crop.yield_response else None
    assert given_factor == row.get("yield_response_factor")
    assert not list(crop.problems())


@pytest.mark.parametrize("name", sorted(table()))
def test_a_row_of_the_table_lies_in_the_ranges_of_fao_56(name: str) -> None:
    row = table()[name]
    for column, (least, most) in zip(COLUMNS, FAO_56[name], strict=False):
        assert least <= row[column] <= most, column
    stages = tuple(
        row[f"stage_{stage}_days"] for stage in ("initial", "development", "mid", "late")
    )
    assert stages == STAGES.get(name, stages)
    assert len(FAO_56[name]) == 10 or name in ("rice", "orchards")  # of which it has no Ky


def test_a_basal_coefficient_lies_below_the_single_one() -> None:
    for name, row in table().items():
        for stage in ("initial", "mid", "end"):
            assert row[f"kcb_{stage}"] < row[f"kc_{stage}"], name


def climates(basin: str) -> Any:
    return read_yaml(DATA / basin / "basin.yaml", DATA, basin).data["climates"]


def test_talas_is_the_station_brought_down_to_the_land_below_the_dam() -> None:
    """Observed at 1 280 m; 6.5 °C a km to 840 m are 2.86 °C. Rain as observed."""
    low = [-11.3, -9.4, -2.8, 3.5, 7.7, 11.2, 12.8, 10.8, 6.2, 1.4, -3.0, -7.5]
    high = [1.8, 2.7, 8.7, 16.4, 21.1, 25.9, 28.1, 26.9, 22.4, 15.8, 9.6, 4.5]
    talas = climates("talas")["talas"]
    assert talas["elevation"] == "840 m"
    for key, observed in (("minimum_temperature", low), ("maximum_temperature", high)):
        down = np.array(observed) + 0.0065 * (1280.0 - 840.0)
        assert talas[key]["monthly"] == pytest.approx(down, abs=0.05)
    assert sum(talas["rain"]["monthly"]) == 325


def test_bishkek_has_the_published_means_of_the_day() -> None:
    bishkek = climates("chu")["bishkek"]
    both = [bishkek[f"{key}_temperature"]["monthly"] for key in ("minimum", "maximum")]
    means = np.mean(both, axis=0)
    published = {0: -2.7, 3: 12.8, 4: 17.8, 5: 22.9, 6: 25.5, 10: 4.7}
    assert means[list(published)] == pytest.approx(list(published.values()))


def asked(path: str, **changes: Any) -> Any:
    """Requirement of a year with water enough, m3 per ha grown, by site; the last year of the run."""
    ds = watersim.run(watersim.load(SCENARIOS / path).with_(changes)).isel(realization=0)
    seconds = (ds.time_bounds[:, 1] - ds.time_bounds[:, 0]) / np.timedelta64(1, "s")
    last = ds.time.dt.year == ds.time.dt.year[-1]
    grown = ds.crop_area.groupby("crop_site").sum().rename(crop_site="site") / 1e4
    volume = (ds.requirement * seconds * last).sum("time")
    return (volume / grown).dropna("site")


def test_talas_asks_for_the_norms_where_water_does_not_lack() -> None:
    """8 000 m3/ha on the fields of Kazakhstan, 6 000 of Kyrgyzstan; 87.5 % of the gate arrive there."""
    found = asked("talas/crops.yaml", **{"nodes.upper_talas.runoff.factor": 8.0}) * 0.875
    assert float(found.sel(site="zhambyl")) == pytest.approx(8000.0, rel=0.05)
    assert float(found.sel(site="talas_oblast")) == pytest.approx(6000.0, rel=0.10)


@pytest.mark.slow
def test_kyzylorda_asks_for_what_the_gauges_say_it_took() -> None:
    """25 000 m3/ha from the difference of two gauges."""
    found = asked("syr_darya/crops.yaml")
    assert float(found.sel(site="kyzylorda_fields")) == pytest.approx(24_650.0, rel=0.12)


@pytest.mark.slow
def test_the_chu_asks_for_the_norms_where_water_does_not_lack() -> None:
    """6 000 and 8 000 m3/ha on the fields; 69.7 % of the gate arrive there."""
    found = asked("chu/crops.yaml") * 0.697
    assert float(found.sel(site="kemin_fields")) == pytest.approx(6000.0, rel=0.10)
    assert float(found.sel(site="shu_fields")) == pytest.approx(8000.0, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("basin", BASINS)
def test_a_warmer_climate_asks_for_more_and_brings_less(basin: str) -> None:
    base, warm = (
        watersim.run(watersim.load(SCENARIOS / basin / "crops.yaml", variant))
        for variant in (None, "warm_2050")
    )
    for ds in (base, warm):
        assert ds.attrs["closure_residual"] < 1e-12
    own = base.reference_evapotranspiration.notnull().all(("time", "realization"))
    assert bool((warm.crop_evapotranspiration.sum("time") > base.crop_evapotranspiration.sum("time"))
                .all())  # fmt: skip
    assert float(warm.requirement.where(own).sum()) > float(base.requirement.where(own).sum())
    assert float(warm.runoff.sum()) < float(base.runoff.sum())
