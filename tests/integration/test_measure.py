"""The engine against this project's own server as a process of its own: IPv4, IPv6, TLS."""

import http.client
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.clock import Clock
from probe.engine import Engine, Order, Progress
from probe.engines.http import HttpEngine, Profile
from probe.measurement import Taken, take
from probe.transfer.ramp import Fixed
from protocol.constants import GARBAGE
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import ServerEntry
from protocol.records import Outcome, Task
from protocol.results import Speed, Transfer
from tests.certificates import Certificate, self_signed
from tests.integration.support import start_server

SHORT = HttpEngine(full=Profile(Fixed(4, 0.5), 1.5, idle_requests=5))

AGREEMENT = 0.10
"""How closely the counts of both ends have to agree in these short windows, in which one sample is
a fifteenth and other tests share the processors; the record's own rule is 2 % of 10 s."""


def measure(url: str, **order: object) -> Taken:
    """Measure a server with short windows."""
    values = {"server": ServerEntry(name="near", url=url)} | order
    engine = Engine("http", "1", Task.SPEED, 40.0, SHORT.measure)
    return take(engine, Order(**values), Clock())  # type: ignore[arg-type] # changed fields


def both(taken: Taken) -> tuple[Transfer, Transfer]:
    """Return download and upload of a whole measurement."""
    assert taken.outcome is Outcome.MEASURED, taken.failure
    assert isinstance(taken.section, Speed)
    assert taken.section.download is not None
    assert taken.section.upload is not None
    return taken.section.download, taken.section.upload


def test_both_ends_count_the_same(tmp_path: Path) -> None:
    """Download counts at the probe and upload at the server, and what each end counted of an
    upload agrees with what the other did.
    """
    with start_server(tmp_path) as server:
        taken = measure(server.url)
    download, upload = both(taken)
    assert (download.counted_by, upload.counted_by) == ("receiver", "receiver")
    assert download.server is not None
    assert upload.server is not None
    # What was under way when the streams ended was sent, and never arrived.
    assert download.server.bytes >= download.total_bytes
    # Up to the end the probe counts by acknowledgement: what the server read is less only by what
    # its socket buffers held when the connections were reset.
    assert upload.server.bytes == pytest.approx(upload.total_bytes, rel=AGREEMENT)
    assert upload.server.window_bits_per_second == pytest.approx(upload.bits_per_second)
    acknowledged = [upload_bytes for _, upload_bytes in upload.samples]
    assert acknowledged == sorted(acknowledged)
    assert all(stream.probe_tcp and stream.server_tcp for stream in upload.streams)
    assert [s.probe_tcp.congestion_control for s in upload.streams if s.probe_tcp] == ["cubic"] * 4
    senders = [s.server_tcp.congestion_control for s in download.streams if s.server_tcp]
    assert senders == ["cubic"] * 4
    section = taken.section
    assert isinstance(section, Speed)
    assert section.server.name == "linewatch"
    assert section.server.tests_running == 1
    assert taken.conditions is not None
    assert taken.conditions.after is not None
    assert taken.conditions.after.public_address == "127.0.0.1"
    assert Flag.STREAM_LOST not in taken.flags


def test_ipv6_and_the_backend_folder(tmp_path: Path) -> None:
    """The same over IPv6, with the address that LibreSpeed's lists use."""
    with start_server(tmp_path, settings={"listen": "[::1]:0"}) as server:
        taken = measure(f"{server.url}/backend/", family=6)
    _, upload = both(taken)
    assert upload.counted_by == "receiver"
    assert isinstance(taken.section, Speed)
    assert taken.section.ip_version == 6


