"""HTTP to the collector: bounded in time and size, errors as sentences, certificates' times."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from probe.client import MAX_ANSWER_BYTES, CollectorClient, Deadlines
from probe.clock import Clock, KernelClock
from probe.errors import CollectorError, NoAnswerError
from tests.probe.fault_collector import Reply, fault_collector, problem

SHORT = Deadlines(connect_seconds=2, request_seconds=0.6)
KEY = Ed25519PrivateKey.generate()
UNSYNCHRONISED = KernelClock(synchronised=False, offset_seconds=0)
SYNCHRONISED = KernelClock(synchronised=True, offset_seconds=0)


def client(url: str, clock: Clock | None = None, ca_file: Path | None = None) -> CollectorClient:
    """Return a client with short deadlines."""
    return CollectorClient(url, clock or Clock(kernel=lambda: None), ca_file, SHORT)


@contextmanager
def talking(say: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen on loopback and let ``say`` speak to each connection; yield the URL."""
    listener = socket.create_server(("localhost", 0))
    listener.settimeout(5)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(65536)
                    say(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{listener.getsockname()[1]}"
    finally:
        # Shut down first: closing alone does not wake the accept.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_answer_is_returned_whatever_its_status() -> None:
    """Status, body, Date, ETag and Retry-After come back; the connection is used again."""
    with fault_collector(KEY).running() as collector:
        collector.faults = [
            Reply(200, b"{}", headers={"ETag": '"1"', "Retry-After": "7"}),
            problem(503, "busy", detail="later"),
            Reply(418, b"tea", "text/plain"),
        ]
        with closing(client(collector.url)) as to:
            first = to.request("POST", "/v1/records", {}, b"x")
            assert (first.status, first.body, first.etag) == (200, b"{}", '"1"')
            assert first.retry_after_seconds == 7
            assert first.date
            assert abs((first.date - datetime.now(UTC)).total_seconds()) < 5
            second = to.request("POST", "/v1/records", {}, b"x")
            assert second.explain() == "the collector answered 503 (busy: later)"
            third = to.request("POST", "/v1/records", {}, b"x")
            assert third.explain() == "the collector answered 418 without a reason"


def test_retry_after_may_be_a_date() -> None:
    """A Retry-After with a date is counted from the answer's own Date."""
    with fault_collector(KEY).running() as collector, closing(client(collector.url)) as to:
        now = datetime(2031, 1, 1, tzinfo=UTC)
        collector.faults = [
            Reply(503, headers={"Retry-After": "Wed, 01 Jan 2031 00:01:00 GMT"}, date=now)
        ]
        assert to.request("POST", "/v1/records", {}, b"x").retry_after_seconds == 60


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.1)


def drip_head(connection: socket.socket) -> None:
    """Send header lines for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X")
        time.sleep(0.1)


@pytest.mark.parametrize("say", [lambda _: time.sleep(2), drip, drip_head])
def test_late_answer_ends_at_the_deadline(say: Callable[[socket.socket], None]) -> None:
    """Silence, and answers that drip, end at the deadline with a sentence."""
    with talking(say) as url, closing(client(url)) as to:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="no answer in time"):
            to.request("GET", "/", {})
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "said", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"\x00" * 1000, b"220 smtp\r\n"]
)
def test_garbage_is_an_error_in_words(said: bytes) -> None:
    """What is not HTTP is an error of the collector's, not of ours."""
    with (
        talking(lambda c: c.sendall(said)) as url,
        closing(client(url)) as to,
        pytest.raises(NoAnswerError),
    ):
        to.request("GET", "/", {})


def test_endless_answer_is_cut() -> None:
    """An answer beyond the limit is refused, not read into memory."""

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(64):
            connection.sendall(b"x" * 65536)

    with (
        talking(flood) as url,
        closing(client(url)) as to,
        pytest.raises(CollectorError, match=str(MAX_ANSWER_BYTES)),
    ):
        to.request("GET", "/", {})


def test_dead_kept_connection_is_replaced() -> None:
    """A kept connection that the collector closed costs a second try, not an error."""
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"] * 3
    with talking(lambda c: c.sendall(answers.pop())) as url, closing(client(url)) as to:
        for _ in range(3):
            assert to.request("GET", "/", {}).body == b"ok"
    assert answers == []


