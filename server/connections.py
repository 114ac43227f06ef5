"""Which connections are open: admission, the limits, and the watchdog's sweep."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

from server.channel import Channel

Refusal = Literal["connections", "address", "threads", "stopping"]
"""Why a connection was not admitted."""

EVICTABLE_AFTER_SECONDS = 1.0
"""A connection that has waited this long for a request may be closed for a new one when the server
is full. A client that means to ask does so within a round trip."""


class Connections:
    """The open connections, guarded by one lock. No method blocks.

    Args:
        maximum: the most in all.
        maximum_per_address: the most of one address.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        maximum: int,
        maximum_per_address: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.maximum = maximum
        self._maximum_per_address = maximum_per_address
        self._clock = clock
        self._open: set[Channel] = set()
        self._evicted: set[Channel] = set()
        self._per_address: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, channel: Channel) -> Refusal | None:
        """Take the connection in, or say why not. When full, the longest idle one gives way."""
        with self._lock:
            if self._per_address[channel.counted_as] >= self._maximum_per_address:
                return "address"
            if len(self._open) - len(self._evicted) >= self.maximum and not self._evict():
                return "connections"
            self._open.add(channel)
            self._per_address[channel.counted_as] += 1
        return None

    def evict_idle(self, most: int) -> int:
        """Close the longest idle connections, for want of descriptors; return how many."""
        with self._lock:
            return sum(self._evict() for _ in range(most))

    def leave(self, channel: Channel, *, close: bool = True) -> None:
        """Let the connection go, and close it unless told not to; its thread calls this last."""
        with self._changed:
            self._open.discard(channel)
            self._evicted.discard(channel)
            self._per_address[channel.counted_as] -= 1
            if not self._per_address[channel.counted_as]:
                del self._per_address[channel.counted_as]
            # Under the lock, so that no abort meets a descriptor that is somebody else's by now.
            if close:
                channel.close()
            self._changed.notify_all()

    def sweep(self) -> int:
        """Abort every connection whose deadline has passed; return how many."""
        now = self._clock()
        with self._lock:
            late = [one for one in self._open if one.deadline < now and not one.aborted]
            for channel in late:
                channel.abort()
        return len(late)

    def abort_idle(self) -> None:
        """End the connections that serve no request."""
        with self._lock:
            for channel in self._open:
                if channel.idle_since is not None:
                    channel.abort(reset=False)

    def abort_all(self) -> None:
        """End all connections."""
        with self._lock:
            for channel in self._open:
                channel.abort()

    def wait_until_none(self, timeout_seconds: float) -> bool:
        """Wait until the last one has left, or the time is over; tell whether none is left."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout_seconds)

    def _evict(self) -> bool:
        """Abort the best candidate: never asked anything before ever asked, longest idle first."""
        before = self._clock() - EVICTABLE_AFTER_SECONDS
        candidates = [
            (one.served > 0, one.idle_since, one)
            for one in self._open
            if one.idle_since is not None and one.idle_since < before and not one.aborted
        ]
        if not candidates:
            return False
        *_, chosen = min(candidates, key=lambda candidate: candidate[:2])
        chosen.abort(reset=False)
        self._evicted.add(chosen)
        return True
