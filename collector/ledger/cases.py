"""Cases as the ledger keeps them: rows, events, lines and files, in a caller's transaction.

Events and files are only ever added. A case's state is a copy of what its events say, for lists:
`add_event` alone writes it, in the same transaction.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, insert, inspect, select, update

from collector.domain.cases.steps import Event, Role, State, Step, WrongStepError, following
from collector.errors import CaseError
from collector.ledger.schema import case_events, case_files, case_lines, cases, facts

MAX_FILE_BYTES: Final = 20 * 1024 * 1024
"""Of one file that is kept in the ledger; larger ones are kept beside it, by their hash."""

MOST_MONTHS: Final = 1200
"""A century's."""

_AT_ONCE: Final = 500
"""Cases whose events are asked for in one query."""


class CaseLine(NamedTuple):
    """A line of a complaint.

    Attributes:
        findings: what the month's summary said of it, see `collector.cases.opening`.
    """

    line: str
    site: str
    findings: Sequence[Mapping[str, Any]]


class KeptFile(NamedTuple):
    """A file of a case, without what is in it.

    Attributes:
        kind: folder (as the month's folder had it), signed (the letter that went out) or answer.
        is_kept: whether its content is here; else see `collector.ledger.large_files`.
    """

    number: int
    kind: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    is_kept: bool
    added_at: datetime


class NewFile(NamedTuple):
    """A file to be kept; content is None where it is too large."""

    kind: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Case:
    """A case with its events.

    Attributes:
        month: as 2026-10.
        ward: that it is of; None: of all.
    """

    id: int
    carrier_id: str
    carrier_name: str
    month: str
    ward: str | None
    state: State
    opened_at: datetime
    events: Sequence[Event]


def new_file(kind: str, name: str, media_type: str, content: bytes) -> NewFile:
    """Return a file whose content is kept.

    Raises:
        CaseError: it is larger than `MAX_FILE_BYTES`.
    """
    if len(content) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024**2
        raise CaseError(f"{name}: is larger than the {most} MiB that a case keeps of one file")
    digest = hashlib.sha256(content).hexdigest()
    return NewFile(kind, name, media_type, digest, len(content), content)


def open_case(
    connection: Connection,
    row: Mapping[str, Any],
    lines: Iterable[CaseLine],
    files: Iterable[NewFile],
    event: Event,
) -> int:
    """Add a case; return its number.

    Args:
        connection: that writes.
        row: carrier_id, carrier_name, month and ward.
        lines: that failed.
        files: of the month's folder.
        event: the first one.

    Raises:
        CaseError: there is an open case for the same.
    """
    # Of two at the same moment on PostgreSQL one waits, and numbers behind.
    connection.execute(select(facts.c.name).where(facts.c.name == "ledger_id").with_for_update())
    same = [cases.c[name] == row[name] for name in ("carrier_id", "month")]
    same.append(cases.c.ward.is_not_distinct_from(row["ward"]))
    query = select(cases.c.id).where(*same, cases.c.state != State.CLOSED.value)
    if (other := connection.scalar(query)) is not None:
        raise CaseError(
            f"case {other} is of the same carrier, month and ward: go on with it, or close it "
            f"first: linewatch case close {other} --note WHY"
        )
    number = int(connection.scalar(select(func.coalesce(func.max(cases.c.id), 0))) or 0) + 1
    values = {**row, "id": number, "state": State.DRAFT.value, "opened_at": event.at}
    connection.execute(insert(cases).values(values))
    for line in lines:
        findings = json.dumps(list(line.findings), ensure_ascii=False, sort_keys=True)
        connection.execute(
            insert(case_lines).values(
                case_id=number, line_id=line.line, site=line.site, findings=findings
            )
        )
    for file in files:
        add_file(connection, number, file, event.at)
    _insert_event(connection, number, event)
    return number


def add_event(  # noqa: PLR0913 - each is a column
    connection: Connection,
    case: int,
    step: Step,
    *,
    at: datetime,
    day: date,
    role: Role,
    note: str = "",
    details: Mapping[str, Any] | None = None,
) -> Event:
    """Add a step to a case and bring its state to where that leads.

    Args:
        connection: that writes.
        case: its number.
        step: what happened.
        at: the moment of noting it.
        day: the local day on which it happened.
        role: who did it.
        note: in their words.
        details: for machines.

    Raises:
        CaseError: there is no such case, or the step does not follow its state.
    """
    found = _locked(connection, case)
    try:
        state = following(case, State(found.state), step)
    except WrongStepError as error:
        raise CaseError(str(error)) from None
    newest = select(func.max(case_events.c.number)).where(case_events.c.case_id == case)
    number = int(connection.scalar(newest) or 0) + 1
    event = Event(number, step, at, day, role, note, details or {})
    _insert_event(connection, case, event)
    connection.execute(update(cases).where(cases.c.id == case).values(state=state.value))
    return event


