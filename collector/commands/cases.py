"""`linewatch case open|list|show|save|statistics`: complaints, what they hold, how they stand."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection

from collector.cases.calendar import rules, vietnam
from collector.cases.opening import Material, open_from, read_material
from collector.cases.statistics import of_month
from collector.commands.ledger import now, opened
from collector.commands.progress import bars
from collector.commands.tables import show
from collector.domain.cases.deadlines import GONE, Deadline, Standing, deadlines
from collector.domain.cases.mended import Outcome
from collector.domain.cases.steps import OPEN, Event, Role
from collector.domain.findings import Verdict
from collector.errors import CaseError
from collector.ledger import cases, outbox
from collector.ledger.cases import Case
from collector.ledger.large_files import LargeFiles, large_files
from collector.settings import CollectorSettings
from protocol.settings import Configuration

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")

by_role = click.option(
    "--by",
    "role",
    default=Role.CLERK.value,
    show_default=True,
    type=click.Choice([one.value for one in Role if one is not Role.SYSTEM]),
    help="As what you do it.",
)
with_note = click.option("--note", default="", help="In your own words; kept with the step.")

MOST_LISTED: Final = 1000
"""Cases in one list: who has more asks for the open ones."""

_COLOURS: Final = {
    Standing.NEAR: "yellow",
    Standing.OVER: "red",
    Standing.LATE: "red",
    Standing.MISSED: "red",
    Standing.KEPT: "green",
}


def local_now(settings: CollectorSettings) -> datetime:
    """Return this moment on the clock of the lines' zone."""
    return now().astimezone(ZoneInfo(settings.timezone))


@click.command(epilog="Example: linewatch case open /srv/reports/2026-10/vnpt --by clerk")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@by_role
@with_note
@_as_json
@click.pass_obj
def case_open(
    configuration: Configuration, folder: Path, role: str, note: str, as_json: bool
) -> None:
    """Open a case from a carrier's month, FOLDER: OUT/MONTH/CARRIER of 'report monthly'.

    Keeps the lines that fail with what was found of them, and each file of the folder with its
    SHA-256, so that what was complained about stays, whatever is computed later: in the ledger, or
    those above 20 MiB in the folder collector.cases.files.
    """
    with opened(configuration) as (database, settings):
        large = large_files(settings)
        with bars() as add_bar:
            material = read_material(folder, large, add_bar)
        with database.write() as connection:
            number = open_from(connection, material, Role(role), note, local_now(settings))
            kept = cases.read_lines(connection, number)
    summary, beside = material.summary, _beside(material, large)
    if as_json:
        lines = [one.line for one in kept]
        click.echo(json.dumps({"case": number, "lines": lines, "files": beside}))
        return
    click.secho(
        f"case {number} opened: {summary.carrier.name}, {summary.month}, {len(kept)} line(s)",
        fg="green",
    )
    for one in beside:
        click.echo(f"{one['name']}: {one['size_bytes']:,} bytes, kept as {one['kept_as']}")
    if beside:
        click.echo(f"room that is left there: {large.free_bytes:,} bytes")
    click.echo(f"next: linewatch case approve {number} --letter FILE (the signed letter)")


def _beside(material: Material, large: LargeFiles) -> list[dict[str, Any]]:
    """Return the files that are too large for the ledger, and where they are kept."""
    return [
        {
            "name": one.name,
            "size_bytes": one.size_bytes,
            "kept_as": str(large.find(one.sha256, one.name)),
        }
        for one in material.files
        if one.content is None
    ]


