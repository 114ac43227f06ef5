"""The pages of complaints, for operators: all cases, one case, the files that it keeps."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import Connection

from collector import keys
from collector.beside import done_beside
from collector.cases.calendar import rules, vietnam
from collector.cases.remeasuring import measure_again, mended_on
from collector.domain.cases.deadlines import GONE, Deadline, Standing, deadlines
from collector.domain.cases.mended import Outcome
from collector.domain.cases.steps import OPEN, State, Step, first_of, last_of
from collector.errors import CaseError, StandardError
from collector.ledger import cases, outbox
from collector.ledger.cases import Case, CaseLine
from collector.ledger.database import Database
from collector.ledger.large_files import large_files
from collector.reports.standards import read_standards
from collector.settings import CollectorSettings
from collector.web.case_findings import Failed, failed_by
from collector.web.visit import Visit, receive_operator

AGAIN_SECONDS: Final = 60.0
"""How long a comparison may take that a page asks for; the command has no such limit."""

_SHOWN: Final = 100
_KILOBYTE: Final = 1024


async def show_cases(request: web.Request) -> web.Response:
    """Answer the page of all cases: open ones, or with ``all=1`` closed ones too."""
    visit = await receive_operator(request)
    with_closed = "all" in request.query
    before = re.fullmatch(r"\d{1,9}", request.query.get("before", ""), re.ASCII)
    found = await request.app[keys.DATABASE].read(
        lambda connection: cases.read_cases(
            connection,
            states=None if with_closed else OPEN,
            before=int(before[0]) if before else None,
            most=_SHOWN,
        )
    )
    rows = [_row(request, case) for case in found]
    return visit.page(
        "cases.html",
        {
            "title": visit.words.text("cases_title"),
            "rows": rows,
            "with_closed": with_closed,
            "before": found[-1].id if len(found) == _SHOWN else None,
            "class_of": class_of,
        },
    )


def _row(request: web.Request, case: Case) -> dict[str, Any]:
    waiting = [
        one for one in _deadlines(request, case) if one.met_on is None and one.standing not in GONE
    ]
    sent = first_of(case.events, Step.SENT)
    return {"case": case, "sent": sent and sent.day, "deadline": waiting[0] if waiting else None}


def _deadlines(request: web.Request, case: Case) -> list[Deadline]:
    calendar = vietnam(request.app[keys.SETTINGS].cases.days_off)
    return deadlines(rules(), case.events, calendar, _local_now(request).date())


def _local_now(request: web.Request) -> datetime:
    return request.app[keys.NOW]().astimezone(ZoneInfo(request.app[keys.SETTINGS].timezone))


def class_of(standing: Standing) -> str:
    """Return the colour of a deadline, beside its words."""
    if standing in (Standing.OVER, Standing.LATE, Standing.MISSED):
        return "bad"
    return {Standing.NEAR: "near", Standing.KEPT: "good"}.get(standing, "")


async def show_case(request: web.Request) -> web.Response:
    """Answer the page of a case; with ``again=1`` its lines are measured again."""
    visit = await receive_operator(request)
    number = int(request.match_info["case"])
    try:
        told = await request.app[keys.DATABASE].read(lambda connection: _read(connection, number))
    except CaseError:
        raise web.HTTPNotFound from None
    case: Case = told["case"]
    large = large_files(request.app[keys.SETTINGS])
    month = f"{date.fromisoformat(f'{case.month}-01'):%m/%Y}"
    title = visit.words.text("case_title", case=number, carrier=case.carrier_name, month=month)
    return visit.page(
        "case.html",
        {
            "title": title,
            **told,
            "deadlines": _deadlines(request, case),
            "class_of": class_of,
            "kilobytes": lambda size: max(1, round(size / _KILOBYTE)),
            "details": lambda event: _details(visit, event.details),
            "is_here": lambda one: one.is_kept or large.find(one.sha256, one.name),
            "failed_by": await _failed_by(request, visit),
            **await _again(request, visit, case),
        },
    )


async def _failed_by(request: web.Request, visit: Visit) -> Callable[[CaseLine], list[Failed]]:
    """Return what tells by what a line fails, in the words of the standards."""
    folder = request.app[keys.SETTINGS].reports.standards
    try:
        files = await asyncio.to_thread(read_standards, folder)
    except StandardError:
        # Somebody is at work on a file: the page stays, with ids.
        files = []
    standards = {(one.standard.id, one.standard.version): one.standard for one in files}
    return lambda line: list(failed_by(line.findings, standards, visit.words.language))


def _details(visit: Visit, details: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a step is noted with, besides its note; no address of a mail."""
    text = visit.words.text
    if number := details.get("letter_number"):
        yield text("step_number", number=number)
    if isinstance(to := details.get("to"), str):
        yield text("step_to", to=to)
    if details.get("by") == "post":
        yield text("step_by_post")
    if day := details.get("mended"):
        yield text("step_mended", day=visit.words.day(date.fromisoformat(day)))
    if isinstance(lines := details.get("lines"), list):
        better = sum(one["outcome"] == Outcome.BETTER for one in lines)
        yield text("step_better", better=better, lines=len(lines))
    if problem := details.get("problem"):
        yield str(problem)


