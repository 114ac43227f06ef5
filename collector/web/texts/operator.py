"""The texts of the login and of the pages behind it."""

from collector.web.texts.both import Both

_LOGIN = {
    "login_title": Both("Đăng nhập cho cán bộ", "Operator login"),
    "login_lead": Both(
        "Kết quả đo được công bố cho mọi người. Đăng nhập chỉ cần cho cán bộ vận hành.",
        "Results are open to everybody. Only operators need to log in.",
    ),
    "login_needed": Both("Trang này cần đăng nhập.", "This page needs a login."),
    "login_name": Both("Tên đăng nhập", "Name"),
    "login_password": Both("Mật khẩu", "Password"),
    "login_wrong": Both("Tên hoặc mật khẩu không đúng.", "Name or password is wrong."),
    "login_limited": Both(
        "Đã thử sai quá nhiều lần. Xin thử lại sau {minutes} phút.",
        "Too many wrong tries. Please try again in {minutes} minutes.",
    ),
}

_OPERATOR = {
    "probes_title": Both("Thiết bị đo", "Probes"),
    "probes_none": Both("Chưa có thiết bị đo nào.", "There is no probe yet."),
    "column_probe": Both("Thiết bị", "Probe"),
    "column_lines": Both("Đường truyền", "Lines"),
    "column_seen": Both("Liên lạc gần nhất", "Last seen"),
    "column_delivered": Both("Bản ghi mới nhất", "Newest record"),
    "column_seq": Both("Số thứ tự kế tiếp", "Next seq"),
    "column_missing": Both("Còn thiếu", "Missing"),
    "column_clock": Both("Đồng hồ", "Clock"),
    "column_software": Both("Phần mềm, thiết bị", "Software, device"),
    "probe_never": Both("chưa bao giờ", "never"),
    "probe_not_enrolled": Both("chưa ghi danh", "not enrolled"),
    "probe_revoked": Both("đã thu hồi khóa", "key revoked"),
    "clock_kernel": Both("đồng bộ", "synchronised"),
    "clock_collector": Both("theo máy thu thập", "set by the collector"),
    "clock_corrected": Both("đã hiệu chỉnh sau", "corrected afterwards"),
    "clock_none": Both("không chắc chắn", "not certain"),
    "trouble_title": Both("Sự cố dữ liệu", "Data trouble"),
    "trouble_lead": Both(
        "Những gì đã bị từ chối, để riêng hoặc còn thiếu. Không có gì bị bỏ đi.",
        "What was refused, kept apart or is missing. Nothing was thrown away.",
    ),
    "quarantine": Both("Để riêng (cách ly)", "Quarantine"),
    "quarantine_none": Both("Không có bản ghi nào bị để riêng.", "No record is kept apart."),
    "gaps": Both("Khoảng thiếu trong chuỗi", "Gaps in chains"),
    "gaps_none": Both("Không thiếu bản ghi nào.", "No record is missing."),
    "refusals": Both("Từ chối và sự kiện, 30 ngày", "Refusals and events, 30 days"),
    "refusals_none": Both("Không có sự kiện nào.", "There was no event."),
    "newest_only": Both("Chỉ hiện {count} mục mới nhất.", "Only the newest {count} are shown."),
    "column_chain": Both("Chuỗi", "Chain"),
    "column_kind": Both("Loại", "Kind"),
    "column_reason": Both("Lý do", "Reason"),
    "column_received": Both("Nhận lúc", "Received"),
    "column_from_to": Both("Số thứ tự", "Seq"),
    "column_filled": Both("Đã bù", "Filled"),
    "column_noticed": Both("Phát hiện lúc", "Noticed"),
    "column_count": Both("Số lần", "Count"),
    "column_last": Both("Lần cuối", "Last"),
    "column_detail": Both("Chi tiết", "Detail"),
    "sender_unknown": Both("không rõ", "unknown"),
    "record_title": Both("Bản ghi số {seq}", "Record {seq}"),
    "record_lead": Both(
        "Đúng từng byte như thiết bị đã viết. Mã băm là SHA-256 của các byte này.",
        "Byte for byte as the probe wrote it. The hash is the SHA-256 of these bytes.",
    ),
    "record_hash": Both("Mã băm của bản ghi", "Hash of this record"),
    "record_hash_same": Both("khớp", "the same"),
    "record_hash_differs": Both("KHÔNG KHỚP", "DIFFERS"),
    "record_hash_tombstone": Both(
        "bản ghi thay thế: giữ mã băm của bản ghi đã mất",
        "a tombstone keeps the hash of the record that was lost",
    ),
    "record_prev": Both("Mã băm của bản ghi trước", "Hash of the record before"),
    "record_prev_fits": Both("khớp với bản ghi {seq}", "fits record {seq}"),
    "record_prev_missing": Both("bản ghi {seq} chưa có ở đây", "record {seq} is not here"),
    "record_prev_differs": Both("KHÁC với bản ghi {seq}", "DIFFERS from record {seq}"),
    "record_prev_first": Both("bản ghi đầu chuỗi", "the first of its chain"),
    "record_seal": Both("Niêm phong phủ bản ghi này", "Seal that covers this record"),
    "record_seal_at": Both(
        "chữ ký tại số {seq}, nhận {time}", "signed at seq {seq}, received {time}"
    ),
    "record_seal_none": Both("chưa có", "none yet"),
    "record_raw": Both("Tải nguyên văn (JSON)", "Download verbatim (JSON)"),
    "record_place": Both("Vị trí trong chuỗi", "Place in the chain"),
    "record_slot": Both("Thời điểm dự kiến", "Planned moment"),
    "record_task": Both("Loại đo", "Task"),
}

OPERATOR: dict[str, Both] = {**_LOGIN, **_OPERATOR}
