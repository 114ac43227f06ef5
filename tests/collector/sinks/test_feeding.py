"""The ledger, written to real servers and read back: each record once, whatever happens between."""

import contextlib
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import update

from bench.processes import ProcessError
from collector.ledger import schema
from collector.ledger.months import ensure_month
from collector.ledger.removing import remove_month
from collector.sinks import keeping
from collector.sinks.far_end import AwayError, FarEnd, RefusedError
from collector.sinks.feeder import CANARY, Step
from collector.sinks.influxdb import Influxdb
from collector.sinks.reading import read_corrections, read_page
from collector.sinks.series import FLAGS_MEASUREMENT, FLAGS_TAGS, MEASUREMENTS, TAGS
from protocol.model import encode
from protocol.records import RECORD
from tests.collector.conftest import ON_BOTH, enrol_directly
from tests.collector.device import SERVER, Device, latency_summary
from tests.collector.ledger.plans import looked_into, statements_of, steps
from tests.collector.sinks.far_ends import Identity, InInflux, InVictoria, Points, Store
from tests.collector.sinks.ledgers import ARRIVAL, FedLedger, Recorder, fill
from tests.services import influxql, promql, victoria_metrics

START = ARRIVAL - timedelta(hours=20)
WARD = "Phường 1, khu A=B, «Thạch  Khôi»\\\n"
"""What a registry may hold: spaces, a comma, an equals sign, a backslash, a line break."""

READ_WARD = "Phường 1, khu A=B, «Thạch Khôi»/"


def rich_device(ledger: FedLedger) -> Device:
    """Deliver a record of each kind, on a line of a site with an unusual ward."""
    device = enrol_directly(ledger.database, Device("p1"))
    with ledger.database.write() as connection:
        connection.execute(update(schema.sites).values(ward=WARD, latitude=20.9, longitude=106.3))
    device.add(START)
    device.add(START + timedelta(hours=1), flags=["wifi", "cross_traffic"])
    device.add(START + timedelta(hours=2), flags=["interface_speed"])
    device.add_failed(START + timedelta(hours=3))
    missed = device.record(START + timedelta(hours=4), outcome="missed", speed=None)
    missed |= {"started_at": None, "failure": {"code": "probe_off", "detail": ""}}
    device.lines.append(encode(RECORD.validate_python(missed)))
    device.add(START + timedelta(hours=5), task="latency", latency=latency(0.0625))
    device.add_reach(START + timedelta(hours=6))
    ledger.deliver(device)
    return device


def latency(lost: float) -> dict[str, object]:
    """Return a latency record's section."""
    return {
        "server": SERVER,
        "ip_version": 6,
        "interval_seconds": 0.1,
        "packet_bytes": 100,
        "round_trip": latency_summary(0.005),
        "delay_variation_p95_seconds": 0.001,
        "lost_ratio": lost,
        "duplicates": 0,
        "reordered": 0,
    }


async def write_all(ledger: FedLedger, store: Store, **settings: object) -> Points:
    """Fill a sink at a store, and return what is in it then."""
    far_end = Influxdb(store.settings(**settings))
    try:
        await fill(ledger.feeder(far_end))
    finally:
        await far_end.close()
    return store.points()


def only(points: Points, measurement: str, **tags: str) -> dict[str, float]:
    """Return the fields of the one point with these tags."""
    (found,) = (
        fields
        for identity, fields in points.items()
        if identity.measurement == measurement and tags.items() <= dict(identity.tags).items()
    )
    return found


