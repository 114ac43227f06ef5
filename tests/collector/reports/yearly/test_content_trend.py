"""How the months ran on, in words: measured apart from judged, and nothing that looks whole."""

from dataclasses import replace
from typing import Final

from collector.domain.year.counts import Count
from collector.domain.year.trend import Availability
from collector.reports.yearly.content_trend import trend
from collector.reports.yearly.paper import Unit, written
from collector.reports.yearly.report import YearReport

NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def with_availability(report: YearReport, found: Availability) -> YearReport:
    """Return a report whose fixed lines were watched so."""
    months = [replace(one, availability=found) for one in report.trend.months]
    return replace(report, trend=replace(report.trend, months=months, availability=found))


def said(report: YearReport) -> tuple[str, str]:
    """Return what is said of the year's availability, and what stands in January's cell."""
    found = trend(report)
    (sentence,) = [one.vi for one in found.sentences if "cố định qua các tháng" in one.vi]
    cell = written(found.tables[0].rows[0][-1], Unit.SHARE)
    return sentence.replace(NO_BREAK, " "), cell.replace(NO_BREAK, " ")


def test_little_that_was_watched_is_no_availability(report: YearReport) -> None:
    """The share that was is told; no percentage stands where most of the time is not known."""
    little = Availability(share=None, watched_share=0.613, watched_seconds=1e6)
    sentence, cell = said(with_availability(report, little))
    assert sentence.endswith("chưa đủ số liệu (mới theo dõi được 61,3 % thời gian).")
    assert cell == "Chưa đủ số liệu"
    enough = Availability(share=0.99912, watched_share=0.97, watched_seconds=1e6)
    sentence, cell = said(with_availability(report, enough))
    assert sentence.endswith("99,91 % (đã theo dõi 97,0 % thời gian).")
    assert cell == "99,9 %"
    nothing = Availability(share=None, watched_share=None, watched_seconds=0)
    sentence, cell = said(with_availability(report, nothing))
    assert sentence.endswith("chưa có số liệu.")
    assert cell == "–"


def test_each_months_lines_add_up(report: YearReport) -> None:
    """Pass, fail, none and those not there make up all lines, whatever standards there are."""
    (fixed, _) = [one for one in trend(report).tables if one.title.vi.startswith("Kết luận")]
    for _, *counts, lines, _, complained in fixed.rows:
        assert len(counts) == 4
        assert sum(one for one in counts if isinstance(one, (int, float))) == lines == 5
        assert complained == 0


def test_a_chart_without_any_verdict_is_left_out(report: YearReport) -> None:
    """As of a year whose standards have no numbers: three charts of measurements are there."""
    assert [one.unit for one in trend(report).charts][3:] == [Unit.SHARE]
    unjudged = [replace(one, kept=Count(0, 0, 5)) for one in report.trend.months]
    changed = replace(report, trend=replace(report.trend, months=unjudged))
    assert len(trend(changed).charts) == 3
