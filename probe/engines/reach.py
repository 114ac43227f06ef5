"""Engine `reach`: what still answers, to tell a dead line from a dead server or a dead Wi-Fi.

Asks gateway, resolver, the measurement server and other far ends, over IPv4 and IPv6, side by side,
each once, each within `TARGET_SECONDS`; and how far IPv6 goes (`probe.transfer.families`). A target
that does not answer is data, not a failure of the measurement.
"""

import errno
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from probe.conditions.route import default_gateway
from probe.engine import Measurement, MeasurementError, Order, Progress
from probe.failure import ERRORS, classify
from probe.transfer.bind import bind_to_interface
from probe.transfer.dial import Dialer, Target
from probe.transfer.families import ipv6_readiness
from probe.transfer.guard import Guard
from probe.transfer.names import DNS_PORT, NameServers
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.results import Ipv6Readiness, Reach, ReachTarget

TARGET_SECONDS: Final = 10.0
"""The longest that one target may take: a name (5 s) and a connection (5 s)."""

ECHO_SECONDS: Final = 1.0
ECHO_TRIES: Final = 3
"""A gateway on the same link answers within milliseconds; three tries ride out a radio's pause."""

MOST_OTHERS: Final = 3
"""Far ends besides the measurement server: enough that one that is away says nothing."""

_ECHO_REQUEST: Final = {4: 8, 6: 128}
_ECHO_REPLY: Final = {4: 0, 6: 129}
_ECHO_BYTES: Final = 24
"""An echo's header and the token that it carries."""

_IPV6: Final = 6

Family = Literal[4, 6]
_FAMILIES: Final[tuple[tuple[Literal["ipv4", "ipv6"], Family], ...]] = (("ipv4", 4), ("ipv6", 6))

Answer = tuple[str, Family | None, float]
"""Where it was asked, over which family, and how many seconds it took."""


@dataclass(frozen=True, slots=True)
class ReachEngine:
    """The engine.

    Attributes:
        root: the file system's root, for the resolver's and the routes' files.
        dns_port: where name servers listen.
    """

    root: Path = Path("/")
    dns_port: int = DNS_PORT

    def measure(self, order: Order) -> Measurement:
        """Ask all targets. Only where there is none to ask, the measurement failed."""
        guard = Guard.of(order)
        order = replace(order, deadline=min(order.deadline, time.monotonic() + TARGET_SECONDS))
        order.progress(Progress("connect", 0.0))
        names = NameServers.of_path(order.interface, self.root, self.dns_port)
        asking = self._targets(order, names)
        ipv6 = _AskingIpv6(_far_ends(order), order, names, self.root)
        threads: list[threading.Thread] = [*asking, ipv6]
        for each in threads:
            each.start()
        for each in threads:
            # The targets' own deadlines end them; the thread of one that does not is left behind.
            each.join(max(0.0, order.deadline + 1 - time.monotonic()))
        if guard.cancelled.is_set():
            error = MeasurementError(Failure.PROBE_STOPPING, "the probe was asked to stop")
            return Measurement(None, error.report)
        order.progress(Progress("finish", 1.0))
        targets = tuple(each.result() for each in asking)
        return Measurement(Reach(targets=targets, ipv6=ipv6.readiness))

    def _targets(self, order: Order, names: NameServers) -> list["_Asking"]:
        """Return what to ask."""
        gateway = self._gateway(order)
        own = [order.server.url] if order.server else []
        far_ends = _far_ends(order)
        # A resolver knows localhost by itself, and would say nothing of the line.
        host = Target.of(far_ends[0]).host if far_ends else "localhost"
        asking = [
            _Asking("gateway", gateway[0] if gateway else "", None, lambda: _ask_gateway(gateway)),
            _Asking(
                "dns",
                ", ".join(names.addresses),
                None,
                lambda: _ask_dns(names, host, order),
            ),
        ]
        for url in far_ends:
            for name, family in _FAMILIES:
                ask = partial(_ask_far_end, url, replace(order, family=family))
                asking.append(_Asking("server" if url in own else name, url, family, ask))
        return asking

    def _gateway(self, order: Order) -> tuple[str, str] | None:
        return default_gateway(4, order.interface, self.root) or default_gateway(
            6, order.interface, self.root
        )


def _far_ends(order: Order) -> list[str]:
    """Return the URLs of the measurement server, where there is one, and of some others."""
    own = [order.server.url] if order.server else []
    known = [*order.others, *([order.collector] if order.collector else [])]
    others = [url for url in known if url not in own and _is_http(url)]
    return [*own, *others[:MOST_OTHERS]]


def _is_http(url: str) -> bool:
    """Return whether a far end speaks HTTP: servers of other engines have other addresses."""
    try:
        Target.of(url)
    except MeasurementError:
        return False
    return True


class _AskingIpv6(threading.Thread):
    """Finds in a thread of its own how far IPv6 goes; ``readiness`` is None until it knows."""

    def __init__(
        self, far_ends: Sequence[str], order: Order, names: NameServers, root: Path
    ) -> None:
        super().__init__(name="reach-readiness", daemon=True)
        self.readiness: Ipv6Readiness | None = None
        self._find = partial(ipv6_readiness, far_ends, order, names, root)

    def run(self) -> None:
        """Find out."""
        self.readiness = self._find()


