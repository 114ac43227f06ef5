"""A server that is full: what its refusal says, and coming back when it asks to."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from probe.engine import MeasurementError, Order
from probe.transfer.framing import Head
from protocol.conditions import Admission
from protocol.failures import Failure
from protocol.results import FailureReport

BUSY_STATUS: Final = 503

_LATER_AT_MOST: Final = 1.5
"""Waited is up to so many times what was asked for: all who were refused in the same moment would
come back in the same moment."""

_LONGEST_DIGITS: Final = 6

T = TypeVar("T")

log = logging.getLogger(__name__)


def busy(head: Head, url: str) -> MeasurementError:
    """Return the failure of a test that a server refused (503), with when it asks to come back."""
    later = head.headers.get("retry-after", "")
    seconds = float(later) if later.isdecimal() and len(later) <= _LONGEST_DIGITS else None
    when = "" if seconds is None else f"; it asks to come back in {seconds:.0f} s"
    return MeasurementError(
        Failure.SERVER_BUSY, f"{url} carries all the tests it can (503){when}", seconds
    )


def come_back(
    order: Order, attempt: Callable[[Order], T], refusal_of: Callable[[T], FailureReport | None]
) -> tuple[T, Admission | None]:
    """Attempt, and again when a full server asks to come back, within the order's patience.

    Args:
        order: what to measure; the waiting is not taken from its deadline.
        attempt: makes one measurement.
        refusal_of: tells why it failed before its load began; None where it did not.

    Returns:
        The last attempt's measurement, and how often the server refused; None where it never did.
    """
    refusals, waited = 0, 0.0
    while True:
        taken = attempt(order)
        refusal = refusal_of(taken)
        if refusal is None or refusal.code is not Failure.SERVER_BUSY:
            break
        refusals += 1
        asked = refusal.retry_after_seconds
        if asked is None:
            break
        wait = asked * random.uniform(1, _LATER_AT_MOST)  # noqa: S311 - no secret
        if waited + wait > order.patience_seconds:
            break
        log.info("the server is full; coming back in %.0f s", wait)
        begun = time.monotonic()
        if order.cancelled.wait(wait):
            break
        passed = time.monotonic() - begun
        waited += passed
        order = replace(order, deadline=order.deadline + passed)
    return taken, Admission(refusals=refusals, waited_seconds=waited) if refusals else None
