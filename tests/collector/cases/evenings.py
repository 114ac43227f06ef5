"""Speed tests of evenings in a ledger: as many days as asked, at a rate of each day's own."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random

from sqlalchemy import Connection, insert

from collector.ledger.months import ensure_month
from collector.ledger.schema import probes, records
from protocol.constants import GENESIS_HASH
from tests.collector.cases.conftest import NOW, ZONE
from tests.collector.record_rows import record_row

HOURS = (19, 20, 21, 22)


def add_evenings(
    connection: Connection,
    line: str,
    first: date,
    last: date,
    rate: Callable[[date], float],
    seed: int = 1,
) -> None:
    """Store four speed tests of each evening, around the day's rate in bit/s."""
    chance = Random(f"{seed} {line}")
    probe = f"probe-{line}"
    ensure_month(connection, datetime.combine(first, time(), ZONE), ahead=4)
    if not connection.execute(probes.select().where(probes.c.id == probe)).first():
        connection.execute(insert(probes).values(id=probe, site_id="nvh-1", created_at=NOW))
    rows = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        of_day = rate(day) * (1 + chance.gauss(0, 0.03))
        for hour in HOURS:
            at = datetime.combine(day, time(hour, chance.randrange(60)), ZONE)
            download = of_day * (1 + chance.gauss(0, 0.03))
            seq = int(at.timestamp())
            mark = {"probe_id": probe, "chain": f"c-{line}", "seq": seq, "line_id": line}
            digest = hashlib.sha256(f"{line} {seq}".encode()).hexdigest()
            told = record_row("speed", at, download_bits_per_second=download)
            told["upload_bits_per_second"] = download
            rows.append(told | mark | {"hash": digest, "prev": GENESIS_HASH, "line": b"{}"})
    connection.execute(insert(records), rows)
