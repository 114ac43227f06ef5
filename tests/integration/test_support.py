"""The helpers that run this project's real processes in tests."""

import urllib.request
from pathlib import Path

import pytest

from bench.processes import ProcessError
from tests.integration.support import command, start_server


def healthy(url: str) -> bool:
    """Tell whether a part says that it is well."""
    with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310 - loopback
        return bool(answer.status == 200)


def test_server_runs_on_a_free_port_and_stops_cleanly(tmp_path: Path) -> None:
    """A started server answers at the address it printed, and SIGTERM ends it with 0."""
    with start_server(tmp_path) as server:
        assert healthy(server.url)
        assert server.process.stop() == 0
        assert "stopped" in server.process.text()


def test_killed_server_starts_again_on_its_port(tmp_path: Path) -> None:
    """After a kill the same port is free for the next start at once."""
    with start_server(tmp_path) as server:
        healthy(server.url)
        server.process.kill()
    with start_server(tmp_path, port=int(server.url.rpartition(":")[2])) as again:
        assert again.url == server.url
        assert healthy(again.url)


def test_wrong_settings_are_quoted(tmp_path: Path) -> None:
    """A part that refuses its settings makes an error with its own sentence."""
    with (
        pytest.raises(ProcessError, match="did you mean 'listen'"),
        start_server(tmp_path, settings={"lissten": ":0"}),
    ):
        pass


def test_a_command_is_run_with_its_own_configuration(tmp_path: Path) -> None:
    """A command sees the sections that it was given, and its exit code is told."""
    good = command(tmp_path, ["server", "run", "--check"], server={"name": "here"})
    assert good.returncode == 0
    assert "name: here" in good.stdout
    assert command(tmp_path, ["server", "run", "--check"], sever={}).returncode == 2
