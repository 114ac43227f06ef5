"""What a year's report tells of what is not known: lines, months, and their sum. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from collector.domain.standard import Words
from collector.domain.year.gaps import LineGaps
from collector.domain.year.months import APART, Known, MonthKnown
from collector.reports.yearly.paper import (
    Column,
    Section,
    Table,
    Unit,
    Value,
    month_name,
    words,
)
from collector.reports.yearly.report import YearReport

NOT_THERE: Final = "·"
"""In place of a number of days: the line was not registered yet, or was given up."""

_MOST_TOLD: Final = 30
"""Lines of which a sentence tells their empty months; the table has all."""

_KNOWN_WORDS: Final = {
    Known.JUDGED: words("Có kết luận (đạt hoặc không đạt)", "Judged: pass or fail"),
    Known.NO_LIMIT: words("Có đo, chưa có mức để xét", "Measured, nothing to hold it against"),
    Known.NOT_ENOUGH_DATA: words("Chưa đủ số liệu để kết luận", "Not enough data"),
    Known.NO_RECORDS: words("Không có bản ghi nào", "No records"),
    Known.BEFORE_REGISTRATION: words("Trước khi đăng ký", "Before registration"),
    Known.GIVEN_UP: words("Sau khi ngừng đo", "After it was given up"),
}


def gaps(report: YearReport) -> Section:
    """Return what is known of all months of all lines, and which have no data in which."""
    lacking = [one for one in report.gaps if one.missing]
    sentences = [
        words(
            f"{len(lacking)}/{len(report.gaps)} đường truyền có tháng không có bản ghi nào.",
            f"{len(lacking)} of {len(report.gaps)} lines have months without any record.",
        )
        if report.gaps
        else words("Chưa có đường truyền nào.", "There is no line."),
        *_lacking(lacking),
        *_registered(report.gaps),
        *_given_up(report.gaps),
        _sum(report),
        words(
            "“Chưa có mức để xét”: không có tiêu chuẩn nào để kiến nghị dựa vào mà có trị số cho "
            "loại đường truyền đó, hoặc chưa ghi tốc độ hợp đồng, công bố.",
            "“Nothing to hold it against”: no standard that a complaint may rest on has a number "
            "for such a line, or its contracted and declared speeds are not known.",
        ),
        words(
            "Bảng từng đường truyền ghi số ngày có ít nhất một lần đo được tính; “–”: cả tháng "
            f"không có ngày nào; “{NOT_THERE}”: trước khi đăng ký hoặc sau khi ngừng đo (mọi thiết "
            "bị đo đã thu hồi), không tính vào tỷ lệ ngày.",
            "The table of lines has the days with at least one test that counts; a dash is a month "
            f"without any; “{NOT_THERE}” one before the line was registered or after all of its "
            "probes were refused, which is no part of the share of days.",
        ),
    ]
    return Section(
        "Dữ liệu thiếu",
        words("Những gì chưa biết", "What is not known"),
        sentences,
        [_all_months(report), _days(report)],
    )


def _lacking(lines: Sequence[LineGaps]) -> Iterator[Words]:
    for line in lines[:_MOST_TOLD]:
        months = ", ".join(map(month_name, line.missing))
        yield words(
            f"{line.site}, {line.line}: không có bản ghi tháng {months}.",
            f"{line.site}, {line.line}: no record in {months}.",
        )
    if len(lines) > _MOST_TOLD:
        more = len(lines) - _MOST_TOLD
        yield words(f"Và {more} đường truyền khác, xem bảng.", f"And {more} more, see below.")


def _registered(lines: Sequence[LineGaps]) -> Iterator[Words]:
    """Yield which lines are told of from which month on."""
    since = Counter(one.since for one in lines if one.since)
    if not since:
        yield words(
            "Mọi đường truyền đều được theo dõi từ đầu năm.",
            "All lines are told of from the beginning of the year.",
        )
        return
    months_vi = "; ".join(f"từ tháng {month_name(one)}: {since[one]}" for one in sorted(since))
    months_en = "; ".join(f"from {month_name(one)}: {since[one]}" for one in sorted(since))
    yield words(
        f"Đường truyền đăng ký trong năm: {since.total()} ({months_vi}). Các tháng trước đó được "
        "đếm riêng, không tính là thiếu.",
        f"Lines registered in the year: {since.total()} ({months_en}). The months before are "
        "counted apart, and are no gaps.",
    )


def _given_up(lines: Sequence[LineGaps]) -> Iterator[Words]:
    """Yield which lines are told of until which month only."""
    until = Counter(one.until for one in lines if one.until)
    if until:
        months_vi = "; ".join(f"đến tháng {month_name(one)}: {until[one]}" for one in sorted(until))
        months_en = "; ".join(f"until {month_name(one)}: {until[one]}" for one in sorted(until))
        yield words(
            f"Đường truyền ngừng đo trong năm, mọi thiết bị đo đã thu hồi: {until.total()} "
            f"({months_vi}).",
            f"Lines given up in the year, all probes refused: {until.total()} ({months_en}).",
        )


def _sum(report: YearReport) -> Words:
    found = report.line_months
    whole = found.lines * found.months
    vi = " + ".join(f"{_KNOWN_WORDS[one].vi.lower()} {found.known[one]}" for one in Known)
    en = " + ".join(f"{_KNOWN_WORDS[one].en.lower()} {found.known[one]}" for one in Known)
    return words(
        f"{found.lines} đường truyền × {found.months} tháng = {whole}; trong đó: {vi}.",
        f"{found.lines} lines × {found.months} months = {whole}, of which: {en}.",
    )


def _all_months(report: YearReport) -> Table:
    """Return how many lines are known how in each month; each column adds up to all lines."""
    by_month = {month: Counter[Known]() for month in report.months}
    for line in report.gaps:
        for month in line.months:
            by_month[month.month][month.known] += 1
    rows: list[Sequence[Value]] = [
        (
            _KNOWN_WORDS[known],
            *(by_month[month][known] for month in report.months),
            report.line_months.known[known],
        )
        for known in Known
    ]
    totals = [by_month[month].total() for month in report.months]
    rows.append((words("Cộng", "Sum"), *totals, sum(totals)))
    columns = (
        Column(words("Tháng của đường truyền", "Months of lines"), width=5),
        *month_columns(report.months),
        Column(words("Cộng", "Sum"), Unit.COUNT),
    )
    title = words("Số đường truyền của từng tháng, theo điều đã biết", "Lines by what is known")
    return Table(title, columns, rows)


def _days(report: YearReport) -> Table:
    columns = (
        Column(words("Điểm đo", "Site"), width=3),
        Column(words("Đường truyền", "Line"), width=3),
        *month_columns(report.months),
        Column(words("Tỷ lệ ngày", "Share of days"), Unit.SHARE),
    )
    rows: list[Sequence[Value]] = [
        (one.site, one.line, *map(_day, one.months), _share_of_days(one)) for one in report.gaps
    ]
    return Table(words("Số ngày có số liệu của từng tháng", "Days with data"), columns, rows)


def _day(month: MonthKnown) -> Value:
    return NOT_THERE if month.known in APART else month.days or None


def _share_of_days(line: LineGaps) -> float | None:
    whole = sum(month.of_days for month in line.months)
    return sum(month.days for month in line.months) / whole if whole else None


def month_columns(months: Sequence[str]) -> list[Column]:
    """Return a narrow column for each month, headed by its number."""
    return [Column(words(number, number), Unit.COUNT, 1) for number in map(_number, months)]


def _number(month: str) -> str:
    return str(int(month[-2:]))
