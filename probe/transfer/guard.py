"""What every wait of a measurement asks before it goes on waiting, and how threads begin."""

import threading
import time
from dataclasses import dataclass, field

from probe.engine import MeasurementError, Order
from protocol.failures import Failure

SLICE_SECONDS = 0.25
"""The longest that anything blocks before it looks at the deadline and at the wish to stop."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The end of all waiting.

    Attributes:
        deadline: moment of `time.monotonic()` by which the measurement must have returned.
        cancelled: set when the agent stops.
        ended: set when nobody wants any more what is waited for.
    """

    deadline: float
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, order: Order) -> "Guard":
        """Return the guard of an order."""
        return cls(order.deadline, order.cancelled)

    def check(self) -> None:
        """Raise if the time is over.

        Raises:
            MeasurementError: the deadline has passed, the probe was asked to stop, or this alone
                was ended.
        """
        if self.cancelled.is_set():
            raise MeasurementError(Failure.PROBE_STOPPING, "the probe was asked to stop")
        if self.ended.is_set():
            raise MeasurementError(Failure.CONNECTION_LOST, "the probe ended the connection itself")
        if time.monotonic() >= self.deadline:
            raise MeasurementError(
                Failure.DEADLINE, "the measurement did not end within the time allowed for it"
            )

    def sleep(self, seconds: float) -> None:
        """Wait; return early when cancelled or when the deadline comes."""
        left = self.deadline - time.monotonic()
        self.cancelled.wait(max(0.0, min(seconds, left)))

    def slice_until(self, moment: float) -> float:
        """Return how long to block at most before the next look, never 0: that would mean poll."""
        left = min(moment, self.deadline) - time.monotonic()
        return max(0.001, min(SLICE_SECONDS, left))


def start(thread: threading.Thread) -> None:
    """Start a thread.

    Raises:
        MeasurementError: the device has none left.
    """
    try:
        thread.start()
    except RuntimeError as error:
        raise MeasurementError(Failure.LOCAL_RESOURCE, f"no thread to measure: {error}") from None
