"""What a year's report tells of the plans' targets: 1 Gbit/s, Wi-Fi, IPv6, mobile lines. Pure."""

from collections.abc import Iterator, Sequence

from collector.domain.findings import Verdict
from collector.domain.standard import Words
from collector.domain.year.targets import READY_SHARE, Ipv6Site, MobileLine
from collector.reports.yearly.content_gaps import month_columns
from collector.reports.yearly.paper import (
    Column,
    Section,
    Table,
    Unit,
    Value,
    month_name,
    told,
    words,
    written,
)
from collector.reports.yearly.report import YearReport
from collector.reports.yearly.texts import (
    IPV6_WORDS,
    LINE,
    PROMISE,
    SITE,
    UNVERIFIED,
    VERDICT_WORDS,
    VERIFIED,
    answered,
)
from protocol.results import Ipv6State


def gigabit(report: YearReport) -> Section:
    """Return what is told of lines of 1 Gbit/s."""
    found = report.gigabit
    limit = written(found.reached_from_bits_per_second, Unit.RATE)
    columns = (
        SITE,
        LINE,
        Column(words("Hợp đồng, tải xuống", "Contracted download"), Unit.RATE, 3),
        Column(words("Từ 1 Gbit/s", "1 Gbit/s or more")),
        Column(words("Tháng tốt nhất", "Best month"), width=3),
        Column(words("Trung vị tháng đó", "Its median"), Unit.RATE, 3),
        Column(words("Tải được 1 Gbit/s", "Carries it"), width=3),
    )
    rows: list[Sequence[Value]] = [
        (
            one.site,
            one.line,
            one.contracted_bits_per_second,
            None if one.is_contracted is None else answered(one.is_contracted),
            one.best_month and month_name(one.best_month),
            one.best,
            answered(one.carries),
        )
        for one in found.lines
    ]
    return Section(
        "Đường 1 Gbps",
        words("Đường truyền 1 Gbit/s", "Lines of 1 Gbit/s"),
        [
            words(
                f"Hợp đồng từ 1 Gbit/s: {told(found.contracted).vi}. "
                f"Đo được từ {limit} Mbit/s: {told(found.carrying).vi}.",
                f"Contracts of 1 Gbit/s or more: {told(found.contracted).en}. Measured at "
                f"{limit} Mbit/s or more: {told(found.carrying).en}.",
            ),
            words(
                f"Xét trung vị tải xuống của tháng tốt nhất có ít nhất {report.fewest_days} ngày "
                f"có số liệu, so với {PROMISE} của 1 Gbit/s. Khi thiết bị đo hoặc máy chủ đo chỉ "
                "chứng nhận được tốc độ thấp hơn thì chưa thể kết luận.",
                "By the median download of the best month with data of at least "
                f"{report.fewest_days} days, against {PROMISE} of 1 Gbit/s. Where the probe or the "
                "server is certified for less, it cannot be said.",
            ),
            words(
                "Kết quả đo là của gói cước đang dùng: đường truyền có hợp đồng thấp hơn 1 Gbit/s "
                "không đạt không có nghĩa là hạ tầng cáp quang ở đó không cung cấp được 1 Gbit/s.",
                "What is measured is the plan that is paid for: a line with a contract of less may "
                "well be of a network that could carry 1 Gbit/s.",
            ),
        ],
        [Table(words("Từng đường truyền cố định", "Each fixed line"), columns, rows)],
    )


def _of_no_kind(many: int) -> Iterator[Words]:
    if many:
        yield words(
            f"{many} điểm đo chưa ghi loại địa điểm nên không được xét ở đây: bổ sung cột “Loại "
            "địa điểm” của danh sách điểm đo rồi lập lại báo cáo.",
            f"{many} sites have no kind and are not looked at here: fill in the column of the list "
            "of sites, and make the report again.",
        )


def wifi(report: YearReport) -> Section:
    """Return what is told of Wi-Fi at community houses."""
    found = report.wifi
    columns = (
        SITE,
        Column(words("Có đo Wi-Fi", "Wi-Fi measured")),
        Column(words("Ngày có kết quả", "Days with a result"), Unit.COUNT),
        Column(words("Ngày có đo", "Days tried"), Unit.COUNT),
        Column(words("Tải xuống qua Wi-Fi, trung vị", "Download by Wi-Fi, median"), Unit.RATE),
        Column(words("Hoạt động", "Works")),
    )
    rows: list[Sequence[Value]] = [
        (
            one.name,
            answered(one.is_measured),
            one.days_measured if one.is_measured else None,
            one.days_tried if one.is_measured else None,
            one.download_bits_per_second,
            answered(one.works) if one.is_measured else words("Không đo", "Not measured"),
        )
        for one in found.sites
    ]
    month = month_name(found.month)
    return Section(
        "Wi-Fi nhà văn hóa",
        words("Wi-Fi miễn phí tại nhà văn hóa", "Free Wi-Fi at community houses"),
        [
            words(
                f"Nhà văn hóa có Wi-Fi hoạt động trong tháng {month}: {told(found.working).vi}. "
                f"Trong số chưa rõ có {found.not_measured} nơi chưa đo Wi-Fi.",
                f"Community houses with working Wi-Fi in {month}: {told(found.working).en}. Of "
                f"those not known {found.not_measured} have no measurement of Wi-Fi.",
            ),
            words(
                f"Hoạt động: có kết quả đo qua Wi-Fi trong ít nhất {report.fewest_days} ngày của "
                "tháng. Không hoạt động: có đo trong chừng ấy ngày mà không đủ ngày có kết quả.",
                f"It works where tests over Wi-Fi gave a result on {report.fewest_days} days of "
                "the month; it does not where it was tried on as many and did not.",
            ),
            words(
                "Phép đo cho biết Wi-Fi có hoạt động; không cho biết có miễn phí cho người dân "
                "hay không.",
                "Tests tell that Wi-Fi works; they cannot tell whether it is free for everybody.",
            ),
            *_of_no_kind(found.of_no_kind),
        ],
        [Table(words("Từng nhà văn hóa", "Each community house"), columns, rows)],
    )


