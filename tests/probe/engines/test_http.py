"""The engine `http` against plain backends, and against everything that can go wrong with one.

Whole tests with short profiles; the far ends are real sockets on loopback.
"""

import socket
import threading
import time

import pytest

from probe.engine import Addresses, Measurement, Order, Progress
from probe.engines.http import FULL, QUICK, HttpEngine, Profile
from probe.transfer.ramp import Fixed, Ramp
from protocol.constants import SERVER_PATH
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.messages import ServerEntry, ServerInfo, ServerLoad
from protocol.model import encode
from protocol.results import Speed
from tests.probe.far_end import (
    PIECE,
    Handler,
    answer,
    empty,
    freezes,
    garbage,
    get_ip,
    listening,
    mebibytes,
    plain_backend,
    stops,
)
from tests.probe.support import flags_raised

SHORT = HttpEngine(
    full=Profile(Fixed(2, 0.3), 0.7, idle_requests=3),
    stall_seconds=1.0,
)


def measure(url: str, engine: HttpEngine = SHORT, **order: object) -> Measurement:
    """Measure against a URL."""
    values = {"server": ServerEntry(name="near", url=url), "deadline": time.monotonic() + 30}
    return engine.measure(Order(**(values | order)))  # type: ignore[arg-type] # changed fields


def speed(measurement: Measurement) -> Speed:
    """Return the section of a measurement that has one."""
    assert isinstance(measurement.section, Speed)
    return measurement.section


def test_a_plain_backend_is_measured_both_ways() -> None:
    """A server that is not ours gives a whole result: download counted where it arrived, upload
    by what was acknowledged, round trips idle and under load.
    """
    phases: list[Progress] = []
    with plain_backend() as url:
        measurement = measure(url, progress=phases.append)
    assert measurement.failure is None
    section = speed(measurement)
    assert section.download is not None
    assert section.upload is not None
    assert (section.download.counted_by, section.upload.counted_by) == ("receiver", "acknowledged")
    for transfer in (section.download, section.upload):
        assert transfer.duration_seconds == pytest.approx(0.7)
        assert transfer.warm_up_seconds == 0.3
        assert transfer.bits_per_second == 8 * transfer.bytes / transfer.duration_seconds
        assert 0 < transfer.bytes < transfer.total_bytes
        assert transfer.samples[0] == (0.0, 0)
        assert transfer.samples[-1][1] <= transfer.total_bytes
        assert [stream.lost for stream in transfer.streams] == [None, None]
        assert all(stream.probe_tcp for stream in transfer.streams)
        assert transfer.server is None
    latency = section.latency
    assert latency.idle is not None
    assert latency.idle.received == 3
    for loaded in (latency.download, latency.upload):
        assert loaded is not None
        assert 0 < loaded.received <= loaded.sent <= 8
    assert measurement.local_address == measurement.public_address == "127.0.0.1"
    assert (section.ip_version, section.server.address) == (4, "127.0.0.1")
    assert section.server.name is None
    assert measurement.received_bytes >= section.download.total_bytes
    assert measurement.sent_bytes >= section.upload.total_bytes
    order = ["connect", "latency", "download", "upload", "finish"]
    assert list(dict.fromkeys(progress.phase for progress in phases)) == order
    assert all(0 <= progress.done_ratio <= 1 for progress in phases)


def test_an_upload_is_what_arrived() -> None:
    """What a plain server received of an upload is what the probe says was acknowledged, within
    what was under way when it ended.
    """
    arrived = [0]
    lock = threading.Lock()

    def count(request: Handler) -> None:
        left = int(request.headers.get("Content-Length", 0))
        while left:
            data = request.rfile.read1(min(left, 65536))
            if not data:
                return
            left -= len(data)
            with lock:
                arrived[0] += len(data)
        answer(request, b"")

    with plain_backend({"empty.php": count}) as url:
        section = speed(measure(url))
    assert section.upload is not None
    # Acknowledged by the kernel may run ahead of what the server has read: its socket buffers.
    assert section.upload.total_bytes == pytest.approx(arrived[0], abs=2 * 8 * 1024 * 1024)


def test_a_backend_with_other_paths_is_measured() -> None:
    """A backend that serves nothing but the paths that its entry names is measured both ways, and
    the record says which entry of whose network it was.
    """
    served = {"get": garbage, "put": empty, "tick": empty, "me": get_ip}
    paths = {"dlURL": "get", "ulURL": "put", "pingURL": "tick", "getIpURL": "me"}
    with plain_backend(served=served, prefix="/api/v2/") as url:
        entry = {"name": "vnix-1", "url": f"{url}api/v2", "network": "VNIX", "paths": paths}
        measurement = measure(url, server=ServerEntry.model_validate(entry))
    assert measurement.failure is None
    assert measurement.public_address == "127.0.0.1"
    server = speed(measurement).server
    assert (server.entry, server.network, server.choice) == ("vnix-1", "VNIX", None)


