"""Work on many things by processes beside each other, its results in the order of the things."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar

from collector.beside import end_with
from collector.errors import ReportError

T = TypeVar("T")
R = TypeVar("R")

_AHEAD: Final = 3
"""Things a process has waiting: so many results at most are held where one takes long."""

_GARBAGE_AFTER: Final = 250_000
"""Objects, instead of 700: a line's month has tens of thousands, none of which is garbage."""

_THREADS: Final = "RAYON_NUM_THREADS"
"""What Typst goes by. Where each core has its process, more threads are a tenth more work."""

_kept: dict[str, Any] = {}
"""What a process began with."""


def usable_cores() -> int:
    """Return how many processes can work at once here."""
    return len(os.sched_getaffinity(0))


class Closing(Protocol):
    """What work goes by, and what it leaves open."""

    def close(self) -> None:
        """Let go of it."""


class Workers(AbstractContextManager["Workers"]):
    """Processes that work beside each other until the block ends.

    Args:
        jobs: how many; 1: this process alone.
        begin: called once in each process; what it returns is handed to all work there, and closed
            in the end. It is found by name, its arguments are pickled.
        arguments: of it.
    """

    def __init__(
        self, jobs: int, begin: Callable[..., Closing], arguments: tuple[Any, ...]
    ) -> None:
        self.jobs = jobs
        self._begin = begin
        self._arguments = arguments
        self._own: Closing | None = None
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            # A copy of this process would hold copies of its locks and files: new programs instead.
            self._pool = ProcessPoolExecutor(
                jobs,
                get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(), begin, arguments),
            )

    def in_order(self, work: Callable[[Any, T], R], things: Iterable[T]) -> Iterator[R]:
        """Yield what becomes of each thing.

        Args:
            work: of what `begin` returned and a thing; found by name.
            things: taken as they are needed; pickled, as the results.

        Raises:
            ReportError: a process ended in the middle of its work.
        """
        if self._pool is None:
            if self._own is None:
                self._own = self._begin(*self._arguments)
            for thing in things:
                yield work(self._own, thing)
            return
        waiting: deque[Future[R]] = deque()
        try:
            for thing in things:
                waiting.append(self._pool.submit(_run, work, thing))
                if len(waiting) > self.jobs * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise ReportError(
                "a process that worked on the report ended before its time; the system's log says "
                "whether memory was short. With '--jobs 1' less is needed"
            ) from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes; what has not begun is not done."""
        if self._own is not None:
            self._own.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _begin(parent: int, begin: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    end_with(parent)
    gc.set_threshold(_GARBAGE_AFTER)
    os.environ.setdefault(_THREADS, "1")
    _kept["own"] = begin(*arguments)


def _run(work: Callable[[Any, T], R], thing: T) -> R:
    return work(_kept["own"], thing)
