"""Cases' events for tests: each a step on a day of October and November 2026."""

from datetime import UTC, date, datetime, time
from typing import Any

from collector.domain.cases.steps import Event, Role, Step

SENT = date(2026, 11, 2)
"""A Monday."""


def history(*steps: tuple[Step, date] | tuple[Step, date, dict[str, Any]]) -> list[Event]:
    """Return the events of a case, noted on the days on which they happened."""
    return [
        Event(
            number,
            step,
            datetime.combine(day, time(9), UTC),
            day,
            Role.CLERK,
            details=more[0] if more else {},
        )
        for number, (step, day, *more) in enumerate(steps, 1)
    ]


def sent(*later: tuple[Step, date] | tuple[Step, date, dict[str, Any]]) -> list[Event]:
    """Return the events of a case that went out on `SENT`."""
    return history(
        (Step.OPENED, SENT), (Step.APPROVED, SENT), (Step.QUEUED, SENT), (Step.SENT, SENT), *later
    )
