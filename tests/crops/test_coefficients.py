"""Crop coefficients against the worked examples of FAO-56."""

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
