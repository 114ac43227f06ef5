"""How much processor time the clients of one address take, apart from moving a transfer's bytes.

Python runs one thread at a time. A few dozen connections that send request upon request, or chunks
of one byte, would keep all others waiting for their turn, and the wait would look like their lines'
delay. So who takes too much pays with waiting.
"""

import threading
import time
from collections.abc import Callable

_SHARE = 0.25
"""Of one processor, for one address. A small request costs about 0.25 ms, so this is about 1,000 a
second; a test sends 10 a second before its load and 5 a second under it, and one address has
connections for a dozen tests."""

_AHEAD_SECONDS = 0.5
"""How much may be taken at once before there is any waiting, in seconds of the share: a test's
first requests come as fast as they can be answered."""

_FORGET_SECONDS = 1.0
"""How often addresses that owe nothing are forgotten."""


class Pace:
    """What each address owes. A debt is paid off by time.

    Args:
        waited: called with the seconds of each wait.
        clock: seconds that never go back.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        waited: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._waited = waited
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._paid_off_at: dict[str, float] = {}
        self._forget_at = 0.0

    def pay(self, counted_as: str, seconds: float) -> None:
        """Wait as long as it takes until an address may have had so much processor time more.

        Ends: each connection of an address adds what it took just now, and nothing while it waits.
        """
        with self._lock:
            now = self._clock()
            self._forget(now)
            paid_off_at = max(self._paid_off_at.get(counted_as, now), now) + seconds / _SHARE
            self._paid_off_at[counted_as] = paid_off_at
        wait = paid_off_at - now - _AHEAD_SECONDS
        if wait > 0:
            self._waited(wait)
            self._sleep(wait)

    def _forget(self, now: float) -> None:
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_SECONDS
            owing = {key: at for key, at in self._paid_off_at.items() if at > now}
            self._paid_off_at = owing


class Account:
    """What one connection's thread takes. Only that thread uses it.

    Args:
        pace: where it is paid.
        counted_as: whose debt it is.
        spent: processor time of the calling thread, in seconds; zero at the thread's beginning.
    """

    def __init__(
        self, pace: Pace, counted_as: str, spent: Callable[[], float] = time.thread_time
    ) -> None:
        self._pace = pace
        self._counted_as = counted_as
        self._spent = spent
        self._paid = 0.0

    def pay(self) -> None:
        """Pay for what the thread took since it last paid, at first for all of it."""
        spent = self._spent()
        self._pace.pay(self._counted_as, spent - self._paid)
        self._paid = spent

    def forgive(self) -> None:
        """Take what the thread took since it last paid as paid: it moved a transfer's bytes."""
        self._paid = self._spent()
