"""Latency records of an hour, folded into one row. Pure: exact, and the same in any order.

The medians of an hour's records are kept themselves, in four bytes each, so that every quantile of
them stays exact for ever; a sketch would take as much room and be an estimate.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from collector.domain.rounding import MICROSECONDS, whole
from collector.domain.series import LatencyPoint, SeriesId

HOUR: Final = timedelta(hours=1)

_LARGEST: Final = 2**32 - 1
"""Over an hour: no round trip is longer."""


class HourId(NamedTuple):
    """What records of an hour have in common: all that their readers tell apart.

    Attributes:
        line: its id; '' where the path had none.
        series: what their values may be compared with.
        outcome, failure_code, flags: as of a record; '' where a record has no failure.
        hour: its beginning, UTC.
    """

    line: str
    series: SeriesId
    outcome: str
    failure_code: str
    flags: str
    hour: datetime


@dataclass(frozen=True, slots=True)
class Hour:
    """What was measured in it.

    Attributes:
        records: how many.
        sent, received: packets.
        minimum_seconds: the shortest round trip; None where no packet came back.
        round_trips: the records' medians, seconds, in order.
        delay_variations: their 95th percentiles of delay variation, seconds, in order.
    """

    records: int = 0
    sent: int = 0
    received: int = 0
    minimum_seconds: float | None = None
    round_trips: tuple[float, ...] = ()
    delay_variations: tuple[float, ...] = ()

    def with_record(self, other: "Hour") -> "Hour":
        """Return both together; the order of merging does not matter."""
        shortest = [one for one in (self.minimum_seconds, other.minimum_seconds) if one is not None]
        return replace(
            self,
            records=self.records + other.records,
            sent=self.sent + other.sent,
            received=self.received + other.received,
            minimum_seconds=min(shortest, default=None),
            round_trips=tuple(sorted(self.round_trips + other.round_trips)),
            delay_variations=tuple(sorted(self.delay_variations + other.delay_variations)),
        )

    @property
    def lost_ratio(self) -> float | None:
        """The share of packets that did not come back; None where none was sent."""
        return (self.sent - self.received) / self.sent if self.sent else None

    def moments(self, hour: datetime) -> list[datetime]:
        """Return a moment for each record, spread over the hour evenly: when each was is lost."""
        step = HOUR / max(1, self.records)
        return [hour + (number + 0.5) * step for number in range(self.records)]

    def points(self, of: HourId) -> list[LatencyPoint]:
        """Return the hour as records again, spread over it evenly: when each was is not known."""
        lost = (self.sent - self.received) / self.sent if self.sent else None
        values: list[float | None] = [*self.round_trips]
        values += [None] * (self.records - len(values))
        step = HOUR.total_seconds() / max(1, len(values))
        return [
            LatencyPoint(
                of.hour.timestamp() + (number + 0.5) * step,
                of.outcome,
                of.failure_code or None,
                of.flags,
                value,
                lost,
                *of.series,
            )
            for number, value in enumerate(values)
        ]


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's hour, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def pack(seconds: Iterable[float]) -> bytes:
    """Return values in order, as little-endian unsigned 32-bit microseconds."""
    values = sorted(min(_LARGEST, whole(value, MICROSECONDS)) for value in seconds)
    return struct.pack(f"<{len(values)}I", *values)


def unpack(packed: bytes) -> tuple[float, ...]:
    """Return what `pack` was given, to the microsecond, in order."""
    return tuple(value / MICROSECONDS for (value,) in struct.iter_unpack("<I", packed))
