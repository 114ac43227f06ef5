"""Round trips of simulated packets and small requests, and the section of a `latency` record."""

import random
from dataclasses import dataclass
from functools import cache
from operator import sub
from typing import Any, Final

from protocol.constants import IDLE_LATENCY_REQUESTS, STAMP_PACKET_BYTES
from protocol.results import Latency, LatencySummary, Neighbour, ServerIdentity
from simulate.registry import SERVER_ADDRESSES, SERVERS
from simulate.text import NULL, SHORTEST_US, Template, seconds_list, seconds_text

PACKETS: Final = 240
INTERVAL_SECONDS: Final = 0.25
"""What the engine `stamp` sends in a minute; a test holds them to the probe's own."""

_SHAPES: Final = 64
"""Patterns of waiting that are drawn once; each record scales one of them."""

_MEAN: Final = 1024

_SUMMARY_HOLES: Final = tuple(LatencySummary.model_fields)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How long each of `PACKETS` packets waits, `_MEAN` on average, and their order by it."""

    waits: tuple[int, ...]


@cache
def _shapes() -> tuple[_Shape, ...]:
    # The same for every fleet: what differs between them is which one a record takes.
    dice = random.Random("linewatch shapes")  # noqa: S311 - to be the same again
    return tuple(
        _Shape(tuple(int(dice.expovariate(1 / _MEAN)) for _ in range(PACKETS)))
        for _ in range(_SHAPES)
    )


def trips_us(base_us: int, wait_us: int, count: int, dice: random.Random) -> list[int]:
    """Return ``count`` round trips: ``base_us`` and a wait, ``wait_us`` on average; both µs."""
    shape = dice.choice(_shapes()).waits
    first = dice.randrange(PACKETS - count + 1)
    base = max(base_us, SHORTEST_US)
    return [base + wait * wait_us // _MEAN for wait in shape[first : first + count]]


@cache
def _summary_template() -> Template:
    sample = LatencySummary(
        minimum_seconds=None,
        median_seconds=None,
        p95_seconds=None,
        jitter_seconds=None,
        sent=0,
        received=0,
        round_trips_seconds=(),
    )
    return Template(sample, _SUMMARY_HOLES)


def summary_text(trips: list[int], sent: int, taken_off: tuple[str, str] = (NULL, NULL)) -> str:
    """Return the summary of round trips in microseconds, in the order they were sent.

    ``taken_off``: what was taken off them, and of it the server's word; JSON.
    """
    count = len(trips)
    values: dict[str, Any] = dict.fromkeys(_SUMMARY_HOLES, NULL)
    values |= {"sent": sent, "received": count, "round_trips_seconds": seconds_list(trips)}
    values |= {"taken_off_seconds": taken_off[0], "server_seconds": taken_off[1]}
    if count:
        ordered = sorted(trips)
        half = count // 2
        values["minimum_seconds"] = seconds_text(ordered[0])
        values["median_seconds"] = (
            seconds_text(ordered[half])
            if count % 2
            else repr((ordered[half - 1] + ordered[half]) / 2e6)
        )
        values["p95_seconds"] = seconds_text(ordered[_p95(count)])
    if count > 1:
        steps = sum(map(abs, map(sub, trips[1:], trips)))
        values["jitter_seconds"] = repr(max(steps / (count - 1) / 1e6, SHORTEST_US / 1e6))
    return _summary_template().fill(values)


def _p95(count: int) -> int:
    """Return the place of the smallest value that at least 95 % do not exceed."""
    return -(-count * 95 // 100) - 1


def small_requests(base_us: int, wait_us: int, dice: random.Random) -> tuple[str, int]:
    """Return the summary of the small requests of an idle line, and their median in µs."""
    trips = trips_us(base_us, wait_us, IDLE_LATENCY_REQUESTS, dice)
    text = summary_text(trips, IDLE_LATENCY_REQUESTS, ("0.000412", "0.000203"))
    return text, sorted(trips)[IDLE_LATENCY_REQUESTS // 2]


def asked_server(number: int, family: int) -> ServerIdentity:
    """Return a server of which only the packets' answers are known."""
    entry = SERVERS[number]
    return ServerIdentity(
        url=entry.url,
        address=SERVER_ADDRESSES[number][family],
        name=entry.name,
        software=None,
        tests_running=None,
        cpu_ratio=None,
        entry=entry.name,
        network=entry.network,
    )


@cache
def _latency_template(server: int, family: int) -> Template:
    beside = (server + 1) % len(SERVERS)
    sample = Latency(
        server=asked_server(server, family),
        ip_version=6 if family == 6 else 4,  # noqa: PLR2004 - IPv6
        interval_seconds=INTERVAL_SECONDS,
        packet_bytes=STAMP_PACKET_BYTES,
        round_trip=LatencySummary.model_validate_json(summary_text([], PACKETS)),
        delay_variation_p95_seconds=None,
        lost_ratio=None,
        duplicates=0,
        reordered=0,
        neighbour=Neighbour(
            name=SERVERS[beside].name,
            address=SERVER_ADDRESSES[beside][family],
            sent=PACKETS,
            received=PACKETS,
        ),
    )
    holes = ("round_trip", "delay_variation_p95_seconds", "lost_ratio", "neighbour.received")
    return Template(sample, holes)


def latency_text(server: int, family: int, trips: list[int], beside: int) -> str:
    """Return the section of a minute of packets.

    Args:
        server: its number in `SERVERS`.
        family: 4 or 6.
        trips: microseconds, of those that came back.
        beside: how many came back from the neighbour.
    """
    variation = NULL
    if trips:
        slowest = sorted(trips)[_p95(len(trips))] - min(trips)
        variation = seconds_text(max(slowest, SHORTEST_US))
    values = {
        "round_trip": summary_text(trips, PACKETS),
        "delay_variation_p95_seconds": variation,
        "lost_ratio": repr((PACKETS - len(trips)) / PACKETS),
        "neighbour.received": beside,
    }
    return _latency_template(server, family).fill(values)
