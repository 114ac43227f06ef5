"""The probe's addresses as far ends see them, asked for when a test begins and when it ends.

An engine whose own far end does not tell the public one asks another that a living line reaches:
of a line that failed over in mid-test, it sees two addresses as well as any. The local address is
always that of connections to the test's own far end: to another, packets may leave from another.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from probe.engine import Addresses, MeasurementError, Order
from probe.transfer import backend as backends
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from protocol.messages import ServerEntry

WITNESS_SECONDS: Final = 2.0
"""Time allowed for one question, whoever answers it: a connection, TLS, three small requests. A
test must not wait for who is no part of it. Each far end has an equal share of what is left, so
that one that is silent does not take the others' time."""

MOST_WITNESSES: Final = 3
"""Far ends that are asked before the question is given up."""


@dataclass(slots=True)
class Witness:
    """Another far end than the test's, which tells the probe's public address.

    Attributes:
        received_bytes, sent_bytes: what asking moved.
    """

    order: Order
    received_bytes: int = field(default=0, init=False)
    sent_bytes: int = field(default=0, init=False)
    _urls: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        own = self.order.server.url if self.order.server else None
        self._urls = [url for url in self.order.others if url != own][:MOST_WITNESSES]

    def ask(self) -> str | None:
        """Return where a new connection comes from, within `WITNESS_SECONDS`; never raises.

        Who answers once is the one that is asked from then on: two of them may see two addresses
        of one line. Where nobody answers, nobody is asked again.
        """
        until = min(self.order.deadline, time.monotonic() + WITNESS_SECONDS)
        for number, url in enumerate(self._urls):
            now = time.monotonic()
            share = (until - now) / (len(self._urls) - number)
            found = self._ask(url, Guard(now + share, self.order.cancelled))
            if found is not None:
                self._urls = [url]
                return found
        self._urls = []
        return None

    def _ask(self, url: str, guard: Guard) -> str | None:
        # Whatever is wrong with a witness undoes nothing of the measurement.
        with suppress(MeasurementError):
            order = self.order
            client = Client(Dialer(Target.of(url), guard, order.interface, order.family))
            try:
                found = backends.find(client, ServerEntry(name="witness", url=url))
                return backends.public_address(client, found)
            finally:
                client.close()
                self.received_bytes += client.received_bytes
                self.sent_bytes += client.sent_bytes
        return None


@dataclass(slots=True)
class BothEnds:
    """The addresses at a test's beginning and at its end.

    Attributes:
        ask: returns what a new connection shows now.
        first: of the beginning; its public one is None where two connections had two: behind some
            carriers' NAT each connection has another, which tells nothing of the way.
        last: the newest that is known.
    """

    ask: Callable[[], Addresses]
    first: Addresses = field(default_factory=Addresses, init=False)
    last: Addresses = field(default_factory=Addresses, init=False)

    def begin(self, known: Addresses | None = None) -> None:
        """Ask twice; once where ``known`` is what a connection has shown already."""
        one = self.ask() if known is None else known
        another = self.ask().public if one.public is not None else None
        self.last = one
        self.first = Addresses(one.local, one.public if one.public == another else None)

    def end(self) -> None:
        """Ask once more; what cannot be learned stays as it was."""
        now = self.ask()
        self.last = Addresses(now.local or self.last.local, now.public or self.last.public)
