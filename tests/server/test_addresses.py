"""What the server listens on, and how it writes, counts and describes addresses."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.addresses import (
    counted_as,
    describe,
    is_private,
    open_sockets,
    parse_listen,
    plain_address,
    url_of,
)
from server.errors import ServerError


@pytest.mark.parametrize(
    "text,expected",
    [
        (":8080", ("", 8080)),
        ("[::]:80", ("::", 80)),
        ("[::1]:0", ("::1", 0)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_reads_a_listen_address(text: str, expected: tuple[str, int]) -> None:
    """HOST:PORT is read with IPv6 in brackets and an empty host for every address."""
    assert parse_listen(text) == expected


@pytest.mark.parametrize("text", ["8080", "host:", "host:x", ":65536", ":-1", "::1:80", "", ":٣"])
def test_refuses_a_wrong_listen_address(text: str) -> None:
    """What is not HOST:PORT is refused, with an example or the right form in the message."""
    with pytest.raises(ValueError, match=r"8080|brackets"):
        parse_listen(text)


@given(st.ip_addresses(v=4))
def test_mapped_address_is_shown_as_ipv4(address: ipaddress.IPv4Address) -> None:
    """An IPv4 client of an IPv6 socket is shown and counted by its IPv4 address."""
    assert plain_address(f"::ffff:{address}") == str(address)
    assert counted_as(str(address)) == str(address)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_addresses_of_one_customer_count_together(
    address: ipaddress.IPv6Address, other_half: int
) -> None:
    """Two IPv6 addresses of the same /64 count under the same name."""
    neighbour = ipaddress.IPv6Address((int(address) >> 64 << 64) | other_half)
    assert counted_as(str(address)) == counted_as(str(neighbour))


def test_scope_is_left_out() -> None:
    """A link-local address is shown without the server's interface."""
    assert plain_address("fe80::1%eth0") == "fe80::1"


@pytest.mark.parametrize(
    "address,words",
    [
        ("127.0.0.1", "localhost IPv4 access"),
        ("::1", "localhost IPv6 access"),
        ("10.1.2.3", "private IPv4 access"),
        ("192.168.0.1", "private IPv4 access"),
        ("169.254.1.1", "link-local IPv4 access"),
        ("fe80::1", "link-local IPv6 access"),
        ("fd00::1", "private IPv6 access"),
        ("100.64.0.1", "carrier NAT IPv4 access"),
        ("203.162.4.191", None),
        ("2001:ee0::1", None),
    ],
)
def test_describes_addresses_that_are_not_public(address: str, words: str | None) -> None:
    """Only a public address has no description, and only it is not private."""
    assert describe(address) == words
    assert is_private(address) == (words is not None)


def test_every_address_has_one_port_for_tcp_and_udp() -> None:
    """An empty host opens both families, TCP and UDP, all on the same free port."""
    tcp, udp = open_sockets("", 0, stamp=True)
    try:
        families = {sock.family for sock in tcp}
        assert families == {sock.family for sock in udp} == {socket.AF_INET, socket.AF_INET6}
        assert len({sock.getsockname()[1] for sock in (*tcp, *udp)}) == 1
        assert url_of(tcp, secure=False) == f"http://[::]:{tcp[0].getsockname()[1]}"
    finally:
        for sock in (*tcp, *udp):
            sock.close()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_says_which_port_is_taken(kind: socket.SocketKind) -> None:
    """A port that TCP or UDP of another program has is an error that says what to do."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1 port {port}.*--listen"):
            open_sockets("127.0.0.1", port, stamp=True)


def test_says_which_name_has_no_address() -> None:
    """A host that does not resolve is an error that names it."""
    with pytest.raises(ServerError, match=r"cannot listen on no-such-host\.invalid"):
        open_sockets("no-such-host.invalid", 0, stamp=False)
