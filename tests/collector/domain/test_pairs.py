"""Pairs of tests by cable and by Wi-Fi, and what the Wi-Fi adds."""

from math import inf
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.pairs import QUARTER_SECONDS, PairPoint, differences, pair_up
from collector.domain.series import SeriesId
from collector.domain.standing import Median

SERIES = SeriesId("p1", "eth0", "http", "1", "full", 4, "hn1")


def point(
    seconds: float, rate: float | None, *, wired: bool, flags: str = "", **series: Any
) -> PairPoint:
    """Return a test of the cable, or of the Wi-Fi beside it."""
    path = "eth0" if wired else "wlan0"
    identity = SERIES._replace(path=path, **series)
    return PairPoint("wlan0", wired, seconds, flags, rate, rate, 0.01, identity)


@given(
    quarters=st.dictionaries(
        st.integers(0, 50),
        st.tuples(st.floats(1e6, 1e9), st.floats(1e6, 1e9), st.integers(0, 779)),
        min_size=1,
        max_size=20,
    ),
    wired_first=st.booleans(),
)
def test_the_difference_is_the_median_over_the_quarters(
    quarters: dict[int, tuple[float, float, int]], *, wired_first: bool
) -> None:
    """Each quarter with both tests is one pair, in whatever order they ran, and the median of the
    differences is what is shown.
    """
    points = []
    for quarter, (wired, radio, at) in quarters.items():
        start = quarter * QUARTER_SECONDS
        moments = (start, start + 120 + at) if wired_first else (start + 120 + at, start)
        points += [
            point(moments[0], wired, wired=True),
            point(moments[1], radio, wired=False, flags="wifi"),
        ]
    (found,) = differences(pair_up(points))
    assert found.pairs == len(quarters)
    expected = median(wired - radio for wired, radio, _ in quarters.values())
    assert found.download_bits_per_second == pytest.approx(Median(expected, expected))
    assert found.idle_latency_seconds == Median(0, 0)
    assert (found.series.path, found.wired_path) == ("wlan0", "eth0")


@pytest.mark.parametrize(
    "other",
    [
        point(QUARTER_SECONDS, 1e6, wired=False, flags="wifi"),
        point(60, 1e6, wired=False, flags="device_cpu wifi"),
        point(60, 1e6, wired=False, flags="wifi", server="hn2"),
        point(60, 1e6, wired=False, flags="wifi", ip_version=6),
        point(60, 1e6, wired=False, flags="wifi", version="2"),
        point(60, 1e6, wired=False, flags="wifi", method="ndt7"),
        point(60, 1e6, wired=False, flags="wifi", probe="p2"),
    ],
)
def test_only_like_is_paired_with_like(other: PairPoint) -> None:
    """Another quarter, method, version, server, family or probe, or a flag, makes no pair."""
    assert pair_up([point(60, 2e6, wired=True), other]) == []
    assert pair_up([point(60, 2e6, wired=True, flags="wifi"), point(61, 1e6, wired=False)]) == []


def test_a_wired_test_that_was_held_back_tells_the_least_difference() -> None:
    """Where the cable carries at least so much, the Wi-Fi takes at least so much away. What held
    the cable's test back may have made its round trip longer: it tells no difference of those.
    """
    points = [point(60, 9e6, wired=True, flags="interface_speed"), point(300, 1e6, wired=False)]
    (found,) = differences(pair_up(points))
    assert found.download_bits_per_second == Median(8e6, inf)
    assert found.idle_latency_seconds is None
    fair = [point(960, 9e6, wired=True), point(1200, 1e6, wired=False)]
    fair[0] = fair[0]._replace(idle_latency_seconds=0.008)
    (found,) = differences(pair_up([*points, *fair]))
    assert (found.pairs, found.idle_latency_seconds) == (2, Median(0.008 - 0.01, 0.008 - 0.01))
    held_back = point(300, 1e6, wired=False, flags="device_cpu")
    assert pair_up([points[0], held_back]) == []


def test_quick_tests_make_no_pair() -> None:
    """Only tests of full length are compared."""
    both = [point(60, 2e6, wired=wired, profile="quick") for wired in (True, False)]
    assert pair_up(both) == []


def test_series_of_pairs_stand_apart_and_a_direction_that_failed_counts_not() -> None:
    """Pairs of two families have a difference each; one without an upload has none of it."""
    points = [
        point(60, 3e6, wired=True),
        point(300, 1e6, wired=False),
        point(960, 9e6, wired=True, ip_version=6)._replace(upload_bits_per_second=None),
        point(1200, 1e6, wired=False, ip_version=6),
    ]
    four, six = differences(pair_up(points))
    assert [one.series.ip_version for one in (four, six)] == [4, 6]
    assert four.download_bits_per_second == Median(2e6, 2e6)
    assert six.download_bits_per_second == Median(8e6, 8e6)
    assert six.upload_bits_per_second is None
