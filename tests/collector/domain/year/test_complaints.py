"""What came of a year's complaints, by what was noted of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from collector.domain.cases.mended import Outcome
from collector.domain.cases.steps import Event, Role, Step
from collector.domain.findings import Verdict
from collector.domain.year.again import Today, Why
from collector.domain.year.complaints import Accused, complaint, complaints, outcomes_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
FAILS = Today(Verdict.FAIL, None)


def event(number: int, step: Step, day: int, **details: object) -> Event:
    """Return an event of March."""
    return Event(number, step, AT, date(2026, 3, day), Role.CLERK, "", details)


def accused(names: str, events: Sequence[Event], today: Today = FAILS) -> list[Accused]:
    """Return lines of one letter each, with what the events say of them."""
    outcomes = outcomes_of(events)
    return [Accused(name, "Nhà", ["ward@1"], outcomes.get(name), today) for name in names]


def test_a_case_is_told_by_its_days_and_lines() -> None:
    """Lines that cannot be told better or not are unknown; those of other wards are not counted."""
    lines = [
        {"line": "a", "outcome": "better", "within_limit": True},
        {"line": "b", "outcome": "not_better", "within_limit": False},
        {"line": "c", "outcome": "unknown", "within_limit": None},
        {"line": "elsewhere", "outcome": "better", "within_limit": True},
    ]
    events = [
        event(1, Step.OPENED, 1),
        event(2, Step.APPROVED, 2),
        event(3, Step.SENT, 3),
        event(4, Step.ANSWERED, 9),
        event(5, Step.REMEASURED, 30, lines=lines),
    ]
    one = complaint(7, "VNPT", "2026-02", None, accused("abc", events), events)
    assert (one.sent_on, one.answered_on, one.closed_on) == (
        date(2026, 3, 3),
        date(2026, 3, 9),
        None,
    )
    assert (one.state, one.measured_again, one.better) == ("remeasured", 2, 1)
    assert [line.outcome for line in one.lines] == [
        Outcome.BETTER,
        Outcome.NOT_BETTER,
        Outcome.UNKNOWN,
    ]
    opened = [event(1, Step.OPENED, 1)]
    passing = Today(Verdict.PASS, Why.OTHER_TERMS)
    draft = complaint(8, "FPT", "2026-01", None, accused("d", opened, passing), opened)
    found = complaints([one, draft], earlier=2)
    assert [case.number for case in found.cases] == [8, 7]
    assert (found.sent, found.answered.numerator, found.answered.denominator) == (1, 1, 1)
    assert (found.better.numerator, found.better.denominator, found.better.unknown) == (1, 2, 2)
    assert found.states == {"draft": 1, "remeasured": 1}
    assert (found.differing, found.earlier) == (1, 2)


def test_a_year_without_complaints_has_none() -> None:
    """No share is made of nothing."""
    found = complaints([], earlier=0)
    assert (list(found.cases), found.sent, found.answered.share) == ([], 0, None)
