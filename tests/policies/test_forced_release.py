"""Forced release: the series leaves the dam, but for lack of water, outlet or room."""

from __future__ import annotations

import numpy as np
import pytest
from basins import YEAR, Basin
from test_policies import MONTHS, dam

MONTHLY = [4, 6, 8, 10, 12, 14, 16, 14, 12, 10, 8, 6]


# S1 = S0 + (10 − q) dt in every month, while 5 ≤ S ≤ 100 hm3: it stays between 31 and 62 here
def test_the_storage_follows_from_the_balance(basin: Basin) -> None:
    rule = f"  rule: {{kind: forced_release, at: dam, release: {{monthly: {MONTHLY}, unit: m3/s}}}}"
    ds = basin.run(dam(rule), YEAR).isel(realization=0)
    assert ds["release"].values.ravel() == pytest.approx(MONTHLY, rel=1e-12)
    expected = 40e6 + np.cumsum((10.0 - np.array(MONTHLY)) * MONTHS)
    assert ds["storage"].values.ravel() == pytest.approx(expected, rel=1e-12)


# a series from a file, of which two months are asked for
def test_a_release_from_a_table(basin: Basin) -> None:
    rule = "  rule: {kind: forced_release, at: dam, release: {file: q.csv, column: q_m3s}}"
    ds = basin.run(dam(rule), ("2001-01-01", "2001-02-28", "month"),
                   tables={"q.csv": "month,q_m3s\n2001-01,3.5\n2001-02,21\n"})  # fmt: skip
    assert ds["release"].values.ravel() == pytest.approx([3.5, 21.0], rel=1e-12)


# 35 hm3 live, nothing flows in: 20 m3/s are 53.6 hm3 in January, so 35e6 / 2 678 400 = 13.07 leave
def test_it_is_limited_by_the_water(basin: Basin) -> None:
    ds = basin.run(
        dam("  rule: {kind: forced_release, at: dam, release: 20 m3/s}", runoff="0 m3/s")
    )
    assert ds["release"].item() == pytest.approx(35e6 / MONTHS[0], rel=1e-12)
    assert ds["storage"].item() == pytest.approx(5e6, rel=1e-12)


def test_it_is_limited_by_the_outlet(basin: Basin) -> None:
    rule = "  rule: {kind: forced_release, at: dam, release: 20 m3/s}"
    ds = basin.run(dam(rule, more=", outlet_capacity: 6 m3/s"))
    assert ds["release"].item() == pytest.approx(6.0, rel=1e-12)


# full: the release stays what is given, the other 6 m3/s go over the crest and are seen
def test_what_cannot_be_kept_is_spill_beside_the_given_release(basin: Basin) -> None:
    ds = basin.run(dam("  rule: {kind: forced_release, at: dam, release: 4 m3/s}", storage=100))
    assert ds["release"].item() == pytest.approx(4.0, rel=1e-12)
    assert ds["spill"].item() == pytest.approx(6.0, rel=1e-12)


# the town above (priority 1) takes 8 of the 10 that flow in; a release of priority 3 comes after it,
# but the store serves it: 40 + (10 − 8 − 7) dt
def test_its_priority_counts_against_claims_above(basin: Basin) -> None:
    text = dam("  rule: {kind: forced_release, at: dam, release: 7 m3/s, priority: 3}")
    town = "  town: {kind: municipal, at: spring, priority: 1, requirement: 8 m3/s}\n"
    ds = basin.run(text.replace("  sea:", f"{town}  sea:"))
    assert ds["storage"].item() == pytest.approx(40e6 - 5.0 * MONTHS[0], rel=1e-12)
