"""What pages and API read from the ledger."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, update

from collector.domain.line_state import LineState
from collector.ledger import proof_queries, queries, schema, series_queries
from collector.ledger.database import Database
from collector.ledger.figures import current, read_figures
from collector.settings import LedgerSettings
from tests.collector import simulated_month
from tests.collector.conftest import ON_BOTH
from tests.collector.ledger.plans import steps
from tests.collector.simulated_month import NOW

LINE = "tk-nvh2-b"

pytestmark = ON_BOTH


@pytest.fixture
def connection(engine: str, request: pytest.FixtureRequest) -> Any:
    """Return a connection to the simulated month; what a test writes is rolled back."""
    if engine == "sqlite":
        settings = LedgerSettings(path=request.getfixturevalue("month_ledger"))
    else:
        settings = request.getfixturevalue("month_database")
    database = Database(settings)
    with database.engine.connect() as opened:
        yield opened
        opened.rollback()
    database.close()


def overview_of(connection: Connection, line: str = LINE) -> queries.LineOverview:
    """Return one line of the overview."""
    return next(one for one in queries.overview(connection, NOW) if one.line.id == line)


def test_overview_has_every_line_once(connection: Connection) -> None:
    """Every registered line is there, measured or not."""
    found = [one.line.id for one in queries.overview(connection, NOW)]
    assert sorted(found) == sorted(story.id for story in simulated_month.STORIES)


def test_overview_shows_the_newest_measured_test(connection: Connection) -> None:
    """A line that fails now shows the results of its last measured test, with its moment."""
    failing = overview_of(connection, "cva-nvh-c")
    assert failing.state is LineState.FAILING
    assert failing.tested_at is not None
    assert failing.tested_at < NOW - timedelta(hours=9)
    assert failing.download_bits_per_second is not None
    assert failing.heard_at is not None
    assert failing.heard_at > NOW - timedelta(hours=1)


def test_latency_comes_from_latency_records_first(connection: Connection) -> None:
    """The overview's latency is the newest latency record's, and without one the speed test's."""
    assert overview_of(connection).lost_ratio is not None
    connection.execute(schema.latest.delete().where(schema.latest.c.task == "latency"))
    without = overview_of(connection)
    idle = select(schema.records.c.idle_latency_seconds).where(
        schema.records.c.line_id == LINE,
        schema.records.c.outcome == "measured",
        schema.records.c.task == "speed",
    )
    newest = connection.scalar(idle.order_by(schema.records.c.measured_at.desc()).limit(1))
    assert without.latency_seconds == newest
    assert without.lost_ratio is None


@pytest.mark.parametrize("flags", ["", "server_limited", "cross_traffic", "wifi"])
def test_the_latency_of_a_flagged_speed_test_is_not_shown_as_the_lines(
    connection: Connection, flags: str
) -> None:
    """Where no latency record counts a speed test's round trips stand in, as long as it carries no
    flag; its rates are shown with the flag.
    """
    mine = schema.records.c.line_id == LINE, schema.records.c.task == "speed"
    connection.execute(update(schema.records).where(*mine).values(flags=flags))
    connection.execute(schema.latest.delete().where(schema.latest.c.task == "latency"))
    found = overview_of(connection)
    latencies = (
        found.latency_seconds,
        found.download_latency_seconds,
        found.upload_latency_seconds,
    )
    assert [value is None for value in latencies] == [bool(flags)] * 3
    assert (found.download_bits_per_second is None, found.flags) == (False, flags)


@pytest.mark.parametrize("flags", ["server_loss", "wifi", "clock_unsynchronised"])
def test_a_loss_that_may_not_be_the_lines_is_not_shown_as_its(
    connection: Connection, flags: str
) -> None:
    """Where the newest latency record carries a flag the line has no loss, and the round trip of
    its speed test; neither is a latest value of it, unless it says that it is the Wi-Fi's.
    """
    mine = schema.records.c.line_id == LINE, schema.records.c.task == "latency"
    connection.execute(update(schema.records).where(*mine).values(flags=flags))
    found = overview_of(connection)
    assert found.lost_ratio is None
    assert found.latency_seconds is not None
    shown = current(read_figures(connection), NOW, 10**6)
    tasks = [row["task"] for row in shown if row["line_id"] == LINE]
    assert ("latency" in tasks) == (flags == "wifi")
    assert "speed" in tasks


