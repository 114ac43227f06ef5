"""The measuring window: pure arithmetic over samples of bytes.

A sample is (seconds since the direction began, bytes so far of each stream). The direction begins
with its first byte; the window begins when the warm-up is over, on all streams at once.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.constants import (
    QUICK_RATE_SECONDS,
    QUICK_STABLE_SECONDS,
    QUICK_STABLE_SPREAD,
    QUICK_UNSETTLED_SECONDS,
)

RATE_SPAN_SECONDS = 1.0
"""Over how long a rate is taken for the progress display: ten samples, so that it does not jump."""

Series = Sequence[tuple[float, int]]
"""Pairs (seconds, bytes so far), both rising."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, in seconds since the direction began."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def bytes_at(series: Series, moment: float) -> float:
    """Return the bytes moved by ``moment``, on the straight line between the samples around it.

    Before the first sample nothing had moved; after the last one nothing moved any more.
    """
    after = bisect.bisect_right(series, moment, key=lambda sample: sample[0])
    if after == 0:
        return 0.0
    if after == len(series):
        return float(series[-1][1])
    (t0, b0), (t1, b1) = series[after - 1], series[after]
    return b0 + (b1 - b0) * (moment - t0) / (t1 - t0)


def bytes_within(series: Series, window: Window) -> int:
    """Return the bytes that moved within the window."""
    return round(bytes_at(series, window.end) - bytes_at(series, window.start))


def rate(series: Series, moment: float, span: float = RATE_SPAN_SECONDS) -> float:
    """Return the mean rate over the ``span`` before ``moment``, in bits per second.

    ``span`` is cut to what there is since the direction began; 0.0 at its beginning.
    """
    start = max(0.0, moment - span)
    if moment <= start:
        return 0.0
    return 8 * (bytes_at(series, moment) - bytes_at(series, start)) / (moment - start)


def has_converged(series: Series, warm_up_seconds: float) -> bool:
    """Tell whether `quick` may end: the stop rule of `protocol.constants`.

    At each sample of the last `QUICK_STABLE_SECONDS` the rate over the `QUICK_RATE_SECONDS` before
    it is taken; they may differ by `QUICK_STABLE_SPREAD`, (max - min) / min. No part of any of
    them may reach into the warm-up.
    """
    now = series[-1][0]
    first = now - QUICK_STABLE_SECONDS
    if first - QUICK_RATE_SECONDS < warm_up_seconds:
        return False
    rates = [rate(series, moment, QUICK_RATE_SECONDS) for moment, _ in series if moment >= first]
    slowest = min(rates)
    return slowest > 0 and (max(rates) - slowest) / slowest <= QUICK_STABLE_SPREAD


def settled_window(window: Window, now: float) -> Window:
    """Return the part of `quick`'s window that counts where its rate has converged by ``now``.

    It is what the stop rule looked at.
    """
    end = min(now, window.end)
    return Window(max(window.start, end - QUICK_STABLE_SECONDS - QUICK_RATE_SECONDS), end)


def unsettled_window(window: Window) -> Window:
    """Return the part of a window of `quick` that counts where its rate never converged."""
    return Window(max(window.start, window.end - QUICK_UNSETTLED_SECONDS), window.end)
