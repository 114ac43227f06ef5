"""Turns a direction of ndt7, and what its server said, into its section of the record. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from probe.engine import Counts
from probe.transfer.direction import Run
from probe.transfer.ndt7 import LINGER_SECONDS
from probe.transfer.result import Direction
from probe.transfer.stream import BLOCK_SECONDS
from probe.transfer.window import Window, bytes_at, bytes_within
from protocol.ndt7 import Measurement
from protocol.results import ServerCount, StreamReport, TcpInfo, Transfer

COVER_SECONDS: Final = 1.0
"""How far the server's last message may lie before the end of an upload that it is to stand for.
M-Lab's server sends one every 250 ms on the average, and none later than 625 ms after another."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server says that it moved: bytes, in so many seconds of its own."""

    bytes: int
    seconds: float


def server_count(messages: Sequence[Measurement], direction: Direction) -> Seen | None:
    """Return what the newest message that tells it says; None where none does.

    M-Lab's own server sends no AppInfo: an upload's bytes are then those of its TCP connection,
    as M-Lab's clients take them.
    """
    for message in reversed(messages):
        app, tcp = message.app_info, message.tcp_info
        if app is not None and app.elapsed_microseconds:
            return Seen(app.moved_bytes, app.elapsed_microseconds / 1e6)
        if direction == "upload" and tcp and tcp.received_bytes and tcp.elapsed_microseconds:
            return Seen(tcp.received_bytes, tcp.elapsed_microseconds / 1e6)
    return None


def transfer(run: Run, direction: Direction, messages: Sequence[Measurement]) -> Transfer:
    """Return a direction's section: a download as it arrived, an upload as the server saw it.

    A server whose last message is not of the end of the upload did not see all of it: what was
    acknowledged counts then.
    """
    window = run.window
    counted, seconds = bytes_within(run.series(), window), window.seconds
    seen = server_count(messages, direction)
    arrived = direction == "download"
    if direction == "upload" and seen is not None and _covers(seen, window):
        counted, seconds, arrived = seen.bytes, seen.seconds, True
    last = next((tcp for tcp in map(tcp_of, reversed(messages)) if tcp), None)
    return Transfer(
        bits_per_second=8 * counted / seconds,
        bytes=counted,
        duration_seconds=seconds,
        warm_up_seconds=0.0,
        total_bytes=run.total_bytes,
        counted_by="receiver" if arrived else "acknowledged",
        stream_count=1,
        streams=(StreamReport(bytes=counted, probe_tcp=run.tcp[0], server_tcp=last),),
        samples=tuple((round(moment, 4), moved) for moment, moved in run.series()),
        server=ServerCount(
            bytes=seen.bytes,
            duration_seconds=seen.seconds,
            window_bits_per_second=8 * seen.bytes / seen.seconds,
        )
        if seen
        else None,
    )


def counts(run: Run, direction: Direction, seen: Seen) -> Counts:
    """Return both ends' counts at the moment of the server's last message.

    Both ends' time begins with the handshake, so that it holds the same bytes.
    """
    return Counts(direction, seen.seconds, round(bytes_at(run.series(), seen.seconds)), seen.bytes)


def _covers(seen: Seen, window: Window) -> bool:
    """Tell whether a server's view reaches from the beginning to the end of the window."""
    latest = window.end + LINGER_SECONDS + BLOCK_SECONDS + COVER_SECONDS
    return window.end - COVER_SECONDS <= seen.seconds <= latest


def tcp_of(message: Measurement) -> TcpInfo | None:
    """Return the server's kernel's view in a message, None where it has none."""
    return message.tcp_info.tcp_info() if message.tcp_info else None
