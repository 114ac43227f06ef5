"""What came of a year's complaints, by what was noted of them."""

from datetime import UTC, date, datetime

from collector.domain.cases.steps import Event, Role, Step
from collector.domain.year.complaints import complaint, complaints

AT = datetime(2026, 3, 1, tzinfo=UTC)


def event(number: int, step: Step, day: int, **details: object) -> Event:
    """Return an event of March."""
    return Event(number, step, AT, date(2026, 3, day), Role.CLERK, "", details)


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
    one = complaint(7, "VNPT", "2026-02", None, {"a", "b", "c"}, events)
    assert (one.sent_on, one.answered_on, one.closed_on) == (
        date(2026, 3, 3),
        date(2026, 3, 9),
        None,
    )
    assert (one.state, one.lines, one.measured_again, one.better) == ("remeasured", 3, 2, 1)
    draft = complaint(8, "FPT", "2026-01", None, {"d"}, [event(1, Step.OPENED, 1)])
    found = complaints([one, draft])
    assert [case.number for case in found.cases] == [8, 7]
    assert (found.sent, found.answered.numerator, found.answered.denominator) == (1, 1, 1)
    assert (found.better.numerator, found.better.denominator, found.better.unknown) == (1, 2, 2)
    assert found.states == {"draft": 1, "remeasured": 1}


def test_a_year_without_complaints_has_none() -> None:
    """No share is made of nothing."""
    found = complaints([])
    assert (list(found.cases), found.sent, found.answered.share) == ([], 0, None)
