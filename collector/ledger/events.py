"""What went wrong at the collector's door, counted by day: shown and alarmed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from sqlalchemy import Connection

from collector.ledger.schema import events
from collector.ledger.upsert import Insert, insert_or


class EventKind(StrEnum):
    """What can go wrong. Each member's meaning is `MEANINGS`'."""

    FORK = "fork"
    GAP = "gap"
    GAP_REFUSED = "gap_refused"
    INVALID_RECORD = "invalid_record"
    BAD_CHAIN = "bad_chain"
    BAD_TOKEN = "bad_token"  # noqa: S105 - the name of an event
    WRONG_CLOCK = "wrong_clock"
    UNKNOWN_PROBE = "unknown_probe"
    REVOKED_PROBE = "revoked_probe"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    BAD_ENCODING = "bad_encoding"
    WRONG_CODE = "wrong_code"
    TOO_MANY_CODES = "too_many_codes"


MEANINGS: dict[EventKind, str] = {
    EventKind.FORK: "Records at odds with what the ledger has of the same chain; quarantined.",
    EventKind.GAP: "A probe acknowledged that records are missing; what followed was stored.",
    EventKind.GAP_REFUSED: "A batch left records out; the probe was asked for them (409).",
    EventKind.INVALID_RECORD: "Links of a chain that are no valid records; quarantined.",
    EventKind.BAD_CHAIN: "A batch whose lines or seal do not hold; refused (422).",
    EventKind.BAD_TOKEN: "A request whose token is missing or not its probe's (401).",
    EventKind.WRONG_CLOCK: "A request whose token's times do not fit the clock (401).",
    EventKind.UNKNOWN_PROBE: "A token of a probe that is not registered or enrolled (401).",
    EventKind.REVOKED_PROBE: "A request of a probe whose key was revoked (403).",
    EventKind.TOO_LARGE: "A body, batch or line above the limits (413).",
    EventKind.TOO_SLOW: "A body that came too slowly (408).",
    EventKind.BAD_ENCODING: "A body that could not be decompressed (400) or read so (415).",
    EventKind.WRONG_CODE: "An enrolment with a wrong, expired or used code (403).",
    EventKind.TOO_MANY_CODES: "An enrolment refused after too many wrong codes (429).",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that went wrong.

    Attributes:
        kind: what.
        probe: whose it is, proven; '' where the sender is not known.
        at: when.
        detail: a sentence.
        count: how often.
    """

    kind: EventKind
    probe: str
    at: datetime
    detail: str
    count: int = 1


def note_events(connection: Connection, happened: Iterable[Event]) -> None:
    """Add events to their day's count."""
    # In one order, as another collector may count the same.
    for event in sorted(happened, key=lambda event: (event.probe, event.kind, event.at)):
        connection.execute(
            _noting(connection.dialect.name),
            {
                "kind": event.kind.value,
                "probe_id": event.probe,
                "day": event.at.date().isoformat(),
                "count": event.count,
                "first_at": event.at,
                "last_at": event.at,
                "detail": event.detail,
            },
        )


@cache
def _noting(dialect: str) -> Insert:
    statement = insert_or(dialect, events)
    return statement.on_conflict_do_update(
        index_elements=list(events.primary_key.columns),
        set_={
            "count": events.c["count"] + statement.excluded["count"],
            "last_at": statement.excluded.last_at,
            "detail": statement.excluded.detail,
        },
    )
