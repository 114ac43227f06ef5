"""The probes: who is silent, what they could not measure and why, and what their devices suffer."""

from typing import Final

from dashboards.boards.measures import ANY_WARD, TITLES, count, failures, firing, now_stat, outcomes
from dashboards.queries import RANGE, Metrics, Tag, among
from dashboards.spec import Dashboard, Panel, Row, Target, Variable, Way
from dashboards.words import COUNT, NONE_IS_GOOD, OF_SILENCE, PLAIN, SECONDS, Text

_SITES: Final = 'max by (site, ward) (linewatch_line_info{ward=~"$ward"})'
_SEEN: Final = (
    "max by (probe, site) (linewatch_probe_last_seen_age_seconds) "
    f"* on (site) group_left (ward) {_SITES}"
)
_LINES: Final = 'max by (line, site, ward) (linewatch_line_info{ward=~"$ward"})'
_AGE: Final = (
    'max by (line) (linewatch_line_last_record_age_seconds{task="%s"}) '
    f"* on (line) group_right () {_LINES}"
)
_DEVICE_FLAGS: Final = among(
    "flag",
    "device_.*|clock_unsynchronised|interface_.*|half_duplex|certified_ceiling|path_changed",
)


def _newest(title: Text, expression: str, unit: str = COUNT, *, width: int = 12) -> Panel:
    """Return a chart of what `/metrics` says of the whole ledger, whoever of several says it."""
    ask = Target(Metrics(expression), "{state}")
    return Panel(title, "chart", (ask,), width=width, unit=unit)


_SILENT: Final = Panel(
    Text("Lâu nhất không liên lạc", "Longest without a word"),
    "table",
    (
        Target(
            Metrics(_SEEN, RANGE),
            str(Text("Liên lạc lần cuối cách đây", "Last seen")),
            SECONDS,
            OF_SILENCE,
        ),
    ),
    height=10,
    keys=tuple((name, TITLES[name]) for name in ("probe", "site", "ward")),
    falling=True,
    most=30,
)

_BEHIND: Final = Panel(
    Text("Kết quả mới nhất cũ nhất", "Oldest newest results"),
    "table",
    (
        Target(
            Metrics(_AGE % "reach", RANGE),
            str(Text("Kiểm tra kết nối cách đây", "Reachability check's age")),
            SECONDS,
            OF_SILENCE,
        ),
        Target(
            Metrics(f"max by (line) ({_AGE % 'speed'})", RANGE),
            str(Text("Đo tốc độ cách đây", "Speed test's age")),
            SECONDS,
            ((None, "green"), (86400.0, "orange"), (172800.0, "red")),
        ),
    ),
    height=10,
    keys=tuple((name, TITLES[name]) for name in ("line", "site", "ward")),
    falling=True,
    ways=(Way("line", "line"), Way("ward", "ward")),
    most=30,
)

_BROKEN: Final = Panel(
    Text("Thiết bị mất nhiều lượt đo nhất", "Probes that missed most"),
    "table",
    tuple(
        Target(
            count(task, among("outcome", "missed|skipped"), ANY_WARD, by=by, over=RANGE),
            str(title),
            steps=((None, "green"), (1.0, "orange")),
        )
        for task, title, by in (
            ("reach", Text("Kết nối", "Reachability"), ("probe", "site")),
            ("latency", Text("Độ trễ", "Latency"), ("probe",)),
            ("speed", Text("Tốc độ", "Speed"), ("probe",)),
        )
    ),
    Text(
        "Lượt đo bị bỏ hoặc lỡ: mất điện, khởi động lại, đường đang bận, hết ngân sách dữ liệu.",
        "Slots skipped or missed: no power, restarts, a busy line, no data budget left.",
    ),
    height=10,
    keys=(("probe", TITLES["probe"]), ("site", TITLES["site"])),
    falling=True,
    most=30,
)

