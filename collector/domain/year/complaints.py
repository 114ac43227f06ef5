"""A year's complaints and what came of them, counted from what was noted of each case. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from collector.domain.cases.mended import Outcome
from collector.domain.cases.steps import Event, Step, first_of, last_of, state_of
from collector.domain.year.again import Today
from collector.domain.year.counts import Count, count


@dataclass(frozen=True, slots=True)
class Accused:
    """A line of a complaint, as the complaint has it, and what is said of it today.

    Attributes:
        standards: that the complaint says it fails by, as ward@1.
        outcome: of the last measurement after the carrier's answer (`Outcome`); null: none.
        today: where that is another verdict than the complaint's FAIL it says why.
    """

    line: str
    site: str
    standards: Sequence[str]
    outcome: Outcome | None
    today: Today


@dataclass(frozen=True, slots=True)
class Complaint:
    """A case; days are local, null: it did not come to that.

    Attributes:
        month: that it complains about, as 2026-10.
        ward: that it is of; null: of all.
        state: where it stands.
        lines: that it complains about, of those that the report is of.
        measured_again: of these, lines of which a measurement after the answer could tell.
        better: of these, lines that got better.
    """

    number: int
    carrier: str
    month: str
    ward: str | None
    state: str
    lines: Sequence[Accused]
    sent_on: date | None
    answered_on: date | None
    closed_on: date | None
    escalated: bool
    measured_again: int
    better: int


@dataclass(frozen=True, slots=True)
class Complaints:
    """All complaints about the year's months.

    Attributes:
        states: of each state that there is, how many.
        answered: of those that were sent.
        better: of the lines complained about; those never measured again are unknown.
        differing: lines complained about that do not fail by the same standard today.
        earlier: complaints that were sent in the year about a month before it: the report of that
            month's year has them.
    """

    cases: Sequence[Complaint]
    states: Mapping[str, int]
    sent: int
    answered: Count
    closed: int
    escalated: int
    better: Count
    differing: int
    earlier: int


def complaint(
    number: int,
    carrier: str,
    month: str,
    ward: str | None,
    lines: Sequence[Accused],
    events: Sequence[Event],
) -> Complaint:
    """Return what came of a case.

    Args:
        number: of the case.
        carrier: its name.
        month: that it complains about.
        ward: that it is of.
        lines: of it, those that the report is of.
        events: of the case.
    """
    said = [one for one in lines if one.outcome not in (None, Outcome.UNKNOWN)]
    return Complaint(
        number=number,
        carrier=carrier,
        month=month,
        ward=ward,
        state=state_of(events).value,
        lines=lines,
        sent_on=_day(first_of(events, Step.SENT)),
        answered_on=_day(first_of(events, Step.ANSWERED)),
        closed_on=_day(first_of(events, Step.CLOSED)),
        escalated=first_of(events, Step.ESCALATED) is not None,
        measured_again=len(said),
        better=sum(one.outcome is Outcome.BETTER for one in said),
    )


def outcomes_of(events: Sequence[Event]) -> dict[str, Outcome]:
    """Return what came of the last measurement after the carrier's answer, line by line."""
    again = last_of(events, Step.REMEASURED)
    told = [] if again is None else again.details["lines"]
    return {one["line"]: Outcome(one["outcome"]) for one in told}


def _day(event: Event | None) -> date | None:
    return None if event is None else event.day


def complaints(found: Iterable[Complaint], earlier: int) -> Complaints:
    """Return what came of all cases, those of the first month first.

    Args:
        found: the cases.
        earlier: how many were sent in the year about a month before it.
    """
    cases = sorted(found, key=lambda one: (one.month, one.number))
    states = Counter(one.state for one in cases)
    sent = [one for one in cases if one.sent_on is not None]
    known = sum(one.measured_again for one in cases)
    return Complaints(
        cases=cases,
        states=dict(sorted(states.items())),
        sent=len(sent),
        answered=count(one.answered_on is not None for one in sent),
        closed=sum(one.closed_on is not None for one in cases),
        escalated=sum(one.escalated for one in cases),
        better=Count(
            sum(one.better for one in cases), known, sum(len(one.lines) for one in cases) - known
        ),
        differing=sum(line.today.why is not None for one in cases for line in one.lines),
        earlier=earlier,
    )
