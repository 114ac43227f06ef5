"""A month of cases of a carrier."""

from datetime import date

from collector.cases.calendar import rules, vietnam
from collector.domain.cases.month import of_carrier
from collector.domain.cases.steps import Step
from tests.collector.domain.cases.histories import SENT, history, sent


def line(outcome: str, within_limit: bool | None = None) -> dict[str, object]:
    """Return what is noted of a line that was measured again."""
    return {"outcome": outcome, "within_limit": within_limit}


def test_a_carriers_month_says_how_many_how_fast_and_how_many_better() -> None:
    """Medians are of working days from sending on; lines count by the last measurement."""
    mended = [line("better", True), line("better", False)]
    pretended = [line("not_better", False), line("unknown")]
    cases = [
        history((Step.OPENED, SENT)),
        sent(),
        sent(
            (Step.ACKNOWLEDGED, date(2026, 11, 3)),
            (Step.ANSWERED, date(2026, 11, 6)),
            (Step.REMEASURED, date(2026, 11, 20), {"lines": pretended}),
            (Step.REMEASURED, date(2026, 12, 20), {"lines": mended}),
            (Step.CLOSED, date(2026, 12, 21)),
        ),
        sent(
            (Step.ANSWERED, date(2026, 11, 10)),
            (Step.REMEASURED, date(2026, 11, 20), {"lines": pretended}),
            (Step.ESCALATED, date(2026, 11, 23)),
        ),
    ]
    found = of_carrier("vnpt", "2026-10", cases, rules(), vietnam(), date(2026, 12, 22))
    assert found.states == {"draft": 1, "sent": 1, "escalated": 1, "closed": 1}
    assert (found.cases, found.sent, found.answered, found.escalated) == (4, 3, 2, 1)
    assert found.days_to_acknowledge == (1 + 6) / 2
    assert found.days_to_answer == (4 + 6) / 2
    assert found.late == {"reply": 2, "refusal": 2, "resolution": 1}
    assert found.lines == {"better": 2, "not_better": 1, "unknown": 1}
    assert (found.within_limit, found.better_cases) == (1, 1)


def test_a_month_without_answers_has_no_median() -> None:
    """Absent is never zero."""
    found = of_carrier("vnpt", "2026-10", [sent()], rules(), vietnam(), SENT)
    assert (found.days_to_answer, found.days_to_acknowledge) == (None, None)
    assert (found.answered, found.better_cases) == (0, 0)


def test_who_never_answered_is_late_however_the_case_ended() -> None:
    """A case that is closed behind a deadline broke it; one that is closed before it did not."""
    cases = [sent((Step.CLOSED, date(2026, 11, day))) for day in (4, 5)]
    found = of_carrier("vnpt", "2026-10", cases, rules(), vietnam(), date(2026, 12, 22))
    assert found.late == {"reply": 1, "refusal": 0, "resolution": 0}
