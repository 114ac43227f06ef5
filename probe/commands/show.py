"""Shows a measurement to a person: a progress bar while it runs, a table when it is done.

Labels are Vietnamese and English: technicians read the first, their reports need the second.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from probe import quantities, words
from probe.engine import Progress
from probe.measurement import Taken
from protocol.conditions import Conditions
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.results import (
    Latency,
    LatencySummary,
    Reach,
    ReachTarget,
    ServerIdentity,
    Speed,
    Transfer,
)

_PHASES: Final = {
    "connect": "Kết nối · Connecting",
    "latency": "Độ trễ · Latency",
    "download": "Tải xuống · Download",
    "upload": "Tải lên · Upload",
    "finish": "Hoàn tất · Finishing",
}

_PROFILES: Final = {"full": "đầy đủ · full", "quick": "nhanh · quick"}

_ABSENT: Final = "–"


@contextmanager
def measuring(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Show progress until the block ends; yields what an `Order` takes as ``progress``.

    The callback may be called from any thread.
    """
    bars = Bars(
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("[bold]{task.fields[rate]:>14}"),
        TimeElapsedColumn(),
        console=console,
    )
    tasks: dict[str, TaskID] = {}

    def report(progress: Progress) -> None:
        for phase, task in tasks.items():
            if phase != progress.phase:
                bars.update(task, completed=1.0)
        if progress.phase not in tasks:
            tasks[progress.phase] = bars.add_task(_PHASES[progress.phase], total=1.0, rate="")
        known = progress.bits_per_second
        rate = "" if known is None else quantities.rate(known).both
        done = min(1.0, progress.done_ratio)
        bars.update(tasks[progress.phase], completed=done, rate=rate)

    with bars:
        yield report


def show(console: Console, taken: Taken) -> None:
    """Print what a measurement gave, and what makes it unfair as evidence."""
    table = Table(title=f"Linewatch · {taken.started_at:%Y-%m-%d %H:%M:%S %Z}", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="left", overflow="fold")
    for label, value in [*_rows(taken), *_interface(taken.conditions)]:
        table.add_row(label, value)
    if taken.failure is not None:
        detail = _plain(taken.failure.detail)
        table.add_row("Không đo được · Failed", f"{_failed(taken.failure.code)}\n{detail}")
    if taken.section is not None:
        # Where nothing was measured, there is nothing that a flag could make unfair.
        flags = "\n".join(_flag(flag) for flag in taken.flags)
        table.add_row("Cờ · Flags", flags or "[green]không · none[/green]")
    console.print(table)


def milliseconds(seconds: float | None) -> str:
    """Return a duration for people; a dash where there is none."""
    return _ABSENT if seconds is None else quantities.milliseconds(seconds, 2).both


def _plain(text: str) -> str:
    """Return text from outside as it is: no markup, nothing that steers a terminal."""
    return escape(
        "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)
    )


def _failed(code: Failure) -> str:
    vietnamese, english = words.failure(code)
    return f"[red]{vietnamese}[/red]\n{english}"


def _flag(code: Flag) -> str:
    vietnamese, english = words.flag(code)
    return f"[yellow]{code.value}[/yellow]: {vietnamese}\n{english}"


def _rows(taken: Taken) -> list[tuple[str, str]]:
    section = taken.section
    if isinstance(section, Speed):
        profile = taken.method.profile
        said = [("Kiểu đo · Profile", _PROFILES[profile])] if profile else []
        return [*_speed(section), *said]
    if isinstance(section, Latency):
        return _latency(section)
    return _reach(section) if isinstance(section, Reach) else []


def _interface(conditions: Conditions | None) -> list[tuple[str, str]]:
    """Return the interface that was measured over: a bad cable shows in its speed."""
    interface = conditions.before.interface if conditions else None
    if interface is None:
        return []
    known = [_plain(interface.name), interface.kind]
    if interface.speed_bits_per_second is not None:
        known.append(quantities.rate(interface.speed_bits_per_second).both)
    if interface.duplex is not None:
        known.append(f"{interface.duplex} duplex")
    return [("Cổng mạng · Interface", " · ".join(known))]


