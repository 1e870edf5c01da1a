"""Energy regime: power's release all year, nobody beyond it in its season, less below a reserve."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin
from test_policies import dam

from watersim.errors import InputError

REGIME = (
    "{kind: energy_regime, at: dam, season: {from: 10-01, to: 03-31}, release: 9 m3/s, priority: 1"
)


# the farm asks for 12 all year: in winter it gets the 9 of power, in summer the 12 it calls for
def test_in_its_season_nobody_gets_more_than_power(basin: Basin) -> None:
    ds = basin.run(dam(f"  rule: {REGIME}}}", farm="12 m3/s", storage=60), YEAR)
    expected = [9.0] * 3 + [12.0] * 6 + [9.0] * 3
    np.testing.assert_allclose(ds["supply"].values.ravel(), expected, rtol=1e-12)


# the farm asks for 2: power gets its 9 all year, in summer too
def test_power_asks_all_year(basin: Basin) -> None:
    ds = basin.run(dam(f"  rule: {REGIME}}}", farm="2 m3/s", storage=60), YEAR)
    np.testing.assert_allclose(ds["release"].values.ravel(), 9.0, rtol=1e-12)


# January to March, 90 days: 9 × 90 d = 69.98 hm3 are wanted; 40 − 20 + 4 m3/s × 90 d = 51.1 are there
# beside the reserve of 20: 0.73026 of it in each of the three months, and 20 are left on 1 April
def test_a_foreseen_shortage_is_spread_and_the_reserve_is_left(basin: Basin) -> None:
    rule = f"  rule: {REGIME}, reserve: 20 hm3, expected_inflow: 4 m3/s}}"
    ds = basin.run(dam(rule, runoff="4 m3/s", farm="0 m3/s"), YEAR).isel(realization=0)
    share = (20e6 + 4.0 * 90 * 86_400.0) / (9.0 * 90 * 86_400.0)
    np.testing.assert_allclose(ds["rationing"].values.ravel()[:3], share, rtol=1e-12)
    np.testing.assert_allclose(ds["release"].values.ravel()[:3], 9.0 * share, rtol=1e-12)
    assert ds["storage"].values.ravel()[2] == pytest.approx(20e6, rel=1e-12)
    np.testing.assert_allclose(ds["rationing"].values.ravel()[3:9], 1.0)


# 8 expected and 4 come; all of the departure is expected to last: the same as above
def test_a_dry_winter_that_lasts_is_foreseen(basin: Basin) -> None:
    rule = f"  rule: {REGIME}, reserve: 20 hm3, expected_inflow: 8 m3/s, persistence: 100 %}}"
    ds = basin.run(dam(rule, runoff="4 m3/s", farm="0 m3/s"), YEAR).isel(realization=0)
    share = (20e6 + 4.0 * 90 * 86_400.0) / (9.0 * 90 * 86_400.0)
    np.testing.assert_allclose(ds["rationing"].values.ravel()[:3], share, rtol=1e-12)


# the zone to 40 hm3 comes before power, which then gets what flows in
def test_a_zone_of_an_earlier_priority_is_kept_from_power(basin: Basin) -> None:
    zones = ", zones: [{name: kept, to: 40 hm3, priority: 1}, {name: rest, to: capacity}]"
    rule = REGIME.replace("priority: 1", "priority: 3")
    ds = basin.run(dam(f"  rule: {rule}}}", more=zones, farm="0 m3/s", runoff="4 m3/s"))
    assert ds["release"].item() == pytest.approx(4.0, rel=1e-9)


def test_a_regime_that_asks_for_nothing_is_refused(basin: Basin) -> None:
    with pytest.raises(InputError, match="is 0 all year: power asks for nothing"):
        basin.load(dam(f"  rule: {REGIME.replace('9 m3/s', '0 m3/s')}}}"))
    with pytest.raises(InputError, match="reserve: goes with 'expected_inflow'"):
        basin.load(dam(f"  rule: {REGIME}, reserve: 20 hm3}}"))
    basin.load(dam(f"  rule: {REGIME}, reserve: 20 hm3, expected_inflow: 8 m3/s}}"))
