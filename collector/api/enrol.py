"""`POST /v1/enrol`: a probe becomes known by a one-time code."""

import math
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web
from pydantic import ValidationError

from collector import keys
from collector.api.attempts import Attempts
from collector.api.problems import RefusedError
from collector.api.remote import client_address
from collector.ingest.body import TooSlowError, read_body
from collector.ingest.verify import TooLargeError
from collector.ledger.events import EventKind
from collector.ledger.identities import EnrolmentError, KeyTakenError, enrol
from collector.settings import EnrolmentSettings
from protocol.constants import ENROL_PATH
from protocol.messages import EnrolRequest
from protocol.records import encode

_WINDOW = timedelta(minutes=10)
_LONGEST_BODY_BYTES = 4096

ATTEMPTS = web.AppKey("attempts", Attempts)


def add_routes(app: web.Application, settings: EnrolmentSettings) -> None:
    """Add the resource. The application has the keys of `collector.keys`."""
    app[ATTEMPTS] = Attempts(settings.wrong_codes_per_address, settings.wrong_codes, _WINDOW)
    app.router.add_post(ENROL_PATH, post_enrol)


async def post_enrol(request: web.Request) -> web.Response:
    """Give a probe its id.

    Raises:
        RefusedError: 400 not an enrolment, 403 wrong code, 408 too slow, 409 the key is another
            probe's, 413 too large, 429 too many wrong codes.
        LedgerError: the ledger cannot be written (503).
    """
    now = request.app[keys.NOW]()
    attempts = request.app[ATTEMPTS]
    proxies = request.app[keys.SETTINGS].limits.trusted_proxies
    address = client_address(request.remote, request.headers.get("X-Forwarded-For"), proxies)
    wait = attempts.wait(address, now)
    if wait is not None:
        detail = "too many wrong codes; wait, and check the code with the operator"
        request.app[keys.REFUSALS].note(EventKind.TOO_MANY_CODES, "", now, f"{address}: {detail}")
        seconds = str(math.ceil(wait.total_seconds()))
        raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": seconds})
    wanted = await _read(request)
    try:
        answer = await request.app[keys.WRITER].run(
            lambda connection: enrol(connection, wanted, now)
        )
    except EnrolmentError as error:
        attempts.note_wrong(address, now)
        request.app[keys.REFUSALS].note(EventKind.WRONG_CODE, "", now, f"{address}: {error}")
        raise RefusedError(HTTPStatus.FORBIDDEN, str(error), fault="code") from None
    except KeyTakenError as error:
        raise RefusedError(HTTPStatus.CONFLICT, str(error), fault="public_key") from None
    return web.Response(body=encode(answer), content_type="application/json")


async def _read(request: web.Request) -> EnrolRequest:
    if (request.content_length or 0) > _LONGEST_BODY_BYTES:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "this is no enrolment: too long")
    limits = request.app[keys.SETTINGS].limits
    try:
        body = await read_body(request.content, "", request.content_length, limits)
        return EnrolRequest.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "body"
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, f"{place}: {fault['msg']}", fault=place
        ) from None
    except TooLargeError as error:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from None
    except TooSlowError as error:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, str(error)) from None