async def test_each_record_is_one_point_with_what_it_measured(
    ledger: FedLedger, store: Store
) -> None:
    """Values, outcomes, flags and tags are read back from the real server as they were recorded."""
    rich_device(ledger)
    points = await write_all(ledger, store)
    speed = only(points, "linewatch_speed", counts_as="line", outcome="measured")
    contract = {
        "records": 1,
        "contracted_download_bits_per_second": 300e6,
        "latitude_degrees": 20.9,
        "longitude_degrees": 106.3,
    }
    assert speed == contract | {
        "download_bits_per_second": 300e6,
        "upload_bits_per_second": 150e6,
        "idle_latency_seconds": 0.004,
        "download_latency_seconds": 0.03,
        "upload_latency_seconds": 0.05,
        "data_bytes": 562_500_000,
    }
    assert only(points, "linewatch_speed", counts_as="at_least")["records"] == 1
    assert only(points, "linewatch_speed", counts_as="aside")["download_bits_per_second"] == 300e6
    assert only(points, "linewatch_speed", outcome="failed", failure="refused") == contract
    assert only(points, "linewatch_speed", outcome="missed", failure="probe_off") == contract
    assert only(points, "linewatch_latency", family="6") == {
        "records": 1,
        "round_trip_seconds": 0.005,
        "delay_variation_seconds": 0.001,
        "lost_ratio": 0.0625,
    }
    reach = only(points, "linewatch_reach")
    assert reach["gateway_reached"] == reach["ipv4_reached"] == 1
    assert "ipv6_reached" not in reach
    flags = [one for one in points if one.measurement == FLAGS_MEASUREMENT]
    assert sorted(str(one.tag("flag")) for one in flags) == [
        "cross_traffic",
        "interface_speed",
        "wifi",
    ]
    assert {one.tag("ward") for one in points} == {READ_WARD}
    assert {one.tag("carrier") for one in points} == {"vnpt"}
    moments = sorted(one.milliseconds for one in points if one.measurement != FLAGS_MEASUREMENT)
    assert moments[0] == START.timestamp() * 1000
    assert {b - a for a, b in pairwise(moments)} == {3_600_000}


async def test_both_servers_hold_the_same(
    ledger: FedLedger, victoria: InVictoria, influx: InInflux
) -> None:
    """The same points, tags and fields; nothing that the page does not name."""
    rich_device(ledger)
    points = await write_all(ledger, influx)
    ledger.begin_again()
    assert await write_all(ledger, victoria) == points
    named = {(one.name, field.name) for one in MEASUREMENTS.values() for field in one.fields}
    named |= {(one.name, "records") for one in MEASUREMENTS.values()}
    named |= {(FLAGS_MEASUREMENT, "records")}
    written = {(one.measurement, field) for one, fields in points.items() for field in fields}
    assert written <= named
    assert {name for one in points for name, _ in one.tags} <= {*TAGS, *FLAGS_TAGS}
    whole = {
        (one.name, field.name)
        for one in MEASUREMENTS.values()
        for field in one.fields
        if field.whole
    }
    for place, kind in influx.types().items():
        counted = place in whole or place[1] == "records"
        assert kind == ("integer" if counted else "float"), place


async def test_writing_everything_again_changes_nothing(ledger: FedLedger, store: Store) -> None:
    """A refill overwrites each point with itself; sums by query stay as they were."""
    rich_device(ledger)
    points = await write_all(ledger, store)
    state = ledger.state()
    ledger.begin_again()
    assert await write_all(ledger, store) == points
    assert ledger.state() == state
    at = ARRIVAL + timedelta(minutes=1)
    if isinstance(store, InVictoria):
        query = "sum(sum_over_time(linewatch_speed_records[2d]))"
        assert promql(store.service.url, query, at)[0]["value"][1] == "5"
    else:
        assert isinstance(store, InInflux)
        (sums,) = influxql(
            store.service.url, "SELECT SUM(records) FROM linewatch_speed", store.database
        )
        assert sums["values"][0][1] == 5


