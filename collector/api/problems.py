"""Refusals as RFC 9457 problems: how every part of the API says no."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from collector import keys
from collector.errors import CollectorError, LedgerError
from collector.ingest.body import GoneError
from protocol.constants import PROBLEM_CONTENT_TYPE
from protocol.messages import Problem
from protocol.model import encode

_LOG = logging.getLogger(__name__)
_LONGEST_TEXT = 500
_API = "/v1/"
_UNWELL = "the ledger cannot be used just now; nothing was stored: try again later"

_GONE_STATUS = 499
"""What proxies count a request as whose sender went away; it is never sent."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RefusedError(CollectorError):
    """A request is refused: becomes a problem with its status.

    Args:
        status: the HTTP status.
        detail: a sentence for people.
        line: of a batch, counted from 1, that is to blame.
        fault: what is wrong, from a closed list where there is one.
        expected_seq: the seq that is needed first.
        headers: of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        line: int | None = None,
        fault: str | None = None,
        expected_seq: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            title=status.phrase,
            status=status.value,
            detail=detail[:_LONGEST_TEXT],
            line=line,
            fault=fault,
            expected_seq=expected_seq,
        )
        self.headers = dict(headers or {})


def answer_problem(problem: Problem, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a problem as an answer."""
    return web.Response(
        status=problem.status,
        body=encode(problem),
        content_type=PROBLEM_CONTENT_TYPE,
        headers=headers,
    )


@web.middleware
async def explain_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals, and the ledger's and the router's errors, into problems."""
    try:
        return await handler(request)
    except GoneError:
        return _gone()
    except ConnectionError:
        # A form's reader does not translate: was it this connection that broke?
        if request.transport is not None:
            raise
        return _gone()
    except RefusedError as refusal:
        return answer_problem(refusal.problem, refusal.headers)
    except LedgerError as error:
        _LOG.warning("%s %s: %s", request.method, request.path, error)
        wait = str(request.app[keys.SETTINGS].limits.retry_after_seconds)
        # The log says why: a database's own words may name its host and its user.
        problem = RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, _UNWELL).problem
        return answer_problem(problem, {"Retry-After": wait})
    except web.HTTPException as error:
        # The router's: no such resource, method not allowed. Pages have pages of their own.
        if error.status < HTTPStatus.BAD_REQUEST or not request.path.startswith(_API):
            raise
        problem = RefusedError(HTTPStatus(error.status), error.text or error.reason).problem
        kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        return answer_problem(problem, kept)


def _gone() -> web.Response:
    """Return what stands for an answer where nobody is there to get one: every day on bad lines."""
    return web.Response(status=_GONE_STATUS, reason="Client Closed Request")
