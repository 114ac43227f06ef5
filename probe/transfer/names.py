"""Names: which servers tell a path its addresses, and what they say.

A path with an interface of its own asks over that interface, its own router first: the system's
resolver goes by another line, which may be dead while this one is not, and may be told another
address of the same name. What nobody on the path knows (/etc/hosts, mDNS) the system still does.

DNS is read here by hand (RFC 1035): one question, addresses out. A library for all of it would keep
9 MB resident (dnspython 2.9, measured) on a device where the whole agent may have 60.
"""

import contextlib
import errno
import ipaddress
import queue
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from probe.conditions.files import text
from probe.conditions.route import default_gateway
from probe.engine import MeasurementError
from probe.failure import ERRORS, classify
from probe.transfer.bind import bind_to_interface
from probe.transfer.guard import Guard, start
from protocol.failures import Failure

RESOLVE_SECONDS = 10.0
"""Time allowed for the name: two tries of 5 s, the resolver's own default (resolv.conf(5))."""

PATH_SECONDS: Final = 5.0
"""Of these, what a path's own name servers may take before the system is asked."""

DNS_SECONDS: Final = 2.0
DNS_TRIES: Final = 2

DNS_PORT: Final = 53

Kind = Literal["A", "AAAA"]
_TYPES: Final[dict[Kind, int]] = {"A": 1, "AAAA": 28}
_CLASS_IN: Final = 1
_HEADER_BYTES: Final = 12
_IS_ANSWER: Final = 0x80
_CODE: Final = 0x0F
_POINTER: Final = 0xC0
_NO_SUCH_NAME: Final = 3
_GOOD_CODES: Final = frozenset({0, _NO_SUCH_NAME})
"""NOERROR and NXDOMAIN (RFC 1035, 4.1.1): the name server did its work. Any other code says that it
could not, most often because the line behind it is dead."""

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""An address family and what `socket.connect` takes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a name server said.

    Attributes:
        server: which one.
        seconds: how long it took.
        addresses: of the kind asked for; empty where the name has none, or does not exist.
    """

    server: str
    seconds: float
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameServers:
    """The name servers of a path.

    Attributes:
        addresses: in the order in which they are asked.
        interface: to leave by; None for the system's choice.
        port: where they listen.
    """

    addresses: tuple[str, ...]
    interface: str | None = None
    port: int = DNS_PORT

    @classmethod
    def of_path(
        cls, interface: str | None, root: Path = Path("/"), port: int = DNS_PORT
    ) -> "NameServers":
        """Return those of a path: its own router, where it has an interface, and the system's.

        The system's are those of resolv.conf(5), or behind systemd-resolved those that it asks.
        What listens on this device itself says nothing of a path.
        """
        found = _system_servers(root)
        if interface is not None:
            gateway = default_gateway(4, interface, root)
            own = [gateway[0]] if gateway else []
            beyond = [address for address in (*own, *found) if not _is_loopback(address)]
            found = beyond or found
        return cls(tuple(dict.fromkeys(found)), interface, port)

    def ask(self, name: str, kind: Kind, guard: Guard, tries: int = DNS_TRIES) -> Reply:
        """Ask them in turn for a name; 'no such name' is an answer too.

        Raises:
            MeasurementError: there is none, or none answers, or only with errors.
        """
        if not self.addresses:
            raise MeasurementError(Failure.NO_SERVER, "the device has no name server configured")
        query = _query(name, kind)
        problem: OSError | None = None
        refused: MeasurementError | None = None
        for server in self.addresses:
            for _ in range(tries):
                guard.check()
                try:
                    return self._ask_one(server, query, kind)
                except OSError as error:
                    problem = error
                except MeasurementError as error:
                    refused = error
        if refused is not None:
            raise refused
        if problem is None or isinstance(problem, TimeoutError):
            listed = ", ".join(self.addresses)
            raise MeasurementError(Failure.NO_REPLIES, f"no name server answers ({listed})")
        raise classify(problem, "talk", f"name server {self.addresses[-1]}")

    def _ask_one(self, server: str, query: bytes, kind: Kind) -> Reply:
        literal, _, scope = server.partition("%")
        family = socket.AF_INET6 if ":" in literal else socket.AF_INET
        place: tuple[Any, ...] = (literal, self.port)
        if scope:
            place = (literal, self.port, 0, socket.if_nametoindex(scope))
        with socket.socket(family, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)
            bind_to_interface(connection, self.interface, server)
            connection.connect(place)
            started = time.monotonic()
            connection.send(query)
            while True:
                left = started + DNS_SECONDS - time.monotonic()
                if left <= 0 or not select.select([connection], [], [], left)[0]:
                    raise TimeoutError(errno.ETIMEDOUT, f"no answer within {DNS_SECONDS:.0f} s")
                answer = connection.recv(4096)
                if len(answer) < _HEADER_BYTES or answer[:2] != query[:2]:
                    continue
                if not answer[2] & _IS_ANSWER:
                    continue
                return Reply(server, time.monotonic() - started, _read(answer, kind, server))


def resolve(
    host: str,
    port: int,
    family: Literal[4, 6] | None,
    guard: Guard,
    kind: int = socket.SOCK_STREAM,
    *,
    names: NameServers | None = None,
) -> list[Address]:
    """Return the addresses of a name in the order of preference, at least one.

    Args:
        host: a name or an address.
        port: goes into each address.
        family: only this one; None for both.
        guard: the end of all waiting.
        kind: of the socket that is to be connected.
        names: those of a path with an interface of its own; None asks the system.

    Raises:
        MeasurementError: no such name, no address of the family, or no answer in time.
    """
    until = time.monotonic() + RESOLVE_SECONDS
    if names is not None and names.interface is not None and is_public_name(host):
        hurried = Guard(min(guard.deadline, time.monotonic() + PATH_SECONDS), guard.cancelled)
        with contextlib.suppress(MeasurementError):
            found = list(_over_path(host, port, family, hurried, names))
            if found:
                return found
        guard.check()
    return _by_system(host, port, family, guard, kind, until)


def _over_path(
    host: str, port: int, family: Literal[4, 6] | None, guard: Guard, names: NameServers
) -> Iterable[Address]:
    if family != 4:  # noqa: PLR2004 - IPv6 first, as the system would have it (RFC 6724)
        for address in names.ask(host, "AAAA", guard, tries=1).addresses:
            yield socket.AF_INET6, (address, port, 0, 0)
    if family != 6:  # noqa: PLR2004 - IPv4
        for address in names.ask(host, "A", guard, tries=1).addresses:
            yield socket.AF_INET, (address, port)


def _by_system(
    host: str, port: int, family: Literal[4, 6] | None, guard: Guard, kind: int, until: float
) -> list[Address]:
    """Ask the system's resolver.

    It cannot be interrupted, so it is asked in a thread that is left behind when the time is over.
    """
    answer: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        wanted = {4: socket.AF_INET, 6: socket.AF_INET6, None: socket.AF_UNSPEC}[family]
        try:
            found = socket.getaddrinfo(host, port, wanted, kind)
            answer.put([(entry[0], entry[4]) for entry in found])
        except ERRORS as error:
            answer.put(error)

    start(threading.Thread(target=ask, name="resolve", daemon=True))
    while time.monotonic() < until:
        guard.check()
        try:
            result = answer.get(timeout=guard.slice_until(until))
        except queue.Empty:
            continue
        if isinstance(result, Exception):
            raise classify(_other_family(result, host, family), "resolve", host)
        return result
    raise MeasurementError(
        Failure.NAME_RESOLUTION, f"cannot resolve {host}: no answer within {RESOLVE_SECONDS:.0f} s"
    )


def is_address(host: str) -> bool:
    """Return whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public_name(host: str) -> bool:
    """Return whether name servers are asked for a host: a name with a dot, and not mDNS's."""
    plain = host.rstrip(".")
    return "." in plain and not is_address(host) and not plain.endswith(".local")