async def test_two_records_never_share_a_point(ledger: FedLedger, store: Store) -> None:
    """The same slot twice in the same microsecond, by a probe gone wrong, is two points; again they
    are the same two.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    for _ in range(3):
        device.add_reach(START)
    device.add_reach(START + timedelta(microseconds=999))
    device.add_reach(START + timedelta(milliseconds=1))
    ledger.deliver(device)
    points = await write_all(ledger, store)
    assert sorted(
        (one.milliseconds % 10, one.tag("twin")) for one in points if one.tag("twin")
    ) == [
        (0, "1"),
        (0, "2"),
        (0, "3"),
    ]
    assert len(points) == 5
    ledger.begin_again()
    assert await write_all(ledger, store) == points


@ON_BOTH
async def test_a_record_without_a_moment_waits_for_it(ledger: FedLedger) -> None:
    """Records of a boot without a clock are held back, and written once a later one dates them:
    each once, whether the sink had passed them before or not.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    device.add_reach(START)
    for number in range(5):
        device.boot_id = "another"
        device.add_untimed(START - timedelta(days=300), 100.0 + number)
    ledger.deliver(device)
    far_end = Recorder()
    feeder = ledger.feeder(far_end, page_records=2)
    await fill(feeder)
    assert (ledger.state().written, ledger.state().held_back) == (1, 5)
    assert ledger.balances()
    device.booted_at = START
    device.add_reach(START + timedelta(seconds=200))
    ledger.deliver(device, device.lines[-1:])
    await fill(feeder)
    assert (ledger.state().written, ledger.state().held_back) == (7, 0)
    assert ledger.balances()
    lines = [line for lines in far_end.taken for line in lines]
    began = int(START.timestamp() * 1000)
    moments = sorted(int(line.rpartition(" ")[2]) - began for line in lines)
    assert moments == [0, 100_000, 101_000, 102_000, 103_000, 104_000, 200_000]
    fresh = Recorder()
    await fill(ledger.feeder(fresh, "fresh", page_records=3))
    assert sorted(line for lines in fresh.taken for line in lines) == sorted(lines)
    assert ledger.state("fresh").written == 7
    assert ledger.balances("fresh")


@ON_BOTH
async def test_a_corrected_record_never_takes_anothers_place(ledger: FedLedger) -> None:
    """One that gets the very millisecond of a point that was written before is that point's twin,
    and is again when all is written anew.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    boot, device.boot_id = device.boot_id, "another"
    device.add_untimed(START - timedelta(days=300), 100.0)
    device.boot_id = boot
    device.add_reach(START + timedelta(seconds=100))
    ledger.deliver(device)
    far_end = Recorder()
    feeder = ledger.feeder(far_end)
    await fill(feeder)
    device.boot_id, device.booted_at = "another", START
    device.add_reach(START + timedelta(seconds=200))
    ledger.deliver(device, device.lines[-1:])
    await fill(feeder)
    lines = [line for lines in far_end.taken for line in lines]
    assert [re.findall(r"twin=(\d)", line) for line in lines] == [[], [], ["1"]]
    ledger.begin_again()
    far_end.taken.clear()
    await fill(feeder)
    assert sorted(line for lines in far_end.taken for line in lines) == sorted(lines)


@ON_BOTH
async def test_pages_are_small_and_nothing_is_left_out(ledger: FedLedger) -> None:
    """However the records fall into pages, each is written once, in order, a page at a time."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(25, START)
    ledger.deliver(device)
    far_end = Recorder()
    assert await fill(ledger.feeder(far_end, page_records=10)) == 3
    assert [len(lines) for lines in far_end.taken] == [10, 10, 5]
    moments = [int(line.rpartition(" ")[2]) for lines in far_end.taken for line in lines]
    assert moments == [int(START.timestamp() * 1000) + 300_000 * n for n in range(25)]
    assert ledger.state().cursor == 25


