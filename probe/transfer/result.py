"""Turns a direction's run, and what the server saw of it, into its section of the record. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from probe.engine import Counts, MeasuredWindow
from probe.transfer.direction import Run
from probe.transfer.own import OwnBytes
from probe.transfer.window import Window, bytes_within
from protocol.messages import ServerStream, ServerTest
from protocol.results import ServerCount, StreamReport, Transfer

Direction = Literal["download", "upload"]

LATE_SECONDS = 0.75
"""How much later than the probe a server's time may begin and still be put right. It begins when
the server gets round to reading the first byte: at once, or on a crowded machine after a while.
Beyond it the server's view is not of this window, and the acknowledgements count."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A direction as its record's section, and the two counts of the same time, where there are.

    Of an upload that time is the window. Of a download it is the whole direction, as the server
    counts what it sends without regard to when it arrives.
    """

    transfer: Transfer
    counts: Counts | None


def count(run: Run, direction: Direction, test: ServerTest | None) -> Counted:
    """Return what a direction gave.

    Download counts where it arrived: at the probe. Upload counts where it arrived too, if the
    server is ours and saw all of the window; what the far end acknowledged otherwise.

    The server's time begins with its first byte, the probe's with the first it sent: later by the
    delay of the way, so that the same window on both holds the same bytes. Where the server began
    later than that, its last sample lies before the window's end by as much, and its window is
    moved back by it.
    """
    window = run.window
    probe_bytes = [bytes_within(run.series(number), window) for number in range(len(run.tcp))]
    seen = _streams(test, direction, len(run.tcp))
    late = _late_seconds(seen, run)
    whole = late is not None and late <= LATE_SECONDS
    shift = late if late is not None and whole else 0.0
    server_window = Window(window.start - shift, window.end - shift)
    server_bytes = [_server_bytes(stream, server_window) for stream in seen]
    receiver = direction == "download" or whole
    by_server = direction == "upload" and whole
    per_stream = server_bytes if by_server else probe_bytes
    total = sum(per_stream)
    transfer = Transfer(
        bits_per_second=8 * total / window.seconds,
        bytes=total,
        duration_seconds=window.seconds,
        warm_up_seconds=window.start,
        total_bytes=run.total_bytes,
        counted_by="receiver" if receiver else "acknowledged",
        stream_count=len(run.tcp),
        streams=tuple(
            StreamReport(
                bytes=per_stream[number],
                probe_tcp=run.tcp[number],
                server_tcp=stream.tcp if stream else None,
                lost=run.lost[number],
            )
            for number, stream in enumerate(seen)
        ),
        samples=tuple((round(moment, 4), sum(moved)) for moment, moved in run.samples),
        server=_server_count(seen, sum(server_bytes), window) if any(seen) else None,
    )
    counts = None
    if direction == "upload" and whole:
        counts = Counts(direction, window.seconds, sum(probe_bytes), sum(server_bytes))
    if direction == "download" and transfer.server is not None:
        lasted = run.samples[-1][0] if run.samples else 0.0
        counts = Counts(direction, lasted, run.total_bytes, transfer.server.bytes)
    return Counted(transfer, counts)


def measured_window(run: Run, direction: Direction, own: OwnBytes | None = None) -> MeasuredWindow:
    """Return when a direction's window was, and what its connections carried in it.

    Where the kernel was not asked meanwhile, what the probe counted itself and all that it had sent
    again by the window's end: near it.
    """
    start, end = run.began_at + run.window.start, run.began_at + run.window.end
    counted = bytes_within(run.series(), run.window)
    seen = [tcp for tcp in run.tcp if tcp is not None]
    again = sum(tcp.retransmitted_bytes or 0 for tcp in seen) if direction == "upload" else 0
    grown = own.payload.growth(start, end) if own else None
    bare = own.acknowledgements.growth(start, end) if own else None
    return MeasuredWindow(
        direction=direction,
        start=start,
        end=end,
        carried_bytes=max(counted, grown[direction == "upload"]) if grown else counted + again,
        segment_bytes=min((tcp.segment_bytes for tcp in seen if tcp.segment_bytes), default=None),
        acknowledgements=bare[direction == "download"] if bare else None,
    )


def _streams(test: ServerTest | None, direction: str, number: int) -> list[ServerStream | None]:
    """Return the server's view of each of our streams, in our order."""
    found = {s.stream: s for s in test.streams if s.direction == direction} if test else {}
    return [found.get(stream) for stream in range(number)]


def _server_bytes(stream: ServerStream | None, window: Window) -> int:
    return bytes_within(stream.samples, window) if stream and stream.samples else 0


def _late_seconds(seen: Sequence[ServerStream | None], run: Run) -> float | None:
    """Return how far the server's last sample lies before the end of the window, never below 0.

    None where the server did not see a stream that lived.
    """
    ends = []
    for number, stream in enumerate(seen):
        if run.lost[number] is not None:
            continue
        if stream is None or not stream.samples:
            return None
        ends.append(stream.samples[-1][0])
    # One stream may pause at the end; the last sample of all tells how long the server looked.
    return max(0.0, run.window.end - max(ends)) if ends else None


def _server_count(
    seen: Sequence[ServerStream | None], window_bytes: int, window: Window
) -> ServerCount:
    present = [stream for stream in seen if stream]
    return ServerCount(
        bytes=sum(stream.bytes for stream in present),
        duration_seconds=max(stream.duration_seconds for stream in present),
        window_bits_per_second=8 * window_bytes / window.seconds,
    )
