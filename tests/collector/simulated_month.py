"""A month of seven lines that never were, in a real ledger: always the same for the same seed.

The carriers are called A, B and C, as nothing here says anything of a real one. Lines are good and
measured often, below contract in the evening, failing now after a day without a probe, silent,
mobile and without a contracted speed, and only registered.
"""

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, pi
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from collector.ledger import registry
from collector.ledger.bookkeeping import series_of
from collector.ledger.months import ensure_month
from collector.ledger.schema import (
    SERIES_COLUMNS,
    carriers,
    chains,
    events,
    gaps,
    latest,
    lines,
    probe_paths,
    probes,
    quarantine,
    records,
    seals,
    sites,
)
from protocol.constants import GENESIS_HASH
from tests.collector.record_rows import Row, record_row

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 20, 13, 17, tzinfo=UTC)
DAYS = 30
SEED = 20261120


@dataclass(frozen=True)
class LineStory:
    """A line and what happens on it. Speeds in Mbit/s, latency in ms, hours before `NOW`."""

    id: str
    site: str
    ward: str | None
    carrier: str
    plan: str | None
    contracted: tuple[int, int] | None
    rate: tuple[float, float]
    latency: float
    evening_dip: float = 0.1
    tests_a_day: int = 8
    latency_every_minutes: int = 15
    technology: str = "fibre"
    failing_share: float = 0.01
    flags: str = ""
    probe_off_day: int | None = None
    outage_day: int | None = None
    failing_hours: float = 0.0
    silent_hours: float = 0.0
    records: bool = True


STORIES = (
    LineStory(
        id="tk-nvh1-a",
        site="Nhà văn hóa tổ dân phố số 1",
        ward="Phường Thạch Khôi",
        carrier="a",
        plan="Cáp quang 200",
        contracted=(200, 200),
        rate=(204, 201),
        latency=6,
        evening_dip=0.12,
        tests_a_day=48,
        latency_every_minutes=5,
        outage_day=9,
    ),
    LineStory(
        id="tk-nvh2-b",
        site="Nhà văn hóa tổ dân phố số 2",
        ward="Phường Thạch Khôi",
        carrier="b",
        plan="Gia đình 150",
        contracted=(150, 150),
        rate=(128, 131),
        latency=9,
        evening_dip=0.45,
        tests_a_day=24,
        failing_share=0.03,
        probe_off_day=14,
    ),
    LineStory(
        id="tk-ubnd-a",
        site="Trụ sở UBND phường Thạch Khôi",
        ward="Phường Thạch Khôi",
        carrier="a",
        plan="Doanh nghiệp 300",
        contracted=(300, 300),
        rate=(311, 308),
        latency=4,
        evening_dip=0.03,
    ),
    LineStory(
        id="cva-nvh-c",
        site="Nhà văn hóa khu dân cư Bắc",
        ward="Phường Chu Văn An",
        carrier="c",
        plan="Cáp quang 100",
        contracted=(100, 100),
        rate=(97, 95),
        latency=11,
        probe_off_day=6,
        failing_hours=9,
    ),
    LineStory(
        id="cva-thuvien-b",
        site="Thư viện phường Chu Văn An",
        ward="Phường Chu Văn An",
        carrier="b",
        plan="Gia đình 150",
        contracted=(150, 150),
        rate=(149, 150),
        latency=8,
        silent_hours=11,
    ),
    LineStory(
        id="cva-tram-5g",
        site="Điểm sinh hoạt cộng đồng Đông",
        ward="Phường Chu Văn An",
        carrier="c",
        plan=None,
        contracted=None,
        rate=(160, 38),
        latency=24,
        evening_dip=0.35,
        technology="5g",
        flags="wifi",
    ),
    LineStory(
        id="cva-nvh-nam-a",
        site="Nhà văn hóa khu dân cư Nam",
        ward="Phường Chu Văn An",
        carrier="a",
        plan="Cáp quang 200",
        contracted=(200, 200),
        rate=(0, 0),
        latency=0,
        records=False,
    ),
)


def fill(connection: Connection, stories: tuple[LineStory, ...] = STORIES) -> None:
    """Write the month into an empty ledger."""
    ensure_month(connection, NOW - timedelta(days=62), ahead=2)
    connection.execute(
        insert(carriers),
        [{"id": key, "name": f"Nhà mạng {key.upper()}", "created_at": NOW} for key in "abc"],
    )
    for number, story in enumerate(stories):
        _register(connection, story, number)
        if story.records:
            _write(connection, story, _slots(story), number)
    _trouble(connection)


