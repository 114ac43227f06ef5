"""`linewatch case approve|send|acknowledge|answer|remeasure|escalate|close|remind`."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection

from collector.cases.calendar import vietnam
from collector.cases.opening import media_type_of
from collector.cases.outgoing import COMPLAINT, Outgoing, Tried
from collector.cases.posting import find_due, queue_complaint, queue_reminders, withdraw_complaint
from collector.cases.remeasuring import LineAgain, all_said, measure_again, refuse_mended
from collector.commands.cases import by_role, local_now, with_note
from collector.commands.ledger import now, opened, write_beside
from collector.commands.words import DAY
from collector.domain.cases.mended import Outcome, Why
from collector.domain.cases.steps import (
    Role,
    Step,
    WrongRoleError,
    check_approver,
    first_of,
    following,
)
from collector.errors import CaseError
from collector.ledger import cases, outbox
from collector.ledger.cases import MAX_FILE_BYTES, NewFile, new_file
from collector.ledger.database import Database
from collector.ledger.large_files import large_files
from collector.reports.standards import read_standards
from collector.settings import CollectorSettings
from collector.sinks.running import own_name
from protocol.settings import Configuration

_FILE = click.Path(path_type=Path, dir_okay=False)
_case = click.argument("case", type=click.IntRange(min=1))
_on = click.option("--on", type=DAY, help="The day on which it happened. Default: today.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_files = click.option(
    "--file", "files", multiple=True, type=_FILE, help="To be kept with the case; several times."
)

Command = TypeVar("Command", bound=Callable[..., Any])


def _noted(command: Command) -> Command:
    """Give a command what each step of a carrier or an authority is noted with."""
    made: Any = command
    for decorate in (click.pass_obj, with_note, by_role, _files, _on, _case):
        made = decorate(made)
    noted: Command = made
    return noted


def _read(place: Path, kind: str) -> NewFile:
    try:
        with place.open("rb") as file:
            # One byte more than may be: that tells.
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CaseError(f"{place}: cannot be read: {error.strerror}") from None
    return new_file(kind, place.name, media_type_of(place.name), content)


def _step(  # noqa: PLR0913 - what a step is noted with
    configuration: Configuration,
    case: int,
    step: Step,
    *,
    role: str,
    note: str,
    on: date | None = None,
    files: Sequence[NewFile] = (),
    details: dict[str, Any] | None = None,
    mended: date | None = None,
) -> None:
    """Note a step of a case, with the files that belong to it."""
    with opened(configuration) as (database, settings), database.write() as connection:
        at = local_now(settings)
        day = on or at.date()
        _refuse_impossible(connection, case, step, day, at.date())
        if mended is not None:
            refuse_mended(cases.read_case(connection, case), mended, at.date())
            details = {**(details or {}), "mended": mended.isoformat()}
        numbers = [cases.add_file(connection, case, file, at) for file in files]
        told = {**(details or {}), **({"files": numbers} if numbers else {})}
        cases.add_event(
            connection, case, step, at=at, day=day, role=Role(role), note=note, details=told
        )
        if step is Step.SENT:
            withdraw_complaint(connection, case, at)
        if step is Step.CLOSED:
            outbox.cancel(connection, case, "the case was closed first")
        state = cases.read_case(connection, case).state
    click.secho(f"case {case}: {step.value} on {day}; it is {state.value} now", fg="green")


def _refuse_impossible(
    connection: Connection, number: int, step: Step, day: date, today: date
) -> None:
    """Raise `CaseError` where a step does not follow, or its day cannot be."""
    case = cases.read_case(connection, number)
    try:
        following(number, case.state, step)
    except ValueError as error:
        raise CaseError(str(error)) from None
    if day > today:
        raise CaseError(f"{day} is not over: what has not happened is not noted")
    sent = first_of(case.events, Step.SENT)
    if sent is not None and day < sent.day:
        raise CaseError(f"case {number} was sent on {sent.day}: {day} is before that")


@click.command(epilog="Example: linewatch case approve 3 --by signer --letter signed.pdf")
@_case
@click.option("--letter", type=_FILE, help="The letter as it was signed: goes out in its place.")
@click.option(
    "--unsigned",
    is_flag=True,
    help="There is none as a file. By e-mail the letter.pdf goes out as it was made.",
)
@click.option("--number", "letter_number", help="The number that the letter was given.")
@by_role
@with_note
@click.pass_obj
def case_approve(
    configuration: Configuration,
    case: int,
    letter: Path | None,
    unsigned: bool,
    letter_number: str | None,
    role: str,
    note: str,
) -> None:
    """Note that a complaint may go out, and keep the signed letter.

    That is the signer's to say. His signature on the letter says it, and a clerk may file it;
    --unsigned is for the signer alone ('--by signer'), and a technician approves nothing.
    """
    if (letter is None) is not unsigned:
        raise click.UsageError(
            "name the signed letter by --letter FILE, or say --unsigned: without number, day and "
            "signature a letter binds nobody"
        )
    try:
        check_approver(case, Role(role), is_signed=letter is not None)
    except WrongRoleError as error:
        raise CaseError(str(error)) from None
    files = [_read(letter, "signed")] if letter else []
    details = {"letter_number": letter_number} if letter_number else None
    _step(configuration, case, Step.APPROVED, role=role, note=note, files=files, details=details)
    if unsigned:
        click.secho(
            "unsigned: by e-mail the folder's letter.pdf goes out as it is, without number, day "
            "and signature",
            fg="yellow",
        )
    click.echo(f"next: linewatch case send {case} (by e-mail), or --by-post")


@click.command(epilog="Example: linewatch case send 3 --now")
@_case
@click.option("--now", "at_once", is_flag=True, help="Send its mail here, and wait for the end.")
@click.option("--by-post", is_flag=True, help="It went otherwise: no mail, only noted.")
@_on
@by_role
@with_note
@click.pass_obj
def case_send(
    configuration: Configuration,
    case: int,
    at_once: bool,
    by_post: bool,
    on: date | None,
    role: str,
    note: str,
) -> None:
    """Send a complaint by e-mail, with letter, annex and evidence.

    It is put into the ledger's outbox, which a running collector sends; --now sends it here.
    """
    if by_post:
        if at_once:
            raise click.UsageError("--now sends a mail; --by-post notes that there was none")
        _step(configuration, case, Step.SENT, role=role, note=note, on=on, details={"by": "post"})
        return
    if on is not None:
        raise click.UsageError("--on belongs to --by-post: a mail's day is that of its sending")
    with opened(configuration) as (database, settings):
        with database.write() as connection:
            waiting = outbox.read(connection, f"{COMPLAINT}{case}")
            if not (at_once and waiting and waiting.state == outbox.WAITING):
                moment, large = local_now(settings), large_files(settings)
                mail = queue_complaint(connection, case, settings.mail, large, Role(role), moment)
                click.echo(f"case {case}: in the outbox, to {', '.join(mail.recipients)}")
        if at_once:
            _send_now(database, settings, case)


def _send_now(database: Database, settings: CollectorSettings, case: int) -> None:
    outgoing = Outgoing(
        database,
        partial(write_beside, database),
        settings.mail,
        holder=own_name(),
        now=now,
        zone=ZoneInfo(settings.timezone),
        chance=Random(),  # noqa: S311 - spreads waits
    )
    tried = asyncio.run(outgoing.turn(case))
    mail = database.read_now(lambda connection: outbox.read(connection, f"{COMPLAINT}{case}"))
    if tried is Tried.SENT:
        click.secho(f"case {case}: sent", fg="green")
        return
    if tried is Tried.NOTHING:
        raise CaseError(f"case {case}: another program is sending its mail just now")
    problem = mail.problem if mail else "it is gone"
    then = "given up" if tried is Tried.GIVEN_UP else "a running collector tries again"
    raise CaseError(f"case {case}: not sent: {problem} ({then})")


@click.command(epilog="Example: linewatch case acknowledge 3 --on 5/10/2026")
@_noted
def case_acknowledge(
    configuration: Configuration,
    case: int,
    on: date | None,
    files: tuple[Path, ...],
    role: str,
    note: str,
) -> None:
    """Note that the carrier has the complaint and takes it up."""
    kept = [_read(file, "answer") for file in files]
    _step(configuration, case, Step.ACKNOWLEDGED, role=role, note=note, on=on, files=kept)


@click.command(epilog="Example: linewatch case answer 3 --file reply.pdf --mended 20/11/2026")
@click.option("--mended", type=DAY, help="The day from which on it is mended, as the carrier says.")
@_noted
def case_answer(
    configuration: Configuration,
    case: int,
    mended: date | None,
    on: date | None,
    files: tuple[Path, ...],
    role: str,
    note: str,
) -> None:
    """Note the carrier's answer, and keep its files with the case."""
    kept = [_read(file, "answer") for file in files]
    _step(
        configuration,
        case,
        Step.ANSWERED,
        role=role,
        note=note,
        on=on,
        files=kept,
        mended=mended,
    )


