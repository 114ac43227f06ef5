"""What a year keeps of months, how they run on, and what is not known of them."""

from dataclasses import replace
from datetime import date

from collector.domain.findings import Verdict
from collector.domain.standing import Median
from collector.domain.year.months import LineMonth, Speed, gaps_of, trend
from tests.collector.domain.year.test_targets import EMPTY


def test_a_months_figures_are_of_the_lines_that_have_data() -> None:
    """A silent line makes no median lower; it is counted as one without enough data."""
    good = replace(
        EMPTY,
        tests=240,
        download=Median(300e6, 300e6),
        watched_seconds=1000.0,
        out_seconds=10.0,
        verdict=Verdict.PASS,
        by_standard={"s": Verdict.PASS},
    )
    bad = replace(
        good,
        download=Median(100e6, 100e6),
        out_seconds=90.0,
        verdict=Verdict.FAIL,
        by_standard={"s": Verdict.FAIL},
    )
    (found,) = trend(["2026-01"], [[good], [bad], [EMPTY]])
    assert (found.lines, found.download_bits_per_second) == (2, Speed(200e6, at_least=False))
    assert found.upload_bits_per_second is None
    assert found.availability == 0.95
    assert found.verdicts == {"pass": 1, "fail": 1, "not_enough_data": 1}
    assert found.by_standard == {"s": {"pass": 1, "fail": 1, "not_enough_data": 0}}
    assert (found.kept.numerator, found.kept.denominator, found.kept.unknown) == (1, 2, 1)


def test_a_month_of_nobody_has_no_figures() -> None:
    """They are absent, not zero."""
    (found,) = trend(["2026-01"], [[EMPTY]])
    assert (found.lines, found.availability, found.download_bits_per_second) == (0, None, None)
    assert found.kept.share is None


def test_a_median_that_a_device_hides_says_so() -> None:
    """It is at least that."""
    hidden = replace(EMPTY, tests=9, download=Median(500e6, 900e6))
    (found,) = trend(["2026-01"], [[hidden]])
    assert found.download_bits_per_second == Speed(500e6, at_least=True)


def test_months_before_a_line_was_there_are_no_gaps() -> None:
    """They are named apart; each month says of how many days it is."""
    months: list[LineMonth] = [
        replace(EMPTY, month=f"2026-0{number}", days=many)
        for number, many in ((1, 0), (2, 0), (3, 12), (4, 0), (5, 31))
    ]
    found = gaps_of("l", "Nhà 1", "fibre", date(2026, 2, 20), months)
    assert (found.before, found.missing) == (["2026-01"], ["2026-02", "2026-04"])
    assert [(one.days, one.of_days) for one in found.months] == [
        (0, 31),
        (0, 28),
        (12, 31),
        (0, 30),
        (31, 31),
    ]


def test_a_registry_that_is_younger_than_its_records_hides_no_gap() -> None:
    """A ledger that was brought in: what lies behind the first data is missing."""
    months = [
        replace(EMPTY, month=f"2026-0{number}", days=many)
        for number, many in ((1, 0), (2, 9), (3, 0))
    ]
    found = gaps_of("l", "Nhà 1", "fibre", date(2026, 11, 1), months)
    assert (found.before, found.missing) == (["2026-01"], ["2026-03"])
