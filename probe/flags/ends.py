"""Rules for a speed test: the server's room, and the buffers of both ends."""

from collections.abc import Callable
from typing import Final

from protocol.conditions import Conditions
from protocol.results import LatencySummary, Speed, StreamReport, TcpInfo, Transfer

SERVER_BUSY_RATIO: Final = 0.90
"""A server whose processors are busier than this in a second, all cores together, may have been
the limit; so may one whose link is fuller than this, or whose program keeps a core as busy (iperf
up to 3.15 serves all its streams in one thread). A second's mean hides its parts: at 90 % a tenth
of it is all that was left for bursts. It is the share that holds for the probe's own cores
(`probe.flags.device.BUSY_CORE_RATIO`), and no standard's."""

SERVER_ANSWER_SECONDS: Final = 0.005
SERVER_ANSWER_SHARE: Final = 0.10
"""A server whose word lowers the median of the small requests by more than the first, and by more
than the second of what the probe waited, is slow, or says so to seem nearer than it is: either way
the round trips that are left stand on its word alone. Linewatch's server takes 0.4 ms (median,
measured on two cores with other work); what stays below a bound hides no full queue, which holds
packets for tens of milliseconds (the project's own)."""

WINDOW_LIMITED_SHARE: Final = 0.10
"""Of the time in which a direction's senders had bytes under way, at most this much may have been
spent waiting for room in a buffer. Buffers grow in the first round trips of every connection, in
the warm-up; measured on lines of 5 to 900 Mbit/s, clean, it stays below a fiftieth."""


def server_limited(_: Conditions, speed: Speed) -> bool:
    """The server's processors, its program or its link were nearly full, or may have been.

    Or it was slow to answer, by its own word.
    """
    server = speed.server
    loads = (speed.latency.idle, speed.latency.download, speed.latency.upload)
    if any(_slow_to_answer(summary) for summary in loads if summary is not None):
        return True
    if (server.program_core_ratio or 0.0) > SERVER_BUSY_RATIO:
        return True
    if server.cpu_ratio is not None and server.cpu_ratio > SERVER_BUSY_RATIO:
        return True
    filled = [each for each in (server.link_sent_ratio, server.link_received_ratio) if each]
    if filled:
        return max(filled) > SERVER_BUSY_RATIO
    # Of a link of unknown capacity nobody can tell whether it had room for two.
    return server.tests_running is not None and server.tests_running > 1


def _slow_to_answer(summary: LatencySummary) -> bool:
    waited = (summary.median_seconds or 0.0) + (summary.taken_off_seconds or 0.0)
    bound = max(SERVER_ANSWER_SECONDS, SERVER_ANSWER_SHARE * waited)
    return summary.server_seconds is not None and summary.server_seconds > bound


def receiver_limited(_: Conditions, speed: Speed) -> bool:
    """The senders waited for room in the receiver's buffers."""
    return _waited(speed, lambda tcp: tcp.receiver_limited_seconds)


def sender_limited(_: Conditions, speed: Speed) -> bool:
    """The senders waited for room in their own buffers."""
    return _waited(speed, lambda tcp: tcp.sender_limited_seconds)


def _waited(speed: Speed, limited: Callable[[TcpInfo], float | None]) -> bool:
    """Tell whether the senders of a direction waited too long, by their own kernels' word."""
    return any(
        sum(limited(tcp) or 0.0 for tcp in senders)
        > WINDOW_LIMITED_SHARE * sum(tcp.busy_seconds or 0.0 for tcp in senders)
        for senders in (
            [each.server_tcp for each in _streams(speed.download) if each.server_tcp],
            [each.probe_tcp for each in _streams(speed.upload) if each.probe_tcp],
        )
    )


def _streams(transfer: Transfer | None) -> tuple[StreamReport, ...]:
    return transfer.streams if transfer else ()
