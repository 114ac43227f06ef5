"""The heat map of hour by day."""

from datetime import UTC, date, datetime
from math import inf
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from collector.domain.series import HourCell
from collector.domain.standing import Median
from collector.web.heat import HeatMap, heat_map
from collector.web.i18n import Language, Words

WORDS = Words(Language.EN, ZoneInfo("Asia/Ho_Chi_Minh"), datetime(2026, 11, 20, tzinfo=UTC))
FIRST = date(2026, 11, 1)


def cells(map_: HeatMap) -> dict[str, str]:
    """Return the title and the class of each cell."""
    root = ET.fromstring(str(map_.svg))  # noqa: S314 - our own
    return {(rect.findtext("title") or ""): rect.get("class", "") for rect in root.iter("rect")}


def test_cells_say_how_much_of_the_contract_there_was() -> None:
    """The colour follows the share of the contracted speed; the title says hour, day and value."""
    rates = {0: 30e6, 1: 50e6, 2: 70e6, 3: 90e6, 4: 99e6}
    found = {(FIRST, hour): HourCell(Median(rate, rate), 2, 0, 0) for hour, rate in rates.items()}
    drawn = cells(heat_map(WORDS, found, FIRST, 30, 100e6))
    assert list(drawn.values()) == ["h0", "h1", "h2", "h3", "h4"]
    assert "02:00, 1 Nov: 70.0\u00a0Mbit/s (2)" in drawn


def test_cell_of_a_lower_bound_says_at_least_and_is_never_a_bad_hour() -> None:
    """An hour whose median the probe or the server held back says so. It has the colour of its
    value where that is enough, or where it is not whatever was held back, and else none of them,
    which the legend explains.
    """
    medians = [Median(70e6, inf), Median(90e6, inf), Median(70e6, 79e6), Median(70e6, 80e6)]
    found = {(FIRST, hour): HourCell(one, 2, 0, 0) for hour, one in enumerate(medians)}
    map_ = heat_map(WORDS, found, FIRST, 30, 100e6)
    drawn = cells(map_)
    assert list(drawn.values()) == ["unrated", "h3", "h2", "unrated"]
    assert all(": at least " in title for title in drawn)
    assert "00:00, 1 Nov: at least 70.0\u00a0Mbit/s (2)" in drawn
    assert map_.legend(WORDS)[-1] == ("cell unrated", "held back, not rated")
    sure = {place: found[place] for place in ((FIRST, 1), (FIRST, 2))}
    assert len(heat_map(WORDS, sure, FIRST, 30, 100e6).legend(WORDS)) == 5


def test_hour_without_a_test_has_no_cell() -> None:
    """Absent hours are not drawn as cells, failed and flagged ones are drawn as what they are."""
    found = {
        (FIRST, 5): HourCell(None, 0, 2, 0),
        (FIRST, 6): HourCell(None, 0, 0, 1),
        (date(2026, 10, 31), 7): HourCell(Median(1e6, 1e6), 1, 0, 0),
    }
    drawn = cells(heat_map(WORDS, found, FIRST, 30, 100e6))
    assert drawn == {
        "05:00, 1 Nov: failed tests only": "only-failed",
        "06:00, 1 Nov: flagged tests only": "only-flagged",
    }


def test_map_of_flagged_tests_alone_says_so() -> None:
    """A map without a median says whether nothing succeeded or only what does not count."""
    flagged = heat_map(WORDS, {(FIRST, 6): HourCell(None, 0, 1, 1)}, FIRST, 30, 100e6)
    assert (flagged.empty, flagged.why_empty) == (True, "chart_only_flagged")
    failed = heat_map(WORDS, {(FIRST, 6): HourCell(None, 0, 1, 0)}, FIRST, 30, 100e6)
    assert (failed.empty, failed.why_empty) == (True, "chart_empty")


def test_legend_says_speeds() -> None:
    """The legend's steps are speeds, from the contract or else from the highest hour."""
    found = {(FIRST, 5): HourCell(Median(50e6, 50e6), 1, 0, 0)}
    texts = [text for _, text in heat_map(WORDS, found, FIRST, 30, 200e6).legend(WORDS)]
    assert texts == ["< 80", "80–120", "120–160", "160–190", "≥ 190 Mbit/s"]
    texts = [text for _, text in heat_map(WORDS, found, FIRST, 30, 20e9).legend(WORDS)]
    assert texts == ["< 8.0", "8.0–12.0", "12.0–16.0", "16.0–19.0", "≥ 19.0 Gbit/s"]
    assert heat_map(WORDS, found, FIRST, 30, None).legend(WORDS)[-1][1] == "≥ 48 Mbit/s"
    assert heat_map(WORDS, {}, FIRST, 30, None).legend(WORDS) == []
