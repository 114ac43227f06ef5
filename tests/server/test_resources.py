"""What the server serves, over real connections."""

import json
import re
import time
import zlib

import pytest

from protocol.constants import GARBAGE_CHUNK_BYTES, SERVER_PATH, TESTS_PATH
from protocol.messages import ServerInfo, ServerTest
from tests.server.conftest import Client, Connect, Serve

TEST = "0123456789abcdef" * 2


def _report(client: Client) -> ServerTest:
    answer = client.ask(TESTS_PATH + TEST)
    assert answer.status == 200
    return ServerTest.model_validate_json(answer.body)


@pytest.mark.parametrize("prefix", ["/", "/backend/"])
@pytest.mark.parametrize("resource", ["garbage.php?ckSize=1", "empty.php", "getIP.php"])
def test_backend_is_at_both_places(
    serve: Serve, connect: Connect, prefix: str, resource: str
) -> None:
    """LibreSpeed's resources are at the root and under /backend/, and are never cached."""
    answer = connect(serve()).ask(prefix + resource)
    assert answer.status == 200
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "query,chunks",
    [
        ("?ckSize=1", 1),
        ("?ckSize=3", 3),
        ("", 4),
        ("?ckSize=0", 4),
        ("?ckSize=00", 4),
        ("?ckSize=-1", 4),
        ("?ckSize=1.5", 4),
        ("?ckSize=%D9%A3", 4),
        ("?ckSize=1024", 1024),
        ("?ckSize=1025", 1024),
        ("?ckSize=" + "9" * 5000, 1024),
    ],
)
def test_download_is_as_long_as_asked(
    serve: Serve, connect: Connect, query: str, chunks: int
) -> None:
    """The parameter ckSize counts MiB: 4 where it is no positive number, 1024 at most."""
    answer = connect(serve()).ask(f"/garbage.php{query}", "HEAD")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) == chunks * GARBAGE_CHUNK_BYTES


def test_download_cannot_be_compressed(serve: Serve, connect: Connect) -> None:
    """The bytes are random, and other ones each time, so that nothing on the way can help."""
    client = connect(serve())
    first, second = (client.ask("/garbage.php?ckSize=2").body for _ in range(2))
    assert len(zlib.compress(first)) > len(first)
    assert first != second
    assert first[:GARBAGE_CHUNK_BYTES] != first[GARBAGE_CHUNK_BYTES:]


def test_download_longer_than_the_pool_goes_on(serve: Serve, connect: Connect) -> None:
    """A download of more bytes than are kept is whole."""
    answer = connect(serve()).ask("/garbage.php?ckSize=70")
    assert len(answer.body) == 70 * GARBAGE_CHUNK_BYTES


def test_upload_is_swallowed(serve: Serve, connect: Connect) -> None:
    """An upload is answered with an empty 200 and the connection goes on."""
    client = connect(serve())
    for size in (1, 100_000, 3_000_000):
        answer = client.ask("/empty.php?r=0.5", "POST", b"x" * size, "Content-Encoding: identity")
        assert (answer.status, answer.body) == (200, b"")
    assert client.ask("/empty.php").status == 200


def test_a_round_trip_is_told_what_the_server_took(serve: Serve, connect: Connect) -> None:
    """The answer to an empty request says how many milliseconds were the server's own; that to an
    upload, whose time is the line's, does not.
    """
    client = connect(serve())
    for path in ("/empty.php", "/empty.php?r=0.5"):
        told = re.fullmatch(
            r"linewatch;dur=(\d+\.\d{3})", client.ask(path).headers["server-timing"]
        )
        assert told
        assert 0 < float(told[1]) < 1000
    assert "server-timing" not in client.ask("/empty.php", "POST", b"x" * 1000).headers


def test_address_is_told_as_librespeed_tells_it(serve: Serve, connect: Connect) -> None:
    """The address comes as JSON, and with its kind where the client asks for isp."""
    client = connect(serve())
    assert json.loads(client.ask("/getIP.php").body) == {
        "processedString": "127.0.0.1",
        "rawIspInfo": "",
    }
    with_isp = json.loads(client.ask("/getIP.php?isp=true&distance=km&r=0.1").body)
    assert with_isp["processedString"] == "127.0.0.1 - localhost IPv4 access"


def test_pages_from_elsewhere_may_ask(serve: Serve, connect: Connect) -> None:
    """A backend's answers, refusals too, can be read by pages of any origin; others cannot."""
    client = connect(serve())
    for target in ("/garbage.php?ckSize=1&cors=true", "/empty.php", "/backend/getIP.php?cors=true"):
        assert client.ask(target).headers["access-control-allow-origin"] == "*"
    assert client.ask("/garbage.php?test=1").headers["access-control-allow-origin"] == "*"
    for target in (SERVER_PATH, "/metrics", "/nothing?cors=true"):
        assert "access-control-allow-origin" not in client.ask(target).headers