@ON_BOTH
def test_a_page_is_read_by_its_ids(ledger: FedLedger) -> None:
    """Neither the page, nor the look for twins and corrections, goes through all records; on
    PostgreSQL a record's twin is looked for in no month before its own, however many there are.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(20, START)
    ledger.deliver(device)
    postgresql = ledger.database.engine.dialect.name == "postgresql"
    if postgresql:
        with ledger.database.write() as connection:
            for days in range(0, 720, 30):
                ensure_month(connection, ARRIVAL - timedelta(days=days))
    for query in (
        partial(read_page, after=0, upto=9, limit=5),
        partial(read_corrections, after=0, upto=9, limit=5),
    ):
        sent = statements_of(ledger.database, query)
        (selected,) = [one for one in sent if one[0].startswith("SELECT")]
        with ledger.database.engine.connect() as connection:
            if postgresql:
                # Of so few rows each way is as good.
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                looked = looked_into(connection, *selected, "other")
                assert ("records_2026_11" in looked) == (query.func is read_page)
                assert not any(month < "records_2026_11" for month in looked), looked
                continue
            found = steps(connection, *selected)
        assert all(not step.startswith("SCAN") for step in found), found
        assert any("ix_records_probe_id_measured_at" in step for step in found)


async def test_the_cursor_moves_only_after_a_yes(ledger: FedLedger) -> None:
    """While the far end fails nothing moves; then the same page is written."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(10, START)
    ledger.deliver(device)

    def away(_lines: Sequence[str]) -> None:
        raise AwayError("down")

    far_end = Recorder(away)
    feeder = ledger.feeder(far_end)
    for _ in range(3):
        with pytest.raises(AwayError):
            await feeder.step()
        assert ledger.state().cursor == ledger.state().written == 0
    far_end.fail = lambda _lines: None
    await fill(feeder)
    assert [len(lines) for lines in far_end.taken] == [10]
    assert ledger.state().written == 10


