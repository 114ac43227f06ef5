"""What `/metrics` says of the ledger: the newest values of every line, and conservation laws.

Laws that an alert should watch:

- slots = measured + failed + skipped + missed: what the chains say came, less
  `linewatch_collector_slots_total` of all outcomes (`linewatch_collector_slots_unaccounted` is the
  difference and stays 0);
- received = stored + duplicate + quarantined
  (`linewatch_collector_records_unaccounted` is the difference and stays 0).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from collector.domain.standing import standing
from collector.ledger.events import EventKind
from collector.ledger.figures import VALUE_COLUMNS, Figures, current, value_of
from collector.ledger.schema import SERIES_COLUMNS
from collector.metrics.exposition import Family, labels
from protocol.results import Ipv6State

DISK_FREE = "Room on the disk of the ledger's file; of PostgreSQL, in collector.ledger.room_bytes."
DISK_SIZE = "Size of the disk of the ledger's file; of PostgreSQL, collector.ledger.room_bytes."

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

_LINE_LABELS = ("line", "site", "carrier")
_SERIES_LABELS = ("probe", "path", "method", "method_version", "profile", "ip_version", "server")

_Lines = Mapping[str, tuple[str, str, str]]
"""Line, site and carrier of each line, by its id."""


def ledger_families(figures: Figures, now: datetime, latest_seconds: float) -> list[Family]:
    """Return all families that come of the ledger's figures.

    Args:
        figures: as they were read.
        now: this moment.
        latest_seconds: how old a line's latest value may be.
    """
    of = {row["id"]: (row["id"], row["site_id"], row["carrier_id"]) for row in figures.lines}
    shown = current(figures, now, latest_seconds)
    return [
        *_registered(figures, of),
        *_values(shown, of),
        _ipv6_ready(shown, of),
        _ages(figures, now, of),
        *_probes(figures, now),
        *_slots(figures),
        *_records(figures),
        *_at_odds(figures),
    ]


def room_families(size_bytes: int, room_bytes: int | None) -> Iterator[Family]:
    """Yield what the ledger takes, and what is left of its room where that is known.

    Args:
        size_bytes: what its database takes.
        room_bytes: what it may take.
    """
    yield _one("linewatch_collector_ledger_bytes", "What the ledger's database takes.", size_bytes)
    if room_bytes is not None:
        free = max(0, room_bytes - size_bytes)
        yield _one("linewatch_collector_disk_free_bytes", DISK_FREE, free)
        yield _one("linewatch_collector_disk_size_bytes", DISK_SIZE, room_bytes)


def _registered(figures: Figures, of: _Lines) -> Iterator[Family]:
    info = Family("linewatch_line_info", "1 for every line, with what the registry says of it.")
    contracted = {
        way: Family(
            f"linewatch_line_contracted_{way}_bits_per_second",
            f"The {way} that the line's contract promises.",
        )
        for way in ("download", "upload")
    }
    for row in figures.lines:
        named = of[row["id"]]
        more = (row["ward"] or "", row["technology"])
        info.add(1, labels((*_LINE_LABELS, "ward", "technology"), (*named, *more)))
        for way, family in contracted.items():
            if (speed := row[f"contracted_{way}_bits_per_second"]) is not None:
                family.add(speed, labels(_LINE_LABELS, named))
    yield info
    yield from contracted.values()


def _values(shown: Sequence[RowMapping], of: _Lines) -> list[Family]:
    families = {
        column: Family(f"linewatch_{column}", _VALUES_HELP[column]) for column in VALUE_COLUMNS
    }
    # Who asks again and again has to know which results it has seen before.
    moments = Family(
        "linewatch_speed_test_timestamp_seconds", "When a line's latest speed test was measured."
    )
    names = (*_LINE_LABELS, *_SERIES_LABELS, "counts_as")
    for row in shown:
        # Keep one series from another, and say what a result is a value of.
        series = ["" if row[name] is None else str(row[name]) for name in SERIES_COLUMNS]
        labelled = labels(names, (*of[row["line_id"]], *series, standing(row["flags"]).value))
        for column, family in families.items():
            if (value := value_of(row, column)) is not None:
                family.add(value, labelled)
        if row["task"] == "speed":
            moments.add(row["measured_at"].timestamp(), labelled)
    return [*families.values(), moments]


def _ipv6_ready(shown: Sequence[RowMapping], of: _Lines) -> Family:
    family = Family(
        "linewatch_ipv6_ready",
        "1: IPv6 worked at the latest reach test; 0: not, for the reason in its label.",
    )
    names = (*_LINE_LABELS, "probe", "path", "state")
    for row in shown:
        state = row["ipv6_state"]
        if state is not None and state != Ipv6State.UNKNOWN:
            ready = state in (Ipv6State.READY, Ipv6State.SLOWER)
            values = (*of[row["line_id"]], row["probe_id"], row["path"], state)
            family.add(ready, labels(names, values))
    return family


def _ages(figures: Figures, now: datetime, of: _Lines) -> Family:
    newest: dict[tuple[str, str], datetime] = {}
    for row in figures.newest:
        if row["line_id"] not in figures.measured_lines:
            # It was given up: nobody waits for it.
            continue
        key = (row["line_id"], row["task"])
        newest[key] = max(newest.get(key, row["measured_at"]), row["measured_at"])
    family = Family(
        "linewatch_line_last_record_age_seconds",
        "Since the newest record of a task of a line that is measured, whatever its outcome.",
    )
    for (line, task), moment in newest.items():
        labelled = labels((*_LINE_LABELS, "task"), (*of[line], task))
        family.add(max((now - moment).total_seconds(), 0.0), labelled)
    return family


def _probes(figures: Figures, now: datetime) -> Iterator[Family]:
    states = {"waiting": 0, "enrolled": 0, "revoked": 0}
    seen = Family(
        "linewatch_probe_last_seen_age_seconds",
        "Since the probe's last request with a good token.",
    )
    for row in figures.probes:
        enrolled = "enrolled" if row["public_key"] else "waiting"
        states["revoked" if row["revoked_at"] else enrolled] += 1
        if row["last_seen_at"] is not None and not row["revoked_at"]:
            age = max((now - row["last_seen_at"]).total_seconds(), 0.0)
            seen.add(age, labels(("probe", "site"), (row["id"], row["site_id"])))
    probes = Family(
        "linewatch_collector_probes",
        "Registered probes: waiting for their code to be used, enrolled, revoked.",
    )
    for state, count in states.items():
        probes.add(count, labels(("state",), (state,)))
    yield probes
    yield seen


def _slots(figures: Figures) -> Iterator[Family]:
    slots = Family(
        "linewatch_collector_slots_total",
        "Slots by how they ended, as far as their records are stored.",
        "counter",
    )
    names = ("probe", "path", "task", "outcome")
    for row in figures.outcomes:
        values = (row["probe_id"], row["path"], row["task"], row["outcome"])
        slots.add(row["records"], labels(names, values))
    yield slots
    adrift = Family(
        "linewatch_collector_slots_unaccounted",
        "Chains' places - missing - tombstones - invalid - slots of all outcomes: anything but 0 "
        "is a defect.",
    )
    for probe, count in figures.unaccounted_slots.items():
        adrift.add(count, labels(("probe",), (probe,)))
    yield adrift


def _records(figures: Figures) -> Iterator[Family]:
    received = Family(
        "linewatch_collector_records_received_total", "Records taken from probes.", "counter"
    )
    results = Family(
        "linewatch_collector_records_total",
        "Records taken, by what became of them: stored, duplicate, quarantined.",
        "counter",
    )
    unaccounted = 0
    for row in figures.ingest:
        received.add(row["received"], labels(("probe",), (row["probe_id"],)))
        for result in _RESULTS:
            results.add(row[result], labels(("probe", "result"), (row["probe_id"], result)))
        unaccounted += row["received"] - sum(row[result] for result in _RESULTS)
    yield received
    yield results
    yield _one(
        "linewatch_collector_records_unaccounted",
        "received - stored - duplicate - quarantined: anything but 0 is a defect.",
        unaccounted,
    )


def _at_odds(figures: Figures) -> Iterator[Family]:
    happened = Family(
        "linewatch_collector_events_total", "What was refused or is at odds, by kind.", "counter"
    )
    for event in EventKind:
        happened.add(figures.events.get(event.value, 0), labels(("kind",), (event.value,)))
    yield happened
    kept = Family("linewatch_collector_quarantine_records", "Records that are kept apart, by why.")
    for kind in ("fork", "late", "invalid"):
        kept.add(figures.quarantine.get(kind, 0), labels(("kind",), (kind,)))
    yield kept
    yield _one(
        "linewatch_collector_gap_records",
        "Records that are missing in the chains.",
        figures.missing_records,
    )
    yield _one(
        "linewatch_collector_forked_chains",
        "Chains that records at odds with them came for.",
        figures.forked_chains,
    )


def _one(name: str, text: str, value: float) -> Family:
    family = Family(name, text)
    family.add(value)
    return family
