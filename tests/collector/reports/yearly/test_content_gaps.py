"""What is not known, in words: the sum closes for whoever adds it up."""

import re
from dataclasses import replace
from datetime import date

from collector.domain.year.gaps import gaps_of, line_months
from collector.domain.year.months import Known, LineMonth, line_year
from collector.reports.yearly.content_gaps import NOT_THERE, gaps
from collector.reports.yearly.report import YearReport
from tests.collector.domain.year.test_targets import EMPTY


def with_new_line(report: YearReport, registered_on: date) -> YearReport:
    """Return a report with one more line, which nobody has measured yet."""
    months: list[LineMonth] = [replace(EMPTY, month=month) for month in report.months]
    new = gaps_of(line_year("new", "Nhà mới", "fibre", registered_on, None, months))
    every = [*report.gaps, new]
    whole = line_months(every, len(report.months))
    return replace(report, gaps=every, line_months=whole)


def test_the_sum_is_said_and_closes(report: YearReport) -> None:
    """In the sentence, and in each column of the table."""
    found = gaps(with_new_line(report, date(2025, 7, 10)))
    (said,) = [one.vi for one in found.sentences if "×" in one.vi]
    numbers = [int(one) for one in re.findall(r"\d+", said)]
    assert numbers[:3] == [7, 8, 56]
    assert len(numbers) == 3 + len(Known)
    assert sum(numbers[3:]) == 56
    *rows, last = found.tables[0].rows
    for column in range(1, 10):
        counts = [row[column] for row in rows]
        assert sum(one for one in counts if isinstance(one, (int, float))) == last[column]
    assert list(last[1:]) == [7] * 8 + [56]


def test_lines_registered_in_the_year_are_named_with_their_month(report: YearReport) -> None:
    """Months before are no gaps, and say so; neither do they lower the share of days."""
    found = gaps(with_new_line(report, date(2025, 7, 10)))
    said = " ".join(one.vi for one in found.sentences)
    assert "Đường truyền đăng ký trong năm: 1 (từ tháng 07/2025: 1)" in said
    assert "Nhà mới, new: không có bản ghi tháng 07/2025, 08/2025" in said
    row = found.tables[1].rows[-1]
    assert list(row[2:]) == [NOT_THERE] * 6 + [None, None, 0.0]
    early = " ".join(one.vi for one in gaps(report).sentences)
    assert "Mọi đường truyền đều được theo dõi từ đầu năm." in early
