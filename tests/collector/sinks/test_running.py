"""The sinks of a running collector: filled, caught up, shown, stopped."""

import asyncio
import contextlib
import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.settings import LedgerSettings
from collector.sinks import running as sinks_running
from collector.sinks.far_end import AwayError
from collector.sinks.feeder import Feeder, Step
from collector.sinks.running import SinkTask
from linewatch import build
from protocol.errors import LinewatchError
from tests.collector.conftest import (
    ON_BOTH,
    NewLedger,
    Running,
    Start,
    enrol_directly,
    fill_registry,
)
from tests.collector.device import Device
from tests.collector.sinks.far_ends import InVictoria
from tests.collector.sinks.ledgers import ARRIVAL, FedLedger, Recorder, fill
from tests.integration.support import start_collector
from tests.services import victoria_metrics

WAIT_SECONDS = 30.0
TOP = Path(__file__).parents[3]


def sinks(*urls: str, **others: Any) -> dict[str, Any]:
    """Return the settings of sinks."""
    return {
        "influxdb": [
            {"name": f"sink{number}", "url": url, **others} for number, url in enumerate(urls)
        ]
    }


async def metrics(collector: Running) -> dict[str, float]:
    """Return what /metrics says of sinks, by name and sink."""
    async with collector.client.get(f"{collector.url}/metrics") as answer:
        text = await answer.text()
    return {
        f"{sample.name} {sample.labels['sink']}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("linewatch_sink_")
    }


async def until(collector: Running, sink: str = "sink0", **wanted: float) -> dict[str, float]:
    """Return the metrics once those of a sink are as wanted."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        found = await metrics(collector)
        if all(found[f"linewatch_sink_{name} {sink}"] == value for name, value in wanted.items()):
            return found
        assert time.monotonic() < ends, found
        await asyncio.sleep(0.05)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sinks look for more, and try again, without much waiting."""
    monkeypatch.setattr(sinks_running, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(sinks_running, "LONGEST_WAIT_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
async def test_a_sink_that_was_away_catches_up(start: Start, tmp_path: Path) -> None:
    """While a real server is down its records wait in the ledger and the lag says so; once it is
    back it gets all of them, and one that is new is filled from the beginning.
    """
    with victoria_metrics(tmp_path / "one") as service:
        collector: Running = await start(sinks=sinks(service.url))
        device = collector.device()
        device.fill(20, datetime.now(UTC) - timedelta(hours=20))
        assert (await collector.post(device, device.batch()))[0] == 200
        await until(collector, written_records=20, lag_records=0, failing=0)
        assert len(InVictoria(service).points()) == 20
    device.fill(30, datetime.now(UTC) - timedelta(hours=10))
    assert (await collector.post(device, device.batch(20)))[0] == 200
    found = await until(collector, lag_records=30, failing=1)
    assert found["linewatch_sink_lag_seconds sink0"] > 0
    assert found["linewatch_sink_failures_total sink0"] >= 1
    with victoria_metrics(tmp_path / "one", port=service.port) as again:
        found = await until(collector, written_records=50, lag_records=0, lag_seconds=0, failing=0)
        points = InVictoria(again).points()
        assert len(points) == 50
        assert found["linewatch_sink_set_aside_records sink0"] == 0
    with victoria_metrics(tmp_path / "two") as fresh:
        # One beside it on the same ledger, which knows of a further sink.
        path = Path(str(collector.database.engine.url.database))
        other: Running = await start(sinks=sinks(service.url, fresh.url), ledger=path)
        await until(other, "sink1", written_records=50, lag_records=0)
        assert InVictoria(fresh).points() == points


def test_a_collector_stops_at_once_beside_a_far_end_that_hangs(tmp_path: Path) -> None:
    """SIGTERM is not kept waiting by a server that took the connection and says nothing; the sink
    is given away, and the token is in no line of the log.
    """
    with hanging() as url, start_collector(tmp_path, settings={"sinks": secret(url)}) as collector:
        path = tmp_path / "ledger.sqlite"
        database = Database(LedgerSettings(path=path))
        ledger = FedLedger(database)
        fill_registry(database, ARRIVAL)
        device = enrol_directly(database, Device("p1"))
        device.fill(3, ARRIVAL - timedelta(hours=1))
        ledger.deliver(device)
        ends = time.monotonic() + WAIT_SECONDS
        while not ledger.state("sink0").holder:
            assert time.monotonic() < ends
            time.sleep(0.05)
        assert collector.process.stop(WAIT_SECONDS) == 0
        state = ledger.state("sink0")
        database.close()
    assert (state.cursor, state.holder) == (0, None)
    log = collector.process.text()
    assert "s3cret" not in log
    assert "Traceback" not in log


def test_a_collector_without_sinks_loads_no_client() -> None:
    """Who has none pays neither the time nor the memory of the library."""
    code = "import collector.app, sys; sys.exit('influxdb_client' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=TOP, check=True, timeout=60)


@contextmanager
def hanging() -> Iterator[str]:
    """Yield the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def secret(url: str) -> dict[str, Any]:
    """Return the settings of a sink that waits for minutes, with a token."""
    return sinks(url, token="s3cret", timeout_seconds=300)


async def test_a_failing_sink_is_said_once_and_tried_ever_more_slowly(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waits double up to a minute, each spread by chance; a server's wish to wait is kept; a defect
    ends no task; the log has the first failure and the end of all of them.
    """
    waits: list[float] = []
    causes = [AwayError("down")] * 9 + [AwayError("busy", 300.0), ZeroDivisionError("a defect")]

    async def step() -> Step:
        if causes:
            raise causes.pop(0)
        return Step.IDLE

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 12:
            raise asyncio.CancelledError

    caplog.set_level("INFO")
    feeder = Feeder.__new__(Feeder)
    feeder.name = "x"
    monkeypatch.setattr(feeder, "step", step, raising=False)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    task = SinkTask(feeder, random.Random(1))
    with pytest.raises(asyncio.CancelledError):
        await task.run()
    longest = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits[:9], longest, strict=True))
    assert len(set(waits[6:9])) == 3
    assert waits[9] == 300
    assert task.counts.failures == 11
    assert not task.counts.failing
    said = [one.getMessage() for one in caplog.records if one.name == sinks_running.__name__]
    assert said == [
        "sink x: down; it is tried again until it goes on",
        "sink x: it goes on, after 11 failures",
    ]


