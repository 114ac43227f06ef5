"""The collectors: what comes in, what waits, what is written where, and how much room is left."""

from typing import Final

from dashboards.boards.measures import firing, now_stat
from dashboards.queries import RANGE, Metrics
from dashboards.spec import Dashboard, Panel, Row, Target
from dashboards.words import (
    BYTES,
    COUNT,
    NONE_IS_GOOD,
    OF_FREE,
    OF_LAG,
    ONE_IS_GOOD,
    PLAIN,
    SECONDS,
    SHARE,
    Steps,
    Text,
)

_RATE: Final = "[$__rate_interval]"
_RESULTS: Final = f"rate(linewatch_collector_records_total{_RATE})"
_ANSWERS: Final = f"rate(linewatch_collector_request_seconds_bucket{_RATE})"
_EACH: Final = Text(
    "Mỗi máy thu thập một đường.",
    "A series for each collector.",
)


def _chart(
    title: Text, *asks: tuple[str, str], unit: str = COUNT, about: Text | None = None
) -> Panel:
    """Return a chart of expressions, each with its series' name."""
    targets = tuple(Target(Metrics(expression), name) for expression, name in asks)
    return Panel(title, "chart", targets, about, width=12, unit=unit)


def _now(title: Text, expression: str, unit: str = COUNT, steps: Steps = NONE_IS_GOOD) -> Panel:
    return now_stat(title, expression, unit=unit, steps=steps, width=4)


_NOW: Final = (
    _now(
        Text("Sổ cái đọc được", "Ledger readable"),
        "min(linewatch_collector_ledger_readable)",
        steps=ONE_IS_GOOD,
    ),
    _now(Text("Ghi bị lỗi", "Writer failing"), "max(linewatch_collector_writer_failing)"),
    _now(Text("Bản sao bị lỗi", "Sinks failing"), "sum(max by (sink) (linewatch_sink_failing))"),
    _now(
        Text("Bản sao chậm nhất", "Sink furthest behind"),
        "max(linewatch_sink_lag_seconds)",
        SECONDS,
        OF_LAG,
    ),
    _now(
        Text("Bản ghi không rõ đi đâu", "Records unaccounted for"),
        "max(abs(linewatch_collector_records_unaccounted))",
    ),
    _now(
        Text("Đĩa còn trống", "Disk free"),
        "min(linewatch_collector_disk_free_bytes / linewatch_collector_disk_size_bytes)",
        SHARE,
        OF_FREE,
    ),
)

_INGEST: Final = (
    _chart(
        Text("Bản ghi nhận được mỗi giây", "Records received a second"),
        (
            f"sum(max by (probe) (rate(linewatch_collector_records_received_total{_RATE})))",
            str(Text("nhận", "received")),
        ),
        about=Text(
            "Số đếm của sổ cái: máy thu thập nào cũng nói như nhau.",
            "The ledger's counts: every collector says the same.",
        ),
    ),
    _chart(
        Text("Bản ghi thành gì", "What became of records"),
        (
            f"sum by (result) (max by (probe, result) ({_RESULTS}))",
            "{result}",
        ),
    ),
    _chart(
        Text("Yêu cầu mỗi giây theo trạng thái", "Requests a second by status"),
        (
            f"sum by (status) (rate(linewatch_collector_request_seconds_count{_RATE}))",
            "{status}",
        ),
    ),
    _chart(
        Text("Thời gian trả lời, 99 %", "Time to answer, 99 %"),
        (
            f"histogram_quantile(0.99, sum by (le, resource) ({_ANSWERS}))",
            "{resource}",
        ),
        unit=SECONDS,
    ),
    _chart(
        Text("Sự kiện bị từ chối hoặc mâu thuẫn", "Refusals and contradictions"),
        (
            "sum by (kind) (max by (kind) (linewatch_collector_events_total))",
            "{kind}",
        ),
    ),
    _chart(
        Text("Kết nối", "Connections"),
        ("linewatch_collector_connections", "{instance}"),
        (
            f"rate(linewatch_collector_connections_refused_total{_RATE})",
            f"{{instance}} {Text('từ chối mỗi giây', 'refused a second')}",
        ),
        (
            f"rate(linewatch_collector_connections_evicted_total{_RATE})",
            f"{{instance}} {Text('bị đóng mỗi giây', 'evicted a second')}",
        ),
        about=_EACH,
    ),
)

