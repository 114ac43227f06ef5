"""How the months of all lines run on: of what is known, and never of less than it says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.findings import Verdict
from collector.domain.standing import Median
from collector.domain.year.months import LineMonth, LineYear, Speed, line_year
from collector.domain.year.trend import LEAST_WATCHED, trend
from tests.collector.domain.year.test_targets import EMPTY

JANUARY = 31 * 86_400.0


def line(*months: LineMonth, registered: date = date(2025, 1, 1)) -> LineYear:
    """Return a line with these months."""
    return line_year("l", "Nhà 1", "fibre", registered, None, months)


def test_a_months_figures_are_of_the_lines_that_have_data() -> None:
    """A silent line makes no median lower; it is counted as one without records."""
    good = replace(
        EMPTY,
        tests=240,
        has_records=True,
        download=Median(300e6, 300e6),
        verdict=Verdict.PASS,
        by_standard={"s": Verdict.PASS},
    )
    bad = replace(
        good,
        download=Median(100e6, 100e6),
        verdict=Verdict.FAIL,
        by_standard={"s": Verdict.FAIL},
    )
    later = line(EMPTY, registered=date(2026, 2, 1))
    (found,) = trend(["2026-01"], [line(good), line(bad), line(EMPTY), later]).months
    assert (found.lines, found.download_bits_per_second) == (2, Speed(200e6, at_least=False))
    assert found.upload_bits_per_second is None
    assert found.verdicts == {
        "pass": 1,
        "fail": 1,
        "no_limit": 0,
        "not_enough_data": 0,
        "no_records": 1,
        "before_registration": 1,
        "given_up": 0,
    }
    assert found.by_standard == {"s": {"pass": 1, "fail": 1, "not_enough_data": 0}}
    assert (found.kept.numerator, found.kept.denominator, found.kept.unknown) == (1, 2, 1)


def test_a_month_of_nobody_has_no_figures() -> None:
    """They are absent, not zero."""
    found = trend(["2026-01"], [line(EMPTY)])
    (month,) = found.months
    assert (month.lines, month.download_bits_per_second, month.kept.share) == (0, None, None)
    assert (month.availability.share, month.availability.watched_share) == (None, 0.0)
    assert trend(["2026-01"], []).availability.watched_share is None


def test_a_median_that_a_device_hides_says_so() -> None:
    """It is at least that."""
    hidden = replace(EMPTY, tests=9, has_records=True, download=Median(500e6, 900e6))
    (found,) = trend(["2026-01"], [line(hidden)]).months
    assert found.download_bits_per_second == Speed(500e6, at_least=True)


@pytest.mark.parametrize(
    "shares,registered,told",
    [
        ([1.0, 1.0], date(2025, 1, 1), 1.0),
        ([1.0, 0.8], date(2025, 1, 1), 0.9),
        ([1.0, 0.79], date(2025, 1, 1), None),
        ([0.01], date(2025, 1, 1), None),
        ([0.5], date(2026, 1, 17), 15.5 / 15),
    ],
)
def test_availability_is_told_where_most_of_the_time_was_watched(
    shares: Sequence[float], registered: date, told: float | None
) -> None:
    """Of what was watched; days before a line was registered are none that could be."""
    months = [
        replace(EMPTY, has_records=True, watched_seconds=share * JANUARY, out_seconds=3600.0)
        for share in shares
    ]
    found = trend(["2026-01"], [line(one, registered=registered) for one in months])
    (month,) = found.months
    assert month.availability == found.availability
    watched = sum(shares) * JANUARY
    if told is None:
        assert month.availability.share is None
    else:
        assert month.availability.watched_share == pytest.approx(min(1, told))
        assert month.availability.share == pytest.approx(1 - len(shares) * 3600 / watched)
    assert month.availability.watched_seconds == pytest.approx(watched)


months = st.builds(
    lambda watched, out: replace(
        EMPTY,
        has_records=True,
        watched_seconds=watched * JANUARY,
        out_seconds=watched * out * JANUARY,
    ),
    st.floats(0, 1),
    st.floats(0, 1),
)


@given(found=st.lists(months, max_size=6))
def test_no_availability_is_told_of_little(found: list[LineMonth]) -> None:
    """Whatever was watched, it is a share, and rests on most of the time or is not there."""
    said = trend(["2026-01"], [line(one) for one in found]).availability
    if said.share is not None:
        assert said.watched_share is not None
        assert said.watched_share >= LEAST_WATCHED
        assert -1e-9 <= said.share <= 1
