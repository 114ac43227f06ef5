"""The API that reads: JSON over sites, lines, a line's series; for operators probes and records.

The public part shows what the public pages show. Every list comes in pages with a cursor; a wrong
parameter is a problem (RFC 9457) that says what is wrong with it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from typing import Any

from aiohttp import web
from pydantic_core import to_json
from sqlalchemy import Connection

from collector import keys
from collector.api import document, shapes
from collector.api.operators import TooManyTriesError, basic_operator, session_operator
from collector.api.overview import OVERVIEW, Filter
from collector.api.parameters import ParameterError, Parameters, write_cursor
from collector.api.problems import RefusedError
from collector.api.respond import answer
from collector.domain.line_state import LineState
from collector.domain.series import SeriesId
from collector.ledger import proof_queries, queries, series_queries

_LIMIT, _LIMIT_MOST = 100, 1000
_SERIES_LIMIT, _SERIES_LIMIT_MOST = 1000, 5000
_SERIES_SPAN = timedelta(days=30)
_EVENT_SPAN = timedelta(days=30)
_LARGEST_SEQ = 2**63 - 1
_TASKS = tuple(series_queries.VALUES)

_NEWEST = "no-cache"
_PUBLIC = "public, max-age=15"
_UNCHANGING = "private, max-age=31536000, immutable"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reader = Callable[["Asked"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be answered.

    Attributes:
        request: as it came.
        parameters: its query, checked by name.
        is_public: everybody may read the answer.
    """

    request: web.Request
    parameters: Parameters
    is_public: bool

    async def read(self, query: Callable[..., Any]) -> Any:  # noqa: ANN401 - what the query returns
        """Return what ``query`` reads from the ledger."""
        return await self.request.app[keys.DATABASE].read(query)

    def json(self, content: object) -> web.Response:
        """Return the answer."""
        return self.written(to_json(content))

    def written(self, body: bytes) -> web.Response:
        """Return the answer that is written already."""
        open_to_all = {"Access-Control-Allow-Origin": "*"} if self.is_public else {}
        return answer(
            self.request,
            body,
            "application/json",
            cache=_PUBLIC if self.is_public else f"private, {_NEWEST}",
            headers=open_to_all,
        )


def reading(known: tuple[str, ...] = (), *, operators: bool = False) -> Callable[[Reader], Handler]:
    """Return a decorator: who may ask, which parameters there are, errors as problems.

    Args:
        known: names of parameters.
        operators: only they may ask, wherever the pages are public.
    """

    def wrap(reader: Reader) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            is_public = request.app[keys.SETTINGS].web.public and not operators
            try:
                if not is_public and not await _is_operator(request):
                    raise _login_needed()
                return await reader(Asked(request, Parameters(request.query, known), is_public))
            except ParameterError as error:
                raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
            except TooManyTriesError as error:
                seconds = ceil(error.retry_after.total_seconds())
                raise RefusedError(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"too many wrong passwords; they are looked at again in {seconds} s",
                    headers={"Retry-After": str(seconds)},
                ) from None

        return handle

    return wrap


async def find_proof(request: web.Request) -> proof_queries.Proof | None:
    """Return the record that the address names, or None."""
    named = request.match_info
    seq = int(named["seq"])
    if seq > _LARGEST_SEQ:
        return None
    return await request.app[keys.DATABASE].read(
        lambda connection: proof_queries.proof(connection, named["probe"], named["chain"], seq)
    )


async def _is_operator(request: web.Request) -> bool:
    return (await session_operator(request) or await basic_operator(request)) is not None


def _login_needed() -> RefusedError:
    return RefusedError(
        HTTPStatus.UNAUTHORIZED,
        "for operators only: send HTTP Basic over TLS with an operator's name and password, or "
        "log in at /login",
        headers={"WWW-Authenticate": 'Basic realm="linewatch", charset="UTF-8"'},
    )


def _not_found(what: str) -> RefusedError:
    return RefusedError(HTTPStatus.NOT_FOUND, f"there is no such {what}")


@reading()
async def read_document(asked: Asked) -> web.StreamResponse:
    """Answer the OpenAPI document."""
    return asked.json(document.openapi())


