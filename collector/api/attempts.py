"""How many wrong attempts one address, and all together, may make in a time. Reads no clock."""

import threading
from collections import Counter, deque
from datetime import datetime, timedelta


class Attempts:
    """Wrong attempts of the last minutes, in memory. Never holds more than ``limit``.

    Any thread may ask and count.

    Args:
        limit_each: of one address.
        limit: of all together.
        window: how long an attempt counts.
    """

    def __init__(self, limit_each: int, limit: int, window: timedelta) -> None:
        self._limit_each = limit_each
        self._limit = limit
        self._window = window
        self._wrong: deque[tuple[datetime, str]] = deque()
        self._of: Counter[str] = Counter()
        self._lock = threading.Lock()

    def wait(self, address: str, now: datetime) -> timedelta | None:
        """Return how long an address has to wait before it may try; None where it may now."""
        with self._lock:
            self._forget(now)
            full = len(self._wrong) >= self._limit
            if not full and self._of[address] < self._limit_each:
                return None
            oldest = next(at for at, who in self._wrong if full or who == address)
            return oldest + self._window - now

    def note_wrong(self, address: str, now: datetime) -> None:
        """Count a wrong attempt."""
        with self._lock:
            self._wrong.append((now, address))
            self._of[address] += 1
            if len(self._wrong) > self._limit:
                self._drop_oldest()

    def _forget(self, now: datetime) -> None:
        while self._wrong and self._wrong[0][0] + self._window <= now:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, address = self._wrong.popleft()
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]
