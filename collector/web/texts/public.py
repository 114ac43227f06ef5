"""The texts of the pages that everybody sees."""

from collector.web.texts.both import Both

_FRAME = {
    "tagline": Both("Chất lượng Internet, đo và công bố", "Internet quality, measured and shown"),
    "skip": Both("Đến nội dung chính", "Skip to the content"),
    "nav": Both("Các trang", "Pages"),
    "nav_lines": Both("Đường truyền", "Lines"),
    "nav_probes": Both("Thiết bị đo", "Probes"),
    "nav_trouble": Both("Sự cố dữ liệu", "Data trouble"),
    "nav_api": Both("Dữ liệu mở", "Open data"),
    "log_in": Both("Đăng nhập", "Log in"),
    "log_out": Both("Đăng xuất", "Log out"),
    "logged_in_as": Both("Cán bộ: {name}", "Operator: {name}"),
    "other_language": Both("English", "Tiếng Việt"),
    "time_zone": Both("Giờ hiển thị: {zone}.", "Times are shown in {zone}."),
    "footer": Both(
        "Tốc độ là dữ liệu hữu ích (tải TCP) đến được nơi nhận, không nhân hệ số. "
        "Lần đo không thành công được ghi là không thành công, không bao giờ là số 0.",
        "Speed is useful data (TCP payload) that reached the receiver, with no factor added. "
        "A test that did not succeed is shown as such, never as zero.",
    ),
    "not_found_title": Both("Không tìm thấy trang", "Page not found"),
    "not_found": Both(
        "Địa chỉ này không có gì. Có thể đường truyền đã được đổi tên hoặc gỡ bỏ.",
        "There is nothing at this address. The line may have been renamed or removed.",
    ),
    "refused_title": Both("Yêu cầu bị từ chối", "This request was refused"),
    "refused": Both(
        "Yêu cầu này không đến từ trang của chính hệ thống. Xin mở lại trang và thử lần nữa.",
        "This request did not come from a page of this system. Please open the page again.",
    ),
    "bad_request_title": Both("Yêu cầu không hợp lệ", "This request cannot be answered"),
    "unavailable_title": Both("Tạm thời không đọc được dữ liệu", "The data cannot be read now"),
    "unavailable": Both(
        "Sổ cái chưa trả lời. Xin thử lại sau ít phút.",
        "The ledger does not answer. Please try again in a few minutes.",
    ),
    "back_to_lines": Both("Về danh sách đường truyền", "Back to the list of lines"),
}

_OVERVIEW = {
    "overview_title": Both("Các đường truyền Internet", "Internet lines"),
    "overview_lead": Both(
        "Kết quả đo tự động tại nhà văn hóa và trụ sở, cập nhật liên tục.",
        "Automatic measurements at community houses and offices, updated all the time.",
    ),
    "summary": Both("Tóm tắt theo tình trạng", "Summary by state"),
    "lines_count": Both("{count} đường truyền", "{count} lines"),
    "lines_count_one": Both("1 đường truyền", "1 line"),
    "lines_shown": Both("{first}–{last} trong {total}", "{first}–{last} of {total}"),
    "filter": Both("Lọc", "Filter"),
    "filter_search": Both("Tìm", "Search"),
    "filter_search_hint": Both("Điểm đo, phường, mã…", "Site, ward, id…"),
    "filter_ward": Both("Phường, xã", "Ward"),
    "filter_carrier": Both("Nhà mạng", "Carrier"),
    "filter_state": Both("Tình trạng", "State"),
    "filter_all": Both("Tất cả", "All"),
    "filter_clear": Both("Bỏ lọc", "Clear"),
    "previous": Both("Trước", "Previous"),
    "next": Both("Sau", "Next"),
    "page_number": Both("Trang {number}", "Page {number}"),
    "pages": Both("Các trang của danh sách", "Pages of the list"),
    "no_lines": Both("Chưa có đường truyền nào được đăng ký.", "No line has been registered yet."),
    "no_lines_filtered": Both(
        "Không có đường truyền nào khớp với bộ lọc.", "No line matches this filter."
    ),
    "column_site": Both("Điểm đo", "Site"),
    "column_carrier": Both("Nhà mạng, gói cước", "Carrier, plan"),
    "column_state": Both("Tình trạng", "State"),
    "column_download": Both("Tải xuống", "Download"),
    "column_upload": Both("Tải lên", "Upload"),
    "column_latency": Both("Độ trễ", "Latency"),
    "at_least": Both("ít nhất {value}", "at least {value}"),
    "at_least_explained": Both(
        "“Ít nhất”: thiết bị đo hoặc máy chủ đo là giới hạn, đường truyền đạt ít nhất mức đó.",
        "“At least”: the probe or the server was the limit, and the line carries at least that.",
    ),
    "column_age": Both("Lần đo gần nhất", "Last test"),
    "of_contract": Both("{percent} hợp đồng", "{percent} of contract"),
    "rule_title": Both("Tình trạng được xác định thế nào?", "How is the state decided?"),
    "rule_note": Both(
        "Tình trạng giúp biết nên xem đường truyền nào trước; đó không phải kết luận về cả tháng.",
        "The state helps to look at the right line first; it is no verdict on a whole month.",
    ),
    "rule_at_least": Both(
        "Lần đo hợp lệ là lần đo thành công và không có cờ. Lần đo mà thiết bị hoặc máy chủ là "
        "giới hạn cũng hợp lệ, nhưng chỉ cho biết đường truyền đạt ít nhất bao nhiêu: khi vì thế "
        "chưa biết trung vị có đạt {share} tốc độ hợp đồng hay không thì chưa đánh giá.",
        "A fair test is one that measured and has no flag. One that the probe or the server held "
        "back is fair too, but tells only what the line carries at least: where that leaves open "
        "whether the median is {share} of the contracted speed, the line is not rated.",
    ),
}

