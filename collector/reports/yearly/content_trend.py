"""What a year's report tells of how its months ran on: measurements, then verdicts. Pure."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from collector.domain.findings import Verdict
from collector.domain.standard import TECHNOLOGIES, Words
from collector.domain.year.months import APART, Speed
from collector.domain.year.trend import LEAST_WATCHED, UNJUDGED, Availability, Trend
from collector.reports.yearly.paper import (
    Bars,
    Column,
    Section,
    Table,
    Unit,
    Value,
    month_name,
    percent,
    words,
)
from collector.reports.yearly.report import YearReport
from collector.reports.yearly.texts import VERDICT_WORDS

_MOBILE: Final = TECHNOLOGIES["4g"] | TECHNOLOGIES["5g"]


def trend(report: YearReport) -> Section:
    """Return how the months ran on."""
    last = report.year - 1
    tables = [_speeds(words("Theo tháng, đường truyền cố định", "Fixed lines"), report.trend)]
    if report.year_before:
        title = words(f"Cùng kỳ năm {last}, đường truyền cố định", f"The same months of {last}")
        tables.append(_speeds(title, report.year_before))
    if report.mobile_trend:
        title = words("Theo tháng, đường truyền di động", "Mobile lines")
        tables.append(_speeds(title, report.mobile_trend))
    tables += _judged(report)
    return Section(
        "Diễn biến",
        words("Diễn biến trong năm", "The year month by month"),
        [
            words(
                "Tốc độ và độ trễ của một tháng là trung vị của các trung vị từng đường truyền, "
                "của những đường truyền có số liệu trong tháng đó; không phụ thuộc tiêu chuẩn nào.",
                "A month's speeds and latency are the median of the medians of the lines with data "
                "in it; no standard has a part in them.",
            ),
            words(
                "Độ khả dụng là tỷ lệ thời gian theo dõi mà nhà mạng cung cấp được dịch vụ; chỉ "
                f"nêu khi đã theo dõi được từ {percent(LEAST_WATCHED, 0).vi} thời gian trở lên.",
                "Availability is the share of the watched time with service, and is told where "
                f"{percent(LEAST_WATCHED, 0).en} of the time was watched.",
            ),
            *_availability(report),
            words(f"Có so sánh với năm {last}.", f"{last} is beside it.")
            if report.year_before
            else words(
                f"Hệ thống không có số liệu cùng kỳ năm {last} để so sánh.",
                f"The ledger has no data of {last} to compare with.",
            ),
            words(
                "Bảng kết luận xét mọi tháng theo tiêu chuẩn, hợp đồng và bản ghi mà hệ thống có "
                "khi lập báo cáo này, nên có thể khác kiến nghị đã gửi; kiến nghị giữ nguyên kết "
                "luận khi gửi. Cột “Đã gửi kiến nghị” đếm theo kiến nghị; mục “Kiến nghị với nhà "
                "mạng” nêu từng chỗ khác nhau và vì sao.",
                "The verdicts are those of when this was made, by the standards, terms and records "
                "of now, and may differ from what was sent; complaints stand as they were sent. "
                "The last column counts lines of complaints; the section on complaints has each "
                "difference, and why.",
            ),
        ],
        tables,
        _charts(report),
    )


def _availability(report: YearReport) -> list[Words]:
    fixed = words("đường truyền cố định", "fixed lines")
    found = [_available(fixed, report.trend.availability)]
    if report.mobile_trend:
        mobile = words("đường truyền di động", "mobile lines")
        found.append(_available(mobile, report.mobile_trend.availability))
    return found


def _available(of: Words, found: Availability) -> Words:
    head = words(
        f"Độ khả dụng của {of.vi} qua các tháng của báo cáo",
        f"Availability of {of.en} over the report's months",
    )
    if found.watched_share is None:
        return words(f"{head.vi}: chưa có số liệu.", f"{head.en}: no data.")
    watched = percent(found.watched_share)
    if found.share is None:
        return words(
            f"{head.vi}: chưa đủ số liệu (mới theo dõi được {watched.vi} thời gian).",
            f"{head.en}: not enough data ({watched.en} of the time was watched).",
        )
    share = percent(found.share, 2)
    return words(
        f"{head.vi}: {share.vi} (đã theo dõi {watched.vi} thời gian).",
        f"{head.en}: {share.en} ({watched.en} of the time was watched).",
    )


def _speeds(title: Words, found: Trend) -> Table:
    columns = (
        Column(words("Tháng", "Month")),
        Column(words("Đường truyền có số liệu", "Lines with data"), Unit.COUNT),
        Column(words("Tải xuống", "Download"), Unit.RATE),
        Column(words("Tải lên", "Upload"), Unit.RATE),
        Column(words("Độ trễ", "Latency"), Unit.TIME),
        Column(words("Thời gian đã theo dõi", "Watched"), Unit.SHARE),
        Column(words("Độ khả dụng", "Availability"), Unit.SHARE),
    )
    rows: list[Sequence[Value]] = [
        (
            month_name(one.month),
            one.lines,
            one.download_bits_per_second,
            one.upload_bits_per_second,
            one.idle_latency_seconds,
            one.availability.watched_share,
            _share(one.availability),
        )
        for one in found.months
    ]
    return Table(title, columns, rows)


def _share(found: Availability) -> Value:
    if found.share is None and found.watched_share is not None:
        return VERDICT_WORDS[Verdict.NOT_ENOUGH_DATA]
    return found.share


def _judged(report: YearReport) -> list[Table]:
    """Return the verdicts of all months, of fixed and of mobile lines."""
    kinds = [(words("đường truyền cố định", "fixed lines"), report.trend, TECHNOLOGIES["fixed"])]
    if report.mobile_trend:
        mobile = words("đường truyền di động", "mobile lines")
        kinds.append((mobile, report.mobile_trend, _MOBILE))
    return [_verdicts(of, found, _complained(report, which)) for of, found, which in kinds]


def _complained(report: YearReport, technologies: Collection[str]) -> dict[str, int]:
    """Return of how many lines of some technologies each month's sent complaints are."""
    own = {one.line for one in report.gaps if one.technology in technologies}
    found: dict[str, set[str]] = {month: set() for month in report.months}
    for case in report.complaints.cases:
        if case.sent_on is not None:
            found[case.month] |= {one.line for one in case.lines} & own
    return {month: len(lines) for month, lines in found.items()}