@contextmanager
def trusting(authority: Path) -> Iterator[None]:
    """Let this process trust an authority as the system's users would: by SSL_CERT_FILE."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(authority)
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for 127.0.0.1."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_tls_is_measured_by_payload(tmp_path: Path, certificate: Certificate) -> None:
    """Over TLS both directions are payload: what TLS adds to an upload is not counted, so that
    acknowledgements agree with what the server received.
    """
    with (
        start_server(tmp_path, settings={"tls": certificate.settings()}) as server,
        trusting(certificate.certificate),
    ):
        assert server.url.startswith("https://")
        taken = measure(server.url)
    _, upload = both(taken)
    assert upload.counted_by == "receiver"
    assert upload.server is not None
    # Without the correction the difference would be 0.13 %; see payload_share.
    assert upload.server.bytes == pytest.approx(upload.total_bytes, rel=AGREEMENT)


def test_an_untrusted_certificate_is_a_tls_failure(
    tmp_path: Path, certificate: Certificate
) -> None:
    """A server whose authority is not known is not measured."""
    with start_server(tmp_path, settings={"tls": certificate.settings()}) as server:
        taken = measure(server.url)
    assert taken.failure is not None
    assert taken.failure.code is Failure.TLS
    assert "not trusted" in taken.failure.detail


def test_plain_http_where_tls_is_expected(tmp_path: Path) -> None:
    """An https address of a plain server is a TLS failure."""
    with start_server(tmp_path) as server:
        taken = measure(server.url.replace("http://", "https://"))
    assert taken.failure is not None
    assert taken.failure.code is Failure.TLS


def test_a_full_server_is_busy(tmp_path: Path) -> None:
    """A server that carries all that it may refuses with its wish when to come back."""
    limits = {"limits": {"connections_per_address": 2, "retry_after_seconds": 9}}
    with start_server(tmp_path, settings=limits) as server:
        taken = measure(server.url)
    assert taken.failure is not None
    assert taken.failure.code is Failure.SERVER_BUSY
    assert "9 s" in taken.failure.detail


def test_a_probe_comes_back_when_a_full_server_asks_it_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The server is full with somebody else's test, until the probe was refused: then its test is
    whole, and the record says how often it was refused and how long it waited.
    """
    caplog.set_level(logging.INFO, "probe.admission")
    limits = {"limits": {"tests": 1, "retry_after_seconds": 1}}
    with start_server(tmp_path, settings=limits) as server:
        other = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        # Its answer is not read, so its test goes on until the connection ends.
        other.request("GET", f"/backend/{GARBAGE}?ckSize=100")
        refused = _Refused(other)
        logging.getLogger("probe.admission").addHandler(refused)
        try:
            taken = measure(server.url, patience_seconds=30)
        finally:
            logging.getLogger("probe.admission").removeHandler(refused)
            other.close()
    both(taken)
    assert taken.conditions is not None
    admission = taken.conditions.admission
    assert admission is not None
    assert admission.refusals >= 1
    assert 1 <= admission.waited_seconds <= 30


class _Refused(logging.Handler):
    """Ends somebody else's connection as soon as the probe is told to come back."""

    def __init__(self, other: http.client.HTTPConnection) -> None:
        super().__init__()
        self._other = other

    def emit(self, record: logging.LogRecord) -> None:
        """Make room."""
        del record
        self._other.close()


@pytest.mark.parametrize(
    "phase, share",
    [("latency", 0.2), ("download", 0.0), ("download", 0.4), ("upload", 0.0), ("upload", 0.4)],
)
def test_a_server_killed_in_mid_test_is_lost(tmp_path: Path, phase: str, share: float) -> None:
    """A server that dies at any moment ends the test at once, with a code of the list."""
    with start_server(tmp_path) as server:
        killed: list[float] = []

        def kill(progress: Progress) -> None:
            if progress.phase == phase and progress.done_ratio >= share and not killed:
                killed.append(time.monotonic())
                server.process.kill()

        taken = measure(server.url, progress=kill)
        assert time.monotonic() - killed[0] < 5
    assert taken.failure is not None
    assert taken.failure.code in {Failure.CONNECTION_LOST, Failure.REFUSED}
