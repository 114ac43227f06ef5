"""The engine `ndt7` against our own server, and against servers that err, lie or break.

Whole tests of short length; the far ends are real sockets on loopback.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.engine import Addresses, Measurement, MeasurementError, Order, Progress
from probe.engines import ndt7
from probe.engines.ndt7 import Ndt7Engine, Resources
from probe.transfer import ndt7_result
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import ServerEntry
from protocol.results import Speed, Transfer
from protocol.websocket import CloseCode, Opcode, frame, frame_head
from server.app import MeasurementServer
from server.settings import ServerSettings
from tests.certificates import self_signed
from tests.probe.far_end import listening
from tests.probe.ndt7_far_end import PIECE, FarEnd, Wire, loads, says, sends, wait
from tests.probe.support import flags_raised

SHORT = Ndt7Engine(seconds=0.25)
PATIENT = Ndt7Engine(seconds=10.0, stall_seconds=0.4)
"""For servers that end the test themselves, one way or another."""


def measure(url: str, engine: Ndt7Engine = SHORT, **order: object) -> Measurement:
    """Measure against a URL."""
    values = {"server": ServerEntry(name="near", url=url), "deadline": time.monotonic() + 30}
    return engine.measure(Order(**(values | order)))  # type: ignore[arg-type] # changed fields


def speed(measurement: Measurement) -> Speed:
    """Return the section of a measurement that has one."""
    assert isinstance(measurement.section, Speed)
    return measurement.section


def both(measurement: Measurement) -> tuple[Transfer, Transfer]:
    """Return download and upload of a whole measurement."""
    assert measurement.failure is None
    section = speed(measurement)
    assert section.download is not None
    assert section.upload is not None
    return section.download, section.upload


@contextmanager
def own_server(**settings: object) -> Iterator[MeasurementServer]:
    """Run a measurement server of ours in this process."""
    server = MeasurementServer(
        ServerSettings.model_validate({"listen": "127.0.0.1:0", "stamp": False, **settings})
    )
    try:
        yield server
    finally:
        server.stop()


# --- Our own server --------------------------------------------------------------------------


@pytest.mark.parametrize("host, version", [("127.0.0.1", 4), ("[::1]", 6)])
def test_our_own_server_is_measured_both_ways(host: str, version: int) -> None:
    """A whole result of one stream each way: download as it arrived, upload as the server counted,
    round trips from the kernels, nothing excluded.
    """
    phases: list[Progress] = []
    with own_server(listen=f"{host}:0") as server:
        url = f"ws://{host}:{server.port}"
        measurement = measure(url, progress=phases.append)
    download, upload = both(measurement)
    for transfer in (download, upload):
        assert transfer.counted_by == "receiver"
        assert transfer.stream_count == len(transfer.streams) == 1
        assert transfer.warm_up_seconds == 0
        assert transfer.bits_per_second == 8 * transfer.bytes / transfer.duration_seconds
        assert transfer.samples[0] == (0.0, 0)
        assert transfer.streams[0].probe_tcp is not None
        assert transfer.streams[0].server_tcp is not None
        assert transfer.server is not None
        assert transfer.bytes > 100_000
    assert download.duration_seconds == 0.25
    assert upload.server is not None
    assert (upload.bytes, upload.duration_seconds) == (
        upload.server.bytes,
        upload.server.duration_seconds,
    )
    assert 0.2 < upload.duration_seconds < 3
    assert download.streams[0].server_tcp is not None
    assert download.streams[0].server_tcp.minimum_rtt_seconds is not None
    latency = speed(measurement).latency
    assert latency.idle is not None
    assert latency.idle.sent == 1
    assert latency.download is not None
    assert latency.upload is not None
    assert latency.idle.minimum_seconds is not None
    assert latency.upload.minimum_seconds is not None
    assert 0 < latency.idle.minimum_seconds <= latency.upload.minimum_seconds < 1
    assert speed(measurement).ip_version == version
    assert speed(measurement).server.software is not None
    assert measurement.local_address == measurement.public_address == host.strip("[]")
    assert [window.direction for window in measurement.windows] == ["download", "upload"]
    assert measurement.received_bytes >= download.bytes
    assert measurement.sent_bytes > 0
    assert list(dict.fromkeys(p.phase for p in phases)) == [
        "connect",
        "download",
        "upload",
        "finish",
    ]


def test_tls_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over wss:// both directions are whole, and the ends agree on what was moved."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    with own_server(tls=certificate.settings()) as server:
        measurement = measure(f"wss://127.0.0.1:{server.port}")
    download, upload = both(measurement)
    assert upload.counted_by == "receiver"
    assert min(download.bytes, upload.bytes) > 100_000


def test_a_server_that_ends_early_is_flagged() -> None:
    """A server may end a test when it likes: the result is that of the time it had."""
    with own_server(limits={"transfer_maximum_seconds": 0.4}) as server:
        measurement = measure(f"ws://127.0.0.1:{server.port}", PATIENT)
    download, upload = both(measurement)
    assert 0.3 < download.duration_seconds < 5
    assert 0.3 < upload.duration_seconds < 5
    assert Flag.TOO_SHORT in flags_raised(measurement)


def test_a_server_that_is_full_is_busy() -> None:
    """A server that runs all the tests it may answers 503, which is a failure of its own."""
    with own_server(limits={"tests": 1}) as server:
        seen = server._tests.transfer("0" * 32, 0, "download", "192.0.2.1")
        with seen:
            measurement = measure(f"ws://127.0.0.1:{server.port}")
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.SERVER_BUSY
    assert "come back" in measurement.failure.detail
    assert measurement.section is None


# --- URLs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url, shown, download",
    [
        ("speed.example:8080", "ws://speed.example:8080", "/ndt/v7/download"),
        ("https://x.example/", "https://x.example/", "/ndt/v7/download"),
        ("ws://x.example/a/b", "ws://x.example/a/b", "/a/b/ndt/v7/download"),
        (
            "wss://x.example/ndt/v7/upload?access_token=ey%3D.J&index=0",
            "wss://x.example/ndt/v7/upload",
            "/ndt/v7/download?access_token=ey%3D.J&index=0",
        ),
        ("ws://x.example?a=đ b", "ws://x.example", "/ndt/v7/download?a=%C4%91%20b"),
    ],
)
def test_a_url_says_where_the_resources_are(url: str, shown: str, download: str) -> None:
    """Path and query go with both requests; a token in the query is not shown."""
    resources = Resources.of(url)
    assert resources.target.url == shown
    assert resources.download == download
    assert resources.upload == download.replace("download", "upload")
    assert resources.target.tls == (url.startswith(("https", "wss")))


@pytest.mark.parametrize("url", ["ftp://x.example", "ws://", "ws://[::1", "ws://x:99999"])
def test_what_is_no_url_is_a_failure(url: str) -> None:
    """An address that cannot be used is told in words."""
    with pytest.raises(MeasurementError, match="URL"):
        Resources.of(url)
    failure = measure(url).failure
    assert failure is not None
    assert failure.code is Failure.NAME_RESOLUTION


def test_without_a_server_nothing_is_measured() -> None:
    """An order without a server is answered with the failure for it."""
    failure = measure("", server=None).failure
    assert failure is not None
    assert failure.code is Failure.NO_SERVER


# --- Servers that err, lie or break ----------------------------------------------------------


def measured(far_end: FarEnd, engine: Ndt7Engine = SHORT, query: str = "") -> Measurement:
    """Measure against a far end."""
    with far_end.running() as url:
        return measure(url + query, engine)


def failed(far_end: FarEnd) -> tuple[Failure, str]:
    """Return what a measurement against it failed with."""
    failure = measured(far_end, PATIENT).failure
    assert failure is not None
    return failure.code, failure.detail


def test_a_server_that_says_nothing_is_measured_too() -> None:
    """Text is optional: the upload is then what was acknowledged, and nothing is made up."""
    measurement = measured(FarEnd())
    download, upload = both(measurement)
    assert (download.counted_by, upload.counted_by) == ("receiver", "acknowledged")
    assert download.server is upload.server is None
    assert upload.streams[0].server_tcp is None
    assert upload.duration_seconds == 0.25
    assert 0 < upload.bytes <= upload.total_bytes
    assert measurement.public_address is None
    assert speed(measurement).server.software is None
    assert speed(measurement).latency.download is None


def test_a_token_goes_with_both_requests_and_not_into_the_record() -> None:
    """The query of the URL is asked with, and kept out of the record and of failures."""
    far_end = FarEnd()
    measurement = measured(far_end, query="?access_token=secret")
    assert [line.split()[1] for line in far_end.requests] == [
        "/ndt/v7/download?access_token=secret",
        "/ndt/v7/upload?access_token=secret",
    ]
    assert "secret" not in speed(measurement).model_dump_json()


REFUSALS = {
    "not found": (b"HTTP/1.1 404 No\r\n\r\n", Failure.NOT_A_SERVER, "404"),
    "bad request": (b"HTTP/1.1 400 No\r\n\r\n", Failure.NOT_A_SERVER, "400"),
    "a page": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Failure.NOT_A_SERVER, "200"),
    "full": (b"HTTP/1.1 503 No\r\nRetry-After: 9\r\n\r\n", Failure.SERVER_BUSY, "in 9 s"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", Failure.NOT_A_SERVER, "no HTTP"),
    "nothing": (b"", Failure.CONNECTION_LOST, "without an answer"),
}


@pytest.mark.parametrize("answer, code, part", REFUSALS.values(), ids=list(REFUSALS))
def test_a_server_that_does_not_upgrade_is_named(answer: bytes, code: Failure, part: str) -> None:
    """Whatever answers instead of a WebSocket ends as the failure that says what it was."""
    named, detail = failed(FarEnd(answer=answer))
    assert named is code
    assert part in detail


@pytest.mark.parametrize(
    "headers, code",
    [
        ({"Sec-WebSocket-Accept": "wrong"}, Failure.BAD_ANSWER),
        ({"Sec-WebSocket-Protocol": "chat"}, Failure.NOT_A_SERVER),
    ],
)
def test_an_upgrade_to_something_else_is_named(headers: dict[str, str], code: Failure) -> None:
    """A handshake that is not ours, or a WebSocket for something else, is no ndt7 server."""
    assert failed(FarEnd(headers=headers))[0] is code


def test_a_server_that_never_answers_is_a_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the request and is silent is given up after the time for a handshake."""
    monkeypatch.setattr(ndt7, "HANDSHAKE_SECONDS", 0.2)
    with listening(wait) as url:
        failure = measure(url, PATIENT).failure
    assert failure is not None
    assert failure.code is Failure.STALLED


