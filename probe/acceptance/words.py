"""The words around the findings: names of checks, results, the last sentences."""

from typing import Final

from probe.acceptance.finding import Both, Result
from probe.quantities import megabits

TITLE: Final = Both("Biên bản nghiệm thu đầu đo", "Acceptance of a probe")

CHECKS: Final = {
    "interface": Both("Cổng mạng", "Interface"),
    "cable": Both("Dây mạng", "Cable"),
    "cpu": Both("Bộ xử lý", "Processor"),
    "reference": Both("Đo đối chiếu", "Reference test"),
    "power": Both("Nguồn điện", "Power"),
    "heat": Both("Nhiệt độ", "Heat"),
    "clock": Both("Đồng hồ", "Clock"),
    "dns": Both("Tên miền (DNS)", "Names (DNS)"),
    "ipv4": Both("IPv4", "IPv4"),
    "ipv6": Both("IPv6", "IPv6"),
    "nat": Both("NAT hai lần", "Double NAT"),
    "disk": Both("Ổ đĩa", "Disk"),
    "software": Both("Phần mềm", "Software"),
}
"""Each check, in the order of the page."""

RESULTS: Final = {
    Result.OK: Both("ĐẠT", "OK"),
    Result.WARN: Both("LƯU Ý", "NOTE"),
    Result.UNKNOWN: Both("CHƯA RÕ", "UNKNOWN"),
    Result.MEND: Both("PHẢI SỬA", "MEND"),
}

LIMITED_BY: Final = {
    "cpu": Both("theo bộ xử lý", "by the processor"),
    "link": Both("theo cổng mạng", "by the interface"),
    "reference": Both("theo phép đo đối chiếu", "by the reference test"),
}

STEPS: Final = {
    "network": Both("Kiểm tra mạng", "Looking at the network"),
    "download": Both("Tải nội bộ, nhận", "Loopback, receiving"),
    "upload": Both("Tải nội bộ, gửi", "Loopback, sending"),
    "reference": Both("Đo tới máy chủ", "Testing to the server"),
}
"""What the test does, for the bar."""


def certificate(download: int, upload: int) -> Both:
    """Return the last sentence, of rates in bits per second."""
    down, up = megabits(download), megabits(upload)
    return Both(
        f"Chứng nhận đo được đến {down.vi} Mbit/s chiều xuống, {up.vi} Mbit/s chiều lên.",
        f"Certifies up to {down.en} Mbit/s down, {up.en} Mbit/s up.",
    )


MEND_FIRST: Final = Both("Chưa chứng nhận. Phải sửa trước:", "Not certified. To mend first:")

BELOW_CONTRACT: Final = Both("Chứng nhận thấp hơn gói cước:", "Certified below the contract:")

DIRECTIONS: Final = {
    "download": Both("chiều xuống", "down"),
    "upload": Both("chiều lên", "up"),
}


def kept_contract(direction: str, promised: float, certified: int, *, enough: bool) -> Both:
    """Return what a direction's certificate is worth for the contract; in bits per second."""
    way, wanted, shown = DIRECTIONS[direction], megabits(promised), megabits(certified)
    vi = f"Gói cước {way.vi} {wanted.vi} Mbit/s, chứng nhận {shown.vi}"
    en = f"Contract {way.en} {wanted.en} Mbit/s, certified {shown.en}"
    if enough:
        return Both(f"{vi}: đủ.", f"{en}: enough.")
    return Both(
        f"{vi}: thấp hơn, đầu đo này không chứng minh được đường truyền đạt gói cước hay không.",
        f"{en}: too little, this probe cannot show whether the line keeps it.",
    )


SAVED: Final = Both(
    "Đã lưu vào đầu đo: từ bây giờ đi kèm mọi bản ghi, không cần khởi động lại. Kết quả trên "
    "mức này sẽ bị gắn cờ certified_ceiling.",
    "Kept on the probe: it goes with every record from now on, without a restart. Results above "
    "it are flagged certified_ceiling.",
)
NOT_SAVED: Final = Both(
    "Chưa lưu vào đầu đo. Để lưu, chạy bằng tài khoản của dịch vụ, hoặc thêm --save.",
    "Not kept on the probe. To keep it, run this as the agent's user, or say --save.",
)
