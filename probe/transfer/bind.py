"""Lets a socket leave by one interface: by name, or without the right to that, by its address."""

import errno
import fcntl
import ipaddress
import socket
import struct

from probe.conditions.route import ipv6_addresses, is_global_unicast
from probe.engine import MeasurementError
from protocol.failures import Failure

_SIOCGIFADDR = 0x8915


def bind_to_interface(connection: socket.socket, interface: str | None, remote: object) -> None:
    """Let a socket leave by ``interface``; to loopback addresses it always leaves by loopback.

    Raises:
        OSError: there is no such interface.
        MeasurementError: the device does not permit it.
    """
    if interface is None or _is_loopback(str(remote)):
        return
    try:
        name = interface.encode() + b"\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
    except PermissionError:
        # Linux before 5.7 keeps SO_BINDTODEVICE for CAP_NET_RAW. With the interface's address as
        # source, a device with source routing (deploy/linewatch-routes) takes the same way.
        source = interface_address(interface, connection.family)
        if source is None:
            raise MeasurementError(
                Failure.LOCAL_RESOURCE,
                f"not permitted to leave by {interface}: give the probe CAP_NET_RAW",
            ) from None
        connection.bind((source, 0))


def _is_loopback(literal: str) -> bool:
    try:
        return ipaddress.ip_address(literal.partition("%")[0]).is_loopback
    except ValueError:
        return False


def interface_address(interface: str, family: int) -> str | None:
    """Return an interface's first global address of a family; None where it has none.

    Raises:
        OSError: there is no such interface.
    """
    if family == socket.AF_INET6:
        socket.if_nametoindex(interface)
        found = ipv6_addresses(interface)
        return next((one for one in found if is_global_unicast(one)), next(iter(found), None))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("16s16x", interface.encode()[:15])
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFADDR, request.ljust(40, b"\0"))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return None
            raise
    return socket.inet_ntoa(answer[20:24])
