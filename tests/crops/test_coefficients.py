"""Crop coefficients against the worked examples of FAO-56; numbers compared with the text of 1998."""

from __future__ import annotations

import numpy as np
import pytest

from watersim.crops.coefficients import (
    climate_change,
    cover,
    height_factor,
    largest_coefficient,
    stage_curve,
)


@pytest.mark.parametrize(("day", "printed"), [(20, 0.15), (40, 0.77), (70, 1.19), (95, 0.56)])
def test_example_28_dry_beans_at_four_days(day: int, printed: float) -> None:
    """Stages of 25, 25, 30 and 20 days; 0.15, 1.19 and 0.35."""
    found = stage_curve(day, (25, 25, 30, 20), 0.15, 1.19, 0.35)
    assert found == pytest.approx(printed, abs=0.005)


@pytest.mark.parametrize(("day", "printed"), [(12, 0.15), (37, 0.63), (65, 1.14), (90, 0.70)])
def test_examples_29_and_30_basal_coefficients_of_dry_beans(day: int, printed: float) -> None:
    """0.15, 1.10 and 0.25 of the table; 2.2 m/s, 30 %, 0.4 m high. The end is below 0.45: as it is."""
    mid = 1.10 + climate_change(2.2, 30.0) * height_factor(0.4)
    assert mid == pytest.approx(1.14, abs=0.005)
    found = stage_curve(day, (25, 25, 30, 20), 0.15, 1.14, 0.25)
    assert found == pytest.approx(printed, abs=0.0051)


def test_box_15_and_figure_36_dry_beans_by_decade() -> None:
    """Planted on 23 May, drawn from 21 May: the curve of Example 28 averaged over ten decades."""
    mid = 1.15 + climate_change(2.2, 30.0) * height_factor(0.4)
    assert mid == pytest.approx(1.19, abs=0.005)
    day = np.arange(0.5, 100.0)
    curve = stage_curve(day, (25, 25, 30, 20), 0.15, 1.19, 0.35)
    printed = [0.15, 0.15, 0.20, 0.57, 0.98, 1.19, 1.19, 1.19, 0.98, 0.56]
    assert curve.reshape(10, 10).mean(axis=1) == pytest.approx(printed, abs=0.006)


def test_box_14_wheat_by_climate() -> None:
    """Kc mid of wheat 1 m high, from humid and calm to arid and windy; printed in steps of 0.01 to 0.05.

    The box names climates, not humidities: 30, 45 and 80 %, semi-arid, sub-humid and very humid, are
    those of Table 16.
    """
    printed = {30.0: (1.17, 1.20, 1.25), 45.0: (1.12, 1.15, 1.20), 80.0: (1.02, 1.05, 1.10)}
    for humidity, row in printed.items():
        found = 1.15 + climate_change(np.array([1.0, 2.0, 4.0]), humidity) * height_factor(1.0)
        assert found == pytest.approx(row, abs=0.01), humidity


def test_example_32_cotton_just_sprinkled() -> None:
    """Kcb 0.9, 1 m high, 3 m/s, 20 %: Kc max 1.30 and 53 % of the ground covered."""
    largest = largest_coefficient(0.9, climate_change(3.0, 20.0), 1.0)
    assert largest == pytest.approx(1.30, abs=0.005)
    assert cover(0.9, largest, 1.0) == pytest.approx(0.53, abs=0.005)


def test_a_curve_holds_its_ends_and_passes_every_corner() -> None:
    days = [0, 10, 25, 50, 80, 100, 120]
    found = stage_curve(np.array(days), (25, 25, 30, 20), 0.15, 1.19, 0.35)
    assert found.tolist() == [0.15, 0.15, 0.15, 1.19, 1.19, 0.35, 0.35]


@pytest.mark.parametrize(("wind", "humidity", "printed"), [(1.3, 75.0, 1.07), (4.6, 44.0, 1.30)])
def test_example_27_maize_at_taipei_and_at_mocha(
    wind: float, humidity: float, printed: float
) -> None:
    """Kc mid is 1.20 for maize 2 m high."""
    found = 1.20 + climate_change(wind, humidity) * height_factor(2.0)
    assert found == pytest.approx(printed, abs=0.005)


def test_wind_and_humidity_count_only_within_their_ranges() -> None:
    assert climate_change(9.0, 45.0) == climate_change(6.0, 45.0)
    assert climate_change(2.0, 95.0) == climate_change(2.0, 80.0)


def test_example_35_largest_coefficient() -> None:
    change = climate_change(1.6, 35.0)
    assert largest_coefficient(0.30, change, 0.3) == pytest.approx(1.21, abs=0.005)
    assert largest_coefficient(1.30, change, 0.3) == pytest.approx(1.35)  # Kcb + 0.05 is more


def test_cover_grows_from_none_to_all() -> None:
    found = cover(np.array([0.15, 0.3, 0.7, 1.2]), 1.2, 0.3)
    assert found[0] == 0.0
    assert found[-1] == pytest.approx(0.99)
    assert np.all(np.diff(found) > 0.0)
    # eq. 76 by hand: ((0.7 - 0.15) / (1.2 - 0.15)) ** 1.15
    assert found[2] == pytest.approx(0.475, abs=0.001)