class _Asking(threading.Thread):
    """Asks one target in a thread of its own."""

    def __init__(
        self,
        name: Literal["gateway", "dns", "server", "ipv4", "ipv6"],
        where: str,
        family: Family | None,
        ask: Callable[[], Answer],
    ) -> None:
        super().__init__(name=f"reach-{name}", daemon=True)
        self._target_name = name
        self._where = where
        self._family = family
        self._ask = ask
        self._answer: Answer | MeasurementError | None = None

    def run(self) -> None:
        """Ask, and remember the answer or why there is none."""
        try:
            self._answer = self._ask()
        except MeasurementError as error:
            self._answer = error
        except ERRORS as error:
            self._answer = classify(error, "talk", self._where)

    def result(self) -> ReachTarget:
        """Return the outcome as far as it is known."""
        answer = self._answer or MeasurementError(
            Failure.DEADLINE, f"no answer within {TARGET_SECONDS:.0f} s"
        )
        if isinstance(answer, MeasurementError):
            return ReachTarget(
                name=self._target_name,
                target=self._where[:500],
                ip_version=self._family,
                reached=False,
                round_trip_seconds=None,
                failure=answer.report,
            )
        where, version, seconds = answer
        return ReachTarget(
            name=self._target_name,
            target=where[:500],
            ip_version=version,
            reached=True,
            round_trip_seconds=seconds,
            failure=None,
        )


def _ask_far_end(url: str, order: Order) -> Answer:
    """Connect to a far end over the order's family."""
    far_end = ServerEntry(name="far-end", url=url)
    dialer = Dialer.of(replace(order, server=far_end), Guard.of(order))
    connection = dialer.dial()
    with connection:
        pass
    if dialer.address is None:
        raise MeasurementError(Failure.INTERNAL, "connected to no address")
    started = time.monotonic()
    # The second connection goes straight to the address: its time is one round trip.
    with dialer.dial():
        seconds = time.monotonic() - started
    version: Family = 6 if dialer.address[0] == socket.AF_INET6 else 4
    return str(dialer.address[1][0]), version, seconds


def _ask_gateway(gateway: tuple[str, str] | None) -> Answer:
    """Send an ICMP echo to the default gateway.

    Raises:
        MeasurementError: there is no default route, no answer, or no permission to ask.
    """
    if gateway is None:
        raise MeasurementError(Failure.NO_ROUTE, "the device has no default route")
    address, interface = gateway
    version: Family = 6 if ":" in address else 4
    with _echo_socket(version) as connection:
        connection.settimeout(ECHO_SECONDS)
        bind_to_interface(connection, interface, address)
        scope = socket.if_nametoindex(interface) if version == _IPV6 else 0
        connection.connect((address, 0, 0, scope) if version == _IPV6 else (address, 0))
        token = secrets.token_bytes(16)
        for number in range(ECHO_TRIES):
            started = time.monotonic()
            connection.send(_echo(version, number, token))
            while time.monotonic() < started + ECHO_SECONDS:
                try:
                    packet = connection.recv(2048)
                except TimeoutError:
                    break
                # A raw IPv4 socket also shows the IP header, so the answer is read from its end.
                if packet.endswith(token) and packet[-_ECHO_BYTES] == _ECHO_REPLY[version]:
                    return address, version, time.monotonic() - started
    raise MeasurementError(Failure.NO_REPLIES, f"the gateway {address} does not answer pings")


def _echo_socket(version: Family) -> socket.socket:
    """Return an ICMP socket: the unprivileged kind where the system allows it, else a raw one."""
    family, kind = (
        (socket.AF_INET, socket.IPPROTO_ICMP)
        if version == 4  # noqa: PLR2004 - IPv4
        else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    )
    try:
        return socket.socket(family, socket.SOCK_DGRAM, kind)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT):
            raise
    return socket.socket(family, socket.SOCK_RAW, kind)


def _echo(version: Family, number: int, token: bytes) -> bytes:
    """Return an echo request (RFC 792, RFC 4443). The kernel fills in ICMPv6's checksum."""
    head = struct.pack("!BBHHH", _ECHO_REQUEST[version], 0, 0, os.getpid() & 0xFFFF, number)
    checksum = _internet_checksum(head + token)
    return head[:2] + struct.pack("!H", checksum) + head[4:] + token


def _internet_checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071; ``data`` has an even length."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:  # noqa: PLR2004 - fold the carries into 16 bits
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ask_dns(names: NameServers, host: str, order: Order) -> Answer:
    """Ask the path's name servers for a name below ``host``.

    Nobody has asked for that name before, so no router answers it from its memory.

    Raises:
        MeasurementError: there is no name server, or none answers, or only with errors.
    """
    reply = names.ask(f"{secrets.token_hex(4)}.{host}", "A", Guard.of(order))
    return reply.server, 6 if ":" in reply.server else 4, reply.seconds
