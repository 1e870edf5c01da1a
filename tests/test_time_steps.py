"""Days, decades and months of one scenario: the calendar's true lengths, the same volumes."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from basins import Basin

DAY = 86_400.0
PROFILE = "[" + ", ".join(str(1 + k % 5) for k in range(36)) + "]"
TEXT = f"""
nodes:
  spring: {{kind: catchment, runoff: {{decades: {PROFILE}, unit: m3/s}}}}
  farm: {{kind: irrigation, at: spring, priority: 1, requirement: {{annual: 60 hm3,
    shares: [0, 0, 0, 5, 15, 25, 25, 20, 10, 0, 0, 0], unit: '%'}}}}
  sea: {{kind: terminal}}
rivers: [spring > sea]
"""


def volume(ds: xr.Dataset, name: str) -> float:
    """m3 over the whole run."""
    seconds = np.diff(ds["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    return float((ds[name].values[0, :, 0] * seconds).sum())


@pytest.mark.parametrize("year", [1999, 2000])
def test_a_profile_by_decade_brings_the_same_volume_in_every_step(basin: Basin, year: int) -> None:
    time = (f"{year}-01-01", f"{year}-12-31")
    runs = [basin.run(TEXT, (*time, step), name=step) for step in ("day", "decade", "month")]
    for name in ("runoff", "requirement"):
        volumes = [volume(ds, name) for ds in runs]
        assert volumes == pytest.approx([volumes[0]] * 3, rel=1e-12)
    assert volume(runs[0], "requirement") == pytest.approx(60e6, rel=1e-12)


# decades of February are worth 4, 5 and 1 m3/s; the last has 9 days in a leap year, else 8
@pytest.mark.parametrize(("year", "last"), [(1999, 8), (2000, 9)])
def test_the_last_decade_of_february_has_its_true_length(
    basin: Basin, year: int, last: int
) -> None:
    days = 20 + last
    time = (f"{year}-02-01", f"{year}-02-{days}")
    decades = basin.run(TEXT, (*time, "decade"))
    month = basin.run(TEXT, (*time, "month"), name="month")
    lengths = np.diff(decades["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "D")
    assert lengths.tolist() == [10.0, 10.0, float(last)]
    expected = (10 * 4 + 10 * 5 + last * 1) * DAY
    assert volume(decades, "runoff") == pytest.approx(expected, rel=1e-12)
    assert volume(month, "runoff") == pytest.approx(expected, rel=1e-12)


# without evaporation a store balances the same water: at the month's end all steps agree
def test_a_store_ends_a_month_alike_in_every_step(basin: Basin) -> None:
    text = """
    nodes:
      spring: {kind: catchment, runoff: 4 m3/s}
      dam: {kind: reservoir, capacity: 100 hm3, initial_storage: 40 hm3,
        levels: {full_level: 120 m, depth: 20 m, exponent: 2}}
      town: {kind: municipal, at: bend, priority: 1, requirement: 7 m3/s}
      bend: {kind: junction}
      sea: {kind: terminal}
    rivers: [spring > dam > bend > sea]
    """
    time = ("2001-01-01", "2001-03-31")
    last = [
        basin.run(text, (*time, step), name=step)["storage"].values[0, -1, 0]
        for step in ("day", "decade", "month")
    ]
    assert last == pytest.approx([40e6 - 3 * 90 * DAY] * 3, rel=1e-12)
