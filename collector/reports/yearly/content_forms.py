"""What a year's report has for the forms of DII and DTI. Pure."""

from collections.abc import Sequence

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
from collector.reports.yearly.report import Supporting, YearReport
from collector.reports.yearly.texts import SUPPORTING, UNVERIFIED, VERIFIED


def supporting(report: YearReport) -> Section:
    """Return what supports the forms; none of it is an official value."""
    found = report.supporting
    month = month_name(found.month)
    return Section(
        "DII và DTI",
        words("Số liệu hỗ trợ biểu DII, DTI", "Figures that support the forms of DII and DTI"),
        [
            SUPPORTING,
            words(
                f"Tháng {month}. Điểm đo dùng được IPv6 trong quý gần nhất, mọi loại địa điểm: "
                f"{told(found.ipv6_sites).vi}.",
                f"Of {month}. Sites of all kinds whose IPv6 works, in the last quarter: "
                f"{told(found.ipv6_sites).en}.",
            ),
            words(
                "Số liệu chính thức lấy từ i-Speed. Lần đo của hệ thống này không phải mẫu "
                "i-Speed; bảng dưới chỉ cho biết phường, xã đã đo nhiều hay ít so với số mẫu "
                "i-Speed cần có.",
                "Official figures are of i-Speed. Tests of this system are no samples of i-Speed; "
                "the table tells how many there are beside the number that i-Speed asks for.",
            ),
        ],
        [_speeds(found), _tests(found)],
    )


def _speeds(found: Supporting) -> Table:
    kinds = (
        (words("Băng rộng cố định", "Fixed"), found.fixed),
        (words("Băng rộng di động", "Mobile"), found.mobile),
    )
    rows: list[Sequence[Value]] = [
        (
            name,
            one.lines,
            one.download_bits_per_second,
            one.upload_bits_per_second,
            one.idle_latency_seconds,
        )
        for name, one in kinds
    ]
    columns = (
        Column(words("Loại", "Kind"), width=4),
        Column(words("Đường truyền có đo", "Lines measured"), Unit.COUNT),
        Column(words("Tải xuống, trung vị", "Median download"), Unit.RATE),
        Column(words("Tải lên, trung vị", "Median upload"), Unit.RATE),
        Column(words("Độ trễ, trung vị", "Median latency"), Unit.TIME),
    )
    return Table(words("Tốc độ (số liệu hỗ trợ)", "Speeds (supporting figures)"), columns, rows)


def _tests(found: Supporting) -> Table:
    rows: list[Sequence[Value]] = [
        (
            one.ward or words("Chưa ghi phường, xã", "No ward"),
            one.tests,
            one.wanted,
            VERIFIED if one.wanted_verified else UNVERIFIED,
        )
        for one in found.tests
    ]
    columns = (
        Column(words("Phường, xã", "Ward"), width=5),
        Column(words("Lần đo được tính", "Tests that count"), Unit.COUNT),
        Column(words("Mẫu i-Speed cần có", "i-Speed samples asked for"), Unit.COUNT),
        Column(words("Trị số này", "That number is"), width=3),
    )
    title = words("Số lần đo trong tháng (số liệu hỗ trợ)", "Tests in the month (supporting)")
    return Table(title, columns, rows)
