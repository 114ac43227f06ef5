"""Many results become few: buckets and hours of days."""

from datetime import UTC, date, datetime
from math import inf
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.series import (
    ENOUGH_SHARE,
    HourCell,
    Seen,
    SeriesId,
    SpeedPoint,
    by_hour,
    into_buckets,
    main_series,
    of_series,
    quantile,
)
from collector.domain.standing import Median, middle

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

VALUES = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9)), max_size=60)


USUAL = SeriesId("p1", "eth0", "http", "1", "full", 4, "hn1")


def speed(
    at: datetime, rate: float | None, outcome: str = "measured", flags: str = ""
) -> SpeedPoint:
    """Return a speed point."""
    return SpeedPoint(at.timestamp(), outcome, None, flags, rate, rate, None, None, None, *USUAL)


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
        (date(2026, 11, 20), 20): HourCell(Median(110.0, 110.0), 2, 0, 1),
        (date(2026, 11, 21), 0): HourCell(None, 0, 1, 0),
        (date(2026, 11, 21), 1): HourCell(None, 0, 0, 1),
    }


def test_an_hours_median_is_the_least_where_device_or_server_was_the_limit() -> None:
    """A lower bound counts with its value, and the hour says that there may have been more."""
    evening = datetime(2026, 11, 20, 13, 10, tzinfo=UTC)
    points = [speed(evening, 90.0), speed(evening, 80.0, flags="device_cpu interface_speed")]
    cell = HourCell(Median(85.0, inf), 2, 0, 0)
    assert by_hour(points, ZONE) == {(date(2026, 11, 20), 20): cell}


def test_hours_are_right_where_the_offset_is_no_whole_hour() -> None:
    """A zone at half an hour's offset puts a test into its own local hour."""
    points = [speed(datetime(2026, 11, 20, 12, minute, tzinfo=UTC), 1.0) for minute in (29, 31)]
    cells = by_hour(points, ZoneInfo("Asia/Kolkata"))
    assert set(cells) == {(date(2026, 11, 20), 17), (date(2026, 11, 20), 18)}


SERIES = st.builds(
    SeriesId,
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(["eth0", "wlan0"]),
    st.sampled_from(["http", "ndt7"]),
    st.sampled_from(["1", "2", "10"]),
    st.sampled_from(["full", "quick"]),
    st.sampled_from([4, 6]),
    st.sampled_from(["hn1", "hn2"]),
)
SEEN = st.builds(
    Seen,
    SERIES,
    st.sampled_from(["measured", "failed", "skipped"]),
    st.sampled_from(["", "wifi", "cross_traffic"]),
)


@given(st.lists(SEEN, max_size=40), st.randoms())
def test_a_main_series_is_one_that_was_seen_and_has_enough(
    results: list[Seen], dice: object
) -> None:
    """Whatever was measured, and in whatever order: the main series is one of those seen, of IPv4
    if that has half as much as IPv6, of evidence if there is any, with at least half as much as the
    richest.
    """
    main = main_series(results)
    dice.shuffle(results)  # type: ignore[attr-defined]
    assert main_series(results) == main
    assert (main is None) == (not results)
    if main is None:
        return
    over_ipv4 = [one for one in results if one.series.ip_version == 4]
    others = len(results) - len(over_ipv4)
    assert (main.ip_version == 4) == (bool(over_ipv4) and len(over_ipv4) >= others * ENOUGH_SHARE)
    usable = [one for one in results if one.series.ip_version == main.ip_version]
    best = min(one.tier for one in usable)
    counts = [one.series for one in usable if one.tier == best]
    assert counts.count(main) >= ENOUGH_SHARE * max(counts.count(one) for one in counts)
    if best == 0:
        assert main.profile == "full"


