"""The section of a simulated `speed` record: two directions with their streams and samples."""

import random
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Final, Literal

from protocol.constants import FULL_WINDOW_SECONDS, LOADED_LATENCY_INTERVAL_SECONDS
from protocol.flags import Flag
from protocol.results import (
    ServerCount,
    ServerIdentity,
    Speed,
    SpeedLatency,
    StreamReport,
    TcpInfo,
    Transfer,
)
from simulate.conditions import SEGMENT_BYTES, Traffic
from simulate.packets import small_requests, summary_text, trips_us
from simulate.registry import SERVER_ADDRESSES, SERVERS, SOFTWARE
from simulate.text import NULL, Template, seconds_text

WARM_UP_SECONDS: Final = 2.0
STREAMS: Final = 4

_SAMPLES: Final = int((WARM_UP_SECONDS + FULL_WINDOW_SECONDS) * 10)
_WARM_UP_SAMPLES: Final = int(WARM_UP_SECONDS * 10)
_WARM_UP_SHARE: Final = 0.8
"""Of the window's rate, on average while the streams grow."""

_SCALE: Final = 1 << 20
_LOADED_REQUESTS: Final = int(FULL_WINDOW_SECONDS / LOADED_LATENCY_INTERVAL_SECONDS) - 1
_PATTERNS: Final = 16

_TCP_HOLES: Final = (
    "minimum_rtt_seconds",
    "smoothed_rtt_seconds",
    "sent_bytes",
    "acknowledged_bytes",
    "received_bytes",
    "delivery_rate_bits_per_second",
    "busy_seconds",
    "bare_segments_sent",
    "bare_segments_received",
)


@dataclass(frozen=True, slots=True)
class Test:
    """What a speed test is to find.

    Attributes:
        server: its number in `SERVERS`.
        family: 4 or 6.
        rates: bit/s, down and up; ``None``: that direction was lost on its way.
        trip_us: the round trip, line idle, in microseconds.
        wait_us: by how much it varies.
        queue_us: by how much longer it is while the line is full, down and up.
        flags: what is wrong with the server or with the line's other users.
    """

    __test__ = False

    server: int
    family: int
    rates: tuple[float | None, float | None]
    trip_us: int
    wait_us: int
    queue_us: tuple[int, int]
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class Found:
    """A test's section, and what it moved."""

    text: str
    received: int
    sent: int
    download: Traffic | None
    upload: Traffic | None


def speed_text(test: Test, dice: random.Random) -> Found:
    """Return what a test finds."""
    idle, idle_us = small_requests(test.trip_us, test.wait_us, dice)
    others = 0.09 if Flag.CROSS_TRAFFIC in test.flags else 0.0
    latency: dict[str, str] = {"latency.idle": idle}
    moved: list[int] = [0, 0]
    traffic: list[Traffic | None] = [None, None]
    texts = [NULL, NULL]
    for way, name in enumerate(("download", "upload")):
        rate = test.rates[way]
        latency[f"latency.{name}"] = NULL
        if rate is None:
            continue
        # Whole tens of bytes, so that their rate is a whole number too.
        window = int(rate * FULL_WINDOW_SECONDS / 8) // 10 * 10
        loaded = test.trip_us + test.queue_us[way]
        trips = trips_us(loaded, test.wait_us * 4, _LOADED_REQUESTS, dice)
        latency[f"latency.{name}"] = summary_text(trips, _LOADED_REQUESTS)
        texts[way], moved[way] = _transfer(way, window, idle_us, loaded, dice)
        traffic[way] = Traffic(window, others)
    values = {
        "download": texts[0],
        "upload": texts[1],
        "server": _server(test, dice),
        "ip_version": test.family,
        **latency,
    }
    return Found(_speed_template().fill(values), moved[0], moved[1], traffic[0], traffic[1])


@cache
def _speed_template() -> Template:
    nothing = SpeedLatency(idle=None, download=None, upload=None)
    server = ServerIdentity(
        url="", address=None, name=None, software=None, tests_running=None, cpu_ratio=None
    )
    sample = Speed(download=None, upload=None, latency=nothing, server=server, ip_version=None)
    holes = [f"latency.{name}" for name in ("idle", "download", "upload")]
    return Template(sample, ["download", "upload", "server", "ip_version", *holes])


# --- The server ------------------------------------------------------------------------------


@cache
def _server_template(number: int, family: int) -> Template:
    entry = SERVERS[number]
    sample = ServerIdentity(
        url=entry.url,
        address=SERVER_ADDRESSES[number][family],
        name=entry.name,
        software=SOFTWARE,
        tests_running=1,
        cpu_ratio=0.1,
        link_bits_per_second=10_000_000_000,
        link_sent_ratio=0.1,
        link_received_ratio=0.1,
        entry=entry.name,
        network=entry.network,
    )
    return Template(
        sample, ("tests_running", "cpu_ratio", "link_sent_ratio", "link_received_ratio")
    )


def _server(test: Test, dice: random.Random) -> str:
    full = Flag.SERVER_LIMITED in test.flags
    values = {
        "tests_running": dice.randint(1, 4),
        "cpu_ratio": 0.96 if full else dice.randint(5, 40) / 100,
        "link_sent_ratio": dice.randint(2, 55) / 100,
        "link_received_ratio": dice.randint(2, 55) / 100,
    }
    return _server_template(test.server, test.family).fill(values)


