"""Monthly budget of a field: what irrigation has to add to rain and soil; pure, vectorised.

The simple form for planning on paper: a month at a time, without stress and without days. The
engine does not use it; it advances the root zone by day (`watersim.crops.soil`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Budget(NamedTuple):
    """Depths of every month, in the unit of what was given."""

    requirement: Floats  # net irrigation
    depletion: Floats  # of the root zone at the end of the month
    percolation: Floats


def monthly_budget(
    evapotranspiration: ArrayLike,
    effective_rain: ArrayLike,
    available: float,
    target: float,
    initial: float,
    growing: ArrayLike,
) -> Budget:
    """Net requirement by month: ``share in season × max(0, Dr0 + ETc − Pe − target)``.

    Parameters
    ----------
    evapotranspiration, effective_rain
        ETc and Pe of each month as depths, months first, (months, …)
    available
        total available water of the root zone, TAW
    target
        the depletion that irrigation keeps the field at
    initial
        depletion before the first month
    growing
        share of each month that lies in the season, 0 … 1, (months,)

    Examples
    --------
    >>> monthly_budget([100.0, 150.0], [40.0, 0.0], 120.0, 50.0, 10.0, [1.0, 1.0]).requirement
    array([ 20., 150.])
    """
    used, rain = np.asarray(evapotranspiration, float), np.asarray(effective_rain, float)
    lacks = np.full(used.shape[1:], float(initial))
    found = [np.zeros(used.shape) for _ in range(3)]
    for k, share in enumerate(np.asarray(growing, float)):
        wants = lacks + used[k] - rain[k]
        found[0][k] = share * np.maximum(0.0, wants - target)
        left = wants - found[0][k]
        found[2][k] = np.maximum(0.0, -left)
        lacks = np.clip(left, 0.0, available)
        found[1][k] = lacks
    return Budget(*found)