def _read(connection: Connection, number: int) -> dict[str, Any]:
    return {
        "case": cases.read_case(connection, number),
        "lines": cases.read_lines(connection, number),
        "files": cases.read_files(connection, number),
        "mails": outbox.of_case(connection, number),
    }


async def _again(request: web.Request, visit: Visit, case: Case) -> dict[str, Any]:
    """Return the lines before and after: as it was noted, or as it is today where asked for."""
    noted = last_of(case.events, Step.REMEASURED)
    shown: dict[str, Any] = {
        "since": None,
        "again": list(noted.details["lines"]) if noted else None,
        "is_noted": noted is not None,
        "value": lambda one, name: _value(visit, one, name),
    }
    with contextlib.suppress(CaseError):
        shown["since"] = mended_on(case)
    if "again" in request.query and shown["since"] is not None and case.state is not State.CLOSED:
        work = (request.app[keys.SETTINGS], case.id, _local_now(request))
        shown["again"] = await done_beside(AGAIN_SECONDS, again_of, *work)
        shown["is_noted"] = False
    return shown


def again_of(settings: CollectorSettings, number: int, now: datetime) -> list[dict[str, Any]]:
    """Return a case's lines, measured again: in a process of its own, as it may take a while.

    Raises:
        LedgerError: the ledger does not answer.
    """
    with contextlib.closing(Database(settings.ledger)) as database:
        case = database.read_now(lambda connection: cases.read_case(connection, number))
        lines = database.read_now(lambda connection: cases.read_lines(connection, number))
        standards = read_standards(settings.reports.standards)
        # A moment with its zone by name, which days are of.
        moment = now.astimezone(ZoneInfo(settings.timezone))
        return [one.told() for one in measure_again(database, case, lines, standards, moment)]


def _value(visit: Visit, one: dict[str, Any], name: str) -> str:
    value = one[name]
    if one["quantity"] in ("download", "upload"):
        return visit.words.speed(value)
    return visit.words.latency(value)


async def send_file(request: web.Request) -> web.StreamResponse:
    """Answer a file that a case keeps, to be saved and never shown: it may be anybody's."""
    await receive_operator(request)
    case, number = (int(request.match_info[name]) for name in ("case", "file"))
    database = request.app[keys.DATABASE]
    files = await database.read(lambda connection: cases.read_files(connection, case))
    content = await database.read(lambda connection: cases.read_content(connection, case, number))
    found = next((one for one in files if one.number == number), None)
    if found is None:
        raise web.HTTPNotFound
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="case-{case}-{number}"; '
        f"filename*=UTF-8''{quote(found.name, safe='')}",
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if content is not None:
        return web.Response(body=content, headers=headers)
    place = large_files(request.app[keys.SETTINGS]).find(found.sha256, found.name)
    if place is None:
        raise web.HTTPNotFound
    return web.FileResponse(place, headers=headers)
