"""Byte counters over time: how much one grew between two moments. Pure.

Counters count up from some moment on, and others than the test move them too.
"""

import bisect
from dataclasses import dataclass, field
from typing import Final

_WRAP: Final = 2**32
"""Where counters of UPnP routers begin again (WANCommonInterfaceConfig:1, 2.2.9 to 2.2.12)."""

_STUCK: Final = frozenset({2**32 - 1, 2**31 - 1})
"""Where counters stay for ever on routers that do not begin again."""

_FASTEST_BYTES_PER_SECOND: Final = 10e9 / 8
"""A growth above 10 Gbit/s is no wrap: the counter was set back, as by a restart."""

_STALE_SECONDS: Final = 2.5
"""A counter that stood still for longer while a test ran is refreshed too rarely to tell what a
window of 10 s carried."""


@dataclass(slots=True)
class Series:
    """Readings of a pair of counters: (moment, bytes received, bytes sent), in their order."""

    readings: list[tuple[float, int, int]] = field(default_factory=list)

    def add(self, moment: float, received: int | None, sent: int | None) -> None:
        """Note a reading; one that says nothing is left out."""
        if received is not None and sent is not None:
            self.readings.append((moment, received, sent))

    def growth(self, start: float, end: float) -> tuple[int, int] | None:
        """Return what was received and sent between two moments; straight lines join readings.

        None where the readings do not cover them, or a counter was set back.
        """
        moments = [moment for moment, _, _ in self.readings]
        if not moments or moments[0] > start or moments[-1] < end:
            return None
        received = _at(moments, [r for _, r, _ in self.readings], start, end)
        sent = _at(moments, [s for _, _, s in self.readings], start, end)
        return None if received < 0 or sent < 0 else (received, sent)

    def unwrapped(self) -> "Series | None":
        """Return the same of counters that begin again at 2^32; None where they are of no use.

        Of no use are counters that stand at the end of their range, were set back, or were not
        refreshed for a while.
        """
        straight = Series()
        received = sent = 0
        for index, (moment, r, s) in enumerate(self.readings):
            if {r, s} & _STUCK:
                return None
            if index:
                before, r_before, s_before = self.readings[index - 1]
                grown = ((r - r_before) % _WRAP, (s - s_before) % _WRAP)
                if max(grown) > _FASTEST_BYTES_PER_SECOND * max(moment - before, 1.0):
                    return None
                received, sent = received + grown[0], sent + grown[1]
            straight.add(moment, received, sent)
        return straight

    def is_stale(self, start: float, end: float) -> bool:
        """Tell whether both counters stood still for too long between two moments."""
        changed = start
        before: tuple[int, int] | None = None
        for moment, received, sent in self.readings:
            if (received, sent) != before or moment <= start:
                if start < moment <= end and moment - changed > _STALE_SECONDS:
                    return True
                changed, before = max(start, min(moment, end)), (received, sent)
        return end - changed > _STALE_SECONDS


def _at(moments: list[float], counts: list[int], start: float, end: float) -> int:
    return round(_interpolate(moments, counts, end) - _interpolate(moments, counts, start))


def _interpolate(moments: list[float], counts: list[int], moment: float) -> float:
    after = bisect.bisect_left(moments, moment)
    if moments[after] == moment or after == 0:
        return float(counts[after])
    t0, t1, c0, c1 = moments[after - 1], moments[after], counts[after - 1], counts[after]
    return c0 + (c1 - c0) * (moment - t0) / (t1 - t0)
