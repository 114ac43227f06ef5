"""What a year's report tells of complaints, and for the forms of DII and DTI. Pure."""

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
from collector.reports.yearly.report import YearReport
from collector.reports.yearly.texts import STATE_WORDS, SUPPORTING, UNVERIFIED, VERIFIED


def complaints(report: YearReport) -> Section:
    """Return what came of complaints."""
    found = report.complaints
    if not found.cases:
        none = words(
            "Không có kiến nghị nào về các tháng này được ghi trong hệ thống.",
            "No complaint about these months is in the system.",
        )
        return Section("Kiến nghị", words("Kiến nghị với nhà mạng", "Complaints"), [none], [])
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
            one.lines,
            one.sent_on,
            one.answered_on,
            one.measured_again,
            one.better if one.measured_again else None,
            STATE_WORDS[one.state],
        )
        for one in found.cases
    ]
    many = len(found.cases)
    return Section(
        "Kiến nghị",
        words("Kiến nghị với nhà mạng", "Complaints"),
        [
            words(
                f"{many} kiến nghị, đã gửi {found.sent}; được trả lời: {told(found.answered).vi}; "
                f"đã kết thúc: {found.closed}; đã chuyển lên cấp trên: {found.escalated}.",
                f"{many} complaints, {found.sent} sent; answered: {told(found.answered).en}; "
                f"closed: {found.closed}; escalated: {found.escalated}.",
            ),
            words(
                f"Đường truyền tốt lên sau khi đo lại: {told(found.better).vi}.",
                f"Lines that got better when measured again: {told(found.better).en}.",
            ),
        ],
        [Table(words("Từng kiến nghị", "Each complaint"), columns, rows)],
    )


def supporting(report: YearReport) -> Section:
    """Return what supports the forms; none of it is an official value."""
    found = report.supporting
    kinds = (
        (words("Băng rộng cố định", "Fixed"), found.fixed),
        (words("Băng rộng di động", "Mobile"), found.mobile),
    )
    speeds: list[Sequence[Value]] = [
        (
            name,
            one.lines,
            one.download_bits_per_second,
            one.upload_bits_per_second,
            one.idle_latency_seconds,
        )
        for name, one in kinds
    ]
    tests: list[Sequence[Value]] = [
        (
            one.ward or words("Chưa ghi phường, xã", "No ward"),
            one.tests,
            one.wanted,
            VERIFIED if one.wanted_verified else UNVERIFIED,
        )
        for one in found.tests
    ]
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
        [
            Table(
                words("Tốc độ (số liệu hỗ trợ)", "Speeds (supporting figures)"),
                (
                    Column(words("Loại", "Kind"), width=4),
                    Column(words("Đường truyền có đo", "Lines measured"), Unit.COUNT),
                    Column(words("Tải xuống, trung vị", "Median download"), Unit.RATE),
                    Column(words("Tải lên, trung vị", "Median upload"), Unit.RATE),
                    Column(words("Độ trễ, trung vị", "Median latency"), Unit.TIME),
                ),
                speeds,
            ),
            Table(
                words("Số lần đo trong tháng (số liệu hỗ trợ)", "Tests in the month (supporting)"),
                (
                    Column(words("Phường, xã", "Ward"), width=5),
                    Column(words("Lần đo được tính", "Tests that count"), Unit.COUNT),
                    Column(words("Mẫu i-Speed cần có", "i-Speed samples asked for"), Unit.COUNT),
                    Column(words("Trị số này", "That number is"), width=3),
                ),
                tests,
            ),
        ],
    )
