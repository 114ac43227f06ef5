"""Puts mail into the outbox: a case's complaint, reminders of deadlines. Each once, for ever."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from collector.cases.calendar import rules
from collector.cases.composing import (
    Text,
    compose_complaint,
    compose_reminder,
    message_id,
)
from collector.cases.outgoing import COMPLAINT
from collector.domain.cases.deadlines import Deadline, Standing, deadlines
from collector.domain.cases.steps import OPEN, Role, State, Step, first_of
from collector.domain.cases.working_days import WorkingDays
from collector.errors import CaseError
from collector.ledger import cases, outbox
from collector.ledger.cases import Case
from collector.ledger.large_files import LargeFiles
from collector.ledger.schema import carriers, facts, persons, wards
from collector.settings import ADDRESS_FORM, MailSettings

REMINDED_OF: Final = (Standing.NEAR, Standing.OVER)


class Due(NamedTuple):
    """A deadline of a case that is near or over.

    Attributes:
        key: of its reminder.
        recipients: clerks that have an address, of the wards whose lines failed.
        is_queued: whether its reminder is in the outbox, or was.
    """

    case: Case
    deadline: Deadline
    key: str
    recipients: Sequence[str]
    is_queued: bool


def queue_complaint(
    connection: Connection,
    number: int,
    settings: MailSettings,
    large: LargeFiles,
    role: Role,
    now: datetime,
) -> outbox.Mail:
    """Put a case's complaint into the outbox, or the one that was given up back into it.

    That one is composed anew: to whom, from whom and with what is said now. Where nothing of it
    changed it is the same mail.

    Args:
        connection: that writes.
        number: of the case.
        settings: of mail.
        large: what is linked is there from now on.
        role: who sends it.
        now: this moment, in the zone of the lines.

    Raises:
        CaseError: the case is not approved, mail is not set up, there is no address, or a file
            that is to be linked is not kept.
    """
    case = cases.read_case(connection, number)
    _refuse_but_approved(case)
    sender = _sender(settings)
    key = f"{COMPLAINT}{number}"
    give_up_at = now + timedelta(hours=settings.give_up_hours)
    mail = outbox.read(connection, key)
    if mail is not None and mail.state == outbox.WAITING:
        raise CaseError(
            f"case {number} is in the outbox already ({mail.tries} attempts"
            f"{f', the last: {mail.problem}' if mail.problem else ''}): a running collector sends "
            f"it, or 'linewatch case send {number} --now'"
        )
    recipient = _recipient(connection, case)
    text = compose_complaint(
        case,
        cases.read_lines(connection, number),
        cases.read_files(connection, number),
        settings,
    )
    _keep_linked(connection, number, text.linked, large)
    posting = _Posting([recipient], sender, now, give_up_at, mail is not None)
    _put(connection, key, case, text, posting)
    found = outbox.read(connection, key)
    if found is None:
        raise CaseError(f"case {number}: its mail is gone from the outbox")
    cases.add_event(
        connection,
        number,
        Step.QUEUED,
        at=now,
        day=now.date(),
        role=role,
        details={"to": list(found.recipients), "message_id": found.message_id},
    )
    return found


def _keep_linked(
    connection: Connection, case: int, files: Sequence[cases.KeptFile], large: LargeFiles
) -> None:
    """Have files where a mail says that they are."""
    for one in files:
        content = cases.read_content(connection, case, one.number)
        if content is not None:
            large.keep_content(content, one.sha256, one.name)
        elif large.find(one.sha256, one.name) is None:
            raise CaseError(
                f"case {case}: {one.name} is not in {large.folder.absolute()}, where it would be "
                f"linked: put the file with this SHA-256 there as "
                f"{large.name(one.sha256, one.name)}, or close the case and open it again"
            )


def withdraw_complaint(connection: Connection, number: int, now: datetime) -> None:
    """Send a case's mail no more, where one waits: its complaint went by post.

    Raises:
        CaseError: a server is given it at this moment.
    """
    if not outbox.withdraw(connection, f"{COMPLAINT}{number}", "it went by post", now):
        raise CaseError(
            f"case {number}: its mail is being sent just now: look by 'linewatch case show "
            f"{number}' whether it was sent; where it still waits in ten minutes, ask again"
        )


def _refuse_but_approved(case: Case) -> None:
    if case.state is State.DRAFT:
        raise CaseError(
            f"case {case.id} is a draft: approve it first: linewatch case approve {case.id}"
        )
    if case.state is State.CLOSED:
        raise CaseError(f"case {case.id} is closed: open another from a later month")
    if case.state is not State.APPROVED:
        raise CaseError(f"case {case.id} was sent already: it is {case.state.value}")


def _sender(settings: MailSettings) -> str:
    if settings.host is None or settings.sender is None:
        raise CaseError(
            "no mail is set up: see collector.mail.host and collector.mail.sender; what goes by "
            "post is noted by: linewatch case send NUMBER --by-post"
        )
    return settings.sender


def _recipient(connection: Connection, case: Case) -> str:
    found = connection.scalar(
        select(carriers.c.complaint_email).where(carriers.c.id == case.carrier_id)
    )
    if not found or not ADDRESS_FORM.fullmatch(found):
        raise CaseError(
            f"carrier '{case.carrier_id}' has no e-mail for complaints: "
            f"linewatch carrier set {case.carrier_id} --complaint-email ADDRESS"
        )
    return str(found)


class _Posting(NamedTuple):
    """To whom, from whom, from when until when, and whether in place of what was given up."""

    recipients: Sequence[str]
    sender: str
    now: datetime
    give_up_at: datetime
    again: bool = False


def _put(connection: Connection, key: str, case: Case, text: Text, posting: _Posting) -> bool:
    ledger = str(connection.scalar(select(facts.c.value).where(facts.c.name == "ledger_id")))
    # Another recipient or another text is another mail: a server that knows the id drops it.
    what = [key, *posting.recipients, posting.sender, *map(str, text.files)]
    what += [text.subject, text.body]
    return outbox.put(
        connection,
        key,
        case.id,
        message_id=message_id("\n".join(what), ledger, posting.sender),
        subject=text.subject,
        body=text.body,
        files=text.files,
        **posting._asdict(),
    )


def find_due(connection: Connection, calendar: WorkingDays, now: datetime) -> list[Due]:
    """Return the deadlines of open cases that are near or over.

    Args:
        connection: to read with.
        calendar: which days are working days.
        now: this moment, in the zone of the lines.
    """
    queued = outbox.keys(connection, "reminder/")
    found = []
    clerks: dict[str, list[str]] = {}
    for case in cases.read_cases(connection, states=OPEN):
        for one in deadlines(rules(), case.events, calendar, now.date()):
            if one.standing not in REMINDED_OF:
                continue
            recipients: dict[str, None] = {}
            for ward in _wards(case):
                if ward not in clerks:
                    clerks[ward] = _clerks(connection, ward)
                recipients |= dict.fromkeys(clerks[ward])
            key = f"reminder/{case.id}/{one.rule.id}/{one.standing.value}"
            found.append(Due(case, one, key, list(recipients), key in queued))
    return found


def _wards(case: Case) -> Sequence[str]:
    """Return the wards whose lines failed: no other's clerks hear of a case."""
    if case.ward is not None:
        return [case.ward]
    opened = first_of(case.events, Step.OPENED)
    return opened.details.get("wards", []) if opened else []


