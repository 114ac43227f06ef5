"""A simulated fleet and a real collector: what is sent is what is stored, and it is the truth."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.schema import chains, events, gaps, quarantine, records
from protocol.constants import RECORDS_PATH
from protocol.messages import IngestAnswer
from protocol.model import encode
from simulate import Fleet, FleetPlan, rhythm
from simulate.sending import Sender, SendingError, parcel
from tests.collector.conftest import Running, Start
from tests.simulate.fleets import SMALL

PLAN = FleetPlan(
    probes=6, days=3, seed=11, schedule=rhythm(12, 3600, 3600), trouble=15.0, batch_records=40
)


async def collector_of(start: Start, fleet: Fleet) -> Running:
    """Return a collector that knows a fleet."""
    running: Running = await start()
    content = RegistryFile.model_validate_json(json.dumps(fleet.registry()))
    with running.database.write() as connection:
        import_registry(connection, content, datetime.now(UTC))
    return running


async def send(running: Running, fleet: Fleet, **options: Any) -> Sender:
    """Send a fleet's batches, as the command does."""
    sender = Sender([running.url], fleet.keys(), **options)
    await sender.send(parcel(batch) for batch in fleet.batches())
    return sender


async def test_the_ledger_holds_the_truth(start: Start) -> None:
    """Every record is stored once with its outcome, none is quarantined or missing, every chain
    stands where the fleet left it; sent again, all of it is there already.
    """
    fleet = Fleet(PLAN)
    running = await collector_of(start, fleet)
    delivered = (await send(running, fleet)).delivered
    told = fleet.truth()
    assert (delivered.stored, delivered.quarantined) == (told["records"], 0)
    assert not running.count(quarantine)
    assert not running.count(gaps)
    assert not running.count(events)
    query = select(
        records.c.probe_id, records.c.task, records.c.outcome, func.count().label("many")
    ).group_by(records.c.probe_id, records.c.task, records.c.outcome)
    stored: dict[str, dict[str, int]] = {probe: {} for probe in told["probes"]}
    tombstones = 0
    for row in running.database.read_now(lambda c: c.execute(query).all()):
        if row.outcome is None:
            tombstones += row.many
        else:
            stored[row.probe_id][f"{row.task} {row.outcome}"] = row.many
    assert stored == {probe: truth["outcomes"] for probe, truth in told["probes"].items()}
    assert tombstones == sum(truth["tombstones"] for truth in told["probes"].values())
    heads = {
        (row["probe_id"], row["chain"]): (row["next_seq"], row["last_hash"])
        for row in running.rows(chains)
    }
    assert heads == {
        (probe, name): (head.next_seq, head.last_hash)
        for probe, truth in fleet.truths.items()
        for name, head in truth.chains.items()
    }
    again = (await send(running, fleet)).delivered
    assert (again.stored, again.duplicate) == (0, told["records"])


async def test_clocks_that_were_wrong_are_corrected(start: Start) -> None:
    """After a power cut the device takes the past for the present; the ledger dates such records
    by the others of their boot: after the cut, where the fleet has planted it.
    """
    fleet = Fleet(PLAN)
    running = await collector_of(start, fleet)
    await send(running, fleet)
    untimed = [row for row in running.rows(records) if row["time_quality"] == "corrected"]
    assert len(untimed) == sum(truth.untimed for truth in fleet.truths.values()) > 0
    cuts: dict[str, list[tuple[datetime, datetime]]] = {}
    for cut in fleet.truth()["planted"]["power_cuts"]:
        bounds = datetime.fromisoformat(cut["from"]), datetime.fromisoformat(cut["until"])
        cuts.setdefault(cut["probe"], []).append(bounds)
    for row in untimed:
        during = [
            bounds for bounds in cuts[row["probe_id"]] if bounds[0] <= row["slot"] < bounds[1]
        ]
        assert len(during) == 1
        assert row["measured_at"] >= during[0][1]


