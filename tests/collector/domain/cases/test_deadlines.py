"""Until when a carrier has to do what."""

from datetime import date

import pytest

from collector.cases.calendar import rules, vietnam
from collector.domain.cases.deadlines import Standing, deadlines
from collector.domain.cases.steps import Step
from tests.collector.domain.cases.histories import SENT, history, sent

CALENDAR = vietnam()


def standings(events: list, today: date) -> dict[str, tuple[str, str, int]]:  # type: ignore[type-arg]
    """Return of each rule the day, how it stands and the working days left."""
    return {
        one.rule.id: (one.due.isoformat(), one.standing.value, one.left)
        for one in deadlines(rules(), events, CALENDAR, today)
    }


def test_two_five_and_twenty_working_days_with_their_sources() -> None:
    """None of the numbers was read in its text: each is unverified, and says where it is from."""
    found = {rule.id: rule for rule in rules()}
    assert {name: rule.working_days for name, rule in found.items()} == {
        "reply": 2,
        "refusal": 5,
        "resolution": 20,
    }
    assert not any(rule.verified for rule in rules())
    assert "QCVN 34:2014" in found["reply"].source.vi
    assert "174/2026" in found["refusal"].source.vi
    assert "24/2023/QH15" in found["refusal"].source.vi
    assert "05/2011" in found["resolution"].source.vi
    assert all(rule.note for rule in rules())


def test_a_complaint_that_is_not_sent_has_no_deadline() -> None:
    """Nobody is late with what he does not have."""
    assert standings(history((Step.OPENED, SENT), (Step.APPROVED, SENT)), SENT) == {}


def test_days_off_are_stepped_over() -> None:
    """Sent on Monday 2 November 2026; Tuesday the 24th is a holiday."""
    assert standings(sent(), SENT) == {
        "reply": ("2026-11-04", "ahead", 2),
        "refusal": ("2026-11-09", "ahead", 5),
        "resolution": ("2026-12-01", "ahead", 20),
    }


@pytest.mark.parametrize(
    "today,expected",
    [
        (date(2026, 11, 3), ("near", 1)),
        (date(2026, 11, 4), ("near", 0)),
        (date(2026, 11, 5), ("over", -1)),
        (date(2026, 11, 8), ("over", -2)),
    ],
)
def test_a_deadline_is_near_from_the_day_before_and_over_from_the_day_after(
    today: date, expected: tuple[str, int]
) -> None:
    """On its own day it is not over."""
    assert standings(sent(), today)["reply"][1:] == expected


def test_what_is_over_at_a_weekend_is_over() -> None:
    """Though no working day has passed since."""
    due = standings(sent(), date(2026, 11, 4))["refusal"][0]
    assert due == "2026-11-09"
    friday = history((Step.SENT, date(2026, 11, 4)))
    assert standings(friday, date(2026, 11, 7))["reply"] == ("2026-11-06", "over", 0)


def test_an_answer_keeps_a_deadline_or_is_late() -> None:
    """By the day on which it came, whatever day it is now. Taking it up answers no complaint."""
    answered = sent((Step.ACKNOWLEDGED, date(2026, 11, 4)), (Step.ANSWERED, date(2026, 12, 3)))
    found = standings(answered, date(2027, 1, 4))
    assert found["reply"][1:] == ("kept", 0)
    assert found["refusal"][1:] == ("kept", 3)
    assert found["resolution"][1:] == ("late", -2)


def test_a_closed_case_waits_for_nothing() -> None:
    """What was not done until then is neither kept nor over."""
    closed = sent((Step.CLOSED, date(2026, 11, 3)))
    found = deadlines(rules(), closed, CALENDAR, date(2027, 1, 4))
    assert {one.standing for one in found} == {Standing.ENDED}


def test_what_was_over_when_a_case_was_closed_was_missed() -> None:
    """By as many working days as it was over then, however long ago that is."""
    closed = sent((Step.CLOSED, date(2026, 11, 10)))
    found = standings(closed, date(2027, 1, 4))
    assert found["reply"] == ("2026-11-04", "missed", -4)
    assert found["refusal"] == ("2026-11-09", "missed", -1)
    assert found["resolution"][1] == "ended"
