"""The agent's words for people: Vietnamese first, English beside."""

from datetime import timedelta
from typing import Final

from probe.quantities import milliseconds
from protocol.failures import MEANINGS as FAILURE_MEANINGS
from protocol.failures import Failure
from protocol.flags import MEANINGS as FLAG_MEANINGS
from protocol.flags import Flag
from protocol.records import Outcome, Task
from protocol.results import Ipv6Readiness, Ipv6State, ReachTarget

TASKS: Final = {
    Task.SPEED: ("Tốc độ", "Speed"),
    Task.LATENCY: ("Độ trễ, mất gói", "Latency, loss"),
    Task.REACH: ("Kết nối tới đâu", "Reach"),
}

OUTCOMES: Final = {
    Outcome.MEASURED: ("Đã đo", "Measured"),
    Outcome.FAILED: ("Không đo được", "Failed"),
    Outcome.SKIPPED: ("Bỏ qua", "Skipped"),
    Outcome.MISSED: ("Bị lỡ", "Missed"),
}

FAILURES: Final = {
    Failure.NAME_RESOLUTION: "Không phân giải được tên máy chủ.",
    Failure.NO_ADDRESS: "Tên máy chủ không có địa chỉ thuộc họ địa chỉ cần đo.",
    Failure.NO_ROUTE: "Thiết bị không có đường đi tới máy chủ bằng họ địa chỉ này.",
    Failure.INTERFACE_MISSING: "Cổng mạng của đường đo không có hoặc đang tắt.",
    Failure.REFUSED: "Địa chỉ máy chủ có trả lời nhưng cổng dịch vụ không mở.",
    Failure.CONNECT_TIMEOUT: "Không kết nối được tới máy chủ trong thời gian cho phép.",
    Failure.TLS: "Bắt tay TLS thất bại hoặc chứng thư của máy chủ không được tin cậy.",
    Failure.SERVER_BUSY: "Máy chủ đang nhận đủ số phép đo (503).",
    Failure.NOT_A_SERVER: "Có trả lời, nhưng không phải máy chủ đo.",
    Failure.BAD_ANSWER: "Máy chủ trả lời sai giao thức.",
    Failure.STALLED: "Kết nối còn mở nhưng không có dữ liệu chạy qua.",
    Failure.CONNECTION_LOST: "Kết nối bị đứt trong khi đo.",
    Failure.DEADLINE: "Phép đo không xong trong thời hạn.",
    Failure.NO_REPLIES: "Đã gửi gói tin nhưng không có gói nào trở về.",
    Failure.LOCAL_RESOURCE: "Thiết bị thiếu bộ nhớ, ổ đĩa, quyền hoặc chương trình cần dùng.",
    Failure.INTERNAL: "Lỗi trong phần mềm của đầu đo.",
    Failure.LINE_BUSY: "Bỏ qua: đường truyền đang được đo.",
    Failure.OVERDUE: "Bỏ qua: đã quá giờ định đo.",
    Failure.DATA_BUDGET: "Bỏ qua: đã hết hạn mức dữ liệu của tháng.",
    Failure.NO_SERVER: "Bỏ qua: chưa có máy chủ cho phép đo này, hoặc máy chủ được chọn không rõ.",
    Failure.TERMS_NOT_ACCEPTED: "Bỏ qua: chưa chấp nhận điều khoản của dịch vụ vận hành máy chủ.",
    Failure.PROBE_STOPPING: "Bỏ qua: đầu đo được yêu cầu dừng.",
    Failure.PROBE_OFF: "Bị lỡ: đầu đo tắt hoặc phần mềm không chạy.",
    Failure.CLOCK_STEP: "Bị lỡ: đồng hồ được chỉnh qua thời điểm đo.",
}
"""What each failure means, in Vietnamese; the English meanings are the protocol's."""

