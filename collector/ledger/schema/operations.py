"""What running the collector needs: who may log in, how far sinks are, what is shown and alarmed.

The writer keeps what is shown and alarmed beside the records, so that a restart loses nothing.
"""

import random

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    and_,
)

from collector.ledger.schema.base import Moment, metadata
from collector.ledger.schema.proof import records

# --- Who may log in --------------------------------------------------------------------------

operators = Table(
    "operators",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", Text, nullable=False, doc="argon2id"),
    Column("created_at", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True, doc="SHA-256 of the cookie's token"),
    Column(
        "operator_name",
        String(64),
        ForeignKey("operators.name", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# --- Sinks: copies of the ledger as time series elsewhere ----------------------------------------

sinks = Table(
    "sinks",
    metadata,
    Column("name", String(64), primary_key=True, doc="as the settings call it"),
    Column("cursor", BigInteger, nullable=False, doc="records.id: all up to it are dealt with"),
    Column("written", BigInteger, nullable=False, doc="of them, records that the far end took"),
    Column("held_back", BigInteger, nullable=False, doc="those whose moment nobody vouches for"),
    Column("set_aside", BigInteger, nullable=False, doc="those that the far end will never take"),
    Column("settled", BigInteger, nullable=False, doc="all up to it are on the far end's disk"),
    Column("settling", BigInteger, nullable=False, doc="where the cursor was at settling_since"),
    Column("settling_since", Moment, nullable=False),
    Column("holder", String(64), doc="the collector that feeds it; null: none"),
    Column("held_until", Moment, doc="when another may take over"),
    Column("created_at", Moment, nullable=False),
    Column("far_end", Text, doc="where its records went to; null: not known yet"),
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("sink", String(64), nullable=False),
    Column("probe_id", String(64), nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False, doc="the far end's own words, or ours"),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("sink", "probe_id", "record_id"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("probe_id", String(64), nullable=False),
    Column("record_id", BigInteger, nullable=False, doc="got its moment after it was stored"),
    Column("received_at", Moment, nullable=False, doc="of the record: says which month has it"),
    Column("after_id", BigInteger, nullable=False, doc="its turn for a sink: behind this record"),
    PrimaryKeyConstraint("probe_id", "record_id"),
    Index("ix_corrections_after_id", "after_id"),
)

# --- The ledger itself -----------------------------------------------------------------------

facts = Table(
    "facts",
    metadata,
    # What is drawn once for a ledger: fleet_seed, which spreads the fleet's tests, and ledger_id,
    # which tells its archives from others'.
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- What is shown and alarmed, kept by the writer so that a restart loses nothing --------------

events = Table(
    "events",
    metadata,
    Column("kind", String(32), nullable=False, doc="see collector.ledger.events.EventKind"),
    Column("probe_id", String(64), nullable=False, doc="'': the sender is not known"),
    Column("day", String(10), nullable=False, doc="YYYY-MM-DD, UTC"),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("detail", Text, nullable=False, doc="of the last one"),
    # Counted by day, so that nobody can fill the ledger by being refused.
    PrimaryKeyConstraint("kind", "probe_id", "day"),
)

ingest_totals = Table(
    "ingest_totals",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
)

outcome_totals = Table(
    "outcome_totals",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("path", String(64), nullable=False),
    Column("task", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("records", BigInteger, nullable=False),
    PrimaryKeyConstraint("probe_id", "path", "task", "outcome"),
)


def draw_stamp() -> int:
    """Return a number that no change has had: a sum of thousands of them fits 64 bits, too."""
    return random.getrandbits(48)


latest = Table(
    "latest",
    metadata,
    Column("line_id", String(64), ForeignKey("lines.id"), nullable=False),
    Column("task", String(16), nullable=False),
    Column("series", Text, nullable=False, doc="collector.domain.series.SeriesId.key"),
    Column("probe_id", String(64), nullable=False, doc="of the record"),
    Column("record_id", BigInteger, nullable=False, doc="its id; it may have left since"),
    Column("received_at", Moment, nullable=False, doc="of the record: says which month has it"),
    Column("measured_at", Moment, nullable=False),
    Column(
        "stamp",
        BigInteger,
        nullable=False,
        default=draw_stamp,
        onupdate=draw_stamp,
        doc="another whenever a record of these comes, leaves or gets another moment",
    ),
    # The newest record of each: pages and metrics read it instead of searching all records.
    PrimaryKeyConstraint("line_id", "task", "series", "probe_id"),
)


def is_latest() -> ColumnElement[bool]:
    """Return the condition that joins `latest` with its record, in the one month that has it."""
    return and_(
        records.c.id == latest.c.record_id,
        records.c.probe_id == latest.c.probe_id,
        records.c.received_at == latest.c.received_at,
    )
