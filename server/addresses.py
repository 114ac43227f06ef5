"""Addresses: what to listen on, and how a client's address is written, counted and described."""

import ipaddress
import socket

from server.errors import ServerError

_CARRIER_NAT = ipaddress.ip_network("100.64.0.0/10")
"""RFC 6598: what a carrier gives out behind its own NAT. Python calls it neither private nor not"""

_MAXIMUM_PORT = 65535
_ANY_FREE_PORT_TRIES = 8
_BACKLOG = 4096
"""Connections that the kernel holds until they are accepted; a burst of probes must fit."""


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``; the host is empty for every address.

    Raises:
        ValueError: says what is wrong.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > _MAXIMUM_PORT:
        raise ValueError(
            f"{text!r} is not HOST:PORT, like 0.0.0.0:8080, [::1]:8080 or :8080 for every address"
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 address needs brackets: [{host}]:{port}")
    return host, int(port)


def plain_address(address: str) -> str:
    """Return a peer's address without scope, an IPv4-mapped IPv6 address as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def counted_as(address: str) -> str:
    """Return what connections of a (plain) address are counted under.

    An IPv6 customer has a /64 at least, and could come from a new address each time.
    """
    if ":" not in address:
        return address
    # Not with `ipaddress`: the reflector asks this of every packet.
    network = socket.inet_pton(socket.AF_INET6, address)[:8]
    return f"{socket.inet_ntop(socket.AF_INET6, network + bytes(8))}/64"


def describe(address: str) -> str | None:
    """Return in words what kind of non-public address this is, or None for a public one."""
    parsed = ipaddress.ip_address(address)
    version = f"IPv{parsed.version}"
    if parsed.is_loopback:
        return f"localhost {version} access"
    if parsed.is_link_local:
        return f"link-local {version} access"
    if parsed in _CARRIER_NAT:
        return "carrier NAT IPv4 access"
    if parsed.is_private:
        return f"private {version} access"
    return None


def is_private(address: str) -> bool:
    """Tell whether a (plain) address cannot come from the public Internet."""
    return describe(address) is not None


def url_of(sockets: list[socket.socket], *, secure: bool) -> str:
    """Return the address that people can type, of the first listening socket."""
    host, port = sockets[0].getsockname()[:2]
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def open_sockets(
    host: str, port: int, *, stamp: bool
) -> tuple[list[socket.socket], list[socket.socket]]:
    """Return listening TCP sockets and, if wanted, UDP sockets of the same port number.

    Args:
        host: a name or an address; empty or ``::`` for every address of both families.
        port: 0 for any port that is free for TCP and UDP.
        stamp: whether the UDP sockets are wanted.

    Raises:
        ServerError: says which address cannot be used and what to do.
    """
    tries = _ANY_FREE_PORT_TRIES if port == 0 else 1
    for attempt in range(1, tries + 1):
        opened: list[socket.socket] = []
        try:
            addresses = _resolve(host)
            tcp = _bind(socket.SOCK_STREAM, addresses, port, opened)
            udp = []
            if stamp:
                udp = _bind(socket.SOCK_DGRAM, addresses, tcp[0].getsockname()[1], opened)
            for listener in tcp:
                listener.listen(_BACKLOG)
        except OSError as error:
            for sock in opened:
                sock.close()
            if attempt == tries:
                raise ServerError(
                    f"cannot listen on {host or 'every address'} port {port}: "
                    f"{error.strerror or error}; choose another address with --listen HOST:PORT "
                    "or end what uses this one"
                ) from None
        else:
            return tcp, udp
    raise AssertionError  # the last try returns or raises


def _resolve(host: str) -> list[tuple[socket.AddressFamily, str]]:
    if host in {"", "::"}:
        families = [(socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")]
        return [entry for entry in families if _has_family(entry[0])]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _has_family(family: socket.AddressFamily) -> bool:
    """Tell whether the kernel has the address family: a machine may be without IPv6."""
    wildcard = "::" if family is socket.AF_INET6 else "0.0.0.0"
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((wildcard, 0))
    except OSError:
        return False
    return True


def _bind(
    kind: socket.SocketKind,
    addresses: list[tuple[socket.AddressFamily, str]],
    port: int,
    opened: list[socket.socket],
) -> list[socket.socket]:
    """Bind one socket for each address, all to the same port; each is added to ``opened``."""
    bound: list[socket.socket] = []
    for family, address in addresses:
        sock = socket.socket(family, kind)
        opened.append(sock)
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            # Each family has a socket of its own, so that an IPv4 client is seen as one.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.setblocking(False)
        port = sock.getsockname()[1]
        bound.append(sock)
    return bound
