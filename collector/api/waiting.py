"""How long a request waits for the ledger.

A database ends a statement that takes too long, and says so; one that hangs (its disk, its machine,
the network) says nothing. Whoever asks is told to come again all the same.
"""

import asyncio
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from collector import keys
from collector.api.problems import RefusedError

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


async def in_time(request: web.Request, answer: Awaitable[T]) -> T:
    """Return the ledger's answer.

    Ends after ``limits.answer_seconds``. What was to be written may be written later then, if it
    was begun: sent again it is a duplicate.

    Raises:
        RefusedError: 503, there was none in time.
    """
    limits = request.app[keys.SETTINGS].limits
    try:
        async with asyncio.timeout(limits.answer_seconds):
            return await answer
    except TimeoutError:
        _LOG.warning("%s %s: the ledger does not answer", request.method, request.path)
        raise RefusedError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the ledger does not answer in time: send the same again later",
            headers={"Retry-After": str(limits.retry_after_seconds)},
        ) from None