def _register(connection: Connection, story: LineStory, number: int) -> None:
    created = NOW - timedelta(days=DAYS + 2)
    place = {"name": story.site, "ward": story.ward, "address": f"{number + 1} phố Không Có Thật"}
    connection.execute(
        insert(sites).values(id=f"site-{number}", latitude=20.9, created_at=created, **place)
    )
    down, up = story.contracted or (None, None)
    row = {
        "id": story.id,
        "site_id": f"site-{number}",
        "carrier_id": story.carrier,
        "technology": story.technology,
        "plan": story.plan,
        "contracted_download_bits_per_second": down and down * 10**6,
        "contracted_upload_bits_per_second": up and up * 10**6,
        "declared_download_bits_per_second": down and down * 10**6,
        "declared_upload_bits_per_second": up and up * 10**6,
    }
    registry.add(connection, lines, row, created)
    seen = NOW - timedelta(hours=story.silent_hours, seconds=40)
    connection.execute(
        insert(probes).values(
            id=f"probe-{number}",
            site_id=f"site-{number}",
            enrolled_at=created if story.records else None,
            software="linewatch 0.1.0",
            model="Raspberry Pi 5 Model B Rev 1.0",
            last_seen_at=seen if story.records else None,
            created_at=created,
        )
    )
    connection.execute(
        insert(probe_paths).values(
            probe_id=f"probe-{number}", name="eth0", families="4", line_id=story.id
        )
    )


def _slots(story: LineStory) -> list[Row]:
    """Return the line's records in the order of time, without their places in the chain."""
    dice = random.Random(f"{SEED} {story.id}")
    end = NOW - timedelta(hours=story.silent_hours)
    start = (NOW - timedelta(days=DAYS)).replace(hour=17, minute=0)
    found: list[Row] = []
    day_drift = 1.0
    for day in range(DAYS + 1):
        day_drift = 1 + (day_drift - 1) * 0.5 + dice.gauss(0, 0.015)
        begin = start + timedelta(days=day)
        step = timedelta(days=1) / story.tests_a_day
        for number in range(story.tests_a_day):
            at = begin + step * number + step * dice.uniform(0.05, 0.95)
            found.append(_speed(story, at, day_drift, dice))
        step = timedelta(minutes=story.latency_every_minutes)
        for number in range(int(timedelta(days=1) / step)):
            at = begin + step * number + step * dice.uniform(0.05, 0.95)
            found.append(_latency(story, at, dice))
    found = [row for row in found if row["measured_at"] < end]
    found.append(_reach(story, end - timedelta(seconds=70)))
    return sorted(found, key=lambda row: row["measured_at"])


def _load_at(at: datetime) -> float:
    """Return how busy the line's neighbourhood is, 0 to 1: most of all at 20:30."""
    local = at.astimezone(ZONE)
    hour = local.hour + local.minute / 60
    peak = max(0.0, cos((hour - 20.5) / 5 * pi / 2)) if abs(hour - 20.5) < 5 else 0.0
    return peak * (1.15 if local.weekday() >= 5 else 1.0)


def _without_result(story: LineStory, at: datetime) -> tuple[str, str] | None:
    """Return outcome and failure of a slot in which nothing could be measured."""
    days_ago = (NOW - at) / timedelta(days=1)
    local = at.astimezone(ZONE)
    if story.probe_off_day is not None and int(days_ago) == story.probe_off_day:
        return "missed", "probe_off"
    if story.outage_day is not None and int(days_ago) == story.outage_day and local.hour < 16:
        return "failed", "connect_timeout"
    if NOW - at < timedelta(hours=story.failing_hours):
        return "failed", "name_resolution"
    return None


def _speed(story: LineStory, at: datetime, drift: float, dice: random.Random) -> Row:
    nothing = _without_result(story, at)
    if nothing is None and dice.random() < story.failing_share:
        nothing = ("failed", dice.choice(["connection_lost", "stalled", "server_busy"]))
    if nothing is None and dice.random() < 0.004:
        nothing = ("skipped", "line_busy")
    if nothing:
        outcome, code = nothing
        started = at if outcome == "failed" else None
        return record_row("speed", at, outcome=outcome, failure_code=code, started_at=started)
    load = _load_at(at)
    dip = 1 - story.evening_dip * load * dice.uniform(0.7, 1.2)
    down, up = (rate * 1e6 * drift * dip * dice.gauss(1, 0.012) for rate in story.rate)
    flags = story.flags if dice.random() < 0.6 else ""
    if dice.random() < 0.03:
        flags = dice.choice(["cross_traffic", "device_cpu", "server_limited"])
        down *= dice.uniform(0.4, 0.8)
    idle = story.latency / 1e3 * (1 + 0.3 * load) * dice.uniform(0.95, 1.2)
    return record_row(
        "speed",
        at,
        flags=flags,
        download_bits_per_second=down,
        upload_bits_per_second=up,
        idle_latency_seconds=idle,
        download_latency_seconds=idle + dice.uniform(0.012, 0.03) * (1 + 2 * load),
        upload_latency_seconds=idle + dice.uniform(0.03, 0.06) * (1 + load),
        data_bytes=int((down + up) * 13 / 8),
    )


