"""What a direction's own connections carry, by the kernel's counters, beside what others do.

The interface carries what is sent, and sent again; the result counts what arrived. Between the two
lies what is under way and what was lost: both would look like other traffic.
"""

import time
from dataclasses import dataclass, field
from typing import Protocol

from probe.conditions.counters import Series
from protocol.results import TcpInfo


class Connected(Protocol):
    """A stream, as far as it is looked at here."""

    def tcp(self) -> TcpInfo | None:
        """Return the kernel's view of its connection; None where there is none."""


@dataclass(slots=True)
class _Counter:
    """A counter of one stream, over all of its connections."""

    total: int = 0
    _now: int = 0

    def note(self, count: int | None) -> None:
        now = count or 0
        # A connection that counts less than before is a new one.
        self.total += now - (self._now if now >= self._now else 0)
        self._now = now


@dataclass(slots=True)
class _Stream:
    """What is counted of a stream, received and sent."""

    connected: Connected
    payload: tuple[_Counter, _Counter] = field(default_factory=lambda: (_Counter(), _Counter()))
    bare: tuple[_Counter, _Counter] = field(default_factory=lambda: (_Counter(), _Counter()))

    def note(self) -> None:
        tcp = self.connected.tcp()
        if tcp is not None:
            self.payload[0].note(tcp.received_bytes)
            self.payload[1].note(tcp.sent_bytes)
            self.bare[0].note(tcp.bare_segments_received)
            self.bare[1].note(tcp.bare_segments_sent)


@dataclass(slots=True)
class OwnBytes:
    """Readings of a direction's connections; whoever samples the direction calls `note`.

    Attributes:
        payload: bytes, with those that were sent again.
        acknowledgements: segments without payload. Of a kernel that does not tell them (before
            Linux 4.6) there is no reading.
    """

    payload: Series = field(default_factory=Series)
    acknowledgements: Series = field(default_factory=Series)
    _streams: list[_Stream] = field(default_factory=list)

    def watch(self, stream: Connected) -> None:
        """Look at one more stream from now on."""
        self._streams.append(_Stream(stream))

    def note(self) -> None:
        """Take a reading."""
        for stream in self._streams:
            stream.note()
        now = time.monotonic()
        received, sent = (sum(each.payload[way].total for each in self._streams) for way in (0, 1))
        self.payload.add(now, received, sent)
        received, sent = (sum(each.bare[way].total for each in self._streams) for way in (0, 1))
        if received or sent:
            self.acknowledgements.add(now, received, sent)
