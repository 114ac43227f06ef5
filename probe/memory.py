"""Gives memory back to the system: a device with 512 MB has other work besides this agent.

A speed test's samples and its record are some ten megabytes for a moment. The C library keeps what
was freed, in an arena for each thread that ever ran; one arena and a trim after each slot keep the
agent at rest where it was before: 59 MB instead of 64 on 64 bit.
"""

import ctypes
import gc
from typing import Final

_M_ARENA_MAX: Final = -8
_ARENAS: Final = 1


def limit_arenas() -> None:
    """Let all threads share one arena. Call it before any thread starts; harmless elsewhere."""
    _call("mallopt", _M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return freed memory to the system, where the C library knows how."""
    gc.collect()
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        # Another C library than glibc: it does as it thinks best.
        return
    function(*arguments)
