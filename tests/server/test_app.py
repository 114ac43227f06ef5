"""The whole server: families, TLS, congestion control, and how it stops."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.constants import SERVER_PATH, TESTS_PATH
from protocol.messages import ServerInfo, ServerTest
from protocol.stamp import pack_probe, unpack_reflection
from server.app import MeasurementServer
from server.errors import ServerError
from server.settings import ServerSettings
from tests.certificates import Certificate
from tests.server.conftest import Client, Connect, Serve

TEST = "ab" * 16
MakeCertificate = Callable[[str], Certificate]


def _trusting(made: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(made.certificate))


@pytest.mark.parametrize(
    "listen,host,seen",
    [
        (":0", "127.0.0.1", "127.0.0.1"),
        (":0", "::1", "::1"),
        ("[::]:0", "127.0.0.1", "127.0.0.1"),
        ("[::1]:0", "::1", "::1"),
        ("0.0.0.0:0", "127.0.0.1", "127.0.0.1"),
        ("localhost:0", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_listens_in_the_families_asked_for(
    serve: Serve, connect: Connect, listen: str, host: str, seen: str
) -> None:
    """An empty host serves both families; a client sees its own address in its own family."""
    server = serve(listen=listen)
    client = connect(server, host)
    info = ServerInfo.model_validate_json(client.ask(SERVER_PATH).body)
    assert info.your_address == seen
    assert client.ask("/empty.php", "POST", b"x" * 10).status == 200


def test_ipv4_only_is_ipv4_only(serve: Serve, connect: Connect) -> None:
    """With 0.0.0.0 nothing listens on IPv6."""
    server = serve(listen="0.0.0.0:0")
    with pytest.raises(ConnectionRefusedError):
        connect(server, "::1")


def test_stamp_is_at_the_same_number(serve: Serve) -> None:
    """The reflector answers on UDP at the port that the server tells."""
    server = serve()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(2)
        sender.connect(("127.0.0.1", server.port))
        sender.send(pack_probe(9, time.time(), synchronised=False))
        reflection = unpack_reflection(sender.recv(100))
    assert reflection
    assert reflection.seq == 9


def test_serves_https(serve: Serve, connect: Connect, make_certificate: MakeCertificate) -> None:
    """Over TLS downloads, uploads and counts are the same, keep-alive included."""
    made = make_certificate("tls")
    server = serve(tls={"certificate": made.certificate, "key": made.key})
    assert server.url.startswith("https://127.0.0.1:")
    raw = connect(server).socket
    with _trusting(made).wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        client = Client(tls)
        assert len(client.ask(f"/garbage.php?ckSize=40&test={TEST}").body) == 40 * 1024 * 1024
        assert client.ask(f"/empty.php?test={TEST}", "POST", b"x" * 3_000_000).status == 200
        report = ServerTest.model_validate_json(client.ask(TESTS_PATH + TEST).body)
    assert [stream.bytes for stream in report.streams] == [40 * 1024 * 1024, 3_000_000]
    assert all(stream.tcp and stream.tcp.minimum_rtt_seconds for stream in report.streams)


@pytest.mark.parametrize("says", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00"])
def test_handshake_that_is_none_is_ended(
    serve: Serve, connect: Connect, make_certificate: MakeCertificate, says: bytes
) -> None:
    """A client that does not shake hands is ended in time, and others are served meanwhile."""
    made = make_certificate("handshake")
    server = serve(
        tls={"certificate": made.certificate, "key": made.key},
        limits={"head_timeout_seconds": 0.5},
    )
    silent = connect(server)
    silent.send(says)
    with _trusting(made).wrap_socket(connect(server).socket, server_hostname="127.0.0.1") as tls:
        assert Client(tls).ask("/empty.php").status == 200
    until = time.monotonic() + 3
    while not silent.ended() and time.monotonic() < until:
        pass  # an alert may come first
    assert time.monotonic() < until


def test_stalled_tls_download_is_ended(
    serve: Serve, connect: Connect, make_certificate: MakeCertificate
) -> None:
    """A TLS client that reads nothing is ended, though its thread is inside the TLS library."""
    made = make_certificate("stalled")
    server = serve(
        tls={"certificate": made.certificate, "key": made.key},
        limits={"idle_timeout_seconds": 0.3},
    )
    raw = connect(server).socket
    with _trusting(made).wrap_socket(raw, server_hostname="127.0.0.1") as tls:
        tls.sendall(b"GET /garbage.php?ckSize=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        # The watchdog ends it after some 1.6 s; of a busy machine a thread may wait as long again.
        time.sleep(5)
        received = 0
        with contextlib.suppress(ConnectionError):
            while data := tls.recv(1 << 20):
                received += len(data)
    assert received < 1000 * 1024 * 1024


def test_certificate_is_read_again(
    serve: Serve, connect: Connect, make_certificate: MakeCertificate
) -> None:
    """A renewed certificate is used once told to; a broken one leaves the old one in use."""
    made, renewed = make_certificate("old"), make_certificate("renewed")
    server = serve(tls={"certificate": made.certificate, "key": made.key})

    def name() -> object:
        trusting = ssl.create_default_context(cafile=str(made.certificate))
        raw = connect(server).socket
        with trusting.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            return tls.getpeercert()

    def copy(certificate: Certificate, *, key: bool = True) -> None:
        made.certificate.write_bytes(certificate.certificate.read_bytes())
        if key:
            made.key.write_bytes(certificate.key.read_bytes())

    first = name()
    old = made.certificate.read_bytes()
    copy(renewed, key=False)  # the key does not fit
    with pytest.raises(ServerError, match="cannot be used"):
        server.reload_certificate()
    made.certificate.write_bytes(old)
    assert name() == first
    copy(renewed)
    server.reload_certificate()
    assert name() != first


@pytest.mark.parametrize(
    "certificate,message",
    [("none.pem", "none.pem: no such file"), ("empty.pem", "empty.pem .* cannot be used")],
)
def test_says_what_is_wrong_with_a_certificate(
    tmp_path: Path, certificate: str, message: str
) -> None:
    """A certificate that is missing or unreadable is an error that names it."""
    (tmp_path / "empty.pem").touch()
    (tmp_path / "key.pem").touch()
    settings = ServerSettings.model_validate(
        {
            "listen": "127.0.0.1:0",
            "tls": {"certificate": tmp_path / certificate, "key": tmp_path / "key.pem"},
        }
    )
    with pytest.raises(ServerError, match=message):
        MeasurementServer(settings)


def congestion_control(client: Client, asked: str = "") -> str | None:
    """Return what a download was sent with."""
    client.ask(f"/garbage.php?ckSize=1&test={TEST}{asked}")
    report = ServerTest.model_validate_json(client.ask(TESTS_PATH + TEST).body)
    assert report.streams[0].tcp
    return report.streams[0].tcp.congestion_control


def test_congestion_control_is_as_asked(serve: Serve, connect: Connect) -> None:
    """A download is sent with the congestion control that it asks for, if tests may ask for it."""
    client = connect(serve())
    assert congestion_control(client, "&congestion=cubic") == "cubic"
    assert congestion_control(client, "&congestion=reno") == "cubic"


def test_congestion_control_is_as_set(serve: Serve, connect: Connect) -> None:
    """Downloads use the congestion control that is set, whatever they ask for; one that the system
    lacks is an error.
    """
    client = connect(serve(congestion_control="reno"))
    assert congestion_control(client, "&congestion=cubic") == "reno"
    with pytest.raises(ServerError, match="has no 'nonsense'"):
        serve(congestion_control="nonsense")


def test_stop_lets_a_short_transfer_end(serve: Serve, connect: Connect) -> None:
    """While it stops, the server takes nobody new, ends who is idle, and lets a transfer end."""
    server = serve()
    idle, busy = connect(server), connect(server)
    assert idle.ask("/empty.php").status == 200
    busy.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    time.sleep(0.1)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    assert idle.ended()
    with pytest.raises(ConnectionRefusedError):
        connect(server)
    busy.send(b"def")
    answer = busy.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    busy.socket.close()
    stopping.join(1)
    assert not stopping.is_alive()


def test_stop_does_not_wait_for_ever(serve: Serve, connect: Connect) -> None:
    """Transfers that do not end are aborted: the server has stopped within 4 s."""
    server = serve()
    uploading, downloading = connect(server), connect(server)
    uploading.send(b"POST /empty.php HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nabc")
    downloading.send(b"GET /garbage.php?ckSize=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.1)
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 4
    assert uploading.ended()
