"""The one writer: a thread that commits what is waiting as a group.

A commit costs one or two waits for the disk, however much it holds. So jobs queue, the writer
takes all that wait (up to a number of bytes), runs them in savepoints of one transaction, commits,
and only then gives the answers. Jobs of a kind that say so are done at once, in one savepoint. A
job that fails undoes itself alone; a commit that fails fails all of its jobs, and nothing of them
is stored.

Another collector may write to the same PostgreSQL. Both lock what they write in the order of their
jobs' keys; where they are in each other's way all the same, and the database undoes one of them,
that one does its group again.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from collector.errors import CollisionError, LedgerBusyError, LedgerError
from collector.ledger import engines
from collector.ledger.database import Database
from collector.settings import LimitSettings

Item = TypeVar("Item")
T = TypeVar("T")
Job = Callable[[Connection], T]


@dataclass(frozen=True)
class Shared(Generic[Item, T]):
    """A job that is done at once with others of its kind, of other keys.

    Attributes:
        do: does some of them in a savepoint, in the order of their keys; returns of each its
            result, or the error that it ends with. If it raises, nothing of them was done, and it
            is called for each by itself.
        item: what this job is about.
    """

    do: Callable[[Connection, Sequence[Item]], Sequence[T | Exception]]
    item: Item


_TRIES: Final = 5
"""Each time a collision undoes one transaction, another one got on."""

_LOG = logging.getLogger(__name__)


@dataclass
class WriterCounts:
    """What the writer has done since it started. Read from other threads: each is one number."""

    commits: int = 0
    jobs: int = 0
    repeated: int = 0
    failures: int = 0
    refused: int = 0
    commit_seconds: float = 0.0
    failing: bool = False


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    job: Job[T] | Shared[Any, T]
    weight_bytes: int
    key: str
    answer: "concurrent.futures.Future[T]"


class Writer:
    """Runs jobs that write, many in one commit; those of one key in the order they came.

    Args:
        database: where to.
        limits: how much may wait, and how much goes into one transaction.
    """

    def __init__(self, database: Database, limits: LimitSettings) -> None:
        self.counts = WriterCounts()
        self._database = database
        self._limits = limits
        self._waiting: deque[_Waiting[Any]] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="ledger-write")

    def start(self) -> None:
        """Start the thread; `close` ends it."""
        self._thread.start()

    @property
    def queued_jobs(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def queued_bytes(self) -> int:
        """How much the jobs that wait weigh."""
        return self._queued_bytes

    async def run(self, job: Job[T] | Shared[Any, T], weight_bytes: int = 0, key: str = "") -> T:
        """Return what ``job`` returns, once it is committed.

        Args:
            job: runs in the writer's thread, inside a transaction; must not take long, and may be
                run again where nothing came of it.
            weight_bytes: how much memory the job holds while it waits.
            key: whose rows it locks: a probe's id.

        Raises:
            LedgerBusyError: too much is waiting, or the writer is closing.
            LedgerError: the database cannot be written; nothing of the job was.
            Exception: whatever ``job`` raises; nothing of it was written.
        """
        return await asyncio.wrap_future(self.submit(job, weight_bytes, key))

    def submit(
        self, job: Job[T] | Shared[Any, T], weight_bytes: int = 0, key: str = ""
    ) -> "concurrent.futures.Future[T]":
        """Queue a job from any thread. As `run`, but the errors of writing come by the future."""
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()
        with self._changed:
            full = self._queued_bytes + weight_bytes > self._limits.queued_bytes
            if self._closing or (full and self._waiting):
                self.counts.refused += 1
                raise LedgerBusyError("too much is waiting for the disk; try again later")
            self._waiting.append(_Waiting(job, weight_bytes, key, answer))
            self._queued_bytes += weight_bytes
            self._changed.notify()
        return answer

    def close(self) -> None:
        """Write everything that waits, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        # Ends when `close` was called and nothing waits any more.
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
                group = self._take()
            self._commit(group)

    def _take(self) -> list[_Waiting[Any]]:
        """Return the jobs for one transaction: at least one, up to the group's size."""
        group: list[_Waiting[Any]] = []
        size = 0
        while self._waiting and (
            not group or size + self._waiting[0].weight_bytes <= self._limits.group_bytes
        ):
            waiting = self._waiting.popleft()
            size += waiting.weight_bytes
            if waiting.answer.set_running_or_notify_cancel():
                group.append(waiting)
        self._queued_bytes -= size
        return sorted(group, key=lambda waiting: waiting.key)

    def _commit(self, group: list[_Waiting[Any]]) -> None:
        began = time.monotonic()
        try:
            results = self._run(group)
        except LedgerError as error:
            _LOG.error("nothing of %d jobs was written: %s", len(group), error)
            self._fail(group, error)
            return
        except Exception as error:  # noqa: BLE001 - logged whole, and handed to all who wait
            # The thread outlives what nobody foresaw: the next group is written.
            _LOG.exception("nothing of %d jobs was written", len(group))
            self._fail(group, LedgerError(f"nothing was written: {type(error).__name__}: {error}"))
            return
        self.counts.commits += 1
        self.counts.jobs += len(group)
        self.counts.commit_seconds += time.monotonic() - began
        self.counts.failing = False
        for waiting, result, failure in results:
            if failure is None:
                waiting.answer.set_result(result)
            else:
                waiting.answer.set_exception(failure)

    def _run(self, group: list[_Waiting[Any]]) -> list[Any]:
        """Return each job with its result or the error that undid it, all committed."""
        for _ in range(_TRIES - 1):
            try:
                return self._run_once(group)
            except CollisionError:
                self.counts.repeated += 1
        return self._run_once(group)

    def _run_once(self, group: list[_Waiting[Any]]) -> list[Any]:
        with self._database.write() as connection:
            return [done for part in _parts(group) for done in _run_apart(connection, part)]

    def _fail(self, group: list[_Waiting[Any]], error: LedgerError) -> None:
        self.counts.failures += 1
        self.counts.failing = True
        for waiting in group:
            waiting.answer.set_exception(error)