_LINE = {
    "line_title": Both("{carrier} tại {site}", "{carrier} at {site}"),
    "identity": Both("Thông tin đường truyền", "The line"),
    "ward": Both("Phường, xã", "Ward"),
    "address": Both("Địa chỉ", "Address"),
    "plan": Both("Gói cước", "Plan"),
    "technology": Both("Công nghệ", "Technology"),
    "technology_fibre": Both("Cáp quang", "Fibre"),
    "technology_cable": Both("Cáp đồng trục", "Cable"),
    "technology_dsl": Both("Cáp đồng (DSL)", "DSL"),
    "technology_4g": Both("Di động 4G", "4G mobile"),
    "technology_5g": Both("Di động 5G", "5G mobile"),
    "technology_other": Both("Khác", "Other"),
    "contracted": Both("Tốc độ hợp đồng", "Contracted speed"),
    "declared": Both("Tốc độ công bố", "Declared speed"),
    "down_and_up": Both("{down} xuống, {up} lên", "{down} down, {up} up"),
    "not_registered": Both("chưa khai báo", "not registered"),
    "line_id": Both("Mã đường truyền", "Line id"),
    "latest": Both("Kết quả gần nhất", "Latest results"),
    "latest_speed_test": Both("lần đo tốc độ lúc", "speed test of"),
    "latest_own_test": Both("lần đo độ trễ riêng", "separate latency test"),
    "latest_same_test": Both("trong lần đo tốc độ", "in the speed test"),
    "latest_download": Both("Tải xuống", "Download"),
    "latest_upload": Both("Tải lên", "Upload"),
    "latest_latency": Both("Độ trễ khi rảnh", "Latency, line idle"),
    "latest_loaded": Both("Độ trễ khi tải", "Latency under load"),
    "latest_loss": Both("Mất gói", "Packets lost"),
    "period": Both("Khoảng thời gian", "Period"),
    "period_day": Both("Ngày", "Day"),
    "period_week": Both("Tuần", "Week"),
    "period_month": Both("Tháng", "Month"),
    "earlier": Both("Trước đó", "Earlier"),
    "later": Both("Sau đó", "Later"),
    "to_now": Both("Đến hiện tại", "Up to now"),
    "series": Both("Chuỗi kết quả", "Series"),
    "series_explained": Both(
        "Kết quả chỉ được gộp khi cùng thiết bị, giao thức, máy chủ, cổng mạng, phương pháp và "
        "phiên bản. "
        "Biểu đồ và số lần đo là của chuỗi được tô đậm. Trong bảng là trung vị của các lần đo "
        "được tính: không gắn cờ, hoặc là mức ít nhất; với Wi-Fi là các lần đo không có cờ khác.",
        "Results are put together only with the same probe, protocol, server, path, method and "
        "version. "
        "Charts and counts are of the series in bold. The table has medians of the tests "
        "that count: without flags, or lower bounds; of Wi-Fi, of tests without any other flag.",
    ),
    "series_probe": Both("thiết bị {probe}", "probe {probe}"),
    "series_tests": Both("Được tính / đã đo", "Counted / measured"),
    "series_main": Both("chính", "main"),
    "pairs": Both(
        "Wi-Fi của nhà và đường truyền phía sau", "The house's Wi-Fi and the line behind"
    ),
    "pairs_explained": Both(
        "Đo bằng dây và qua Wi-Fi trong cùng một phần tư giờ: phần chênh lệch là của Wi-Fi, không "
        "phải của nhà mạng. Trung vị của hiệu số bằng dây trừ Wi-Fi trong {days} ngày.",
        "Measured by cable and over Wi-Fi in the same quarter of an hour: the difference is the "
        "Wi-Fi's, not the carrier's. Medians of wired minus Wi-Fi over {days} days.",
    ),
    "pairs_count": Both("Số cặp", "Pairs"),
    "readiness_ready": Both("sẵn sàng", "ready"),
    "readiness_slower": Both("sẵn sàng, nhưng chậm hơn IPv4", "ready, but slower than IPv4"),
    "readiness_no_address": Both(
        "chưa sẵn sàng: không có địa chỉ IPv6 công cộng", "not ready: no public IPv6 address"
    ),
    "readiness_no_route": Both(
        "chưa sẵn sàng: không có tuyến mặc định", "not ready: no default route"
    ),
    "readiness_no_name": Both(
        "chưa sẵn sàng: máy chủ tên miền không cho địa chỉ IPv6",
        "not ready: the name server gives no IPv6 addresses",
    ),
    "readiness_no_answer": Both(
        "chưa sẵn sàng: trang web không trả lời qua IPv6", "not ready: no web answer over IPv6"
    ),
    "readiness_unknown": Both(
        "chưa biết: chưa có máy chủ IPv6 nào để hỏi", "not known: no server with IPv6 to ask"
    ),
    "counts": Both(
        "{measured} lần đo thành công{flagged} · {failed} lỗi · {skipped} bỏ qua · {missed} lỡ",
        "{measured} measured{flagged} · {failed} failed · {skipped} skipped · {missed} missed",
    ),
    "counts_flagged": Both(
        "(trong đó {count} không tính vì có cờ)", "({count} of them flagged and not counted)"
    ),
    "chart_download": Both("Tốc độ tải xuống", "Download speed"),
    "chart_upload": Both("Tốc độ tải lên", "Upload speed"),
    "chart_idle": Both("Độ trễ khi đường truyền rảnh", "Latency with the line idle"),
    "chart_loaded": Both("Độ trễ khi đường truyền đang tải", "Latency while the line is loaded"),
    "chart_heat": Both("Tải xuống theo giờ, {days} ngày", "Download by hour, {days} days"),
    "unit_speed": Both("Mbit/s", "Mbit/s"),
    "unit_gigabits": Both("Gbit/s", "Gbit/s"),
    "unit_latency": Both("ms", "ms"),
    "legend_test": Both("lần đo", "test"),
    "legend_flagged": Both("lần đo có cờ, không tính", "flagged test, not counted"),
    "legend_at_least": Both("ít nhất mức đó", "at least that"),
    "legend_median": Both("trung vị", "median"),
    "legend_band": Both("từ thấp nhất đến bách phân vị 95", "minimum to 95th percentile"),
    "legend_reference": Both("tốc độ hợp đồng", "contracted speed"),
    "legend_declared": Both("tốc độ công bố", "declared speed"),
    "legend_above": Both("cao hơn thang đo", "above the scale"),
    "legend_failed": Both("lỗi", "failed"),
    "legend_missed": Both("lỡ", "missed"),
    "legend_skipped": Both("bỏ qua", "skipped"),
    "legend_idle": Both("khi rảnh", "line idle"),
    "legend_while_download": Both("khi tải xuống", "while downloading"),
    "legend_while_upload": Both("khi tải lên", "while uploading"),
    "legend_no_test": Both("không có lần đo", "no test"),
    "legend_unrated": Both("bị giới hạn, chưa đánh giá", "held back, not rated"),
    "legend_only_failed": Both("chỉ có lần đo lỗi", "only failed tests"),
    "legend_only_flagged": Both("chỉ có lần đo có cờ", "only flagged tests"),
    "chart_empty": Both(
        "Không có lần đo thành công nào trong khoảng thời gian này.",
        "No successful measurement in this period.",
    ),
    "chart_only_flagged": Both(
        "Trong khoảng thời gian này chỉ có lần đo có cờ là thành công; chúng không được tính.",
        "Only flagged tests succeeded in this period; they are not counted.",
    ),
    "chart_no_latency_test": Both(
        "Không có lần đo độ trễ riêng nào thành công trong khoảng thời gian này.",
        "No separate latency test succeeded in this period.",
    ),
    "chart_describe": Both(
        "{count} giá trị từ {start} đến {end}: thấp nhất {low}, trung vị {median}, "
        "cao nhất {high}. {failed} lần đo lỗi, {missed} lần lỡ.",
        "{count} values from {start} to {end}: lowest {low}, median {median}, highest {high}. "
        "{failed} failed, {missed} missed.",
    ),
    "heat_describe": Both(
        "Mỗi ô là trung vị tải xuống của một giờ trong một ngày; ô trống là không có lần đo.",
        "Each cell is the median download of one hour of one day; an empty cell had no test.",
    ),
    "heat_cell": Both(
        "{hour}, {day}: {value} ({count} lần đo)", "{hour}, {day}: {value} ({count})"
    ),
    "chart_some_at_least": Both(
        "{count} giá trị là mức ít nhất.", "{count} of the values are lower bounds."
    ),
    "hover_flagged": Both("{count} × có cờ, không tính", "{count} × flagged, not counted"),
    "heat_failed": Both("{hour}, {day}: chỉ có lần đo lỗi", "{hour}, {day}: failed tests only"),
    "heat_flagged": Both("{hour}, {day}: chỉ có lần đo có cờ", "{hour}, {day}: flagged tests only"),
    "hover_many": Both(
        "{time}: trung vị {value} ({low}–{high}, {count} lần đo)",
        "{time}: median {value} ({low}–{high}, {count} tests)",
    ),
    "records": Both("Các lần đo tốc độ trong khoảng này", "Speed tests in this period"),
    "records_newest": Both("{shown} lần gần nhất trong {total}.", "The newest {shown} of {total}."),
    "records_none": Both("Chưa có lần đo nào.", "There is no test yet."),
    "column_time": Both("Thời điểm", "Time"),
    "column_outcome": Both("Kết quả", "Outcome"),
    "column_notes": Both("Ghi chú", "Notes"),
    "column_record": Both("Bản ghi", "Record"),
    "idle_and_loaded": Both("Độ trễ: rảnh / xuống / lên", "Latency: idle / down / up"),
    "outcome_measured": Both("đo được", "measured"),
    "outcome_failed": Both("lỗi", "failed"),
    "outcome_skipped": Both("bỏ qua", "skipped"),
    "outcome_missed": Both("lỡ", "missed"),
    "tombstone": Both("mất tại thiết bị", "lost at the probe"),
    "time_unsure": Both(
        "Đồng hồ của thiết bị chưa đúng khi đo; thời điểm này không chắc chắn.",
        "The probe's clock was not set; this time is not certain.",
    ),
    "verbatim": Both("nguyên văn", "verbatim"),
}

