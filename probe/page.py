"""The agent's status as one plain page, Vietnamese with English beside, nothing loaded."""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from probe import quantities, words
from probe.status_models import AgentStatus, PathStatus, TaskStatus
from protocol.records import Outcome

_STYLE: Final = """
:root{color-scheme:light dark;--line:#8884;--good:#14804a;--bad:#c0271c;--dim:#777}
@media (prefers-color-scheme:dark){:root{--good:#4cc38a;--bad:#ff6f61;--dim:#999}}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:1.8rem 0 .4rem}
small,i{color:var(--dim);font-style:normal}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;
border-top:1px solid var(--line)}
th{font-weight:600;width:16rem}.good{color:var(--good)}.bad{color:var(--bad)}
td b{font-variant-numeric:tabular-nums}
@media (max-width:40rem){th,td{display:block;width:auto;border:0;padding:.1rem 0}
tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}}
"""

Two = tuple[str, str]
"""Vietnamese and English."""


def render(status: AgentStatus) -> str:
    """Return the page as HTML."""
    zone = ZoneInfo(status.timezone)
    body = "".join(
        [
            f"<h1>Linewatch · {escape(status.site)}</h1>",
            f"<small>{escape(status.probe)} · {escape(status.software)}</small>",
            *(_path(path, status.clock.now, zone) for path in status.paths),
            "" if status.paths else _no_paths(status),
            _table(("Đầu đo", "Probe"), [*_collector(status, zone), *_device(status, zone)]),
        ]
    )
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="refresh" content="30">'
        f"<title>Linewatch · {escape(status.probe)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>"
    )


def _no_paths(status: AgentStatus) -> str:
    said = (
        ("Chưa có đường đo nào trong chỉ dẫn.", "The instruction names no path.")
        if status.instructed
        else ("Đang chờ chỉ dẫn của máy chủ thu thập.", "Waiting for the collector's instruction.")
    )
    return f"<p>{_both(said)}</p>"


def _path(path: PathStatus, now: datetime, zone: ZoneInfo) -> str:
    name = path.line or path.name
    where = f"{path.name} · {path.interface}" if path.interface else path.name
    rows = [
        (words.TASKS[task.task], _task(task, now, zone))
        for task in path.tasks
        if task.slot or task.next_slot
    ]
    if path.failed_at and path.failure:
        failed = f"{_when(path.failed_at, now, zone)}<br>{_both(words.failure(path.failure))}"
        failed += f"<br><i>{escape(path.failure_detail or '')}</i>"
        rows.append((("Lần không đo được gần nhất", "Last that was not measured"), failed))
    title = (f"Đường truyền {name}", f"Line, path {where}")
    return _table(title, rows)


def _task(task: TaskStatus, now: datetime, zone: ZoneInfo) -> str:
    parts = []
    if task.slot and task.outcome:
        good = task.outcome is Outcome.MEASURED
        parts.append(
            f'<span class="{"good" if good else "bad"}">{_both(words.OUTCOMES[task.outcome])}'
            f"</span>, {_when(task.slot, now, zone)}"
        )
        parts += [f"{escape(name)}: <b>{escape(value)}</b>" for name, value in task.figures.items()]
        parts += [
            f'<span class="bad">{_FLAG}</span> <code>{code.value}</code>: {_both(words.flag(code))}'
            for code in task.flags
        ]
        if task.failure:
            parts.append(_both(words.failure(task.failure)))
    else:
        parts.append(_both(("Chưa đo từ khi khởi động", "Not measured since the start")))
    if task.next_slot:
        local = task.next_slot.astimezone(zone)
        parts.append(_both((f"Lần tới {local:%H:%M:%S}", f"next {local:%H:%M:%S}")))
    return "<br>".join(parts)


_FLAG: Final = "Cờ · Flag"