@dataclass
class Commands:
    """A ledger with 25 records, a server, and a configuration that has it as a sink."""

    configuration: Path
    ledger: FedLedger
    store: InVictoria

    def run(self, words: str) -> str:
        """Run a command of the sinks; return what it printed."""
        arguments = ["collector", "sinks", *words.split(), "--config", str(self.configuration)]
        return CliRunner().invoke(build(), arguments, catch_exceptions=False).output


@pytest.fixture
def commands(tmp_path: Path, victoria: InVictoria) -> Iterator[Commands]:
    """Return what the commands work on."""
    path = tmp_path / "ledger.sqlite"
    section = {"ledger": {"path": str(path)}, "sinks": sinks(victoria.service.url)}
    configuration = tmp_path / "config.yaml"
    configuration.write_text(yaml.safe_dump({"collector": section}))
    with contextlib.closing(Database(LedgerSettings(path=path))) as database:
        migrate(database)
        fill_registry(database, ARRIVAL)
        ledger = FedLedger(database)
        device = enrol_directly(database, Device("p1"))
        device.fill(25, ARRIVAL - timedelta(hours=5))
        ledger.deliver(device)
        yield Commands(configuration, ledger, victoria)


def test_the_list_says_how_far_each_sink_is(commands: Commands) -> None:
    """Before and after it was filled, for people and for machines."""
    (row,) = json.loads(commands.run("list --json"))
    assert (row["name"], row["cursor"], row["lag_records"]) == ("sink0", 0, 25)
    assert row["lag_seconds"] > 0
    assert "sink0 has all: 25 records written" in commands.run("fill sink0")
    (row,) = json.loads(commands.run("list --json"))
    assert (row["cursor"], row["lag_records"], row["lag_seconds"]) == (25, 0, 0)
    assert row["settled"] == 0  # it may still be lost, if the far end is killed
    assert (row["written"], row["held_back"], row["set_aside"]) == (25, 0, 0)
    assert row["fed_by"] is None
    assert "sink0" in commands.run("list")


def test_a_refill_writes_all_again(commands: Commands) -> None:
    """For a server that lost its data."""
    commands.run("fill sink0")
    points = commands.store.points()
    commands.store.empty()
    assert commands.store.points() == {}
    assert "25 records written" in commands.run("refill sink0")
    assert commands.store.points() == points
    assert len(points) == 25


