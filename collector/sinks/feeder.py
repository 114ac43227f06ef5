"""Feeds one sink: reads a page, writes it, moves the cursor; finds the points that are poison."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import partial
from logging import getLogger
from typing import Final

from sqlalchemy import Connection

from collector.errors import LedgerBusyError
from collector.ledger.database import Database
from collector.ledger.tail import horizon
from collector.sinks import keeping
from collector.sinks.far_end import AwayError, FarEnd, RefusedError
from collector.sinks.keeping import Advance, Aside, State
from collector.sinks.reading import Page, Place, Point, read_corrections, read_page

_LOG = getLogger(__name__)

PAGE_RECORDS: Final = 2000
"""Records that are read and written at once: some 800 kB of line protocol, 0.1 s of work."""

CANARY: Final = "linewatch_sink"
"""The measurement of a point that is certainly good."""

_UNKNOWN: Final = -1
"""Connections of a far end that this feeder has not written to yet, or not since it failed."""

_MOST_RESTARTS: Final = 5
"""So often one pass over what was just written begins again; then it goes on to its end."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

Write = Callable[[Callable[[Connection], object]], Awaitable[object]]
"""Runs a job in a transaction, and returns what it returns once that is committed."""


class Step(Enum):
    """What one step of a feeder came to."""

    MOVED = auto()
    """There may be more at once."""

    IDLE = auto()
    """The sink has everything."""

    ELSEWHERE = auto()
    """Another collector feeds it."""


@dataclass(slots=True)
class _Dealt:
    """What became of records since the cursor moved last."""

    written: int = 0
    held_back: int = 0
    set_aside: list[Aside] = field(default_factory=list)


