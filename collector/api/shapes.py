"""How the API writes what it read: JSON, times RFC 3339 in UTC, units in the names. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from collector.domain.series import SeriesId
from collector.ledger.fold import FoldedResult
from collector.ledger.proof_queries import ProbeRow
from collector.ledger.queries import LineOverview, SiteRow
from collector.ledger.series_queries import VALUES

Json = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """Return a time as RFC 3339, UTC; null stays null."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def site(row: SiteRow) -> Json:
    """Return a site."""
    return {"id": row.id, "name": row.name, "ward": row.ward}


def line(one: LineOverview) -> Json:
    """Return a line with its state and its newest results."""
    row = one.line
    return {
        "id": row.id,
        "site": {"id": row.site_id, "name": row.site_name, "ward": row.ward},
        "carrier": {"id": row.carrier_id, "name": row.carrier_name},
        "technology": row.technology,
        "plan": row.plan,
        "contracted_download_bits_per_second": row.contracted_download_bits_per_second,
        "contracted_upload_bits_per_second": row.contracted_upload_bits_per_second,
        "declared_download_bits_per_second": row.declared_download_bits_per_second,
        "declared_upload_bits_per_second": row.declared_upload_bits_per_second,
        "state": one.state.value,
        "contract_share_ratio": one.share and one.share.value,
        "contract_share_at_least": one.share and one.share.at_least,
        "heard_at": moment(one.heard_at),
        "series": None if one.series is None else {"key": one.series.key, **series(one.series)},
        "ipv6_state": one.ipv6,
        "latest": {
            "tested_at": moment(one.tested_at),
            "flags": None if one.tested_at is None else one.flags.split(),
            "at_least": None if one.tested_at is None else one.at_least,
            "download_bits_per_second": one.download_bits_per_second,
            "upload_bits_per_second": one.upload_bits_per_second,
            "latency_seconds": one.latency_seconds,
            "download_latency_seconds": one.download_latency_seconds,
            "upload_latency_seconds": one.upload_latency_seconds,
            "lost_ratio": one.lost_ratio,
        },
    }


def series(one: SeriesId) -> Json:
    """Return what results have in common that may be compared, without what tells their probe."""
    return {
        "path": one.path,
        "method": {"name": one.method, "version": one.version, "profile": one.profile},
        "ip_version": one.ip_version,
        "server": one.server,
    }


def results(rows: Iterable[Sequence[Any]], task: str) -> list[Json]:
    """Return results of a line, without what tells their probe; their moments still as such.

    Args:
        rows: as `collector.ledger.series_queries.results_page` returns them.
        task: of all of them.
    """
    # Thousands of results have the same but for their moments and values: it is made once.
    alike: dict[Sequence[Any], Json] = {}
    found = []
    for row in rows:
        same = row[3:14]
        shared = alike.get(same)
        if shared is None:
            shared = alike[same] = _shared(same)
        values = dict(zip(VALUES[task], row[14:], strict=False))
        if isinstance(row, FoldedResult):
            values["folded_hour"] = row.hour
        found.append({"measured_at": row[1], "slot": row[2], **shared, **values})
    return found


def _shared(same: Sequence[Any]) -> Json:
    quality, outcome, failure, flags, *parts = same
    own = SeriesId._make(parts)
    return {
        "time_quality": quality,
        "outcome": outcome,
        "failure_code": failure,
        "flags": flags.split(),
        "series": own.key,
        **series(own),
    }


def record(row: Mapping[Any, Any]) -> Json:
    """Return a record's place, hash and outcome, and where its exact bytes are."""
    return {
        "probe": row["probe_id"],
        "chain": row["chain"],
        "seq": row["seq"],
        "hash": row["hash"],
        "line": row["line_id"],
        "path": row["path"],
        "task": row["task"],
        "slot": moment(row["slot"]),
        "measured_at": moment(row["measured_at"]),
        "time_quality": row["time_quality"],
        "received_at": moment(row["received_at"]),
        "outcome": row["outcome"],
        "tombstone": row["tombstone"],
        "failure_code": row["failure_code"],
        "flags": row["flags"].split(),
        "verbatim": f"/v1/records/{row['probe_id']}/{row['chain']}/{row['seq']}",
    }


def probe(row: ProbeRow) -> Json:
    """Return a probe as operators see it."""
    return {
        "id": row.id,
        "site_name": row.site_name,
        "lines": list(row.line_ids),
        "enrolled_at": moment(row.enrolled_at),
        "revoked_at": moment(row.revoked_at),
        "last_seen_at": moment(row.last_seen_at),
        "software": row.software,
        "model": row.model,
        "chain": row.chain,
        "next_seq": row.next_seq,
        "missing": row.missing,
        "delivered_at": moment(row.delivered_at),
        "measured_at": moment(row.measured_at),
        "time_quality": row.time_quality,
    }


def quarantined(row: Mapping[Any, Any]) -> Json:
    """Return what is kept apart, and why, without its bytes."""
    return {
        "probe": row["probe_id"],
        "chain": row["chain"],
        "seq": row["seq"],
        "hash": row["hash"],
        "kind": row["kind"],
        "reason": row["reason"],
        "received_at": moment(row["received_at"]),
    }


def gap(row: Mapping[Any, Any]) -> Json:
    """Return a gap in a chain."""
    return {
        "probe": row["probe_id"],
        "chain": row["chain"],
        "from_seq": row["from_seq"],
        "to_seq": row["to_seq"],
        "filled": row["filled"],
        "noticed_at": moment(row["noticed_at"]),
    }


def event(row: Mapping[Any, Any]) -> Json:
    """Return a refusal or another event, counted by day."""
    return {
        "kind": row["kind"],
        "probe": row["probe_id"] or None,
        "day": row["day"],
        "count": row["count"],
        "first_at": moment(row["first_at"]),
        "last_at": moment(row["last_at"]),
        "detail": row["detail"],
    }
