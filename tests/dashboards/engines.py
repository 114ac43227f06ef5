"""Real engines that a simulated fleet has filled, as a city's would be.

One real collector takes the fleet's batches; its sinks write to a VictoriaMetrics and an InfluxDB;
a Prometheus scrapes its `/metrics`, which the VictoriaMetrics gets too. The collector's clock then
stands at the fleet's last moment, so that its newest values are new.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp

from collector.app import build
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.serving import serve
from collector.settings import CollectorSettings
from simulate import Fleet, FleetPlan, rhythm
from simulate.sending import Sender, parcel
from tests.services import (
    Service,
    fetch,
    influxdb,
    influxql,
    prometheus,
    promql,
    victoria_metrics,
)

PLAN: Final = FleetPlan(
    probes=13,
    days=31,
    seed=16,
    start=date(2026, 10, 1),
    schedule=rhythm(4, 14_400, 10_800),
    trouble=5.0,
    batch_records=200,
)
"""Two wards, four carriers, three technologies, both families, Wi-Fi alone and beside a cable,
lines below contract, outages, power cuts."""

ENDS: Final = datetime.fromtimestamp(PLAN.ends, UTC)
DATABASE: Final = "linewatch"
STEP: Final = timedelta(hours=6)
BEGINS: Final = datetime.fromtimestamp(PLAN.begins, UTC).replace(hour=12)
"""Steps lie on whole multiples of their length in both languages: 12 h UTC is before midnight in
Viet Nam, when the fleet begins."""
UNTIL: Final = BEGINS + timedelta(PLAN.days) + STEP

_WAIT_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
_SINKS: Final = 2
_SCRAPES: Final = 3
_IMPORT_SPACING: Final = timedelta(seconds=15)

_RULES: Final = """\
groups:
  - name: shown
    rules:
      - {alert: LineDown, expr: 'max by (line, site, carrier) (linewatch_line_info)'}
      - {alert: ProbeSilent, expr: linewatch_probe_last_seen_age_seconds >= 0}
      - {alert: CarrierOutageInWard, expr: 'max by (carrier, ward) (linewatch_line_info)'}
      - {alert: CollectorDown, expr: up}
"""
"""Alerts with the labels of the true ones, which fire for all at once."""

_PROMETHEUS: Final = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: linewatch-collector
    static_configs: [{{targets: ['{target}']}}]
"""


@dataclass(frozen=True)
class Engines:
    """The filled engines.

    Attributes:
        scraped_at: when Prometheus and VictoriaMetrics had `/metrics` some times.
        metrics: what `/metrics` said.
    """

    victoria: Service
    influx: Service
    prometheus: Service
    scraped_at: datetime
    metrics: str

    def influxql(self, query: str) -> list[dict[str, Any]]:
        """Return the series that InfluxDB answers."""
        return influxql(self.influx.url, query, DATABASE)


@contextmanager
def filled(folder: Path) -> Iterator[Engines]:
    """Run the engines, filled, until the block ends."""
    with contextlib.ExitStack() as stack:
        victoria = stack.enter_context(victoria_metrics(folder / "victoria"))
        influx = stack.enter_context(influxdb(folder / "influx"))
        influxql(influx.url, f"CREATE DATABASE {DATABASE}")
        rules = folder / "rules.yml"
        rules.write_text(_RULES)
        yield asyncio.run(_fill(stack, folder, victoria, influx, rules))


async def _fill(
    stack: contextlib.ExitStack, folder: Path, victoria: Service, influx: Service, rules: Path
) -> Engines:
    clock: list[datetime] = []
    async with _collector(folder, victoria, influx, clock) as (url, database):
        fleet = Fleet(PLAN)
        content = RegistryFile.model_validate_json(json.dumps(fleet.registry()))
        with database.write() as connection:
            import_registry(connection, content, datetime.now(UTC))
        await Sender([url], fleet.keys()).send(parcel(batch) for batch in fleet.batches())
        sinks = r"^linewatch_sink_lag_records\{.*\} 0\.0$"
        await _until(lambda text: len(re.findall(sinks, text, re.MULTILINE)) == _SINKS, url)
        victoria.flush()
        clock.append(ENDS)
        # What was read ahead at the true time gives way to what is read at the fleet's.
        await _until(lambda text: "linewatch_ipv4_reached{" in text, url)
        configuration = _PROMETHEUS.format(rules=rules, target=url.removeprefix("http://"))
        scraper = stack.enter_context(
            prometheus(folder / "prometheus", configuration=configuration)
        )
        await asyncio.to_thread(_scraped, scraper)
        text = await _import(victoria, url)
        return Engines(victoria, influx, scraper, datetime.now(UTC), text)


async def _until(holds: Callable[[str], bool], url: str) -> str:
    """Return `/metrics` once it holds.

    Raises:
        TimeoutError: it did not for `_WAIT_SECONDS`.
    """
    async with asyncio.timeout(_WAIT_SECONDS):
        while True:
            text = await asyncio.to_thread(fetch, f"{url}/metrics")
            if holds(text):
                return text
            await asyncio.sleep(_POLL_SECONDS)


def _scraped(scraper: Service) -> None:
    """Return once Prometheus has scraped some times, and its rules were looked at after that."""
    ends = time.monotonic() + _WAIT_SECONDS
    asked = f"count_over_time(linewatch_collector_ledger_readable[1m]) >= {_SCRAPES}"
    while not (promql(scraper.url, asked) and promql(scraper.url, 'ALERTS{alertstate="firing"}')):
        assert time.monotonic() < ends
        time.sleep(_POLL_SECONDS)


async def _import(victoria: Service, url: str) -> str:
    """Give VictoriaMetrics `/metrics` some times, as if it had scraped it of two collectors of one
    ledger; return the last.
    """
    now = datetime.now(UTC)
    async with aiohttp.ClientSession() as client:
        for number in reversed(range(_SCRAPES)):
            text = await asyncio.to_thread(fetch, f"{url}/metrics")
            moment = int((now - number * _IMPORT_SPACING).timestamp() * 1000)
            for instance in ("one:8000", "two:8000"):
                labels = f"extra_label=job=linewatch-collector&extra_label=instance={instance}"
                place = f"{victoria.url}/api/v1/import/prometheus?timestamp={moment}&{labels}"
                async with client.post(place, data=text.encode()) as answer:
                    assert answer.status == HTTPStatus.NO_CONTENT, await answer.text()
    victoria.flush()
    return text


@asynccontextmanager
async def _collector(
    folder: Path, victoria: Service, influx: Service, clock: list[datetime]
) -> AsyncIterator[tuple[str, Database]]:
    """Run a collector whose clock stands still once it is told when."""
    settings = CollectorSettings.model_validate(
        {
            "listen": "127.0.0.1:0",
            "ledger": {"path": str(folder / "ledger.sqlite")},
            "metrics": {"cache_seconds": 0.1},
            "sinks": {
                "influxdb": [
                    {"name": "victoria", "url": victoria.url},
                    {"name": "influx", "url": influx.url, "version": 1, "bucket": DATABASE},
                ]
            },
        }
    )
    database = Database(settings.ledger)
    migrate(database)
    app = build(settings, database, now=lambda: clock[-1] if clock else datetime.now(UTC))
    serving = await serve(app, settings)
    try:
        yield serving.url, database
    finally:
        await serving.stop()
        database.close()
