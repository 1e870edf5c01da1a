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


# dead storage 5, reserve 45, 25 in store: (25 − 5) / (45 − 5) = half of the 9 m3/s
def test_below_the_reserve_less_is_released(basin: Basin) -> None:
    ds = basin.run(dam(f"  rule: {REGIME}, reserve: 45 hm3}}", storage=25, runoff="0 m3/s"))
    assert ds["release"].item() == pytest.approx(4.5, rel=1e-12)
    assert ds["rationing"].item() == pytest.approx(0.5, rel=1e-12)


# the zone to 40 hm3 comes before power, which then gets what flows in
def test_a_zone_of_an_earlier_priority_is_kept_from_power(basin: Basin) -> None:
    zones = ", zones: [{name: kept, to: 40 hm3, priority: 1}, {name: rest, to: capacity}]"
    rule = REGIME.replace("priority: 1", "priority: 3")
    ds = basin.run(dam(f"  rule: {rule}}}", more=zones, farm="0 m3/s", runoff="4 m3/s"))
    assert ds["release"].item() == pytest.approx(4.0, rel=1e-9)


def test_a_regime_that_asks_for_nothing_is_refused(basin: Basin) -> None:
    with pytest.raises(InputError, match="is 0 all year: power asks for nothing"):
        basin.load(dam(f"  rule: {REGIME.replace('9 m3/s', '0 m3/s')}}}"))
    basin.load(dam(f"  rule: {REGIME}}}"))
