"""`POST /v1/enrol`: a probe becomes known by a one-time code."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import Connection

from collector import keys
from collector.api.attempts import Attempts
from collector.api.bodies import BODIES, STRANGERS
from collector.api.problems import RefusedError
from collector.api.remote import client_address
from collector.errors import CollectorError
from collector.ingest.body import EncodingError, TooSlowError, read_body
from collector.ingest.verify import TooLargeError
from collector.ledger.events import EventKind
from collector.ledger.identities import EnrolmentError, KeyTakenError, enrol
from collector.settings import EnrolmentSettings
from protocol.constants import ENROL_PATH
from protocol.messages import EnrolAnswer, EnrolRequest
from protocol.model import encode

_WINDOW = timedelta(minutes=10)
_LONGEST_BODY_BYTES = 4096

ATTEMPTS = web.AppKey("attempts", Attempts)


class _TooManyError(CollectorError):
    """Too many wrong codes: this one was not looked at."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many wrong codes; wait, and check the code with the operator")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class _Try:
    """Somebody's try at a code.

    Attributes:
        attempts: the wrong ones.
        address: whose it is.
        at: when.
    """

    attempts: Attempts
    address: str
    at: datetime

    def refuse_many(self) -> None:
        """Raise `_TooManyError` where there were too many wrong ones."""
        wait = self.attempts.wait(self.address, self.at)
        if wait is not None:
            raise _TooManyError(wait)

    def enrol(self, connection: Connection, wanted: EnrolRequest) -> EnrolAnswer:
        """Enrol: a job of the ledger's writer.

        The writer takes one job after the other, so that here a wrong code counts for the next try,
        however many came at once.
        """
        self.refuse_many()
        try:
            return enrol(connection, wanted, self.at)
        except EnrolmentError:
            self.attempts.note_wrong(self.address, self.at)
            raise


def add_routes(app: web.Application, settings: EnrolmentSettings) -> None:
    """Add the resource. The application has the keys of `collector.keys` and `BODIES`."""
    app[ATTEMPTS] = Attempts(settings.wrong_codes_per_address, settings.wrong_codes, _WINDOW)
    app.router.add_post(ENROL_PATH, post_enrol)


async def post_enrol(request: web.Request) -> web.Response:
    """Give a probe its id.

    Raises:
        RefusedError: 400 not an enrolment, 403 wrong code, 408 too slow, 409 the key is another
            probe's, 413 too large, 429 too many wrong codes.
        GoneError: the probe went away in the middle of its request.
        LedgerError: the ledger cannot be written (503).
    """
    now = request.app[keys.NOW]()
    refusals = request.app[keys.REFUSALS]
    proxies = request.app[keys.SETTINGS].limits.trusted_proxies
    address = client_address(request.remote, request.headers.get("X-Forwarded-For"), proxies)
    one = _Try(request.app[ATTEMPTS], address, now)
    try:
        # First of all: who tried too often is not even read.
        one.refuse_many()
        wanted = await _read(request)
        answer = await request.app[keys.WRITER].run(lambda writing: one.enrol(writing, wanted))
    except _TooManyError as error:
        refusals.note(EventKind.TOO_MANY_CODES, "", now, f"{address}: {error}")
        headers = {"Retry-After": str(math.ceil(error.wait.total_seconds()))}
        raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=headers) from None
    except EnrolmentError as error:
        refusals.note(EventKind.WRONG_CODE, "", now, f"{address}: {error}")
        raise RefusedError(HTTPStatus.FORBIDDEN, str(error), fault="code") from None
    except KeyTakenError as error:
        raise RefusedError(HTTPStatus.CONFLICT, str(error), fault="public_key") from None
    return web.Response(body=encode(answer), content_type="application/json")


async def _read(request: web.Request) -> EnrolRequest:
    limits = request.app[keys.SETTINGS].limits
    try:
        with request.app[BODIES].lend(STRANGERS) as take:
            length = request.content_length
            body = await read_body(
                request.content, "", length, limits, take, maximum_bytes=_LONGEST_BODY_BYTES
            )
        return EnrolRequest.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "body"
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, f"{place}: {fault['msg']}", fault=place
        ) from None
    except EncodingError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, str(error), fault="body") from None
    except TooLargeError as error:
        detail = f"this is no enrolment: {error}"
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail) from None
    except TooSlowError as error:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, str(error)) from None
