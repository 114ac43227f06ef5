"""The page of what became of a month's complaints, for operators: carrier by carrier."""

import re
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy import Connection

from collector import keys
from collector.cases.calendar import rules, vietnam
from collector.cases.statistics import Counted, of_month
from collector.ledger.cases import read_months
from collector.web.visit import BadParameterError, receive_operator

_MONTH: Final = re.compile(r"2\d{3}-(0[1-9]|1[0-2])", re.ASCII)


async def show_months(request: web.Request) -> web.Response:
    """Answer the page of a month, ``month=2026-10``; of the newest that has a complaint without."""
    visit = await receive_operator(request)
    asked = request.query.get("month")
    if asked is not None and not _MONTH.fullmatch(asked):
        raise BadParameterError("month", "is no month as 2026-10")
    settings = request.app[keys.SETTINGS]
    calendar = vietnam(settings.cases.days_off)
    today = request.app[keys.NOW]().astimezone(ZoneInfo(settings.timezone)).date()

    def read(connection: Connection) -> tuple[str | None, list[str], list[Counted]]:
        months = read_months(connection)
        month = asked or (months[0] if months else None)
        return month, months, of_month(connection, month, calendar, today) if month else []

    month, months, found = await request.app[keys.DATABASE].read(read)
    words = visit.words
    title = words.text("case_months_title")
    if month:
        title = words.text("case_month_title", month=shown(month))
    return visit.page(
        "case_months.html",
        {
            "title": title,
            "found": found,
            "older": max((one for one in months if month and one < month), default=None),
            "newer": min((one for one in months if month and one > month), default=None),
            "rules": rules(),
            "shown": shown,
        },
    )


def shown(month: str) -> str:
    """Return a month as people write it: 10/2026."""
    return f"{date.fromisoformat(f'{month}-01'):%m/%Y}"
