"""Crop stages → crop coefficients by day: single, basal, their limits and cover; pure, vectorised.

Equation numbers are those of FAO Irrigation and Drainage Paper 56 (Allen et al., 1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Numbers = Any  # a float, or an array of floats


def stage_curve(
    day: Numbers, lengths: Sequence[float], initial: float, mid: float, end: float
) -> Numbers:
    """A value that is even, rises, is even and goes to its end with the stages of a crop (eq. 66).

    Parameters
    ----------
    day
        days since planting, 0 on the day of planting
    lengths
        of the stages initial, development, mid-season and late season, days
    initial, mid, end
        its value in the initial stage, in mid-season and on the last day

    Examples
    --------
    >>> float(stage_curve(40, (25, 25, 30, 20), 0.15, 1.19, 0.35))
    0.774
    """
    corners = np.cumsum(np.asarray(lengths, np.float64))
    return np.interp(day, corners, (initial, mid, mid, end))


def climate_change(wind: Numbers, least_humidity: Numbers) -> Numbers:
    """What wind and dryness add to a coefficient of a crop 3 m high (in eq. 62, 65, 70 and 72).

    Parameters
    ----------
    wind
        at 2 m, m s-1, used within 1 … 6
    least_humidity
        daily minimum relative humidity, %, used within 20 … 80
    """
    return 0.04 * (np.clip(wind, 1.0, 6.0) - 2.0) - 0.004 * (
        np.clip(least_humidity, 20.0, 80.0) - 45.0
    )


def height_factor(height: Numbers) -> Numbers:
    """``(h / 3)^0.3`` with the height of the crop in m, used within 0.1 … 10."""
    return (np.clip(height, 0.1, 10.0) / 3.0) ** 0.3


def largest_coefficient(basal: Numbers, change: Numbers, height: Numbers) -> Numbers:
    """Kc max just after rain or irrigation (eq. 72)."""
    return np.maximum(1.2 + change * height_factor(height), basal + 0.05)


def cover(basal: Numbers, largest: Numbers, height: Numbers, least: float = 0.15) -> Numbers:
    """Fraction of the ground that the crop covers, within 0 … 0.99 (eq. 76)."""
    share = np.maximum(0.0, (basal - least) / (largest - least))
    return np.minimum(0.99, share ** (1.0 + 0.5 * height))