# --- One direction ---------------------------------------------------------------------------


@cache
def _patterns() -> tuple[tuple[int, ...], ...]:
    """Return courses of a direction: of each sample the bytes so far, the window's are `_SCALE`."""
    # The same for every fleet: what differs between them is which one a test takes.
    dice = random.Random("linewatch patterns")  # noqa: S311 - to be the same again
    found = []
    window_samples = _SAMPLES - _WARM_UP_SAMPLES
    even = _SCALE // window_samples
    for _ in range(_PATTERNS):
        grown = [
            int(2 * _WARM_UP_SHARE * even * number / _WARM_UP_SAMPLES)
            for number in range(_WARM_UP_SAMPLES)
        ]
        steps = [int(even * dice.uniform(0.9, 1.1)) for _ in range(window_samples - 1)]
        # The last one brings the sum to exactly the window's bytes.
        steps.append(_SCALE - sum(steps))
        found.append(tuple(accumulate([0, *grown, *steps])))
    return tuple(found)


_SAMPLES_FORMAT: Final = f"[{','.join(f'[{number / 10},%d]' for number in range(_SAMPLES + 1))}]"


@cache
def _transfer_template() -> Template:
    sample = Transfer(
        bits_per_second=1.0,
        bytes=0,
        duration_seconds=FULL_WINDOW_SECONDS,
        warm_up_seconds=WARM_UP_SECONDS,
        total_bytes=0,
        counted_by="receiver",
        stream_count=STREAMS,
        streams=(),
        samples=(),
        server=ServerCount(bytes=0, duration_seconds=1.0, window_bits_per_second=1.0),
    )
    return Template(
        sample,
        (
            "bits_per_second",
            "bytes",
            "total_bytes",
            "streams",
            "samples",
            "server.bytes",
            "server.duration_seconds",
            "server.window_bits_per_second",
        ),
    )


def _transfer(
    way: int, window: int, idle_us: int, loaded_us: int, dice: random.Random
) -> tuple[str, int]:
    """Return a direction's text and all that it moved; ``window``: payload within the window."""
    pattern = dice.choice(_patterns())
    total = pattern[-1] * window // _SCALE
    rate = float(window * 8 // int(FULL_WINDOW_SECONDS))
    shares = [dice.uniform(0.85, 1.15) for _ in range(STREAMS)]
    whole = sum(shares)
    parts = [int(window * share / whole) for share in shares]
    parts[-1] += window - sum(parts)
    streams = (_stream(way, part, total * part // window, idle_us, loaded_us) for part in parts)
    values: dict[str, Any] = {
        "bits_per_second": rate,
        "bytes": window,
        "total_bytes": total,
        "streams": f"[{','.join(streams)}]",
        "samples": _SAMPLES_FORMAT % tuple(so_far * window // _SCALE for so_far in pattern),
        "server.bytes": total,
        "server.duration_seconds": 12.0 + dice.randint(1, 90) / 1000,
        "server.window_bits_per_second": rate,
    }
    return _transfer_template().fill(values), total


@cache
def _stream_template() -> Template:
    tcp = TcpInfo(
        congestion_control="cubic",
        segment_bytes=SEGMENT_BYTES,
        minimum_rtt_seconds=0.1,
        smoothed_rtt_seconds=0.1,
        rtt_variation_seconds=0.0009,
        retransmitted_segments=0,
        retransmitted_bytes=0,
        sent_bytes=0,
        acknowledged_bytes=0,
        received_bytes=0,
        delivery_rate_bits_per_second=0,
        congestion_window_segments=64,
        busy_seconds=0.0,
        receiver_limited_seconds=0.0,
        sender_limited_seconds=0.0,
        lost_segments=0,
        reordering_seen=0,
        bare_segments_sent=0,
        bare_segments_received=0,
    )
    sample = StreamReport(bytes=0, probe_tcp=tcp, server_tcp=tcp)
    ends: tuple[Literal["probe_tcp", "server_tcp"], ...] = ("probe_tcp", "server_tcp")
    return Template(sample, ["bytes", *(f"{end}.{hole}" for end in ends for hole in _TCP_HOLES)])


def _stream(way: int, window: int, total: int, idle_us: int, loaded_us: int) -> str:
    """Return one stream: its sender's and its receiver's kernel say what fits each other."""
    rtt = {
        "minimum_rtt_seconds": seconds_text(idle_us),
        "smoothed_rtt_seconds": seconds_text(loaded_us),
        "delivery_rate_bits_per_second": window * 8 // int(FULL_WINDOW_SECONDS),
    }
    bare = total // (2 * SEGMENT_BYTES)
    sender = {
        **rtt,
        "sent_bytes": total,
        "acknowledged_bytes": total,
        "received_bytes": 1528,
        "busy_seconds": 12.0,
        "bare_segments_sent": 1,
        "bare_segments_received": bare,
    }
    receiver = {
        **rtt,
        "sent_bytes": 1528,
        "acknowledged_bytes": 1528,
        "received_bytes": total,
        "busy_seconds": 0.016,
        "bare_segments_sent": bare,
        "bare_segments_received": 1,
    }
    ends = {"probe_tcp": (receiver, sender)[way], "server_tcp": (sender, receiver)[way]}
    values: dict[str, Any] = {
        f"{end}.{name}": value for end, tcp in ends.items() for name, value in tcp.items()
    }
    return _stream_template().fill(values | {"bytes": window})