@reading(("ward", "limit", "cursor"))
async def read_sites(asked: Asked) -> web.StreamResponse:
    """Answer sites."""
    given = asked.parameters
    ward, limit, after = given.text("ward"), given.limit(_LIMIT, _LIMIT_MOST), given.name_cursor()
    rows = await asked.read(
        lambda connection: queries.sites_page(connection, ward, after, limit + 1)
    )
    return asked.json(
        {
            "sites": [shapes.site(row) for row in rows[:limit]],
            "next_cursor": write_cursor(rows[limit - 1].id) if len(rows) > limit else None,
        }
    )


@reading()
async def read_carriers(asked: Asked) -> web.StreamResponse:
    """Answer carriers: there are few."""
    rows = await asked.read(queries.carriers_page)
    return asked.json({"carriers": [{"id": own_id, "name": name} for own_id, name in rows]})


@reading(("ward", "carrier", "state", "limit", "cursor"))
async def read_lines(asked: Asked) -> web.StreamResponse:
    """Answer lines with their state and newest results, in the order of their ids."""
    given = asked.parameters
    state = given.one_of("state", [state.value for state in LineState])
    chosen = Filter(given.text("ward"), given.text("carrier"), LineState(state) if state else None)
    limit, after = given.limit(_LIMIT, _LIMIT_MOST), given.name_cursor()
    lines = await asked.request.app[OVERVIEW].lines_by_id(asked.request.app)
    found = chosen.keep([one for own_id, one in lines.items() if after is None or own_id > after])
    return asked.json(
        {
            "lines": [shapes.line(one) for one in found[:limit]],
            "next_cursor": (write_cursor(found[limit - 1].line.id) if len(found) > limit else None),
        }
    )


@reading()
async def read_line(asked: Asked) -> web.StreamResponse:
    """Answer one line."""
    app = asked.request.app
    found = await app[OVERVIEW].line(app, asked.request.match_info["line"])
    if found is None:
        raise _not_found("line")
    return asked.json(shapes.line(found))


@reading(("task", "series", "start", "end", "limit", "cursor"))
async def read_series(asked: Asked) -> web.StreamResponse:
    """Answer a line's results of one task, or of one of its series, the oldest first."""
    given, app = asked.parameters, asked.request.app
    task = given.one_of("task", _TASKS) or "speed"
    end = given.moment("end") or app[keys.NOW]()
    start = given.moment("start") or end - _SERIES_SPAN
    if start >= end:
        raise ParameterError("start: must be before end")
    limit = given.limit(_SERIES_LIMIT, _SERIES_LIMIT_MOST)
    cursor = given.numbers_cursor(2)
    after = (cursor[0], cursor[1]) if cursor else None
    found = await app[OVERVIEW].line(app, asked.request.match_info["line"])
    if found is None:
        raise _not_found("line")
    key = given.text("series")
    series = await _series(asked, found.line.id, task, key) if key else None
    about = {
        "line": found.line.id,
        "task": task,
        "series": key,
        "start": shapes.moment(start),
        "end": shapes.moment(end),
    }

    def write(connection: Connection) -> bytes:
        """Return the answer: of thousands of results it takes time, so not in the event loop."""
        rows = series_queries.results_page(
            connection, found.line.id, task, (start, end), after, limit + 1, series
        )
        cursor = series_queries.place_of(rows[limit - 1]) if len(rows) > limit else None
        results = shapes.results(rows[:limit], task)
        next_cursor = write_cursor(*cursor) if cursor else None
        return to_json({**about, "results": results, "next_cursor": next_cursor})

    return asked.written(await asked.read(write))


async def _series(asked: Asked, line: str, task: str, key: str) -> SeriesId:
    found: SeriesId | None = await asked.read(
        lambda connection: series_queries.find_series(connection, line, task, key)
    )
    if found is None:
        raise ParameterError(
            f"series: this line has none of the task {task} with this key; results name theirs"
        )
    return found