@pytest.mark.parametrize(
    "gateway,dns,ipv4,ipv6,state",
    [
        (True, False, False, None, LineState.FAILING),
        (True, None, False, False, LineState.FAILING),
        (True, False, False, True, LineState.GOOD),
        (True, True, False, False, LineState.GOOD),
        (True, None, None, None, LineState.GOOD),
        (False, False, False, None, LineState.GOOD),
        (None, False, False, None, LineState.GOOD),
    ],
)
def test_line_is_cut_off_where_only_the_gateway_answers(
    connection: Connection,
    gateway: bool | None,
    dns: bool | None,
    ipv4: bool | None,
    ipv6: bool | None,
    state: LineState,
) -> None:
    """The newest reachability check counts where it saw the gateway and nothing behind it."""
    line = "tk-nvh1-a"
    change = update(schema.records).where(
        schema.records.c.line_id == line, schema.records.c.task == "reach"
    )
    values = {"gateway_reached": gateway, "dns_reached": dns}
    values |= {"ipv4_reached": ipv4, "ipv6_reached": ipv6}
    connection.execute(change.values(values))
    assert overview_of(connection, line).state is state


def test_points_are_those_of_the_span_in_order(connection: Connection) -> None:
    """A span begins at its start and ends before its end; two halves are the whole."""
    start, end = NOW - timedelta(days=4), NOW - timedelta(days=2)
    half = NOW - timedelta(days=3)
    for read in (series_queries.speed_points, series_queries.latency_points):
        whole = read(connection, LINE, start, end)
        first = read(connection, LINE, start, half)
        second = read(connection, LINE, half, end)
        assert [*first, *second] == whole
        moments = [point.at_seconds for point in whole]
        assert moments == sorted(moments)
        assert start.timestamp() <= moments[0]
        assert moments[-1] < end.timestamp()


def test_tombstone_is_listed_but_is_no_point(connection: Connection) -> None:
    """A record that the probe lost is in the table of tests, and in no series."""
    row = dict(
        connection.execute(
            select(schema.records).where(
                schema.records.c.line_id == LINE, schema.records.c.seq == 5
            )
        )
        .mappings()
        .one()
    )
    del row["id"]
    row |= {"seq": 10**6, "tombstone": "spool_full", "outcome": None, "task": "speed"}
    row |= {"measured_at": NOW - timedelta(minutes=1), "flags": ""}
    span = (NOW - timedelta(days=1), NOW)
    before = series_queries.speed_points(connection, LINE, *span)
    connection.execute(insert(schema.records).values(row))
    assert series_queries.speed_points(connection, LINE, *span) == before
    newest = series_queries.newest_tests(connection, LINE, *span, 1)[0]
    assert newest["tombstone"] == "spool_full"


@pytest.mark.parametrize("flag", ["other_carrier", "path_changed"])
def test_a_failover_neither_mends_nor_breaks_a_line(connection: Connection, flag: str) -> None:
    """What was measured elsewhere is no value and no sign of life of the line: its state is what it
    was without these records, and its probe is not silent.
    """
    span = (NOW - timedelta(days=1), NOW)
    mine = schema.records.c.line_id == LINE
    points = series_queries.latency_points(connection, LINE, *span)
    assert points
    connection.execute(update(schema.records).where(mine).values(flags=f"{flag} wifi"))
    found = next(each for each in queries.overview(connection, NOW) if each.line.id == LINE)
    assert series_queries.latency_points(connection, LINE, *span) == []
    assert found.heard_at is not None
    assert (found.tested_at, found.latency_seconds, found.lost_ratio) == (None, None, None)
    assert found.state is LineState.UNRATED
    shown = current(read_figures(connection), NOW, 10**6)
    assert not [row for row in shown if row["line_id"] == LINE]