@click.command(epilog="Example: linewatch case list --all --json")
@click.option("--all", "with_closed", is_flag=True, help="Closed ones, too.")
@click.option("--month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@_as_json
@click.pass_obj
def case_list(
    configuration: Configuration, with_closed: bool, month: datetime | None, as_json: bool
) -> None:
    """List the cases, the newest first, each with its next deadline."""
    states = None if with_closed else OPEN
    of_month = f"{month:%Y-%m}" if month else None
    with opened(configuration) as (database, settings):
        found = database.read_now(
            lambda c: cases.read_cases(c, states=states, month=of_month, most=MOST_LISTED)
        )
    rows = [_row(case, deadlines_of(case, settings)) for case in found]
    columns = ["id", "carrier", "month", "ward", "state", "sent", "deadline", "left"]
    show(rows, columns, as_json=as_json)


def deadlines_of(case: Case, settings: CollectorSettings) -> list[Deadline]:
    """Return a case's deadlines as they stand today."""
    calendar = vietnam(settings.cases.days_off)
    return deadlines(rules(), case.events, calendar, local_now(settings).date())


def _row(case: Case, found: list[Deadline]) -> dict[str, Any]:
    sent = next((event.day for event in case.events if event.step.value == "sent"), None)
    open_ones = [one for one in found if one.met_on is None and one.standing not in GONE]
    following = open_ones[0] if open_ones else None
    return {
        "id": case.id,
        "carrier": case.carrier_name,
        "carrier_id": case.carrier_id,
        "month": case.month,
        "ward": case.ward,
        "state": case.state.value,
        "sent": sent and sent.isoformat(),
        "deadline": following and following.due.isoformat(),
        "left": following and following.left,
        "deadlines": [_told(one) for one in found],
    }


def _told(one: Deadline) -> dict[str, Any]:
    return {
        "rule": one.rule.id,
        "working_days": one.rule.working_days,
        "verified": one.rule.verified,
        "source": one.rule.source.vi,
        "due": one.due.isoformat(),
        "standing": one.standing.value,
        "met_on": one.met_on and one.met_on.isoformat(),
        "working_days_left": one.left,
    }


@click.command(epilog="Example: linewatch case show 3 --json")
@click.argument("case", type=click.IntRange(min=1))
@_as_json
@click.pass_obj
def case_show(configuration: Configuration, case: int, as_json: bool) -> None:
    """Show a case: its steps, lines, deadlines, files and mail."""
    with opened(configuration) as (database, settings):
        told = database.read_now(lambda connection: _whole(connection, case, settings))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, default=str))
        return
    _print(told)


def _whole(connection: Connection, number: int, settings: CollectorSettings) -> dict[str, Any]:
    case = cases.read_case(connection, number)
    told = _row(case, deadlines_of(case, settings))
    told["events"] = [_event(event) for event in case.events]
    told["lines"] = [one._asdict() for one in cases.read_lines(connection, number)]
    large = large_files(settings)
    told["files"] = [
        {**one._asdict(), "kept_as": place and str(place)}
        for one in cases.read_files(connection, number)
        for place in [None if one.is_kept else large.find(one.sha256, one.name)]
    ]
    told["mail"] = [_mail(one) for one in outbox.of_case(connection, number)]
    return told


def _event(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in Event.__slots__} | {
        "at": event.at.isoformat(timespec="seconds")
    }


