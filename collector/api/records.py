"""`POST /v1/records`: a batch of records from a probe. The answer means: on the disk."""

from http import HTTPStatus

from aiohttp import web

from collector import keys
from collector.api.auth import Sender, authenticate
from collector.api.bodies import BODIES
from collector.api.problems import RefusedError
from collector.api.waiting import in_time
from collector.errors import CollectorError
from collector.ingest.body import EncodingError, TooSlowError, UnknownEncodingError, read_body
from collector.ingest.verify import Batch, TooLargeError
from collector.ledger.events import EventKind
from collector.ledger.store import Arrival, Delivery, GapError, store_batches
from collector.ledger.writer import Shared
from protocol.chain import ChainError
from protocol.constants import GAP_ACKNOWLEDGED, GAP_HEADER, RECORDS_PATH
from protocol.messages import IngestAnswer
from protocol.model import encode

_ROW_OVERHEAD_BYTES = 2048
"""What a record's columns and objects weigh in memory beside its line, about."""

_REFUSED = (ChainError, GapError, TooLargeError, TooSlowError, EncodingError)
_CLOSE = {"Connection": "close"}
"""The rest of the body is not waited for."""


def add_routes(app: web.Application) -> None:
    """Add the resource. The application has the keys of `collector.keys` and `BODIES`."""
    app.router.add_post(RECORDS_PATH, post_records)


async def post_records(request: web.Request) -> web.Response:
    """Take a batch.

    Raises:
        RefusedError: 400 and 415 encoding, 401 and 403 the token, 408 too slow, 409 records are
            missing before it, 413 too large, 422 its chain or seal does not hold, 429 and 503 no
            room for its body; 503 the ledger does not answer in time.
        GoneError: the probe went away in the middle of the body.
        LedgerError: it could not be stored; nothing of it was (503).
    """
    sender = await authenticate(request)
    try:
        batch = await _read_batch(request, sender)
        answer = await _store(request, sender, batch)
    except _REFUSED as error:
        kind, refusal = _explain(error)
        now = request.app[keys.NOW]()
        request.app[keys.REFUSALS].note(kind, sender.known.probe, now, str(error))
        raise refusal from None
    return web.Response(body=encode(answer), content_type="application/json")


def _explain(error: CollectorError | ChainError) -> tuple[EventKind, RefusedError]:
    """Return how an error in a batch is counted and answered."""
    text = str(error)
    match error:
        case ChainError():
            status, line = HTTPStatus.UNPROCESSABLE_ENTITY, error.line or None
            refusal = RefusedError(status, text, line=line, fault=error.fault.value)
            return EventKind.BAD_CHAIN, refusal
        case GapError():
            expected = error.expected_seq
            refusal = RefusedError(HTTPStatus.CONFLICT, text, fault="gap", expected_seq=expected)
            return EventKind.GAP_REFUSED, refusal
        case TooLargeError():
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return EventKind.TOO_LARGE, RefusedError(status, text, line=error.line, headers=_CLOSE)
        case TooSlowError():
            return EventKind.TOO_SLOW, RefusedError(
                HTTPStatus.REQUEST_TIMEOUT, text, headers=_CLOSE
            )
        case UnknownEncodingError():
            status, headers = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"Accept-Encoding": "gzip"}
            return EventKind.BAD_ENCODING, RefusedError(status, text, headers=headers)
        case _:
            refusal = RefusedError(HTTPStatus.BAD_REQUEST, text, fault="encoding")
            return EventKind.BAD_ENCODING, refusal


async def _read_batch(request: web.Request, sender: Sender) -> Batch:
    probe = sender.known.probe
    with request.app[BODIES].lend(probe) as take:
        body = await read_body(
            request.content,
            request.headers.get("Content-Encoding", ""),
            request.content_length,
            request.app[keys.SETTINGS].limits,
            take,
        )
        # A body that waits for its check is held too; after it, the writer's queue counts.
        return await request.app[keys.CHECKERS].check(body, probe, sender.key)


async def _store(request: web.Request, sender: Sender, batch: Batch) -> IngestAnswer:
    arrival = Arrival(
        at=request.app[keys.NOW](),
        public_key=sender.public_key,
        gap_acknowledged=request.headers.get(GAP_HEADER, "").lower() == GAP_ACKNOWLEDGED,
    )
    weight = batch.size_bytes + len(batch.received) * _ROW_OVERHEAD_BYTES
    delivery = Shared(store_batches, Delivery(batch, arrival))
    writing = request.app[keys.WRITER].run(delivery, weight, batch.probe)
    return await in_time(request, writing)