def _locked(connection: Connection, case: int) -> Row[Any]:
    """Return a case's row; until the end of the transaction nobody else adds to the case."""
    row = connection.execute(select(cases).where(cases.c.id == case).with_for_update()).first()
    if row is None:
        raise CaseError(f"there is no case {case}: 'linewatch case list --all' has them all")
    return row


def _insert_event(connection: Connection, case: int, event: Event) -> None:
    connection.execute(
        insert(case_events).values(
            case_id=case,
            number=event.number,
            step=event.step.value,
            at=event.at,
            day=event.day.isoformat(),
            role=event.role.value,
            note=event.note,
            details=json.dumps(dict(event.details), ensure_ascii=False, sort_keys=True),
        )
    )


def add_file(connection: Connection, case: int, file: NewFile, at: datetime) -> int:
    """Keep a file with a case; return its number there."""
    newest = select(func.max(case_files.c.number)).where(case_files.c.case_id == case)
    number = int(connection.scalar(newest) or 0) + 1
    connection.execute(
        insert(case_files).values(case_id=case, number=number, added_at=at, **file._asdict())
    )
    return number


# --- Reading --------------------------------------------------------------------------------------


def read_case(connection: Connection, case: int) -> Case:
    """Return a case.

    Raises:
        CaseError: there is none of this number.
    """
    row = connection.execute(select(cases).where(cases.c.id == case)).first()
    if row is None:
        raise CaseError(f"there is no case {case}: 'linewatch case list --all' has them all")
    return _case(row, _events(connection, [case])[case])


def read_cases(
    connection: Connection,
    *,
    states: Collection[State] | None = None,
    month: str | None = None,
    before: int | None = None,
    most: int | None = None,
) -> list[Case]:
    """Return cases, the newest first.

    Args:
        connection: to read with.
        states: in which they are; None: any.
        month: that they complain about; None: any.
        before: only those of a smaller number.
        most: how many at most.
    """
    query = select(cases).order_by(cases.c.id.desc())
    if states is not None:
        query = query.where(cases.c.state.in_([one.value for one in states]))
    if month is not None:
        query = query.where(cases.c.month == month)
    if before is not None:
        query = query.where(cases.c.id < before)
    rows = connection.execute(query.limit(most)).all()
    events = _events(connection, [row.id for row in rows])
    return [_case(row, events[row.id]) for row in rows]


def read_months(connection: Connection) -> list[str]:
    """Return the months that cases are about, the newest first."""
    query = select(cases.c.month).distinct().order_by(cases.c.month.desc())
    return list(connection.scalars(query.limit(MOST_MONTHS)))


def _case(row: Row[Any], events: Sequence[Event]) -> Case:
    return Case(
        row.id,
        row.carrier_id,
        row.carrier_name,
        row.month,
        row.ward,
        State(row.state),
        row.opened_at,
        events,
    )


def _events(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = defaultdict(list)
    for first in range(0, len(numbers), _AT_ONCE):
        query = select(case_events).where(
            case_events.c.case_id.in_(numbers[first : first + _AT_ONCE])
        )
        for row in connection.execute(query.order_by(case_events.c.case_id, case_events.c.number)):
            found[row.case_id].append(
                Event(
                    row.number,
                    Step(row.step),
                    row.at,
                    date.fromisoformat(row.day),
                    Role(row.role),
                    row.note,
                    json.loads(row.details),
                )
            )
    return found


def read_lines(connection: Connection, case: int) -> list[CaseLine]:
    """Return the lines of a case, by their names."""
    query = select(case_lines).where(case_lines.c.case_id == case).order_by(case_lines.c.line_id)
    return [
        CaseLine(row.line_id, row.site, json.loads(row.findings))
        for row in connection.execute(query)
    ]


def read_files(connection: Connection, case: int) -> list[KeptFile]:
    """Return the files of a case, without what is in them."""
    names = [name for name in KeptFile._fields if name != "is_kept"]
    columns = [case_files.c[name] for name in names]
    query = select(*columns, case_files.c.content.is_not(None).label("is_kept"))
    query = query.where(case_files.c.case_id == case).order_by(case_files.c.number)
    return [KeptFile(**row) for row in connection.execute(query).mappings()]


def read_beside(connection: Connection) -> list[tuple[int, str, str]]:
    """Return case, name and SHA-256 of each file that the ledger has no content of, in order.

    A ledger of before there were cases has none.
    """
    if not inspect(connection).has_table(case_files.name):
        return []
    query = select(case_files.c.case_id, case_files.c.name, case_files.c.sha256)
    query = query.where(case_files.c.content.is_(None))
    found = connection.execute(query.order_by(case_files.c.case_id, case_files.c.number))
    return [(row.case_id, row.name, row.sha256) for row in found]


def read_content(connection: Connection, case: int, number: int) -> bytes | None:
    """Return what is in a file of a case; None: it is not kept, or there is none."""
    found: bytes | None = connection.scalar(
        select(case_files.c.content).where(
            case_files.c.case_id == case, case_files.c.number == number
        )
    )
    return None if found is None else bytes(found)
