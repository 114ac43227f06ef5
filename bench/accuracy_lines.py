"""The lines that `make bench-accuracy` measures, and what is true of them.

Each rate comes as three lines, after what access lines are like: a near server behind a usual
buffer, one in another part of the country with some jitter, and a far one whose way loses packets.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.emulated_line import EmulatedLine, Small
from bench.emulator import Shape
from bench.line_tools import Load
from bench.namespaces import DIRECTIONS, Direction, Family, allowed_bits_per_second

RATES_MBIT: Final = (5, 20, 50, 100, 300, 600, 900, 2500)
"""From ADSL's end to the most that 2.5 Gbit/s Ethernet carries."""

BUFFER_BYTES_AT_LEAST: Final = 32_000
"""Some twenty full frames: no modem has less."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a line is like besides its rate: the same both ways.

    Attributes:
        name: of the table.
        round_trip_seconds: with nothing in the queue.
        jitter_seconds: one way, see `bench.emulator.Shape`.
        loss_ratio: one way.
        buffer_seconds: what may wait ahead of the bottleneck.
    """

    name: str
    round_trip_seconds: float
    jitter_seconds: float
    loss_ratio: float
    buffer_seconds: float

    def shape(self, mbit: float) -> Shape:
        """Return each direction's shape at a rate."""
        rate = mbit * 1e6
        return Shape(
            bits_per_second=rate,
            delay_seconds=self.round_trip_seconds / 2,
            jitter_seconds=self.jitter_seconds,
            loss_ratio=self.loss_ratio,
            buffer_bytes=max(BUFFER_BYTES_AT_LEAST, round(rate / 8 * self.buffer_seconds)),
        )


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("near", 0.002, 0.0, 0.0, 0.05),
        Kind("country", 0.020, 0.002, 0.0001, 0.1),
        Kind("far", 0.080, 0.0, 0.001, 0.1),
    )
}


def allowed(shape: Shape, family: Family) -> float:
    """Return the TCP payload rate that a line lets through: the truth."""
    return allowed_bits_per_second(shape.bits_per_second, family) * (1 - shape.loss_ratio)


# --- Latency, as the emulator saw it --------------------------------------------------------------

_ANSWERS_AT_LEAST: Final = 8
"""A connection with fewer small answers asks for something else than the time."""

_WINDOW_SECONDS: Final = 10.0
"""Before the end of a direction's load: the measuring window, about."""


@dataclass(frozen=True, slots=True)
class Trip:
    """A request and its answer: when the request entered the line, how long both were on it."""

    at: float
    seconds: float


def trips(packets: Iterable[Small]) -> list[Trip]:
    """Return the round trips that the line itself gave requests and answers.

    What the two ends took to answer is not in it.
    """
    connections: dict[tuple[int, int], list[Small]] = {}
    for packet in packets:
        connections.setdefault(packet.ports, []).append(packet)
    found = []
    for each in connections.values():
        asked: Small | None = None
        own = []
        for packet in each:
            if packet.direction == "upload":
                asked = packet
            elif asked is not None:
                own.append(Trip(asked.at, asked.seconds + packet.seconds))
                asked = None
        if len(own) >= _ANSWERS_AT_LEAST:
            found += own
    return sorted(found, key=lambda trip: trip.at)


def loaded_times(line: EmulatedLine) -> dict[Direction, tuple[float, float]]:
    """Return from when to when each direction was loaded: above half of its rate."""
    times: dict[Direction, tuple[float, float]] = {}
    for direction in DIRECTIONS:
        busy = [
            moment
            for moment, rate in line.rates_seen(direction)
            if rate > line.rates[direction] / 2
        ]
        if busy:
            times[direction] = (busy[0], busy[-1])
    return times


def wire_rates(line: EmulatedLine) -> dict[Direction, float]:
    """Return what each direction's bottleneck delivered while it was loaded, frames and headers.

    The median over a test's tenths of a second: what the machine carried of the line's rate.
    """
    return {
        direction: statistics.median(
            rate for at, rate in line.rates_seen(direction) if start <= at <= end
        )
        for direction, (start, end) in loaded_times(line).items()
    }


def true_latency(line: EmulatedLine, idle_seconds: float) -> dict[Load, float]:
    """Return the median round trip of the line in one test: idle and under each load.

    Args:
        line: its log tells the loaded ones.
        idle_seconds: the idle one. An emulator with nothing to do sleeps, and what it takes to
            wake is on no log of its own.
    """
    times, found = loaded_times(line), trips(line.small_packets())
    medians: dict[Load, float] = {"idle": idle_seconds}
    for direction, (start, end) in times.items():
        begin = max(start, end - _WINDOW_SECONDS)
        within = [trip.seconds for trip in found if begin <= trip.at < end - 0.5]
        _put(medians, direction, within)
    return medians


def _put(medians: dict[Load, float], load: Load, seconds: Sequence[float]) -> None:
    if seconds:
        medians[load] = statistics.median(seconds)
