"""`/metrics`: what the ledger holds, read from it, and what the running collector does.

Conservation laws that an alert should watch:

- slots = measured + failed + skipped + missed: what the chains say came, less
  `linewatch_collector_slots_total` of all outcomes (`linewatch_collector_slots_unaccounted` is the
  difference and stays 0);
- received = stored + duplicate + quarantined
  (`linewatch_collector_records_unaccounted` is the difference and stays 0).
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from secrets import compare_digest

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import RowMapping

from collector import keys
from collector.api.bodies import BODIES, BodyBudget
from collector.api.problems import RefusedError
from collector.domain.standing import standing
from collector.errors import LedgerError
from collector.ledger.database import Database
from collector.ledger.events import EventKind
from collector.ledger.figures import VALUE_COLUMNS, Figures, current, read_figures, value_of
from collector.ledger.schema import SERIES_COLUMNS
from collector.ledger.writer import Writer
from collector.serving import DOORS, Door
from collector.settings import MetricsSettings
from protocol.results import Ipv6State

METRICS_PATH = "/metrics"

_LOOPBACK = ("127.", "::1", "::ffff:127.")
_RESULTS = ("stored", "duplicate", "quarantined")
_VALUES_HELP = {
    "download_bits_per_second": "Download of a line's latest speed test.",
    "upload_bits_per_second": "Upload of a line's latest speed test.",
    "idle_latency_seconds": "Median round trip of the latest speed test, line idle.",
    "download_latency_seconds": "Median round trip of the latest speed test, downloading.",
    "upload_latency_seconds": "Median round trip of the latest speed test, uploading.",
    "round_trip_seconds": "Median round trip of the latest latency test.",
    "delay_variation_seconds": "95th percentile of the delay above the least, latest latency test.",
    "lost_ratio": "Lost packets of the latest latency test, 0 to 1.",
    "gateway_reached": "1: the gateway answered at the latest reach test.",
    "dns_reached": "1: a name server answered at the latest reach test.",
    "ipv4_reached": "1: any far end answered over IPv4 at the latest reach test.",
    "ipv6_reached": "1: any far end answered over IPv6 at the latest reach test.",
    "server_reached": "1: the measurement server answered at the latest reach test.",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LedgerMetrics(Collector):
    """Figures read from the ledger, at most once in some seconds; they survive a restart.

    Args:
        database: the ledger.
        settings: how old a latest value may be, and how long figures are kept.
        now: the clock.
    """

    def __init__(
        self, database: Database, settings: MetricsSettings, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._figures: Figures | None = None
        self._read_at = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield the families. Where the ledger cannot be read there are none but its state."""
        try:
            figures = self._fresh()
        except LedgerError:
            yield _gauge("linewatch_collector_ledger_readable", "1: the ledger answers.", 0)
            return
        yield _gauge("linewatch_collector_ledger_readable", "1: the ledger answers.", 1)
        now = self._now()
        yield from _line_families(figures, now, self._settings.latest_hours * 3600)
        yield from _probe_families(figures, now)
        yield from _ingest_families(figures)

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: registering must not read the ledger."""
        return iter(())

    def _fresh(self) -> Figures:
        with self._lock:
            if (
                self._figures is None
                or time.monotonic() - self._read_at > self._settings.cache_seconds
            ):
                self._figures = self._database.read_now(read_figures)
                self._read_at = time.monotonic()
            return self._figures


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _line_families(figures: Figures, now: datetime, latest_seconds: float) -> Iterator[Metric]:
    named = ("line", "site", "carrier")
    of = {row["id"]: (row["id"], row["site_id"], row["carrier_id"]) for row in figures.lines}
    info = GaugeMetricFamily(
        "linewatch_line_info",
        "1 for every line, with what the registry says of it.",
        labels=(*named, "ward", "technology"),
    )
    contracted = {
        way: GaugeMetricFamily(
            f"linewatch_line_contracted_{way}_bits_per_second",
            f"The {way} that the line's contract promises.",
            labels=named,
        )
        for way in ("download", "upload")
    }
    for row in figures.lines:
        info.add_metric([*of[row["id"]], row["ward"] or "", row["technology"]], 1)
        for way, family in contracted.items():
            if (speed := row[f"contracted_{way}_bits_per_second"]) is not None:
                family.add_metric(of[row["id"]], speed)
    yield info
    yield from contracted.values()
    shown = current(figures, now, latest_seconds)
    for column in VALUE_COLUMNS:
        family = GaugeMetricFamily(
            f"linewatch_{column}", _VALUES_HELP[column], labels=(*named, *_RESULT_LABELS)
        )
        for row in shown:
            if (value := value_of(row, column)) is not None:
                family.add_metric([*of[row["line_id"]], *_result(row)], value)
        yield family
    yield _ipv6_ready(shown, of)
    yield _ages(figures, now, of)


_SERIES_LABELS = ("probe", "path", "method", "method_version", "profile", "ip_version", "server")
_RESULT_LABELS = (*_SERIES_LABELS, "counts_as")


def _result(row: RowMapping) -> list[str]:
    """Return the labels that keep one series from another, and say what a result is a value of."""
    series = ["" if row[name] is None else str(row[name]) for name in SERIES_COLUMNS]
    return [*series, standing(row["flags"]).value]


def _ipv6_ready(
    shown: Sequence[RowMapping], of: dict[str, tuple[str, str, str]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "linewatch_ipv6_ready",
        "1: IPv6 worked at the latest reach test; 0: not, for the reason in its label.",
        labels=("line", "site", "carrier", "probe", "path", "state"),
    )
    for row in shown:
        state = row["ipv6_state"]
        if state is not None and state != Ipv6State.UNKNOWN:
            ready = state in (Ipv6State.READY, Ipv6State.SLOWER)
            family.add_metric(
                [*of[row["line_id"]], row["probe_id"], row["path"], state], float(ready)
            )
    return family


def _ages(
    figures: Figures, now: datetime, of: dict[str, tuple[str, str, str]]
) -> GaugeMetricFamily:
    newest: dict[tuple[str, str], datetime] = {}
    for row in figures.newest:
        key = (row["line_id"], row["task"])
        newest[key] = max(newest.get(key, row["measured_at"]), row["measured_at"])
    family = GaugeMetricFamily(
        "linewatch_line_last_record_age_seconds",
        "Since the line's newest record of a task, whatever its outcome.",
        labels=("line", "site", "carrier", "task"),
    )
    for (line, task), moment in newest.items():
        family.add_metric([*of[line], task], max((now - moment).total_seconds(), 0.0))
    return family


def _probe_families(figures: Figures, now: datetime) -> Iterator[Metric]:
    states = {"waiting": 0, "enrolled": 0, "revoked": 0}
    seen = GaugeMetricFamily(
        "linewatch_probe_last_seen_age_seconds",
        "Since the probe's last request with a good token.",
        labels=("probe",),
    )
    for row in figures.probes:
        enrolled = "enrolled" if row["public_key"] else "waiting"
        states["revoked" if row["revoked_at"] else enrolled] += 1
        if row["last_seen_at"] is not None:
            seen.add_metric([row["id"]], max((now - row["last_seen_at"]).total_seconds(), 0.0))
    probes = GaugeMetricFamily(
        "linewatch_collector_probes",
        "Registered probes: waiting for their code to be used, enrolled, revoked.",
        labels=("state",),
    )
    for state, count in states.items():
        probes.add_metric([state], count)
    yield probes
    yield seen


def _ingest_families(figures: Figures) -> Iterator[Metric]:
    slots = CounterMetricFamily(
        "linewatch_collector_slots",
        "Slots by how they ended, as far as their records are stored.",
        labels=("probe", "path", "task", "outcome"),
    )
    for row in figures.outcomes:
        slots.add_metric(
            [row["probe_id"], row["path"], row["task"], row["outcome"]], row["records"]
        )
    received = CounterMetricFamily(
        "linewatch_collector_records_received", "Records taken from probes.", labels=("probe",)
    )
    results = CounterMetricFamily(
        "linewatch_collector_records",
        "Records taken, by what became of them: stored, duplicate, quarantined.",
        labels=("probe", "result"),
    )
    unaccounted = 0
    for row in figures.ingest:
        received.add_metric([row["probe_id"]], row["received"])
        for result in _RESULTS:
            results.add_metric([row["probe_id"], result], row[result])
        unaccounted += row["received"] - sum(row[result] for result in _RESULTS)
    yield slots
    adrift = GaugeMetricFamily(
        "linewatch_collector_slots_unaccounted",
        "Chains' places - missing - tombstones - invalid - slots of all outcomes: anything but 0 "
        "is a defect.",
        labels=("probe",),
    )
    for probe, count in figures.unaccounted_slots.items():
        adrift.add_metric([probe], count)
    yield adrift
    yield received
    yield results
    yield _gauge(
        "linewatch_collector_records_unaccounted",
        "received - stored - duplicate - quarantined: anything but 0 is a defect.",
        unaccounted,
    )
    happened = CounterMetricFamily(
        "linewatch_collector_events", "What was refused or is at odds, by kind.", labels=("kind",)
    )
    for event in EventKind:
        happened.add_metric([event.value], figures.events.get(event.value, 0))
    yield happened
    kept = GaugeMetricFamily(
        "linewatch_collector_quarantine_records",
        "Records that are kept apart, by why.",
        labels=("kind",),
    )
    for kind in ("fork", "late", "invalid"):
        kept.add_metric([kind], figures.quarantine.get(kind, 0))
    yield kept
    yield _gauge(
        "linewatch_collector_gap_records",
        "Records that are missing in the chains.",
        figures.missing_records,
    )
    yield _gauge(
        "linewatch_collector_forked_chains",
        "Chains that records at odds with them came for.",
        figures.forked_chains,
    )


class ProcessMetrics(Collector):
    """What the running collector's writer and door do; begins at 0 with each start.

    Args:
        writer: of the ledger.
        bodies: the requests' bodies.
        doors: the door, once it is open.
    """

    def __init__(self, writer: Writer, bodies: BodyBudget, doors: list[Door]) -> None:
        self._writer = writer
        self._bodies = bodies
        self._doors = doors

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        writer = self._writer
        counts = writer.counts
        for name, text, value in (
            ("queue_jobs", "Jobs that wait for the ledger's writer.", writer.queued_jobs),
            ("queue_bytes", "Memory that waiting jobs hold.", writer.queued_bytes),
            ("failing", "1: the last attempt to write the ledger failed.", int(counts.failing)),
        ):
            yield _gauge(f"linewatch_collector_writer_{name}", text, value)
        for name, text, number in (
            ("commits", "Transactions committed.", counts.commits),
            ("jobs", "Jobs in committed transactions.", counts.jobs),
            ("failures", "Transactions that could not be committed.", counts.failures),
            ("refused", "Jobs refused because too much waited.", counts.refused),
            ("busy_seconds", "Time spent in committed transactions.", counts.commit_seconds),
        ):
            yield CounterMetricFamily(f"linewatch_collector_writer_{name}", text, value=number)
        yield _gauge(
            "linewatch_collector_body_bytes",
            "Memory that bodies hold until they are checked.",
            self._bodies.held_bytes,
        )
        yield CounterMetricFamily(
            "linewatch_collector_bodies_refused",
            "Bodies refused because too many were held at once, in all or of one probe.",
            value=self._bodies.refused,
        )
        for door in self._doors:
            yield _gauge("linewatch_collector_connections", "Open connections.", door.counts.open)
            yield CounterMetricFamily(
                "linewatch_collector_connections_refused",
                "Connections refused: too many, in all or of one address.",
                value=door.counts.refused,
            )
            yield CounterMetricFamily(
                "linewatch_collector_connections_evicted",
                "Idle connections closed to make room for new ones.",
                value=door.counts.evicted,
            )

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the doors are not open yet."""
        return iter(())


