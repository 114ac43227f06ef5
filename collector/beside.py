"""Work that takes the interpreter for long, done by a process of its own.

Python runs one thread at a time: in a thread beside the event loop, a second of such work keeps
whoever reads the ledger waiting at each of his rows.
"""

import asyncio
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final, TypeVar

from collector.errors import LedgerError

T = TypeVar("T")

_NICE: Final = 10
"""The process takes what the collectors on the machine leave."""

_END_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def end_with(parent: int) -> None:
    """Let this process live until its parent ends or is killed; signals to end are the parent's.

    Args:
        parent: its process id.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


async def done_beside(seconds: float, work: Callable[..., T], *arguments: object) -> T:
    """Return what another process returns; it ends with this call, whatever becomes of it.

    Args:
        seconds: how long it may take.
        work: a function of a module.
        arguments: that can be pickled, as what it returns.

    Raises:
        LedgerError: raised by the work; or there was no answer in time, or none at all.
    """
    # A copy of this process would hold copies of its locks and sockets: a new program instead.
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(os.getpid(), sending, work, arguments))
    process.start()
    sending.close()
    try:
        async with asyncio.timeout(seconds):
            answer: T | LedgerError = await asyncio.to_thread(receiving.recv)
    except TimeoutError:
        raise LedgerError(f"'{work.__name__}' took more than {seconds:g} s") from None
    except EOFError:
        raise LedgerError(f"the process for '{work.__name__}' ended without an answer") from None
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        receiving.close()
    if isinstance(answer, LedgerError):
        raise answer
    return answer


def _send(
    parent: int, sending: Pipe, work: Callable[..., Any], arguments: tuple[object, ...]
) -> None:
    end_with(parent)
    os.nice(_NICE)
    try:
        answer = work(*arguments)
    except LedgerError as error:
        answer = LedgerError(str(error))
    sending.send(answer)
