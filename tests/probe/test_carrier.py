"""Whether an address is the carrier's, and who is asked for it."""

import time
from ipaddress import ip_network

import pytest

from probe.carrier import is_of, with_public_address
from probe.engine import Measurement, Order
from protocol.messages import ServerEntry
from tests.probe.far_end import plain_backend

NETWORKS = tuple(
    ip_network(text) for text in ("198.51.100.0/24", "203.0.113.0/25", "2001:db8::/32")
)


@pytest.mark.parametrize(
    "address,found",
    [
        ("198.51.100.7", True),
        ("203.0.113.127", True),
        ("203.0.113.128", False),
        ("::ffff:198.51.100.7", True),
        ("2001:db8:7::1", True),
        ("2001:db9::1", False),
        # Behind the carrier's or the site's own translation nothing is known.
        ("100.64.3.4", None),
        ("10.0.0.1", None),
        ("192.168.1.9", None),
        ("fd00::1", None),
        ("fe80::1", None),
        ("127.0.0.1", None),
        (None, None),
        ("not an address", None),
    ],
)
def test_an_address_is_the_carriers_or_not_or_nobody_knows(
    address: str | None, found: bool | None
) -> None:
    """A public address is in one of the networks or not; an inner one tells nothing."""
    assert is_of(address, NETWORKS) is found


def test_a_family_without_networks_tells_nothing() -> None:
    """Where only IPv4 networks are registered, no IPv6 address is another carrier's."""
    only_ipv4 = NETWORKS[:2]
    assert is_of("2001:db9::1", only_ipv4) is None
    assert is_of("198.51.100.7", ()) is None


def asked(url: str, *, networks: bool = True, known: str | None = None) -> Measurement:
    """Return a measurement with what the server said of the address."""
    server = ServerEntry(name="near", url=url)
    order = Order(server=server, carrier_prefixes=NETWORKS if networks else ())
    return with_public_address(Measurement(None, public_address=known), order)


def test_the_server_is_asked_where_the_engine_does_not_learn_it() -> None:
    """After a minute of UDP, one small request tells by which address the device leaves."""
    with plain_backend() as url:
        assert asked(url).public_address == "127.0.0.1"
        assert asked(url, known="198.51.100.7").public_address == "198.51.100.7"


def test_nobody_is_asked_where_nothing_would_come_of_it() -> None:
    """Without the carrier's networks there is nothing to compare, and no request."""
    assert asked("http://127.0.0.1:9/", networks=False).public_address is None


def test_a_server_that_did_not_tell_the_engine_is_not_asked_again() -> None:
    """Who was asked already is left alone, though it would tell it now."""
    with plain_backend() as url:
        order = Order(server=ServerEntry(name="near", url=url), carrier_prefixes=NETWORKS)
        measurement = Measurement(None, asked_address=True)
        assert with_public_address(measurement, order) is measurement


def test_a_server_that_does_not_answer_undoes_nothing() -> None:
    """The measurement is returned as it was, soon."""
    begun = time.monotonic()
    assert asked("http://127.0.0.1:9/").public_address is None
    assert time.monotonic() - begun < 5
