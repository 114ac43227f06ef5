"""What a year tells of complaints: what they said and what came of them, and today beside it."""

from dataclasses import replace

from collector.domain.cases.mended import Outcome
from collector.domain.cases.steps import State
from collector.domain.findings import Verdict
from collector.domain.year.again import Today, Why
from collector.domain.year.complaints import Accused, Complaint, complaints
from collector.reports.yearly import content_complaints as content
from collector.reports.yearly.paper import written
from collector.reports.yearly.report import YearReport
from collector.reports.yearly.texts import STATE_WORDS


def with_lines(report: YearReport, *lines: Accused, earlier: int = 0) -> YearReport:
    """Return a report with a draft about some lines; with none of it where there is no line."""
    case = Complaint(1, "VNPT", "2025-01", None, "draft", lines, None, None, None, False, 0, 0)
    return replace(report, complaints=complaints([case] if lines else [], earlier))


def test_a_complaint_stands_as_it_was_made(report: YearReport) -> None:
    """Beside it the verdict of today; where that is another, why, and that nothing was changed."""
    found = content.complaints(
        with_lines(
            report,
            Accused("a", "Nhà 1", ["ward@1"], Outcome.BETTER, Today(Verdict.FAIL, None)),
            Accused("b", "Nhà 2", ["ward@1"], None, Today(Verdict.NOT_ENOUGH_DATA, Why.NOT_HELD)),
        )
    )
    table = found.tables[1]
    rows = [
        [written(one, column.unit) for one, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    why = "Báo cáo này không xét theo tiêu chuẩn của kiến nghị"
    assert rows == [
        ["1", "01/2025", "Nhà 1", "a", "ward@1", "Tốt hơn", "Không đạt", "–"],
        ["1", "01/2025", "Nhà 2", "b", "ward@1", "–", "Không có kết luận", why],
    ]
    assert any(one.vi.startswith("1 chỗ có kết luận") for one in found.sentences)


def test_where_nothing_differs_no_word_is_lost_on_it(report: YearReport) -> None:
    """Nor is there a table where there is no complaint; earlier ones are told all the same."""
    same = Accused("a", "Nhà 1", ["ward@1"], None, Today(Verdict.FAIL, None))
    found = content.complaints(with_lines(report, same))
    assert not any("chỗ có kết luận" in one.vi for one in found.sentences)
    none = content.complaints(with_lines(report, earlier=2))
    assert not none.tables
    assert "đã gửi 2 kiến nghị về tháng của năm trước" in none.sentences[-1].vi


def test_every_reason_outcome_and_state_has_its_words() -> None:
    """What is not in words would be an error in somebody's December."""
    assert set(content.WHY_WORDS) == set(Why)
    assert set(content.OUTCOME_WORDS) == set(Outcome)
    assert set(content.TODAY_WORDS) == set(Verdict)
    assert set(STATE_WORDS) == {one.value for one in State}
