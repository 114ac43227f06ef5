"""Coming back to a server that is full."""

import threading
from dataclasses import dataclass, field

import pytest

from probe.admission import busy, come_back
from probe.engine import Order
from probe.transfer.framing import Head
from protocol.conditions import Admission
from protocol.failures import Failure
from protocol.results import FailureReport

SOON = 0.02


def full(asked: float | None = SOON) -> FailureReport:
    """Return a full server's refusal."""
    return FailureReport(code=Failure.SERVER_BUSY, detail="full", retry_after_seconds=asked)


@dataclass
class Line:
    """Attempts that end as told, in turn; the last one again and again."""

    ends: list[FailureReport | None]
    orders: list[Order] = field(default_factory=list)

    def attempt(self, order: Order) -> FailureReport | None:
        """Make one."""
        self.orders.append(order)
        return self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]

    def come_back(self, order: Order) -> tuple[FailureReport | None, Admission | None]:
        """Attempt within the order's patience."""
        return come_back(order, self.attempt, lambda failure: failure)


def test_what_a_server_that_is_full_asks_is_done() -> None:
    """Two refusals, then the test: the wait is counted, and not taken from the deadline."""
    line = Line([full(), full(), None])
    order = Order(server=None, patience_seconds=5)
    taken, admission = line.come_back(order)
    assert taken is None
    assert admission is not None
    assert admission.refusals == 2
    assert 2 * SOON <= admission.waited_seconds < 5
    extended = line.orders[-1].deadline - order.deadline
    assert extended == pytest.approx(admission.waited_seconds)


def test_a_test_that_is_taken_at_once_says_nothing_of_admission() -> None:
    """No refusal, no admission; another failure is not tried again."""
    assert Line([None]).come_back(Order(server=None, patience_seconds=5)) == (None, None)
    lost = FailureReport(code=Failure.CONNECTION_LOST, detail="lost")
    line = Line([lost])
    assert line.come_back(Order(server=None, patience_seconds=5)) == (lost, None)
    assert len(line.orders) == 1


@pytest.mark.parametrize("asked", [None, 60.0], ids=["no time", "too long"])
def test_who_cannot_wait_so_long_gives_up_at_once(asked: float | None) -> None:
    """Without a time to come back at, or one beyond the patience, the refusal is the result."""
    line = Line([full(asked)])
    taken, admission = line.come_back(Order(server=None, patience_seconds=5))
    assert taken == full(asked)
    assert admission == Admission(refusals=1, waited_seconds=0)


def test_patience_ends() -> None:
    """A server that is always full is asked a bounded number of times."""
    line = Line([full()])
    taken, admission = line.come_back(Order(server=None, patience_seconds=5 * SOON))
    assert taken == full()
    assert admission is not None
    assert 3 <= admission.refusals <= 6
    assert len(line.orders) == admission.refusals


def test_an_agent_that_stops_does_not_wait() -> None:
    """The waiting ends with the agent."""
    stopped = threading.Event()
    stopped.set()
    line = Line([full(100.0), None])
    taken, admission = line.come_back(Order(server=None, patience_seconds=1000, cancelled=stopped))
    assert taken == full(100.0)
    assert admission is not None
    assert len(line.orders) == 1


@pytest.mark.parametrize(
    "later, seconds", [("15", 15.0), ("", None), ("soon", None), ("9" * 30, None), ("-1", None)]
)
def test_a_refusals_time_is_read(later: str, seconds: float | None) -> None:
    """Retry-After in seconds is kept; anything else is as if it were not there."""
    report = busy(Head(503, {"retry-after": later}), "http://s").report
    assert report.code is Failure.SERVER_BUSY
    assert report.retry_after_seconds == seconds
    assert ("come back in 15 s" in report.detail) == (seconds is not None)
