"""Lines' terms in the ledger: nothing that was believed is lost, and `lines` shows today's."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from collector.domain.terms import TERMS_FIELDS, Part, Period, Terms, parts_between
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.line_changes import Days, change_line
from collector.ledger.registry_file import RegistryFile, export_registry, import_registry
from collector.ledger.terms import SHOWN, read_stated, show_today, state, terms_between
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry
from tests.collector.letters import PERSON, fill_letters

NOW = datetime(2026, 10, 1, 3, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
DAY = timedelta(days=1)

UNDONE = [HealthCheck.function_scoped_fixture]
"""Each example leaves the ledger as it was: they may share one."""

changes = st.lists(
    st.tuples(
        st.one_of(st.none(), st.dates(date(2026, 9, 1), date(2026, 12, 1))),
        st.dates(date(2026, 9, 1), date(2026, 12, 1)),
        st.sampled_from(["plan", "payer", "contract_number"]),
        st.sampled_from(["A", "B", None]),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with two lines, l1 and l2, of 300 Mbit/s."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, NOW)
        yield made


def parts(database: Database, **known: datetime) -> list[tuple[int, int, Any]]:
    """Return first and last day of the parts of l1's October, and their plans."""
    found = database.read_now(lambda c: terms_between(c, ["l1"], FIRST, LAST, **known))
    return [(part.first.day, part.last.day, part.terms.plan) for part in found["l1"]]


def shows(connection: Connection, line: str) -> dict[str, Any]:
    """Return what `lines` shows of a line's terms."""
    columns = [schema.lines.c[name] for name in SHOWN]
    found = connection.execute(select(*columns).where(schema.lines.c.id == line)).mappings().one()
    return dict(found)


@ON_BOTH
def test_a_line_that_is_added_has_its_terms_from_the_beginning(database: Database) -> None:
    """Any month is of its first terms alone; of a line that is not there nothing is known."""
    found = database.read_now(lambda c: terms_between(c, ["l2", "l1", "x"], FIRST, LAST))
    own = Terms(contracted_download_bits_per_second=300_000_000)
    assert found == {
        "l2": [Part(FIRST, LAST, own)],
        "l1": [Part(FIRST, LAST, own)],
        "x": [Part(FIRST, LAST, Terms())],
    }


@ON_BOTH
def test_an_old_report_can_be_made_again(database: Database) -> None:
    """What was believed before a change was recorded, and before the line was, stays known."""
    later = NOW + timedelta(days=20)
    with database.write() as connection:
        days = Days(date(2026, 10, 21), since=date(2026, 10, 17))
        change_line(connection, "l1", {"plan": "Home 500"}, days, later)
        mended = Days(date(2026, 10, 22))
        change_line(connection, "l1", {"plan": "Home 501"}, mended, later + DAY)
    assert parts(database) == [(1, 16, None), (17, 31, "Home 501")]
    assert parts(database, known_at=later) == [(1, 16, None), (17, 31, "Home 500")]
    assert parts(database, known_at=later - timedelta(microseconds=1)) == [(1, 31, None)]
    before = database.read_now(
        lambda c: terms_between(c, ["l1"], FIRST, LAST, known_at=NOW - timedelta(days=1))
    )
    assert before["l1"] == [Part(FIRST, LAST, Terms())]


@ON_BOTH
def test_a_change_ends_where_the_next_begins(database: Database) -> None:
    """What is learnt late of a day before another change leaves that one as it is."""
    with database.write() as connection:
        for since, plan in ((20, "B"), (10, "A")):
            days = Days(date(2026, 10, 25), since=date(2026, 10, since))
            _, period = change_line(connection, "l1", {"plan": plan}, days, NOW)
    assert period.last == date(2026, 10, 19)
    assert parts(database) == [(1, 9, None), (10, 19, "A"), (20, 31, "B")]


@ON_BOTH
def test_terms_of_a_later_day_are_shown_on_that_day(database: Database) -> None:
    """Lists and metrics have the old speed until then; a second look changes nothing."""
    with database.write() as connection:
        days = Days(date(2026, 10, 1), since=date(2026, 11, 1))
        speed = {"contracted_download_bits_per_second": 500_000_000}
        change_line(connection, "l1", speed, days, NOW)
        name = "contracted_download_bits_per_second"
        assert shows(connection, "l1")[name] == 300_000_000
        assert show_today(connection, date(2026, 10, 31)) == 0
        assert show_today(connection, date(2026, 11, 1)) == 1
        assert shows(connection, "l1")[name] == 500_000_000
        assert show_today(connection, date(2026, 11, 1)) == 0
        assert shows(connection, "l2")[name] == 300_000_000


