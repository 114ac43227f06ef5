"""The memory that requests' bodies may take: all together, and those of one sender."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus

from aiohttp import web

from collector.api.problems import RefusedError
from collector.settings import LimitSettings

Take = Callable[[int], None]
"""Called with the bytes that a body is about to hold more; raises where there is no room."""

STRANGERS = ""
"""The sender of a body from whoever did not prove who they are; together they have one share."""


class BodyBudget:
    """How many bytes of bodies are held, of whom. Only for the event loop's thread.

    Nobody waits for room: who waits would hold what it has, and nothing would become free.

    Attributes:
        held_bytes: of all senders, now.
        refused: bodies for which there was no room.

    Args:
        limits: of all together, and of each.
    """

    def __init__(self, limits: LimitSettings) -> None:
        self.held_bytes = 0
        self.refused = 0
        self._limits = limits
        self._of: Counter[str] = Counter()

    @contextlib.contextmanager
    def lend(self, sender: str) -> Iterator[Take]:
        """Yield what one body takes its bytes by; at the end all of them are given back.

        What it yields raises `RefusedError`: 429, the sender's share is taken; 503, everything is.

        Args:
            sender: the probe, proven; or `STRANGERS`.
        """
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            self._refuse_above(sender, count)
            taken += count
            self.held_bytes += count
            self._of[sender] += count

        try:
            yield take
        finally:
            self.held_bytes -= taken
            self._of[sender] -= taken
            if not self._of[sender]:
                del self._of[sender]

    def _refuse_above(self, sender: str, count: int) -> None:
        if self._of[sender] + count > self._limits.body_bytes_per_probe:
            status = HTTPStatus.TOO_MANY_REQUESTS
            detail = "too many bodies of this sender at once; send one batch after the other"
        elif self.held_bytes + count > self._limits.body_bytes:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            detail = "too many bodies at once; try again later"
        else:
            return
        self.refused += 1
        wait = str(self._limits.retry_after_seconds)
        # The rest of the body is not waited for.
        raise RefusedError(status, detail, headers={"Retry-After": wait, "Connection": "close"})


BODIES = web.AppKey("bodies", BodyBudget)
