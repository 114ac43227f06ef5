"""Many results become few: buckets and hours of days."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.series import (
    HourCell,
    SpeedPoint,
    by_hour,
    into_buckets,
    middle,
    quantile,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

VALUES = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9)), max_size=60)


def speed(
    at: datetime, rate: float | None, outcome: str = "measured", flags: str = ""
) -> SpeedPoint:
    """Return a speed point."""
    return SpeedPoint(at.timestamp(), outcome, None, flags, rate, rate, None, None, None, 4)


@given(VALUES, st.floats(0, 1e5), st.floats(1, 1e5))
def test_buckets_hold_every_value_once(
    values: list[tuple[float, float]], start: float, width: float
) -> None:
    """The buckets' sizes add up to the values from the start on; the order is that of time."""
    buckets = into_buckets(values, start, width)
    assert sum(bucket.size for bucket in buckets) == sum(at >= start for at, _ in values)
    starts = [bucket.start_seconds for bucket in buckets]
    assert starts == sorted(set(starts))
    for bucket in buckets:
        assert bucket.low <= bucket.median
        assert bucket.low <= bucket.p95


def test_bucket_without_values_is_absent() -> None:
    """Two values hours apart make two buckets, and nothing between them."""
    buckets = into_buckets([(10.0, 5.0), (7210.0, 7.0)], 0.0, 60.0)
    assert [(bucket.start_seconds, bucket.median) for bucket in buckets] == [
        (0.0, 5.0),
        (7200.0, 7.0),
    ]


def test_median_and_quantile_are_the_usual_ones() -> None:
    """The median of an even number is the mean of its middle pair; quantiles go by rank."""
    assert middle([1.0, 2.0, 3.0]) == 2.0
    assert middle([1.0, 2.0, 3.0, 10.0]) == 2.5
    assert quantile([float(value) for value in range(1, 21)], 0.95) == 19.0
    assert quantile([4.0], 0.95) == 4.0


def test_hours_are_local_and_tell_why_there_is_no_median() -> None:
    """An hour's cell is its fair tests' median, or says that all failed or were flagged."""
    evening = datetime(2026, 11, 20, 13, 10, tzinfo=UTC)  # 20:10 in Việt Nam
    night = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)  # half past midnight of the 21st
    points = [
        speed(evening, 100.0),
        speed(evening, 120.0),
        speed(evening, 10.0, flags="wifi"),
        speed(night, None, outcome="failed"),
        speed(night.replace(hour=18), 9.0, flags="wifi"),
        speed(night.replace(hour=19), None, outcome="missed"),
        speed(night.replace(hour=20), None, outcome="skipped"),
    ]
    assert by_hour(points, ZONE) == {
        (date(2026, 11, 20), 20): HourCell(110.0, 2, 0, 1),
        (date(2026, 11, 21), 0): HourCell(None, 0, 1, 0),
        (date(2026, 11, 21), 1): HourCell(None, 0, 0, 1),
    }


def test_hours_are_right_where_the_offset_is_no_whole_hour() -> None:
    """A zone at half an hour's offset puts a test into its own local hour."""
    points = [speed(datetime(2026, 11, 20, 12, minute, tzinfo=UTC), 1.0) for minute in (29, 31)]
    cells = by_hour(points, ZoneInfo("Asia/Kolkata"))
    assert set(cells) == {(date(2026, 11, 20), 17), (date(2026, 11, 20), 18)}
