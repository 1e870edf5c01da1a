"""Return flow through the ground: a linear store, exact for any step length."""

from __future__ import annotations

import numpy as np
import pytest
from basins import Basin

DAY = 86400.0
TEXT = """
nodes:
  spring: {kind: catchment, runoff: 100 m3/s}
  head: {kind: junction}
  fields:
    kind: irrigation
    at: head
    priority: 2
    requirement: {monthly: [40, 40, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0], unit: m3/s}
    return_flow: {fraction: 30 %, to: TO, recession: 50 days, initial_storage: 20 hm3}
  town: {kind: municipal, at: low, priority: 1, requirement: 7 m3/s}
  side: {kind: catchment, runoff: 0 m3/s}
  low: {kind: junction}
  sea: {kind: terminal}
rivers: [spring > head > sea, side > low > sea]
"""


# dS/dt = I − S/k: S = I k + (S0 − I k) exp(−t/k) while 12 m3/s come in, S exp(−t/k) after
@pytest.mark.parametrize("step", ["day", "decade", "month"])
def test_the_store_follows_its_equation_at_any_step(basin: Basin, step: str) -> None:
    text = TEXT.replace("TO,", "low,")
    ds = basin.run(text, ("2001-01-01", "2001-06-30", step))
    k, inflow = 50 * DAY, 12.0
    stored = ds["groundwater_storage"].sel(site="fields").isel(realization=0)
    ends = ds["time_bounds"].values[:, 1]
    march, june = (np.flatnonzero(ends == np.datetime64(day))[0]
                   for day in ("2001-04-01", "2001-07-01"))  # fmt: skip
    in_march = inflow * k + (20e6 - inflow * k) * np.exp(-90 * DAY / k)
    assert float(stored[march]) == pytest.approx(in_march, rel=1e-12)
    assert float(stored[june]) == pytest.approx(in_march * np.exp(-91 * DAY / k), rel=1e-12)
    assert float(ds["initial_groundwater_storage"].sel(site="fields").item()) == 20e6


def test_what_comes_back_later_serves_claims_below(basin: Basin) -> None:
    ds = basin.run(TEXT.replace("TO,", "low,"), ("2001-01-01", "2001-12-31", "month"))
    back = ds["return_flow"].sel(site="fields").values[0]
    assert np.all(back > 0.0)
    np.testing.assert_allclose(ds["supply"].sel(site="town").values[0], np.minimum(back, 7.0))
    consumed = ds["consumption"].sel(site="fields").values[0]
    np.testing.assert_allclose(consumed, 0.7 * ds["supply"].sel(site="fields").values[0])


# the later rank's return within the step reaches the first in a second round, the rest next month
def test_water_in_the_ground_is_state(basin: Basin) -> None:
    whole = basin.run(TEXT.replace("TO,", "low,"), ("2001-01-01", "2001-06-30", "month"))
    assert whole.attrs["exact_fallbacks"] == 0
    first = whole["return_flow"].sel(site="fields").values[0, 0]
    dt, k = 31 * DAY, 50 * DAY
    e = np.exp(-dt / k)
    assert first * dt == pytest.approx(20e6 * (1 - e) + 12 * dt * (1 - k / dt * (1 - e)), rel=1e-12)


def test_through_the_ground_or_at_once_the_same_water_comes_back(basin: Basin) -> None:
    slow = TEXT.replace("TO,", "sea,")
    fast = slow.replace(", recession: 50 days, initial_storage: 20 hm3", "")
    years = ("2001-01-01", "2004-12-31", "month")
    one, two = (basin.run(text, years, name=name) for text, name in ((slow, "s"), (fast, "f")))
    dt = np.diff(one["time_bounds"].values, axis=1)[:, 0] / np.timedelta64(1, "s")
    total = [
        float((ds["return_flow"].sel(site="fields").values[0] * dt).sum()) for ds in (one, two)
    ]
    left = float(one["groundwater_storage"].sel(site="fields").values[0, -1])
    assert total[0] + left - 20e6 == pytest.approx(total[1], rel=1e-12)
    assert np.all(two["groundwater_storage"].values == 0.0)
