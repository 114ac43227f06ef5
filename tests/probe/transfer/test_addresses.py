"""The probe's addresses at both ends of a test, by the word of another far end."""

import time
from collections.abc import Callable
from dataclasses import replace

from probe.engine import Addresses, Order
from probe.transfer.addresses import WITNESS_SECONDS, BothEnds, Witness
from protocol.messages import ServerEntry
from tests.probe.far_end import Handler, answer, listening, mute, plain_backend

DEAD = "http://127.0.0.1:9/"


def telling(*addresses: str) -> Callable[[Handler], None]:
    """Return what tells one address after the other."""
    left = list(addresses)
    return lambda request: answer(request, left.pop(0).encode())


def order(*others: str) -> Order:
    """Return an order with further far ends."""
    return Order(server=None, others=others, deadline=time.monotonic() + 20)


def test_the_first_far_end_that_tells_is_the_one_that_is_asked() -> None:
    """One that is away and one that is no such server are passed over; who answered once answers
    again, and what asking moved is counted.
    """
    with (
        plain_backend({"empty.php": lambda request: answer(request, b"", status=404)}) as other,
        plain_backend({"getIP.php": telling("192.0.2.7", "192.0.2.8")}) as url,
    ):
        witness = Witness(order(DEAD, other, url))
        assert witness.ask() == "192.0.2.7"
        moved = witness.received_bytes
        assert witness.ask() == "192.0.2.8"
    assert 0 < moved < witness.received_bytes
    assert witness.sent_bytes > 0


def test_far_ends_that_say_nothing_leave_the_others_their_time() -> None:
    """One that takes the connection and is silent, under TLS or in plain, is left for the next;
    who was silent is not asked at the end.
    """
    with (
        listening(mute) as silent,
        plain_backend({"getIP.php": telling("192.0.2.7", "192.0.2.8")}) as url,
    ):
        witness = Witness(order(silent.replace("http:", "https:"), silent, url))
        begun = time.monotonic()
        assert witness.ask() == "192.0.2.7"
        assert witness.ask() == "192.0.2.8"
        assert time.monotonic() - begun < 2 * WITNESS_SECONDS


def test_nobody_who_tells_is_no_failure() -> None:
    """Without a far end that answers nothing is known, and soon; the collector is not asked."""
    for others in ((), (DEAD, "no url at all://")):
        witness = Witness(order(*others))
        assert (witness.ask(), witness.ask()) == (None, None)
    with plain_backend({"getIP.php": telling("192.0.2.7")}) as url:
        assert Witness(replace(order(), collector=url)).ask() is None


def test_the_tests_own_server_is_not_asked_twice() -> None:
    """A server that did not tell the address as the far end is no witness either."""
    with plain_backend({"getIP.php": telling("192.0.2.7")}) as url:
        own = replace(order(url), server=ServerEntry(name="near", url=url))
        assert Witness(own).ask() is None
        assert Witness(order(url)).ask() == "192.0.2.7"


def test_both_ends_of_a_test_are_compared_where_the_address_is_fixed() -> None:
    """The first and the newest address are told; where two connections had two at the beginning
    there is no first one; one that is not learned at the end stays what it was.
    """
    for told, first, last in (
        (["a", "a", "b"], "a", "b"),
        (["a", "x", "b"], None, "b"),
        (["a", "a", None], "a", "a"),
        ([None, None], None, None),
    ):
        left = list(told)
        ends = BothEnds(lambda left=left: Addresses("here", left.pop(0)))  # type: ignore[misc] # bound in the loop
        ends.begin()
        ends.end()
        assert (ends.first, ends.last) == (Addresses("here", first), Addresses("here", last))
        assert left == []