def test_nobody_there_is_a_sentence() -> None:
    """Refused, unknown and unusable addresses are told apart in words."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NoAnswerError, match=f"http://localhost:{port}: Connection refused"):
        client(f"http://localhost:{port}").request("GET", "/", {})
    with pytest.raises(NoAnswerError, match="its name is unknown"):
        client("http://collector.invalid").request("GET", "/", {})
    for wrong in ("collector.example", "ftp://x", "http://", "http://a:b@c", "http://a:99999"):
        with pytest.raises(CollectorError, match="not a collector's address"):
            client(wrong)


# --- Certificates and clocks -----------------------------------------------------------------


def certificate(directory: Path, begins: datetime, ends: datetime) -> tuple[Path, Path]:
    """Return files with an authority, and with a certificate of it for localhost and its key."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    always = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))

    def sign(
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        times: tuple[datetime, datetime],
        *,
        authority: bool,
    ) -> x509.Certificate:
        key_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(times[0])
            .not_valid_after(times[1])
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id),
                critical=False,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )

    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    pem = serialization.Encoding.PEM
    authority_file, server_file = directory / "authority.pem", directory / "server.pem"
    authority_file.write_bytes(
        sign(issuer, authority_key, always, authority=True).public_bytes(pem)
    )
    server_file.write_bytes(
        sign(server_name, server_key, (begins, ends), authority=False).public_bytes(pem)
        + server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return authority_file, server_file


def test_plain_http_does_not_move_a_synchronised_clock() -> None:
    """Whoever is on the way can write a Date that no TLS protects."""
    clock = Clock(kernel=lambda: SYNCHRONISED)
    with fault_collector(KEY).running() as collector:
        collector.now = lambda: FUTURE
        collector.instruction = Reply(200, b"{}")
        with closing(client(collector.url, clock)) as to:
            assert not to.learn(to.request("GET", "/v1/instruction", {}))
    assert clock.state().source == "kernel"


FUTURE = datetime.now(UTC) + timedelta(days=3652)
PAST = datetime.now(UTC) - timedelta(days=3652)
WEEK = timedelta(days=7)


@pytest.mark.parametrize("true", [FUTURE, PAST])
def test_clock_ten_years_off_learns_the_time_over_tls(tmp_path: Path, true: datetime) -> None:
    """Where only the certificate's times do not fit and nobody vouches for the clock, the clock
    learns from the collector's Date and the request goes through.
    """
    authority, server = certificate(tmp_path, true - WEEK, true + WEEK)
    clock = Clock(kernel=lambda: UNSYNCHRONISED)
    with fault_collector(KEY, certificate=server).running() as collector:
        collector.now = lambda: true
        collector.instruction = Reply(200, b"{}")
        with closing(client(collector.url, clock, authority)) as to:
            to.request("GET", "/v1/instruction", {})
            assert [request.method for request in collector.requests] == ["HEAD", "GET"]
            assert abs((clock.now() - true).total_seconds()) < 5
            to.close()
            to.request("GET", "/v1/instruction", {})
            assert len(collector.requests) == 3


def test_expired_certificate_stays_refused_when_the_clock_is_right(tmp_path: Path) -> None:
    """An expired certificate is not accepted just because the device's clock is unsure: the
    collector's own Date must fit it.
    """
    authority, server = certificate(tmp_path, PAST - WEEK, PAST + WEEK)
    unsure, sure = Clock(kernel=lambda: UNSYNCHRONISED), Clock(kernel=lambda: SYNCHRONISED)
    for clock, asked in ((unsure, 1), (sure, 0)):
        with fault_collector(KEY, certificate=server).running() as collector:
            with (
                closing(client(collector.url, clock, authority)) as to,
                pytest.raises(CollectorError, match="set the device's clock, or renew"),
            ):
                to.request("GET", "/v1/instruction", {})
            assert len(collector.requests) == asked


def test_date_that_does_not_fit_the_certificate_is_refused(tmp_path: Path) -> None:
    """A collector whose own Date is outside of its certificate's times is not believed."""
    authority, server = certificate(tmp_path, FUTURE - WEEK, FUTURE + WEEK)
    with fault_collector(KEY, certificate=server).running() as collector:
        collector.now = lambda: PAST
        with (
            closing(client(collector.url, ca_file=authority)) as to,
            pytest.raises(CollectorError, match="its certificate is valid from"),
        ):
            to.request("GET", "/v1/instruction", {})


def test_unknown_authority_is_refused_whatever_the_clock(tmp_path: Path) -> None:
    """The signature is checked always; the sentence names the setting."""
    _, server = certificate(tmp_path, PAST, FUTURE)
    with fault_collector(KEY, certificate=server).running() as collector:
        with (
            closing(client(collector.url)) as to,
            pytest.raises(CollectorError, match=r"certificate is not accepted.*probe\.ca_file"),
        ):
            to.request("GET", "/v1/instruction", {})
        assert collector.requests == []
    missing = tmp_path / "nothing.pem"
    with (
        closing(client("https://localhost:1", ca_file=missing)) as to,
        pytest.raises(CollectorError, match="no certificates can be read"),
    ):
        to.request("GET", "/v1/instruction", {})


def test_right_certificate_is_accepted(tmp_path: Path) -> None:
    """With a good certificate nothing special happens."""
    authority, server = certificate(tmp_path, PAST, FUTURE)
    with fault_collector(KEY, certificate=server).running() as collector:
        with closing(client(collector.url, ca_file=authority)) as to:
            assert to.request("GET", "/v1/instruction", {}).status == 401
        assert len(collector.requests) == 1