BROKEN_DOWNLOADS = {
    "an oversize message": (sends(b"\x82\x7f" + (1 << 25).to_bytes(8, "big")), Failure.BAD_ANSWER),
    "a masked message": (sends(b"\x82\x80\0\0\0\0"), Failure.BAD_ANSWER),
    "an oversize ping": (sends(b"\x89\x7e\x01\x00"), Failure.BAD_ANSWER),
    "silence": (sends(b""), Failure.STALLED),
    "silence within a message": (
        sends(frame_head(Opcode.BINARY, 1 << 20, masked=False) + PIECE),
        Failure.STALLED,
    ),
    "no goodbye": (
        lambda wire: wire.connection.sendall(frame(Opcode.BINARY, PIECE, masked=False)),
        Failure.CONNECTION_LOST,
    ),
    "a goodbye at once": (
        lambda wire: wire.close(CloseCode.GOING_AWAY, "full"),
        Failure.BAD_ANSWER,
    ),
}


@pytest.mark.parametrize("download, code", BROKEN_DOWNLOADS.values(), ids=list(BROKEN_DOWNLOADS))
def test_a_download_that_breaks_is_named(download: Callable[[Wire], None], code: Failure) -> None:
    """A server that breaks the protocol, falls silent or goes away ends the test with its name."""
    measurement = measured(FarEnd(download), PATIENT)
    assert measurement.failure is not None
    assert measurement.failure.code is code
    assert speed(measurement).download is speed(measurement).upload is None