def _clerks(connection: Connection, ward: str) -> list[str]:
    """Return the addresses of a ward's clerks."""
    query = select(persons.c.email).join(wards, wards.c.id == persons.c.ward_id)
    query = query.where(persons.c.role == "clerk", persons.c.email.is_not(None))
    query = query.where(wards.c.name == ward)
    found = connection.scalars(query.order_by(persons.c.id))
    return [address for address in found if ADDRESS_FORM.fullmatch(address)]


def queue_reminders(
    connection: Connection, calendar: WorkingDays, settings: MailSettings, now: datetime
) -> list[Due]:
    """Put a reminder of each deadline that is near or over into the outbox, once each.

    Returns:
        Those that are new there.

    Raises:
        CaseError: mail is not set up.
    """
    sender = _sender(settings)
    give_up_at = now + timedelta(hours=settings.give_up_hours)
    new = []
    for due in find_due(connection, calendar, now):
        if due.is_queued or not due.recipients:
            continue
        text = compose_reminder(due.case, due.deadline)
        posting = _Posting(due.recipients, sender, now, give_up_at)
        if _put(connection, due.key, due.case, text, posting):
            cases.add_event(
                connection,
                due.case.id,
                Step.REMINDED,
                at=now,
                day=now.date(),
                role=Role.SYSTEM,
                details={"rule": due.deadline.rule.id, "standing": due.deadline.standing.value},
            )
            new.append(due)
    return new
