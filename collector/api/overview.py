"""The list of lines with their states, made once for all visitors of a few seconds."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from aiohttp import web

from collector import keys
from collector.domain.line_state import LineState
from collector.domain.words import plain
from collector.errors import LedgerError
from collector.ledger.queries import Before, LineOverview, LineRow, overview

KEPT_FOR = timedelta(seconds=10)
"""Whoever looks at lines looks at hours and days; ten seconds are no age."""

AHEAD_FROM_LINES = 500
"""A list of so many lines takes time: it is made ahead, and visitors do not have it made."""

AHEAD_SECONDS = 30.0
"""So often a list is made ahead, from the start on."""

AHEAD_KEPT_FOR = timedelta(seconds=60)
"""Up to this age a list that was made ahead is shown: the next one may take a while."""

PAGE_LINES = 50
"""On a page: on a phone each is a card, and a hundred of them take seconds to lay out."""

_ORDER = {state: number for number, state in enumerate(LineState)}


@dataclass
class Overview:
    """The newest list. One for an application.

    Attributes:
        ahead_from_lines: a list of so many is made ahead.
        wards: that there are, in order.
        carriers: id and name of those that there are, by name.
    """

    ahead_from_lines: int = AHEAD_FROM_LINES
    wards: Sequence[str] = ()
    carriers: Sequence[tuple[str, str]] = ()
    _lines: Sequence[LineOverview] = ()
    _by_id: Mapping[str, LineOverview] = field(default_factory=dict)
    _read_at: datetime | None = None
    _before: Before = field(default_factory=Before)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: asyncio.Task[None] | None = None

    async def lines(self, app: web.Application) -> Sequence[LineOverview]:
        """Return every line, those that need attention first, then by ward, site and line."""
        await self._refresh(app)
        return self._lines

    async def lines_by_id(self, app: web.Application) -> Mapping[str, LineOverview]:
        """Return every line by its id, in the order of ids."""
        await self._refresh(app)
        return self._by_id

    async def line(self, app: web.Application, line_id: str) -> LineOverview | None:
        """Return one line; None where it is not registered."""
        await self._refresh(app)
        return self._by_id.get(line_id)

    async def make_ahead(self, app: web.Application) -> None:
        """Read what is new, so that the next list takes less time; show it if it is of many lines.

        Raises:
            LedgerError: the database does not answer.
        """
        async with self._reading:
            now = app[keys.NOW]()
            found = await self._read(app, now)
            if len(found) >= self.ahead_from_lines:
                self._show(found, now)

    async def _refresh(self, app: web.Application) -> None:
        if self._is_good(app[keys.NOW]()):
            return
        if self._next is None or self._next.done():
            # A task of its own: what is known must not be read twice at once, whoever goes away.
            self._next = asyncio.create_task(self._renew(app), name="list of lines")
        await asyncio.shield(self._next)

    async def _renew(self, app: web.Application) -> None:
        async with self._reading:
            now = app[keys.NOW]()
            # It may have been made ahead while this one waited for its turn.
            if not self._is_good(now):
                self._show(await self._read(app, now), now)

    async def _read(self, app: web.Application, now: datetime) -> list[LineOverview]:
        database = app[keys.DATABASE]
        return await database.read(lambda connection: overview(connection, now, self._before))

    def _show(self, found: Sequence[LineOverview], now: datetime) -> None:
        self._lines = sorted(found, key=lambda one: (_ORDER[one.state], one.line.ward or ""))
        self._by_id = {one.line.id: one for one in sorted(found, key=lambda one: one.line.id)}
        self.wards, self.carriers = wards_of(found), carriers_of(found)
        self._read_at = now

    def _is_good(self, now: datetime) -> bool:
        made_ahead = len(self._lines) >= self.ahead_from_lines
        age = AHEAD_KEPT_FOR if made_ahead else KEPT_FOR
        # A clock that was set back must not keep an old list for long.
        return self._read_at is not None and timedelta(0) <= now - self._read_at < age


OVERVIEW = web.AppKey("overview", Overview)


async def keep_ahead(app: web.Application) -> AsyncIterator[None]:
    """Make lists ahead of visitors while the application runs (an aiohttp cleanup context)."""
    task = asyncio.create_task(_keep_making(app), name="lines ahead")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _keep_making(app: web.Application) -> None:
    # Ends with the application, which cancels it.
    while True:
        with contextlib.suppress(LedgerError):
            # Visitors are told of it.
            await app[OVERVIEW].make_ahead(app)
        await asyncio.sleep(AHEAD_SECONDS)


@dataclass(frozen=True)
class Filter:
    """Which lines a visitor asked for; None leaves nothing out."""

    ward: str | None = None
    carrier: str | None = None
    state: LineState | None = None
    search: str | None = None

    def keep(self, lines: Sequence[LineOverview]) -> list[LineOverview]:
        """Return the lines that fit."""
        return self.of_state(self.in_place(lines))

    def of_state(self, lines: Sequence[LineOverview]) -> list[LineOverview]:
        """Return those of the lines that are in the state."""
        return [one for one in lines if self.state in (None, one.state)]

    def in_place(self, lines: Sequence[LineOverview]) -> Sequence[LineOverview]:
        """Return the lines that fit whatever their state."""
        if self.ward is not None:
            lines = [one for one in lines if one.line.ward == self.ward]
        if self.carrier is not None:
            lines = [one for one in lines if one.line.carrier_id == self.carrier]
        if self.search:
            words = [f" {word}" for word in plain(self.search).split()]
            lines = [one for one in lines if _says_all(one.line, words)]
        return lines


def _says_all(line: LineRow, words: Sequence[str]) -> bool:
    """Return whether all are how words begin that everybody sees of a line: not of its address."""
    said = _plain_words(line.site_name, line.ward, line.carrier_name, line.plan, line.id)
    return all(word in said for word in words)


@lru_cache(20_000)
def _plain_words(*seen: str | None) -> str:
    """Return some texts as one, plain, with a space before each word."""
    return plain(" ".join(["", *filter(None, seen)]))


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
