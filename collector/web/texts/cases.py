"""The texts of the pages of complaints."""

from collector.web.texts.both import Both

_LIST = {
    "nav_cases": Both("Kiến nghị", "Complaints"),
    "cases_title": Both("Hồ sơ kiến nghị nhà mạng", "Complaints to carriers"),
    "cases_lead": Both(
        "Mỗi kiến nghị là một hồ sơ: từ dự thảo đến khi khắc phục. Thời hạn tính theo ngày làm "
        "việc.",
        "Each complaint is a case, from its draft until things are mended. Deadlines count "
        "working days.",
    ),
    "cases_none": Both("Không có hồ sơ nào.", "There is no case."),
    "cases_open": Both("Đang xử lý", "Open"),
    "cases_all": Both("Tất cả", "All"),
    "cases_months": Both("Theo tháng", "By month"),
    "column_case": Both("Hồ sơ", "Case"),
    "column_case_carrier": Both("Nhà mạng", "Carrier"),
    "column_month": Both("Tháng", "Month"),
    "column_ward": Both("Phường, xã", "Ward"),
    "column_case_state": Both("Tình trạng", "State"),
    "column_sent": Both("Ngày gửi", "Sent"),
    "column_deadline": Both("Thời hạn gần nhất", "Next deadline"),
    "case_all_wards": Both("tất cả", "all"),
}

_STATES = {
    "case_state_draft": Both("Dự thảo", "Draft"),
    "case_state_approved": Both("Đã duyệt", "Approved"),
    "case_state_sent": Both("Đã gửi", "Sent"),
    "case_state_acknowledged": Both("Nhà mạng đã tiếp nhận", "Acknowledged"),
    "case_state_answered": Both("Nhà mạng đã trả lời", "Answered"),
    "case_state_remeasured": Both("Đã đo lại", "Measured again"),
    "case_state_escalated": Both("Đã chuyển cấp trên", "Escalated"),
    "case_state_closed": Both("Đã đóng", "Closed"),
}

_DEADLINES = {
    "deadline_ahead": Both("còn {days} ngày làm việc", "{days} working days left"),
    "deadline_near": Both(
        "sắp hết hạn, còn {days} ngày làm việc", "near: {days} working days left"
    ),
    "deadline_over": Both("quá hạn {days} ngày làm việc", "over by {days} working days"),
    "deadline_kept": Both("đúng hạn", "kept"),
    "deadline_late": Both("trễ {days} ngày làm việc", "{days} working days late"),
    "deadline_missed": Both(
        "không làm, trễ {days} ngày làm việc", "never done, {days} working days over"
    ),
    "deadline_ended": Both("không còn chờ", "waited for no more"),
    "not_verified": Both("chưa kiểm chứng", "not verified"),
}

_MONTHS = {
    "case_months_title": Both("Kết quả kiến nghị theo tháng", "What became of complaints"),
    "case_month_title": Both(
        "Kết quả kiến nghị về tháng {month}", "What became of complaints about {month}"
    ),
    "case_months_lead": Both(
        "Của từng nhà mạng: bao nhiêu hồ sơ, trả lời nhanh đến đâu, bao nhiêu đường truyền thật "
        "sự tốt hơn.",
        "Of each carrier: how many cases, how fast answered, how many lines really better.",
    ),
    "column_cases": Both("Số hồ sơ", "Cases"),
    "case_months_sent": Both("đã gửi: {count}", "sent: {count}"),
    "column_answered": Both("Đã trả lời", "Answered"),
    "column_days_to_answer": Both("Số ngày chờ trả lời", "Days to answer"),
    "column_late": Both("Quá hạn hoặc trễ", "Over or late"),
    "column_again": Both("Đường truyền đo lại", "Lines measured again"),
    "case_months_within": Both(
        "tốt hơn và đã đạt mức yêu cầu: {count}", "better, and keep the limit now: {count}"
    ),
    "column_escalated": Both("Chuyển cấp trên", "Escalated"),
    "case_months_how": Both(
        "Số ngày chờ là trung vị, tính bằng ngày làm việc kể từ ngày gửi, của các hồ sơ đã được "
        "trả lời. Đường truyền tốt hơn hay không là theo lần đo lại gần nhất của từng hồ sơ, kiểm "
        "định hoán vị trên trung vị từng ngày; hồ sơ chưa đo lại không được tính.",
        "Days to answer are the median of working days from sending, of cases that have an answer. "
        "Whether lines got better is by each case's last measurement, a permutation of days' "
        "medians; cases that were not measured again do not count.",
    ),
    "case_months_unverified": Both(
        "Các thời hạn chưa được đối chiếu với văn bản gốc.",
        "Nobody has read the deadlines in the texts themselves.",
    ),
}

