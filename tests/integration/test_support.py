"""The helpers that run this project's real processes in tests."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bench.processes import ProcessError
from tests.integration.support import (
    collector_section,
    command,
    register_probe,
    start_collector,
    start_probe,
    start_server,
)


def asked(url: str) -> dict[str, Any]:
    """Return the JSON object at an address."""
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        tree: dict[str, Any] = json.load(answer)
        return tree


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


def test_registered_probes_follow_a_collector_that_was_killed(tmp_path: Path) -> None:
    """Two probes join a collector; after its kill it knows them, and one follows its plan."""
    folders = {name: tmp_path / name for name in ("pi-1", "pi-2")}
    with start_collector(tmp_path) as collector:
        for name, folder in folders.items():
            folder.mkdir()
            register_probe(folder, collector, name)
        collector.process.kill()
    port = int(collector.url.rpartition(":")[2])
    with start_collector(tmp_path, port=port) as again:
        listed = command(
            tmp_path, ["probe", "list", "--json"], collector=collector_section(tmp_path)
        )
        enrolled = {one["id"]: one["enrolled_at"] for one in json.loads(listed.stdout)}
        assert sorted(enrolled) == ["pi-1", "pi-2"]
        assert all(enrolled.values())
        with start_probe(folders["pi-2"]) as probe:
            until = time.monotonic() + 20
            while not (status := asked(f"{probe.url}/status.json"))["instructed"]:
                assert time.monotonic() < until, status
                time.sleep(0.1)
            assert status["probe"] == "pi-2"
            assert status["collector"]["url"] == again.url
            assert probe.process.stop() == 0
