"""Whether a measurement left by the line's carrier, by the address that the server saw."""

import contextlib
import ipaddress
import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from probe.engine import Measurement, MeasurementError, Order
from probe.transfer import backend as backends
from probe.transfer.dial import Dialer
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from protocol.constants import FOREIGN_ENGINES

ADDRESS_SECONDS: Final = 3.0
"""How long a measurement that does not learn its public address may take to ask for it: one
connection and one small request."""

_INSIDE: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598: between a carrier and its customers
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",  # RFC 4193
        "fe80::/10",
    )
)
"""Addresses that tell no carrier from another: a server inside the carrier's network, or on the
site itself, sees the customer before any translation."""


def is_of(public_address: str | None, prefixes: Sequence[IPv4Network | IPv6Network]) -> bool | None:
    """Return whether an address is one of the carrier's; None where that cannot be told.

    It cannot where the address is not known or is of an inner network, and where no prefix of its
    family is known.
    """
    address = _address(public_address)
    if address is None or any(_holds(network, address) for network in _INSIDE):
        return None
    of_family = [prefix for prefix in prefixes if prefix.version == address.version]
    return any(_holds(prefix, address) for prefix in of_family) if of_family else None


def with_public_address(measurement: Measurement, order: Order) -> Measurement:
    """Return a measurement with the address that the server sees, where the carrier is known.

    An engine that speaks UDP, or only knocks, does not learn it; then the server is asked here, for
    `ADDRESS_SECONDS` at most, and what goes wrong with it undoes nothing. A server that was asked
    already and did not tell it is not asked again.
    """
    if not order.carrier_prefixes or order.server is None:
        return measurement
    if measurement.public_address or measurement.asked_address:
        return measurement
    if order.server.engine in FOREIGN_ENGINES:
        return measurement
    guard = Guard(time.monotonic() + ADDRESS_SECONDS, order.cancelled)
    with contextlib.suppress(MeasurementError):
        client = Client(Dialer.of(order, guard))
        try:
            address = backends.public_address(client, backends.find(client, order.server))
        finally:
            client.close()
        return replace(measurement, public_address=address)
    return measurement


def _address(text: str | None) -> IPv4Address | IPv6Address | None:
    if text is None:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _holds(network: IPv4Network | IPv6Network, address: IPv4Address | IPv6Address) -> bool:
    return network.version == address.version and address in network