def _latency(story: LineStory, at: datetime, dice: random.Random) -> Row:
    nothing = _without_result(story, at)
    if nothing:
        outcome, code = nothing
        code = "no_replies" if outcome == "failed" else code
        started = at if outcome == "failed" else None
        return record_row("latency", at, outcome=outcome, failure_code=code, started_at=started)
    load = _load_at(at)
    trip = story.latency / 1e3 * (1 + 0.5 * load * dice.random()) + dice.expovariate(1 / 0.0012)
    if dice.random() < 0.004:
        trip += dice.uniform(0.05, 0.3)
    return record_row(
        "latency",
        at,
        round_trip_seconds=trip,
        delay_variation_seconds=trip * 0.2,
        lost_ratio=0.0 if dice.random() < 0.95 else dice.choice([1, 2, 3]) / 600,
    )


def _reach(story: LineStory, at: datetime) -> Row:
    return record_row(
        "reach",
        at,
        gateway_reached=True,
        ipv4_reached=not story.failing_hours,
        ip_version=None,
    )


def _write(connection: Connection, story: LineStory, rows: list[Row], number: int) -> None:
    previous = GENESIS_HASH
    probe, chain = f"probe-{number}", f"chain-{number}"
    for seq, row in enumerate(rows):
        content = {
            "schema": 1,
            "probe": probe,
            "chain": chain,
            "seq": seq,
            "prev": previous,
            "task": row["task"],
            "slot": row["slot"].isoformat(),
            "outcome": row["outcome"],
            "speed": {"download": row["download_bits_per_second"]},
            # Real records carry samples and conditions: their size counts for how fast pages are.
            "samples": "0" * (12_000 if row["task"] == "speed" else 3_000),
        }
        line = json.dumps(content).encode()
        row |= {"probe_id": probe, "chain": chain, "seq": seq, "prev": previous}
        row |= {"line_id": story.id, "line": line, "hash": hashlib.sha256(line).hexdigest()}
        previous = row["hash"]
    connection.execute(insert(records), rows)
    last = rows[-1]
    connection.execute(
        insert(chains).values(
            probe_id=probe,
            chain=chain,
            next_seq=len(rows),
            last_hash=previous,
            first_received_at=rows[0]["received_at"],
            last_received_at=last["received_at"],
        )
    )
    connection.execute(
        insert(seals).values(
            probe_id=probe,
            chain=chain,
            seq=last["seq"],
            hash=last["hash"],
            signature="A" * 86 + "==",
            public_key="B" * 43 + "=",
            received_at=last["received_at"],
        )
    )
    _note_latest(connection, story, probe)


def _note_latest(connection: Connection, story: LineStory, probe: str) -> None:
    query = (
        records.select()
        .with_only_columns(
            records.c.id,
            records.c.task,
            records.c.measured_at,
            records.c.received_at,
            *(records.c[name] for name in SERIES_COLUMNS),
        )
        .where(records.c.probe_id == probe)
        .order_by(records.c.measured_at)
    )
    found = connection.execute(query).mappings()
    newest = {(row["task"], series_of(row).key): row for row in found}
    connection.execute(
        insert(latest),
        [
            {
                "line_id": story.id,
                "task": task,
                "series": series,
                "probe_id": probe,
                "record_id": row["id"],
                "received_at": row["received_at"],
                "measured_at": row["measured_at"],
            }
            for (task, series), row in newest.items()
        ],
    )


def _trouble(connection: Connection) -> None:
    probe = {"probe_id": "probe-0", "chain": "chain-0"}
    connection.execute(
        insert(quarantine).values(
            **probe,
            seq=17,
            hash="c" * 64,
            prev="d" * 64,
            kind="fork",
            reason="the ledger has another record at this place of the chain, or before it",
            line=b"{}",
            received_at=NOW - timedelta(hours=3),
        )
    )
    connection.execute(
        insert(gaps).values(
            **probe, from_seq=4, to_seq=9, filled=2, noticed_at=NOW - timedelta(days=2)
        )
    )
    connection.execute(
        insert(events).values(
            kind="bad_token",
            probe_id="",
            day=NOW.date().isoformat(),
            count=3,
            first_at=NOW - timedelta(hours=5),
            last_at=NOW - timedelta(hours=1),
            detail="not a token (Not enough segments)",
        )
    )
