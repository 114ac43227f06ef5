"""Which server a test goes to: the one that was named, or the nearest of a list.

The nearest are found by small requests before the test begins. Everything that was asked, and what
it answered, becomes part of the record: who doubts the choice can make it again.
"""

import queue
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from probe.engine import MeasurementError, Order
from probe.transfer import backend as backends
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard, start
from probe.transfer.http import Client
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.results import FailureReport, ServerCandidate, ServerChoice, ServerIdentity

ASKED_AT_ONCE: Final = 8
"""Servers asked side by side; LibreSpeed's page asks 6, its command 10. More would make a small
device's own work part of the answer's time."""

ANSWER_SECONDS: Final = 4.0
"""Time allowed for all that one server is asked in one round: its name, the connection, TLS, two or
three small requests. LibreSpeed's page gives a request alone 2 s."""

CHOICE_SECONDS: Final = 12.0
"""Time allowed for the whole choice; servers whose turn has not come by then were not asked."""

NEAREST: Final = 5
"""How many of the nearest are asked again, as speedtest-cli does with those nearest on the map."""

REQUESTS: Final = 5
"""Further requests to each of the nearest: their median is not moved by one late answer."""

RULE: Final = f"lowest median of {REQUESTS} requests to the {NEAREST} that answered a first soonest"

MAX_CANDIDATES: Final = 32
"""How many of those asked the record names."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The server that a test goes to.

    Attributes:
        entry: its entry.
        choice: how it was chosen; None where it was named.
        public_address: the probe's address, where the choosing showed it.
    """

    entry: ServerEntry
    choice: ServerChoice | None = None
    public_address: str | None = None

    def named(self, server: ServerIdentity) -> ServerIdentity:
        """Return a far end with what the entry says of it."""
        known = {"entry": self.entry.name, "network": self.entry.network, "choice": self.choice}
        return server.model_copy(update=known)


Pick = Callable[[Order, Guard], Picked]
"""Says which server a test goes to, within the guard's time."""


def pick(order: Order, guard: Guard) -> Picked:
    """Return an order's server: the one it names, or the nearest of its candidates.

    Raises:
        MeasurementError: it has neither, or none of the candidates answered.
    """
    if order.server is not None:
        return Picked(order.server)
    if not order.candidates:
        raise MeasurementError(Failure.NO_SERVER, "no measurement server was given")
    return choose(order.candidates, order, guard)


def choose(entries: Sequence[ServerEntry], order: Order, guard: Guard) -> Picked:
    """Return the nearest of several servers, within `CHOICE_SECONDS`.

    Args:
        entries: at least one; of equally near ones the first counts.
        order: how to leave.
        guard: the end of all waiting.

    Raises:
        MeasurementError: none of them answered.
    """
    until = min(guard.deadline, time.monotonic() + CHOICE_SECONDS)
    asked = [_Asked(entry, order, until) for entry in entries]
    try:
        _side_by_side(asked, _Asked.knock)
        near = sorted((each for each in asked if each.first is not None), key=_Asked.by_first)
        _side_by_side(near[:NEAREST], _Asked.ask)
    finally:
        for each in asked:
            each.close()
    guard.check()
    answered = [each for each in near if each.median is not None]
    if not answered:
        raise _nobody(asked)
    best = min(answered, key=_Asked.by_median)
    return Picked(best.entry, _choice(asked))


@dataclass(slots=True)
class _Asked:
    """A server that is asked how near it is. One thread at a time uses it."""

    entry: ServerEntry
    order: Order
    until: float
    first: float | None = None
    median: float | None = None
    failure: FailureReport | None = None
    _client: Client | None = field(default=None, init=False)
    _backend: backends.Backend | None = field(default=None, init=False)

    def by_first(self) -> float:
        """Order by the first round trip, none last."""
        return float("inf") if self.first is None else self.first

    def by_median(self) -> float:
        """Order by the median, none last."""
        return float("inf") if self.median is None else self.median

    def knock(self) -> None:
        """Find out what it is and take a first round trip, within `ANSWER_SECONDS`."""
        order = self.order
        dialer = Dialer(Target.of(self.entry.url), self._guard(), order.interface, order.family)
        self._client = client = Client(dialer)
        self._backend = backends.find(client, self.entry)
        self.first = client.get(self._backend.empty()).seconds

    def ask(self) -> None:
        """Take the median of `REQUESTS` round trips, within `ANSWER_SECONDS`."""
        client, backend = self._client, self._backend
        if client is None or backend is None:
            return
        client.dialer.guard = self._guard()
        self.median = statistics.median(
            client.get(backend.empty()).seconds for _ in range(REQUESTS)
        )

    def close(self) -> None:
        """Close its connection."""
        if self._client is not None:
            self._client.close()

    def fail(self, error: MeasurementError) -> None:
        """Keep why it does not count."""
        report = error.report
        if report.code is Failure.DEADLINE:
            sentence = f"no answer within {ANSWER_SECONDS:.0f} s"
            if self._client is None:
                sentence = f"not asked: the choice ends after {CHOICE_SECONDS:.0f} s"
            report = FailureReport(code=Failure.DEADLINE, detail=sentence)
        self.failure = report

    def candidate(self) -> ServerCandidate:
        """Return it for the record."""
        return ServerCandidate(
            name=self.entry.name,
            url=self.entry.url,
            first_seconds=self.first,
            median_seconds=self.median,
            failure=self.failure,
        )

    def _guard(self) -> Guard:
        guard = Guard(min(self.until, time.monotonic() + ANSWER_SECONDS), self.order.cancelled)
        guard.check()
        return guard


def _side_by_side(asked: Sequence[_Asked], do: Callable[[_Asked], None]) -> None:
    """Do something with each, `ASKED_AT_ONCE` at a time; ends soon after the last guard's end."""
    waiting: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
    for each in asked:
        waiting.put(each)

    def work() -> None:
        while True:
            try:
                each = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                do(each)
            except MeasurementError as error:
                each.fail(error)

    threads = [
        threading.Thread(target=work, name=f"choice {number}", daemon=True)
        for number in range(min(ASKED_AT_ONCE, len(asked)))
    ]
    for thread in threads:
        start(thread)
    for thread in threads:
        thread.join()


def _choice(asked: Sequence[_Asked]) -> ServerChoice:
    """Return the choice for the record: the nearest first, then what did not answer."""
    ordered = sorted(asked, key=lambda each: (each.by_median(), each.by_first()))
    candidates = tuple(each.candidate() for each in ordered[:MAX_CANDIDATES])
    return ServerChoice(rule=RULE, listed=len(asked), candidates=candidates)


def _nobody(asked: Sequence[_Asked]) -> MeasurementError:
    """Return why there is no server: what the first of the list failed by, and all of them named.

    An error's text is cut at 500 signs; those that do not fit are counted.
    """
    failures = [(each.entry.name, each.failure) for each in asked if each.failure]
    code = failures[0][1].code if failures else Failure.NO_REPLIES
    told = "; ".join(f"{name}: {failure.detail[:80]}" for name, failure in failures[:4])
    more = f"; and {len(failures) - 4} more" if len(failures) > 4 else ""  # noqa: PLR2004 - as above
    return MeasurementError(code, f"none of {len(asked)} servers answered: {told}{more}")
