"""Steps of true length, profiles and time-weighted means."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watersim.timeline import (
    DAY,
    Timeline,
    average,
    days,
    decades,
    edges,
    first_day,
    monthly,
    ordinal,
    parse_date,
    period_seconds,
)

WHOLE_1999_TO_2004 = (date(1999, 1, 1), date(2004, 12, 31))


def dates(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


# --- dates


def test_a_date_is_read() -> None:
    assert parse_date("2004-02-29") == date(2004, 2, 29)


@pytest.mark.parametrize("text", ["2004-2-9", "20040229", "2004-02-29 ", "２００４-02-29", "", "x"])
def test_a_date_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a date YYYY-MM-DD \(got "):
        parse_date(text)


@pytest.mark.parametrize("text", ["2003-02-29", "2003-13-01", "0000-01-01"])
def test_a_date_outside_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        parse_date(text)
    assert str(caught.value) == f"must be a date of the calendar (got {text!r})"


# --- steps


def test_a_leap_february_has_29_days() -> None:
    timeline = Timeline(date(2003, 1, 1), date(2004, 12, 31), "month")
    assert timeline.n == 24
    assert timeline.seconds[1] == 28 * 86_400.0
    assert timeline.seconds[13] == 29 * 86_400.0
    assert timeline.seconds.sum() == (365 + 366) * 86_400.0


def test_the_third_decade_has_8_to_11_days() -> None:
    timeline = Timeline(date(2003, 1, 1), date(2004, 12, 31), "decade")
    assert timeline.n == 72
    lengths = timeline.seconds / DAY
    assert (lengths[[0, 1]] == 10).all()
    assert list(lengths[[2, 5, 11, 41]]) == [11, 8, 10, 9]


def test_a_year_of_days_has_one_step_a_day() -> None:
    timeline = Timeline(date(2004, 1, 1), date(2004, 12, 31), "day")
    assert timeline.n == 366
    assert (timeline.seconds == DAY).all()
    assert timeline.starts[59] == np.datetime64("2004-02-29")


def test_the_end_is_inclusive_and_step_ends_are_not() -> None:
    timeline = Timeline(date(2003, 11, 1), date(2003, 12, 31), "month")
    assert list(timeline.starts) == list(dates("2003-11-01", "2003-12-01"))
    assert list(timeline.ends) == list(dates("2003-12-01", "2004-01-01"))


def test_seasons_and_hydrological_years_follow_the_calendar() -> None:
    timeline = Timeline(date(2003, 9, 1), date(2004, 10, 31), "month")
    assert list(timeline.month) == [9, 10, 11, 12, *range(1, 11)]
    assert list(timeline.growing) == [True, *[False] * 6, *[True] * 6, False]
    assert list(timeline.season[:2]) == ["growing", "winter"]
    assert list(timeline.hydrological_year) == [2003, *[2004] * 12, 2005]


def test_decades_are_numbered_within_the_calendar_year() -> None:
    timeline = Timeline(date(2003, 12, 11), date(2004, 1, 20), "decade")
    assert list(timeline.decade) == [34, 35, 0, 1]


def test_dates_before_1970_are_numbered_alike() -> None:
    timeline = Timeline(date(1930, 2, 1), date(1930, 3, 31), "decade")
    assert list(timeline.decade) == [3, 4, 5, 6, 7, 8]
    assert list(timeline.month) == [2, 2, 2, 3, 3, 3]
    assert list(timeline.hydrological_year) == [1930] * 6


def test_the_arrays_of_a_timeline_cannot_be_written() -> None:
    timeline = Timeline(date(2003, 1, 1), date(2003, 1, 31), "month")
    for array in (timeline.starts, timeline.seconds, timeline.month, timeline.season):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]


@pytest.mark.parametrize(
    ("start", "end", "step", "message"),
    [
        ("2003-02-01", "2003-01-31", "month",
         "end 2003-01-31 lies before start 2003-02-01; exchange them"),
        ("2003-01-15", "2003-12-31", "month",
         "start 2003-01-15 is not the first day of a month; 2003-01-01 or 2003-02-01"),
        ("2003-01-01", "2004-02-28", "month",
         "end 2004-02-28 is not the last day of a month; 2004-01-31 or 2004-02-29"),
        ("2003-01-12", "2003-12-31", "decade",
         "start 2003-01-12 is not the first day of a decade; 2003-01-11 or 2003-01-21"),
        ("2003-01-31", "2003-12-31", "decade",
         "start 2003-01-31 is not the first day of a decade; 2003-01-21 or 2003-02-01"),
        ("2003-01-01", "2003-01-30", "decade",
         "end 2003-01-30 is not the last day of a decade; 2003-01-20 or 2003-01-31"),
        ("2003-01-01", "2003-01-30", "week", "step must be day, decade or month (got 'week')"),
    ],
)  # fmt: skip
def test_a_timeline_off_its_boundaries_is_refused(
    start: str, end: str, step: str, message: str
) -> None:
    with pytest.raises(ValueError, match=" ") as caught:
        Timeline(date.fromisoformat(start), date.fromisoformat(end), step)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_a_single_day_is_a_timeline() -> None:
    assert Timeline(date(2003, 1, 31), date(2003, 1, 31), "day").n == 1


def test_edges_bound_the_steps_asked_for() -> None:
    assert list(edges("decade", date(2004, 2, 25), 2)) == list(
        dates("2004-02-21", "2004-03-01", "2004-03-11")
    )


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from(["day", "decade", "month"]))
def test_every_day_lies_in_just_one_step_and_one_month(day: date, step: str) -> None:
    here = dates(day.isoformat())
    number = ordinal(step, here)  # type: ignore[arg-type]
    begin, end = first_day(step, number)[0], first_day(step, number + 1)[0]  # type: ignore[arg-type]
    assert begin <= here[0] < end
    assert begin.astype("datetime64[M]") == (end - 1).astype("datetime64[M]")


# --- periods


def test_a_period_has_its_true_length_at_a_finer_step() -> None:
    timeline = Timeline(date(2004, 2, 1), date(2004, 2, 29), "decade")
    assert list(period_seconds("month", timeline) / DAY) == [29, 29, 29]
    assert list(period_seconds("decade", timeline) / DAY) == [10, 10, 9]
    assert list(period_seconds("year", timeline) / DAY) == [366, 366, 366]


def test_a_month_of_three_decades_counts_their_mean_length() -> None:
    timeline = Timeline(date(2003, 2, 1), date(2003, 2, 28), "month")
    assert period_seconds("decade", timeline)[0] == pytest.approx(28 * DAY / 3, rel=1e-15)


def test_a_volume_per_year_gives_that_volume_in_every_year() -> None:
    timeline = Timeline(date(2003, 1, 1), date(2004, 12, 31), "month")
    volume = 547e6 / period_seconds("year", timeline) * timeline.seconds
    assert volume[:12].sum() == pytest.approx(547e6, rel=1e-14)
    assert volume[12:].sum() == pytest.approx(547e6, rel=1e-14)


# --- profiles


def test_a_monthly_profile_goes_by_calendar_month() -> None:
    timeline = Timeline(date(2003, 12, 21), date(2004, 2, 10), "decade")
    assert list(monthly(range(1, 13), timeline)) == [12, 1, 1, 1, 2]


def test_a_decade_profile_is_averaged_exactly_over_months() -> None:
    timeline = Timeline(date(2003, 2, 1), date(2004, 2, 29), "month")
    profile = np.zeros(36)
    profile[3:6] = [1.0, 2.0, 6.0]
    means = decades(profile, timeline)
    assert means[0] == pytest.approx((10 + 20 + 48) / 28, rel=1e-15)
    assert means[12] == pytest.approx((10 + 20 + 54) / 29, rel=1e-15)
    assert (means[1:11] == 0.0).all()


def test_a_decade_profile_is_taken_as_it_stands_by_decade_and_day() -> None:
    by_decade = Timeline(date(2003, 1, 1), date(2003, 12, 31), "decade")
    assert list(decades(range(36), by_decade)) == list(range(36))
    by_day = Timeline(date(2003, 1, 10), date(2003, 1, 11), "day")
    assert list(decades(range(36), by_day)) == [0, 1]


def test_a_common_year_passes_over_29_february() -> None:
    common = Timeline(date(2003, 2, 28), date(2003, 3, 1), "day")
    leap = Timeline(date(2004, 2, 28), date(2004, 3, 1), "day")
    assert list(days(range(366), common)) == [58, 60]
    assert list(days(range(366), leap)) == [58, 59, 60]
    december = Timeline(date(2003, 12, 31), date(2003, 12, 31), "day")
    assert list(days(range(366), december)) == [365]


@pytest.mark.parametrize(("profile", "length"), [(monthly, 12), (decades, 36), (days, 366)])
def test_a_profile_of_a_wrong_length_is_refused(profile: object, length: int) -> None:
    timeline = Timeline(date(2003, 1, 1), date(2003, 1, 31), "month")
    with pytest.raises(ValueError, match=" ") as caught:
        profile(np.ones(length - 1), timeline)  # type: ignore[operator]
    assert str(caught.value) == f"must hold {length} values (got {length - 1})"
    profile(np.ones(length), timeline)  # type: ignore[operator]


# --- means


def test_a_mean_weighs_by_days() -> None:
    bounds = edges("decade", date(2003, 2, 1), 3)
    month = Timeline(date(2003, 2, 1), date(2003, 2, 28), "month")
    mean = average(bounds[:-1], bounds[1:], np.array([7.0, 14.0, 3.5]), month)
    assert mean[0] == (70 + 140 + 28) / 28


def test_a_series_of_the_same_step_is_taken_to_the_last_bit() -> None:
    timeline = Timeline(*WHOLE_1999_TO_2004, "month")
    values = np.random.default_rng(1).random(timeline.n)
    mean = average(timeline.starts, timeline.ends, values, timeline)
    assert (mean == values).all()


def test_a_longer_piece_is_held() -> None:
    month = edges("month", date(2003, 1, 1), 2)
    timeline = Timeline(date(2003, 1, 21), date(2003, 2, 10), "decade")
    assert list(average(month[:-1], month[1:], np.array([0.1, 0.7]), timeline)) == [0.1, 0.7]


def test_a_missing_value_reaches_only_its_own_steps() -> None:
    bounds = edges("decade", date(2003, 1, 1), 6)
    months = Timeline(date(2003, 1, 1), date(2003, 2, 28), "month")
    values = np.array([1.0, np.nan, 1.0, 2.0, 2.0, 2.0])
    mean = average(bounds[:-1], bounds[1:], values, months)
    assert np.isnan(mean[0])
    assert mean[1] == 2.0


REMEDY = "; fill the table or choose another period"


@pytest.mark.parametrize(
    ("first", "count", "message"),
    [
        (
            date(2003, 2, 1),
            11,
            "has no value for 2003-01-01; it runs from 2003-02-01 to 2003-12-31" + REMEDY,
        ),
        (
            date(2003, 1, 1),
            11,
            "has no value for 2003-12-01; it runs from 2003-01-01 to 2003-11-30" + REMEDY,
        ),
        (
            date(2005, 1, 1),
            1,
            "has no value for 2003-01-01; it runs from 2005-01-01 to 2005-01-31" + REMEDY,
        ),
        (
            date(2001, 1, 1),
            1,
            "has no value for 2003-01-01; it runs from 2001-01-01 to 2001-01-31" + REMEDY,
        ),
        (date(2001, 1, 1), 0, "has no value for 2003-01-01; it is empty"),
    ],
)
def test_a_day_that_is_not_covered_is_named(first: date, count: int, message: str) -> None:
    timeline = Timeline(date(2003, 1, 1), date(2003, 12, 31), "month")
    bounds = edges("month", first, count)
    with pytest.raises(ValueError, match=" ") as caught:
        average(bounds[:-1], bounds[1:], np.ones(count), timeline)
    assert str(caught.value) == message


@pytest.mark.parametrize(("hole", "missing"), [(5, "2003-06-01"), (0, None)])
def test_a_hole_between_pieces_is_named(hole: int, missing: str | None) -> None:
    bounds = edges("month", date(2003, 1, 1), 12)
    keep = np.arange(12) != hole
    starts, ends = bounds[:-1][keep], bounds[1:][keep]
    timeline = Timeline(date(2003, 2, 1), date(2003, 12, 31), "month")
    if missing is None:
        assert average(starts, ends, np.ones(11), timeline).shape == (11,)
        return
    with pytest.raises(ValueError, match=f"^has no value for {missing}; "):
        average(starts, ends, np.ones(11), timeline)


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=30),
    step=st.sampled_from(["day", "decade", "month"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_mean_keeps_the_volume(lengths: list[int], step: str, seed: int) -> None:
    """Σ value × days of the pieces within the timeline = Σ mean × seconds."""
    start, end = date(2003, 1, 1), date(2004, 12, 31)
    cuts = [start]
    for length in lengths:
        cuts.append(min(cuts[-1] + timedelta(length), end + timedelta(1)))
        if cuts[-1] > end:
            break
    if cuts[-1] <= end:
        cuts.append(end + timedelta(1))
    values = np.random.default_rng(seed).random(len(cuts) - 1)
    bounds = np.array(cuts, "datetime64[D]")
    timeline = Timeline(start, end, step)  # type: ignore[arg-type]
    mean = average(bounds[:-1], bounds[1:], values, timeline)
    volume = sum(
        value * (b - a).days * DAY for value, (a, b) in zip(values, pairwise(cuts), strict=True)
    )
    assert (mean * timeline.seconds).sum() == pytest.approx(volume, rel=1e-12)
    assert mean.min() >= values.min() * (1 - 1e-14)
    assert mean.max() <= values.max() * (1 + 1e-14)


@pytest.mark.parametrize("step", ["day", "decade", "month"])
def test_a_timeline_extended_by_the_steps_beside_it_holds_itself(step: Any) -> None:
    own = Timeline(date(2004, 2, 1), date(2004, 2, 29), step)
    wide = own.extended(1, 1)
    assert wide.n == own.n + 2
    assert np.array_equal(wide.edges[1:-1], own.edges)
    assert own.extended(0, 0) == own
    assert own.extended(1, 0).end == own.end
    assert own.beside(1).start == date(2004, 3, 1)
    assert own.beside(-1).end == date(2004, 1, 31)
