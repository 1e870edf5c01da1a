"""Weights of later needs: sums, what they undo, and that a run's first day does not change them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from watersim.foresight import BESIDE, STEADY, mean_weights, weights
from watersim.timeline import Timeline, shares_due

SPANS = {"day": date(2001, 12, 31), "decade": date(2002, 12, 31), "month": date(2004, 12, 31)}
LAGS = [0.4, 1.0, 8.5, 15.0, 40.0]


@pytest.mark.parametrize("step", ["day", "decade", "month"])
@pytest.mark.parametrize("lag", LAGS)
def test_the_weights_of_a_step_sum_to_one(step: str, lag: float) -> None:
    timeline = Timeline(date(2001, 1, 1), SPANS[step], step)
    for rows in (weights(timeline, [lag * 86_400.0], 60), mean_weights(timeline, lag * 86_400, 60)):
        np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=1e-12)


# whole steps of one length: the release of a step is the need of its arrival, but for what keeps it
# steady: 1 / √(1 + 4 μ) of it, the rest on its neighbours
def test_a_lag_of_whole_days_asks_for_the_need_of_that_day() -> None:
    rows = weights(Timeline(date(2001, 1, 1), date(2001, 3, 31), "day"), [5 * 86_400.0], 20)
    assert np.argmax(rows[0]) == BESIDE + 5
    assert rows[0, BESIDE + 5] == pytest.approx(1.0 / np.sqrt(1.0 + 4 * STEADY), rel=1e-4)


# what is ordered for a need arrives nearly as it is asked for: a season that steps up and down by
# month, 8.5 days away at a decade step
def test_releases_by_these_weights_arrive_as_they_are_needed() -> None:
    timeline, lag = Timeline(date(2001, 1, 1), date(2003, 12, 31), "decade"), 8.5 * 86_400.0
    season = np.array([0, 0, 0, 208, 549, 438, 360, 177, 39, 0, 0, 0.0])
    need = np.tile(np.repeat(season, 3), 3)
    rows = weights(timeline, [lag], 20)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(need, (BESIDE, 20)), rows.shape[1])
    release = np.maximum(0.0, (rows * windows).sum(axis=1)) * timeline.seconds
    arrives = (
        sum(
            np.concatenate([np.zeros(k), (release * shares_due(lag, k, timeline))[: need.size - k]])
            for k in range(3)
        )
        / timeline.seconds
    )
    covered = np.minimum(arrives, need)[36:72].sum() / need[36:72].sum()
    assert covered > 0.99


def test_a_run_that_begins_later_has_the_same_weights() -> None:
    whole = weights(Timeline(date(2001, 1, 1), date(2003, 12, 31), "month"), [40 * 86_400.0], 12)
    later = weights(Timeline(date(2002, 6, 1), date(2003, 12, 31), "month"), [40 * 86_400.0], 12)
    np.testing.assert_array_equal(later, whole[17:])


@pytest.mark.parametrize("step", ["day", "decade", "month"])
@pytest.mark.parametrize("lag", LAGS)
def test_all_that_is_under_way_is_due_once(step: str, lag: float) -> None:
    timeline = Timeline(date(2001, 1, 1), SPANS[step], step)
    due = sum(shares_due(lag * 86_400.0, k, timeline) for k in range(45))
    np.testing.assert_allclose(due, 1.0, rtol=1e-12)
