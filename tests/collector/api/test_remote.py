"""The address that limits count by."""

from ipaddress import ip_address

import pytest

from collector.api.remote import client_address, limited_address

PROXY = ip_address("10.0.0.1")


@pytest.mark.parametrize(
    "text,expected",
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_subscriber_counts_as_one(text: str | None, expected: str) -> None:
    """IPv4 addresses count each, IPv6 addresses by their /64, mapped ones as IPv4."""
    assert limited_address(text) == expected


@pytest.mark.parametrize(
    "peer,forwarded_for,expected",
    [
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.1", "198.51.100.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    peer: str, forwarded_for: str | None, expected: str
) -> None:
    """What anybody may write into the header changes nothing; what our proxy adds does."""
    assert client_address(peer, forwarded_for, [PROXY]) == expected
