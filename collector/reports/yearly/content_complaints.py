"""What a year's report tells of complaints: what they said, what came of them, and today. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from collector.domain.cases.mended import Outcome
from collector.domain.findings import Verdict
from collector.domain.standard import Words
from collector.domain.year.again import Why
from collector.domain.year.complaints import Complaint, Complaints
from collector.reports.yearly.paper import (
    Column,
    Section,
    Table,
    Unit,
    Value,
    month_name,
    told,
    words,
)
from collector.reports.yearly.report import YearReport
from collector.reports.yearly.texts import LINE, STATE_WORDS, VERDICT_WORDS

_TITLE: Final = words("Kiến nghị với nhà mạng", "Complaints")

OUTCOME_WORDS: Final = {
    Outcome.BETTER: words("Tốt hơn", "Better"),
    Outcome.NOT_BETTER: words("Không tốt hơn", "Not better"),
    Outcome.UNKNOWN: words("Chưa kết luận được", "Cannot be said yet"),
}

TODAY_WORDS: Final = {
    **VERDICT_WORDS,
    # There may be data enough, and nothing to hold it against: why has a column of its own.
    Verdict.NOT_ENOUGH_DATA: words("Không có kết luận", "No verdict"),
}

WHY_WORDS: Final = {
    Why.NOT_HELD: words(
        "Báo cáo này không xét theo tiêu chuẩn của kiến nghị",
        "This report does not hold it against the complaint's standard",
    ),
    Why.OTHER_STANDARD: words("Tiêu chuẩn đã được sửa", "The standard's file is another one"),
    Why.OTHER_TERMS: words(
        "Mức hợp đồng, công bố ghi trong hệ thống đã khác",
        "Its contracted or declared terms are others now",
    ),
    Why.OTHER_RECORDS: words(
        "Bản ghi được tính đã khác khi lập kiến nghị", "Other records count than then"
    ),
    Why.OTHER_RULES: words("Cách xét của phần mềm đã khác", "The program judges otherwise"),
}


def complaints(report: YearReport) -> Section:
    """Return what came of complaints, and where today's verdict is another one."""
    found = report.complaints
    if not found.cases:
        none = words(
            "Không có kiến nghị nào về các tháng này được ghi trong hệ thống.",
            "No complaint about these months is in the system.",
        )
        return Section("Kiến nghị", _TITLE, [none, *_earlier(found)], [])
    return Section(
        "Kiến nghị",
        _TITLE,
        [*_sentences(found), *_earlier(found)],
        [_cases(found.cases), _lines(found.cases)],
    )


def _sentences(found: Complaints) -> Iterator[Words]:
    many = len(found.cases)
    yield words(
        f"{many} kiến nghị, đã gửi {found.sent}; được trả lời: {told(found.answered).vi}; "
        f"đã kết thúc: {found.closed}; đã chuyển lên cấp trên: {found.escalated}.",
        f"{many} complaints, {found.sent} sent; answered: {told(found.answered).en}; "
        f"closed: {found.closed}; escalated: {found.escalated}.",
    )
    yield words(
        f"Đường truyền tốt lên sau khi đo lại: {told(found.better).vi}.",
        f"Lines that got better when measured again: {told(found.better).en}.",
    )
    yield words(
        "Số liệu mục này lấy từ kiến nghị đã lập: tiêu chuẩn và kết luận “không đạt” là của kiến "
        "nghị.",
        "This section is of the complaints as they were made: standards and verdicts are theirs.",
    )
    if found.differing:
        yield words(
            f"{found.differing} chỗ có kết luận khi lập báo cáo này khác với kiến nghị; bảng nêu "
            "vì sao. Kiến nghị đã gửi không thay đổi vì việc này.",
            f"In {found.differing} places the verdict is another one now; the table says why. What "
            "was sent is not changed by it.",
        )


def _earlier(found: Complaints) -> Iterator[Words]:
    if found.earlier:
        yield words(
            f"Ngoài ra trong năm đã gửi {found.earlier} kiến nghị về tháng của năm trước: lập lại "
            "báo cáo năm trước để có kết quả của các kiến nghị đó.",
            f"Besides, {found.earlier} complaints about months of the year before were sent in the "
            "year: made again, the report of that year has what came of them.",
        )


def _cases(cases: Sequence[Complaint]) -> Table:
    columns = (
        Column(words("Số", "No."), Unit.COUNT),
        Column(words("Nhà mạng", "Carrier"), width=3),
        Column(words("Tháng", "Month"), width=3),
        Column(words("Đường truyền", "Lines"), Unit.COUNT, 3),
        Column(words("Ngày gửi", "Sent"), Unit.DAY, 4),
        Column(words("Ngày trả lời", "Answered"), Unit.DAY, 4),
        Column(words("Đã đo lại", "Measured again"), Unit.COUNT),
        Column(words("Tốt lên", "Better"), Unit.COUNT),
        Column(words("Tình trạng", "State"), width=4),
    )
    rows: list[Sequence[Value]] = [
        (
            one.number,
            one.carrier,
            month_name(one.month),
            len(one.lines),
            one.sent_on,
            one.answered_on,
            one.measured_again,
            one.better if one.measured_again else None,
            STATE_WORDS[one.state],
        )
        for one in cases
    ]
    return Table(words("Từng kiến nghị", "Each complaint"), columns, rows)


def _lines(cases: Sequence[Complaint]) -> Table:
    columns = (
        Column(words("Số", "No."), Unit.COUNT),
        Column(words("Tháng", "Month"), width=3),
        Column(words("Điểm đo", "Site"), width=4),
        LINE,
        Column(words("Không đạt theo (kiến nghị)", "Fails by (complaint)"), width=4),
        Column(words("Khi đo lại", "Measured again"), width=3),
        Column(words("Xét khi lập báo cáo", "When this was made"), width=3),
        Column(words("Vì sao khác", "Why it differs"), width=5),
    )
    rows: list[Sequence[Value]] = [
        (
            case.number,
            month_name(case.month),
            one.site,
            one.line,
            ", ".join(one.standards) or None,
            None if one.outcome is None else OUTCOME_WORDS[one.outcome],
            TODAY_WORDS[one.today.verdict],
            None if one.today.why is None else WHY_WORDS[one.today.why],
        )
        for case in cases
        for one in case.lines
    ]
    return Table(words("Từng đường truyền bị kiến nghị", "Each line"), columns, rows)