def _is_loopback(literal: str) -> bool:
    return is_address(literal) and ipaddress.ip_address(literal.partition("%")[0]).is_loopback


def _other_family(error: Exception, host: str, family: Literal[4, 6] | None) -> Exception:
    """Say 'no address of this family' where an address literal is of the other one.

    The resolver's own code for it differs between C libraries.
    """
    with contextlib.suppress(ValueError):
        if family and ipaddress.ip_address(host.partition("%")[0]).version != family:
            return socket.gaierror(socket.EAI_ADDRFAMILY, f"it is no IPv{family} address")
    return error


def _system_servers(root: Path) -> list[str]:
    """Return the system's name servers; behind systemd-resolved's stub those that it asks."""
    listed = _read_resolv_conf(root / "etc/resolv.conf")
    if listed and all(_is_loopback(address) for address in listed):
        return _read_resolv_conf(root / "run/systemd/resolve/resolv.conf") or listed
    return listed


def _read_resolv_conf(path: Path) -> list[str]:
    words = [line.split() for line in (text(path) or "").splitlines()]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]


def _query(host: str, kind: Kind) -> bytes:
    """Return a question (RFC 1035) for a name's addresses, with a random id."""
    try:
        labels = [label.encode("idna") for label in host.rstrip(".").split(".")]
    except UnicodeError:
        labels = [b"localhost"]
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    head = secrets.token_bytes(2) + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0)
    return head + name + struct.pack("!HH", _TYPES[kind], _CLASS_IN)


def _read(answer: bytes, kind: Kind, server: str) -> tuple[str, ...]:
    """Return the addresses of an answer.

    Raises:
        MeasurementError: the name server says that it could not, or nothing that can be read.
    """
    code = answer[3] & _CODE
    if code not in _GOOD_CODES:
        raise MeasurementError(
            Failure.BAD_ANSWER, f"name server {server} answers with error {code}"
        )
    try:
        return tuple(_addresses(answer, kind))
    except (IndexError, struct.error, ValueError):
        raise MeasurementError(
            Failure.BAD_ANSWER, f"name server {server} gives an answer that cannot be read"
        ) from None


def _addresses(answer: bytes, kind: Kind) -> Iterable[str]:
    questions, answers = struct.unpack_from("!HH", answer, 4)
    at = _HEADER_BYTES
    for _ in range(questions):
        at = _after_name(answer, at) + 4
    for _ in range(answers):
        at = _after_name(answer, at)
        type_, class_, _, length = struct.unpack_from("!HHIH", answer, at)
        at += 10
        if (type_, class_) == (_TYPES[kind], _CLASS_IN):
            yield str(ipaddress.ip_address(answer[at : at + length]))
        at += length


def _after_name(answer: bytes, at: int) -> int:
    """Return where a name ends: labels until an empty one, or a pointer to others."""
    while answer[at]:
        if answer[at] >= _POINTER:
            return at + 2
        at += 1 + answer[at]
    return at + 1