@reading(("limit", "cursor"), operators=True)
async def read_probes(asked: Asked) -> web.StreamResponse:
    """Answer probes."""
    limit, after = asked.parameters.limit(_LIMIT, _LIMIT_MOST), asked.parameters.name_cursor()
    rows = await asked.read(
        lambda connection: proof_queries.probes_page(connection, after, limit + 1)
    )
    return asked.json(
        {
            "probes": [shapes.probe(row) for row in rows[:limit]],
            "next_cursor": write_cursor(rows[limit - 1].id) if len(rows) > limit else None,
        }
    )


@reading(("probe", "line", "task", "limit", "cursor"), operators=True)
async def read_records(asked: Asked) -> web.StreamResponse:
    """Answer records, the newest arrival first: their places and hashes, not their bytes."""
    given = asked.parameters
    wanted = (given.text("probe"), given.text("line"), given.one_of("task", _TASKS))
    limit, cursor = given.limit(_LIMIT, _LIMIT_MOST), given.numbers_cursor(1)
    before = cursor[0] if cursor else None
    rows = await asked.read(
        lambda connection: proof_queries.records_page(connection, *wanted, before, limit + 1)
    )
    return asked.json(
        {
            "records": [shapes.record(row) for row in rows[:limit]],
            "next_cursor": write_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
        }
    )


@reading(operators=True)
async def read_record(asked: Asked) -> web.StreamResponse:
    """Answer one record, byte for byte as the probe wrote it."""
    found = await find_proof(asked.request)
    if found is None:
        raise _not_found("record")
    row = found.row
    return answer(
        asked.request,
        row["line"],
        "application/json",
        cache=_UNCHANGING,
        headers={
            "ETag": f'"{row["hash"]}"',
            "Content-Disposition": (
                f'inline; filename="{row["probe_id"]}-{row["chain"]}-{row["seq"]}.json"'
            ),
        },
    )


@reading(("limit", "cursor"), operators=True)
async def read_quarantine(asked: Asked) -> web.StreamResponse:
    """Answer what is kept apart, the newest first."""
    limit, cursor = asked.parameters.limit(_LIMIT, _LIMIT_MOST), asked.parameters.numbers_cursor(1)
    before = cursor[0] if cursor else None
    rows = await asked.read(
        lambda connection: proof_queries.quarantine_page(connection, before, limit + 1)
    )
    return asked.json(
        {
            "quarantine": [shapes.quarantined(row) for row in rows[:limit]],
            "next_cursor": write_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None,
        }
    )


@reading(("limit",), operators=True)
async def read_gaps(asked: Asked) -> web.StreamResponse:
    """Answer gaps in chains, the open ones first."""
    limit = asked.parameters.limit(_LIMIT, _LIMIT_MOST)
    rows = await asked.read(lambda connection: proof_queries.gaps_newest(connection, limit))
    return asked.json({"gaps": [shapes.gap(row) for row in rows]})


@reading(("limit",), operators=True)
async def read_events(asked: Asked) -> web.StreamResponse:
    """Answer refusals and other events of the last 30 days, the newest first."""
    limit = asked.parameters.limit(_LIMIT, _LIMIT_MOST)
    first_day = (asked.request.app[keys.NOW]() - _EVENT_SPAN).date().isoformat()
    rows = await asked.read(
        lambda connection: proof_queries.events_since(connection, first_day, limit)
    )
    return asked.json({"events": [shapes.event(row) for row in rows]})


READERS: dict[str, Handler] = {
    "/v1/openapi.json": read_document,
    "/v1/sites": read_sites,
    "/v1/carriers": read_carriers,
    "/v1/lines": read_lines,
    "/v1/lines/{line}": read_line,
    "/v1/lines/{line}/series": read_series,
    "/v1/probes": read_probes,
    "/v1/records": read_records,
    r"/v1/records/{probe}/{chain}/{seq:\d{1,19}}": read_record,
    "/v1/quarantine": read_quarantine,
    "/v1/gaps": read_gaps,
    "/v1/events": read_events,
}
"""Every resource of this API and what answers it."""


def add_routes(app: web.Application) -> None:
    """Put the API that reads into the application."""
    for path, handler in READERS.items():
        app.router.add_get(path, handler)
