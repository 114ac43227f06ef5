"""Counts what is refused at the door, and writes the counts to the ledger every few seconds.

In memory first: being refused must not cost the ledger a commit each time. What is counted in the
last seconds before a crash is lost; records never are.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime

from aiohttp import web

from collector.errors import LedgerError
from collector.ledger.events import Event, EventKind, note_events
from collector.ledger.writer import Writer

_FLUSH_SECONDS = 2.0

_LOG = logging.getLogger(__name__)


class RefusalBook:
    """What was refused since the last time it was written.

    Args:
        writer: of the ledger.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._events: dict[tuple[EventKind, str, str], Event] = {}

    def note(self, kind: EventKind, probe: str, at: datetime, detail: str) -> None:
        """Count a refusal. ``probe`` is '' unless the sender proved who it is.

        ``detail`` may quote what a stranger sent: what cannot be stored as text is escaped.
        """
        detail = detail.encode(errors="backslashreplace").decode().replace("\0", "\\0")
        key = (kind, probe, at.date().isoformat())
        before = self._events.get(key)
        self._events[key] = Event(kind, probe, at, detail, before.count + 1 if before else 1)

    async def flush(self) -> None:
        """Write the counts. Where the ledger cannot be written they wait for the next time."""
        if not self._events:
            return
        taken, self._events = self._events, {}
        try:
            await self._writer.run(lambda connection: note_events(connection, taken.values()))
        except LedgerError:
            for key, event in taken.items():
                newer = self._events.get(key)
                count = event.count + (newer.count if newer else 0)
                last = newer or event
                self._events[key] = Event(event.kind, event.probe, last.at, last.detail, count)

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """Flush every few seconds while the application runs, and once more at its end."""
        del app
        task = asyncio.create_task(self._flush_often())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self.flush()

    async def _flush_often(self) -> None:
        # Ends when it is cancelled.
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception:  # noqa: BLE001 - logged whole
                # One set of counts is lost; the counting must outlive it.
                _LOG.exception("refusals could not be written")