async def test_a_poison_record_is_set_aside_and_the_rest_goes_on(
    ledger: FedLedger, influx_service: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Records that a real InfluxDB refuses for good, as older than it keeps, are found among all,
    kept with its words and said once; a refill tries them again.
    """
    store = InInflux(influx_service, policy="WITH DURATION 3650d")  # type: ignore[arg-type]
    device = enrol_directly(ledger.database, Device("p1"))
    device.booted_at = ARRIVAL - timedelta(days=9000)
    for number in range(40):
        old = timedelta(days=8000) if number in {7, 8, 31} else timedelta()
        device.add_reach(START + timedelta(minutes=number) - old)
    ledger.deliver(device)
    points = await write_all(ledger, store)
    assert len(points) == 37
    assert [record for _, record, _ in ledger.aside()] == [8, 9, 32]
    assert all("retention policy" in reason for _, _, reason in ledger.aside())
    state = ledger.state()
    assert (state.cursor, state.written, state.set_aside) == (40, 37, 3)
    said = [one.getMessage() for one in caplog.records if "set aside" in one.getMessage()]
    assert len(said) == 1
    assert "3 records set aside" in said[0]
    ledger.begin_again()
    assert ledger.aside() == []
    assert await write_all(ledger, store) == points
    assert ledger.state() == state


async def test_a_moment_that_nobody_holds_is_set_aside_unasked(ledger: FedLedger) -> None:
    """A probe that vouches for a time before 1970 hurts only that record."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.add_reach(START.replace(year=1969))
    device.add_reach(START)
    ledger.deliver(device)
    far_end = Recorder()
    await fill(ledger.feeder(far_end))
    assert [len(lines) for lines in far_end.taken] == [1]
    assert [(record, "outside" in reason) for _, record, reason in ledger.aside()] == [(1, True)]
    assert ledger.balances()


async def test_a_far_end_that_refuses_everything_is_away(ledger: FedLedger) -> None:
    """A wrong address that answers 400 to all sets nothing aside: a good point tells."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(4, START)
    ledger.deliver(device)
    asked: list[str] = []

    def refuse(lines: Sequence[str]) -> None:
        asked.extend(lines)
        raise RefusedError("400: what is this?")

    feeder = ledger.feeder(Recorder(refuse))
    with pytest.raises(AwayError, match="refuses everything: 400: what is this"):
        await feeder.step()
    assert asked[-1].startswith(f"{CANARY},sink=sink ")
    assert ledger.aside() == []
    assert ledger.state().cursor == 0


@ON_BOTH
async def test_one_collector_at_a_time_feeds_a_sink(ledger: FedLedger) -> None:
    """The other waits until the first gives it away, or is silent for as long as its lease."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(3, START)
    ledger.deliver(device)
    taken, other_taken = Recorder(), Recorder()
    one = ledger.feeder(taken, page_records=1)
    other = ledger.feeder(other_taken, holder="other", page_records=1)
    assert await one.step() is Step.MOVED
    assert await other.step() is Step.ELSEWHERE
    ledger.now += keeping.LEASE * 0.7
    assert await one.step() is Step.MOVED  # says again that it is there
    ledger.now += keeping.LEASE * 0.7
    assert await other.step() is Step.ELSEWHERE
    ledger.now += keeping.LEASE
    assert await other.step() is Step.MOVED
    assert await one.step() is Step.ELSEWHERE
    await other.release()
    assert await one.step() is Step.IDLE
    assert (len(taken.taken), len(other_taken.taken)) == (2, 1)


@ON_BOTH
async def test_a_cursor_that_was_moved_meanwhile_is_left_alone(ledger: FedLedger) -> None:
    """A refill that is asked for while a page is on its way begins from the first record."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(4, START)
    ledger.deliver(device)

    def refill(_lines: Sequence[str]) -> None:
        if not again:
            again.append(True)
            ledger.begin_again()

    again: list[bool] = []
    far_end: FarEnd = Recorder(refill)
    feeder = ledger.feeder(far_end, page_records=2)
    assert await feeder.step() is Step.MOVED
    assert await feeder.step() is Step.MOVED
    assert again
    await fill(feeder)
    assert (ledger.state().cursor, ledger.state().written) == (4, 4)


@ON_BOTH
async def test_a_feeder_that_lives_on_writes_what_comes_after_a_month_left(
    ledger: FedLedger,
) -> None:
    """SQLite gives the ids of records that left once more: a feeder that was past them, and looked
    between, writes those that bear them now; lag never says 0 before it has.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(20, START)
    ledger.deliver(device)
    far_end = Recorder()
    feeder = ledger.feeder(far_end)
    await fill(feeder)
    ledger.now += keeping.SETTLE
    for _ in range(2):
        await fill(feeder)
    far_end.taken.clear()
    assert remove_month(ledger.database, ARRIVAL, ARRIVAL + timedelta(days=31)) == 20
    assert await feeder.step() is Step.IDLE
    device.fill(10, START + timedelta(hours=2))
    ledger.deliver(device, device.lines[-10:])
    lag = ledger.database.read_now(partial(keeping.lag_of, state=ledger.state(), now=ledger.now))
    assert lag.records == 10
    await fill(feeder)
    assert sum(len(lines) for lines in far_end.taken) == 10
    assert ledger.state().written == 30


async def test_a_line_that_moved_has_its_later_points_elsewhere(
    ledger: FedLedger, store: Store
) -> None:
    """A site's new ward is a tag of the records that are written after the change, not before."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.add_reach(START)
    ledger.deliver(device)
    far_end = Influxdb(store.settings())
    feeder = ledger.feeder(far_end)
    await fill(feeder)
    ledger.now += keeping.SETTLE
    for _ in range(2):  # what was written is on the disk then, and is not written once more
        await fill(feeder)
    with ledger.database.write() as connection:
        connection.execute(update(schema.sites).values(ward="Chu Văn An"))
    device.add_reach(START + timedelta(hours=1))
    ledger.deliver(device, device.lines[-1:])
    await fill(feeder)
    await far_end.close()
    points = store.points()
    assert [one.tag("ward") for one in sorted(points, key=_moment)] == ["Thạch Khôi", "Chu Văn An"]


def _moment(identity: Identity) -> int:
    return identity.milliseconds


async def test_what_a_killed_server_forgot_is_written_again(
    ledger: FedLedger, tmp_path: Path
) -> None:
    """A VictoriaMetrics that is killed has lost what it said yes to just before; with the next
    record that it takes, or when all was quiet for a while, it has everything again, counted once.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(8, START)
    ledger.deliver(device)
    port = 0
    far_end: Influxdb | None = None
    for more in (0, 1, 0):
        with contextlib.suppress(ProcessError), victoria_metrics(tmp_path, port=port) as service:
            port = service.port
            store = InVictoria(service)
            if far_end is None:
                far_end = Influxdb(store.settings())
                feeder = ledger.feeder(far_end, page_records=3)
                lost = 0
            else:
                lost += store.points() == {}
            for _ in range(more):
                device.add_reach(START + timedelta(hours=9, minutes=len(device.lines)))
                ledger.deliver(device, device.lines[-1:])
            if not more:
                ledger.now += keeping.SETTLE
            await fill(feeder)
            await fill(feeder)
            assert len(store.points()) == len(device.lines)
            service.process.kill()
    assert far_end
    await far_end.close()
    assert lost
    assert ledger.state().written == len(device.lines)
    assert ledger.balances()


async def test_nothing_is_written_again_that_is_on_the_disk(ledger: FedLedger) -> None:
    """After a minute of quiet all is written once more, by pages, and then never again; a new
    connection repeats what came since, not what is older.
    """
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(9, START)
    ledger.deliver(device)
    far_end = Recorder()
    feeder = ledger.feeder(far_end, page_records=4)
    await fill(feeder)
    far_end.taken.clear()
    for quiet, pages in ((0.5, []), (0.6, [4, 4, 1]), (2, [])):
        ledger.now += keeping.SETTLE * quiet
        await fill(feeder)
        await fill(feeder)
        assert [len(lines) for lines in far_end.taken] == pages
        far_end.taken.clear()
    device.add_reach(START + timedelta(hours=10))
    ledger.deliver(device, device.lines[-1:])
    await fill(feeder)
    far_end.connections += 1
    device.add_reach(START + timedelta(hours=11))
    ledger.deliver(device, device.lines[-1:])
    await fill(feeder)
    assert [len(lines) for lines in far_end.taken] == [1, 1, 2]
    assert ledger.state().written == 11


async def test_a_far_end_that_keeps_no_connection_is_filled_all_the_same(
    ledger: FedLedger,
) -> None:
    """What is written again has an end, however often the connection is new."""
    device = enrol_directly(ledger.database, Device("p1"))
    device.fill(20, START)
    ledger.deliver(device)
    far_end = Recorder()

    def hang_up(_lines: Sequence[str]) -> None:
        far_end.connections += 1

    far_end.fail = hang_up
    feeder = ledger.feeder(far_end, page_records=5)
    for _ in range(100):
        if await feeder.step() is Step.IDLE:
            break
    else:
        pytest.fail("it never has everything")
    assert ledger.state().written == ledger.state().cursor == 20


async def test_the_queries_of_the_page_find_something(
    ledger: FedLedger, victoria: InVictoria, influx: InInflux
) -> None:
    """Each example of docs/series.md runs on the server that it is for, and is not empty."""
    rich_device(ledger)
    await write_all(ledger, influx)
    ledger.begin_again()
    await write_all(ledger, victoria)
    page = (Path(__file__).parents[3] / "docs/series.md").read_text()
    lines = re.findall(r"^    (.+)$", page, re.MULTILINE)
    queries = re.split(r"\n(?=\S)", "\n".join(lines))
    assert [query.split()[0] for query in queries] == ["sum", "SELECT", "quantile", "SELECT"]
    for query in queries:
        if query.startswith("SELECT"):
            since = query.replace("now() - 1d", f"'{START:%Y-%m-%d}'")
            assert influxql(influx.service.url, since, influx.database), query
        else:
            assert promql(victoria.service.url, query, ARRIVAL), query
