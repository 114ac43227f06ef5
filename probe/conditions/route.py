"""Which way packets leave: default gateway, and the interface that has an address."""

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path
from typing import Final, Literal

from probe.conditions.files import text

_SIOCGIFADDR: Final = 0x8915
_RTF_UP: Final = 0x1
_RTF_GATEWAY: Final = 0x2
_RTF_REJECT: Final = 0x200


def default_gateway(
    family: Literal[4, 6], interface: str | None = None, root: Path = Path("/")
) -> tuple[str, str] | None:
    """Return (gateway's address, interface) of the default route, or None where there is none.

    Args:
        family: the address family.
        interface: only a route by this interface; None takes the one with the lowest metric.
        root: the file system's root.
    """
    routes = _ipv4_routes(root) if family == 4 else _ipv6_routes(root)  # noqa: PLR2004 - IPv4
    fitting = [route for route in routes if interface in (None, route[2])]
    if not fitting:
        return None
    _, gateway, name = min(fitting)
    return gateway, name


def _ipv4_routes(root: Path) -> list[tuple[int, str, str]]:
    """Return (metric, gateway, interface) of each IPv4 default route."""
    routes = []
    for line in (text(root / "proc/net/route") or "").splitlines()[1:]:
        name, destination, gateway, flags, _, _, metric, mask = line.split()[:8]
        wanted = _RTF_UP | _RTF_GATEWAY
        if destination == mask == "00000000" and int(flags, 16) & wanted == wanted:
            # The kernel prints the address as a number of the machine's own byte order.
            address = socket.inet_ntoa(struct.pack("=I", int(gateway, 16)))
            routes.append((int(metric), address, name))
    return routes


def _ipv6_routes(root: Path, *, gateways: bool = True) -> list[tuple[int, str, str]]:
    """Return (metric, gateway, interface) of each IPv6 default route; ``gateways``: with one."""
    routes = []
    for line in (text(root / "proc/net/ipv6_route") or "").splitlines():
        words = line.split()
        destination, length, gateway, metric, flags, name = (
            words[0],
            words[1],
            words[4],
            words[5],
            words[8],
            words[9],
        )
        wanted = _RTF_UP | _RTF_GATEWAY if gateways else _RTF_UP
        usable = int(flags, 16) & wanted == wanted and not int(flags, 16) & _RTF_REJECT
        if int(destination, 16) == 0 and int(length, 16) == 0 and usable:
            address = str(ipaddress.IPv6Address(int(gateway, 16)))
            routes.append((int(metric, 16), address, name))
    return routes


_TENTATIVE, _DEPRECATED, _FAILED = 0x40, 0x20, 0x08
"""Flags of an address (include/uapi/linux/if_addr.h): not checked yet, not for new connections,
a duplicate."""

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""What the Internet routes (RFC 4291, 2.4). Addresses of fc00::/7 have global scope too, and lead
nowhere outside of the house."""


def ipv6_addresses(interface: str | None = None, root: Path = Path("/")) -> list[str]:
    """Return the IPv6 addresses of global scope that are in use, of one interface or of all."""
    found = []
    for line in (text(root / "proc/net/if_inet6") or "").splitlines():
        address, _, _, scope, flags, name = line.split()
        usable = not int(flags, 16) & (_TENTATIVE | _DEPRECATED | _FAILED)
        if scope == "00" and usable and interface in (None, name):
            found.append(str(ipaddress.IPv6Address(int(address, 16))))
    return found


def is_global_unicast(address: str) -> bool:
    """Return whether an IPv6 address is one that the Internet routes."""
    return ipaddress.IPv6Address(address) in _GLOBAL_UNICAST


def has_ipv6_route(interface: str | None = None, root: Path = Path("/")) -> bool:
    """Return whether there is a default route for IPv6, by a gateway or (a modem's) without."""
    return any(interface in (None, route[2]) for route in _ipv6_routes(root, gateways=False))


def interface_towards(host: str, family: Literal[4, 6] | None = None) -> str | None:
    """Return the interface by which packets to an address or name leave, or None.

    Connecting a UDP socket sends nothing: it only asks the routing table. ``host`` should be an
    address; a name is resolved, which takes as long as the system's resolver does.
    """
    wanted = {4: socket.AF_INET, 6: socket.AF_INET6, None: socket.AF_UNSPEC}[family]
    try:
        found = socket.getaddrinfo(host, 9, wanted, socket.SOCK_DGRAM)
        with socket.socket(found[0][0], socket.SOCK_DGRAM) as asking:
            asking.connect(found[0][4])
            address = str(asking.getsockname()[0])
    except (OSError, UnicodeError):
        return None
    return interface_of(address)


def interface_of(address: str, root: Path = Path("/")) -> str | None:
    """Return the interface that has an address, or None."""
    plain = address.partition("%")[0]
    if ipaddress.ip_address(plain).version == 6:  # noqa: PLR2004 - IPv6
        wanted = f"{int(ipaddress.IPv6Address(plain)):032x}"
        for line in (text(root / "proc/net/if_inet6") or "").splitlines():
            words = line.split()
            if words[0] == wanted:
                return words[-1]
        return None
    if ipaddress.ip_address(plain).is_loopback:
        return "lo"
    for _, name in socket.if_nameindex():
        if ipv4_address(name) == plain:
            return name
    return None


def ipv4_address(name: str) -> str | None:
    """Return an interface's IPv4 address, or None where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])
