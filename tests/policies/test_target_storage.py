"""Target storage: an even release that leads to the target on its date."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin
from test_policies import MONTHS, dam

from watersim.errors import InputError


# 40 on 1 January, 10 m3/s flow in as expected, 20 wanted on 1 April (90 days = 7 776 000 s):
# (40e6 + 10 × 7.776e6 − 20e6) / 7.776e6 = 12.572 m3/s in January, February and March alike
def test_an_even_release_reaches_the_target(basin: Basin) -> None:
    rule = ("  rule: {kind: target_storage, at: dam, targets: {04-01: 20 hm3}, priority: 1, "
            "expected_inflow: 10 m3/s}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0, time=slice(0, 3))
    np.testing.assert_allclose(ds["release"].values.ravel(), 10.0 + 20e6 / 7.776e6, rtol=1e-12)
    assert ds["storage"].values.ravel()[-1] == pytest.approx(20e6, rel=1e-12)


# planned are 4, 8, 6 m3/s: to leave are 40e6 + 10 × 7.776e6 − 20e6 = 97.76e6 m3, and planned until 1 April
# 4 × 31 + 8 × 28 + 6 × 31 = 534 m3/s days: each month releases 2.119 times its plan
def test_a_release_keeps_the_course_of_its_plan(basin: Basin) -> None:
    rule = ("  rule: {kind: target_storage, at: dam, targets: {04-01: 20 hm3}, priority: 1, "
            "expected_inflow: 10 m3/s, plan: {monthly: [4, 8, 6, 9, 9, 9, 9, 9, 9, 9, 9, 9], "
            "unit: m3/s}}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0, time=slice(0, 3))
    share = 97.76e6 / (534.0 * 86_400.0)
    expected = [4 * share, 8 * share, 6 * share]
    np.testing.assert_allclose(ds["release"].values.ravel(), expected, rtol=1e-12)
    assert ds["storage"].values.ravel()[-1] == pytest.approx(20e6, rel=1e-12)


# nothing is planned until the date: nothing is asked for, whatever stands in the lake
def test_a_plan_of_nothing_releases_nothing(basin: Basin) -> None:
    rule = ("  rule: {kind: target_storage, at: dam, targets: {04-01: 20 hm3}, priority: 1, "
            "plan: {monthly: [0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9], unit: m3/s}}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0, time=slice(0, 3))
    np.testing.assert_array_equal(ds["release_target"].values, 0.0)


# what comes is 10, expected were 6: the surprise of each month is spread over what is left, and the
# target is met all the same, since the inflow of the last step is known as it comes
def test_a_surprise_is_spread_over_the_time_left(basin: Basin) -> None:
    rule = ("  rule: {kind: target_storage, at: dam, targets: {04-01: 20 hm3}, priority: 1, "
            "expected_inflow: 6 m3/s}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0, time=slice(0, 3))
    stored, expected = 40e6, []
    for k in range(3):
        left, later = MONTHS[k:3].sum(), MONTHS[k + 1 : 3].sum()
        expected.append((stored + 10.0 * MONTHS[k] + 6.0 * later - 20e6) / left)
        stored += (10.0 - expected[-1]) * MONTHS[k]
    np.testing.assert_allclose(ds["release"].values.ravel(), expected, rtol=1e-12)
    assert ds["storage"].values.ravel()[-1] == pytest.approx(20e6, rel=1e-12)


# all of the departure is expected to last: 10 in place of 6 is 5/3, so 6 × 5/3 = 10 is foreseen;
# without an expectation this step's inflow is foreseen: the same
@pytest.mark.parametrize(
    "inflow", ["expected_inflow: 6 m3/s, persistence: 100 %", "minimum: 0 m3/s"]
)
def test_an_anomaly_that_lasts_is_foreseen(basin: Basin, inflow: str) -> None:
    rule = (f"  rule: {{kind: target_storage, at: dam, targets: {{04-01: 20 hm3}}, priority: 1, "
            f"{inflow}}}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0, time=slice(0, 3))
    np.testing.assert_allclose(ds["release"].values.ravel(), 10.0 + 20e6 / 7.776e6, rtol=1e-12)


# to fill 40 → 90 until 1 April with 10 m3/s would need a release of 3.57; the minimum of 8 comes
# first, and 5 as the maximum is all that leaves where 12.57 would lead to the target
@pytest.mark.parametrize(
    ("target", "limit", "released"), [(90, "minimum: 8 m3/s", 8.0), (20, "maximum: 5 m3/s", 5.0)]
)
def test_limits_come_before_the_target(
    basin: Basin, target: int, limit: str, released: float
) -> None:
    rule = (f"  rule: {{kind: target_storage, at: dam, targets: {{04-01: {target} hm3}}, {limit}, "
            "priority: 1}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0, time=0)
    assert ds["release"].item() == pytest.approx(released, rel=1e-12)


# the date 15 January lies inside the month: it counts at its end, so one step reaches the target
def test_a_date_inside_a_step_counts_at_its_end(basin: Basin) -> None:
    rule = "  rule: {kind: target_storage, at: dam, targets: {01-15: 20 hm3}, priority: 1}"
    ds = basin.run(dam(rule))
    assert ds["storage"].item() == pytest.approx(20e6, rel=1e-12)


# of two targets the next counts: 60 on 1 March, 20 on 1 April
def test_the_next_target_counts(basin: Basin) -> None:
    rule = ("  rule: {kind: target_storage, at: dam, targets: {04-01: 20 hm3, 03-01: 60 hm3}, "
            "priority: 1}")  # fmt: skip
    ds = basin.run(dam(rule), YEAR).isel(realization=0)
    stored = ds["storage"].values.ravel() / 1e6
    assert stored[1] == pytest.approx(60.0, rel=1e-12)
    assert stored[2] == pytest.approx(20.0, rel=1e-12)


def test_persistence_needs_an_expectation(basin: Basin) -> None:
    rule = "  rule: {{kind: target_storage, at: dam, targets: {{04-01: 20 hm3}}, priority: 1{}}}"
    with pytest.raises(InputError, match="needs an 'expected_inflow' to depart from"):
        basin.load(dam(rule.format(", persistence: 50 %")))
    basin.load(dam(rule.format(", persistence: 50 %, expected_inflow: 6 m3/s")))


def test_what_is_expected_is_known_beyond_the_run(basin: Basin) -> None:
    rule = "  rule: {{kind: target_storage, at: dam, targets: {{04-01: 20 hm3}}, priority: 1{}}}"
    table = {"q.csv": "month,q_m3s\n2001-01,3.5\n"}
    with pytest.raises(InputError, match="must be a profile of the year"):
        basin.load(dam(rule.format(", expected_inflow: {file: q.csv, column: q_m3s}")),
                   tables=table)  # fmt: skip
    monthly = "{monthly: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], unit: m3/s}"
    basin.load(dam(rule.format(f", expected_inflow: {monthly}")), tables=table)
