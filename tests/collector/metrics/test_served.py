"""`/metrics` of a real collector: what it shows, what it leaves out, what a restart keeps."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, update

from collector.ledger import registry, schema
from collector.ledger.figures import Figures, read_figures
from collector.metrics import ledger_text
from protocol.constants import GAP_ACKNOWLEDGED, GAP_HEADER
from tests.collector.conftest import ON_BOTH, NewLedger, Running, Start

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(collector: Running, **headers: str) -> Samples:
    """Return the samples by name and labels."""
    async with collector.client.get(collector.url + "/metrics", headers=headers) as answer:
        assert answer.status == 200
        text = await answer.text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, metric: str, **labels: str) -> float | None:
    """Return the value of the only sample that has these labels, or None."""
    found = [
        number
        for (name, own), number in samples.items()
        if name == metric and labels.items() <= dict(own).items()
    ]
    assert len(found) <= 1
    return found[0] if found else None


async def test_the_latest_test_of_a_line_is_shown(start: Start) -> None:
    """Its values carry base units; what was not measured is absent, not zero."""
    collector = await start(metrics={"cache_seconds": 0.001, "wait_seconds": 60})
    device = collector.device()
    now = datetime.now(UTC)
    device.add(now - timedelta(minutes=20))
    device.add_reach(now - timedelta(minutes=10))
    await collector.post(device, device.batch())
    samples = await scrape(collector)
    assert value(samples, "linewatch_download_bits_per_second", line="l1", ip_version="4") == 300e6
    moment = value(samples, "linewatch_speed_test_timestamp_seconds", line="l1", ip_version="4")
    assert moment == pytest.approx((now - timedelta(minutes=20)).timestamp())
    assert value(samples, "linewatch_gateway_reached", line="l1") == 1
    assert value(samples, "linewatch_ipv6_reached", line="l1") is None
    assert value(samples, "linewatch_lost_ratio", line="l1") is None
    assert value(samples, "linewatch_download_bits_per_second", line="l2") is None
    age = value(samples, "linewatch_line_last_record_age_seconds", line="l1", task="speed")
    assert age is not None
    assert 1199 < age < 1260


async def test_a_flagged_test_is_no_value_of_the_line(start: Start) -> None:
    """What flags set aside is absent; a lower bound and what came by Wi-Fi say what they are, and
    of a lower bound only the rates are there.
    """
    collector = await start(metrics={"cache_seconds": 0.001, "wait_seconds": 60})
    device = collector.device()
    now = datetime.now(UTC)
    raised: dict[str, list[str]] = {
        "a": [],
        "b": ["interface_speed"],
        "c": ["wifi"],
        "d": ["cross_traffic"],
        "e": ["interface_speed", "path_changed"],
    }
    for version, flags in raised.items():
        method = {"name": "http", "version": version, "profile": "full"}
        device.add(now - timedelta(minutes=20), method=method, flags=flags)
    await collector.post(device, device.batch())
    samples = await scrape(collector)
    shown: dict[str, dict[str, str]] = {"download_bits_per_second": {}, "idle_latency_seconds": {}}
    for name, labels in samples:
        if (column := name.removeprefix("linewatch_")) in shown:
            shown[column][dict(labels)["method_version"]] = dict(labels)["counts_as"]
    assert shown == {
        "download_bits_per_second": {"a": "line", "b": "at_least", "c": "wifi"},
        "idle_latency_seconds": {"a": "line", "c": "wifi"},
    }


async def test_two_probes_of_a_line_have_values_of_their_own(collector: Running) -> None:
    """Neither's value stands for the other's, and a failure of one takes nothing from the other."""
    now = datetime.now(UTC)
    devices = [collector.device(name, "l1") for name in ("p1", "p2")]
    for device in devices:
        device.add(now - timedelta(minutes=20))
    devices[1].add_failed(now - timedelta(minutes=10))
    for device in devices:
        await collector.post(device, device.batch())
    samples = await scrape(collector)
    metric = "linewatch_download_bits_per_second"
    assert value(samples, metric, line="l1", probe="p1") == 300e6
    assert value(samples, metric, line="l1", probe="p2") is None


async def test_a_failed_or_old_test_is_absent(start: Start) -> None:
    """After a failure, and after the set age, there is no value; never a zero."""
    collector = await start(metrics={"cache_seconds": 0.001, "wait_seconds": 60, "latest_hours": 1})
    failing, silent = collector.device("p1", "l1"), collector.device("p2", "l2")
    failing.add(datetime.now(UTC) - timedelta(minutes=20))
    failing.add_failed(datetime.now(UTC) - timedelta(minutes=10))
    silent.add(datetime.now(UTC) - timedelta(minutes=61))
    for device in (failing, silent):
        await collector.post(device, device.batch())
    samples = await scrape(collector)
    for line in ("l1", "l2"):
        assert value(samples, "linewatch_download_bits_per_second", line=line) is None
        assert value(samples, "linewatch_line_info", line=line) == 1
    slots = {
        dict(labels)["outcome"]: number
        for (name, labels), number in samples.items()
        if name == "linewatch_collector_slots_total" and dict(labels)["probe"] == "p1"
    }
    assert slots == {"measured": 1, "failed": 1}


async def test_a_line_that_was_given_up_is_not_silent(start: Start) -> None:
    """Once no path of a probe that is let in measures it, its age is told no more; a line whose
    probe was only replaced is still waited for.
    """
    collector = await start(metrics={"cache_seconds": 0.001, "wait_seconds": 60})
    given_up, replaced = collector.device("p1", "l1"), collector.device("p2", "l2")
    for device in (given_up, replaced):
        device.add_reach(datetime.now(UTC) - timedelta(days=2))
        await collector.post(device, device.batch())
    collector.device("p3", "l2")
    metric = "linewatch_line_last_record_age_seconds"
    assert value(await scrape(collector), metric, line="l1", task="reach")
    with collector.database.write() as connection:
        for probe in ("p1", "p2"):
            registry.revoke_probe(connection, probe, datetime.now(UTC))
    samples = await scrape(collector)
    assert value(samples, metric, line="l1", task="reach") is None
    assert value(samples, metric, line="l2", task="reach")
    assert value(samples, "linewatch_line_info", line="l1") == 1


async def test_the_conservation_law_holds_and_survives_a_restart(start: Start) -> None:
    """What was received is stored, duplicate or quarantined, also after a restart."""
    collector = await start()
    device = collector.device()
    device.fill(5, datetime.now(UTC) - timedelta(hours=1))
    copy = device.copy()
    device.fill(2, datetime.now(UTC) - timedelta(minutes=30))
    copy.fill(3, datetime.now(UTC) - timedelta(minutes=29))
    for body in (device.batch(), device.batch(2, 4), copy.batch(3)):
        assert (await collector.post(device, body))[0] == 200
    await collector.serving.stop()
    again = await start(ledger=Path(str(collector.database.engine.url.database)))
    samples = await scrape(again)
    assert value(samples, "linewatch_collector_records_received_total", probe="p1") == 14
    results = {
        result: value(samples, "linewatch_collector_records_total", probe="p1", result=result)
        for result in ("stored", "duplicate", "quarantined")
    }
    assert results == {"stored": 7, "duplicate": 4, "quarantined": 3}
    assert value(samples, "linewatch_collector_records_unaccounted") == 0
    assert value(samples, "linewatch_collector_events_total", kind="fork") == 3
    assert value(samples, "linewatch_collector_forked_chains") == 1
    assert value(samples, "linewatch_collector_quarantine_records", kind="fork") == 3
    assert value(samples, "linewatch_collector_probes", state="enrolled") == 1


async def test_a_slot_that_is_not_counted_shows(start: Start) -> None:
    """The law of slots is 0 for every probe, and not after somebody took one out of the counts."""
    collector = await start(metrics={"cache_seconds": 0.001, "wait_seconds": 60})
    now = datetime.now(UTC)
    for name, line in (("p1", "l1"), ("p2", "l2")):
        device = collector.device(name, line)
        device.fill(6, now - timedelta(hours=1))
        await collector.post(device, device.batch(0, 2))
        await collector.post(device, device.batch(4), **{GAP_HEADER: GAP_ACKNOWLEDGED})
        await collector.post(device, device.batch(3))
    metric = "linewatch_collector_slots_unaccounted"
    samples = await scrape(collector)
    assert [value(samples, metric, probe=probe) for probe in ("p1", "p2")] == [0, 0]
    slots = schema.outcome_totals
    with collector.database.write() as connection:
        connection.execute(update(slots).where(slots.c.probe_id == "p2").values(records=4))
    samples = await scrape(collector)
    assert [value(samples, metric, probe=probe) for probe in ("p1", "p2")] == [0, 1]


async def test_the_running_collector_is_shown(collector: Running) -> None:
    """Requests are timed by resource, and writer and door tell what they do."""
    device = collector.device()
    device.fill(1, datetime.now(UTC) - timedelta(hours=1))
    await collector.post(device, device.batch())
    async with collector.client.get(collector.url + "/no/such/page"):
        pass
    samples = await scrape(collector)
    count = "linewatch_collector_request_seconds_count"
    assert value(samples, count, resource="/v1/records", method="POST", status="200") == 1
    assert value(samples, count, resource="other", method="GET", status="404") == 1
    commits = value(samples, "linewatch_collector_writer_commits_total")
    assert commits is not None
    assert commits >= 1
    assert value(samples, "linewatch_collector_writer_failing") == 0
    assert value(samples, "linewatch_collector_connections") == 1


async def test_the_disk_of_the_ledgers_file_is_shown(collector: Running) -> None:
    """Its size and the room on it, so that an alert comes before it is full."""
    samples = await scrape(collector)
    size = value(samples, "linewatch_collector_disk_size_bytes")
    free = value(samples, "linewatch_collector_disk_free_bytes")
    assert size is not None
    assert free is not None
    assert 0 < free < size


@ON_BOTH
async def test_what_the_ledger_takes_and_what_is_left_are_shown(
    start: Start, new_ledger: NewLedger, engine: str
) -> None:
    """Of both databases the size; of PostgreSQL the room as far as the settings say it, which a
    ledger that is larger has none of.
    """
    for room in (None, 10**12, 1000):
        collector = await start(ledger=new_ledger(room_bytes=room))
        samples = await scrape(collector)
        taken = value(samples, "linewatch_collector_ledger_bytes")
        assert taken is not None
        assert taken > 100_000
        size = value(samples, "linewatch_collector_disk_size_bytes")
        free = value(samples, "linewatch_collector_disk_free_bytes")
        if engine == "sqlite":
            assert size is not None
            assert size != room
        else:
            assert size == room
            assert free == (None if room is None else max(0, room - taken))


async def test_metrics_are_for_this_machine_or_for_the_token(start: Start) -> None:
    """Through a proxy there are none without the token; with it there are."""
    collector = await start()
    url = collector.url + "/metrics"
    async with collector.client.get(url, headers={"X-Forwarded-For": "192.0.2.1"}) as answer:
        assert answer.status == 401
    guarded = await start(metrics={"token": "s3cret"})
    async with guarded.client.get(guarded.url + "/metrics") as answer:
        assert answer.status == 401
    assert await scrape(guarded, Authorization="Bearer s3cret")


async def test_whoever_asks_does_not_wait_for_figures_that_take_long(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next figures are being read the last ones are the answer, and the next ones are
    made ahead: nobody has to ask twice for them.
    """
    # Whoever asks waits for what is more than twice as old as it should be.
    collector = await start(metrics={"cache_seconds": 3, "wait_seconds": 0.01})
    holding, held, slow = threading.Event(), threading.Event(), threading.Event()

    def read(connection: Connection) -> Figures:
        if holding.is_set():
            held.set()
            slow.wait(30)
        return read_figures(connection)

    monkeypatch.setattr(ledger_text, "read_figures", read)
    first = await scrape(collector)
    holding.set()
    # Made ahead, with nobody asking; none that began before is still on its way then.
    for _ in range(600):
        if held.is_set():
            break
        await asyncio.sleep(0.05)
    assert held.is_set()
    device = collector.device()
    device.add(datetime.now(UTC))
    await collector.post(device, device.batch())
    try:
        again = await scrape(collector)
        assert value(again, "linewatch_download_bits_per_second", line="l1") is None
        assert value(first, "linewatch_download_bits_per_second", line="l1") is None
    finally:
        slow.set()
    for _ in range(600):
        await asyncio.sleep(0.05)
        if value(await scrape(collector), "linewatch_download_bits_per_second") is not None:
            return
    pytest.fail("the next figures never came")


