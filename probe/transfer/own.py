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
class _Count:
    """One stream's payload each way, over all of its connections."""

    received: int = 0
    sent: int = 0
    _received_now: int = 0
    _sent_now: int = 0

    def note(self, tcp: TcpInfo) -> None:
        received, sent = tcp.received_bytes or 0, tcp.sent_bytes or 0
        # A connection that counts less than before is a new one.
        self.received += received - (self._received_now if received >= self._received_now else 0)
        self.sent += sent - (self._sent_now if sent >= self._sent_now else 0)
        self._received_now, self._sent_now = received, sent


@dataclass(slots=True)
class OwnBytes:
    """Readings of a direction's connections; whoever samples the direction calls `note`."""

    series: Series = field(default_factory=Series)
    _streams: list[tuple[Connected, _Count]] = field(default_factory=list)

    def watch(self, stream: Connected) -> None:
        """Look at one more stream from now on."""
        self._streams.append((stream, _Count()))

    def note(self) -> None:
        """Take a reading."""
        for stream, count in self._streams:
            tcp = stream.tcp()
            if tcp is not None:
                count.note(tcp)
        received = sum(count.received for _, count in self._streams)
        sent = sum(count.sent for _, count in self._streams)
        self.series.add(time.monotonic(), received, sent)