REGISTRY = web.AppKey("metrics_registry", CollectorRegistry)
_SECONDS = web.AppKey("request_seconds", Histogram)


def add_metrics(app: web.Application, settings: MetricsSettings) -> None:
    """Make the application's metrics and their resource. It has the keys of `collector.keys`."""
    registry = app[REGISTRY] = CollectorRegistry()
    registry.register(LedgerMetrics(app[keys.DATABASE], settings, app[keys.NOW]))
    registry.register(ProcessMetrics(app[keys.WRITER], app[BODIES], app[DOORS]))
    app[_SECONDS] = Histogram(
        "linewatch_collector_request_seconds",
        "Requests, by resource, method and status (499: the sender went away in mid-body): how "
        "long until the answer was ready.",
        ("resource", "method", "status"),
        registry=registry,
    )
    app.router.add_get(METRICS_PATH, get_metrics)


@web.middleware
async def time_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Measure how long an answer takes. Outermost, so that refusals are answers already."""
    began = time.monotonic()
    status = HTTPStatus.INTERNAL_SERVER_ERROR.value
    try:
        answer = await handler(request)
        status = answer.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        # The route's pattern, not the path: else anybody could make series without end.
        resource = request.match_info.route.resource
        name = resource.canonical if resource else "other"
        method = request.method if request.method in hdrs.METH_ALL else "other"
        seconds = request.app[_SECONDS].labels(name, method, str(status))
        seconds.observe(time.monotonic() - began)
    return answer


async def get_metrics(request: web.Request) -> web.Response:
    """Return the metrics in Prometheus' text format.

    Raises:
        RefusedError: 401, the reader has no right to them.
    """
    _refuse_strangers(request)
    registry = request.app[REGISTRY]
    text = await asyncio.to_thread(generate_latest, registry)
    return web.Response(body=text, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})


def _refuse_strangers(request: web.Request) -> None:
    token = request.app[keys.SETTINGS].metrics.token
    if token is not None:
        given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")[2].strip()
        if compare_digest(given.encode(), token.get_secret_value().encode()):
            return
    elif (request.remote or "").startswith(_LOOPBACK) and "X-Forwarded-For" not in request.headers:
        return
    raise RefusedError(
        HTTPStatus.UNAUTHORIZED,
        "metrics are for programs on this machine, or with collector.metrics.token as Bearer",
        headers={hdrs.WWW_AUTHENTICATE: "Bearer"},
    )
