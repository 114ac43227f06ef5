"""Scales of charts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.web.axes import (
    DAYS,
    HOVER_SECONDS,
    LATENCY_BUCKET_SECONDS,
    WIDTH,
    Period,
    make_frame,
    tick_digits,
    time_ticks,
    value_ticks,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 20, 13, 17, tzinfo=UTC)
PHONE_LABELS = 8
MOST_BUCKETS = 500


@given(st.floats(1e-6, 1e12))
def test_value_axis_is_round_and_reaches_the_highest(highest: float) -> None:
    """The axis begins at zero, ends at or above the highest value, and has few even steps."""
    ticks = value_ticks(highest)
    assert ticks[0] == 0.0
    assert ticks[-1] >= highest * 0.999999
    assert 3 <= len(ticks) <= 8
    assert ticks[-2] < highest
    steps = {round((after - before) / ticks[1], 6) for before, after in pairwise(ticks)}
    assert steps == {1.0}


@given(st.floats(1e-6, 1e12))
def test_labels_of_the_value_axis_are_its_values(highest: float) -> None:
    """Whatever the step, the labels read the same as the gridlines that they stand at."""
    ticks = value_ticks(highest)
    labels = [f"{tick:.{tick_digits(ticks)}f}" for tick in ticks]
    assert [float(label) for label in labels] == pytest.approx(ticks)


@pytest.mark.parametrize(
    "highest,digits", [(1.2, 2), (0.1, 2), (0.12, 3), (2.0, 1), (12.0, 1), (11, 1), (20.0, 0)]
)
def test_labels_have_no_more_decimals_than_the_step_needs(highest: float, digits: int) -> None:
    """Steps of 0.25 have two decimals, steps of 2.5 one, whole steps none."""
    assert tick_digits(value_ticks(highest)) == digits


def test_axis_without_values_still_has_a_scale() -> None:
    """Nothing measured draws an empty scale."""
    assert value_ticks(0.0) == [0.0, 1.0]


def test_day_up_to_now_is_the_last_24_hours() -> None:
    """A day without a date ends with this hour, so that it is not empty after midnight."""
    frame = make_frame(Period.DAY, ZONE, NOW, None)
    assert frame.end == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert frame.end - frame.start == timedelta(days=1)


@pytest.mark.parametrize("period", [Period.WEEK, Period.MONTH])
def test_week_and_month_are_whole_local_days(period: Period) -> None:
    """Week and month end with the local day and begin at a local midnight."""
    frame = make_frame(period, ZONE, NOW, None)
    assert frame.end.astimezone(ZONE).isoformat() == "2026-11-21T00:00:00+07:00"
    assert frame.end - frame.start == timedelta(days=DAYS[period])


def test_day_with_a_date_is_that_calendar_day() -> None:
    """A day in the past is shown from midnight to midnight."""
    frame = make_frame(Period.DAY, ZONE, NOW, NOW - timedelta(days=3))
    assert frame.start.astimezone(ZONE).isoformat() == "2026-11-17T00:00:00+07:00"
    assert frame.end.astimezone(ZONE).isoformat() == "2026-11-18T00:00:00+07:00"


@pytest.mark.parametrize("period", list(Period))
def test_labels_fit_a_phone_and_lie_inside(period: Period) -> None:
    """The time axis has a few labels, all of them within the frame."""
    frame = make_frame(period, ZONE, NOW, None)
    ticks = time_ticks(frame, ZONE)
    assert 5 <= len(ticks) <= PHONE_LABELS
    assert all(0 <= frame.across(tick.at.timestamp()) <= WIDTH for tick in ticks)


@pytest.mark.parametrize("period", list(Period))
def test_no_chart_has_more_parts_than_a_screen_shows(period: Period) -> None:
    """Latency is thinned to at most 500 buckets, whatever the period."""
    seconds = DAYS[period] * 86400
    assert seconds / LATENCY_BUCKET_SECONDS[period] <= MOST_BUCKETS
    assert seconds / HOVER_SECONDS[period] <= MOST_BUCKETS


def test_day_on_which_the_clocks_change_is_whole() -> None:
    """Where summer time exists, a day of 25 hours is still one day."""
    berlin = ZoneInfo("Europe/Berlin")
    frame = make_frame(Period.DAY, berlin, NOW, datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert frame.end - frame.start == timedelta(hours=25)