def _parts(group: Sequence[_Waiting[Any]]) -> Iterator[list[_Waiting[Any]]]:
    """Yield the jobs that are done at once: those of a kind and of different keys.

    Jobs of one key follow each other as they came.
    """
    of_key: Counter[str] = Counter()
    parts: defaultdict[tuple[int, object], list[_Waiting[Any]]] = defaultdict(list)
    for waiting in group:
        turn, job = of_key[waiting.key], waiting.job
        of_key[waiting.key] += 1
        parts[turn, job.do if isinstance(job, Shared) else waiting].append(waiting)
    for place in sorted(parts, key=lambda place: place[0]):
        yield parts[place]


def _run_apart(
    connection: Connection, part: Sequence[_Waiting[Any]]
) -> list[tuple[_Waiting[Any], Any, BaseException | None]]:
    """Run jobs in a savepoint: return each with its result, or the error that undid it."""
    try:
        with connection.begin_nested():
            results = _do(connection, part)
    except DBAPIError as error:
        if not engines.is_of_its_data(error):
            # The disk or the lock, not the job: the whole transaction is given up.
            raise
        failure: Exception = error
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for the job's result
        failure = error
    else:
        return [
            (one, None, result) if isinstance(result, Exception) else (one, result, None)
            for one, result in zip(part, results, strict=True)
        ]
    if len(part) > 1:
        # One of them, perhaps: the others are none the worse for it.
        return [done for one in part for done in _run_apart(connection, [one])]
    return [(part[0], None, failure)]


def _do(connection: Connection, part: Sequence[_Waiting[Any]]) -> Sequence[Any]:
    jobs = [waiting.job for waiting in part]
    shared = [job for job in jobs if isinstance(job, Shared)]
    if shared:
        return shared[0].do(connection, [job.item for job in shared])
    return [job(connection) for job in jobs if not isinstance(job, Shared)]