def test_the_nearest_of_a_list_is_measured() -> None:
    """Without a server's name one is chosen before anything is measured, and the choice recorded;
    where none answers, the test fails with what was wrong.
    """
    dead = ServerEntry(name="dead", url="http://127.0.0.1:9")
    with plain_backend() as url:
        near = ServerEntry(name="near", url=url)
        measurement = measure(url, server=None, candidates=(dead, near))
    server = speed(measurement).server
    assert (measurement.failure, server.entry, server.url) == (None, "near", url)
    assert server.choice is not None
    assert [each.name for each in server.choice.candidates] == ["near", "dead"]
    failed = measure("", server=None, candidates=(dead,))
    assert failed.section is None
    assert failed.failure is not None
    assert failed.failure.code is Failure.REFUSED


def test_ipv6_is_measured() -> None:
    """The same over IPv6, and the record says so."""
    with plain_backend(host="::1") as url:
        measurement = measure(url, family=6)
    assert measurement.failure is None
    assert speed(measurement).ip_version == 6
    assert measurement.public_address == "::1"


@pytest.mark.parametrize(
    "prefix, path", [("/backend/", ""), ("/backend/", "backend/"), ("/speed/", "speed")]
)
def test_a_backend_is_found_below_its_address(prefix: str, path: str) -> None:
    """The URL may name the site or the backend's own folder."""
    with plain_backend(prefix=prefix) as url:
        assert measure(url + path).failure is None


