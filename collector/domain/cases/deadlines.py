"""Until when a carrier has to do what, by rules that are data, each with its source. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, NamedTuple

from pydantic import Field, PositiveInt

from collector.domain.cases.steps import Event, Step, first_of, last_of
from collector.domain.cases.working_days import WorkingDays
from collector.domain.standard import Words
from protocol.settings import Section

NEAR_WORKING_DAYS: Final = 1
"""A deadline is near from the working day before it on."""


class Rule(Section):
    """What a text asks of a carrier that got a complaint.

    Attributes:
        id: short name.
        working_days: behind the day on which the complaint was sent.
        met_by: the steps of which one at least has to be there.
        asks: what, for people.
        source: which text says so, and where it was read.
        verified: whether somebody has read the number in the text itself.
        note: what is not sure of it.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    working_days: PositiveInt
    met_by: tuple[Step, ...] = Field(min_length=1)
    asks: Words
    source: Words
    verified: bool
    note: Words | None = None


class Rules(Section):
    """All rules, the shortest first."""

    rules: tuple[Rule, ...] = Field(min_length=1)


class Standing(StrEnum):
    """How a deadline stands."""

    AHEAD = "ahead"
    NEAR = "near"
    OVER = "over"
    KEPT = "kept"
    LATE = "late"
    """It was done, and too late."""

    MISSED = "missed"
    """It was never done, and the case was closed behind its last day."""

    ENDED = "ended"
    """The case was closed before it was done, and before it was over."""


GONE: Final = frozenset({Standing.MISSED, Standing.ENDED})
"""Nobody waits for it any more."""


class Deadline(NamedTuple):
    """A rule's last day for a case.

    Attributes:
        due: the last day, local.
        met_on: when what it asks was done; None: not yet.
        left: working days until it, from today or from when it was done or the case closed; below
            zero: how many it is over, or was.
    """

    rule: Rule
    due: date
    standing: Standing
    met_on: date | None
    left: int


def deadlines(
    rules: Iterable[Rule], events: Sequence[Event], calendar: WorkingDays, today: date
) -> list[Deadline]:
    """Return the deadlines of a case, the nearest first; none before it is sent.

    Args:
        rules: that hold.
        events: of the case.
        calendar: which days are working days.
        today: local.
    """
    sent = first_of(events, Step.SENT)
    if sent is None:
        return []
    closed = last_of(events, Step.CLOSED)
    closed_on = None if closed is None else closed.day
    found = []
    for rule in rules:
        due = calendar.after(sent.day, rule.working_days)
        met = first_of(events, *rule.met_by)
        met_on = None if met is None else met.day
        left = calendar.between(met_on or closed_on or today, due)
        standing = _standing(due, met_on, closed_on, left, today)
        found.append(Deadline(rule, due, standing, met_on, left))
    return sorted(found, key=lambda one: one.due)


def _standing(
    due: date, met_on: date | None, closed_on: date | None, left: int, today: date
) -> Standing:
    if met_on is not None:
        return Standing.KEPT if met_on <= due else Standing.LATE
    if closed_on is not None:
        return Standing.MISSED if closed_on > due else Standing.ENDED
    if today > due:
        return Standing.OVER
    return Standing.NEAR if left <= NEAR_WORKING_DAYS else Standing.AHEAD
