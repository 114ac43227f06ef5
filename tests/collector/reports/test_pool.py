"""Work by processes beside each other."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from collector.errors import LedgerError, ReportError
from collector.reports.pool import Workers, usable_cores

JOBS = pytest.mark.parametrize("jobs", [1, 2])


CLOSED: list[int] = []


@dataclass
class Own:
    """What work goes by, and which process it is in."""

    base: int
    process: int

    def close(self) -> None:
        """Be noted."""
        CLOSED.append(self.base)


def begin(base: int) -> Own:
    """Return what work goes by."""
    return Own(base, os.getpid())


def add(own: Own, thing: int) -> tuple[int, int]:
    """Return a sum, and the process that made it."""
    return own.base + thing, own.process


def threads(own: Own, thing: str) -> str | None:
    """Return what a library finds of how many threads it may begin."""
    del own
    return os.environ.get(thing)


def end(own: Own, thing: int) -> int:
    """End the process in the middle of its work, as one that is killed."""
    del own
    if thing == 3:
        os._exit(9)
    return thing


def refuse(own: Own, thing: int) -> int:
    """Fail as a ledger does."""
    raise LedgerError(f"no {own.base + thing}")


@JOBS
def test_results_come_in_the_order_of_the_things(jobs: int) -> None:
    """However many processes; with one it is this process itself."""
    with Workers(jobs, begin, (100,)) as workers:
        found = list(workers.in_order(add, range(20)))
        again = list(workers.in_order(add, range(3)))
    assert [value for value, _ in found] == list(range(100, 120))
    assert [value for value, _ in again] == [100, 101, 102]
    assert (os.getpid() in {process for _, process in found}) == (jobs == 1)


def test_things_are_taken_as_they_are_needed() -> None:
    """Not all of a city's results wait in memory for somebody who is slow."""
    taken = []

    def things() -> Iterator[int]:
        for thing in range(100):
            taken.append(thing)
            yield thing

    with Workers(2, begin, (0,)) as workers:
        results = workers.in_order(add, things())
        next(results)
        assert len(taken) < 10


def test_a_process_that_dies_is_an_error_that_says_so() -> None:
    """Not a report with a line missing, and not a wait for ever."""
    with (
        pytest.raises(ReportError, match="a process that worked on the report ended before"),
        Workers(2, begin, (0,)) as workers,
    ):
        list(workers.in_order(end, range(10)))


@JOBS
def test_an_error_of_the_work_arrives_as_it_is(jobs: int) -> None:
    """A ledger that cannot be read says so in its own words."""
    with pytest.raises(LedgerError, match="no 7"), Workers(jobs, begin, (7,)) as workers:
        list(workers.in_order(refuse, range(4)))


def test_what_this_process_began_with_is_closed() -> None:
    """Once, when the block ends; what never worked was never opened."""
    CLOSED.clear()
    with Workers(1, begin, (5,)) as workers:
        list(workers.in_order(add, range(3)))
        assert CLOSED == []
    with Workers(1, begin, (6,)):
        pass
    assert CLOSED == [5]


def test_a_machine_has_a_core() -> None:
    """Those that this process may use."""
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_processes_beside_each_other_begin_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its core; one alone takes what there is, and what somebody asked for stands."""
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)
    for jobs, found in ((2, "1"), (1, None)):
        with Workers(jobs, begin, (0,)) as workers:
            assert list(workers.in_order(threads, ["RAYON_NUM_THREADS"])) == [found]
    monkeypatch.setenv("RAYON_NUM_THREADS", "3")
    with Workers(2, begin, (0,)) as workers:
        assert list(workers.in_order(threads, ["RAYON_NUM_THREADS"])) == ["3"]
