"""Work in a process of its own gives its answer, its error, or a word that there is none."""

import asyncio
import os
import time

import pytest

from collector.beside import done_beside
from collector.errors import LedgerError


def who(offset: int) -> int:
    """Return the process that this runs in."""
    return os.getpid() + offset


def refuse() -> None:
    """Say why there is no answer."""
    raise LedgerError("the ledger is away")


def vanish() -> None:
    """End the process in mid-work."""
    os._exit(1)


def dawdle() -> None:
    """Take longer than anybody waits."""
    time.sleep(600)


async def test_another_process_answers() -> None:
    """What the function returns there is returned here."""
    assert await done_beside(60, who, 0) != os.getpid()


async def test_an_error_there_is_the_error_here() -> None:
    """With its own words."""
    with pytest.raises(LedgerError, match="the ledger is away"):
        await done_beside(60, refuse)


async def test_a_process_that_ends_without_an_answer_is_an_error() -> None:
    """Killed for want of memory, for example."""
    with pytest.raises(LedgerError, match="'vanish' ended without an answer"):
        await done_beside(60, vanish)


async def test_who_waits_no_more_ends_the_process() -> None:
    """Nothing goes on for nobody, and the caller is not kept."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(done_beside(60, dawdle), 1.0)
    assert time.monotonic() - began < 30


async def test_an_answer_that_does_not_come_in_time_is_an_error() -> None:
    """Whoever waits for the next metrics is not kept for ever by a process that hangs."""
    with pytest.raises(LedgerError, match=r"'dawdle' took more than 0\.5 s"):
        await done_beside(0.5, dawdle)