async def test_a_collector_that_has_no_room_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """503 and 429 with Retry-After, and a broken connection, are no end: the batch goes again, and
    a probe's batches stay in their order.
    """
    monkeypatch.setattr("simulate.sending.LONGEST_PAUSE_SECONDS", 0.01)
    refusals = [503, 429, 0, 503]
    taken: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        if refusals:
            status = refusals.pop()
            if status:
                return web.Response(status=status, headers={"Retry-After": "7"})
            assert request.transport
            request.transport.abort()
        taken.append(body)
        lines = body.count(b"\n") - 1
        told = IngestAnswer(
            stored=lines, duplicate=0, quarantined=(), next_seq=0, start_new_chain=False
        )
        return web.Response(body=encode(told))

    app = web.Application(client_max_size=2**24)
    app.router.add_post(RECORDS_PATH, answer)
    fleet = Fleet(replace(SMALL, probes=1))
    async with TestServer(app) as server:
        sender = Sender([str(server.make_url("/"))], fleet.keys(), concurrency=3)
        await sender.send(parcel(batch) for batch in fleet.batches())
    assert sender.delivered.again == 4
    bodies = [batch.body for batch in fleet.batches()]
    assert taken == [body for body in bodies for _ in range(1 + (body == bodies[0]))]


async def test_an_unknown_fleet_is_told_what_to_do(start: Start) -> None:
    """A collector whose registry lacks the fleet refuses it at once, with a hint."""
    running: Running = await start()
    fleet = Fleet(SMALL)
    with pytest.raises(ExceptionGroup) as failed:
        await send(running, fleet)
    (error,) = failed.value.exceptions[:1]
    assert isinstance(error, SendingError)
    assert "linewatch registry import" in str(error)


async def test_a_rate_is_kept(start: Start) -> None:
    """Records go no faster than was asked for: by the clock, so slower machines are slower."""
    fleet = Fleet(replace(SMALL, probes=2, days=1, batch_records=5))
    running = await collector_of(start, fleet)
    began = asyncio.get_running_loop().time()
    sender = await send(running, fleet, rate=30.0)
    seconds = asyncio.get_running_loop().time() - began
    # The last batch is begun when all others' share of the time has passed.
    assert sender.delivered.records > 30
    assert seconds >= (sender.delivered.records - 5) / 30.0


Command = Callable[..., Awaitable[tuple[int, dict[str, Any], str]]]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Return a function that runs `linewatch simulate … --json` in a folder of its own."""

    async def run(*words: str) -> tuple[int, dict[str, Any], str]:
        program = [sys.executable, "-m", "linewatch", "simulate", "--json", *words]
        done = await asyncio.to_thread(
            subprocess.run,
            program,
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        told = json.loads(done.stdout) if done.stdout else {}
        return done.returncode, told, done.stderr

    return run


ARGUMENTS = "--probes 2 --days 1 --seed 3 --start 2026-11-01 --reach-seconds 3600"


async def test_a_fleet_in_a_folder_is_sent_later(
    start: Start, command: Command, tmp_path: Path
) -> None:
    """What --out writes, --from sends: registry, batches and truth agree with each other."""
    code, told, _ = await command(*ARGUMENTS.split(), "--out", "fleet")
    assert code == 0
    folder = tmp_path / "fleet"
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["records"] == told["records"] > 100
    running: Running = await start()
    content = RegistryFile.model_validate_json((folder / "registry.json").read_text())
    with running.database.write() as connection:
        import_registry(connection, content, datetime.now(UTC))
    code, sent, _ = await command("--from", "fleet", "--to", running.url)
    assert code == 0
    assert sent["stored"] == truth["records"] == running.count(records)
    code, _, said = await command(*ARGUMENTS.split(), "--out", "fleet")
    assert (code, "holds a fleet already" in said) == (1, True)


async def test_ctrl_c_ends_between_two_requests(start: Start, tmp_path: Path) -> None:
    """The program ends with 130, tells what was taken, and that is what the ledger has."""
    fleet = Fleet(FleetPlan(probes=4, days=20, seed=3))
    running = await collector_of(start, fleet)
    words = f"simulate --probes 4 --days 20 --seed 3 --start 2026-10-01 --to {running.url} --json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "linewatch",
        *words.split(),
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
    )
    # Ends with the test's time, at the latest.
    while not running.count(records):  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 130
    assert json.loads(said)["stored"] == running.count(records)
