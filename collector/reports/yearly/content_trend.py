"""What a year's report tells of its months: how they ran on, and what is not known of them."""

from collections.abc import Mapping, Sequence

from collector.domain.findings import Verdict
from collector.domain.standard import Words
from collector.domain.year.months import LineGaps, Speed, TrendMonth
from collector.reports.yearly.paper import (
    Bars,
    Column,
    Section,
    Table,
    Unit,
    Value,
    month_name,
    words,
)
from collector.reports.yearly.report import YearReport


def trend(report: YearReport, verdicts: Mapping[Verdict, Words]) -> Section:
    """Return how the months ran on.

    Args:
        report: of the year.
        verdicts: their words.
    """
    fixed = words("đường truyền cố định", "fixed lines")
    tables = [
        _speeds(words("Theo tháng, đường truyền cố định", "By month, fixed lines"), report.trend),
        _verdicts(fixed, report.trend, verdicts),
    ]
    if report.year_before:
        title = words(f"Cùng kỳ năm {report.year - 1}", f"The same months of {report.year - 1}")
        tables.append(_speeds(title, report.year_before))
    if report.mobile_trend:
        mobile = words("đường truyền di động", "mobile lines")
        title = words("Theo tháng, đường truyền di động", "By month, mobile lines")
        tables.append(_speeds(title, report.mobile_trend))
        tables.append(_verdicts(mobile, report.mobile_trend, verdicts))
    return Section(
        "Diễn biến",
        words("Diễn biến trong năm", "The year month by month"),
        [
            words(
                "Tốc độ và độ trễ của một tháng là trung vị của các trung vị từng đường truyền, "
                "của những đường truyền có số liệu trong tháng đó. "
                "Độ khả dụng là tỷ lệ thời gian theo dõi mà nhà mạng cung cấp được dịch vụ.",
                "A month's speeds and latency are the median of the medians of the lines with data "
                "in it; availability is the share of the watched time with service.",
            ),
            words(f"Có so sánh với năm {report.year - 1}.", f"{report.year - 1} is beside it.")
            if report.year_before
            else words(
                f"Hệ thống không có số liệu cùng kỳ năm {report.year - 1} để so sánh.",
                f"The ledger has no data of {report.year - 1} to compare with.",
            ),
        ],
        tables,
        _charts(report),
    )


def _speeds(title: Words, months: Sequence[TrendMonth]) -> Table:
    columns = (
        Column(words("Tháng", "Month")),
        Column(words("Đường truyền có số liệu", "Lines with data"), Unit.COUNT),
        Column(words("Tải xuống", "Download"), Unit.RATE),
        Column(words("Tải lên", "Upload"), Unit.RATE),
        Column(words("Độ trễ", "Latency"), Unit.TIME),
        Column(words("Độ khả dụng", "Availability"), Unit.SHARE),
    )
    rows: list[Sequence[Value]] = [
        (
            month_name(one.month),
            one.lines,
            one.download_bits_per_second,
            one.upload_bits_per_second,
            one.idle_latency_seconds,
            one.availability,
        )
        for one in months
    ]
    return Table(title, columns, rows)


def _verdicts(of: Words, months: Sequence[TrendMonth], verdicts: Mapping[Verdict, Words]) -> Table:
    columns = (
        Column(words("Tháng", "Month")),
        *(Column(verdicts[verdict], Unit.COUNT) for verdict in Verdict),
        Column(words("Tỷ lệ đạt trên số đã rõ", "Share that pass, of those known"), Unit.SHARE),
    )
    rows: list[Sequence[Value]] = [
        (
            month_name(one.month),
            *(one.verdicts[verdict.value] for verdict in Verdict),
            one.kept.share,
        )
        for one in months
    ]
    title = words(f"Kết luận từng tháng, số {of.vi}", f"Verdicts by month, {of.en}")
    return Table(title, columns, rows)


def _charts(report: YearReport) -> list[Bars]:
    asked = (
        (words("Tải xuống (Mbit/s)", "Download"), Unit.RATE, "download_bits_per_second"),
        (words("Tải lên (Mbit/s)", "Upload"), Unit.RATE, "upload_bits_per_second"),
        (words("Độ trễ (ms)", "Latency"), Unit.TIME, "idle_latency_seconds"),
    )
    months = [month_name(one.month) for one in report.trend]
    shares = words("Đường truyền đạt, % của số đã rõ", "Share of lines that pass, of those known")
    return [
        *(
            Bars(
                title,
                unit,
                months,
                [_plain(getattr(one, name)) for one in report.trend],
                [_plain(getattr(one, name)) for one in report.year_before],
            )
            for title, unit, name in asked
        ),
        Bars(shares, Unit.SHARE, months, [one.kept.share for one in report.trend]),
    ]


def _plain(value: Speed | None) -> float | None:
    return None if value is None else value.value


# --- What is not known -----------------------------------------------------------------------


def gaps(report: YearReport) -> Section:
    """Return which lines have no data in which months, and how many days are known of each."""
    lacking = [one for one in report.gaps if one.missing]
    sentences = [
        words(
            f"{len(lacking)}/{len(report.gaps)} đường truyền có tháng hoàn toàn không có số liệu.",
            f"{len(lacking)} of {len(report.gaps)} lines have months without any data.",
        )
        if report.gaps
        else words("Chưa có đường truyền nào.", "There is no line."),
        *map(_lacking, lacking),
        words(
            "Bảng dưới: số ngày có ít nhất một lần đo được tính; “–”: cả tháng không có số liệu.",
            "The table has the days with at least one test that counts; a dash is a month without "
            "data.",
        ),
    ]
    columns = (
        Column(words("Điểm đo", "Site"), width=3),
        Column(words("Đường truyền", "Line"), width=3),
        *month_columns(report.months),
        Column(words("Tỷ lệ ngày", "Share of days"), Unit.SHARE),
    )
    rows: list[Sequence[Value]] = [
        (
            one.site,
            one.line,
            *(month.days or None for month in one.months),
            sum(month.days for month in one.months) / sum(month.of_days for month in one.months),
        )
        for one in report.gaps
    ]
    title = words("Số ngày có số liệu của từng tháng", "Days with data in each month")
    return Section(
        "Dữ liệu thiếu",
        words("Những gì chưa biết", "What is not known"),
        sentences,
        [Table(title, columns, rows)],
    )


def _lacking(line: LineGaps) -> Words:
    months = ", ".join(map(month_name, line.missing))
    return words(
        f"{line.site}, {line.line}: không có số liệu tháng {months}.",
        f"{line.site}, {line.line}: no data in {months}.",
    )


def month_columns(months: Sequence[str]) -> list[Column]:
    """Return a narrow column for days of each month, headed by its number."""
    return [Column(words(number, number), Unit.COUNT, 1) for number in map(_number, months)]


def _number(month: str) -> str:
    return str(int(month[-2:]))