def test_a_fill_watches_a_collector_that_feeds_the_sink(commands: Commands) -> None:
    """It does not write beside it; it ends when the sink has all."""
    ledger = commands.ledger
    commands.run("list")
    collector = ledger.feeder(Recorder(), "sink0", page_records=10)
    ledger.now = datetime.now(UTC)
    assert asyncio.run(collector.step()) is Step.MOVED

    def work() -> None:
        time.sleep(0.5)
        asyncio.run(fill(collector))

    beside = threading.Thread(target=work)
    beside.start()
    assert "25 records written" in commands.run("fill sink0")
    beside.join()
    assert commands.store.points() == {}


def test_a_fill_that_cannot_is_a_sentence(commands: Commands) -> None:
    """A name that no sink has; a server that is away. Nothing is left taken."""
    with pytest.raises(LinewatchError, match=r"no sink 'other'.*there: sink0"):
        commands.run("fill other")
    text = commands.configuration.read_text()
    away = re.sub(r"http://[\d.:]+", "http://127.0.0.1:1", text)
    commands.configuration.write_text(away)
    with pytest.raises(LinewatchError, match=r"127\.0\.0\.1:1"):
        commands.run("fill sink0")
    assert commands.ledger.state("sink0").holder is None


def test_a_sink_at_another_address_is_not_taken_for_filled(commands: Commands) -> None:
    """A fill refuses it and says what to do; a refill writes all there, and one whose data moved
    with it goes on. Where nothing was written yet the address can be put right.
    """
    text = commands.configuration.read_text()
    elsewhere = text.replace("127.0.0.1", "localhost")
    commands.configuration.write_text(elsewhere)
    commands.run("list")
    commands.configuration.write_text(text)
    commands.run("fill sink0")
    commands.configuration.write_text(elsewhere)
    with pytest.raises(LinewatchError, match=r"filled at http://127.*localhost.*refill sink0"):
        commands.run("fill sink0")
    commands.store.empty()
    assert "25 records written" in commands.run("refill sink0")
    assert len(commands.store.points()) == 25
    assert "has all" in commands.run("fill sink0")
    commands.configuration.write_text(text)
    assert "has all" in commands.run("fill sink0 --moved")
    assert "has all" in commands.run("fill sink0")


@ON_BOTH
async def test_a_collector_says_that_a_sink_is_at_another_address(
    start: Start, new_ledger: NewLedger, caplog: pytest.LogCaptureFixture
) -> None:
    """Once at each start, by both addresses."""
    ledger = new_ledger()
    for port in (1, 2):
        running = await start(ledger=ledger, sinks=sinks(f"http://127.0.0.1:{port}"))
        with running.database.write() as connection:
            connection.execute(schema.sinks.update().values(cursor=1))
        await running.serving.stop()
    told = [one for one in caplog.messages if "was filled at" in one]
    assert len(told) == 1
    assert re.search(r"sink0 was filled at http://127\.0\.0\.1:1, .* is at .*:2,", told[0])


class Page(BaseHTTPRequestHandler):
    """Answers as a web server that knows no such page."""

    def do_POST(self) -> None:
        """Answer with a page."""
        body = b"<!DOCTYPE html><html><body>nginx</body></html>"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_another_web_servers_page_is_not_shown(commands: Commands) -> None:
    """A wrong address is a sentence with the sink's name, the setting, and no HTML."""
    text = commands.configuration.read_text()
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        wrong = f"http://127.0.0.1:{server.server_port}"
        commands.configuration.write_text(re.sub(r"http://[\d.:]+", wrong, text))
        with pytest.raises(LinewatchError) as caught:
            commands.run("fill sink0")
        server.shutdown()
    assert f"sink 'sink0', {wrong}" in str(caught.value)
    assert "collector.sinks.influxdb" in str(caught.value)
    assert "404" in str(caught.value)
    assert "<" not in str(caught.value)


def test_a_sink_that_is_gone_is_listed_until_it_is_forgotten(commands: Commands) -> None:
    """One of the settings cannot be forgotten; one that left them can, once."""
    commands.run("fill sink0")
    with pytest.raises(LinewatchError, match="take it out there first"):
        commands.run("forget sink0")
    text = commands.configuration.read_text()
    commands.configuration.write_text(text.replace("name: sink0", "name: another"))
    rows = json.loads(commands.run("list --json"))
    assert [(row["name"], row["url"] is None) for row in rows] == [
        ("another", False),
        ("sink0", True),
    ]
    assert "sink 'sink0' is forgotten" in commands.run("forget sink0")
    (row,) = json.loads(commands.run("list --json"))
    assert row["name"] == "another"
    with pytest.raises(LinewatchError, match="knows of no sink 'sink0'"):
        commands.run("forget sink0")
