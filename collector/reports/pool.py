"""Work on many things by processes beside each other, its results in the order of the things."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Final, TypeVar

from collector.beside import end_with
from collector.errors import ReportError

T = TypeVar("T")
R = TypeVar("R")

_AHEAD: Final = 3
"""Things a process has waiting: so many results at most are held where one takes long."""

_GARBAGE_AFTER: Final = 250_000
"""Objects, instead of 700: a line's month has tens of thousands, none of which is garbage."""

_made: dict[str, Callable[[Any], Any]] = {}


def usable_cores() -> int:
    """Return how many processes can work at once here."""
    return len(os.sched_getaffinity(0))


def in_order(
    make: Callable[..., Callable[[T], R]],
    arguments: tuple[Any, ...],
    things: Iterable[T],
    jobs: int,
) -> Iterator[R]:
    """Yield what becomes of each thing.

    Args:
        make: called once in each process with the arguments, returns what does the work. Both are
            found by name; arguments, things and results are pickled.
        arguments: of it.
        things: taken as they are needed.
        jobs: processes; 1: this one alone.

    Raises:
        ReportError: a process ended in the middle of its work.
    """
    if jobs == 1:
        work = make(*arguments)
        yield from map(work, things)
        return
    # A copy of this process would hold copies of its locks and files: new programs instead.
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=_begin, initargs=(os.getpid(), make, arguments)
    )
    waiting: deque[Future[R]] = deque()
    try:
        for thing in things:
            waiting.append(pool.submit(_run, thing))
            if len(waiting) > jobs * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise ReportError(
            "a process that worked on the report ended before its time; the system's log says "
            "whether memory was short. With '--jobs 1' less is needed"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int, make: Callable[..., Callable[[T], R]], arguments: tuple[Any, ...]) -> None:
    end_with(parent)
    gc.set_threshold(_GARBAGE_AFTER)
    _made["work"] = make(*arguments)


def _run(thing: T) -> Any:  # noqa: ANN401 - whatever the work returns
    return _made["work"](thing)