def chunked(request: Handler) -> None:
    """Send a download as servers do that do not know its length."""
    request.send_response(200)
    request.send_header("Content-Type", "application/octet-stream")
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for _ in range(mebibytes(request) * 16):
        request.wfile.write(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
    request.wfile.write(b"0\r\n\r\n")


def until_close(request: Handler) -> None:
    """Send a download of 2 MiB that ends with its connection."""
    request.send_response(200)
    request.send_header("Content-Type", "application/octet-stream")
    request.end_headers()
    for _ in range(32):
        request.wfile.write(PIECE)
    request.close_connection = True


def two_mebibytes(request: Handler) -> None:
    """Send less than was asked for, with its length, and keep the connection."""
    request.path = "garbage.php?ckSize=2"
    garbage(request)


@pytest.mark.parametrize("way", [chunked, until_close, two_mebibytes])
def test_downloads_are_counted_however_they_are_framed(way: object) -> None:
    """Chunks, bodies that end with the connection, and short ones asked for again and again."""
    with plain_backend({"garbage.php": way}) as url:  # type: ignore[dict-item] # all are handlers
        measurement = measure(url)
    assert measurement.failure is None
    download = speed(measurement).download
    assert download is not None
    assert download.total_bytes > 8 * 1024 * 1024
    assert Flag.STREAM_LOST not in flags_raised(measurement)


def test_another_public_address_at_the_end_is_a_changed_path() -> None:
    """A line that failed over during the test is told by what the server sees; a server that no
    longer says is none.
    """
    own, other, third = b"192.0.2.7", b"203.0.113.9", b"203.0.113.8"
    for told, changed, newest in (
        ([own, own, other], True, "203.0.113.9"),
        ([own, own, own], False, "192.0.2.7"),
        ([own, own, b"unknown"], False, "192.0.2.7"),
        # A carrier's NAT that gives each connection another address says nothing of the way.
        ([own, other, third], False, "203.0.113.8"),
    ):

        def tell(request: Handler, told: list[bytes] = told) -> None:
            answer(request, told.pop(0))

        with plain_backend({"getIP.php": tell}) as url:
            measurement = measure(url)
        assert measurement.failure is None
        assert measurement.public_address == newest
        assert (Flag.PATH_CHANGED in flags_raised(measurement)) is changed


def test_another_far_end_tells_the_public_address_alone() -> None:
    """Where the server does not tell it another one does; the local addresses are those of the
    connections to the server, also where the other is reached from another one: no changed path.
    The server is not asked again.
    """
    asked: list[str] = []

    def silent(request: Handler) -> None:
        asked.append(request.path)
        answer(request, b"", status=404)

    told = [b"192.0.2.7", b"192.0.2.7", b"192.0.2.7"]
    tells = plain_backend({"getIP.php": lambda request: answer(request, told.pop(0))}, host="::1")
    with plain_backend({"getIP.php": silent}) as url, tells as witness:
        measurement = measure(url, others=(witness,))
    assert measurement.failure is None
    assert measurement.first == Addresses("127.0.0.1", "192.0.2.7")
    assert (measurement.local_address, measurement.public_address) == ("127.0.0.1", "192.0.2.7")
    assert (told, asked, measurement.asked_address) == ([], ["/getIP.php"], True)
    assert Flag.PATH_CHANGED not in flags_raised(measurement)


OURS = ServerInfo(
    name="hp-1",
    software="linewatch/9",
    your_address="192.0.2.7",
    upload_maximum_bytes=1 << 30,
    stamp_port=None,
    load=ServerLoad(tests_running=0, connections=3, connections_limit=10, cpu_ratio=0.25),
)


@pytest.mark.parametrize("last,changed", [("203.0.113.9", True), ("192.0.2.7", False)])
def test_our_own_server_tells_of_a_changed_path_too(last: str, changed: bool) -> None:
    """It says which address it sees with what else it says of itself."""
    told = ["192.0.2.7", "192.0.2.7", last]

    def tell(request: Handler) -> None:
        answer(request, encode(OURS.model_copy(update={"your_address": told.pop(0)})))

    with plain_backend({SERVER_PATH[1:]: tell}) as url:
        measurement = measure(url)
    assert measurement.failure is None
    assert told == []
    assert (Flag.PATH_CHANGED in flags_raised(measurement)) is changed


@pytest.mark.parametrize("claimed,limited", [("900.000", True), ("0.100", False)])
def test_a_server_that_says_it_was_slow_itself_is_told(claimed: str, limited: bool) -> None:
    """One that claims most of the waiting for its own gets its round trips flagged, be it slow or
    a liar; one that claims little does not.
    """

    def claims(request: Handler) -> None:
        time.sleep(0.02)
        answer(request, b"", headers={"Server-Timing": f"linewatch;dur={claimed}"})

    with plain_backend({"empty.php": claims}) as url:
        measurement = measure(url)
    idle = speed(measurement).latency.idle
    assert idle is not None
    assert (idle.minimum_seconds or 0) > 0
    assert (Flag.SERVER_LIMITED in flags_raised(measurement)) is limited


# --- What is no measurement server ---------------------------------------------------------------


def page(request: Handler) -> None:
    """Answer as a web site does."""
    answer(request, b"<html>Welcome</html>", headers={"Content-Type": "text/html"})


def redirect(request: Handler) -> None:
    """Send people on."""
    answer(request, b"", status=301, headers={"Location": "https://elsewhere.example/"})


def busy(request: Handler) -> None:
    """Refuse."""
    answer(request, b"full", status=503, headers={"Retry-After": "17"})


def test_a_web_site_is_not_a_server() -> None:
    """A page in place of nothing is not a measurement server, and the sentence says why."""
    with plain_backend({"empty.php": page}) as url:
        measurement = measure(url)
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.NOT_A_SERVER
    assert "a page instead of nothing" in measurement.failure.detail
    assert measurement.section is None


def test_a_redirect_names_where_to_go() -> None:
    """A server that moved is told with its new address."""
    with plain_backend({"empty.php": redirect}) as url:
        failure = measure(url).failure
    assert failure is not None
    assert failure.code is Failure.NOT_A_SERVER
    assert "https://elsewhere.example/" in failure.detail


def test_a_busy_server_says_when_to_come_back() -> None:
    """503 is a failure of its own, with the server's wish."""
    with plain_backend({"empty.php": busy}) as url:
        failure = measure(url).failure
    assert failure is not None
    assert failure.code is Failure.SERVER_BUSY
    assert "17 s" in failure.detail


@pytest.mark.parametrize(
    "way, code",
    [
        (busy, Failure.SERVER_BUSY),
        (page, Failure.NOT_A_SERVER),
        (redirect, Failure.NOT_A_SERVER),
    ],
)
def test_a_server_without_data_is_told(way: object, code: Failure) -> None:
    """A server that refuses the download only, or has none, fails then, with its latency kept."""
    with plain_backend({"garbage.php": way}) as url:  # type: ignore[dict-item] # all are handlers
        measurement = measure(url)
    assert measurement.failure is not None
    assert measurement.failure.code is code
    section = speed(measurement)
    assert section.latency.idle is not None
    assert section.download is None
    assert section.upload is None


@pytest.mark.parametrize(
    "said, code",
    [
        (b"", Failure.CONNECTION_LOST),
        (b"220 mail.example ESMTP\r\n", Failure.NOT_A_SERVER),
        (bytes(range(256)) * 8, Failure.NOT_A_SERVER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Failure.NOT_A_SERVER),
    ],
)
def test_other_protocols_are_told(said: bytes, code: Failure) -> None:
    """Something that closes at once, or speaks something else, ends as a failure of the list."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(said)

    with listening(talk) as url:
        failure = measure(url).failure
    assert failure is not None
    assert failure.code is code


def test_a_server_that_never_answers_ends_in_time() -> None:
    """Accepted and not answered: a stall, within the time for an answer."""

    def silent(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with listening(silent) as url:
        started = time.monotonic()
        failure = measure(url).failure
        assert time.monotonic() - started < 8
    assert failure is not None
    assert failure.code is Failure.STALLED


def test_nobody_there_is_refused() -> None:
    """A closed port is told."""
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    failure = measure(f"http://127.0.0.1:{port}").failure
    assert failure is not None
    assert failure.code is Failure.REFUSED


# --- What breaks on the way ----------------------------------------------------------------------


def test_a_server_that_stops_in_mid_download_is_lost() -> None:
    """All streams closed early: the connection was lost; what moved still counts as data used."""
    with plain_backend({"garbage.php": stops}) as url:
        measurement = measure(url)
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.CONNECTION_LOST
    assert speed(measurement).download is None
    assert measurement.received_bytes >= 2 * 10 * len(PIECE)


def test_a_server_that_freezes_in_mid_download_stalls() -> None:
    """Connections that stay open without a byte are a stall after the time for it; a window that
    ends before that and saw no byte is one too, never a rate of zero.
    """
    patient = HttpEngine(full=Profile(Fixed(2, 0.3), 10.0, idle_requests=2), stall_seconds=1.0)
    for engine in (patient, SHORT):
        with plain_backend({"garbage.php": freezes}) as url:
            started = time.monotonic()
            measurement = measure(url, engine)
            assert time.monotonic() - started < 4
        assert measurement.failure is not None
        assert measurement.failure.code is Failure.STALLED
        assert speed(measurement).download is None


def test_one_stream_lost_is_flagged() -> None:
    """The streams that live go on, and the result says that one broke."""
    turns = [0]

    def first_stops(request: Handler) -> None:
        turns[0] += 1
        (stops if turns[0] == 1 else garbage)(request)

    with plain_backend({"garbage.php": first_stops}) as url:
        measurement = measure(url)
    assert measurement.failure is None
    assert Flag.STREAM_LOST in flags_raised(measurement)
    download = speed(measurement).download
    assert download is not None
    lost = [stream.lost.code for stream in download.streams if stream.lost]
    assert lost == [Failure.CONNECTION_LOST]


def too_large(request: Handler) -> None:
    """Refuse uploads as a server does whose limit is below what a test sends."""
    if request.command == "GET":
        empty(request)
        return
    answer(request, b"", status=413)
    request.close_connection = True


def test_an_upload_that_is_refused_says_why() -> None:
    """A server that answers in mid-upload is heard, and the download is kept."""
    with plain_backend({"empty.php": too_large}) as url:
        measurement = measure(url)
    assert measurement.failure is not None
    assert measurement.failure.code in {Failure.BAD_ANSWER, Failure.CONNECTION_LOST}
    section = speed(measurement)
    assert section.download is not None
    assert section.upload is None


def test_the_deadline_ends_a_test() -> None:
    """A test does not outlive its deadline, in whatever phase it is."""
    engine = HttpEngine(full=Profile(Fixed(1, 1.0), 60.0, idle_requests=2))
    with plain_backend() as url:
        started = time.monotonic()
        measurement = measure(url, engine, deadline=started + 1.5)
        assert time.monotonic() - started < 3
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.DEADLINE


def test_a_stopping_probe_ends_its_test() -> None:
    """A test ends soon after the agent was asked to stop, and leaves no thread behind."""
    cancelled = threading.Event()
    before = threading.active_count()
    engine = HttpEngine(full=Profile(Fixed(2, 1.0), 60.0, idle_requests=2))
    with plain_backend() as url:
        timer = threading.Timer(1.0, cancelled.set)
        timer.start()
        started = time.monotonic()
        measurement = measure(url, engine, cancelled=cancelled)
        assert time.monotonic() - started < 3
        timer.join()
        names = [each.name for each in threading.enumerate()]
        assert not [name for name in names if name.startswith(("stream", "pinger"))]
    assert measurement.failure is not None
    assert measurement.failure.code is Failure.PROBE_STOPPING
    assert threading.active_count() <= before + 1


def test_the_profiles_are_the_protocols() -> None:
    """Evidence has a window of fixed length after a warm-up by rule; only `quick` may end early."""
    assert (FULL.ramp, FULL.window_seconds, FULL.may_converge) == (Ramp(), 10.0, False)
    assert (FULL.idle_requests, QUICK.may_converge) == (20, True)
