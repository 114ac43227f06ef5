"""Cases in the ledger, on both databases."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from collector.domain.cases.steps import OPEN, Event, Role, State, Step, state_of
from collector.errors import CaseError
from collector.ledger import cases
from collector.ledger.cases import MAX_FILE_BYTES, CaseLine, NewFile, new_file
from collector.ledger.database import Database
from collector.ledger.schema import case_files
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
DAY = date(2026, 11, 2)
LINE = CaseLine("l1", "Nhà văn hóa số 1", [{"indicator": "download", "value": 1.5}])
LETTER = new_file("folder", "letter.pdf", "application/pdf", b"%PDF-1")

pytestmark = ON_BOTH


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Iterator[Database]:
    """Return a ledger with a carrier."""
    with contextlib.closing(Database(new_ledger())) as database:
        fill_registry(database, NOW)
        yield database


def opened(ledger: Database, month: str = "2026-10", ward: str | None = None) -> int:
    """Open a case; return its number."""
    row = {"carrier_id": "vnpt", "carrier_name": "VNPT", "month": month, "ward": ward}
    event = Event(1, Step.OPENED, NOW, DAY, Role.CLERK, "mở hồ sơ", {"lines": 1})
    with ledger.write() as connection:
        return cases.open_case(connection, row, [LINE], [LETTER], event)


def step(ledger: Database, case: int, what: Step) -> None:
    """Add a step to a case."""
    with ledger.write() as connection:
        cases.add_event(connection, case, what, at=NOW, day=DAY, role=Role.SIGNER)


def test_a_case_is_read_as_it_was_opened(ledger: Database) -> None:
    """Its lines with their findings, its files by name, hash and size, its first event."""
    number = opened(ledger)
    case = ledger.read_now(lambda c: cases.read_case(c, number))
    assert (case.id, case.carrier_name, case.month, case.ward) == (1, "VNPT", "2026-10", None)
    assert case.state is State.DRAFT
    (event,) = case.events
    assert (event.note, event.role, event.details) == ("mở hồ sơ", Role.CLERK, {"lines": 1})
    assert (event.at, event.day) == (NOW, DAY)
    assert ledger.read_now(lambda c: cases.read_lines(c, number)) == [LINE]
    (file,) = ledger.read_now(lambda c: cases.read_files(c, number))
    assert (file.name, file.sha256, file.size_bytes) == ("letter.pdf", LETTER.sha256, 6)
    assert file.is_kept
    assert ledger.read_now(lambda c: cases.read_content(c, number, 1)) == b"%PDF-1"
    assert ledger.read_now(lambda c: cases.read_content(c, number, 2)) is None


def test_the_state_is_what_the_events_say(ledger: Database) -> None:
    """After each step; one that does not follow changes nothing, and says what does."""
    number = opened(ledger)
    for what in (Step.SENT, Step.APPROVED, Step.APPROVED, Step.SENT, Step.ANSWERED, Step.CLOSED):
        with contextlib.suppress(CaseError):
            step(ledger, number, what)
        case = ledger.read_now(lambda c: cases.read_case(c, number))
        assert case.state is state_of(case.events)
    assert [event.number for event in case.events] == [1, 2, 3, 4, 5]
    with pytest.raises(CaseError, match="case 1 is closed"):
        step(ledger, number, Step.ANSWERED)


def test_the_same_complaint_is_not_opened_twice(ledger: Database) -> None:
    """Until the first is closed; another month or another ward is another complaint."""
    first = opened(ledger)
    with pytest.raises(CaseError, match="case 1 is of the same carrier, month and ward"):
        opened(ledger)
    assert opened(ledger, month="2026-09") == 2
    assert opened(ledger, ward="Thạch Khôi") == 3
    step(ledger, first, Step.CLOSED)
    assert opened(ledger) == 4


def test_cases_are_listed_by_state_and_month_the_newest_first(ledger: Database) -> None:
    """A part at a time."""
    for month in ("2026-08", "2026-09", "2026-10"):
        opened(ledger, month)
    step(ledger, 2, Step.CLOSED)

    def listed(**words: object) -> list[int]:
        return [one.id for one in ledger.read_now(lambda c: cases.read_cases(c, **words))]  # type: ignore[arg-type]

    assert listed() == [3, 2, 1]
    assert listed(states=OPEN) == [3, 1]
    assert listed(month="2026-09") == [2]
    assert listed(before=3, most=1) == [2]


def test_steps_of_two_at_once_follow_each_other(ledger: Database) -> None:
    """Of two programs that approve a case at the same moment one is told that it is done."""
    number = opened(ledger)
    told: list[str] = []

    def approve() -> None:
        try:
            step(ledger, number, Step.APPROVED)
        except CaseError as error:
            told.append(str(error))

    threads = [threading.Thread(target=approve) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    case = ledger.read_now(lambda c: cases.read_case(c, number))
    assert [event.step for event in case.events] == [Step.OPENED, Step.APPROVED]
    assert len(told) == 3


def test_a_case_that_is_not_there_is_said_so(ledger: Database) -> None:
    """With where to look."""
    with pytest.raises(CaseError, match="there is no case 7: 'linewatch case list --all'"):
        ledger.read_now(lambda c: cases.read_case(c, 7))
    with pytest.raises(CaseError, match="there is no case 7"):
        step(ledger, 7, Step.APPROVED)


def test_a_file_that_is_too_large_is_refused(ledger: Database) -> None:
    """One byte more than may be; of a month's folder only its hash is kept then."""
    number = opened(ledger)
    largest = new_file("answer", "trả lời.pdf", "application/pdf", bytes(MAX_FILE_BYTES))
    with pytest.raises(CaseError, match=r"x\.pdf: is larger than the 20 MiB"):
        new_file("answer", "x.pdf", "application/pdf", bytes(MAX_FILE_BYTES + 1))
    named = NewFile("folder", "evidence.zip", "application/zip", "0" * 64, 10**10, None)
    with ledger.write() as connection:
        assert cases.add_file(connection, number, largest, NOW) == 2
        assert cases.add_file(connection, number, named, NOW) == 3
    kept = ledger.read_now(lambda c: cases.read_files(c, number))
    assert [one.is_kept for one in kept] == [True, True, False]
    sizes = select(case_files.c.size_bytes).order_by(case_files.c.number)
    assert ledger.read_now(lambda c: c.scalars(sizes).all()) == [6, MAX_FILE_BYTES, 10**10]
    assert ledger.read_now(lambda c: cases.read_content(c, number, 3)) is None
