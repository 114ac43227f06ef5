"""`linewatch server run` as a process: its first line, its signals, its errors."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.certificates import Certificate
from tests.server.conftest import Connect

Run = Callable[..., "subprocess.Popen[str]"]
COMMAND = [sys.executable, "-m", "linewatch", "server", "run"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start servers as processes, in an empty folder; all are ended at the end."""
    processes = []

    def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def _first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_told_to_stop(run: Run, connect: Connect, number: signal.Signals) -> None:
    """The first line tells the real port; a signal ends it with 0 within 5 s, in mid-transfer."""
    process = run("--listen", "127.0.0.1:0")
    line = _first_line(process)
    assert line.startswith("listening on http://127.0.0.1:")
    port = int(line.rpartition(":")[2])
    client = connect(port)
    assert client.ask("/healthz").status == 200
    client.send(b"GET /garbage.php?ckSize=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
    begun = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 0, said
    assert time.monotonic() - begun < 5


def test_port_can_be_used_again_at_once(run: Run, connect: Connect) -> None:
    """A server that was killed in the middle of transfers can start again on its port."""
    process = run("--listen", "127.0.0.1:0")
    port = int(_first_line(process).rpartition(":")[2])
    for _ in range(3):
        connect(port).send(b"GET /garbage.php?ckSize=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        process.kill()
        process.wait(10)
        process = run("--listen", f"127.0.0.1:{port}")
        assert _first_line(process) == f"listening on http://127.0.0.1:{port}\n"
    assert connect(port).ask("/healthz").status == 200


def test_settings_come_from_file_and_environment(
    run: Run, connect: Connect, tmp_path: Path
) -> None:
    """The file's settings hold, the environment overrides them, --listen overrides both."""
    (tmp_path / "config.yaml").write_text(
        "server: {listen: '203.0.113.1:1', name: by file, stamp: false}", encoding="utf-8"
    )
    process = run("--listen", "127.0.0.1:0", LINEWATCH_SERVER__NAME="by environment")
    port = int(_first_line(process).rpartition(":")[2])
    body = connect(port).ask("/linewatch/v1/server").body
    assert b'"name":"by environment"' in body
    assert b'"stamp_port":null' in body


def test_renewed_certificate_on_hangup(
    run: Run, make_certificate: Callable[[str], Certificate]
) -> None:
    """SIGHUP reads the certificate again; one that is broken is logged and the old one stays."""
    made = make_certificate("hangup")
    process = run(
        "--listen",
        "127.0.0.1:0",
        LINEWATCH_SERVER__TLS__CERTIFICATE=str(made.certificate),
        LINEWATCH_SERVER__TLS__KEY=str(made.key),
    )
    assert _first_line(process).startswith("listening on https://")
    assert process.stderr
    process.send_signal(signal.SIGHUP)
    lines = [process.stderr.readline() for _ in range(2)]
    assert "certificate read again" in lines[1]
    made.certificate.write_bytes(b"")
    process.send_signal(signal.SIGHUP)
    assert "the old certificate stays in use" in process.stderr.readline()


@pytest.mark.parametrize(
    "arguments,environment,code,message",
    [
        (["--listen", "8080x"], {}, 2, "HOST:PORT"),
        ([], {"LINEWATCH_SERVER__LISTEN": "x"}, 2, "HOST:PORT"),
        ([], {"LINEWATCH_SERVER__NAMES": "x"}, 2, "did you mean 'name'?"),
        (
            ["--listen", "127.0.0.1:0"],
            {"LINEWATCH_SERVER__TLS": "{certificate: no.pem, key: no.pem}"},
            1,
            "no.pem: no such file",
        ),
    ],
)
def test_ends_with_a_sentence(
    run: Run, arguments: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    """What is wrong with arguments or settings is a sentence and an exit code, without a trace."""
    process = run(*arguments, **environment)
    _, error = process.communicate(timeout=10)
    assert process.returncode == code
    assert message in error
    assert "Traceback" not in error


def test_says_that_its_port_is_taken(run: Run) -> None:
    """A second server on the same port ends with a sentence that says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = run("--listen", f"127.0.0.1:{other.getsockname()[1]}")
        _, error = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "--listen" in error


def test_says_that_the_system_allows_too_little(tmp_path: Path) -> None:
    """With fewer descriptors than its limits need, the server warns and serves."""
    with subprocess.Popen(
        ["prlimit", "--nofile=100:100", *COMMAND, "--listen", "127.0.0.1:0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("listening on")
        process.terminate()
        assert "LimitNOFILE" in process.communicate(timeout=10)[1]
