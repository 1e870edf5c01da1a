"""Standard operating policy: the requirement while there is water, then what there is."""

from __future__ import annotations

import numpy as np
from basins import YEAR, Basin
from test_policies import MONTHS, dam


# the textbook's figure: with W = live storage + inflow, release = min(W, D), and W − D beyond the
# capacity as well. 30 of live storage, inflow 4, D = 12 m3/s: full supply while W ≥ D, then W = inflow
def test_it_serves_fully_until_it_is_empty(basin: Basin) -> None:
    rule = "  rule: {kind: standard, at: dam, requirement: 12 m3/s, priority: 1}"
    ds = basin.run(dam(rule, storage=35, runoff="4 m3/s", farm="0 m3/s"), YEAR).isel(realization=0)
    stored, expected = 35e6, []
    for dt in MONTHS:
        water = stored - 5e6 + 4.0 * dt
        released = min(water, 12.0 * dt)
        stored += 4.0 * dt - released
        expected.append(released / dt)
    assert expected[0] == 12.0
    assert expected[-1] == 4.0
    np.testing.assert_allclose(ds["release"].values.ravel(), expected, rtol=1e-12)
    np.testing.assert_allclose(ds["release_target"].values.ravel(), 12.0)


# 95 in store, 20 flow in, 12 are asked for: the lake fills in the first month, then all passes
def test_a_full_lake_passes_what_comes(basin: Basin) -> None:
    rule = "  rule: {kind: standard, at: dam, requirement: 12 m3/s, priority: 1}"
    ds = basin.run(dam(rule, storage=95, runoff="20 m3/s", farm="0 m3/s"), YEAR).isel(realization=0)
    first = (95e6 + 20.0 * MONTHS[0] - 100e6) / MONTHS[0]
    np.testing.assert_allclose(ds["release"].values.ravel(), [first, *[20.0] * 11], rtol=1e-12)
    np.testing.assert_allclose(ds["storage"].values.ravel(), 100e6, rtol=1e-12)
