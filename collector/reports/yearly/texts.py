"""Words of the year's papers: kinds of sites, states, verdicts; columns of several tables."""

from collections.abc import Mapping
from typing import Final

from collector.domain.figures import SHARE_OF_PROMISE
from collector.domain.findings import Verdict
from collector.domain.site_kinds import SiteKind
from collector.domain.standard import Words
from collector.reports.yearly.paper import Column, words
from protocol.results import Ipv6State

KIND_WORDS: Final[Mapping[SiteKind | None, Words]] = {
    "community_house": words("Nhà văn hóa", "Community house"),
    "office": words("Trụ sở", "Office"),
    "school": words("Trường học", "School"),
    "health_station": words("Trạm y tế", "Health station"),
    "other": words("Khác", "Other"),
    None: words("Chưa ghi loại", "Not said"),
}

IPV6_WORDS: Final = {
    Ipv6State.READY: words("Sẵn sàng", "Ready"),
    Ipv6State.SLOWER: words("Hoạt động, chậm hơn IPv4", "Works, slower than IPv4"),
    Ipv6State.NO_ADDRESS: words("Không được cấp địa chỉ IPv6", "No IPv6 address"),
    Ipv6State.NO_ROUTE: words("Không có đường đi IPv6", "No IPv6 route"),
    Ipv6State.NO_NAME: words("Không phân giải được tên qua IPv6", "Names do not resolve"),
    Ipv6State.NO_ANSWER: words("Không có trả lời qua IPv6", "No answer by IPv6"),
    Ipv6State.UNKNOWN: words("Chưa rõ", "Not known"),
}

VERDICT_WORDS: Final = {
    Verdict.PASS: words("Đạt", "Pass"),
    Verdict.FAIL: words("Không đạt", "Fail"),
    Verdict.NOT_ENOUGH_DATA: words("Chưa đủ số liệu", "Not enough data"),
}

STATE_WORDS: Final = {
    "draft": words("Dự thảo", "Draft"),
    "approved": words("Đã duyệt", "Approved"),
    "sent": words("Đã gửi", "Sent"),
    "acknowledged": words("Nhà mạng đã tiếp nhận", "Acknowledged"),
    "answered": words("Nhà mạng đã trả lời", "Answered"),
    "remeasured": words("Đã đo lại", "Measured again"),
    "escalated": words("Đã chuyển lên cấp trên", "Escalated"),
    "closed": words("Đã kết thúc", "Closed"),
}

YES: Final = words("Có", "Yes")
NO: Final = words("Không", "No")
NOT_SAID: Final = words("Chưa thể kết luận", "Cannot be said")
UNVERIFIED: Final = words("Chưa kiểm chứng", "Not verified")
VERIFIED: Final = words("Đã kiểm chứng", "Verified")
SUPPORTING: Final = words(
    "Số liệu hỗ trợ, không phải giá trị chính thức.",
    "Supporting figures, not official values.",
)

PROMISE: Final = f"{SHARE_OF_PROMISE:.0%}".replace("%", " %")
"""As both languages write it."""

LINE: Final = Column(words("Đường truyền", "Line"), width=3)
SITE: Final = Column(words("Điểm đo", "Site"), width=5)


def answered(answer: bool | None) -> Words:
    """Return yes, no, or that it cannot be said."""
    return NOT_SAID if answer is None else (YES if answer else NO)
