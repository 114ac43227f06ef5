"""The engine `ookla`: the real package against a stand-in of its service, and our own server.

Only speedtest.net is stood in for: the package's requests to that name go to a server of the test.
"""

import dataclasses
import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.request import Request

import pytest

from bench.speedtest_net import Service, listed, speedtest_net
from probe.engine import Addresses, Measurement, Order
from probe.engines import ENGINES, ookla
from probe.transfer.choice import Picked
from probe.transfer.guard import Guard
from protocol.failures import Failure
from protocol.messages import ServerEntry
from server.app import MeasurementServer
from server.settings import ServerSettings
from tests.probe.engines.test_http import SHORT, speed
from tests.probe.far_end import answer, listening, mute, plain_backend

# The package leaves sockets of answers that it does not like to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ENGINE = dataclasses.replace(SHORT, pick=ookla.pick)


@pytest.fixture(autouse=True, scope="module")
def _nothing_left_to_collect() -> Iterator[None]:
    """Collect what the package leaves here, where its warnings are expected."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def server() -> Iterator[MeasurementServer]:
    """Return a measurement server of ours."""
    started = MeasurementServer(ServerSettings(listen="127.0.0.1:0"))
    yield started
    started.stop()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return the stand-in; the package's requests go there, whatever scheme they would have."""
    package = ookla._library()
    build = package.build_request
    schemes: list[bool] = []

    def redirected(url: str, *arguments: Any, secure: bool = False, **rest: Any) -> Request:
        schemes.append(secure)
        place = url.replace("://www.speedtest.net", stand_in.url)
        place = place.replace("http://c.speedtest.net", stand_in.url)
        request: Request = build(place, *arguments, secure=secure, **rest)
        return request

    monkeypatch.setattr(package, "build_request", redirected)
    with speedtest_net() as stand_in:
        yield stand_in
    assert all(schemes)


def measure(url: str = ookla.SERVICE, **order: object) -> Measurement:
    """Measure to what a URL means, the terms accepted."""
    values = {
        "server": ServerEntry(name="near", url=url, engine="ookla"),
        "deadline": time.monotonic() + 40,
        "ookla_terms_accepted": True,
    }
    return ENGINE.measure(Order(**(values | order)))  # type: ignore[arg-type] # changed fields


def picked(url: str) -> Picked:
    """Return which server a URL means."""
    entry = ServerEntry(name="near", url=url, engine="ookla")
    order = Order(server=entry, ookla_terms_accepted=True)
    return ookla.pick(order, Guard.of(order))


def failed(measurement: Measurement) -> tuple[Failure, str]:
    """Return why a measurement that has no section failed."""
    assert measurement.section is None
    assert measurement.failure is not None
    return measurement.failure.code, measurement.failure.detail


def test_the_nearest_server_is_chosen_and_measured(
    server: MeasurementServer, service: Service
) -> None:
    """The package gives the list, our choice takes the one that answers, our transfer measures
    both ways; the record has which server of whose network it was, and how it was chosen.
    """
    service.servers = [
        listed("http://127.0.0.1:9/speedtest/upload.php", 1),
        listed(f"{server.url}/speedtest/upload.php", 17),
        listed("http://ignored.example/speedtest/upload.php", 666),
    ]
    told = [b"192.0.2.7", b"192.0.2.7", b"192.0.2.8"]
    with plain_backend({"getIP.php": lambda request: answer(request, told.pop(0))}) as witness:
        measurement = measure(family=4, others=(witness,))
    assert measurement.failure is None
    section = speed(measurement)
    assert section.download is not None
    assert section.upload is not None
    assert section.upload.counted_by == "acknowledged"
    assert section.latency.idle is not None
    assert section.latency.idle.received == 3
    assert (section.server.entry, section.server.network) == ("ookla-17", "VNPT Net (Hai Phong)")
    assert section.server.url == f"{server.url}/speedtest/upload.php"
    assert section.server.choice is not None
    assert [each.name for each in section.server.choice.candidates] == ["ookla-17", "ookla-1"]
    # A server of Ookla's does not tell the address: another far end did, before and after.
    assert measurement.first == Addresses("127.0.0.1", "192.0.2.7")
    assert measurement.public_address == "192.0.2.8"


