"""The words for states, ages, failures and flags."""

from collector.ledger.events import MEANINGS as EVENT_MEANINGS
from collector.ledger.events import EventKind
from collector.web.texts.both import Both
from protocol.failures import MEANINGS as FAILURE_MEANINGS
from protocol.failures import Failure
from protocol.flags import MEANINGS as FLAG_MEANINGS
from protocol.flags import Flag

_STATES = {
    "state_good": Both("Tốt", "Good"),
    "state_below": Both("Dưới hợp đồng", "Below contract"),
    "state_failing": Both("Lỗi", "Failing"),
    "state_silent": Both("Im lặng", "Silent"),
    "state_waiting": Both("Chưa có dữ liệu", "No data yet"),
    "state_unrated": Both("Chưa đánh giá", "Not rated"),
    "state_good_means": Both(
        "Trung vị của {tests} lần đo hợp lệ gần nhất đạt từ {share} tốc độ hợp đồng trở lên.",
        "The median of the newest {tests} fair tests is at least {share} of the contracted speed.",
    ),
    "state_below_means": Both(
        "Trung vị tải xuống hoặc tải lên của {tests} lần đo hợp lệ gần nhất thấp hơn {share} "
        "tốc độ hợp đồng.",
        "The median download or upload of the newest {tests} fair tests is below {share} of the "
        "contracted speed.",
    ),
    "state_failing_means": Both(
        "{failing} lần đo tốc độ gần nhất đều không thành công, hoặc không ra được Internet. "
        "Lần hỏng do máy chủ đo không tính.",
        "The newest {failing} speed tests failed, or the Internet could not be reached. "
        "Failures of the measurement server do not count.",
    ),
    "state_silent_means": Both(
        "Không nhận được gì trong hơn {hours} giờ: có thể do thiết bị, điện hoặc đường truyền.",
        "Nothing has come for over {hours} hours: probe, power or line.",
    ),
    "state_waiting_means": Both(
        "Đã đăng ký nhưng chưa có kết quả nào gửi về.",
        "Registered, but no result has come yet.",
    ),
    "state_unrated_means": Both(
        "Chưa khai báo tốc độ hợp đồng, hoặc các lần đo trong {judged} giờ qua chưa đủ để biết.",
        "No contracted speed is registered, or the tests of the last {judged} hours do not tell.",
    ),
    "state_unrated_no_contract": Both(
        "Chưa khai báo tốc độ hợp đồng.", "No contracted speed is registered."
    ),
    "state_unrated_no_test": Both(
        "Trong {judged} giờ qua không có lần đo hợp lệ nào: các lần đo thành công đều có cờ.",
        "There was no fair test in the last {judged} hours: whatever measured has flags.",
    ),
    "state_unrated_at_least": Both(
        "Thiết bị hoặc máy chủ là giới hạn của các lần đo trong {judged} giờ qua: chưa biết đường "
        "truyền có đạt {share} tốc độ hợp đồng hay không.",
        "The probe or the server was the limit of tests in the last {judged} hours: whether the "
        "line reaches {share} of the contracted speed is not known.",
    ),
}

_AGES = {
    "age_now": Both("vừa xong", "just now"),
    "age_minutes": Both("{count} phút trước", "{count} min ago"),
    "age_hours": Both("{count} giờ trước", "{count} h ago"),
    "age_days": Both("{count} ngày trước", "{count} days ago"),
}