def details_in_words(details: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a step is noted with, besides its note."""
    if number := details.get("letter_number"):
        yield f"letter {number}"
    if to := details.get("to"):
        yield f"to {to if isinstance(to, str) else ', '.join(to)}"
    if details.get("by") == "post":
        yield "by post"
    if day := details.get("mended"):
        yield f"mended on {day}"
    if rule := details.get("rule"):
        yield f"{rule} {details['standing']}"
    if isinstance(lines := details.get("lines"), list):
        better = sum(one["outcome"] == Outcome.BETTER for one in lines)
        yield f"{better} of {len(lines)} line(s) better"
    if problem := details.get("problem"):
        yield str(problem)


def _mail(mail: outbox.Mail) -> dict[str, Any]:
    names = ("key", "message_id", "recipients", "subject", "state", "tries", "problem", "next_at")
    return {name: getattr(mail, name) for name in names}


def _print(told: dict[str, Any]) -> None:
    click.secho(f"case {told['id']}: {told['carrier']}, {told['month']}", bold=True)
    click.echo(f"  state: {told['state']}    ward: {told['ward'] or 'all'}")
    for one in told["deadlines"]:
        colour = _COLOURS.get(Standing(one["standing"]))
        sure = "" if one["verified"] else ", chưa kiểm chứng (not verified)"
        what = f"  {one['rule']}: {one['working_days']} working days, until {one['due']}"
        click.secho(f"{what}: {one['standing']} ({one['source']}{sure})", fg=colour)
    click.echo("steps:")
    for event in told["events"]:
        said = [event["note"], *details_in_words(event["details"])]
        noted = ": ".join(["", "; ".join(one for one in said if one)]) if any(said) else ""
        click.echo(f"  {event['day']} {event['step'].value} by {event['role'].value}{noted}")
    click.echo("lines:")
    for line in told["lines"]:
        failed = {
            f"{one['standard']} {one['indicator']}"
            for one in line["findings"]
            if one["verdict"] == Verdict.FAIL
        }
        click.echo(f"  {line['line']} ({line['site']}): {', '.join(sorted(failed))}")
    click.echo("files:")
    for file in told["files"]:
        click.echo(f"  {file['number']}: {file['name']}, {file['size_bytes']} bytes")
        click.echo(f"     SHA-256 {file['sha256']}")
        if file["kept_as"]:
            click.echo(f"     {file['kept_as']}")
        elif not file["is_kept"]:
            click.secho("     its content is NOT kept, nor in collector.cases.files", fg="red")
    for mail in told["mail"]:
        problem = f": {mail['problem']}" if mail["problem"] else ""
        click.echo(f"mail {mail['key']}: {mail['state']}, {mail['tries']} attempts{problem}")


@click.command(epilog="Example: linewatch case save 3 7 /tmp/answer.pdf")
@click.argument("case", type=click.IntRange(min=1))
@click.argument("number", type=click.IntRange(min=1))
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def case_save(configuration: Configuration, case: int, number: int, target: Path) -> None:
    """Write a file of a case, by its NUMBER in 'case show', to TARGET, which is not there yet."""
    with opened(configuration) as (database, settings):
        files = database.read_now(lambda c: cases.read_files(c, case))
        content = database.read_now(lambda c: cases.read_content(c, case, number))
    found = next((one for one in files if one.number == number), None)
    place = found and large_files(settings).find(found.sha256, found.name)
    if content is None and place is None:
        raise CaseError(f"case {case} keeps no file {number}: 'linewatch case show {case}'")
    try:
        with target.open("xb") as file, _read(content, place) as source:
            shutil.copyfileobj(source, file)
            size = file.tell()
    except OSError as error:
        raise CaseError(f"{target}: cannot be written: {error.strerror}") from None
    click.secho(f"{target}: {size} bytes", fg="green")


def _read(content: bytes | None, place: Path | None) -> BinaryIO:
    return place.open("rb") if content is None and place else BytesIO(content or b"")


@click.command(epilog="Example: linewatch case statistics --month 2026-10 --json")
@click.option("--month", required=True, type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM")
@_as_json
@click.pass_obj
def case_statistics(configuration: Configuration, month: datetime, as_json: bool) -> None:
    """Tell of a month's cases per carrier: how many, how fast answered, how many really better."""
    name = f"{month:%Y-%m}"
    with opened(configuration) as (database, settings):
        calendar, today = vietnam(settings.cases.days_off), local_now(settings).date()
        found = database.read_now(lambda c: of_month(c, name, calendar, today))
    if as_json:
        click.echo(json.dumps([asdict(one.month) for one in found], ensure_ascii=False))
        return
    rows = [
        {
            "carrier": called,
            "cases": one.cases,
            "sent": one.sent,
            "answered": one.answered,
            "days to answer": one.days_to_answer,
            "late": sum(one.late.values()),
            "lines better": one.lines["better"],
            "not better": one.lines["not_better"],
            "cannot be said": one.lines["unknown"],
            "escalated": one.escalated,
        }
        for called, one in found
    ]
    columns = ["carrier", "cases", "sent", "answered", "days to answer", "late"]
    show(
        rows, [*columns, "lines better", "not better", "cannot be said", "escalated"], as_json=False
    )
