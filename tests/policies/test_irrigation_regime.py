"""Irrigation regime: the winter gets no more than its share of the year's release, nor than its limit."""

from __future__ import annotations

import numpy as np
import pytest
from basins import Basin
from test_policies import MONTHS, dam

from watersim.errors import InputError

RULE = "{kind: irrigation_regime, at: dam, growing_season: {from: 04-01, to: 09-30}, share: 75 %"
TWO_YEARS = ("2001-04-01", "2003-03-31", "month")
SUMMER, WINTER = 183 * 86_400.0, 182 * 86_400.0  # s, April–September and October–March


def wide(rule: str, **given: str) -> str:
    """The dam with room for a year's water."""
    return dam(f"  rule: {rule}}}", storage=90, **given).replace(
        "capacity: 100 hm3", "capacity: 300 hm3"
    )


# 8 m3/s flow in and the farm asks for 12 all year: G = 12 × 183 d leaves in the growing season, so the
# winter may have G / 3 evenly: 12 / 3 × 183 / 182 = 4.022 m3/s. Over the year 75 % in summer
def test_the_winter_gets_a_third_of_the_growing_season(basin: Basin) -> None:
    ds = basin.run(wide(RULE, farm="12 m3/s", runoff="8 m3/s"), TWO_YEARS)
    supply = ds["supply"].values.ravel()
    np.testing.assert_allclose(supply[:6], 12.0, rtol=1e-12)
    np.testing.assert_allclose(supply[6:12], 4.0 * SUMMER / WINTER, rtol=1e-12)
    np.testing.assert_allclose(supply[12:], supply[:12], rtol=1e-12)
    seconds = np.concatenate([MONTHS[3:], MONTHS[:3]])
    share = (supply[:6] * seconds[:6]).sum() / (supply[:12] * seconds).sum()
    assert share == pytest.approx(0.75, rel=1e-12)


# the account: G at the end of September, and what left since at the end of March
def test_it_keeps_account_of_both_seasons(basin: Basin) -> None:
    ds = basin.run(wide(RULE, farm="12 m3/s", runoff="8 m3/s"), TWO_YEARS).isel(realization=0)
    grown, winter = ds["growing_release"].values.ravel(), ds["winter_release"].values.ravel()
    assert grown[5] == grown[11] == pytest.approx(12.0 * SUMMER, rel=1e-12)
    assert winter[11] == pytest.approx(4.0 * SUMMER, rel=1e-12)
    assert grown[12] == pytest.approx(12.0 * MONTHS[3], rel=1e-12)  # a season begins anew
    assert winter[12] == 0.0


# 3 m3/s are less than the share would allow
def test_the_winter_limit_comes_first(basin: Basin) -> None:
    ds = basin.run(
        wide(f"{RULE}, winter_limit: 3 m3/s", farm="12 m3/s", runoff="8 m3/s"), TWO_YEARS
    )
    np.testing.assert_allclose(ds["supply"].values.ravel()[6:12], 3.0, rtol=1e-12)


# a run that begins in winter: nothing is known of the season before, or 40 hm3, of which a third is
# 13.33e6 / (90 days) = 1.715 m3/s
@pytest.mark.parametrize(
    ("more", "winter"), [("", 12.0), (", released_before: 40 hm3", 40e6 / 3.0 / (90 * 86_400.0))]
)
def test_a_run_that_begins_in_winter(basin: Basin, more: str, winter: float) -> None:
    text = wide(f"{RULE}{more}", farm="12 m3/s", runoff="8 m3/s")
    ds = basin.run(text, ("2001-01-01", "2001-03-31", "month"))
    np.testing.assert_allclose(ds["supply"].values.ravel(), winter, rtol=1e-12)


# a run that begins within the season has seen a part of it: the share does not bind on that, but on
# what left since April where that is told: (60 + 12 × 61 d) / 3 over the winter
@pytest.mark.parametrize("told", [False, True])
def test_a_run_that_begins_within_the_growing_season(basin: Basin, told: bool) -> None:
    rule = f"{RULE}, released_before: 60 hm3" if told else RULE
    ds = basin.run(
        wide(rule, farm="12 m3/s", runoff="12 m3/s"), ("2001-08-01", "2002-03-31", "month")
    )
    winter = (60e6 + 12.0 * 61 * 86_400.0) / 3.0 / WINTER if told else 12.0
    np.testing.assert_allclose(ds["supply"].values.ravel()[2:], winter, rtol=1e-12)
    assert ds["growing_counted"].values.ravel().tolist() == [float(told)] * 8


# full and 8 flow in: 3 are the limit, but what cannot be kept leaves, and counts as released
def test_a_full_lake_passes_what_comes(basin: Basin) -> None:
    text = dam(
        f"  rule: {RULE}, winter_limit: 3 m3/s}}", storage=100, farm="1 m3/s", runoff="8 m3/s"
    )
    ds = basin.run(text, ("2001-01-01", "2001-01-31", "month"))
    assert ds["release"].item() == pytest.approx(8.0, rel=1e-12)
    assert ds["winter_release"].item() == pytest.approx(8.0 * MONTHS[0], rel=1e-12)


# nobody below asks, the regime does: 4 in the growing season, nothing in winter
def test_a_release_of_its_own(basin: Basin) -> None:
    text = wide(f"{RULE}, release: 4 m3/s, priority: 1", farm="0 m3/s", runoff="1 m3/s")
    ds = basin.run(text, TWO_YEARS)
    np.testing.assert_allclose(ds["release"].values.ravel()[:12], [4.0] * 6 + [0.0] * 6, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (RULE.replace("09-30", "03-31"), "is the whole year: no winter is left to limit"),
        (f"{RULE}, release: 7 m3/s", "goes with 'priority'; give both, or neither"),
        (f"{RULE}, priority: 1", "goes with 'release'; give both, or neither"),
        (RULE.replace("75 %", "0 %"), "must be at least 1 %"),
    ],
)
def test_a_regime_that_is_none_is_refused(basin: Basin, rule: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        basin.load(wide(rule))
    basin.load(wide(f"{RULE}, release: 7 m3/s, priority: 1"))