def test_a_download_survives_what_it_need_not_understand() -> None:
    """Pings are answered, text that is no measurement, is long or comes in parts is passed over."""
    wires: list[Wire] = []

    def download(wire: Wire) -> None:
        wires.append(wire)
        wire.connection.sendall(
            frame(Opcode.TEXT, b"no measurement", masked=False)
            + frame(Opcode.TEXT, bytes(100_000), masked=False)
            + b"\x01\x02{}\x80\x02{}"
            + frame(Opcode.PING, b"there?", masked=False)
        )
        wire.say(AppInfo={"ElapsedTime": 100_000, "NumBytes": 1}, ConnectionInfo={"Client": "me"})
        loads(wire)

    measurement = measured(FarEnd(download))
    both(measurement)
    assert wires[0].pongs == [b"there?"]
    assert measurement.public_address is None


def test_mlabs_own_server_is_taken_by_its_tcp() -> None:
    """A server that sends TCPInfo alone, as M-Lab's does, is believed by what its TCP received."""
    tcp = {"ElapsedTime": 800_000, "BytesReceived": 1_000_000, "MinRTT": 5, "RTT": 9}
    said = says(TCPInfo=tcp, ConnectionInfo={"Client": "[2001:db8::1]:443"})
    measurement = measured(FarEnd(upload=said))
    _, upload = both(measurement)
    assert upload.counted_by == "receiver"
    assert (upload.bytes, upload.duration_seconds) == (1_000_000, 0.8)
    assert upload.bits_per_second == pytest.approx(1e7)
    assert upload.streams[0].server_tcp is not None
    assert upload.streams[0].server_tcp.smoothed_rtt_seconds == pytest.approx(9e-6)
    assert measurement.public_address == "2001:db8::1"