@click.command(epilog="Example: linewatch case escalate 3 --to 'Sở Khoa học và Công nghệ'")
@click.option("--to", "authority", required=True, help="Which authority it goes to.")
@_noted
def case_escalate(
    configuration: Configuration,
    case: int,
    authority: str,
    on: date | None,
    files: tuple[Path, ...],
    role: str,
    note: str,
) -> None:
    """Note that a case went to an authority above the carrier."""
    kept = [_read(file, "answer") for file in files]
    _step(
        configuration,
        case,
        Step.ESCALATED,
        role=role,
        note=note,
        on=on,
        files=kept,
        details={"to": authority},
    )


@click.command(epilog="Example: linewatch case close 3 --note 'đã khắc phục'")
@_case
@click.option("--note", required=True, help="Why; kept with the step.")
@by_role
@click.pass_obj
def case_close(configuration: Configuration, case: int, note: str, role: str) -> None:
    """Close a case; mail of it that waits is not sent any more."""
    _step(configuration, case, Step.CLOSED, role=role, note=note)


@click.command(epilog="Example: linewatch case remeasure 3")
@_case
@by_role
@with_note
@_as_json
@click.pass_obj
def case_remeasure(
    configuration: Configuration, case: int, role: str, note: str, as_json: bool
) -> None:
    """Compare the complaint's month with the days since the carrier says that it mended.

    Once no line needs more days, and of one at least something can be said, it is noted in the
    case; before that it is only shown, with what is missing.
    """
    with opened(configuration) as (database, settings):
        moment = local_now(settings)
        found = database.read_now(lambda connection: cases.read_case(connection, case))
        lines = database.read_now(lambda connection: cases.read_lines(connection, case))
        standards = read_standards(settings.reports.standards)
        again = measure_again(database, found, lines, standards, moment)
        told = [one.told() for one in again]
        noted = all_said(again)
        if noted:
            with database.write() as connection:
                cases.add_event(
                    connection,
                    case,
                    Step.REMEASURED,
                    at=moment,
                    day=moment.date(),
                    role=Role(role),
                    note=note,
                    details={"lines": told},
                )
    if as_json:
        click.echo(json.dumps({"case": case, "noted": noted, "lines": told}, ensure_ascii=False))
        return
    for one in again:
        click.secho(f"{one.line} ({one.site}): {_sentence(one)}", fg=_COLOURS[one.mended.outcome])
    if not noted:
        is_waiting = any(one.mended.why is Why.FEW_AFTER for one in again)
        then = "ask again when the days are there" if is_waiting else "of no line can it be said"
        click.echo(f"nothing is noted: {then}")