_FAILURES_VI: dict[Failure, str] = {
    Failure.NAME_RESOLUTION: "Không phân giải được tên máy chủ đo (DNS).",
    Failure.NO_ADDRESS: "Tên máy chủ đo không có địa chỉ thuộc giao thức IP cần đo.",
    Failure.NO_ROUTE: "Thiết bị không có đường đi đến máy chủ đo bằng giao thức IP này.",
    Failure.INTERFACE_MISSING: "Cổng mạng của đường đo không có hoặc đang tắt.",
    Failure.REFUSED: "Máy chủ đo có trả lời nhưng cổng dịch vụ không mở.",
    Failure.CONNECT_TIMEOUT: "Không kết nối được đến máy chủ đo trong thời gian cho phép.",
    Failure.TLS: "Bắt tay TLS không thành công, hoặc chứng thư của máy chủ không được tin cậy.",
    Failure.SERVER_BUSY: "Máy chủ đo báo đang phục vụ tối đa số lần đo (503).",
    Failure.NOT_A_SERVER: "Có nơi trả lời, nhưng đó không phải máy chủ đo.",
    Failure.BAD_ANSWER: "Câu trả lời của máy chủ đo không đúng giao thức.",
    Failure.STALLED: "Kết nối vẫn mở nhưng không có dữ liệu nào đi qua trong thời gian cho phép.",
    Failure.CONNECTION_LOST: "Kết nối bị đứt trong lúc đo.",
    Failure.DEADLINE: "Lần đo không kết thúc trong thời hạn.",
    Failure.NO_REPLIES: "Đã gửi gói tin đi nhưng không gói nào quay về.",
    Failure.LOCAL_RESOURCE: "Thiết bị thiếu bộ nhớ, tệp mở, dung lượng đĩa, quyền hoặc "
    "chương trình cần dùng.",
    Failure.INTERNAL: "Lỗi trong phần mềm của thiết bị đo; xem chi tiết.",
    Failure.LINE_BUSY: "Bỏ qua: một lần đo khác đang chạy trên cùng đường truyền.",
    Failure.OVERDUE: "Bỏ qua: đã quá thời điểm dự kiến trước khi thiết bị kịp bắt đầu.",
    Failure.DATA_BUDGET: "Bỏ qua: đã dùng hết hạn mức dữ liệu trong tháng của đường truyền.",
    Failure.NO_SERVER: "Bỏ qua: chưa cấu hình máy chủ đo cho việc này, hoặc máy chủ được "
    "chỉ định không có trong danh sách.",
    Failure.TERMS_NOT_ACCEPTED: "Bỏ qua: chưa chấp nhận điều khoản của bên vận hành máy chủ đo.",
    Failure.PROBE_STOPPING: "Bỏ qua: thiết bị được yêu cầu dừng.",
    Failure.PROBE_OFF: "Lỡ: thiết bị tắt hoặc phần mềm đo không chạy.",
    Failure.CLOCK_STEP: "Lỡ: đồng hồ được chỉnh qua đúng thời điểm dự kiến.",
}

_FLAGS_VI: dict[Flag, str] = {
    Flag.EARLY_STOPPED: "Phép đo kết thúc trước thời gian đo đầy đủ (chế độ đo nhanh).",
    Flag.CLOCK_UNSYNCHRONISED: "Đồng hồ của thiết bị chưa đồng bộ khi đo.",
    Flag.WIFI: "Đo qua Wi-Fi, có thể chậm hơn đường truyền phía sau.",
    Flag.CROSS_TRAFFIC: "Cổng mạng có lưu lượng khác trong lúc đo.",
    Flag.DEVICE_CPU: "Bộ xử lý của thiết bị quá bận để chắc chắn về tốc độ.",
    Flag.DEVICE_POWER: "Thiết bị bị giảm tốc do nóng hoặc do điện áp thấp.",
    Flag.INTERFACE_SPEED: "Kết quả gần bằng tốc độ cổng mạng của chính thiết bị.",
    Flag.PATH_CHANGED: "Cổng mạng, cổng ra hoặc địa chỉ thay đổi trong lúc đo.",
    Flag.SERVER_LIMITED: "Máy chủ đo hoặc đường mạng của nó quá tải nên không chắc chắn về tốc độ.",
    Flag.COUNTS_DISAGREE: "Thiết bị và máy chủ đếm số byte khác nhau.",
    Flag.STREAM_LOST: "Ít nhất một luồng bị đứt trong lúc đo; các luồng khác vẫn tiếp tục.",
    Flag.ROUTER_TRAFFIC: "Thiết bị khác sau bộ định tuyến cũng dùng đường truyền trong lúc đo.",
    Flag.DEVICE_HEAT: "Thiết bị đo nóng đến ngưỡng, hoặc bộ xử lý bị hạ tốc độ khi đang đo.",
    Flag.HALF_DUPLEX: "Cổng mạng của thiết bị đo chạy bán song công: cáp hoặc cổng kém.",
    Flag.INTERFACE_ERRORS: "Cổng mạng của thiết bị đo nhận hoặc gửi khung tin bị lỗi.",
    Flag.CERTIFIED_CEILING: "Kết quả cao hơn mức mà thiết bị đo được chứng nhận đo được.",
    Flag.OTHER_CARRIER: "Phép đo đi ra bằng mạng khác, không phải của nhà mạng cung cấp đường này.",
    Flag.RECEIVER_LIMITED: "Bộ đệm bên nhận không đủ nên bên gửi phải chờ.",
    Flag.SENDER_LIMITED: "Bộ đệm của bên gửi không đủ nên bên gửi phải chờ.",
    Flag.TOO_SHORT: "Khoảng thời gian đo quá ngắn, hoặc thiết bị đo bị treo trong khoảng đó.",
    Flag.SERVER_LOSS: "Mất gói tới máy chủ này nhiều hơn tới máy chủ lân cận.",
}

