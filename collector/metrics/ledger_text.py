"""The ledger's part of `/metrics`, made ahead.

It is read and written while somebody asks for it: of a city it takes seconds, and whoever asks
waits for none of them.
"""

import asyncio
import contextlib
import gzip
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from collector.beside import done_beside
from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.figures import read_figures
from collector.ledger.size import size_bytes
from collector.metrics.exposition import Family, text_of
from collector.metrics.ledger import ledger_families, room_families
from collector.settings import LedgerSettings, MetricsSettings

_LOG = logging.getLogger(__name__)

_WANTED_SECONDS: Final = 150.0
"""How long after the last request the next text is still made ahead: Prometheus asks every minute
or more often."""

_REST: Final = 5
"""Between two texts it rests so many times as long as one takes: what it costs stays a sixth of a
core, however large the fleet."""

LARGE_BYTES: Final = 2_000_000
"""A text of some hundred lines, made in a tenth of a second: the next one is made by a process of
its own, so that visitors need not wait for it. A ward's collector does without another process."""

_BESIDE_SECONDS: Final = 60.0
"""How long the other process may take: a city's takes two."""

_COMPRESSION: Final = 1
"""Of lines that are so much alike even the fastest leaves a tenth."""


@dataclass(frozen=True, slots=True)
class Text:
    """A part of the answer, as it is and compressed."""

    plain: bytes = field(repr=False)
    packed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a text is of.

    Attributes:
        ledger: whose figures they are.
        latest_seconds: how old a line's latest value may be.
        room_bytes: how much the database may take; None: not known here.
    """

    ledger: LedgerSettings
    latest_seconds: float
    room_bytes: int | None


def write_text(database: Database, shown: Shown, now: datetime) -> Text:
    """Return what the ledger says of itself now; that it cannot be read, where it cannot."""
    readable = Family("linewatch_collector_ledger_readable", "1: the ledger answers.")
    try:
        figures, size = database.read_now(
            lambda connection: (read_figures(connection), size_bytes(connection))
        )
        families = ledger_families(figures, now, shown.latest_seconds)
        families += room_families(size, shown.room_bytes)
    except LedgerError:
        families = None
    except Exception:  # noqa: BLE001 - logged whole
        # An old text that says all is well would be believed.
        _LOG.exception("what the ledger holds cannot be shown")
        families = None
    # There is nothing else to say then: what is not known is absent.
    readable.add(int(families is not None))
    return _packed(text_of([readable, *(families or ())]))


def _packed(plain: bytes) -> Text:
    return Text(plain, gzip.compress(plain, _COMPRESSION, mtime=0))


def text_beside(shown: Shown, now: datetime) -> Text:
    """Return the text, in a process that has no connection to the ledger yet.

    Raises:
        LedgerError: the settings name no database that can be used.
    """
    with contextlib.closing(Database(shown.ledger)) as database:
        return write_text(database, shown, now)


class LedgerText:
    """The ledger's part of the answer.

    Args:
        database: the ledger.
        shown: what the text is of.
        settings: how long a text is good.
        now: the clock.
        large_bytes: the text after one of so many is made by another process.
    """

    def __init__(
        self,
        database: Database,
        shown: Shown,
        settings: MetricsSettings,
        now: Callable[[], datetime],
        large_bytes: int = LARGE_BYTES,
    ) -> None:
        self._database = database
        self._shown = shown
        self._settings = settings
        self._now = now
        self._large_bytes = large_bytes
        self._text = Text(b"", b"")
        self._made_at: float | None = None
        self._took = 0.0
        self._wanted_at = 0.0
        self._making: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()

    async def current(self) -> Text:
        """Return the text; one that is older than it should be only where the next takes long."""
        self._wanted_at = time.monotonic()
        self._asked.set()
        if self._age() > self._settings.cache_seconds:
            too_old = self._age() > 2 * self._good_seconds()
            await asyncio.wait(
                {self._make()}, timeout=None if too_old else self._settings.wait_seconds
            )
        return self._text

    async def run(self) -> None:
        """Make texts ahead, as long as somebody asks for them; ends when it is cancelled."""
        try:
            while True:
                await self._asked.wait()
                await asyncio.sleep(max(0.0, self._good_seconds() - self._age()))
                if time.monotonic() - self._wanted_at > _WANTED_SECONDS:
                    self._asked.clear()
                elif self._age() >= self._good_seconds():
                    await asyncio.wait({self._make()})
        finally:
            if self._making is not None:
                self._making.cancel()
                await asyncio.gather(self._making, return_exceptions=True)

    def _age(self) -> float:
        return float("inf") if self._made_at is None else time.monotonic() - self._made_at

    def _good_seconds(self) -> float:
        """Return how old a text gets before another is made ahead."""
        return max(self._settings.cache_seconds, _REST * self._took)

    def _make(self) -> "asyncio.Task[None]":
        """Return the task that makes the next text: one at a time."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._renew(), name="metrics text")
        return self._making

    async def _renew(self) -> None:
        began = time.monotonic()
        self._text = await self._written()
        self._made_at = time.monotonic()
        self._took = self._made_at - began

    async def _written(self) -> Text:
        if len(self._text.plain) >= self._large_bytes:
            try:
                return await done_beside(_BESIDE_SECONDS, text_beside, self._shown, self._now())
            except LedgerError as error:
                _LOG.warning("%s; the metrics are written here", error)
        return await asyncio.to_thread(write_text, self._database, self._shown, self._now())