_COLOURS = {Outcome.BETTER: "green", Outcome.NOT_BETTER: "red", Outcome.UNKNOWN: "yellow"}

_WHY = {
    Why.FEW_BEFORE: "too few days of the complaint's month before the mending have a value",
    Why.NO_POWER: "its days differ so much that no number of them would tell",
    Why.NOT_BY_DAYS: "what it failed by has no median of a day",
    Why.NO_STANDARD: "the standard that it failed by is not there any more",
}


def _sentence(one: LineAgain) -> str:
    found = one.mended
    if found.why is Why.FEW_AFTER:
        return f"cannot be said yet: {found.days_missing} more days are needed"
    if found.why is not None:
        return f"cannot be said: {_WHY[found.why]}"
    what = "better" if found.outcome is Outcome.BETTER else "not better"
    limit = {True: ", keeps the limit", False: ", still breaks the limit", None: ""}
    change = (found.after or 0) / (found.before or 1) - 1
    return (
        f"{what} ({change:+.0%}, {found.days_before} days before, {found.days_after} after, "
        f"p = {found.chance:.3f}, power {found.power:.2f}){limit[found.within_limit]}"
    )


@click.command(epilog="Example: linewatch case remind")
@_as_json
@click.pass_obj
def case_remind(configuration: Configuration, as_json: bool) -> None:
    """Put reminders of deadlines that are near or over into the outbox, once each.

    A running collector does it each hour. Without mail the deadlines are only listed.
    """
    with opened(configuration) as (database, settings):
        moment = local_now(settings)
        calendar = vietnam(settings.cases.days_off)
        if settings.mail.host is not None:
            with database.write() as connection:
                queue_reminders(connection, calendar, settings.mail, moment)
        found = database.read_now(lambda connection: find_due(connection, calendar, moment))
    rows = [
        {
            "case": one.case.id,
            "carrier": one.case.carrier_name,
            "rule": one.deadline.rule.id,
            "due": one.deadline.due.isoformat(),
            "standing": one.deadline.standing.value,
            "left": one.deadline.left,
            "clerks": len(one.recipients),
            "queued": one.is_queued,
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        sent = "reminded" if row["queued"] else "no mail: no clerk's address, or none is set up"
        click.echo(
            f"case {row['case']} ({row['carrier']}): {row['rule']} {row['standing']}, "
            f"until {row['due']}: {sent}"
        )
    if not rows:
        click.echo("no deadline is near or over")