def test_what_the_service_saw_is_the_address_where_nobody_else_tells_it(
    server: MeasurementServer, service: Service
) -> None:
    """Once, before the test: of a change it tells nothing."""
    service.servers = [listed(f"{server.url}/speedtest/upload.php", 17)]
    measurement = measure(family=4)
    assert measurement.failure is None
    assert (measurement.first.public, measurement.public_address) == (None, "203.0.113.9")


def test_another_http_is_another_ookla() -> None:
    """The method is that of `http` from the picked server on: a new version of `http` is one of
    `ookla`, too.
    """
    assert ENGINES["http"].version == ookla.HTTP_VERSION


def test_a_server_is_named_by_its_number(server: MeasurementServer, service: Service) -> None:
    """A plan's server keeps its name in the record, and nothing is chosen; what the service saw
    of another address family is not taken for this test's address.
    """
    service.servers = [
        listed("http://127.0.0.1:9/speedtest/upload.php", 1),
        listed(f"{server.url}/speedtest/upload.php", 17),
    ]
    found = picked(f"{ookla.SERVICE}server/17")
    assert (found.entry.name, found.entry.url) == ("near", f"{server.url}/speedtest/upload.php")
    assert (found.choice, found.public_address) == (None, None)
    assert failed(measure(f"{ookla.SERVICE}server/666"))[0] is Failure.NOT_A_SERVER


def test_a_server_is_named_by_its_address(service: Service) -> None:
    """With the address of a server's upload, speedtest.net is not asked."""
    found = picked("http://192.0.2.1:8080/speedtest/upload.php")
    assert (found.entry.name, found.entry.engine) == ("near", "ookla")
    assert service.asked == []


def test_without_accepted_terms_nobody_is_asked(service: Service) -> None:
    """The refusal says where the terms are and how to accept them."""
    code, detail = failed(measure(ookla_terms_accepted=False))
    assert code is Failure.TERMS_NOT_ACCEPTED
    assert "--accept-ookla-terms" in detail
    assert "personal and non-commercial" in detail
    assert service.asked == []


@pytest.mark.parametrize(
    "status, configuration, code, told",
    [
        (403, None, Failure.BAD_ANSWER, "speedtest.net answered 403"),
        (429, None, Failure.SERVER_BUSY, "speedtest.net answered 429"),
        (204, None, Failure.BAD_ANSWER, "of no use"),
        (200, "<html>", Failure.BAD_ANSWER, "Malformed speedtest.net configuration"),
        (200, "<settings/>", Failure.BAD_ANSWER, "of no use"),
    ],
)
def test_what_the_service_refuses_has_a_name(
    service: Service, status: int, configuration: str | None, code: Failure, told: str
) -> None:
    """Each of the package's own exceptions, and those that it forgets, become a failure."""
    service.status = status
    if configuration is not None:
        service.configuration = configuration
    found, detail = failed(measure())
    assert found is code
    assert told in detail


def test_a_list_without_servers_has_a_name(service: Service) -> None:
    """A list that is empty, or whose servers lack their address, leaves none to measure to."""
    assert failed(measure()) == (Failure.NOT_A_SERVER, "speedtest.net named no server")
    service.servers = [{"id": 1, "lat": "1", "lon": "1"}]
    assert failed(measure())[0] is Failure.NOT_A_SERVER


def test_a_service_out_of_reach_has_a_name(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused connection and one that is never answered end as such, in time."""
    service.url = "http://127.0.0.1:9"
    assert failed(measure())[0] is Failure.REFUSED
    monkeypatch.setattr(ookla, "SERVICE_SECONDS", 0.5)
    with listening(mute) as url:
        service.url = url.rstrip("/")
        began = time.monotonic()
        code, detail = failed(measure())
        assert time.monotonic() - began < 5
    assert (code, "speedtest.net did not answer" in detail) == (Failure.DEADLINE, True)


def test_the_package_is_loaded_late_and_leaves_standard_output_alone() -> None:
    """Nobody else pays for the package; once loaded and dropped, standard output still works."""
    program = """
import gc, sys
from probe.engines import ENGINES, ookla
assert "speedtest" not in sys.modules
ookla._library()
library = sys.modules.pop("speedtest")
library.__dict__.clear()
del library
gc.collect()
print("still here")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "still here\n"
    assert done.stderr == ""