def _speed(speed: Speed) -> list[tuple[str, str]]:
    latency = speed.latency
    moved = [each.total_bytes for each in (speed.download, speed.upload) if each]
    return [
        ("Tải xuống · Download", _transfer(speed.download)),
        ("Tải lên · Upload", _transfer(speed.upload)),
        ("Độ trễ khi rảnh · Latency, idle", _trips(latency.idle)),
        ("Độ trễ khi tải xuống · while downloading", _trips(latency.download)),
        ("Độ trễ khi tải lên · while uploading", _trips(latency.upload)),
        ("Máy chủ · Server", _server(speed.server)),
        *_chosen(speed.server),
        ("IP", f"IPv{speed.ip_version} · {speed.server.address}"),
        ("Dữ liệu đã dùng · Data used", quantities.size(sum(moved)).both),
        *([("Chương trình · Program", _plain(speed.program))] if speed.program else []),
    ]


def _server(server: ServerIdentity) -> str:
    """Return a server as people find it again: what it is called, where it is, in whose network."""
    parts = [server.name, server.url, server.network and f"({server.network})"]
    return _plain(" ".join(filter(None, parts)))


def _chosen(server: ServerIdentity) -> list[tuple[str, str]]:
    """Return what the server was chosen from: the nearest, and those that did not answer."""
    if server.choice is None:
        return []
    told = [
        f"{_plain(each.name)} {milliseconds(each.median_seconds)}"
        for each in server.choice.candidates
        if each.median_seconds is not None
    ]
    told += [
        f"✗ {_plain(each.name)}: {words.FAILURES[each.failure.code]}"
        for each in server.choice.candidates
        if each.failure is not None
    ]
    return [("Chọn gần nhất · Nearest of", "\n".join(told))]


def _transfer(transfer: Transfer | None) -> str:
    if transfer is None:
        return _ABSENT
    rate = quantities.rate(transfer.bits_per_second)
    lasted = quantities.Quantity(f"{transfer.duration_seconds:.1f} s")
    return f"[bold]{rate.both}[/bold] · {lasted.both}; {_streams(transfer.stream_count)}"


def _streams(count: int) -> str:
    return "1 stream" if count == 1 else f"{count} streams"


def _trips(summary: LatencySummary | None) -> str:
    if summary is None:
        return _ABSENT
    return (
        f"[bold]{milliseconds(summary.median_seconds)}[/bold] · "
        f"jitter {milliseconds(summary.jitter_seconds)}"
    )


def _latency(latency: Latency) -> list[tuple[str, str]]:
    trips = latency.round_trip
    lost = _ABSENT if latency.lost_ratio is None else quantities.percent(latency.lost_ratio, 1).both
    return [
        ("Độ trễ · Round trip", _trips(trips)),
        ("95 %", milliseconds(trips.p95_seconds)),
        ("Biến thiên · Delay variation", milliseconds(latency.delay_variation_p95_seconds)),
        ("Mất gói · Lost", f"{lost} · {trips.received} / {trips.sent}"),
        ("Máy chủ · Server", _plain(latency.server.url)),
    ]


def _reach(reach: Reach) -> list[tuple[str, str]]:
    found = [(words.target_name(target), _answer(target)) for target in reach.targets]
    if reach.ipv6 is not None:
        found.append(("IPv6", words.ipv6(reach.ipv6)))
    return found


def _answer(target: ReachTarget) -> str:
    """Return how long a target took to answer, or why it did not, and which one it is."""
    where = f" · {_plain(target.target)}" if target.target else ""
    if not words.applies(target):
        return f"[dim]{words.NOT_APPLICABLE}[/dim]{where}"
    if target.failure is None:
        return f"[green]{milliseconds(target.round_trip_seconds)}[/green]{where}"
    vietnamese = words.FAILURES[target.failure.code]
    return f"[red]✗ {vietnamese}[/red]{where}\n{_plain(target.failure.detail)}"
