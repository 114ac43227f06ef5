"""A ward's year that never was, with planted facts; always the same.

Of the months from January to August 2025, as seen on `TODAY`: a line of 1 Gbit/s whose Wi-Fi
works, a house whose Wi-Fi stopped on the fifth of August, a line without data in March and April
whose probe is certified for less than the line, a house without a path over Wi-Fi, an office that
lost IPv6 on the first of July, one that has it, a 4G line, another ward that nobody measures. Of
the year before: February of one line.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from collector.ledger import registry
from collector.ledger.months import ensure_month
from collector.ledger.schema import carriers, lines, probe_paths, probes, records, sites
from tests.collector.record_rows import Row, record_row

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
YEAR: Final = 2025
TODAY: Final = date(2025, 9, 3)
MONTHS: Final = [f"2025-0{number}" for number in range(1, 9)]
WARD: Final = "Phường Thạch Khôi"
OTHER_WARD: Final = "Phường Chu Văn An"
CREATED: Final = datetime(2024, 1, 1, tzinfo=UTC)

_HOURS: Final = (3, 9, 19, 20, 21, 22)
"""Local hours of a day's tests: most of them in the evening, which standards ask for."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Planted:
    """A line and what is planted on it. Speeds in Mbit/s.

    Attributes:
        wifi_until: the last day on which a test over Wi-Fi gave a result; None: no such path.
        ipv6_until: the last day with IPv6; None: nobody looks.
        silent: months without any record.
    """

    id: str
    site: str
    name: str
    kind: str | None
    contracted: int | None
    rate: tuple[float, float]
    ward: str = WARD
    technology: str = "fibre"
    flags: str = ""
    wifi_until: date | None = None
    ipv6_until: date | None = None
    silent: frozenset[int] = field(default_factory=frozenset)
    records: bool = True


PLANTED: Final = (
    Planted("giga", "nvh-1", "Nhà văn hóa tổ dân phố số 1", "community_house", 1000, (930, 920),
            wifi_until=date(2025, 12, 31)),
    Planted("slow", "nvh-2", "Nhà văn hóa tổ dân phố số 2", "community_house", 300, (290, 150),
            wifi_until=date(2025, 8, 5)),
    Planted("gap", "nvh-3", "Nhà văn hóa tổ dân phố số 3", "community_house", 1000, (480, 470),
            flags="certified_ceiling", silent=frozenset({3, 4})),
    Planted("lost6", "ubnd", "Trụ sở UBND phường", "office", 500, (480, 470),
            ipv6_until=date(2025, 6, 30)),
    Planted("has6", "cong-an", "Trụ sở Công an phường", "office", None, (200, 190),
            ipv6_until=date(2025, 12, 31)),
    Planted("mobile", "diem-4g", "Điểm sinh hoạt cộng đồng", None, None, (52, 20),
            technology="4g"),
    Planted("nobody", "cva", "Nhà văn hóa khu Bắc", "community_house", 300, (0, 0),
            ward=OTHER_WARD, records=False),
)  # fmt: skip


def fill(connection: Connection) -> None:
    """Write the year into an empty ledger."""
    ensure_month(connection, datetime(2024, 1, 1, tzinfo=UTC), ahead=2)
    ensure_month(connection, datetime(2024, 12, 1, tzinfo=UTC), ahead=9)
    connection.execute(insert(carriers).values(id="a", name="Nhà mạng A", created_at=CREATED))
    for one in PLANTED:
        _register(connection, one)
        if one.records:
            connection.execute(insert(records), _numbered(one, _rows(one)))


def _register(connection: Connection, one: Planted) -> None:
    place = {"name": one.name, "ward": one.ward, "kind": one.kind, "address": "1 phố Bí Mật"}
    connection.execute(insert(sites).values(id=one.site, created_at=CREATED, **place))
    speed = one.contracted and one.contracted * 10**6
    row: Row = {
        "id": one.id,
        "site_id": one.site,
        "carrier_id": "a",
        "technology": one.technology,
    }
    row |= {"contracted_download_bits_per_second": speed}
    registry.add(connection, lines, row, CREATED)
    probe = f"probe-{one.id}"
    connection.execute(
        insert(probes).values(id=probe, site_id=one.site, enrolled_at=CREATED, created_at=CREATED)
    )
    ways: list[dict[str, str | None]] = [{"name": "eth0", "beside": None}]
    ways += [{"name": "wlan0", "beside": "eth0"}] if one.wifi_until else []
    for way in ways:
        of = {"probe_id": probe, "families": "4", "line_id": one.id}
        connection.execute(insert(probe_paths).values(**of, **way))


def _rows(one: Planted) -> list[Row]:
    found = []
    day = date(2025, 1, 1)
    while day < TODAY:
        if day.month not in one.silent:
            found += _day(one, day)
        day += _DAY
    if one.id == "giga":
        february = [date(2024, 2, 1) + number * _DAY for number in range(29)]
        found += [row for day in february for row in _day(one, day, 0.5)]
    return sorted(found, key=lambda row: row["measured_at"])


def _day(one: Planted, day: date, factor: float = 1.0) -> list[Row]:
    rows = [_speed(one, _at(day, hour), factor) for hour in _HOURS]
    for hour in (0, 8, 16):
        state = None
        if one.ipv6_until:
            state = "ready" if day <= one.ipv6_until else "no_answer"
        up = {"gateway_reached": True, "ipv4_reached": True, "ipv6_state": state}
        rows.append(record_row("reach", _at(day, hour), **up))
    if one.wifi_until:
        works = day <= one.wifi_until
        rows.append(
            record_row(
                "speed",
                _at(day, 12),
                path="wlan0",
                flags="wifi" if works else "",
                outcome="measured" if works else "failed",
                failure_code=None if works else "interface_missing",
                download_bits_per_second=120e6 if works else None,
            )
        )
    return rows


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour, 7 * day.day % 60), ZONE).astimezone(UTC)


def _speed(one: Planted, at: datetime, factor: float) -> Row:
    # A little around the rate, the same for the same moment.
    spread = factor * (1 + (at.day * 7 + at.hour * 3) % 11 / 500)
    down, up = (rate * 1e6 * spread for rate in one.rate)
    return record_row(
        "speed",
        at,
        flags=one.flags,
        download_bits_per_second=down,
        upload_bits_per_second=up,
        idle_latency_seconds=0.006,
        download_latency_seconds=0.02,
        upload_latency_seconds=0.03,
    )


def _numbered(one: Planted, rows: list[Row]) -> list[Row]:
    for seq, row in enumerate(rows):
        named = {"probe_id": f"probe-{one.id}", "chain": f"chain-{one.id}", "line_id": one.id}
        row |= {**named, "seq": seq, "hash": "0" * 64, "prev": "0" * 64, "line": b"{}"}
    return rows