@given(st.lists(st.tuples(SERIES, st.sampled_from(["measured", "failed"])), max_size=30), SERIES)
def test_no_two_series_are_ever_mixed(found: list[tuple[SeriesId, str]], wanted: SeriesId) -> None:
    """Of results of any series only those of the wanted one are kept, and of slots without a
    result those that it may have been.
    """
    failed = [
        (series._replace(server=None) if number % 2 else series)
        for number, (series, _) in enumerate(found)
    ]
    points = [
        SpeedPoint(
            float(number),
            outcome,
            None,
            "",
            1.0,
            1.0,
            None,
            None,
            None,
            *(failed[number] if outcome == "failed" else series),
        )
        for number, (series, outcome) in enumerate(found)
    ]
    kept = of_series(points, wanted)
    assert {point.series for point in kept if point.outcome == "measured"} <= {wanted}
    assert [p for p in kept if p.outcome == "measured"] == [
        p for p in points if p.outcome == "measured" and p.series == wanted
    ]
    without = [point for point in points if point.outcome == "failed" and point not in kept]
    assert all(not wanted.fits(point.series) for point in without)


@given(SERIES, SERIES)
def test_series_with_the_same_key_are_the_same(one: SeriesId, other: SeriesId) -> None:
    """The word that stands for a series in addresses and tables tells all of its parts apart."""
    assert (one.key == other.key) == (one == other)
    assert one.probe not in one.key.split("~")
    assert one.fits(other) == (one == other)


def test_a_newer_version_takes_over_when_it_has_half_as_many() -> None:
    """After an update the line changes to the newer method, but not with its first test."""
    old, new = USUAL._replace(version="9"), USUAL._replace(version="10")
    results = [Seen(old, "measured", "")] * 4 + [Seen(new, "measured", "")]
    assert main_series(results) == old
    assert main_series([*results, Seen(new, "measured", "")]) == new


def test_the_plans_main_server_stands_for_a_line_while_it_answers() -> None:
    """Of servers that take turns it is the plan's first, unless it has hardly any results."""
    other = USUAL._replace(server="a-server")
    results = [Seen(USUAL, "measured", ""), Seen(other, "measured", "")]
    assert main_series(results) == other
    assert main_series(results, "hn1") == USUAL
    assert main_series([*results, *results[1:] * 3], "hn1") == other


def test_ipv4_stands_for_a_line_also_where_it_is_dead() -> None:
    """IPv6 that works does not hide IPv4 that fails, and a line of IPv6 alone is judged by it."""
    dead, alive = USUAL._replace(server=None), USUAL._replace(ip_version=6)
    assert main_series([Seen(alive, "measured", ""), Seen(dead, "failed", "")]) == dead
    assert main_series([Seen(alive, "measured", "")]) == alive


def test_a_single_test_over_ipv4_does_not_stand_for_a_line() -> None:
    """Of families that take turns it is IPv4, also where it fails; of one stray test it is not."""
    over_ipv6 = USUAL._replace(ip_version=6)
    results = [Seen(over_ipv6, "measured", "")] * 20
    assert main_series([*results, Seen(USUAL, "measured", "")]) == over_ipv6
    assert main_series([*results, *[Seen(USUAL, "failed", "")] * 9]) == over_ipv6
    assert main_series([*results, *[Seen(USUAL, "failed", "")] * 10]) == USUAL


def test_a_port_that_is_slower_than_the_line_does_not_change_the_main_series() -> None:
    """A server whose results are all lower bounds still comes first, if it is the plan's."""
    other = USUAL._replace(server="a-server")
    results = [Seen(USUAL, "measured", "interface_speed"), Seen(other, "measured", "")]
    assert main_series(results, "hn1") == USUAL


def test_a_server_that_is_the_limit_does_not_stand_for_a_line_while_another_is_not() -> None:
    """The plan's main server gives way to one without a flag, or at whose rates the probe itself
    was the limit, and stands for the line again where there is none.
    """
    other = USUAL._replace(server="a-server")
    limited = [Seen(USUAL, "measured", "device_cpu server_limited")] * 9
    for flags in ("", "interface_speed"):
        assert main_series([*limited, Seen(other, "measured", flags)], "hn1") == other
    assert main_series([*limited, Seen(other, "measured", "cross_traffic")], "hn1") == USUAL


def test_wifi_stands_for_a_line_only_where_nothing_else_was_measured() -> None:
    """A path by cable whose results carry flags still comes before one by Wi-Fi."""
    radio = USUAL._replace(path="aaa")
    wired = Seen(USUAL, "measured", "cross_traffic")
    assert main_series([wired, *[Seen(radio, "measured", "wifi")] * 9]) == USUAL
    assert main_series([Seen(radio, "measured", "wifi"), Seen(USUAL, "failed", "")]) == radio
