"""A line of known speed on one machine: three network namespaces and a token bucket each way.

    server ── eth0   to-server ── router ── to-probe   eth0 ── probe
                     └ tbf: upload          └ tbf: download

The token buckets sit on the router, as in an access line: the queue builds up ahead of the
bottleneck and not in the sender's own kernel, where TCP's small queues would see it and hold back.
The line adds no delay of its own but the queue's.

Segmentation offload stays on. A token bucket counts a super-packet as the frames that it becomes
on a wire (headers included), and cuts up those above its burst, so the shape stays exact; with
offload off, two cores do not carry 900 Mbit/s of 1514-byte frames over four interfaces.

Needs Linux, root, and the programs `ip` and `tc`.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Self

from protocol.errors import LinewatchError

Direction = Literal["download", "upload"]
Family = Literal[4, 6]
Place = Literal["server", "router", "probe"]

DIRECTIONS: Final[tuple[Direction, ...]] = ("download", "upload")
FAMILIES: Final[tuple[Family, ...]] = (4, 6)

MTU_BYTES: Final = 1500
"""Of every interface of the line, as on Ethernet."""

ETHERNET_HEADER_BYTES: Final = 14
"""What a token bucket counts in front of the IP packet. It sees neither preamble nor checksum."""

IP_HEADER_BYTES: Final[dict[Family, int]] = {4: 20, 6: 40}
"""RFC 791 and RFC 8200, without options."""

TCP_HEADER_BYTES: Final = 20 + 12
"""RFC 9293, and the timestamps (RFC 7323, padded) that Linux puts into every segment."""

BURST_SECONDS: Final = 0.002
"""A bucket holds what its line carries in this time: above a timer's lateness, and below 0.02 % of
a measuring window of 10 s."""

BURST_MINIMUM_BYTES: Final = 10 * (MTU_BYTES + ETHERNET_HEADER_BYTES)
"""A smaller bucket than ten frames loses rate to timers on slow lines."""

_COMMAND_SECONDS: Final = 10
"""The longest that one call of `ip` or `tc` may take."""

# Networks set aside for benchmarks: RFC 2544 (198.18.0.0/15) and RFC 5180 (2001:2::/48).
_ADDRESSES: Final[dict[Place, dict[Family, str]]] = {
    "server": {4: "198.18.0.2", 6: "2001:2::2"},
    "probe": {4: "198.18.1.2", 6: "2001:2:0:1::2"},
}
_GATEWAYS: Final[dict[Place, dict[Family, str]]] = {
    "server": {4: "198.18.0.1", 6: "2001:2::1"},
    "probe": {4: "198.18.1.1", 6: "2001:2:0:1::1"},
}
_PREFIX_BITS: Final[dict[Family, int]] = {4: 24, 6: 64}
_ENDS: Final[tuple[Place, ...]] = ("server", "probe")
_BOTTLENECKS: Final[dict[Direction, str]] = {"download": "to-probe", "upload": "to-server"}


class LineError(LinewatchError):
    """The line cannot be made on this machine."""


def payload_share(family: Family) -> float:
    """Return how much of a full frame, as a token bucket counts it, is TCP payload.

    1448 of 1514 bytes over IPv4 (0.9564), 1428 of 1514 over IPv6 (0.9432).
    """
    payload = MTU_BYTES - IP_HEADER_BYTES[family] - TCP_HEADER_BYTES
    return payload / (MTU_BYTES + ETHERNET_HEADER_BYTES)


def allowed_bits_per_second(shape_bits_per_second: float, family: Family) -> float:
    """Return the TCP payload rate that a token bucket of this rate lets through: the truth."""
    return shape_bits_per_second * payload_share(family)


def burst_bytes(shape_bits_per_second: int) -> int:
    """Return the size of the token bucket of a line of this rate."""
    return max(BURST_MINIMUM_BYTES, round(shape_bits_per_second * BURST_SECONDS / 8))


@dataclass(frozen=True, slots=True)
class Carried:
    """What a bottleneck has let through since the line was made, frames with their headers."""

    bytes: int
    frames: int
    dropped_frames: int


class Line:
    """A line between a server and a probe; a context manager that takes everything down again.

    Args:
        down_bits_per_second: rate of the token bucket towards the probe, frames and headers.
        up_bits_per_second: the same towards the server.
        queue_seconds: how long a frame may wait ahead of the bottleneck before frames are dropped.
        congestion_control: of both ends' connections; None leaves the system's choice. It is set
            on the routes, so that nothing outside the line changes.

    Raises:
        LineError: not root, a program is missing, or the kernel refused something; nothing is
            left behind.
    """

    def __init__(
        self,
        down_bits_per_second: int,
        up_bits_per_second: int,
        *,
        queue_seconds: float = 0.05,
        congestion_control: str | None = None,
    ) -> None:
        self.rates: dict[Direction, int] = {
            "download": down_bits_per_second,
            "upload": up_bits_per_second,
        }
        self._queue_seconds = queue_seconds
        self._congestion_control = congestion_control
        name = f"linewatch-{secrets.token_hex(4)}"
        self._namespaces: dict[Place, str] = {
            "server": f"{name}-server",
            "router": f"{name}-router",
            "probe": f"{name}-probe",
        }
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        _check_machine()
        with ExitStack() as undo:
            for place, namespace in self._namespaces.items():
                undo.callback(_remove_namespace, namespace)
                _call("ip", "netns", "add", namespace)
                self._prepare(place)
            for end in _ENDS:
                self._connect(end)
            for end in _ENDS:
                self._address(end)
            for direction in DIRECTIONS:
                self._shape(direction)
            self._cleanup = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def command(self, place: Place, arguments: Sequence[str]) -> list[str]:
        """Return the command line that runs a program at one place of the line.

        The program takes over the process (`ip netns exec`), so its process id is the program's.
        """
        return ["ip", "netns", "exec", self._namespaces[place], *arguments]

    def address(self, end: Place, family: Family) -> str:
        """Return an end's address."""
        return _ADDRESSES[end][family]

    def url(self, family: Family, port: int) -> str:
        """Return the address of an HTTP server that listens at the line's server end."""
        host = self.address("server", family)
        return f"http://[{host}]:{port}" if family == 6 else f"http://{host}:{port}"  # noqa: PLR2004 - IPv6

    def carried(self, direction: Direction) -> Carried:
        """Return the bottleneck's own counters."""
        device = _BOTTLENECKS[direction]
        text = _call(
            "tc", "-n", self._namespaces["router"], "-s", "-j", "qdisc", "show", "dev", device
        )
        queue: dict[str, Any] = json.loads(text)[0]
        return Carried(queue["bytes"], queue["packets"], queue["drops"])

    def _ip(self, place: Place, *arguments: str) -> None:
        _call("ip", "-n", self._namespaces[place], *arguments)

    def _connect(self, end: Place) -> None:
        """Lay the wire between an end and the router."""
        router = self._namespaces["router"]
        wire = ("link", "add", "dev", "eth0", "mtu", str(MTU_BYTES), "type", "veth")
        peer = ("peer", "name", f"to-{end}", "mtu", str(MTU_BYTES), "netns", router)
        self._ip(end, *wire, *peer)
        self._ip(end, "link", "set", "eth0", "up")
        self._ip("router", "link", "set", f"to-{end}", "up")

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
        _call(*self.command(place, ("sh", "-c", script)))
        self._ip(place, "link", "set", "lo", "up")

    def _address(self, end: Place) -> None:
        """Give an end and the router's side of its wire their addresses and routes."""
        choice = self._congestion_control
        control = ("congctl", choice) if choice else ()
        for family in FAMILIES:
            near, gateway = _ADDRESSES[end][family], _GATEWAYS[end][family]
            bits = _PREFIX_BITS[family]
            self._ip(end, "address", "add", f"{near}/{bits}", "dev", "eth0")
            self._ip("router", "address", "add", f"{gateway}/{bits}", "dev", f"to-{end}")
            self._ip(end, f"-{family}", "route", "add", "default", "via", gateway, *control)

    def _shape(self, direction: Direction) -> None:
        rate = self.rates[direction]
        bucket = ("tbf", "rate", f"{rate}bit", "burst", f"{burst_bytes(rate)}b")
        queue = ("latency", f"{self._queue_seconds * 1e6:.0f}us")
        router = self._namespaces["router"]
        place = ("qdisc", "add", "dev", _BOTTLENECKS[direction], "root")
        _call("tc", "-n", router, *place, *bucket, *queue)


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise LineError("a shaped line is made of network namespaces, which needs root: use sudo")
    for program in ("ip", "tc"):
        if shutil.which(program) is None:
            raise LineError(f"'{program}' is not installed: apt-get install iproute2")


def _call(*command: str) -> str:
    """Run `ip` or `tc` and return what it printed."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_COMMAND_SECONDS
    )
    if done.returncode != 0:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        raise LineError(f"the line cannot be made: {' '.join(command)}: {why}")
    return done.stdout


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
