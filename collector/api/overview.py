"""The list of lines with their states, made once for all visitors of a few seconds."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from collector import keys
from collector.domain.line_state import LineState
from collector.errors import LedgerError
from collector.ledger.queries import Before, LineOverview, overview

KEPT_FOR = timedelta(seconds=10)
"""Whoever looks at lines looks at hours and days; ten seconds are no age."""

SHOWN_FOR = timedelta(seconds=60)
"""Up to this age a list is shown where the next one takes longer than `WAIT_SECONDS`."""

WAIT_SECONDS = 0.1
"""How long a visitor waits for the next list while there is one to show."""

WARM_SECONDS = 30.0
"""So often the lines that have news are read ahead of visitors, who then wait for few of them."""

PAGE_LINES = 100

_ORDER = {state: number for number, state in enumerate(LineState)}


@dataclass
class Overview:
    """The newest list. One for an application."""

    _lines: Sequence[LineOverview] = ()
    _by_id: Mapping[str, LineOverview] = field(default_factory=dict)
    _read_at: datetime | None = None
    _before: Before = field(default_factory=Before)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: asyncio.Task[None] | None = None

    async def lines(self, app: web.Application) -> Sequence[LineOverview]:
        """Return every line, those that need attention first, then by site and line."""
        await self._refresh(app)
        return self._lines

    async def line(self, app: web.Application, line_id: str) -> LineOverview | None:
        """Return one line; None where it is not registered."""
        await self._refresh(app)
        return self._by_id.get(line_id)

    async def warm(self, app: web.Application) -> None:
        """Read what is new, so that the next list takes less time.

        Raises:
            LedgerError: the database does not answer.
        """
        async with self._reading:
            await self._read(app, app[keys.NOW]())

    async def _refresh(self, app: web.Application) -> None:
        now = app[keys.NOW]()
        if self._is_younger(KEPT_FOR, now):
            return
        if self._next is None or self._next.done():
            # A task of its own: what is known must not be read twice at once, whoever goes away.
            self._next = asyncio.create_task(self._renew(app), name="list of lines")
        patience = WAIT_SECONDS if self._is_younger(SHOWN_FOR, now) else None
        done, _ = await asyncio.wait({self._next}, timeout=patience)
        for task in done:
            task.result()

    async def _renew(self, app: web.Application) -> None:
        async with self._reading:
            now = app[keys.NOW]()
            found = await self._read(app, now)
            self._lines = sorted(found, key=lambda one: _ORDER[one.state])
            self._by_id = {one.line.id: one for one in found}
            self._read_at = now

    async def _read(self, app: web.Application, now: datetime) -> list[LineOverview]:
        database = app[keys.DATABASE]
        return await database.read(lambda connection: overview(connection, now, self._before))

    def _is_younger(self, age: timedelta, now: datetime) -> bool:
        # A clock that was set back must not keep an old list for long.
        return self._read_at is not None and timedelta(0) <= now - self._read_at < age


OVERVIEW = web.AppKey("overview", Overview)


async def keep_warm(app: web.Application) -> AsyncIterator[None]:
    """Read lines ahead of visitors while the application runs (an aiohttp cleanup context)."""
    task = asyncio.create_task(_warm(app), name="lines ahead")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _warm(app: web.Application) -> None:
    # Ends with the application, which cancels it.
    while True:
        with contextlib.suppress(LedgerError):
            # Visitors are told of it.
            await app[OVERVIEW].warm(app)
        await asyncio.sleep(WARM_SECONDS)


@dataclass(frozen=True)
class Filter:
    """Which lines a visitor asked for; None leaves nothing out."""

    ward: str | None = None
    carrier: str | None = None
    state: LineState | None = None

    def keep(self, lines: Sequence[LineOverview]) -> list[LineOverview]:
        """Return the lines that fit."""
        return [one for one in self.in_place(lines) if self.state in (None, one.state)]

    def in_place(self, lines: Sequence[LineOverview]) -> list[LineOverview]:
        """Return the lines that fit by ward and carrier, whatever their state."""
        return [
            one
            for one in lines
            if self.ward in (None, one.line.ward) and self.carrier in (None, one.line.carrier_id)
        ]


def count_states(lines: Sequence[LineOverview]) -> dict[LineState, int]:
    """Return how many lines are in each state, in the order of `LineState`; all are there."""
    found = Counter(one.state for one in lines)
    return {state: found[state] for state in LineState}


def wards_of(lines: Sequence[LineOverview]) -> list[str]:
    """Return the wards that there are, in order."""
    return sorted({one.line.ward for one in lines if one.line.ward})


def carriers_of(lines: Sequence[LineOverview]) -> list[tuple[str, str]]:
    """Return id and name of the carriers that there are, by name."""
    found = {(one.line.carrier_id, one.line.carrier_name) for one in lines}
    return sorted(found, key=lambda pair: pair[1].lower())
