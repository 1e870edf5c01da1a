"""Rule curve: kept to the curve, drawn below it only by claims, released above it."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin
from test_policies import MONTHS, dam

from watersim.errors import InputError

CURVE = "  rule: {kind: rule_curve, at: dam, curve: {03-01: 90 hm3, 05-01: 30 hm3}}"


# straight lines between dates: at the end of March (1 April, 31 of 61 days) 90 − 60 × 31 / 61 = 59.5;
# from 1 May it rises over 304 days by 60 to the next 1 March. The lake holds 10 m3/s of surplus,
# so that it stands on the curve from February on, where its water suffices
def test_the_lake_stands_on_the_curve_by_date(basin: Basin) -> None:
    text = dam(CURVE, storage=100, farm="0 m3/s", runoff="40 m3/s")
    ds = basin.run(text, YEAR).isel(realization=0)
    ends = np.cumsum(MONTHS) / 86_400.0  # days since 1 January
    before = 30.0 + 60.0 * (ends + 245.0) / 304.0
    after = 30.0 + 60.0 * (ends - 120.0) / 304.0
    falling = 90.0 - 60.0 * (ends - 59.0) / 61.0
    curve = np.where(ends <= 59.0, before, np.where(ends < 120.0, falling, after))
    np.testing.assert_allclose(ds["storage"].values.ravel() / 1e6, curve, rtol=1e-12)


# below the curve nothing is released but what the farm asks for; the curve is no claim against it
def test_claims_draw_below_the_curve(basin: Basin) -> None:
    rule = "  rule: {kind: rule_curve, at: dam, curve: {01-01: 90 hm3}}"
    ds = basin.run(dam(rule, storage=60, farm="12 m3/s"))
    assert ds["supply"].item() == pytest.approx(12.0, rel=1e-12)
    assert ds["storage"].item() == pytest.approx(60e6 - 2.0 * MONTHS[0], rel=1e-12)


# the zones keep their priorities below the curve: the reserve to 50 comes before the farm (2)
def test_zones_below_the_curve_keep_their_priority(basin: Basin) -> None:
    zones = ", zones: [{name: reserve, to: 50 hm3, priority: 1}, {name: rest, to: capacity}]"
    rule = "  rule: {kind: rule_curve, at: dam, curve: {01-01: 90 hm3}}"
    ds = basin.run(dam(rule, storage=50, farm="12 m3/s", more=zones))
    assert ds["supply"].item() == pytest.approx(10.0, rel=1e-9)
    assert ds["storage"].item() == pytest.approx(50e6, rel=1e-12)


# a curve below the reserve's top cuts it: 30 are kept of 50
def test_a_curve_cuts_the_zone_it_crosses(basin: Basin) -> None:
    zones = ", zones: [{name: reserve, to: 50 hm3, priority: 1}, {name: rest, to: capacity}]"
    rule = "  rule: {kind: rule_curve, at: dam, curve: {01-01: 30 hm3}}"
    ds = basin.run(dam(rule, storage=50, farm="0 m3/s", more=zones))
    assert ds["storage"].item() == pytest.approx(30e6, rel=1e-12)


# the outlet passes 8: what stands above the curve leaves as fast as that
def test_the_outlet_limits_how_fast_the_curve_is_reached(basin: Basin) -> None:
    rule = "  rule: {kind: rule_curve, at: dam, curve: {01-01: 20 hm3}}"
    ds = basin.run(dam(rule, storage=90, farm="0 m3/s", more=", outlet_capacity: 12 m3/s"))
    assert ds["release"].item() == pytest.approx(12.0, rel=1e-12)
    assert ds["storage"].item() == pytest.approx(90e6 - 2.0 * MONTHS[0], rel=1e-12)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ("{02-30: 5 hm3}", r"curve\.02-30: must be a day of the year"),
        ("{}", "names no date"),
        ("{04-01: 5}", r"curve\.04-01: has no unit"),
        ("{04-01: -5 hm3}", r"curve\.04-01: must be at least 0 m3"),
    ],
)
def test_a_curve_that_is_none_is_refused(basin: Basin, curve: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        basin.load(dam(f"  rule: {{kind: rule_curve, at: dam, curve: {curve}}}"))
    basin.load(dam("  rule: {kind: rule_curve, at: dam, curve: {02-29: 5 hm3}}"))
