"""What a year asks of the ledger: ways over Wi-Fi, days of IPv6, also where clocks change."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, insert, update

from collector.ledger.database import Database
from collector.ledger.months import ensure_month
from collector.ledger.schema import probe_paths, probes, records
from collector.ledger.year_rows import (
    WifiWay,
    has_tests,
    read_ipv6_days,
    read_site_lines,
    read_wifi_days,
    read_wifi_ways,
)
from tests.collector.conftest import ON_BOTH, NewLedger, fill_registry

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2025, 10, 1, tzinfo=UTC)
SPAN = (datetime(2025, 10, 1, tzinfo=BERLIN), datetime(2025, 11, 1, tzinfo=BERLIN))
WAY = WifiWay("nvh-1", "p1", "wlan0", "l1")


@pytest.fixture
def database(new_ledger: NewLedger) -> Iterator[Database]:
    """Yield a ledger with a probe of two ways on the line l1."""
    with contextlib.closing(Database(new_ledger())) as made:
        fill_registry(made, START)
        with made.write() as connection:
            ensure_month(connection, START - timedelta(days=2), ahead=3)
            row = {"id": "p1", "site_id": "nvh-1", "created_at": START}
            connection.execute(insert(probes).values(**row))
            for name, beside in (("eth0", None), ("wlan0", "eth0")):
                of = {"probe_id": "p1", "line_id": "l1", "families": "4"}
                connection.execute(insert(probe_paths).values(name=name, beside=beside, **of))
        yield made


def store(connection: Connection, moments: list[datetime], **values: Any) -> None:
    """Store a record of each moment."""
    common = {
        "probe_id": "p1",
        "chain": values.pop("chain", "c"),
        "hash": "0" * 64,
        "prev": "0" * 64,
        "path": "eth0",
        "line_id": "l1",
        "time_quality": "kernel",
        "outcome": "measured",
        "flags": "",
        "line": b"{}",
    }
    rows = [
        {**common, **values, "seq": seq, "measured_at": at, "received_at": at}
        for seq, at in enumerate(moments)
    ]
    connection.execute(insert(records), rows)


@ON_BOTH
def test_each_check_is_of_its_local_day(database: Database) -> None:
    """On the day of 25 hours there is one hour more; days before and behind have their 24."""
    first = SPAN[0].astimezone(UTC)
    hours = [first + timedelta(hours=number) for number in range(31 * 24 + 1)]
    with database.write() as connection:
        store(connection, hours, task="reach", ipv6_state="ready")
        store(connection, hours[:3], task="reach", ipv6_state="no_route", chain="d")
        elsewhere = {"flags": "other_carrier", "chain": "e"}
        store(connection, hours, task="reach", ipv6_state="no_name", **elsewhere)
        store(connection, hours, task="reach", ipv6_state=None, chain="f")
        unknown = {"time_quality": "none", "chain": "g"}
        store(connection, hours, task="reach", ipv6_state="no_name", **unknown)
    days = (date(2025, 10, 1), date(2025, 11, 1))
    found = database.read_now(lambda c: read_ipv6_days(c, "l1", days, BERLIN))
    assert sorted(found) == [date(2025, 10, number) for number in range(1, 32)]
    assert found.pop(date(2025, 10, 26)) == {"ready": 25}
    assert found.pop(date(2025, 10, 1)) == {"ready": 24, "no_route": 3}
    assert all(states == {"ready": 24} for states in found.values())


@ON_BOTH
def test_wifi_is_what_went_that_way(database: Database) -> None:
    """A failed test was tried; one that left by another carrier says nothing."""
    noon = [SPAN[0].astimezone(UTC) + timedelta(days=number, hours=12) for number in range(6)]
    over = {"task": "speed", "path": "wlan0", "download_bits_per_second": 80e6}
    with database.write() as connection:
        store(connection, noon[:2], flags="wifi", **over)
        store(connection, noon[2:3], flags="certified_ceiling wifi", chain="d", **over)
        failed = over | {"download_bits_per_second": None, "outcome": "failed"}
        store(connection, noon[3:4], chain="e", **failed)
        store(connection, noon[4:5], flags="other_carrier wifi", chain="f", **over)
        store(connection, noon[5:], chain="g", **over | {"path": "eth0"})
    assert database.read_now(read_wifi_ways) == [WAY]
    found = database.read_now(lambda c: read_wifi_days(c, WAY, SPAN, BERLIN))
    assert sorted(day.day for day in found.measured) == [1, 2, 3]
    assert sorted(day.day for day in found.tried) == [1, 2, 3, 4]
    assert list(found.downloads) == [80e6] * 3
    with database.write() as connection:
        connection.execute(update(probes).values(revoked_at=START))
    assert database.read_now(read_wifi_ways) == []


@ON_BOTH
def test_a_line_has_tests_of_a_time_or_has_not(database: Database) -> None:
    """The end is not of it; another line's are not its own."""
    with database.write() as connection:
        store(connection, [SPAN[1].astimezone(UTC)], task="speed")

    def has(line: str, end: datetime) -> bool:
        return database.read_now(lambda c: has_tests(c, [line], SPAN[0], end))

    assert not has("l1", SPAN[1])
    assert has("l1", SPAN[1] + timedelta(seconds=1))
    assert not has("l2", SPAN[1] + timedelta(seconds=1))


@ON_BOTH
def test_a_line_is_given_up_when_all_its_probes_are_refused(database: Database) -> None:
    """At the last one's moment; a probe that took another's place keeps the line."""
    ends = [START + timedelta(days=days) for days in (3, 9)]

    def given_up() -> datetime | None:
        found = database.read_now(lambda c: read_site_lines(c, {"nvh-1"}))
        (line,) = (one for one in found if one.id == "l1")
        return line.given_up_at

    assert given_up() is None
    with database.write() as connection:
        row = {"id": "p2", "site_id": "nvh-1", "created_at": START, "revoked_at": ends[1]}
        connection.execute(insert(probes).values(**row))
        of = {"probe_id": "p2", "line_id": "l1", "families": "4"}
        connection.execute(insert(probe_paths).values(name="eth0", **of))
    assert given_up() is None
    with database.write() as connection:
        connection.execute(update(probes).where(probes.c.id == "p1").values(revoked_at=ends[0]))
    assert given_up() == ends[1]
