"""When was it measured? The one rule for records of a device without a clock battery. Pure.

1. A record whose clock was good (the kernel's word, or the collector's Date) is taken at its word,
   unless it claims to come from the future.
2. Otherwise a record of the same boot with a good clock dates it: both carry the same monotonic
   clock, so their difference in time is their difference there. It is `corrected`.
3. Otherwise nobody vouches for it (`none`): what it claims is kept, but nothing was measured after
   it arrived.

The record itself never changes: these are columns beside it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

FUTURE_TOLERANCE = timedelta(hours=1)
"""A claim later than its arrival by more cannot be true, whoever vouches for it.

An hour is far above any clock that is still useful, and below a wrong time zone.
"""


class TimeQuality(StrEnum):
    """Who vouches for a record's moment."""

    KERNEL = "kernel"
    COLLECTOR = "collector"
    CORRECTED = "corrected"
    NONE = "none"


class ClockReading(NamedTuple):
    """What a record says of its moment.

    Attributes:
        source: who vouched when it was written: kernel, collector or none.
        claimed: the moment by the probe's clock: when it started, or else its slot.
        started: whether work began, so that ``monotonic_seconds`` belongs to ``claimed``.
        missed: the slot passed while the probe was off, so its monotonic clock says nothing of it.
        boot_id: the boot that ``monotonic_seconds`` counts from; None where unknown.
        monotonic_seconds: when it was written, by the clock that runs since boot.
    """

    source: str
    claimed: datetime
    started: bool
    missed: bool
    boot_id: str | None
    monotonic_seconds: float


class Anchor(NamedTuple):
    """A moment that is known both in true time and in a boot's monotonic time."""

    moment: datetime
    monotonic_seconds: float


class Dated(NamedTuple):
    """The best known moment of a record, and who vouches for it."""

    measured_at: datetime
    quality: TimeQuality


def date_record(
    reading: ClockReading, received_at: datetime, anchors: Iterable[Anchor] = ()
) -> Dated:
    """Return when a record was measured, as far as known.

    Args:
        reading: what the record says.
        received_at: when it arrived.
        anchors: of the same probe and boot; the nearest in monotonic time is used.
    """
    if is_trusted(reading, received_at):
        return Dated(reading.claimed, TimeQuality(reading.source))
    if not reading.missed and reading.boot_id is not None:
        corrected = correct(reading.monotonic_seconds, anchors)
        if corrected is not None and corrected <= received_at + FUTURE_TOLERANCE:
            return Dated(corrected, TimeQuality.CORRECTED)
    return Dated(min(reading.claimed, received_at), TimeQuality.NONE)


def is_trusted(reading: ClockReading, received_at: datetime) -> bool:
    """Return whether a record's own clock is taken at its word."""
    return (
        reading.source in (TimeQuality.KERNEL, TimeQuality.COLLECTOR)
        and reading.claimed <= received_at + FUTURE_TOLERANCE
    )


def anchor_of(reading: ClockReading, received_at: datetime) -> Anchor | None:
    """Return the anchor that a record is for others of its boot; None where it is none."""
    if reading.boot_id is None or not reading.started or not is_trusted(reading, received_at):
        return None
    return Anchor(reading.claimed, reading.monotonic_seconds)


def correct(monotonic_seconds: float, anchors: Iterable[Anchor]) -> datetime | None:
    """Return the moment at which a boot's monotonic clock read so; None without an anchor.

    The nearest anchor is used: a clock's drift grows with the distance.
    """
    nearest = min(
        anchors, key=lambda anchor: abs(anchor.monotonic_seconds - monotonic_seconds), default=None
    )
    if nearest is None:
        return None
    try:
        return nearest.moment + timedelta(seconds=monotonic_seconds - nearest.monotonic_seconds)
    except OverflowError:
        # A monotonic clock of centuries: the record's number is nonsense, so it dates nothing.
        return None
