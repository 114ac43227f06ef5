"""Runs another program as a child: bounded in time and in what it says, and never left behind."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from probe.engine import MeasurementError
from probe.transfer.guard import SLICE_SECONDS, Guard
from protocol.failures import Failure

MAX_OUTPUT_BYTES: Final = 8 * 1024 * 1024
"""Of one stream. iperf3's report of 13 s at 100 ms with 4 streams is below 400 KB."""

_READ_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended by itself: its code and what it said."""

    code: int
    out: bytes
    err: bytes


def run(
    arguments: Sequence[str],
    guard: Guard,
    seconds: float,
    tick: Callable[[float], object],
) -> Ended:
    """Run a program to its end; it is killed after ``seconds``, or when the guard says so.

    Args:
        arguments: the program and its arguments; no shell is involved.
        guard: the end of all waiting.
        seconds: the longest that it may take.
        tick: told the seconds so far, a few times a second.

    Raises:
        MeasurementError: it is not there, cannot be started, took too long or said too much.
    """
    name = arguments[0]
    try:
        child = subprocess.Popen(  # noqa: S603 - arguments are a list that the engine makes
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise MeasurementError(
            Failure.LOCAL_RESOURCE, f"the program {name} is not installed: sudo apt install {name}"
        ) from None
    except OSError as error:
        raise MeasurementError(
            Failure.LOCAL_RESOURCE, f"{name} cannot be started: {error.strerror}"
        ) from None
    with child:
        try:
            return _listen(child, guard, seconds, tick)
        finally:
            # Gone already in the usual case; else it dies here, and `with` takes its end.
            with contextlib.suppress(ProcessLookupError):
                child.kill()


def _listen(
    child: subprocess.Popen[bytes], guard: Guard, seconds: float, tick: Callable[[float], object]
) -> Ended:
    """Read what the child says until it ends. Ends within ``seconds``, or when the guard says."""
    said = {pipe.fileno(): bytearray() for pipe in (child.stdout, child.stderr) if pipe}
    out, err = said.values()
    began = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe in said:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() or child.poll() is None:
            guard.check()
            elapsed = time.monotonic() - began
            if elapsed > seconds:
                raise MeasurementError(
                    Failure.DEADLINE, f"the program did not end within {seconds:.0f} s"
                )
            tick(elapsed)
            # A program that closed its pipes and goes on is waited for in the same slices.
            for key, _ in selector.select(SLICE_SECONDS):
                data = os.read(key.fd, _READ_BYTES)
                if not data:
                    selector.unregister(key.fd)
                said[key.fd] += data
                if len(said[key.fd]) > MAX_OUTPUT_BYTES:
                    raise MeasurementError(
                        Failure.BAD_ANSWER, f"the program said more than {MAX_OUTPUT_BYTES} bytes"
                    )
    return Ended(child.returncode, bytes(out), bytes(err))
