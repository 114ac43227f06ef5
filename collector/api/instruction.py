"""`GET /v1/instruction`: what a probe is asked to do."""

import hashlib
from datetime import timedelta
from http import HTTPStatus

from aiohttp import ETag, web

from collector import keys
from collector.api.auth import Sender, authenticate
from collector.errors import LedgerBusyError
from collector.fleet_plans import FleetPlans
from collector.ledger.identities import see_probes
from collector.ledger.instruction import read_instruction
from protocol.constants import INSTRUCTION_PATH
from protocol.model import encode

FLEET = web.AppKey("fleet", FleetPlans)
"""Where each path's tests stand among the fleet's."""

_SEEN_EVERY = timedelta(minutes=1)
"""A request is noted as a sign of life at most so often: it is a write to the disk."""


def add_routes(app: web.Application) -> None:
    """Add the resource. The application has the keys of `collector.keys`."""
    app.router.add_get(INSTRUCTION_PATH, get_instruction)


async def get_instruction(request: web.Request) -> web.Response:
    """Return the probe's instruction, or 304 where it has it already.

    Raises:
        RefusedError: 401 and 403, the token.
        LedgerError: the ledger cannot be read (503).
    """
    sender = await authenticate(request)
    _note_life(request, sender)
    settings = request.app[keys.SETTINGS]
    probe = sender.known.probe
    instruction = await request.app[keys.DATABASE].read(
        lambda connection: read_instruction(connection, probe, settings)
    )
    plan = await request.app[FLEET].current()
    paths = tuple(plan.given(probe, path) for path in instruction.paths)
    body = encode(instruction.model_copy(update={"paths": paths}))
    tag = ETag(hashlib.sha256(body).hexdigest()[:32])
    known = request.if_none_match or ()
    if any(one.value in (tag.value, "*") for one in known):
        unchanged = web.Response(status=HTTPStatus.NOT_MODIFIED)
        unchanged.etag = tag
        return unchanged
    answer = web.Response(body=body, content_type="application/json")
    answer.etag = tag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _note_life(request: web.Request, sender: Sender) -> None:
    now, seen = request.app[keys.NOW](), sender.known.last_seen_at
    if seen is not None and now - seen < _SEEN_EVERY:
        return
    probe = sender.known.probe
    try:
        # Not waited for: where it cannot be written, the next request tries again.
        request.app[keys.WRITER].submit(lambda connection: see_probes(connection, {probe: now}))
    except LedgerBusyError:
        return