_WRITER: Final = (
    _chart(
        Text("Hàng đợi ghi", "Writer's queue"),
        ("linewatch_collector_writer_queue_bytes", "{instance}"),
        (
            "linewatch_collector_body_bytes",
            f"{{instance}} {Text('thân yêu cầu', 'bodies')}",
        ),
        unit=BYTES,
        about=_EACH,
    ),
    _chart(
        Text("Việc chờ ghi", "Jobs that wait"),
        ("linewatch_collector_writer_queue_jobs", "{instance}"),
        about=_EACH,
    ),
    _chart(
        Text("Thời gian bận ghi", "Share of time spent writing"),
        (f"rate(linewatch_collector_writer_busy_seconds_total{_RATE})", "{instance}"),
        unit=SHARE,
        about=_EACH,
    ),
    _chart(
        Text("Giao dịch mỗi giây", "Transactions a second"),
        (
            f"rate(linewatch_collector_writer_commits_total{_RATE})",
            f"{{instance}} {Text('ghi', 'committed')}",
        ),
        (
            f"rate(linewatch_collector_writer_jobs_total{_RATE})",
            f"{{instance}} {Text('việc', 'jobs')}",
        ),
        (
            f"rate(linewatch_collector_writer_failures_total{_RATE})",
            f"{{instance}} {Text('lỗi', 'failed')}",
        ),
        (
            f"rate(linewatch_collector_writer_refused_total{_RATE})",
            f"{{instance}} {Text('từ chối', 'refused')}",
        ),
        (
            f"rate(linewatch_collector_bodies_refused_total{_RATE})",
            f"{{instance}} {Text('thân bị từ chối', 'bodies refused')}",
        ),
        about=_EACH,
    ),
)

_SINKS: Final = (
    _chart(
        Text("Bản sao chậm bao lâu", "How far sinks are behind"),
        ("max by (sink) (linewatch_sink_lag_seconds)", "{sink}"),
        unit=SECONDS,
    ),
    _chart(
        Text("Bản ghi chưa sao", "Records that sinks do not have"),
        ("max by (sink) (linewatch_sink_lag_records)", "{sink}"),
    ),
    _chart(
        Text("Lỗi ghi mỗi giây", "Failed writes a second"),
        (f"sum by (sink) (rate(linewatch_sink_failures_total{_RATE}))", "{sink}"),
    ),
    Panel(
        Text("Các bản sao", "Sinks"),
        "table",
        tuple(
            Target(
                Metrics(f"max by (sink) (linewatch_sink_{name}_records)", RANGE),
                str(title),
                steps=steps,
            )
            for name, title, steps in (
                ("written", Text("Đã ghi", "Written"), PLAIN),
                ("held_back", Text("Chờ biết giờ", "Held back"), PLAIN),
                ("set_aside", Text("Bị từ chối hẳn", "Set aside"), NONE_IS_GOOD),
            )
        ),
        keys=(("sink", Text("Bản sao", "Sink")),),
        falling=True,
    ),
)

_DISK: Final = (
    _chart(
        Text("Đĩa của sổ cái", "The ledger's disk"),
        ("linewatch_collector_disk_free_bytes", f"{{instance}} {Text('trống', 'free')}"),
        ("linewatch_collector_disk_size_bytes", f"{{instance}} {Text('tổng', 'size')}"),
        ("max(linewatch_collector_ledger_bytes)", str(Text("sổ cái", "ledger"))),
        unit=BYTES,
        about=Text(
            "Đĩa của tệp SQLite; với PostgreSQL là chỗ nó được dùng (collector.ledger.room_bytes).",
            "The SQLite file's disk; of PostgreSQL what it may take (collector.ledger.room_bytes).",
        ),
    ),
    _chart(
        Text("Sổ cái lớn thêm mỗi ngày", "Growth of the ledger a day"),
        (
            "max(deriv(linewatch_collector_ledger_bytes[6h])) * 86400",
            str(Text("theo 6 giờ qua", "by the last six hours")),
        ),
        unit=BYTES,
    ),
    _chart(
        Text("Cách ly và thiếu", "Quarantined and missing"),
        ("max by (kind) (linewatch_collector_quarantine_records)", "{kind}"),
        ("max(linewatch_collector_gap_records)", str(Text("thiếu trong chuỗi", "missing"))),
    ),
)

BOARD: Final = Dashboard(
    "collector",
    Text("Máy thu thập", "Collector health"),
    Text("Nhận, ghi, sao chép, đĩa.", "Ingest, writing, sinks, disk."),
    (),
    (
        Row(Text("Bây giờ", "Now"), _NOW),
        Row(Text("Nhận", "Ingest"), _INGEST),
        Row(Text("Ghi", "Writing"), _WRITER),
        Row(Text("Bản sao chuỗi thời gian", "Sinks"), _SINKS),
        Row(Text("Đĩa và sổ cái", "Disk and ledger"), _DISK),
    ),
    alerts=firing("Collector.*|Ledger.*|Sink.*|Disk.*|Chain.*|Records.*"),
    begins="now-24h",
    refresh="30s",
)
