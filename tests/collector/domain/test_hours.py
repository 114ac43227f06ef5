"""An hour of latency records in one row."""

from datetime import UTC, datetime, timedelta, timezone
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.hours import HOUR, Hour, HourId, hour_of, pack, unpack
from collector.domain.series import SeriesId

OF = HourId(
    "l1",
    SeriesId("p1", "eth0", "stamp", "1", "full", 4, "hn1"),
    "measured",
    "",
    "wifi",
    datetime(2026, 3, 1, 5, tzinfo=UTC),
)

seconds = st.floats(0, 4000).map(lambda value: round(value, 6))
hours = st.builds(
    lambda sent, lost, trips: Hour(
        1, sent + lost, sent, min(trips, default=None), tuple(sorted(trips)), ()
    ),
    st.integers(0, 600),
    st.integers(0, 600),
    st.lists(seconds, max_size=3),
)


@given(st.lists(seconds))
def test_packing_keeps_every_value_to_the_microsecond(values: list[float]) -> None:
    """What comes out is what went in, in order, four bytes each."""
    packed = pack(values)
    assert len(packed) == 4 * len(values)
    assert unpack(packed) == pytest.approx(sorted(values), abs=6e-7)


@given(st.permutations(range(5)), st.lists(hours, min_size=5, max_size=5))
def test_the_order_of_records_does_not_matter(order: list[int], members: list[Hour]) -> None:
    """Merged in any order, an hour is the same, and nothing of a member is lost."""
    one = reduce(Hour.with_record, members, Hour())
    other = reduce(Hour.with_record, (members[number] for number in order), Hour())
    assert one == other
    assert one.records == 5
    assert one.sent == sum(member.sent for member in members)
    assert sorted(one.round_trips) == sorted(sum((m.round_trips for m in members), ()))


def test_an_hour_is_drawn_as_its_records_were() -> None:
    """As many points as there were records, within the hour; those without a median have none."""
    hour = Hour(4, 400, 380, 0.002, (0.003, 0.004, 0.1), (0.001,))
    points = hour.points(OF)
    assert [point.round_trip_seconds for point in points] == [0.003, 0.004, 0.1, None]
    assert {point.lost_ratio for point in points} == {0.05}
    assert {point.series for point in points} == {OF.series}
    assert {point.flags for point in points} == {"wifi"}
    start = OF.hour.timestamp()
    assert all(start <= point.at_seconds < start + HOUR.total_seconds() for point in points)
    assert Hour(records=1).points(OF)[0].lost_ratio is None


def test_an_hour_begins_in_utc() -> None:
    """Also of a moment in a zone that is half an hour off."""
    zone = timezone(timedelta(hours=5, minutes=30))
    assert hour_of(datetime(2026, 3, 1, 10, 45, tzinfo=zone)) == OF.hour
