"""What a sink needs of the server that it writes to."""

from collections.abc import Sequence
from typing import Protocol

from collector.errors import CollectorError


class AwayError(CollectorError):
    """The far end cannot be reached, or has trouble of its own: the same again may be taken later.

    Attributes:
        wait_seconds: how long it asks to wait at least; 0 where it does not.
    """

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class RefusedError(CollectorError):
    """The far end refuses what was sent, and would refuse it for ever."""


class FarEnd(Protocol):
    """A server that takes line protocol.

    Attributes:
        connections: how many were made that no server had announced: at a new one it may be
            another, or the same after its end.
    """

    connections: int

    async def write(self, lines: Sequence[str]) -> None:
        """Write points, moments in milliseconds; return once all of them are taken.

        Raises:
            RefusedError: it will never take these; some of them it may have taken.
            AwayError: it did not take them this time.
        """

    async def close(self) -> None:
        """Close its connections."""
