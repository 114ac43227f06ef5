"""The ends of a line on one machine: network namespaces with addresses, and programs in them.

Needs Linux, root, and the program `ip`. Whatever goes wrong, nothing is left behind.
"""

import os
import secrets
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final, Literal, Self

from protocol.errors import LinewatchError

Direction = Literal["download", "upload"]
Family = Literal[4, 6]
Place = Literal["server", "router", "probe"]

DIRECTIONS: Final[tuple[Direction, ...]] = ("download", "upload")
FAMILIES: Final[tuple[Family, ...]] = (4, 6)
ENDS: Final[tuple[Place, ...]] = ("server", "probe")

MTU_BYTES: Final = 1500
"""Of every interface of a line, as on Ethernet."""

ETHERNET_HEADER_BYTES: Final = 14
"""What a bottleneck counts in front of the IP packet: neither preamble nor checksum."""

IP_HEADER_BYTES: Final[dict[Family, int]] = {4: 20, 6: 40}
"""RFC 791 and RFC 8200, without options."""

TCP_HEADER_BYTES: Final = 20 + 12
"""RFC 9293, and the timestamps (RFC 7323, padded) that Linux puts into every segment."""

_COMMAND_SECONDS: Final = 10
"""The longest that one call of `ip` or `tc` may take."""

# Networks set aside for benchmarks: RFC 2544 (198.18.0.0/15) and RFC 5180 (2001:2::/48).
ADDRESSES: Final[dict[Place, dict[Family, str]]] = {
    "server": {4: "198.18.0.2", 6: "2001:2::2"},
    "probe": {4: "198.18.1.2", 6: "2001:2:0:1::2"},
}
PREFIX_BITS: Final[dict[Family, int]] = {4: 24, 6: 64}


class LineError(LinewatchError):
    """The line cannot be made on this machine."""


def payload_share(family: Family) -> float:
    """Return how much of a full frame, as a bottleneck counts it, is TCP payload.

    1448 of 1514 bytes over IPv4 (0.9564), 1428 of 1514 over IPv6 (0.9432).
    """
    payload = MTU_BYTES - IP_HEADER_BYTES[family] - TCP_HEADER_BYTES
    return payload / (MTU_BYTES + ETHERNET_HEADER_BYTES)


def allowed_bits_per_second(shape_bits_per_second: float, family: Family) -> float:
    """Return the TCP payload rate that a bottleneck of this rate lets through: the truth."""
    return shape_bits_per_second * payload_share(family)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a bottleneck has let through since the line was made, frames with their headers."""

    bytes: int
    frames: int
    dropped_frames: int


class Namespaces(ABC):
    """A server's and a probe's place, and what lies between; a context manager.

    Args:
        congestion_control: of both ends' connections; None leaves the system's choice. It is set
            on the routes, so that nothing outside the line changes.

    Raises:
        LineError: not root, a program is missing, or the kernel refused something; nothing is
            left behind.
    """

    places: ClassVar[tuple[Place, ...]] = ENDS
    programs: ClassVar[tuple[str, ...]] = ("ip",)

    def __init__(self, congestion_control: str | None = None) -> None:
        self._congestion_control = congestion_control
        name = f"linewatch-{secrets.token_hex(4)}"
        self.namespaces: dict[Place, str] = {place: f"{name}-{place}" for place in self.places}
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        _check_machine(self.programs)
        with ExitStack() as undo:
            for place, namespace in self.namespaces.items():
                undo.callback(_remove_namespace, namespace)
                call("ip", "netns", "add", namespace)
                self._prepare(place)
            self.connect(undo)
            self._cleanup = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    @abstractmethod
    def connect(self, undo: ExitStack) -> None:
        """Lay what is between the ends; ``undo`` takes what has to be taken down."""

    @abstractmethod
    def carried(self, direction: Direction) -> Carried:
        """Return what the bottleneck of a direction has let through."""

    def command(self, place: Place, arguments: Sequence[str]) -> list[str]:
        """Return the command line that runs a program at one place of the line.

        The program takes over the process (`ip netns exec`), so its process id is the program's.
        """
        return ["ip", "netns", "exec", self.namespaces[place], *arguments]

    def address(self, end: Place, family: Family) -> str:
        """Return an end's address."""
        return ADDRESSES[end][family]

    def url(self, family: Family, port: int) -> str:
        """Return the address of an HTTP server that listens at the line's server end."""
        host = self.address("server", family)
        return f"http://[{host}]:{port}" if family == 6 else f"http://{host}:{port}"  # noqa: PLR2004 - IPv6

    def ip(self, place: Place, *arguments: str) -> None:
        """Run `ip` at one place."""
        call("ip", "-n", self.namespaces[place], *arguments)

    def route(self, end: Place, family: Family, *way: str) -> None:
        """Give an end its default route."""
        choice = self._congestion_control
        control = ("congctl", choice) if choice else ()
        self.ip(end, f"-{family}", "route", "add", "default", *way, *control)

    def _prepare(self, place: Place) -> None:
        """Set a namespace up for its part before it has interfaces."""
        settings = {
            # Nobody else is on the wire: addresses, link-local ones too, are good at once.
            "ipv6/conf/default/accept_dad": 0,
            # Or what one run learnt of the path would be the next one's start.
            "ipv4/tcp_no_metrics_save": 1,
        }
        if place == "router":
            settings |= {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1}
        script = " && ".join(f"echo {value} >/proc/sys/net/{at}" for at, value in settings.items())
        call(*self.command(place, ("sh", "-c", script)))
        self.ip(place, "link", "set", "lo", "up")


def call(*command: str) -> str:
    """Run `ip` or `tc` and return what it printed.

    Raises:
        LineError: it failed; says why.
    """
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_COMMAND_SECONDS
    )
    if done.returncode != 0:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        raise LineError(f"the line cannot be made: {' '.join(command)}: {why}")
    return done.stdout


def _check_machine(programs: Sequence[str]) -> None:
    if os.geteuid() != 0:
        raise LineError("a line is made of network namespaces, which needs root: use sudo")
    for program in programs:
        if shutil.which(program) is None:
            raise LineError(f"'{program}' is not installed: apt-get install iproute2")


def _remove_namespace(namespace: str) -> None:
    """End what still runs in a namespace and remove it; its interfaces go with it."""
    listed = subprocess.run(
        ("ip", "netns", "pids", namespace), check=False, capture_output=True, text=True
    )
    for pid in listed.stdout.split():
        # A process may end by itself between the listing and the signal.
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(("ip", "netns", "delete", namespace), check=False, capture_output=True)