@ON_BOTH
@settings(max_examples=12, deadline=None, suppress_health_check=UNDONE)
@given(asked=changes)
def test_whatever_is_changed_lists_show_what_holds_today(
    database: Database, asked: list[tuple[Any, ...]]
) -> None:
    """After each change the columns of `lines` are those of the terms of the day, the days of a
    month are in one part each, and what was recorded before is what it was.
    """
    with contextlib.suppress(_Undone), database.write() as connection:
        said: list[Period] = read_stated(connection, ["l1"])["l1"]
        for number, (since, today, name, value) in enumerate(asked, 1):
            at = NOW + timedelta(hours=number)
            change_line(connection, "l1", {name: value}, Days(today, since), at)
            now = read_stated(connection, ["l1"])["l1"]
            assert now[: len(said)] == said
            assert read_stated(connection, ["l1"], known_at=at - DAY / 48)["l1"] == said
            said = now
            terms = parts_between(said, today, today)[0].terms
            show_today(connection, today)
            assert shows(connection, "l1") == {key: getattr(terms, key) for key in SHOWN}
        found = terms_between(connection, ["l1"], FIRST, LAST)["l1"]
        days = [
            one.first + n * DAY for one in found for n in range((one.last - one.first).days + 1)
        ]
        assert days == [FIRST + number * DAY for number in range(31)]
        raise _Undone


class _Undone(Exception):  # noqa: N818 - undoes an example
    """What an example wrote is not to stay."""


@ON_BOTH
def test_a_registry_that_is_exported_and_imported_is_the_same(
    database: Database, new_ledger: NewLedger
) -> None:
    """With all that was ever stated of terms, wards, people, and how to write to carriers."""
    with database.write() as connection:
        fill_letters(connection, NOW)
        days = Days(date(2026, 10, 25), since=date(2026, 10, 17))
        every: dict[str, Any] = dict.fromkeys(TERMS_FIELDS, "7")
        every |= {name: 8 for name in TERMS_FIELDS if name.endswith("per_second")}
        change_line(connection, "l1", every | {"contract_since": FIRST}, days, NOW + DAY)
    first = database.read_now(export_registry)
    read = RegistryFile.model_validate_json(first.model_dump_json(by_alias=True))
    with contextlib.closing(Database(new_ledger())) as other:
        with other.write() as connection:
            import_registry(connection, read, NOW + 2 * DAY, date(2026, 10, 20))
            assert shows(connection, "l1")["plan"] == "7"
        assert other.read_now(export_registry) == first
        assert parts(other) == parts(database) == [(1, 16, None), (17, 31, "7")]
        with other.write() as connection:
            counts = import_registry(connection, read, NOW + 3 * DAY)
        assert all(added == 0 for added, _ in counts.values())
        assert other.read_now(export_registry) == first
    assert [person.name for person in first.persons] == [PERSON["name"]]


@ON_BOTH
def test_of_two_who_state_at_once_both_are_kept(database: Database) -> None:
    """Statements of one transaction are numbered in their order, and the last one holds."""
    with database.write() as connection:
        stated = [("l1", Period(FIRST, None, Terms(plan=plan))) for plan in "ABC"]
        state(connection, stated, NOW, FIRST)
        numbers = select(schema.line_terms.c.number).where(schema.line_terms.c.line_id == "l1")
        assert sorted(connection.scalars(numbers)) == [1, 2, 3, 4]
        assert shows(connection, "l1")["plan"] == "C"


def test_a_line_without_statements_is_left_alone(database: Database) -> None:
    """What `lines` shows of it stays, as there is nothing that says otherwise."""
    row = {"id": "l3", "site_id": "nvh-1", "carrier_id": "vnpt", "technology": "fibre"}
    with database.write() as connection:
        connection.execute(insert(schema.lines).values(**row, plan="P", created_at=NOW))
        show_today(connection, FIRST)
        assert shows(connection, "l3")["plan"] == "P"
