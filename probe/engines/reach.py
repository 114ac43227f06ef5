"""Engine `reach`: what still answers, to tell a dead line from a dead server or a dead Wi-Fi.

Asks gateway, resolver, the measurement server and other far ends, over IPv4 and IPv6, side by side,
each once, each within `TARGET_SECONDS`. A target that does not answer is data, not a failure of the
measurement.
"""

import errno
import os
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from probe.conditions.files import text
from probe.conditions.route import default_gateway
from probe.engine import Measurement, MeasurementError, Order, Progress
from probe.failure import ERRORS, classify
from probe.transfer.dial import Dialer, Target, bind_to_interface
from probe.transfer.guard import Guard
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.records import Reach, ReachTarget

TARGET_SECONDS: Final = 10.0
"""The longest that one target may take: a name (5 s) and a connection (5 s)."""

ECHO_SECONDS: Final = 1.0
ECHO_TRIES: Final = 3
"""A gateway on the same link answers within milliseconds; three tries ride out a radio's pause."""

MOST_OTHERS: Final = 3
"""Far ends besides the measurement server: enough that one that is away says nothing."""

DNS_SECONDS: Final = 2.0
DNS_TRIES: Final = 2

_DNS_PORT: Final = 53
_ECHO_REQUEST: Final = {4: 8, 6: 128}
_ECHO_REPLY: Final = {4: 0, 6: 129}
_ECHO_BYTES: Final = 24
"""An echo's header and the token that it carries."""

_IPV6: Final = 6
_TYPE_A: Final = 1
_CLASS_IN: Final = 1
_DNS_HEADER_BYTES: Final = 12
_DNS_IS_ANSWER: Final = 0x80
_DNS_CODE: Final = 0x0F
_DNS_GOOD_CODES: Final = frozenset({0, 3})
"""NOERROR and NXDOMAIN (RFC 1035, 4.1.1): the name server did its work. Any other code says that it
could not, most often because the line behind it is dead."""

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
    dns_port: int = _DNS_PORT

    def measure(self, order: Order) -> Measurement:
        """Ask all targets. Only where there is none to ask, the measurement failed."""
        guard = Guard.of(order)
        order = replace(order, deadline=min(order.deadline, time.monotonic() + TARGET_SECONDS))
        order.progress(Progress("connect", 0.0))
        asking = self._targets(order)
        for each in asking:
            each.start()
        for each in asking:
            # The targets' own deadlines end them; the thread of one that does not is left behind.
            each.join(max(0.0, order.deadline + 1 - time.monotonic()))
        if guard.cancelled.is_set():
            error = MeasurementError(Failure.PROBE_STOPPING, "the probe was asked to stop")
            return Measurement(None, error.report)
        order.progress(Progress("finish", 1.0))
        return Measurement(Reach(targets=tuple(each.result() for each in asking)))

    def _targets(self, order: Order) -> list["_Asking"]:
        """Return what to ask."""
        gateway, resolvers = self._gateway(order), _resolvers(self.root)
        own = [order.server.url] if order.server else []
        others = [url for url in order.others if url not in own][:MOST_OTHERS]
        far_ends = [*own, *others]
        # A resolver knows localhost by itself, and would say nothing of the line.
        host = Target.of(far_ends[0]).host if far_ends else "localhost"
        asking = [
            _Asking("gateway", gateway[0] if gateway else "", None, lambda: _ask_gateway(gateway)),
            _Asking(
                "dns",
                ", ".join(resolvers),
                None,
                lambda: _ask_dns(resolvers, self.dns_port, host, order),
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


def _resolvers(root: Path) -> list[str]:
    """Return the system's name servers (resolv.conf(5))."""
    lines = (text(root / "etc/resolv.conf") or "").splitlines()
    words = [line.split() for line in lines]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]


def _ask_dns(resolvers: list[str], port: int, host: str, order: Order) -> Answer:
    """Ask the resolvers in turn for a name below ``host``; 'no such name' is an answer too.

    Nobody has asked for that name before, so no router answers it from its memory.

    Raises:
        MeasurementError: there is no resolver, or none answers, or only with errors.
    """
    if not resolvers:
        raise MeasurementError(Failure.NO_SERVER, "the device has no name server configured")
    query = _query(f"{secrets.token_hex(4)}.{host}")
    guard = Guard.of(order)
    problem: OSError | None = None
    refused: MeasurementError | None = None
    for resolver in resolvers:
        for _ in range(DNS_TRIES):
            guard.check()
            try:
                seconds = _ask_resolver((resolver, port), query, order)
            except OSError as error:
                problem = error
            except MeasurementError as error:
                refused = error
            else:
                return resolver, 6 if ":" in resolver else 4, seconds
    if refused is not None:
        raise refused
    if problem is None or isinstance(problem, TimeoutError):
        raise MeasurementError(
            Failure.NO_REPLIES, f"no name server answers ({', '.join(resolvers)})"
        )
    raise classify(problem, "talk", f"name server {resolvers[-1]}")


def _ask_resolver(resolver: tuple[str, int], query: bytes, order: Order) -> float:
    family = socket.AF_INET6 if ":" in resolver[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.setblocking(False)
        bind_to_interface(connection, order.interface, resolver[0])
        connection.connect(resolver)
        started = time.monotonic()
        connection.send(query)
        while True:
            left = started + DNS_SECONDS - time.monotonic()
            if left <= 0 or not select.select([connection], [], [], left)[0]:
                raise TimeoutError(errno.ETIMEDOUT, f"no answer within {DNS_SECONDS:.0f} s")
            answer = connection.recv(4096)
            if len(answer) < _DNS_HEADER_BYTES or answer[:2] != query[:2]:
                continue
            if not answer[2] & _DNS_IS_ANSWER:
                continue
            code = answer[3] & _DNS_CODE
            if code not in _DNS_GOOD_CODES:
                raise MeasurementError(
                    Failure.BAD_ANSWER, f"name server {resolver[0]} answers with error {code}"
                )
            return time.monotonic() - started


def _query(host: str) -> bytes:
    """Return a DNS query (RFC 1035) for a name's IPv4 address, with a random id."""
    try:
        labels = [label.encode("idna") for label in host.rstrip(".").split(".")]
    except UnicodeError:
        labels = [b"localhost"]
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    head = secrets.token_bytes(2) + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0)
    return head + name + struct.pack("!HH", _TYPE_A, _CLASS_IN)