def test_another_address_in_the_upload_is_a_changed_path() -> None:
    """The server says in each direction which address it sees; the two are compared."""

    def download(wire: Wire) -> None:
        wire.say(ConnectionInfo={"Client": "192.0.2.7:40000"})
        loads(wire)

    for seen, changed in (("203.0.113.9:40001", True), ("192.0.2.7:40001", False)):
        measurement = measured(FarEnd(download, says(ConnectionInfo={"Client": seen})))
        both(measurement)
        assert measurement.first == Addresses("127.0.0.1", "192.0.2.7")
        assert measurement.public_address == seen.partition(":")[0]
        assert (Flag.PATH_CHANGED in flags_raised(measurement)) is changed


@pytest.mark.parametrize("claimed", [1000, 10**15])
def test_a_server_that_lies_is_flagged(claimed: int) -> None:
    """A server that claims another number of bytes than were acknowledged is not believed."""
    said = says(AppInfo={"ElapsedTime": 250_000, "NumBytes": claimed})
    measurement = measured(FarEnd(upload=said))
    assert Flag.COUNTS_DISAGREE in flags_raised(measurement)


@pytest.mark.parametrize("elapsed", [1, 10**12])
def test_a_servers_view_of_another_time_does_not_count(
    monkeypatch: pytest.MonkeyPatch, elapsed: int
) -> None:
    """A last message that is not of the upload's end stands for nothing: what was acknowledged
    counts.
    """
    monkeypatch.setattr(ndt7_result, "COVER_SECONDS", 0.1)
    said = says(AppInfo={"ElapsedTime": elapsed, "NumBytes": 10**9})
    _, upload = both(measured(FarEnd(upload=said)))
    assert upload.counted_by == "acknowledged"
    assert upload.duration_seconds == 0.25


def test_an_upload_that_breaks_keeps_the_download() -> None:
    """A server that goes away in the upload is a lost connection; the download stands."""
    measurement = measured(FarEnd(upload=lambda wire: wire.connection.close()))
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.CONNECTION_LOST
    assert speed(measurement).download is not None
    assert speed(measurement).upload is None
    assert measurement.sent_bytes >= 0


def test_load_in_an_upload_is_a_bad_answer() -> None:
    """A server must not send load while the client does."""
    measurement = measured(FarEnd(upload=Wire.load))
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.BAD_ANSWER


def test_a_probe_that_stops_is_not_held() -> None:
    """Asked to stop, the measurement ends at once with the failure that says so."""
    cancelled = threading.Event()
    with own_server() as server:
        threading.Timer(0.3, cancelled.set).start()
        began = time.monotonic()
        measurement = measure(f"ws://127.0.0.1:{server.port}", PATIENT, cancelled=cancelled)
    assert time.monotonic() - began < 5
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.PROBE_STOPPING
