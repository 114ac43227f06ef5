"""`linewatch measure` as a person runs it."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.processes import LINEWATCH
from probe.commands.asked import AS_THE_AGENT
from probe.identity import ENROLMENT_NAME, Enrolment, save_enrolment
from probe.instructions import InstructionKeeper
from protocol.messages import ServerEntry
from protocol.results import Reach
from tests.probe.far_end import plain_backend
from tests.probe.support import NOW, instruction


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
    assert record["method"] == {"name": "http", "version": "2", "profile": "full"}
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
    assert "Máy chủ đo, IPv4 · Server, IPv4" in done.stdout
    assert "127.0.0.1" in done.stdout


def test_a_list_of_dead_servers_is_told(tmp_path: Path) -> None:
    """Where none of a list answers, the sentence names what was asked and why it did not; a list
    and a server exclude each other.
    """
    file = tmp_path / "servers.json"
    file.write_text(
        json.dumps(
            [
                {"name": "Dead", "server": f"http://127.0.0.1:{closed_port()}/"},
                {"name": "Deader", "server": f"//127.0.0.1:{closed_port()}/"},
            ]
        )
    )
    done = measure(tmp_path, "--server-list", str(file))
    assert done.returncode == 3
    assert "none of 2 servers answered: dead: cannot connect" in done.stderr
    done = measure(tmp_path, "--server-list", str(file), "--server", "http://x")
    assert done.returncode == 2
    assert "without --server" in done.stderr


def test_ooklas_servers_need_a_word(tmp_path: Path) -> None:
    """Without the acceptance of its terms the command says where they are, and asks nobody."""
    done = measure(tmp_path, "--engine", "ookla", "--server", f"http://127.0.0.1:{closed_port()}/")
    assert done.returncode == 3
    assert "speedtest.net/about/terms" in done.stderr
    done = measure(
        tmp_path,
        *("--engine", "ookla", "--accept-ookla-terms"),
        *("--server", f"http://127.0.0.1:{closed_port()}/speedtest/upload.php"),
    )
    assert "Connection refused" in done.stderr


def test_each_engine_has_its_own_servers(tmp_path: Path) -> None:
    """An engine takes the configured server that names it; iperf3 takes no web server's place."""
    (tmp_path / "config.yaml").write_text(
        "probe: {servers: [{name: web, url: 'http://127.0.0.1:1'}, "
        f"{{name: lab, url: 'iperf3://127.0.0.1:{closed_port()}', engine: iperf3}}]}}\n"
    )
    done = measure(tmp_path, "--engine", "iperf3")
    assert done.returncode == 3
    assert "iperf3: " in done.stderr
    assert "Connection refused" in done.stderr
    (tmp_path / "config.yaml").write_text("probe: {servers: [{name: web, url: 'http://a'}]}\n")
    assert "no measurement server is known" in measure(tmp_path, "--engine", "iperf3").stderr


def test_no_server_is_told(tmp_path: Path) -> None:
    """Without a server anywhere the command says how to name one."""
    done = measure(tmp_path)
    assert done.returncode == 2
    assert "--server URL" in done.stderr


def enrolled(folder: Path, url: str) -> Path:
    """Make an enrolled probe's state, with an instruction that names a server; return it."""
    state = folder / "state"
    state.mkdir()
    enrolment = Enrolment(
        probe="probe-1", site="site", collector_url="http://localhost:1", enrolled_at=NOW
    )
    save_enrolment(state, enrolment)
    servers = (ServerEntry(name="named", url=url),)
    InstructionKeeper(state, "probe-1").keep(instruction(servers=servers), None, None)
    (folder / "config.yaml").write_text(f"probe: {{state_directory: '{state}'}}\n")
    return state


def test_an_enrolled_probe_measures_to_the_collectors_server(tmp_path: Path) -> None:
    """Without --server and probe.servers, the kept instruction's server is measured."""
    with plain_backend() as url:
        enrolled(tmp_path, url)
        done = measure(tmp_path, "--engine", "reach", "--json")
    assert done.returncode == 0, done.stderr
    targets = Reach.model_validate(json.loads(done.stdout)["reach"]).targets
    assert [each.reached for each in targets if each.name == "server"] == [True, False]


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Where this user cannot read the agent's state, the sentence says what to run instead."""
    state = enrolled(tmp_path, "http://127.0.0.1:1")
    (state / ENROLMENT_NAME).unlink()
    # Root may read whatever the mode says; a folder in the file's place nobody can.
    (state / ENROLMENT_NAME).mkdir()
    done = measure(tmp_path)
    assert done.returncode == 2
    assert f"cannot be read in {state}" in done.stderr
    assert AS_THE_AGENT in done.stderr
    assert "--server URL" in done.stderr


def test_an_address_of_another_kind_is_told(tmp_path: Path) -> None:
    """A mistyped scheme is a wrong option, not a failed measurement."""
    done = measure(tmp_path, "--server", "htp://speed.example")
    assert done.returncode == 2
    assert "must begin with http:// or https://" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["--engine", "magic"], ["--family", "5"]])
def test_wrong_options_are_told(tmp_path: Path, arguments: list[str]) -> None:
    """An unknown engine or family is named with what there is."""
    done = measure(tmp_path, "--server", "http://127.0.0.1", *arguments)
    assert done.returncode == 2
    assert "Invalid value" in done.stderr