_API = {
    "api_title": Both("Dữ liệu mở (API)", "Open data (API)"),
    "api_lead": Both(
        "Mọi số liệu trên các trang này đều đọc được bằng máy: JSON, chỉ đọc, thời gian UTC, "
        "đơn vị nằm trong tên trường.",
        "Everything on these pages can be read by machines: JSON, read-only, times in UTC, units "
        "in the names of the fields.",
    ),
    "api_document": Both("Tài liệu OpenAPI 3.1", "OpenAPI 3.1 document"),
    "api_public": Both("Công khai", "Public"),
    "api_operator": Both("Chỉ dành cho cán bộ vận hành", "Operators only"),
    "api_parameters": Both("Tham số", "Parameters"),
    "api_paging": Both(
        "Danh sách dài đi theo trang: khi câu trả lời có next_cursor, gửi lại nó làm cursor.",
        "Long lists come in pages: where an answer has next_cursor, send it back as cursor.",
    ),
    "api_absent": Both(
        "Không đo được thì không có giá trị (null), không bao giờ là 0.",
        "What was not measured is null, never 0.",
    ),
    "api_login": Both(
        "Phần dành cho cán bộ: HTTP Basic qua TLS với tên và mật khẩu của cán bộ, hoặc phiên đăng "
        "nhập của trình duyệt.",
        "The operators' part: HTTP Basic over TLS with an operator's name and password, or the "
        "browser's session.",
    ),
}

PUBLIC: dict[str, Both] = {**_FRAME, **_OVERVIEW, **_LINE, **_API}
