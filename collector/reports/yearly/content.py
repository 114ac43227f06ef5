"""What a year's report tells people, topic by topic. Pure: files are made of it elsewhere."""

from collections.abc import Iterator, Sequence
from typing import Final

from collector.domain.standard import Words
from collector.reports.yearly.content_complaints import complaints
from collector.reports.yearly.content_forms import supporting
from collector.reports.yearly.content_gaps import gaps
from collector.reports.yearly.content_targets import gigabit, ipv6, mobile, wifi
from collector.reports.yearly.content_trend import trend
from collector.reports.yearly.paper import (
    Column,
    Paper,
    Section,
    Table,
    Unit,
    Value,
    month_name,
    words,
)
from collector.reports.yearly.report import YearReport
from collector.reports.yearly.texts import KIND_WORDS, PROMISE, SITE

MONTHS_OF_A_YEAR: Final = 12


def compose(report: YearReport) -> Paper:
    """Return what a year's report tells people."""
    where = report.ward or "tất cả phường, xã"
    where_en = report.ward or "all wards"
    first, last = month_name(report.months[0]), month_name(report.months[-1])
    return Paper(
        title=words(
            f"Chất lượng dịch vụ Internet năm {report.year}",
            f"Quality of Internet service in {report.year}",
        ),
        subject=words(
            f"{where}; số liệu từ tháng {first} đến hết tháng {last}",
            f"{where_en}; data from {first} to the end of {last}",
        ),
        sections=[
            _summary(report),
            gigabit(report),
            wifi(report),
            ipv6(report),
            mobile(report),
            trend(report),
            complaints(report),
            supporting(report),
            gaps(report),
            _method(report),
        ],
    )


def _summary(report: YearReport) -> Section:
    counts = (
        (words("Đường truyền có hợp đồng từ 1 Gbit/s", "Lines with a contract of 1 Gbit/s"),
         report.gigabit.contracted),
        (words(f"Đường truyền đo được từ {PROMISE} mức đó", f"Lines that reach {PROMISE} of it"),
         report.gigabit.carrying),
        (words("Nhà văn hóa có Wi-Fi hoạt động", "Community houses with working Wi-Fi"),
         report.wifi.working),
        (words("Trụ sở đã dùng được IPv6", "Offices on IPv6"), report.ipv6.offices),
        (words("Đường truyền di động đạt mức tham chiếu", "Mobile lines that keep their standard"),
         report.mobile.reaching),
        (words("Kiến nghị đã gửi được trả lời", "Complaints sent that were answered"),
         report.complaints.answered),
        (words("Đường truyền bị kiến nghị đã tốt lên", "Lines complained about that got better"),
         report.complaints.better),
    )  # fmt: skip
    columns = (
        Column(words("Chỉ tiêu", "Target"), width=6),
        Column(words("Số đạt", "Numerator"), Unit.COUNT),
        Column(words("Trên tổng số đã rõ", "Denominator: known"), Unit.COUNT),
        Column(words("Tỷ lệ", "Share"), Unit.SHARE),
        Column(words("Chưa rõ", "Not known"), Unit.COUNT),
    )
    rows: list[Sequence[Value]] = [
        (name, one.numerator, one.denominator, one.share, one.unknown) for name, one in counts
    ]
    return Section(
        "Tóm tắt",
        words("Tóm tắt", "Summary"),
        [
            words(
                f"Báo cáo gồm {len(report.sites)} điểm đo, {len(report.gaps)} đường truyền, "
                f"{len(report.months)} tháng đã trọn.",
                f"The report is of {len(report.sites)} sites, {len(report.gaps)} lines and "
                f"{len(report.months)} whole months.",
            ),
            *_so_far(report),
            words(
                "“Chưa rõ” được đếm riêng: không tính là đạt, cũng không tính là không đạt. Dấu "
                "“–” là không đo được hoặc chưa biết, không phải bằng 0.",
                "“Not known” is counted apart, neither as yes nor as no. A dash is not measured or "
                "not known; it is not zero.",
            ),
        ],
        [Table(words("Các chỉ tiêu của kế hoạch", "The plans' targets"), columns, rows)],
    )


def _so_far(report: YearReport) -> Iterator[Words]:
    """Yield that the year is not over, where it is not."""
    if len(report.months) < MONTHS_OF_A_YEAR:
        last = month_name(report.months[-1])
        yield words(
            f"Số liệu năm {report.year} tính đến hết tháng {last}; các tháng còn lại chưa trọn nên "
            "chưa có trong báo cáo này. Lập lại sau ngày 31/12 để có cả năm.",
            f"The data of {report.year} are those so far, to the end of {last}: the other months "
            "were not over. Made again after the 31st of December it is of the whole year.",
        )


def _method(report: YearReport) -> Section:
    columns = (
        Column(words("Mã", "Id"), width=3),
        Column(words("Phiên bản", "Version"), Unit.COUNT),
        Column(words("Tên", "Name"), width=7),
        Column(words("Trị số chưa kiểm chứng", "Numbers not verified"), Unit.COUNT),
    )
    rows: list[Sequence[Value]] = [
        (one.id, one.version, one.name, one.unverified) for one in report.standards
    ]
    kinds: list[Sequence[Value]] = [
        (one.name, one.ward, KIND_WORDS[one.kind]) for one in report.sites
    ]
    sites = (
        SITE,
        Column(words("Phường, xã", "Ward"), width=4),
        Column(words("Loại", "Kind"), width=3),
    )
    return Section(
        "Cách tính",
        words("Tiêu chuẩn, điểm đo và cách tính", "Standards, sites and method"),
        [
            words(
                "Mỗi tháng của mỗi đường truyền được xét như báo cáo tháng, theo những tiêu chuẩn "
                "mà kiến nghị được dựa vào: không đạt khi có một tiêu chuẩn kết luận không đạt; "
                "đạt khi có tiêu chuẩn kết luận đạt và không có tiêu chuẩn nào kết luận không đạt.",
                "Each line's month is judged as in the monthly report, by the standards that a "
                "complaint may rest on: fail where one says so; pass where one says pass and none "
                "says fail.",
            ),
            words(
                f"Phần mềm: {report.software}. Ngày và tháng theo múi giờ {report.timezone}.",
                f"Software: {report.software}. Days and months of {report.timezone}.",
            ),
        ],
        [
            Table(words("Tiêu chuẩn đã dùng", "Standards used"), columns, rows),
            Table(words("Điểm đo", "Sites"), sites, kinds),
        ],
    )