_FLAG_NAMES: dict[Flag, Both] = {
    Flag.EARLY_STOPPED: Both("đo nhanh", "quick test"),
    Flag.CLOCK_UNSYNCHRONISED: Both("đồng hồ", "clock"),
    Flag.WIFI: Both("Wi-Fi", "Wi-Fi"),
    Flag.CROSS_TRAFFIC: Both("lưu lượng khác", "other traffic"),
    Flag.DEVICE_CPU: Both("CPU thiết bị", "probe CPU"),
    Flag.DEVICE_POWER: Both("nguồn điện", "power"),
    Flag.INTERFACE_SPEED: Both("giới hạn cổng mạng", "port speed"),
    Flag.PATH_CHANGED: Both("đổi đường đi", "path changed"),
    Flag.SERVER_LIMITED: Both("máy chủ quá tải", "server load"),
    Flag.COUNTS_DISAGREE: Both("lệch số đếm", "counts disagree"),
    Flag.STREAM_LOST: Both("đứt luồng", "stream lost"),
    Flag.ROUTER_TRAFFIC: Both("thiết bị khác", "other devices"),
    Flag.DEVICE_HEAT: Both("nhiệt", "heat"),
    Flag.HALF_DUPLEX: Both("bán song công", "half duplex"),
    Flag.INTERFACE_ERRORS: Both("lỗi cáp", "cable errors"),
    Flag.CERTIFIED_CEILING: Both("mức chứng nhận", "certified limit"),
    Flag.OTHER_CARRIER: Both("nhà mạng khác", "other carrier"),
    Flag.RECEIVER_LIMITED: Both("bộ đệm nhận", "receive buffer"),
    Flag.SENDER_LIMITED: Both("bộ đệm gửi", "send buffer"),
    Flag.TOO_SHORT: Both("đo quá ngắn", "too short"),
    Flag.SERVER_LOSS: Both("mất gói ở máy chủ", "server loss"),
}

_EVENTS_VI: dict[EventKind, str] = {
    EventKind.FORK: "Bản ghi mâu thuẫn với sổ cái trong cùng một chuỗi; đã để riêng.",
    EventKind.GAP: "Thiết bị xác nhận có bản ghi bị mất; phần sau đã được lưu.",
    EventKind.GAP_REFUSED: "Lô dữ liệu bỏ sót bản ghi; đã yêu cầu thiết bị gửi bù (409).",
    EventKind.INVALID_RECORD: "Mắt xích của chuỗi không phải bản ghi hợp lệ; đã để riêng.",
    EventKind.BAD_CHAIN: "Lô dữ liệu có chuỗi hoặc niêm phong không đúng; bị từ chối (422).",
    EventKind.BAD_TOKEN: "Yêu cầu thiếu mã xác thực hoặc mã không phải của thiết bị (401).",
    EventKind.WRONG_CLOCK: "Thời gian trong mã xác thực không khớp với đồng hồ (401).",
    EventKind.UNKNOWN_PROBE: "Thiết bị chưa đăng ký hoặc chưa ghi danh (401).",
    EventKind.REVOKED_PROBE: "Yêu cầu từ thiết bị đã bị thu hồi khóa (403).",
    EventKind.TOO_LARGE: "Nội dung, lô hoặc dòng vượt giới hạn (413).",
    EventKind.TOO_SLOW: "Nội dung gửi đến quá chậm (408).",
    EventKind.BAD_ENCODING: "Nội dung không giải nén được (400) hoặc không đọc được (415).",
    EventKind.WRONG_CODE: "Ghi danh bằng mã sai, hết hạn hoặc đã dùng (403).",
    EventKind.TOO_MANY_CODES: "Từ chối ghi danh sau quá nhiều mã sai (429).",
}

WORDS: dict[str, Both] = {
    **_STATES,
    **_AGES,
    **{
        f"failure_{code.value}": Both(_FAILURES_VI[code], FAILURE_MEANINGS[code])
        for code in Failure
    },
    **{f"flag_{flag.value}": Both(_FLAGS_VI[flag], FLAG_MEANINGS[flag]) for flag in Flag},
    **{f"event_{kind.value}": Both(_EVENTS_VI[kind], EVENT_MEANINGS[kind]) for kind in EventKind},
    **{f"flag_name_{flag.value}": _FLAG_NAMES[flag] for flag in Flag},
}
