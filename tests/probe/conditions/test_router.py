"""A router that is asked while a test runs: what it tells, and that it keeps nobody waiting."""

import threading
import time

import pytest

from probe.conditions import igd, router
from probe.conditions.router import CounterWatch, Routers, external_address
from tests.probe.conditions.gateway import ADDRESS, Gateway
from tests.probe.support import wait_until

EXTERNAL = "198.51.100.7"


@pytest.fixture
def at_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the default route lead to a made router on loopback."""
    monkeypatch.setattr(router, "default_gateway", lambda *_: (ADDRESS, "lo"))


def found(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the multicast question, which loopback does not carry, be answered by a made router."""

    async def search(address: str, local: str) -> str:
        assert (address, local) == (ADDRESS, "127.0.0.1")
        return gateway.place

    monkeypatch.setattr(igd, "search", search)


@pytest.mark.usefixtures("at_loopback")
def test_a_router_tells_counters_until_the_last_reading() -> None:
    """Both counters, from the first reading to one after the stop."""
    gateway = Gateway()
    with gateway.running():
        watch = CounterWatch("lo", 0.01, {ADDRESS: gateway.place})
        assert wait_until(lambda: gateway.asked.count("GetTotalBytesSent") >= 2, 30)
        asked, stopping = gateway.asked.count("GetTotalBytesSent"), time.monotonic()
        series = watch.stop()
    assert series is not None
    assert all((received, sent) == (1000, 2000) for _, received, sent in series.readings)
    assert len(series.readings) >= asked
    assert series.readings[-1][0] > stopping


@pytest.mark.usefixtures("at_loopback")
@pytest.mark.parametrize("silent", ["/root.xml", "GetTotalBytesSent"])
def test_a_router_that_falls_silent_holds_no_test_up(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch is stopped while a request has no answer: it ends, and so does its thread."""
    monkeypatch.setattr(igd, "CALL_SECONDS", 0.5)
    gateway = Gateway(silent={silent})
    with gateway.running():
        watch = CounterWatch("lo", 0.01, {ADDRESS: gateway.place})
        assert wait_until(lambda: silent in gateway.asked, 30)
        assert watch.stop() is None
        assert "router" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.usefixtures("at_loopback")
def test_a_router_that_is_found_after_the_stop_is_not_read() -> None:
    """The end of a test waits for no reading that could tell of no growth."""
    gateway = Gateway(answers_after_seconds=0.3)
    with gateway.running():
        watch = CounterWatch("lo", 0.01, {ADDRESS: gateway.place})
        assert wait_until(lambda: "/root.xml" in gateway.asked, 30)
        assert watch.stop() is None
        assert "router" not in {thread.name for thread in threading.enumerate()}
    assert not {"GetTotalBytesReceived", "GetTotalBytesSent"} & set(gateway.asked)


@pytest.mark.usefixtures("at_loopback")
def test_a_router_tells_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one towards the carrier."""
    gateway = Gateway()
    found(gateway, monkeypatch)
    with gateway.running():
        assert external_address("lo") == EXTERNAL


@pytest.mark.usefixtures("at_loopback")
def test_the_whole_exchange_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A description that names hundreds of services, each told in good time, is not read to its
    end.
    """
    monkeypatch.setattr(router, "EXCHANGE_SECONDS", 1.0)
    gateway = Gateway(copies=200, answers_after_seconds=0.05)
    found(gateway, monkeypatch)
    with gateway.running():
        assert external_address("lo") is None
        assert len(gateway.asked) < 2 * 200


@pytest.mark.usefixtures("at_loopback")
def test_an_answer_without_end_is_taken_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the bytes that end it: no time is short here."""
    monkeypatch.setattr(igd, "CALL_SECONDS", 300.0)
    monkeypatch.setattr(router, "EXCHANGE_SECONDS", 300.0)
    gateway = Gateway(endless=True)
    found(gateway, monkeypatch)
    with gateway.running():
        assert external_address("lo") is None
    assert gateway.asked == ["/root.xml"]


@pytest.mark.usefixtures("at_loopback")
def test_nobody_but_the_gateway_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services that a description places on another host are not fetched from there, nor is a name
    looked up for them.
    """
    gateway = Gateway(elsewhere="localhost")
    found(gateway, monkeypatch)
    with gateway.running():
        assert external_address("lo") is None
    assert gateway.asked == ["/root.xml"]


def test_an_interface_without_a_gateway_has_no_router() -> None:
    """Nobody is asked, and nobody waits."""
    begun = time.monotonic()
    assert Routers().watch("no-such-interface").stop() is None
    assert time.monotonic() - begun < 2
