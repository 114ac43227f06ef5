"""Where batches are checked: in threads beside the event loop, or in processes of their own.

Checking is half of what a record costs, and Python runs one thread at a time. Processes check on
other cores while this one stores.
"""

import asyncio
import gc
import multiprocessing
import os
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from collector.beside import end_with
from collector.errors import LedgerBusyError
from collector.ingest.verify import Batch, verify
from collector.settings import LimitSettings


class Checkers:
    """Checks batches.

    Args:
        limits: how many threads or processes.
    """

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._executor = self._make()

    async def check(self, body: bytes, probe: str, key: Ed25519PublicKey) -> Batch:
        """Return a batch's content, as `verify` does; raises what it raises.

        Raises:
            LedgerBusyError: the process that checked it is gone; it may be sent again.
        """
        raw = key.public_bytes_raw()
        executor = self._executor
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(executor, _check, body, probe, raw)
        except BrokenExecutor:
            # Killed, for want of memory most likely. All that it was given is asked for again.
            if executor is self._executor:
                self._executor = self._make()
                executor.shutdown(wait=False)
            raise LedgerBusyError("the check of this batch was interrupted") from None

    def close(self) -> None:
        """End the threads or processes; what is being checked is finished."""
        self._executor.shutdown()

    def _make(self) -> Executor:
        many = self._limits.verifying_processes
        if not many:
            threads = self._limits.verifying_threads
            return ThreadPoolExecutor(threads, thread_name_prefix="verify")
        # A copy of this process would hold copies of its locks and sockets: a new program instead.
        return ProcessPoolExecutor(
            many,
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(os.getpid(),),
        )


def _check(body: bytes, probe: str, raw: bytes) -> Batch:
    return verify(body, probe, Ed25519PublicKey.from_public_bytes(raw))


def _begin(parent: int) -> None:
    end_with(parent)
    # The modules that are loaded are no garbage: they need not be gone through for it each time.
    gc.freeze()