_CASE = {
    "case_title": Both("Hồ sơ {case}: {carrier}, tháng {month}", "Case {case}: {carrier}, {month}"),
    "case_deadlines": Both("Thời hạn", "Deadlines"),
    "case_deadlines_none": Both(
        "Chưa gửi nên chưa có thời hạn.", "It is not sent: there is no deadline yet."
    ),
    "column_asks": Both("Nhà mạng phải", "The carrier has to"),
    "column_due": Both("Đến hết ngày", "Until"),
    "column_standing": Both("Tình hình", "How it stands"),
    "column_source": Both("Căn cứ", "Source"),
    "case_steps": Both("Các bước", "Steps"),
    "column_day": Both("Ngày", "Day"),
    "column_step": Both("Việc", "Step"),
    "column_role": Both("Người làm", "By"),
    "column_note": Both("Ghi chú", "Note"),
    "column_noted": Both("Ghi nhận lúc", "Noted"),
    "step_opened": Both("mở hồ sơ", "opened"),
    "step_approved": Both("duyệt", "approved"),
    "step_queued": Both("đưa vào hộp thư đi", "put into the outbox"),
    "step_gave_up": Both("không gửi được thư", "mail given up"),
    "step_sent": Both("gửi", "sent"),
    "step_acknowledged": Both("nhà mạng tiếp nhận", "acknowledged"),
    "step_answered": Both("nhà mạng trả lời", "answered"),
    "step_remeasured": Both("đo lại", "measured again"),
    "step_escalated": Both("chuyển cấp trên", "escalated"),
    "step_reminded": Both("nhắc hạn", "reminded"),
    "step_closed": Both("đóng hồ sơ", "closed"),
    "step_number": Both("công văn số {number}", "letter {number}"),
    "step_to": Both("gửi {to}", "to {to}"),
    "step_by_post": Both("bằng đường bưu chính", "by post"),
    "step_mended": Both("báo đã khắc phục ngày {day}", "mended on {day}, as it says"),
    "step_better": Both(
        "{better}/{lines} đường truyền tốt hơn", "{better} of {lines} lines better"
    ),
    "role_clerk": Both("văn thư", "clerk"),
    "role_signer": Both("người ký", "signer"),
    "role_technician": Both("kỹ thuật", "technician"),
    "role_system": Both("hệ thống", "the collector"),
    "case_lines": Both("Đường truyền trong hồ sơ", "Lines of the case"),
    "column_failed_by": Both("Không đạt", "Failed by"),
    "case_again": Both("Trước và sau khi khắc phục", "Before and after the mending"),
    "case_again_none": Both(
        "Nhà mạng chưa báo ngày khắc phục, nên chưa có gì để so sánh.",
        "The carrier has not said since when it is mended: there is nothing to compare.",
    ),
    "case_again_now": Both("So sánh đến hôm qua", "Compare up to yesterday"),
    "case_again_since": Both(
        "Nhà mạng báo đã khắc phục ngày {day}. So trung vị từng ngày của tháng kiến nghị với các "
        "ngày sau cả ngày đó lẫn tháng kiến nghị, bằng phép hoán vị.",
        "Mended on {day}, as the carrier says. The medians of the days of the complaint's month "
        "against those of the days after both that day and that month, by permutation.",
    ),
    "case_again_noted": Both("Kết quả đã ghi vào hồ sơ.", "This is noted in the case."),
    "case_again_not_noted": Both(
        "Chỉ để xem, chưa ghi vào hồ sơ: dùng lệnh linewatch case remeasure.",
        "Only shown; it is noted by: linewatch case remeasure.",
    ),
    "column_before": Both("Trước (ngày)", "Before (days)"),
    "column_after": Both("Sau (ngày)", "After (days)"),
    "column_outcome": Both("Kết luận", "Outcome"),
    "column_chance": Both("p / năng lực", "p / power"),
    "mended_better": Both("tốt hơn", "better"),
    "mended_not_better": Both("không tốt hơn", "not better"),
    "mended_unknown": Both("chưa kết luận được", "cannot be said yet"),
    "mended_within": Both("đã đạt mức yêu cầu", "keeps the limit now"),
    "mended_beyond": Both("vẫn dưới mức yêu cầu", "breaks the limit still"),
    "why_few_after": Both("cần thêm {days} ngày đo", "{days} more days are needed"),
    "why_few_before": Both(
        "tháng kiến nghị có quá ít ngày đo", "the complaint's month has too few days"
    ),
    "why_no_power": Both(
        "số liệu từng ngày chênh lệch quá lớn", "its days differ too much to tell, ever"
    ),
    "why_not_by_days": Both(
        "chỉ tiêu này không so theo ngày được", "what it failed by has no median of a day"
    ),
    "why_no_standard": Both(
        "không còn tệp tiêu chuẩn đã dùng", "the standard that was used is not there any more"
    ),
    "case_files": Both("Tệp trong hồ sơ", "Files of the case"),
    "column_file": Both("Tệp", "File"),
    "column_file_kind": Both("Là", "What"),
    "column_size": Both("Dung lượng", "Size"),
    "file_folder": Both("hồ sơ của tháng", "of the month"),
    "file_signed": Both("công văn đã ký", "the signed letter"),
    "file_answer": Both("nhà mạng gửi lại", "came back"),
    "file_not_kept": Both("không còn ở đây, chỉ có mã", "not here: only its hash is kept"),
    "case_mail": Both("Thư điện tử", "Mail"),
    "case_mail_none": Both("Chưa có thư nào.", "There is no mail yet."),
    "column_mail": Both("Thư", "Mail"),
    "column_tries": Both("Số lần gửi", "Attempts"),
    "column_problem": Both("Lỗi gần nhất", "Last problem"),
    "mail_waiting": Both("đang chờ gửi", "waiting"),
    "mail_sent": Both("đã gửi", "sent"),
    "mail_given_up": Both("không gửi được", "given up"),
}

CASES: dict[str, Both] = {**_LIST, **_STATES, **_DEADLINES, **_MONTHS, **_CASE}