def _collector(status: AgentStatus, zone: ZoneInfo) -> list[tuple[Two, str]]:
    collector, now = status.collector, status.clock.now
    if collector.revoked:
        said = _coloured("bad", ("Khóa của đầu đo bị thu hồi", "This probe's key is revoked"))
    elif collector.reachable is None:
        said = _both(("Chưa hỏi", "Not asked yet"))
    elif collector.reachable:
        said = _coloured("good", ("Kết nối được", "Reachable"))
    else:
        said = _coloured("bad", ("Không kết nối được", "Not reachable"))
        if collector.since:
            said += f", {_both(('từ', 'since'))} {_when(collector.since, now, zone)}"
    for problem in (collector.problem, collector.instruction_problem, collector.held_problem):
        if problem:
            said += f"<br><i>{escape(problem)}</i>"
    if collector.delivered_at:
        said += f"<br>{_both(('Gửi gần nhất', 'last delivery'))} "
        said += _when(collector.delivered_at, now, zone)
    title = ("Máy chủ thu thập", "Collector")
    return [(title, f"{escape(collector.url)}<br>{said}"), (_BACKLOG, _backlog(status, zone))]


_BACKLOG: Final = ("Bản ghi chờ gửi", "Records waiting")


def _backlog(status: AgentStatus, zone: ZoneInfo) -> str:
    backlog = status.backlog
    if backlog.records is None:
        said = _coloured("bad", ("Ổ đĩa không ghi đọc được", "The disk does not answer"))
    else:
        said = f"<b>{backlog.records}</b>"
    if backlog.oldest_slot:
        said += f", {_both(('cũ nhất', 'oldest'))} "
        said += _when(backlog.oldest_slot, status.clock.now, zone)
    if backlog.used_bytes is not None:
        used, most = map(quantities.size, (backlog.used_bytes, backlog.maximum_bytes))
        said += f"<br>{used.both} / {most.both}"
    for count, name in (
        (backlog.waiting_in_memory, ("chờ trong bộ nhớ", "wait in memory: the disk is full")),
        (backlog.given_way, ("đã nhường chỗ", "gave way to newer ones")),
        (backlog.damaged, ("hỏng", "damaged")),
        (backlog.lost, ("đã mất", "lost")),
    ):
        if count:
            said += f"<br>{_coloured('bad', (f'{count} {name[0]}', name[1]))}"
    if backlog.problem:
        said += f"<br><i>{escape(backlog.problem)}</i>"
    return said


_SOURCES: Final[dict[str, Two]] = {
    "kernel": ("đồng bộ theo hệ thống", "synchronised by the system"),
    "collector": ("theo giờ máy chủ thu thập", "by the collector's time"),
    "none": ("chưa đồng bộ", "not synchronised"),
}


def _device(status: AgentStatus, zone: ZoneInfo) -> Iterable[tuple[Two, str]]:
    clock = status.clock
    source = _coloured("bad" if clock.source == "none" else "good", _SOURCES[clock.source])
    yield ("Đồng hồ", "Clock"), f"{clock.now.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}, {source}"
    if status.disk_free_bytes is not None:
        yield ("Ổ đĩa còn trống", "Disk free"), quantities.size(status.disk_free_bytes).both
    yield ("Chạy được", "Running for"), _both(words.ago(status.running_seconds))
    if status.speed_slots_without_room:
        said = (
            "lần đo tốc độ không còn chỗ hôm nay",
            "speed tests find no room today: the plan is too dense",
        )
        yield ("Lịch đo", "Schedule"), f"{status.speed_slots_without_room} {_both(said)}"


def _table(title: Two, rows: Iterable[tuple[Two, str]]) -> str:
    lines = "".join(f"<tr><th>{_both(name)}</th><td>{text}</td></tr>" for name, text in rows)
    return f"<h2>{_both(title)}</h2><table>{lines}</table>"


def _when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    vietnamese, english = words.ago((now - moment).total_seconds())
    said = _both((f"{vietnamese} trước", f"{english} ago"))
    return f"{moment.astimezone(zone):%d/%m %H:%M:%S} ({said})"


def _coloured(colour: str, said: Two) -> str:
    return f'<span class="{colour}">{_both(said)}</span>'


def _both(said: Two) -> str:
    return f'{escape(said[0])} <small lang="en">{escape(said[1])}</small>'