def test_results_at_the_same_moment_are_not_lost_between_pages(connection: Connection) -> None:
    """Pages go on behind moment and id, so that equal moments come once each."""
    connection.execute(
        update(schema.records)
        .where(schema.records.c.line_id == LINE, schema.records.c.task == "speed")
        .values(measured_at=NOW - timedelta(hours=1))
    )
    span = (NOW - timedelta(days=1), NOW)
    seen: list[int] = []
    after = None
    while rows := series_queries.results_page(connection, LINE, "speed", span, after, 100):
        seen += [row.id for row in rows]
        after = series_queries.place_of(rows[-1])
    assert len(seen) == len(set(seen)) > 600


def test_proof_has_neighbour_and_the_first_seal_behind(connection: Connection) -> None:
    """A record comes with the hash before it and the nearest seal that covers it."""
    found = proof_queries.proof(connection, "probe-1", "chain-1", 10)
    assert found is not None
    assert found.previous_hash == found.row["prev"]
    assert found.seal is not None
    assert found.seal["seq"] >= 10
    assert proof_queries.proof(connection, "probe-1", "chain-1", 10**9) is None


def test_every_lookup_of_a_line_uses_an_index(connection: Connection) -> None:
    """The lists and series never walk through all records."""
    asked: list[tuple[str, Any]] = []
    engine = connection.engine

    def remember(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    event.listen(engine, "before_cursor_execute", remember)
    queries.overview(connection, NOW)
    span = (NOW - timedelta(days=1), NOW)
    series_queries.speed_points(connection, LINE, *span)
    series_queries.latency_points(connection, LINE, *span)
    series_queries.paired_points(connection, LINE, *span)
    series_queries.results_page(connection, LINE, "speed", span, (1, 1), 10)
    main = overview_of(connection).series
    assert main is not None
    assert series_queries.find_series(connection, LINE, "speed", main.key) == main
    series_queries.results_page(connection, LINE, "speed", span, (1, 1), 10, main)
    series_queries.newest_tests(connection, LINE, *span, 10)
    proof_queries.proof(connection, "probe-1", "chain-1", 10)
    proof_queries.probes_page(connection, None, 10)
    proof_queries.records_page(connection, "probe-1", None, None, 10**9, 10)
    read_figures(connection)
    event.remove(engine, "before_cursor_execute", remember)
    if connection.dialect.name == "postgresql":
        # A month of few lines is read whole where that is cheaper; here it must not have to be.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    found = [
        step
        for statement, parameters in asked
        if statement.startswith("SELECT")
        for step in steps(connection, statement, parameters)
    ]
    assert any("records" in step for step in found)
    through_all = re.compile(r"SCAN (records|test)(?! USING COVERING INDEX)|Seq Scan records")
    assert not [step for step in found if through_all.match(step)]


def test_charts_and_series_are_read_from_an_index_alone(connection: Connection) -> None:
    """What a page and a series show of a month is side by side on the disk: no row is visited."""
    asked: list[tuple[str, Any]] = []

    def remember(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    event.listen(connection.engine, "before_cursor_execute", remember)
    span = (NOW - timedelta(days=30), NOW)
    series_queries.speed_points(connection, LINE, *span)
    series_queries.latency_points(connection, LINE, *span)
    for task in series_queries.VALUES:
        series_queries.results_page(connection, LINE, task, span, (1, 1), 5000)
    event.remove(connection.engine, "before_cursor_execute", remember)
    if connection.dialect.name == "postgresql":
        # Of a ledger of one month other indices, and even the table, are as cheap to read.
        for index in schema.records.indexes:
            if index.name != "ix_records_line_id_task_measured_at":
                index.drop(connection)
        for other in ("seqscan", "bitmapscan"):
            connection.exec_driver_sql(f"SET LOCAL enable_{other} = off")
    found = [
        step
        for statement, parameters in asked
        if "FROM records" in statement
        for step in steps(connection, statement, parameters)
    ]
    assert len(found) >= 2 + len(series_queries.VALUES)
    from_index = re.compile(r"SEARCH records USING COVERING INDEX|Index Only Scan records")
    assert [step for step in found if not from_index.match(step)] == []