def test_preflight_is_answered(serve: Serve, connect: Connect) -> None:
    """A browser that asks before its upload is told that it may send what LibreSpeed sends."""
    answer = connect(serve()).ask(
        "/empty.php?cors=true", "OPTIONS", b"", "Access-Control-Request-Headers: content-encoding"
    )
    assert answer.status == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Content-Encoding" in answer.headers["access-control-allow-headers"]
    assert "content-length" not in answer.headers


def test_counts_an_upload_and_a_download(serve: Serve, connect: Connect) -> None:
    """A named test's report has each stream's bytes, samples and the kernel's view of it."""
    client = connect(serve())
    client.ask(f"/empty.php?test={TEST}&stream=2", "POST", b"x" * 500_000)
    client.ask(f"/garbage.php?ckSize=2&test={TEST}&stream=5")
    down, up = _report(client).streams
    assert (down.direction, down.stream, down.bytes) == ("download", 5, 2 * GARBAGE_CHUNK_BYTES)
    assert (up.direction, up.stream, up.bytes) == ("upload", 2, 500_000)
    for stream in (down, up):
        assert stream.samples[0][0] == 0
        assert stream.samples[-1][1] == stream.bytes
        assert stream.tcp
    assert up.tcp
    assert up.tcp.received_bytes
    assert up.tcp.received_bytes >= 500_000
    assert down.tcp
    assert down.tcp.minimum_rtt_seconds


def test_counts_an_upload_whose_client_goes_away(serve: Serve, connect: Connect) -> None:
    """What was received of an upload that never ended is reported."""
    server = serve()
    client = connect(server)
    client.send(
        f"POST /empty.php?test={TEST} HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 999999\r\n\r\n".encode()
    )
    client.send(b"x" * 12345)
    client.socket.close()
    assert _until_bytes(connect(server), 12345) == 12345


def test_counts_a_chunked_upload(serve: Serve, connect: Connect) -> None:
    """A chunked upload counts its payload, without the chunks' own bytes."""
    client = connect(serve())
    client.send(
        f"POST /empty.php?test={TEST} HTTP/1.1\r\nHost: x\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
        + b"1000\r\n%b\r\n" % (b"x" * 0x1000) * 3
        + b"0\r\n\r\n"
    )
    assert client.answer().status == 200
    assert _report(client).streams[0].bytes == 3 * 0x1000


def test_tells_of_a_test_while_it_runs(serve: Serve, connect: Connect) -> None:
    """A report can be read in the middle of an upload, with what came so far."""
    server = serve()
    uploading = connect(server)
    uploading.send(
        f"POST /empty.php?test={TEST} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n".encode()
    )
    uploading.send(b"x" * 500)
    asking = connect(server)
    assert _until_bytes(asking, 500) == 500
    time.sleep(0.11)
    uploading.send(b"x" * 500)
    assert _until_bytes(asking, 1000) == 1000
    assert _report(asking).tests_running_maximum == 1


