"""Nothing is delivered while a measurement needs the lines for itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

WAIT_FOR_REQUEST_SECONDS: Final = 20.0
"""How long a measurement waits for a request under way: a batch of `BATCH_BYTES` takes a few
seconds on a slow uplink. After that it starts anyway; what the interface carried besides the test
is in its record."""

LONGEST_WAIT_SECONDS: Final = 120.0
"""How long light measurements hold one request back: two latency tests. On few paths a pause
between tests comes sooner. Sixteen paths with the densest plan leave none, and would keep their
records for ever; one batch of `BATCH_BYTES` in this time is more than they record in it."""


class Quiet:
    """Keeps measurements and deliveries apart. Measurements have the right of way.

    All paths count as one: which of them a request leaves by is the system's choice, and may change
    while it is under way.

    Args:
        longest_wait_seconds: how long light measurements hold one request back.
    """

    def __init__(self, longest_wait_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        self._longest_wait_seconds = longest_wait_seconds
        self._changed = threading.Condition()
        self._heavy = 0
        self._light = 0
        self._sending = False

    @contextmanager
    def measuring(
        self, patience_seconds: float = WAIT_FOR_REQUEST_SECONDS, *, light: bool = False
    ) -> Iterator[None]:
        """Hold deliveries back; wait for the request that is under way, but not for long.

        Args:
            patience_seconds: how long to wait for the request.
            light: whether a request that has waited for too long may go beside it. Beside a
                measurement that fills the line, none ever begins.
        """
        with self._changed:
            self._count(1, light=light)
            self._changed.wait_for(lambda: not self._sending, patience_seconds)
        try:
            yield
        finally:
            with self._changed:
                self._count(-1, light=light)
                self._changed.notify_all()

    @contextmanager
    def sending(self, stopping: threading.Event) -> Iterator[bool]:
        """Wait until nothing measures, then yield True; False where ``stopping`` was set first.

        Ends when the measurements do, which have deadlines, or after the longest wait as soon as
        only light ones run.
        """
        overdue = time.monotonic() + self._longest_wait_seconds
        with self._changed:
            while self._must_wait(overdue) and not stopping.is_set():
                self._changed.wait(1.0)
            free = not stopping.is_set()
            self._sending = free
        try:
            yield free
        finally:
            with self._changed:
                self._sending = False
                self._changed.notify_all()

    def _must_wait(self, overdue: float) -> bool:
        return bool(self._heavy or (self._light and time.monotonic() < overdue))

    def _count(self, change: int, *, light: bool) -> None:
        if light:
            self._light += change
        else:
            self._heavy += change
