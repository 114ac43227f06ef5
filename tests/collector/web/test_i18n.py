"""Languages, numbers, times and ages."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from collector.web.i18n import Language, Words, choose_language

NOW = datetime(2026, 11, 20, 13, 17, tzinfo=UTC)
VI = Words(Language.VI, ZoneInfo("Asia/Ho_Chi_Minh"), NOW)
EN = Words(Language.EN, ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


@pytest.mark.parametrize(
    "query,cookies,accepted,chosen",
    [
        ({}, {}, "", Language.VI),
        ({}, {}, "en-US,en;q=0.9", Language.EN),
        ({}, {}, "fr, de;q=0.5", Language.VI),
        ({}, {}, "en;q=0.5, vi-VN;q=0.9", Language.VI),
        ({}, {}, "en;q=nonsense, vi", Language.VI),
        ({}, {}, "en;q=0", Language.VI),
        ({}, {"linewatch_lang": "en"}, "vi", Language.EN),
        ({"lang": "vi"}, {"linewatch_lang": "en"}, "en", Language.VI),
        ({"lang": "xx"}, {"linewatch_lang": "yy"}, "en", Language.EN),
    ],
)
def test_language_is_that_of_address_cookie_browser_or_vietnamese(
    query: dict[str, str], cookies: dict[str, str], accepted: str, chosen: Language
) -> None:
    """The address wins over the cookie, the cookie over the browser; the default is Vietnamese."""
    assert choose_language(query, cookies, accepted) is chosen


@pytest.mark.parametrize(
    "bits_per_second,vi,en",
    [
        (93_400_000.0, "93,4\u00a0Mbit/s", "93.4\u00a0Mbit/s"),
        (1_234_000_000.0, "1.234\u00a0Mbit/s", "1,234\u00a0Mbit/s"),
        (9_999_400_000.0, "9.999\u00a0Mbit/s", "9,999\u00a0Mbit/s"),
        (9_999_600_000.0, "10,0\u00a0Gbit/s", "10.0\u00a0Gbit/s"),
        (26_036_000_000.0, "26,0\u00a0Gbit/s", "26.0\u00a0Gbit/s"),
        (1_234_000.0, "1,23\u00a0Mbit/s", "1.23\u00a0Mbit/s"),
        (None, "–", "–"),
    ],
)
def test_speeds_are_written_in_each_language(
    bits_per_second: float | None, vi: str, en: str
) -> None:
    """A speed has about three digits, the language's signs and its unit; absent is a dash."""
    assert VI.speed(bits_per_second) == vi
    assert EN.speed(bits_per_second) == en


@pytest.mark.parametrize(
    "ratio,vi,en",
    [
        (0.805, "80\u00a0%", "80%"),
        (9.99, "999\u00a0%", "999%"),
        (9.996, ">\u00a0999\u00a0%", ">\u00a0999%"),
        (102.46, ">\u00a0999\u00a0%", ">\u00a0999%"),
        (None, "–", "–"),
    ],
)
def test_shares_end_at_999_percent(ratio: float | None, vi: str, en: str) -> None:
    """A share is written as a percentage, and one that says nothing any more as above 999."""
    assert VI.percent(ratio) == vi
    assert EN.percent(ratio) == en


def test_latencies_share_one_unit() -> None:
    """Several latencies have one unit, and a dash for each that is absent."""
    assert EN.latencies(0.0123, None, 0.2) == "12.3 / – / 200\u00a0ms"
    assert EN.latencies(None, None) == "–"


def test_times_are_local() -> None:
    """A moment is written on the local clock, the way that each language writes dates."""
    late = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    assert VI.moment(late) == "00:30, 21/11/2026"
    assert EN.moment(late) == "21 Nov 2026, 00:30"
    assert VI.short_moment(late) == "21/11 00:30"


@pytest.mark.parametrize(
    "ago,vi,en",
    [
        (timedelta(seconds=-30), "vừa xong", "just now"),
        (timedelta(seconds=59), "vừa xong", "just now"),
        (timedelta(minutes=59), "59 phút trước", "59 min ago"),
        (timedelta(hours=47), "47 giờ trước", "47 h ago"),
        (timedelta(days=12), "12 ngày trước", "12 days ago"),
    ],
)
def test_ages_are_said_in_words(ago: timedelta, vi: str, en: str) -> None:
    """An age is counted in the largest unit that still tells something."""
    assert VI.age(NOW - ago) == vi
    assert EN.age(NOW - ago) == en


def test_one_line_is_not_one_lines() -> None:
    """A count of one takes its own text."""
    assert EN.count_of("lines_count", 1) == "1 line"
    assert EN.count_of("lines_count", 5000) == "5,000 lines"
