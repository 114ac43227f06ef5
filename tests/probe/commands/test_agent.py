"""`linewatch probe run`, `enrol` and `status`, as processes."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from probe.identity import KEY_NAME
from probe.settings import StatusSettings
from probe.status import StatusServer
from probe.status_models import AgentStatus, TaskStatus
from probe.words import FAILURES, FLAGS
from protocol.failures import Failure
from protocol.flags import MEANINGS as FLAG_MEANINGS
from protocol.flags import Flag
from protocol.records import Outcome, Task
from tests.probe.fault_collector import Reply, fault_collector, problem
from tests.probe.support import as_json, wait_until

TOP = Path(__file__).parents[3]
PLAN = {"speed": {"windows": [{"name": "day", "start": "00:00", "end": "00:00", "tests": 4}]}}


def configure(directory: Path, **changes: object) -> Path:
    """Write a configuration; return its file."""
    content = {"state_directory": str(directory / "state"), "status": {"port": 0}, **changes}
    file = directory / "config.yaml"
    file.write_text(json.dumps({"probe": content}))
    return file


def command(config: Path, *arguments: str) -> list[str]:
    """Return a command line."""
    return [sys.executable, "-m", "linewatch", "probe", *arguments, "--config", str(config)]


def run(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(config, *arguments),
        capture_output=True,
        text=True,
        timeout=30,
        cwd=TOP,
        check=False,
    )


def enrolled(directory: Path, url: str, **changes: object) -> Path:
    """Return the configuration of a probe that is enrolled."""
    config = configure(directory, **changes)
    with fault_collector(Ed25519PrivateKey.generate()).running() as collector:
        collector.public = {"/v1/enrol": Reply(201, b'{"probe": "probe-1", "site": "site"}')}
        done = run(config, "enrol", "--collector", collector.url, "--code", "K7QM-2PXD")
        assert done.returncode == 0, done.stderr
    state = directory / "state" / "enrolment.json"
    state.write_text(json.dumps({**as_json(state.read_text()), "collector_url": url}))
    return config


@contextmanager
def started(config: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run an agent; yield it and the address of its page."""
    with subprocess.Popen(
        command(config, "run", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=TOP,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def test_enrolling_keeps_the_key_and_can_be_done_again(tmp_path: Path) -> None:
    """Enrolling makes a key, sends it with the code, and keeps the answer; again with the same
    key is harmless.
    """
    config = configure(tmp_path)
    with fault_collector(Ed25519PrivateKey.generate()).running() as collector:
        collector.public = {"/v1/enrol": Reply(201, b'{"probe": "p-7", "site": "To 5"}')}
        for _ in range(2):
            done = run(config, "enrol", "--collector", collector.url, "--code", " K7QM-2PXD ")
            assert done.returncode == 0, done.stderr
            assert "Enrolled as p-7 at To 5" in done.stdout
        first, second = (as_json(request.body) for request in collector.requests)
    assert first == second
    assert first["code"] == "K7QM-2PXD"
    assert str(first["software"]).startswith("linewatch/")
    assert (tmp_path / "state" / KEY_NAME).stat().st_mode & 0o777 == 0o600


def test_refused_code_is_a_sentence(tmp_path: Path) -> None:
    """A refused code ends with the collector's reason and what to do, and enrols nothing."""
    config = configure(tmp_path)
    with fault_collector(Ed25519PrivateKey.generate()).running() as collector:
        collector.public = {"/v1/enrol": problem(403, "code expired", detail="asked too late")}
        done = run(config, "enrol", "--collector", collector.url, "--code", "K7QM-2PXD")
    assert done.returncode == 5
    assert "code expired: asked too late" in done.stderr
    assert "ask the operator for a new code" in done.stderr
    assert not (tmp_path / "state" / "enrolment.json").exists()
    done = run(config, "enrol", "--code", "K7QM-2PXD")
    assert (done.returncode, "probe.collector_url" in done.stderr) == (2, True)
    done = run(config, "enrol", "--collector", "http://localhost:1", "--code", "short")
    assert done.returncode == 2
    assert "8 to 64" in done.stderr


def test_what_to_do_about_a_wrong_code_is_said_once(tmp_path: Path) -> None:
    """Where the collector's reason already sends to the operator, nothing is added to it."""
    reason = "this code is not known or has expired; ask the operator for another"
    with fault_collector(Ed25519PrivateKey.generate()).running() as collector:
        collector.public = {"/v1/enrol": problem(403, "Forbidden", detail=reason)}
        arguments = ("enrol", "--collector", collector.url, "--code", "K7QM-2PXD")
        done = run(configure(tmp_path), *arguments)
    assert done.returncode == 5
    assert reason in done.stderr
    assert done.stderr.count("ask the operator") == 1


def test_agent_without_enrolment_says_what_to_run(tmp_path: Path) -> None:
    """An agent that is not enrolled ends with the command to run."""
    done = run(configure(tmp_path), "run")
    assert done.returncode == 4
    assert "linewatch probe enrol --collector URL --code CODE" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_agent_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the agent with 0 within seconds."""
    config = enrolled(tmp_path, "http://localhost:1")
    with started(config) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 8


def test_status_shows_a_running_agent_and_says_when_there_is_none(tmp_path: Path) -> None:
    """`status` prints what the agent says, in words or as JSON; 8 where there is no agent."""
    config = enrolled(tmp_path, "http://localhost:1")
    with started(config) as (_, url):
        port = int(url.rstrip("/").rpartition(":")[2])
        configure(tmp_path, status={"port": port})
        said = run(config, "status")
        assert said.returncode == 0, said.stderr
        assert "probe-1 at site" in said.stdout
        assert "waiting for the collector's instruction" in said.stdout
        assert as_json(run(config, "status", "--json").stdout)["probe"] == "probe-1"
        second = run(config, "run")
        assert second.returncode == 7
        assert "another agent works here already" in second.stderr
    away = run(config, "status")
    assert away.returncode == 8
    assert "start it with 'linewatch probe run'" in away.stderr


def test_now_measures_at_once_and_a_dead_server_is_a_record(tmp_path: Path) -> None:
    """`run --now` takes a measurement before anything else; one that fails is a record that waits
    for the collector, and the agent goes on.
    """
    path = {"name": "eth0", "schedule": {**PLAN, "latency": None, "reach": None}}
    config = enrolled(
        tmp_path,
        "http://localhost:1",
        paths=[path],
        servers=[{"name": "gone", "url": "http://127.0.0.1:1"}],
    )
    with started(config, "--now") as (process, url):
        assert process.stdout is not None
        assert process.stdout.readline() == "Failed: speed\n"
        port = int(url.rstrip("/").rpartition(":")[2])
        configure(tmp_path, status={"port": port})
        found = as_json(run(config, "status", "--json").stdout)
        assert found["backlog"]["records"] == 1  # type: ignore[index]  # JSON
        text = run(config, "status").stdout
        assert "nothing listens on the port" in text
        assert FAILURES[Failure.REFUSED] in text
        assert process.poll() is None


def test_status_shows_figures_and_flags_of_the_last_results(tmp_path: Path) -> None:
    """`status` names each flag by its code and in both languages, below the figures."""
    now = datetime(2026, 11, 21, 3, tzinfo=UTC)
    speed = TaskStatus(
        task=Task.SPEED,
        slot=now,
        outcome=Outcome.MEASURED,
        figures={"Tải xuống · Download": "26,0 Gbit/s"},
        flags=(Flag.DEVICE_POWER,),
        failure=None,
        detail=None,
        next_slot=None,
    )
    config = enrolled(
        tmp_path,
        "http://localhost:1",
        paths=[{"name": "eth0", "schedule": {**PLAN, "latency": None, "reach": None}}],
    )
    with (
        started(config) as (_, url),
        urllib.request.urlopen(  # noqa: S310 - http, from its own line
            f"{url}status.json"
        ) as answer,
    ):
        found = AgentStatus.model_validate_json(answer.read())
    found = found.model_copy(
        update={"paths": (found.paths[0].model_copy(update={"tasks": (speed,)}),)}
    )
    registry = CollectorRegistry()
    shown = StatusServer(StatusSettings(port=0), lambda: found, registry)
    shown.start()
    try:
        port = int(shown.url.rstrip("/").rpartition(":")[2])
        said = run(configure(tmp_path, status={"port": port}), "status").stdout
    finally:
        shown.stop()
    for text in (
        "Tải xuống · Download: 26,0 Gbit/s",
        "Cờ · Flag device_power:",
        FLAGS[Flag.DEVICE_POWER],
        FLAG_MEANINGS[Flag.DEVICE_POWER],
    ):
        assert text in said


def test_agent_at_rest_is_small_and_quiet(tmp_path: Path) -> None:
    """At rest the agent stays within 70 MB here (60 MB without this machine's larger libraries),
    and asks for next to no processor time.
    """
    config = enrolled(
        tmp_path,
        "http://localhost:1",
        paths=[{"name": "eth0", "schedule": {**PLAN, "latency": None, "reach": None}}],
    )
    with started(config) as (process, _):
        status = Path(f"/proc/{process.pid}/status")
        stat = Path(f"/proc/{process.pid}/stat")

        def cpu_seconds() -> float:
            fields = stat.read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        time.sleep(2)
        before = cpu_seconds()
        time.sleep(6)
        assert cpu_seconds() - before < 0.3
        resident = next(line for line in status.read_text().splitlines() if "VmRSS" in line)
        assert int(resident.split()[1]) < 70_000
    assert wait_until(lambda: process.poll() is not None)
