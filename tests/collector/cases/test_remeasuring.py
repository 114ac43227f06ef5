"""Lines of a case, measured again: by what the ledger has of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from collector.cases.opening import open_from
from collector.cases.remeasuring import LineAgain, all_said, measure_again, mended_on, refuse_mended
from collector.domain.cases.mended import Outcome, Why
from collector.domain.cases.steps import Role, Step
from collector.errors import CaseError
from collector.ledger import cases
from collector.ledger.cases import CaseLine
from collector.ledger.database import Database
from collector.ledger.schema import probes, records
from collector.reports.standards import read_standards
from tests.collector.cases.conftest import NOW, ZONE
from tests.collector.cases.evenings import add_evenings
from tests.collector.cases.folders import failing, material, write_month
from tests.collector.conftest import ON_BOTH

MENDED = date(2026, 11, 10)
STEPS = (Step.APPROVED, Step.SENT)


@pytest.fixture
def answered(ledger: Database, tmp_path: Path) -> Database:
    """Return a ledger whose case has two lines, which the carrier says it mended."""
    folder = write_month(tmp_path, failing("l1"), failing("l2"))
    with ledger.write() as connection:
        open_from(connection, material(folder), Role.CLERK, "", NOW)
        for step in STEPS:
            cases.add_event(connection, 1, step, at=NOW, day=NOW.date(), role=Role.CLERK)
        for details in ({"mended": "2026-11-05"}, {"mended": MENDED.isoformat()}, {}):
            cases.add_event(
                connection,
                1,
                Step.ANSWERED,
                at=NOW,
                day=MENDED,
                role=Role.CLERK,
                details=details,
            )
    return ledger


def fill(ledger: Database, days_after: int) -> None:
    """Let l1 be mended and l2 be left as it was."""

    def mended(day: date) -> float:
        return 160e6 if day > MENDED else 80e6

    stories: dict[str, Callable[[date], float]] = {"l1": mended, "l2": lambda _: 80e6}
    with ledger.write() as connection:
        for line, rate in stories.items():
            end = MENDED + timedelta(days=days_after)
            add_evenings(connection, line, date(2026, 10, 1), end, rate)


def again(
    ledger: Database, days_after: int, lines: list[CaseLine] | None = None
) -> list[LineAgain]:
    """Measure case 1 again, on the morning behind so many whole days."""
    case = ledger.read_now(lambda c: cases.read_case(c, 1))
    known = lines or ledger.read_now(lambda c: cases.read_lines(c, 1))
    day = MENDED + timedelta(days=days_after + 1)
    now = datetime(day.year, day.month, day.day, 8, tzinfo=ZONE)
    return measure_again(ledger, case, known, read_standards(None), now)


@ON_BOTH
def test_what_was_mended_is_better_and_what_was_pretended_is_not(answered: Database) -> None:
    """By a fortnight's evenings, against those of the complaint's month."""
    fill(answered, 14)
    mended, pretended = again(answered, 14)
    assert (mended.line, mended.mended.outcome) == ("l1", Outcome.BETTER)
    assert mended.mended.within_limit is True
    assert (mended.mended.days_before, mended.mended.days_after) == (31, 14)
    assert mended.mended.before == pytest.approx(80e6, rel=0.02)
    assert mended.mended.after == pytest.approx(160e6, rel=0.03)
    assert (pretended.line, pretended.mended.outcome) == ("l2", Outcome.NOT_BETTER)
    assert (mended.quantity, mended.window) == ("download", "peak")
    assert all_said([mended, pretended])
    assert mended.told()["outcome"] == "better"


def test_days_behind_the_mending_are_not_days_before_it(answered: Database) -> None:
    """Where a line was mended within the complaint's month the rest of it is none of "before"."""
    mended = date(2026, 10, 21)

    def rate(day: date) -> float:
        return 160e6 if day > mended else 80e6

    with answered.write() as connection:
        details = {"mended": mended.isoformat()}
        cases.add_event(
            connection, 1, Step.ANSWERED, at=NOW, day=MENDED, role=Role.CLERK, details=details
        )
        for line in ("l1", "l2"):
            end = MENDED + timedelta(days=1)
            add_evenings(connection, line, date(2026, 10, 1), end, rate)
    for one in again(answered, 1):
        assert (one.mended.days_before, one.mended.days_after) == (20, 11)
        assert one.mended.before == pytest.approx(80e6, rel=0.02)
        assert one.mended.outcome is Outcome.BETTER


@ON_BOTH
def test_before_there_are_enough_days_it_says_how_many_are_missing(answered: Database) -> None:
    """The day on which it is asked is not over, and does not count."""
    fill(answered, 3)
    found = again(answered, 1)
    assert [one.mended.days_after for one in found] == [1, 1]
    assert [one.mended.days_missing for one in found] == [6, 6]
    assert not all_said(found)


def test_a_new_probe_mends_no_line(answered: Database) -> None:
    """Where the probe was replaced on the day of the mending, nothing is held before and after: the
    difference may be the probe's.
    """
    fill(answered, 14)
    begins = datetime(MENDED.year, MENDED.month, MENDED.day, tzinfo=ZONE)
    new = {"id": "probe-new", "site_id": "nvh-1", "created_at": NOW}
    later = (records.c.line_id == "l1", records.c.measured_at > begins)
    with answered.write() as connection:
        connection.execute(insert(probes).values(new))
        connection.execute(update(records).where(*later).values(probe_id="probe-new"))
    mended, _ = again(answered, 14)
    assert (mended.mended.outcome, mended.mended.days_before) == (Outcome.UNKNOWN, 31)
    assert (mended.mended.why, mended.mended.days_after) == (Why.FEW_AFTER, 0)


def test_the_last_word_of_the_carrier_counts(answered: Database) -> None:
    """It may say twice that it mended; without such a word there is no before and after."""
    case = answered.read_now(lambda c: cases.read_case(c, 1))
    assert mended_on(case) == MENDED
    nothing = replace(case, events=case.events[:3])
    with pytest.raises(CaseError, match="case 1: the carrier has not said that it mended"):
        mended_on(nothing)


def test_nothing_is_mended_before_it_was_broken_nor_tomorrow(answered: Database) -> None:
    """From the complaint's month's first day on, until today."""
    case = answered.read_now(lambda c: cases.read_case(c, 1))
    for day in (date(2026, 10, 1), MENDED):
        refuse_mended(case, day, MENDED)
    with pytest.raises(CaseError, match="2026-09-30 is before the complaint's month, 2026-10"):
        refuse_mended(case, date(2026, 9, 30), MENDED)
    with pytest.raises(CaseError, match="2026-11-11 is still to come: note the answer without"):
        refuse_mended(case, MENDED + timedelta(days=1), MENDED)


def test_what_has_no_days_to_compare_is_said_so(answered: Database) -> None:
    """A share of time, a standard that is gone, a line that the ledger does not know."""
    fill(answered, 14)
    (known, _) = answered.read_now(lambda c: cases.read_lines(c, 1))
    (finding,) = known.findings
    by_time = known._replace(findings=[{**finding, "indicator": "availability", "window": "all"}])
    gone = known._replace(findings=[{**finding, "sha256": "0" * 64}])
    unknown = known._replace(line="l9")
    found = again(answered, 14, [by_time, gone, unknown])
    assert [one.mended.why for one in found] == [
        Why.NOT_BY_DAYS,
        Why.NO_STANDARD,
        Why.FEW_BEFORE,
    ]
    assert {one.mended.outcome for one in found} == {Outcome.UNKNOWN}
    assert not all_said(found)
    (said, *_) = again(answered, 14)
    assert all_said([said, *found])
