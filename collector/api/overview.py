"""The list of lines with their states, computed once for all visitors of a few seconds."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from collector import keys
from collector.domain.line_state import LineState
from collector.ledger.queries import LineOverview, overview

KEPT_FOR = timedelta(seconds=10)
"""The states of 5,000 lines take about a second to read; ten seconds are no age."""

SHOWN_FOR = timedelta(seconds=60)
"""While one visitor waits for a new list, others get the one before, up to this age."""

PAGE_LINES = 100

_ORDER = {state: number for number, state in enumerate(LineState)}


@dataclass
class Overview:
    """The newest list. One for an application."""

    _lines: Sequence[LineOverview] = ()
    _by_id: Mapping[str, LineOverview] = field(default_factory=dict)
    _read_at: datetime | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def lines(self, app: web.Application) -> Sequence[LineOverview]:
        """Return every line, those that need attention first, then by site and line."""
        await self._refresh(app)
        return self._lines

    async def line(self, app: web.Application, line_id: str) -> LineOverview | None:
        """Return one line; None where it is not registered."""
        await self._refresh(app)
        return self._by_id.get(line_id)

    async def _refresh(self, app: web.Application) -> None:
        now = app[keys.NOW]()
        if self._is_younger(KEPT_FOR, now):
            return
        if self._reading.locked() and self._is_younger(SHOWN_FOR, now):
            return
        async with self._reading:
            now = app[keys.NOW]()
            if self._is_younger(KEPT_FOR, now):
                return
            found = await app[keys.DATABASE].read(lambda connection: overview(connection, now))
            self._lines = sorted(found, key=lambda one: _ORDER[one.state])
            self._by_id = {one.line.id: one for one in found}
            self._read_at = now

    def _is_younger(self, age: timedelta, now: datetime) -> bool:
        # A clock that was set back must not keep an old list for long.
        return self._read_at is not None and timedelta(0) <= now - self._read_at < age


OVERVIEW = web.AppKey("overview", Overview)


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