_DEVICES: Final = Panel(
    Text("Thiết bị đo gặp vấn đề gì", "What devices suffer"),
    "bars",
    (Target(count("flags", _DEVICE_FLAGS, ANY_WARD, by=("flag",)), "{flag}"),),
    Text(
        "Cờ về thiết bị, nguồn điện, nhiệt, đồng hồ, cổng mạng.",
        "Flags of devices, power, heat, clocks, ports.",
    ),
    least="6h",
    stacked=True,
)

_FLAGGED: Final = Panel(
    Text("Thiết bị có nhiều cờ nhất", "Probes with most flags"),
    "table",
    (
        Target(
            count("flags", _DEVICE_FLAGS, ANY_WARD, by=("probe", "site", "flag"), over=RANGE),
            str(Text("Số lần", "Times")),
        ),
    ),
    height=10,
    keys=(
        ("probe", TITLES["probe"]),
        ("site", TITLES["site"]),
        ("flag", Text("Cờ", "Flag")),
    ),
    falling=True,
    most=30,
)

BOARD: Final = Dashboard(
    "fleet",
    Text("Thiết bị đo", "Probe fleet health"),
    Text("Sức khỏe của các thiết bị đo.", "How the probes are."),
    (Variable("ward", TITLES["ward"], health=True),),
    (
        Row(
            Text("Bây giờ", "Now"),
            (
                now_stat(
                    Text("Thiết bị đã kích hoạt", "Probes enrolled"),
                    'max(linewatch_collector_probes{state="enrolled"})',
                    unit=COUNT,
                    steps=PLAIN,
                ),
                now_stat(
                    Text("Im lặng quá 30 phút", "Silent for over 30 min"),
                    f"sum(({_SEEN}) > bool 1800)",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
                now_stat(
                    Text("Bản ghi bị thiếu", "Records missing"),
                    "max(linewatch_collector_gap_records)",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
                now_stat(
                    Text("Chuỗi bị rẽ nhánh", "Forked chains"),
                    "max(linewatch_collector_forked_chains)",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
                now_stat(
                    Text("Bản ghi cách ly", "Records in quarantine"),
                    "sum(max by (kind) (linewatch_collector_quarantine_records))",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
                now_stat(
                    Text("Lượt đo không rõ đi đâu", "Slots unaccounted for"),
                    "sum(max by (probe) (abs(linewatch_collector_slots_unaccounted)))",
                    unit=COUNT,
                    steps=NONE_IS_GOOD,
                ),
            ),
        ),
        Row(Text("Ai im lặng", "Who is silent"), (_SILENT, _BEHIND)),
        Row(
            Text("Lượt đo", "Slots"),
            (
                outcomes(ANY_WARD),
                failures(ANY_WARD),
                _BROKEN,
                Panel(
                    Text("Lượt đo theo kết quả, toàn bộ", "Slots by outcome, all time"),
                    "chart",
                    (
                        Target(
                            Metrics(
                                "sum by (outcome) (max by (probe, path, task, outcome) "
                                "(linewatch_collector_slots_total))"
                            ),
                            "{outcome}",
                        ),
                    ),
                    height=10,
                ),
            ),
        ),
        Row(Text("Thiết bị", "Devices"), (_DEVICES, _FLAGGED)),
        Row(
            Text("Đội thiết bị", "The fleet"),
            (
                _newest(
                    Text("Thiết bị theo trạng thái", "Probes by state"),
                    "max by (state) (linewatch_collector_probes)",
                ),
                Panel(
                    Text("Đồng hồ chưa đồng bộ", "Clocks not synchronised"),
                    "bars",
                    (
                        Target(
                            count(
                                "flags",
                                Tag("flag", "clock_unsynchronised"),
                                ANY_WARD,
                                by=("probe",),
                            ),
                            "{probe}",
                        ),
                    ),
                    least="6h",
                    stacked=True,
                ),
            ),
        ),
    ),
    alerts=firing("Probe.*|ChainBroken|RecordsMissing"),
)