class Feeder:
    """Feeds one sink, one step at a time.

    Args:
        name: of the sink; its row is there.
        database: the ledger, to read.
        write: to write the ledger.
        far_end: where to.
        holder: this collector's own name, unlike any other's.
        now: the clock.
        page_records: how many records are in memory at once.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        write: Write,
        far_end: FarEnd,
        *,
        holder: str,
        now: Callable[[], datetime],
        page_records: int = PAGE_RECORDS,
    ) -> None:
        self.name = name
        self._database = database
        self._write = write
        self._far_end = far_end
        self._holder = holder
        self._now = now
        self._page_records = page_records
        self._horizon = 0
        self._connections = _UNKNOWN
        self._restarts = 0
        self._again: int | None = None
        self._moved_at = now()

    async def step(self) -> Step:
        """Deal with the next page, and move the cursor behind it.

        Raises:
            AwayError: the far end did not take it; nothing moved.
            LedgerError: the ledger cannot be read or written; nothing moved.
        """
        try:
            return await self._step()
        except AwayError:
            # Whoever answers next may be another, or the same after its end.
            self._connections = _UNKNOWN
            raise

    async def _step(self) -> Step:
        state = await self._database.read(partial(keeping.read, name=self.name))
        if not await self._is_ours(state):
            return Step.ELSEWHERE
        if self._again is not None:
            await self._write_again(state, self._again)
            return Step.MOVED
        if not await self._find_more(state.cursor):
            if state.settled < state.cursor and self._now() - self._moved_at >= keeping.SETTLE:
                self._again = state.settled
            return Step.IDLE
        done = await self._deal(state.cursor, self._horizon)
        if not done.steady and state.settled < state.cursor:
            self._again = state.settled
        job = partial(keeping.advance, name=self.name, done=done, now=self._now())
        if await self._write(job) and done.set_aside:
            first = done.set_aside[0]
            _LOG.warning(
                "sink %s: %d records set aside, never to be tried again before a refill; "
                "the first is %d of probe %s: %s",
                self.name,
                len(done.set_aside),
                first.record_id,
                first.probe_id,
                first.reason,
            )
        self._moved_at = self._now()
        return Step.MOVED

    async def release(self) -> None:
        """Let another collector feed the sink at once.

        Raises:
            LedgerError: the ledger cannot be written; the lease ends by itself.
        """
        await self._write(partial(keeping.release, name=self.name, holder=self._holder))

    async def _is_ours(self, state: State) -> bool:
        """Return whether this collector feeds the sink; take it where it is free."""
        now = self._now()
        if state.holder == self._holder and state.held_until:
            if state.held_until - now > keeping.LEASE / 2:
                return True
        elif state.holder and state.held_until and state.held_until >= now:
            return False
        take = partial(keeping.take, name=self.name, holder=self._holder, now=now)
        return bool(await self._write(take))

    async def _write_again(self, state: State, start: int) -> None:
        """Write the next page of what the far end may have lost.

        What was refused before is refused again, and was counted and said then.
        """
        if start < state.cursor:
            done = await self._deal(start, state.cursor)
            self._again = done.end
            # What this pass wrote before a new connection may be lost as well.
            if not done.steady and start > state.settled and self._restarts < _MOST_RESTARTS:
                self._restarts += 1
                self._again = state.settled
            return
        self._again = None
        self._restarts = 0
        if self._now() - self._moved_at >= keeping.SETTLE:
            await self._write(partial(keeping.settle, name=self.name, upto=state.cursor))

    async def _find_more(self, cursor: int) -> bool:
        """Return whether there are records behind the cursor, up to where all are committed.

        The horizon holds up whoever writes, so it is asked for only where there is something new.
        """
        newest = await self._database.read(keeping.newest)
        if newest <= cursor:
            return False
        if self._horizon > cursor:
            # Records leave, and SQLite gives their ids again: nothing beyond was dealt with then.
            self._horizon = min(self._horizon, newest)
            return True
        with contextlib.suppress(LedgerBusyError):
            self._horizon = await asyncio.to_thread(horizon, self._database)
        return self._horizon > cursor

    async def _deal(self, cursor: int, upto: int) -> Advance:
        """Write the next page, and what was corrected with its records; return what came of it."""
        dealt = _Dealt()
        connections = self._connections
        most = self._page_records
        page = await self._database.read(partial(read_page, after=cursor, upto=upto, limit=most))
        await self._send(page, dealt)
        dealt.held_back += page.held_back
        end = page.end if page.end is not None and page.records == most else upto
        place: Place | None = None
        while True:
            query = partial(read_corrections, after=cursor, upto=end, limit=most, behind=place)
            page = await self._database.read(query)
            await self._send(page, dealt)
            # They were held back when their own place was passed.
            dealt.held_back -= page.records
            if page.records < most:
                break
            place = page.place
        self._connections = self._far_end.connections
        return Advance(
            cursor,
            end,
            written=dealt.written,
            held_back=dealt.held_back,
            set_aside=dealt.set_aside,
            steady=self._connections == connections,
        )

    async def _send(self, page: Page, dealt: _Dealt) -> None:
        dealt.set_aside += page.impossible
        before = len(dealt.set_aside)
        if page.points:
            await self._send_points(page.points, dealt)
        dealt.written += len(page.points) - (len(dealt.set_aside) - before)

    async def _send_points(self, points: Sequence[Point], dealt: _Dealt) -> None:
        """Write points; where they are refused, by halves, down to those that are the poison.

        Ends after two requests for each point at most.
        """
        try:
            await self._far_end.write([line for point in points for line in point.lines])
        except RefusedError as error:
            if len(points) == 1:
                await self._prove_that_others_are_taken(error)
                aside = Aside(points[0].probe_id, points[0].record_id, str(error))
                dealt.set_aside.append(aside)
                return
            half = len(points) // 2
            await self._send_points(points[:half], dealt)
            await self._send_points(points[half:], dealt)

    async def _prove_that_others_are_taken(self, refusal: RefusedError) -> None:
        """Write a point that is certainly good: a far end that refuses everything judges none.

        Raises:
            AwayError: it refuses that too.
        """
        moment = (self._now() - _EPOCH) // _MILLISECOND
        try:
            await self._far_end.write([f"{CANARY},sink={self.name} asked=1i {moment}"])
        except RefusedError:
            raise AwayError(f"it refuses everything: {refusal}") from None