def ipv6(report: YearReport) -> Section:
    """Return what is told of IPv6 at offices."""
    found = report.ipv6
    first, last = month_name(found.quarter[0]), month_name(found.quarter[-1])
    share = f"{READY_SHARE:.0%}".replace("%", " %")
    return Section(
        "IPv6 trụ sở",
        words("IPv6 tại trụ sở cơ quan", "Offices on IPv6"),
        [
            words(
                f"Trụ sở dùng được IPv6 từ tháng {first} đến {last}: {told(found.offices).vi}.",
                f"Offices on IPv6 from {first} to {last}: {told(found.offices).en}.",
            ),
            words(
                "Một ngày là dùng được khi phần lớn lần kiểm tra của ít nhất một đường truyền thấy "
                f"IPv6 hoạt động. Kết luận “Có”: từ {share} số ngày đã rõ, với ít nhất "
                f"{report.fewest_days} ngày. Mức này do hệ thống chọn, không phải quy định.",
                "A day is ready where most checks of at least one line found IPv6 to work. “Yes”: "
                f"on {share} of the known days, which are {report.fewest_days} at least. The "
                "level is this system's choice, and no regulation.",
            ),
            *_of_no_kind(found.of_no_kind),
        ],
        [_ipv6_quarter(found.sites), _ipv6_months(found.sites, report.months)],
    )


def _ipv6_quarter(sites: Sequence[Ipv6Site]) -> Table:
    columns = (
        SITE,
        Column(words("Ngày dùng được", "Days ready"), Unit.COUNT),
        Column(words("Ngày đã rõ", "Days known"), Unit.COUNT),
        Column(words("Tỷ lệ", "Share"), Unit.SHARE, 3),
        Column(words("Ngày cuối dùng được", "Last day ready"), Unit.DAY, 4),
        Column(words("Nguyên nhân chính", "Main reason"), width=4),
        Column(words("Kết luận", "Verdict"), width=3),
    )
    rows: list[Sequence[Value]] = [
        (
            one.name,
            one.ready_days,
            one.known_days,
            one.ready_days / one.known_days if one.known_days else None,
            one.last_ready_day,
            None if one.state is None else IPV6_WORDS[Ipv6State(one.state)],
            answered(one.ready),
        )
        for one in sites
    ]
    return Table(words("Quý gần nhất, từng trụ sở", "The last quarter"), columns, rows)


def _ipv6_months(sites: Sequence[Ipv6Site], months: Sequence[str]) -> Table:
    columns = (
        SITE,
        *month_columns(months),
        Column(words("Ngày đã rõ", "Days known"), Unit.COUNT),
    )
    rows: list[Sequence[Value]] = [
        (
            one.name,
            *(month.ready_days if month.known_days else None for month in one.months),
            sum(month.known_days for month in one.months),
        )
        for one in sites
    ]
    title = words("Số ngày dùng được IPv6 của từng tháng", "Days ready in each month")
    return Table(title, columns, rows)


def mobile(report: YearReport) -> Section:
    """Return what is told of mobile lines."""
    found = report.mobile
    names = {one.id: one.name for one in report.standards}
    columns = (
        SITE,
        LINE,
        Column(words("Loại", "Kind")),
        Column(words("Tháng", "Month"), width=3),
        Column(words("Tải xuống, trung bình", "Mean download"), Unit.RATE, 3),
        Column(words("Tham chiếu", "Reference"), Unit.RATE, 3),
        Column(words("Trị số này", "That number is"), width=3),
        Column(words("Kết luận", "Verdict"), width=3),
    )
    rows = [_mobile_row(one) for one in found.lines]
    used = sorted({one.standard for one in found.lines})
    return Section(
        "Di động",
        words("Đường truyền di động 4G, 5G", "Mobile lines (4G, 5G)"),
        [
            words(
                f"Đường truyền đạt mức tham chiếu ở tháng mới nhất có đo: {told(found.reaching).vi}"
                ".",
                f"Lines that keep their standard in the newest month: {told(found.reaching).en}.",
            ),
            *(words(f"Tham chiếu: {names[one].vi}.", f"Against: {names[one].en}.") for one in used),
        ],
        [Table(words("Từng đường truyền di động", "Each mobile line"), columns, rows)],
    )


def _mobile_row(line: MobileLine) -> Sequence[Value]:
    named = (line.site, line.line, line.technology.upper())
    seen = line.latest
    if seen is None:
        return (*named, None, None, None, None, VERDICT_WORDS[Verdict.NOT_ENOUGH_DATA])
    return (
        *named,
        month_name(seen.month),
        seen.mean_bits_per_second,
        seen.limit_bits_per_second,
        VERIFIED if seen.verified else UNVERIFIED,
        VERDICT_WORDS[seen.verdict],
    )
