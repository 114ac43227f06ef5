"""The engine `iperf3` against real servers of iperf3 on loopback."""

import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.engine import Addresses, Measurement, Order, Progress
from probe.engines import iperf3
from probe.engines.iperf3 import Iperf3Engine, Lengths
from protocol.failures import Failure
from protocol.messages import ServerEntry
from protocol.results import Speed
from tests.probe.far_end import answer, listening, mute, plain_backend

SHORT = Iperf3Engine(full=Lengths(1, 1), quick=Lengths(0, 1), streams=2)


@contextmanager
def server(host: str = "127.0.0.1") -> Iterator[str]:
    """Run an iperf3 server; yield its URL."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    arguments = ["iperf3", "--server", "--bind", host, "--port", str(port), "--forceflush"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while "listening" not in process.stdout.readline():
                assert process.poll() is None
            yield f"iperf3://{f'[{host}]' if ':' in host else host}:{port}"
        finally:
            process.kill()


def measure(url: str, engine: Iperf3Engine = SHORT, **order: object) -> Measurement:
    """Measure against a URL."""
    entry = ServerEntry(name="fast", url=url, engine="iperf3")
    values = {"server": entry, "deadline": time.monotonic() + 40}
    return engine.measure(Order(**(values | order)))  # type: ignore[arg-type] # changed fields


def code(measurement: Measurement) -> Failure | None:
    """Return why a measurement failed."""
    return measurement.failure.code if measurement.failure else None


def test_both_directions_are_measured() -> None:
    """A real server's test becomes a whole section: rates of the receiver, the warm-up excluded,
    a sample each 100 ms, retransmissions and round trips of the sending probe, the program; and
    another far end, which is reached from another local address, tells the public one before and
    after.
    """
    phases: list[Progress] = []
    told = [b"192.0.2.7", b"192.0.2.7", b"203.0.113.9"]
    tells = plain_backend({"getIP.php": lambda request: answer(request, told.pop(0))}, host="::1")
    with server() as url, tells as witness:
        measurement = measure(url, progress=phases.append, others=(witness,))
    assert measurement.failure is None
    section = measurement.section
    assert isinstance(section, Speed)
    assert section.download is not None
    assert section.upload is not None
    for transfer in (section.download, section.upload):
        assert transfer.bits_per_second == pytest.approx(
            8 * transfer.bytes / transfer.duration_seconds
        )
        assert transfer.duration_seconds == pytest.approx(1.0, abs=0.5)
        assert (transfer.warm_up_seconds, transfer.stream_count) == (1.0, 2)
        assert transfer.total_bytes > transfer.bytes > 1_000_000
        moments = [moment for moment, _ in transfer.samples]
        assert moments == sorted(moments)
        assert moments[-1] == pytest.approx(2.0, abs=0.6)
        assert len(moments) > 10
    assert section.upload.streams[0].probe_tcp is not None
    assert section.upload.streams[0].probe_tcp.retransmitted_segments is not None
    assert section.download.streams[0].probe_tcp is None
    assert section.latency.idle is None
    assert section.latency.upload is not None
    assert (section.latency.upload.minimum_seconds or 0) > 0
    assert section.program is not None
    assert section.program.startswith("iperf 3")
    assert (section.server.address, section.ip_version) == ("127.0.0.1", 4)
    assert measurement.local_address == "127.0.0.1"
    assert measurement.first == Addresses("127.0.0.1", "192.0.2.7")
    assert (measurement.public_address, told) == ("203.0.113.9", [])
    assert 0 < measurement.received_bytes - section.download.total_bytes < 10_000
    assert 0 < measurement.sent_bytes - section.upload.total_bytes < 10_000
    assert section.server.program_core_ratio is not None
    assert section.server.program_core_ratio > 0
    assert measurement.demanded_seconds == 1.0
    assert list(dict.fromkeys(each.phase for each in phases)) == ["connect", "download", "upload"]
    assert all(0 <= each.done_ratio <= 1 for each in phases)


def test_quick_is_shorter_and_ipv6_is_measured() -> None:
    """The profile chooses the lengths; IPv6 is as good as IPv4."""
    with server("::1") as url:
        measurement = measure(url, profile="quick", family=6)
    assert measurement.failure is None
    assert isinstance(measurement.section, Speed)
    assert measurement.section.ip_version == 6
    assert measurement.section.download is not None
    assert measurement.section.download.warm_up_seconds == 0


def test_a_busy_server_is_told() -> None:
    """A server that tests somebody else is busy, not dead."""
    with server() as url:
        port = url.rpartition(":")[2]
        holding = [
            "iperf3",
            "--client",
            "127.0.0.1",
            "--port",
            port,
            "--time",
            "30",
            "--bitrate",
            "1M",
        ]
        with subprocess.Popen(
            [*holding, "--forceflush"], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            while "sec" not in other.stdout.readline():
                assert other.poll() is None
            measurement = measure(url)
            other.kill()
    assert (code(measurement), measurement.section) == (Failure.SERVER_BUSY, None)


def test_the_second_direction_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that has not yet put down our first direction is asked once more for the second;
    one that stays busy keeps the first.
    """
    monkeypatch.setattr(iperf3, "AGAIN_SECONDS", 0.1)
    program = tmp_path / "iperf3"
    once, always = '[ ! -e "$0.busy" ] && touch "$0.busy"', "true"
    for busy, expected in ((once, None), (always, Failure.SERVER_BUSY)):
        program.write_text(
            "#!/bin/sh\n"
            f'case "$*" in *--reverse*) ;; *) if {busy}; then\n'
            """echo '{"error": "the server is busy running a test. try again later"}'; exit 1\n"""
            f'fi;; esac\nexec {shutil.which("iperf3")} "$@"\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        with server() as url:
            engine = Iperf3Engine(full=Lengths(0, 1), streams=1, program=str(program))
            measurement = measure(url, engine)
        assert code(measurement) is expected
        assert isinstance(measurement.section, Speed)
        assert measurement.section.download is not None
        assert (measurement.section.upload is None) == (expected is not None)


def refuse(connection: socket.socket) -> None:
    """Answer as a web server does to what it does not understand."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    mute(connection)


def test_what_is_no_server_is_told() -> None:
    """A closed port, a web server and a name that is none each have their failure."""
    assert code(measure("iperf3://127.0.0.1:9")) is Failure.REFUSED
    with listening(refuse) as url:
        assert code(measure(url.replace("http://", "iperf3://"))) is Failure.NOT_A_SERVER
    assert code(measure("ftp://127.0.0.1")) is Failure.NAME_RESOLUTION
    assert code(Iperf3Engine().measure(Order(server=None))) is Failure.NO_SERVER


def test_a_server_that_says_nothing_ends_with_the_deadline() -> None:
    """A far end that takes the connection and is silent ends in time, and no child is left."""
    children = Path("/proc/self/task")
    with listening(mute) as url:
        measurement = measure(url.replace("http://", "iperf3://"), deadline=time.monotonic() + 1.0)
    assert code(measurement) is Failure.DEADLINE
    left = " ".join(
        (Path("/proc") / child / "comm").read_text()
        for task in children.iterdir()
        for child in (task / "children").read_text().split()
    )
    assert "iperf3" not in left


def test_a_missing_program_says_what_to_install() -> None:
    """Without the program the failure is the device's, with the remedy."""
    measurement = measure("127.0.0.1", Iperf3Engine(program="iperf3-of-nobody"))
    assert code(measurement) is Failure.LOCAL_RESOURCE
    assert measurement.failure is not None
    assert "sudo apt install" in measurement.failure.detail


def test_a_missing_interface_is_told() -> None:
    """An interface that is not there is the failure, not another way out."""
    measurement = measure("iperf3://192.0.2.1", interface="nosuch0")
    assert code(measurement) in {Failure.INTERFACE_MISSING, Failure.LOCAL_RESOURCE}