FLAGS: Final = {
    Flag.EARLY_STOPPED: "Phép đo kết thúc trước thời gian đo đầy đủ (kiểu đo nhanh).",
    Flag.CLOCK_UNSYNCHRONISED: "Đồng hồ của đầu đo chưa được đồng bộ khi đo.",
    Flag.WIFI: "Đo qua Wi-Fi, có thể chậm hơn đường truyền phía sau.",
    Flag.CROSS_TRAFFIC: "Cổng mạng có lưu lượng khác trong lúc đo.",
    Flag.DEVICE_CPU: "Bộ xử lý của đầu đo quá bận để chắc chắn về tốc độ.",
    Flag.DEVICE_POWER: "Đầu đo bị thiếu điện áp hoặc bị giảm tốc trong hoặc quanh lúc đo.",
    Flag.INTERFACE_SPEED: "Kết quả gần bằng tốc độ cổng mạng của chính đầu đo.",
    Flag.PATH_CHANGED: "Cổng mạng, bộ định tuyến hoặc địa chỉ thay đổi trong lúc đo.",
    Flag.SERVER_LIMITED: "Máy chủ đo hoặc đường mạng của nó quá tải nên không chắc chắn về tốc độ.",
    Flag.COUNTS_DISAGREE: "Đầu đo và máy chủ đếm được số byte khác nhau.",
    Flag.STREAM_LOST: "Ít nhất một luồng bị đứt trong lúc đo; các luồng khác vẫn tiếp tục.",
    Flag.ROUTER_TRAFFIC: "Thiết bị khác sau bộ định tuyến cũng dùng đường truyền trong lúc đo.",
    Flag.DEVICE_HEAT: "Đầu đo nóng đến ngưỡng, hoặc bộ xử lý bị hạ tốc độ khi đang đo.",
    Flag.HALF_DUPLEX: "Cổng mạng của đầu đo chạy bán song công: cáp hoặc cổng kém.",
    Flag.INTERFACE_ERRORS: "Cổng mạng của đầu đo nhận hoặc gửi khung tin bị lỗi.",
    Flag.CERTIFIED_CEILING: "Kết quả cao hơn mức mà đầu đo được chứng nhận đo được.",
    Flag.OTHER_CARRIER: "Phép đo đi ra bằng mạng khác, không phải của nhà mạng cung cấp đường này.",
    Flag.RECEIVER_LIMITED: "Bộ đệm bên nhận không đủ nên bên gửi phải chờ.",
    Flag.SENDER_LIMITED: "Bộ đệm của bên gửi không đủ nên bên gửi phải chờ.",
    Flag.TOO_SHORT: "Khoảng thời gian đo quá ngắn, hoặc đầu đo bị treo trong khoảng đó.",
    Flag.SERVER_LOSS: "Mất gói tới máy chủ này nhiều hơn tới máy chủ lân cận.",
}
"""What each flag means, in Vietnamese; the English meanings are the protocol's."""

TARGETS: Final = {
    "gateway": ("Bộ định tuyến", "Gateway"),
    "dns": ("Máy chủ tên miền", "Name server"),
    "server": ("Máy chủ đo", "Server"),
    "ipv4": ("Nơi khác, IPv4", "Elsewhere, IPv4"),
    "ipv6": ("Nơi khác, IPv6", "Elsewhere, IPv6"),
}
"""What a reachability check asks."""

IPV6: Final = {
    Ipv6State.READY: ("sẵn sàng", "ready"),
    Ipv6State.SLOWER: ("sẵn sàng, nhưng chậm hơn IPv4", "ready, but slower than IPv4"),
    Ipv6State.NO_ADDRESS: (
        "chưa sẵn sàng: không có địa chỉ IPv6 công cộng",
        "not ready: no public IPv6 address",
    ),
    Ipv6State.NO_ROUTE: (
        "chưa sẵn sàng: không có tuyến mặc định",
        "not ready: no default route",
    ),
    Ipv6State.NO_NAME: (
        "chưa sẵn sàng: máy chủ tên miền không cho địa chỉ IPv6",
        "not ready: the name server gives no IPv6 addresses",
    ),
    Ipv6State.NO_ANSWER: (
        "chưa sẵn sàng: trang web không trả lời qua IPv6",
        "not ready: no web answer over IPv6",
    ),
    Ipv6State.UNKNOWN: (
        "chưa biết: chưa có máy chủ IPv6 nào để hỏi",
        "not known: no server with IPv6 to ask",
    ),
}
"""How far IPv6 goes on a path."""

NOT_APPLICABLE: Final = "không áp dụng · not applicable"


def failure(code: Failure) -> tuple[str, str]:
    """Return what a failure means, in both languages."""
    return FAILURES[code], FAILURE_MEANINGS[code]


def flag(code: Flag) -> tuple[str, str]:
    """Return what a flag means, in both languages."""
    return FLAGS[code], FLAG_MEANINGS[code]


def ago(seconds: float) -> tuple[str, str]:
    """Return a time span for people, in both languages."""
    span = timedelta(seconds=max(0, round(seconds)))
    minutes = span.seconds // 60
    if span.days:
        return f"{span.days} ngày {minutes // 60} giờ", f"{span.days} d {minutes // 60} h"
    if minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes // 60} giờ {minutes % 60} phút", f"{minutes // 60} h {minutes % 60} min"
    if minutes:
        return f"{minutes} phút", f"{minutes} min"
    return f"{span.seconds} giây", f"{span.seconds} s"


def target_name(target: ReachTarget) -> str:
    """Return what a reachability check asked: the server is asked over both families."""
    vietnamese, english = TARGETS[target.name]
    if target.name == "server" and target.ip_version:
        family = f", IPv{target.ip_version}"
        return f"{vietnamese}{family} · {english}{family}"
    return f"{vietnamese} · {english}"


def ipv6(readiness: Ipv6Readiness) -> str:
    """Return how far IPv6 goes, and how long it and IPv4 take to connect and be answered."""
    said = " · ".join(IPV6[readiness.state])
    times = [
        f"IPv{version} {milliseconds(one.connect_seconds + one.answer_seconds).both}"
        for version, one in ((6, readiness.ipv6), (4, readiness.ipv4))
        if one and one.connect_seconds is not None and one.answer_seconds is not None
    ]
    return f"{said} ({'; '.join(times)})" if len(times) > 1 else said


def applies(target: ReachTarget) -> bool:
    """Return whether a target could be asked: one without an address of the family cannot."""
    return target.failure is None or target.failure.code is not Failure.NO_ADDRESS