def _verdicts(of: Words, found: Trend, complained: dict[str, int]) -> Table:
    columns = (
        Column(words("Tháng", "Month")),
        Column(VERDICT_WORDS[Verdict.PASS], Unit.COUNT),
        Column(VERDICT_WORDS[Verdict.FAIL], Unit.COUNT),
        Column(words("Không có kết luận", "No verdict"), Unit.COUNT),
        Column(words("Trước khi đăng ký, sau khi ngừng đo", "Not there"), Unit.COUNT),
        Column(words("Cộng", "Lines"), Unit.COUNT),
        Column(words("Tỷ lệ đạt trên số có kết luận", "Share that pass"), Unit.SHARE),
        Column(words("Đã gửi kiến nghị", "Complaint sent"), Unit.COUNT),
    )
    rows: list[Sequence[Value]] = [
        (
            month_name(one.month),
            one.verdicts[Verdict.PASS],
            one.verdicts[Verdict.FAIL],
            sum(one.verdicts[why] for why in UNJUDGED if why not in APART),
            sum(one.verdicts[why] for why in APART),
            sum(one.verdicts.values()),
            one.kept.share,
            complained[one.month],
        )
        for one in found.months
    ]
    title = words(
        f"Kết luận xét khi lập báo cáo, số {of.vi}", f"Verdicts when this was made, {of.en}"
    )
    return Table(title, columns, rows)


def _charts(report: YearReport) -> list[Bars]:
    asked = (
        (words("Tải xuống (Mbit/s)", "Download"), Unit.RATE, "download_bits_per_second"),
        (words("Tải lên (Mbit/s)", "Upload"), Unit.RATE, "upload_bits_per_second"),
        (words("Độ trễ (ms)", "Latency"), Unit.TIME, "idle_latency_seconds"),
    )
    before = report.year_before.months if report.year_before else ()
    trends = report.trend.months
    months = [month_name(one.month) for one in trends]
    return [
        *(
            Bars(
                title,
                unit,
                months,
                [_plain(getattr(one, name)) for one in trends],
                [_plain(getattr(one, name)) for one in before],
            )
            for title, unit, name in asked
        ),
        *_shares_that_pass(report, months),
    ]


def _shares_that_pass(report: YearReport, months: Sequence[str]) -> Iterator[Bars]:
    """Yield the chart of verdicts, where there is any verdict."""
    shares = [one.kept.share for one in report.trend.months]
    if any(one is not None for one in shares):
        title = words("Đường truyền đạt, % số có kết luận", "Share of lines that pass")
        yield Bars(title, Unit.SHARE, months, shares)


def _plain(value: Speed | None) -> float | None:
    return None if value is None else value.value
