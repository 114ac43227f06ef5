"""The pages for everybody: the list of lines, one line, the API in a page."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from math import inf
from urllib.parse import urlencode

from aiohttp import web

from collector import keys
from collector.api.document import operations
from collector.api.overview import (
    OVERVIEW,
    PAGE_LINES,
    Filter,
    count_states,
)
from collector.domain import line_state
from collector.domain.line_state import CONTRACT_SHARE, LineState
from collector.domain.standing import Median
from collector.ledger.queries import LineOverview
from collector.web import line_page
from collector.web.axes import Period
from collector.web.i18n import Words
from collector.web.visit import BadParameterError, receive_public

_MOST_PAGES = 10_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


async def show_lines(request: web.Request) -> web.Response:
    """Answer the page of all lines."""
    visit = await receive_public(request)
    chosen = _filter(request)
    overview = request.app[OVERVIEW]
    lines = await overview.lines(request.app)
    in_place = chosen.in_place(lines)
    fitting = chosen.of_state(in_place)
    number = _whole(request, "page", 1, _MOST_PAGES, 1)
    last = max(1, -(-len(fitting) // PAGE_LINES))
    number = min(number, last)
    first = (number - 1) * PAGE_LINES
    kept = {name: value for name, value in _chosen_values(chosen).items() if value}
    return visit.page(
        "lines.html",
        {
            "title": visit.words.text("overview_title"),
            "lines": fitting[first : first + PAGE_LINES],
            "first": first + 1,
            "total": len(fitting),
            "counts": count_states(in_place),
            "chosen": chosen,
            "kept": kept,
            "with_query": lambda **changed: _query(kept, changed),
            "wards": overview.wards,
            "carriers": overview.carriers,
            "page_number": number,
            "page_last": last,
            "page_links": page_links(number, last),
            "rule": rule_texts(visit.words),
            "rule_at_least": visit.words.text("rule_at_least", **_rule_numbers(visit.words)),
            "means": lambda one: state_text(visit.words, one),
            "bar_kind": bar_kind,
        },
    )


def page_links(number: int, last: int) -> list[int | None]:
    """Return the pages that a page leads to: the first, its neighbours, the last; None: a gap."""
    near = sorted({1, last, *range(max(1, number - 1), min(last, number + 1) + 1)})
    links: list[int | None] = [1]
    for before, page in pairwise(near):
        # One page is written, not left out: the gap's sign is as wide as its number.
        links += [before + 1] if page - before == 2 else [None] if page - before > 2 else []  # noqa: PLR2004
        links.append(page)
    return links


async def show_line(request: web.Request) -> web.Response:
    """Answer the page of one line."""
    visit = await receive_public(request)
    found = await request.app[OVERVIEW].line(request.app, request.match_info["line"])
    if found is None:
        raise web.HTTPNotFound
    choice = _choice(request)
    words = visit.words
    page = await request.app[keys.DATABASE].read(
        lambda connection: line_page.build(connection, found, choice, words)
    )
    kept = {
        "period": choice.period.value,
        "until": choice.until.isoformat() if choice.until else None,
        "series": choice.series,
    }
    line = found.line
    return visit.page(
        "line.html",
        {
            "title": words.text("line_title", carrier=line.carrier_name, site=line.site_name),
            "found": found,
            "line": line,
            "page": page,
            "choice": choice,
            "periods": list(Period),
            "heat_days": line_page.HEAT_DAYS,
            "with_query": lambda **changed: _query(kept, changed),
            "means": state_text(words, found),
        },
    )


async def show_api(request: web.Request) -> web.Response:
    """Answer the page that explains the API."""
    visit = await receive_public(request)
    return visit.page(
        "api.html", {"title": visit.words.text("api_title"), "operations": operations()}
    )


def rule_texts(words: Words) -> dict[LineState, str]:
    """Return the written rule of each state, its numbers filled in."""
    numbers = _rule_numbers(words)
    return {state: words.text(f"state_{state.value}_means", **numbers) for state in LineState}


def state_text(words: Words, one: LineOverview) -> str:
    """Return why a line is in its state: the rule, or the part of it that applies."""
    line = one.line
    promises = (line.contracted_download_bits_per_second, line.contracted_upload_bits_per_second)
    part = "means"
    if one.state is LineState.UNRATED:
        part = "at_least" if one.share else "no_test" if any(promises) else "no_contract"
    return words.text(f"state_{one.state.value}_{part}", **_rule_numbers(words))


def bar_kind(one: LineOverview, rate: float, contracted: float) -> str:
    """Return what a line's newest rate says of it: ``good``, ``low``, or nothing, ``unrated``."""
    told = Median(rate, inf if one.at_least else rate).reaches(CONTRACT_SHARE * contracted)
    if told is None or one.state is LineState.UNRATED or not one.standing.counts:
        return "unrated"
    return "good" if told else "low"


def _rule_numbers(words: Words) -> dict[str, object]:
    return {
        "tests": line_state.JUDGED_TESTS,
        "share": words.percent(CONTRACT_SHARE),
        "failing": line_state.FAILING_TESTS,
        "hours": int(line_state.SILENT_AFTER.total_seconds() // 3600),
        "judged": int(line_state.JUDGED_SPAN.total_seconds() // 3600),
    }


def _filter(request: web.Request) -> Filter:
    state = request.query.get("state")
    if state and state not in set(LineState):
        raise BadParameterError("state", f"one of {', '.join(LineState)} is needed")
    return Filter(
        ward=request.query.get("ward") or None,
        carrier=request.query.get("carrier") or None,
        state=LineState(state) if state else None,
        search=request.query.get("search", "").strip() or None,
    )


def _chosen_values(chosen: Filter) -> dict[str, str | None]:
    return {
        "ward": chosen.ward,
        "carrier": chosen.carrier,
        "state": chosen.state.value if chosen.state else None,
        "search": chosen.search,
    }


def _choice(request: web.Request) -> line_page.Choice:
    period = request.query.get("period") or Period.WEEK
    if period not in set(Period):
        raise BadParameterError("period", f"one of {', '.join(Period)} is needed")
    until = request.query.get("until")
    return line_page.Choice(
        period=Period(period),
        until=_day("until", until) if until else None,
        series=request.query.get("series") or None,
    )


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadParameterError(name, "a date is needed, as 2026-11-30") from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise BadParameterError(name, f"a year from {_FIRST_YEAR} to {_LAST_YEAR} is needed")
    return day


def _whole(request: web.Request, name: str, least: int, most: int, default: int) -> int:
    text = request.query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise BadParameterError(name, f"a whole number from {least} to {most} is needed")
    return int(text)


def _query(kept: Mapping[str, object], changed: Mapping[str, object]) -> str:
    """Return the query of a link: what was chosen, with changes; None leaves a name out."""
    both = {**kept, **changed}
    return "?" + urlencode({name: value for name, value in both.items() if value is not None})
