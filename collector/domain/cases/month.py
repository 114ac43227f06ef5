"""A month of cases of a carrier: how many, how fast answered, how many really better. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final

from collector.domain.cases.deadlines import Rule, Standing, deadlines
from collector.domain.cases.mended import Outcome
from collector.domain.cases.steps import Event, State, Step, first_of, last_of, state_of
from collector.domain.cases.working_days import WorkingDays

_LATE: Final = frozenset({Standing.OVER, Standing.LATE, Standing.MISSED})


@dataclass(frozen=True, slots=True)
class CarrierMonth:
    """What became of a carrier's cases of a month.

    Attributes:
        cases: how many, drafts included.
        states: of each state that there is, how many.
        sent: how many ever were.
        answered: how many of these have an answer.
        days_to_acknowledge, days_to_answer: working days from sending on, their median; None: none.
        late: deadlines that are over, were when the case was closed, or were kept too late; of each
            rule.
        lines: of the cases that were measured again, by what came of it.
        within_limit: of the lines that got better, how many keep the limit now.
        better_cases: whose lines all got better.
        escalated: how many ever were.
    """

    carrier: str
    month: str
    cases: int
    states: Mapping[str, int]
    sent: int
    answered: int
    days_to_acknowledge: float | None
    days_to_answer: float | None
    late: Mapping[str, int]
    lines: Mapping[str, int]
    within_limit: int
    better_cases: int
    escalated: int


def of_carrier(
    carrier: str,
    month: str,
    cases: Iterable[Sequence[Event]],
    rules: Sequence[Rule],
    calendar: WorkingDays,
    today: date,
) -> CarrierMonth:
    """Return what became of a carrier's cases.

    Args:
        carrier: whose.
        month: as 2026-10.
        cases: the events of each.
        rules: of deadlines.
        calendar: which days are working days.
        today: local.
    """
    found = list(cases)
    states = Counter(state_of(events) for events in found)
    late: Counter[str] = Counter()
    for events in found:
        for one in deadlines(rules, events, calendar, today):
            late[one.rule.id] += one.standing in _LATE
    measured = [event for events in found if (event := last_of(events, Step.REMEASURED))]
    results = [list(event.details["lines"]) for event in measured]
    lines = Counter(Outcome(line["outcome"]) for told in results for line in told)
    return CarrierMonth(
        carrier=carrier,
        month=month,
        cases=len(found),
        states={state.value: states[state] for state in State if states[state]},
        sent=_having(found, Step.SENT),
        answered=_having(found, Step.ANSWERED),
        days_to_acknowledge=_median(found, calendar, Step.ACKNOWLEDGED, Step.ANSWERED),
        days_to_answer=_median(found, calendar, Step.ANSWERED),
        late={rule.id: late[rule.id] for rule in rules},
        lines={outcome.value: lines[outcome] for outcome in Outcome},
        within_limit=sum(
            line["outcome"] == Outcome.BETTER and bool(line["within_limit"])
            for told in results
            for line in told
        ),
        better_cases=sum(
            all(line["outcome"] == Outcome.BETTER for line in told) for told in results
        ),
        escalated=_having(found, Step.ESCALATED),
    )


def _having(cases: Iterable[Sequence[Event]], step: Step) -> int:
    return sum(first_of(events, step) is not None for events in cases)


def _median(cases: Iterable[Sequence[Event]], calendar: WorkingDays, *steps: Step) -> float | None:
    """Return the median of the working days from sending to the first of some steps."""
    days = []
    for events in cases:
        sent, done = first_of(events, Step.SENT), first_of(events, *steps)
        if sent is not None and done is not None:
            days.append(calendar.between(sent.day, done.day))
    return float(median(days)) if days else None
