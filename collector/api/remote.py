"""Who is at the other end: the address that limits count by. Pure."""

import ipaddress
from collections.abc import Collection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOUSEHOLD_BITS = 64
"""An IPv6 subscriber has a whole /64 at least: limits count it as one."""


def limited_address(text: str | None) -> str:
    """Return the address that limits count by: IPv4 as it is, IPv6 as its /64."""
    address = _parse(text)
    if address is None:
        return "unknown"
    if address.version == 4:  # noqa: PLR2004 - the IP version
        return str(address)
    return str(ipaddress.ip_network((address, _HOUSEHOLD_BITS), strict=False))


def client_address(
    peer: str | None, forwarded_for: str | None, trusted_proxies: Collection[Address]
) -> str:
    """Return the address that limits count by, behind proxies that are trusted.

    Args:
        peer: the connection's other end.
        forwarded_for: the request's X-Forwarded-For.
        trusted_proxies: only these are believed; each adds what it saw at the end of the list.
    """
    chain = [*(forwarded_for or "").split(","), peer or ""]
    current = _parse(chain.pop())
    while chain and current is not None and current in trusted_proxies:
        before = _parse(chain.pop())
        if before is None:
            break
        current = before
    return limited_address(str(current) if current else None)


def _parse(text: str | None) -> Address | None:
    try:
        address = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
