"""Nothing is delivered while a measurement needs the lines for itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

WAIT_FOR_REQUEST_SECONDS: Final = 20.0
"""How long a measurement waits for a request under way: a batch of `BATCH_BYTES` takes a few
seconds on a slow uplink. After that it starts anyway; what the interface carried besides the test
is in its record."""


class Quiet:
    """Keeps measurements and deliveries apart. Measurements have the right of way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._measuring = 0
        self._sending = False

    @contextmanager
    def measuring(self, patience_seconds: float = WAIT_FOR_REQUEST_SECONDS) -> Iterator[None]:
        """Hold deliveries back; wait for the request that is under way, but not for long."""
        with self._changed:
            self._measuring += 1
            self._changed.wait_for(lambda: not self._sending, patience_seconds)
        try:
            yield
        finally:
            with self._changed:
                self._measuring -= 1
                self._changed.notify_all()

    @contextmanager
    def sending(self, stopping: threading.Event) -> Iterator[bool]:
        """Wait until nothing measures, then yield True; False where ``stopping`` was set first.

        Ends when the measurements do; they have deadlines.
        """
        with self._changed:
            while self._measuring and not stopping.is_set():
                self._changed.wait(1.0)
            free = not stopping.is_set()
            self._sending = free
        try:
            yield free
        finally:
            with self._changed:
                self._sending = False
                self._changed.notify_all()
