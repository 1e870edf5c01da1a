"""Hedging: less than is required before the dam is empty, in three forms."""

from __future__ import annotations

import numpy as np
import pytest
from basins import Basin
from test_policies import MONTHS, dam

from watersim.errors import InputError

RULE = "  rule: {{kind: hedging, at: dam, requirement: 12 m3/s, {}}}"
HALF_YEAR = ("2001-04-01", "2001-09-30", "month")
APRIL = MONTHS[3:9]  # s, April to September


# W = 40 − 5 + 4 m3/s × 2.6784e6 s = 45.7136 hm3; of a trigger of 60 that is 0.76189: 9.143 m3/s
def test_below_a_trigger_it_gives_in_proportion(basin: Basin) -> None:
    text = dam(RULE.format("trigger: 60 hm3, priority: 1"), runoff="4 m3/s", farm="0 m3/s")
    ds = basin.run(text)
    share = (35e6 + 4.0 * MONTHS[0]) / 60e6
    assert ds["rationing"].item() == pytest.approx(share, rel=1e-12)
    assert ds["release"].item() == pytest.approx(12.0 * share, rel=1e-12)


# the trigger is the requirement itself: standard operation; a reserve of 20 in place of the dead 5
# leaves 20 of the 40 to count on
def test_a_reserve_is_not_counted_on(basin: Basin) -> None:
    text = dam(RULE.format("trigger: 60 hm3, reserve: 20 hm3, priority: 1"), runoff="0 m3/s")
    assert basin.run(text)["rationing"].item() == pytest.approx(20 / 60, rel=1e-12)


# with 20 in store and a reserve of 25 the first 5 of the 10.7136 that come fill it: 5.7136 / 60
def test_what_comes_fills_the_reserve_first(basin: Basin) -> None:
    text = dam(RULE.format("trigger: 60 hm3, reserve: 25 hm3, priority: 1"), storage=20,
               runoff="4 m3/s")  # fmt: skip
    share = (4.0 * MONTHS[0] - 5e6) / 60e6
    assert basin.run(text)["rationing"].item() == pytest.approx(share, rel=1e-12)


# W = 35 + 10.7136 = 45.71: below 50 a half, below 30 a quarter is given
@pytest.mark.parametrize(
    ("phases", "share"),
    [
        ("[{below: 30 hm3, share: 25 %}, {below: 50 hm3, share: 50 %}]", 0.5),
        ("[{below: 46 hm3, share: 25 %}, {below: 50 hm3, share: 50 %}]", 0.25),
        ("[{below: 30 hm3, share: 25 %}, {below: 45 hm3, share: 50 %}]", 1.0),
    ],
)
def test_of_phases_the_lowest_that_holds_counts(basin: Basin, phases: str, share: float) -> None:
    ds = basin.run(dam(RULE.format(f"phases: {phases}, priority: 1"), runoff="4 m3/s"))
    assert ds["rationing"].item() == pytest.approx(share, rel=1e-12)


# April–September: 12 × 183 d = 189.7 hm3 are required, 35 live and 4 × 183 d = 63.2 come as expected:
# (35 + 63.2) / 189.7 = 0.5178 in every month, and the live storage is used up on 30 September
def test_a_foreseen_shortage_is_spread_evenly_over_the_season(basin: Basin) -> None:
    spread = "spread: {season: {from: 04-01, to: 09-30}, expected_inflow: 4 m3/s}, priority: 1"
    ds = basin.run(dam(RULE.format(spread), runoff="4 m3/s"), HALF_YEAR).isel(realization=0)
    share = (35e6 + 4.0 * APRIL.sum()) / (12.0 * APRIL.sum())
    np.testing.assert_allclose(ds["rationing"].values.ravel(), share, rtol=1e-12)
    assert ds["storage"].values.ravel()[-1] == pytest.approx(5e6, rel=1e-9)


# half of what is expected comes, and all of the departure is expected to last: the same as above with 2
def test_a_dry_spring_that_lasts_is_foreseen(basin: Basin) -> None:
    spread = ("spread: {season: {from: 04-01, to: 09-30}, expected_inflow: 4 m3/s, "
              "persistence: 100 %}, priority: 1")  # fmt: skip
    ds = basin.run(dam(RULE.format(spread), runoff="2 m3/s"), HALF_YEAR).isel(realization=0)
    share = (35e6 + 2.0 * APRIL.sum()) / (12.0 * APRIL.sum())
    np.testing.assert_allclose(ds["rationing"].values.ravel(), share, rtol=1e-12)


def test_outside_the_season_nothing_is_rationed(basin: Basin) -> None:
    spread = "spread: {season: {from: 04-01, to: 09-30}, expected_inflow: 4 m3/s}, priority: 1"
    assert basin.run(dam(RULE.format(spread), runoff="4 m3/s"))["rationing"].item() == 1.0


# without a priority it asks for nothing, but a farm that needs 30 gets the rationed 12 × 0.76 only
def test_without_a_priority_it_only_limits(basin: Basin) -> None:
    text = dam(RULE.format("trigger: 60 hm3"), runoff="4 m3/s")
    share = (35e6 + 4.0 * MONTHS[0]) / 60e6
    assert basin.run(text)["supply"].item() == pytest.approx(12.0 * share, rel=1e-12)
    small = basin.run(text.replace("requirement: 30 m3/s", "requirement: 1 m3/s"))
    assert small["release"].item() == pytest.approx(1.0, rel=1e-12)


# the farm behind a canal that loses a fifth needs 6 / 0.8 = 7.5 at its head; half of that is given,
# 3.75, of which 3 arrive
def test_sites_stand_for_the_requirement_with_their_canal(basin: Basin) -> None:
    rule = "  rule: {kind: hedging, at: dam, serves: [farm], trigger: 91.4272 hm3}"
    text = dam(rule, runoff="4 m3/s", farm="6 m3/s").replace("at: below, ", "")
    canal = "canals:\n  main: {from: below, to: farm, loss: 20 %}\n"
    ds = basin.run(text.replace("policies:", f"{canal}policies:"))
    assert ds["rationing"].item() == pytest.approx(0.5, rel=1e-12)
    assert ds["release"].item() == pytest.approx(3.75, rel=1e-12)
    assert ds["supply"].item() == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("priority: 1", r"needs exactly one of trigger, phases, spread \(got none\)"),
        ("trigger: 60 hm3, phases: [{below: 9 hm3, share: 50 %}]",
         r"needs exactly one of trigger, phases, spread \(got trigger and phases\)"),
        ("trigger: 60 hm3, serves: [farm]", r"either a 'requirement' or the sites.*\(got both\)"),
        ("phases: [{below: 9 hm3, share: 50 %}, {below: 20 hm3, share: 30 %}]",
         "must give more the more water there is"),
        ("trigger: 60 hm3, reserve: 40", "reserve: has no unit"),
    ],
)  # fmt: skip
def test_a_hedge_that_is_none_is_refused(basin: Basin, given: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        basin.load(dam(RULE.format(given)))
    basin.load(dam(RULE.format("trigger: 60 hm3, reserve: 40 hm3")))


def test_it_serves_sites_only(basin: Basin) -> None:
    rule = "  rule: {{kind: hedging, at: dam, serves: [{}], trigger: 60 hm3}}"
    with pytest.raises(
        InputError, match=r"serves\.0: is not a site \(got farn\); did you mean 'farm'"
    ):
        basin.load(dam(rule.format("farn")))
    basin.load(dam(rule.format("farm")))