def test_counts_a_download_that_is_broken_off(serve: Serve, connect: Connect) -> None:
    """A download whose client resets it is reported with what the kernel had taken."""
    server = serve()
    client = connect(server)
    client.send(f"GET /garbage.php?ckSize=100&test={TEST} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    client.head()
    client.socket.close()
    asking = connect(server)
    assert 0 < _until_bytes(asking, 1) < 100 * GARBAGE_CHUNK_BYTES
    assert _report(asking).streams[0].tcp


def _until_bytes(client: Client, least: int) -> int:
    """Ask for the report until it has that many bytes, 5 s at most; return its first stream's."""
    for _ in range(100):
        answer = client.ask(TESTS_PATH + TEST)
        if answer.status == 200:
            streams = ServerTest.model_validate_json(answer.body).streams
            if streams and streams[0].bytes >= least:
                return streams[0].bytes
        time.sleep(0.05)
    pytest.fail("the bytes were not counted within 5 s")


def test_tells_of_itself(serve: Serve, connect: Connect) -> None:
    """The server tells its name, limits, STAMP port and load, and who the client is."""
    server = serve(name="Thạch Khôi", limits={"connections": 7, "upload_maximum_bytes": 99})
    client = connect(server)
    info = ServerInfo.model_validate_json(client.ask(SERVER_PATH).body)
    assert (info.name, info.your_address, info.upload_maximum_bytes) == (
        "Thạch Khôi",
        "127.0.0.1",
        99,
    )
    assert info.stamp_port == server.port
    assert (info.load.connections, info.load.connections_limit) == (1, 7)
    without = connect(serve(stamp=False)).ask(SERVER_PATH)
    assert ServerInfo.model_validate_json(without.body).stamp_port is None


@pytest.mark.parametrize(
    "method,target,status,word",
    [
        ("GET", "/nothing", 404, "measurement server has"),
        ("GET", "/backend/../etc/passwd", 404, "measurement server has"),
        ("GET", TESTS_PATH + "0" * 32, 404, "no test"),
        ("GET", TESTS_PATH + "../../x", 404, "no test"),
        ("POST", "/garbage.php", 405, "GET, HEAD"),
        ("DELETE", "/empty.php", 405, "GET, HEAD, POST"),
        ("PUT", TESTS_PATH + "0" * 32, 405, "GET, HEAD"),
        ("GET", "/garbage.php?test=1", 400, "32 hexadecimal digits"),
        ("GET", f"/garbage.php?test={TEST}&stream=64", 400, "up to 63"),
        ("GET", f"/garbage.php?test={TEST}&stream=" + "1" * 5000, 400, "up to 63"),
        ("GET", f"/garbage.php?test={TEST}&stream=-1", 400, "up to 63"),
    ],
)
def test_refusals_say_why(
    serve: Serve, connect: Connect, method: str, target: str, status: int, word: str
) -> None:
    """What cannot be served is refused with a sentence, and the connection goes on."""
    client = connect(serve())
    answer = client.ask(target, method)
    assert answer.status == status
    assert word in answer.body.decode()
    assert ("allow" in answer.headers) == (status == 405)
    assert client.ask("/empty.php").status == 200


def test_too_many_tests_are_asked_to_come_back(serve: Serve, connect: Connect) -> None:
    """Beyond the most tests at once a new one is answered 503; the running one goes on."""
    server = serve(limits={"tests": 1, "retry_after_seconds": 9})
    running = connect(server)
    running.send(
        f"POST /empty.php?test={TEST} HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n".encode()
    )
    running.send(b"x" * 10)
    asking = connect(server)
    _until_bytes(asking, 10)
    answer = asking.ask(f"/garbage.php?ckSize=1&test={'1' * 32}")
    assert (answer.status, answer.headers["retry-after"]) == (503, "9")
    assert asking.ask(f"/garbage.php?ckSize=1&test={TEST}").status == 200
    running.send(b"x" * 10)
    assert running.answer().status == 200


def test_head_is_no_test(serve: Serve, connect: Connect) -> None:
    """However many HEADs name however many tests, and with a body, none of them is one."""
    server = serve(limits={"tests": 2})
    client = connect(server)
    for number in range(5):
        assert client.ask(f"/garbage.php?test={number:032x}", "HEAD").status == 200
        assert client.ask(f"/empty.php?test={number:032x}", "HEAD", b"x" * 9).status == 200
        assert client.ask(f"{TESTS_PATH}{number:032x}").status == 404
    info = ServerInfo.model_validate_json(client.ask(SERVER_PATH).body)
    assert info.load.tests_running == 0
    assert client.ask(f"/empty.php?test={TEST}", "POST", b"x").status == 200


def test_one_client_cannot_take_all_tests(serve: Serve, connect: Connect) -> None:
    """An address with endless new tests is answered 503 at half; another one gets its test."""
    server = serve(limits={"tests": 10})
    greedy = [connect(server) for _ in range(12)]
    for number, client in enumerate(greedy):  # one byte of two: each goes on
        client.send(
            f"POST /empty.php?test={number:032x} HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 2\r\n\r\nx".encode()
        )
    other = connect(server, source="127.0.0.2")
    refused = b'linewatch_server_requests_total{resource="empty.php",status="503"} 7.0'
    until = time.monotonic() + 5
    while refused not in (told := other.ask("/metrics").body) and time.monotonic() < until:
        time.sleep(0.05)
    assert refused in told
    assert b"linewatch_server_tests_running 5.0" in told
    assert other.ask(f"/empty.php?test={TEST}", "POST", b"x" * 100).status == 200
    assert other.ask(f"/garbage.php?ckSize=1&test={TEST}").status == 200


def test_metrics_are_for_private_addresses_unless_told(serve: Serve, connect: Connect) -> None:
    """/metrics answers this machine by default, and nobody where it is off."""
    assert connect(serve()).ask("/metrics").status == 200
    assert connect(serve(metrics="public")).ask("/metrics").status == 200
    assert connect(serve(metrics="off")).ask("/metrics").status == 403


def test_health_is_told(serve: Serve, connect: Connect) -> None:
    """/healthz says ok."""
    assert connect(serve()).ask("/healthz").body == b"ok\n"


def test_metrics_count_what_happened(serve: Serve, connect: Connect) -> None:
    """Connections accepted are those refused, closed and open; payload and tests are counted."""
    server = serve(limits={"connections_per_address": 2})
    client = connect(server)
    client.ask(f"/empty.php?test={TEST}", "POST", b"x" * 1000)
    client.ask("/garbage.php?ckSize=1")
    with connect(server).socket:
        assert connect(server).answer().status == 503
    values: dict[str, float] = {}
    for _ in range(100):
        text = client.ask("/metrics").body.decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        values = {name: float(value) for name, value in lines}
        if values["linewatch_server_connections_closed_total"] == 1:
            break
        time.sleep(0.02)
    assert values["linewatch_server_connections_accepted_total"] == 3
    assert values['linewatch_server_connections_refused_total{reason="address"}'] == 1
    assert values["linewatch_server_connections_open"] == 1
    assert values['linewatch_server_payload_bytes_total{direction="upload"}'] == 1000
    assert (
        values['linewatch_server_payload_bytes_total{direction="download"}'] == GARBAGE_CHUNK_BYTES
    )
    assert values["linewatch_server_tests_total"] == 1
    assert values['linewatch_server_requests_total{resource="empty.php",status="200"}'] == 1
