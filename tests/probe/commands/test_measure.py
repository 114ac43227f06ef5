"""`linewatch measure` as a person runs it."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.processes import LINEWATCH
from protocol.records import Reach
from tests.probe.far_end import plain_backend


def measure(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder without a configuration, or with the one that is there."""
    return subprocess.run(
        [LINEWATCH, "measure", *arguments],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def closed_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def test_a_failure_ends_with_3_and_a_sentence(tmp_path: Path) -> None:
    """Nobody there: exit code 3, one sentence that says where and what."""
    port = closed_port()
    done = measure(tmp_path, "--server", f"http://127.0.0.1:{port}")
    assert done.returncode == 3
    assert f"linewatch: cannot connect to 127.0.0.1 port {port}: Connection refused" in done.stderr
    assert "nothing listens on the port" in " ".join(done.stdout.replace("│", "").split())


def test_json_is_one_object_also_where_it_failed(tmp_path: Path) -> None:
    """The record's sections are one object on standard output; the sentence goes beside it."""
    done = measure(tmp_path, "--server", f"http://127.0.0.1:{closed_port()}", "--json")
    assert done.returncode == 3
    record: dict[str, Any] = json.loads(done.stdout)
    assert record["outcome"] == "failed"
    assert record["failure"]["code"] == "refused"
    assert record["method"] == {"name": "http", "version": "1", "profile": "full"}
    assert record["speed"] is None
    assert record["conditions"]["before"]["device"]
    assert "Connection refused" in done.stderr


def test_another_engine(tmp_path: Path) -> None:
    """`--engine reach` asks what answers and ends with 0; its section is the record's."""
    with plain_backend() as url:
        done = measure(tmp_path, "--server", url, "--engine", "reach", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["task"] == "reach"
    targets = Reach.model_validate(record["reach"]).targets
    server = {target.ip_version: target.reached for target in targets if target.name == "server"}
    assert server == {4: True, 6: False}


def test_the_configured_server_is_used(tmp_path: Path) -> None:
    """Without --server the first of probe.servers is measured."""
    with plain_backend() as url:
        (tmp_path / "config.yaml").write_text(
            f"probe: {{servers: [{{name: near, url: '{url}'}}]}}\n"
        )
        done = measure(tmp_path, "--engine", "reach")
    assert done.returncode == 0, done.stderr
    assert "server IPv4 127.0.0.1" in done.stdout


def test_no_server_is_told(tmp_path: Path) -> None:
    """Without a server anywhere the command says how to name one."""
    done = measure(tmp_path)
    assert done.returncode == 2
    assert "--server URL" in done.stderr


@pytest.mark.parametrize("arguments", [["--engine", "magic"], ["--family", "5"]])
def test_wrong_options_are_told(tmp_path: Path, arguments: list[str]) -> None:
    """An unknown engine or family is named with what there is."""
    done = measure(tmp_path, "--server", "http://127.0.0.1", *arguments)
    assert done.returncode == 2
    assert "Invalid value" in done.stderr