async def test_an_answer_can_be_compressed(collector: Running) -> None:
    """Both parts come as members of one gzip stream, for who takes that; and plain for others."""
    url = collector.url + "/metrics"
    async with collector.client.get(url, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        both = await packed.text()
    async with collector.client.get(url, headers={"Accept-Encoding": "identity"}) as plain:
        assert "Content-Encoding" not in plain.headers
        assert "linewatch_line_info" in await plain.text()
    assert "linewatch_line_info" in both
    assert "linewatch_collector_writer_jobs_total" in both


@ON_BOTH
async def test_after_an_error_that_nobody_foresaw_no_old_values_are_shown(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The ledger counts as not readable, its values are absent and the log says why; once it can be
    read again, all is shown again.
    """
    collector = await start(metrics={"cache_seconds": 0.001, "wait_seconds": 60})
    assert value(await scrape(collector), "linewatch_line_info", line="l1") == 1

    def broken(connection: Connection) -> Figures:
        del connection
        raise KeyError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(ledger_text, "read_figures", broken)
        samples = await scrape(collector)
        assert value(samples, "linewatch_collector_ledger_readable") == 0
        assert value(samples, "linewatch_line_info", line="l1") is None
    assert "nobody foresaw this" in caplog.text
    samples = await scrape(collector)
    assert value(samples, "linewatch_collector_ledger_readable") == 1
    assert value(samples, "linewatch_line_info", line="l1") == 1
    assert value(samples, "linewatch_collector_housekeeping_failures_total") == 0
