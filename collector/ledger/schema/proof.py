"""Records, and what proves them: seals, chains, and what is known of places without a record."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from collector.ledger.schema.base import ROW_ID, Moment, metadata

records = Table(
    "records",
    metadata,
    Column("id", ROW_ID, primary_key=True, doc="grows with every commit: sinks' cursor"),
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("prev", String(64), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("tombstone", String(32), doc="why the probe could not keep it; null: a record"),
    Column("task", String(16), doc="speed, latency, reach; null: tombstone that knows not"),
    Column("path", String(64)),
    Column("line_id", String(64), ForeignKey("lines.id"), doc="of the path, at ingest"),
    Column("slot", Moment, doc="the planned moment, as the probe's clock had it"),
    Column("started_at", Moment, doc="as the probe's clock had it"),
    Column("measured_at", Moment, doc="the best known moment; null: none known"),
    Column(
        "time_quality",
        String(16),
        nullable=False,
        doc="kernel, collector: the clock was good; corrected: by boot and monotonic time; "
        "none: nobody vouches for measured_at",
    ),
    Column("boot_id", Text),
    Column("monotonic_seconds", Float),
    Column("outcome", String(16), doc="measured, failed, skipped, missed"),
    Column("failure_code", String(32)),
    Column("flags", Text, nullable=False, doc="sorted, a space between; '': none"),
    Column("method_name", String(64)),
    Column("method_version", String(64)),
    Column("profile", String(16)),
    Column("software", Text),
    Column("ip_version", SmallInteger),
    Column("server", Text, doc="as the registry calls it, or else its own name or URL"),
    Column("download_bits_per_second", Float),
    Column("upload_bits_per_second", Float),
    Column("idle_latency_seconds", Float, doc="median, speed record, line idle"),
    Column("download_latency_seconds", Float, doc="median, while downloading"),
    Column("upload_latency_seconds", Float, doc="median, while uploading"),
    Column("round_trip_seconds", Float, doc="median, latency record"),
    Column("delay_variation_seconds", Float, doc="p95, latency record"),
    Column("lost_ratio", Float, doc="latency record"),
    Column("gateway_reached", Boolean, doc="reach record; null: not asked"),
    Column("dns_reached", Boolean, doc="reach record: a name server; null: not asked"),
    Column("ipv4_reached", Boolean, doc="reach record: any far end by IPv4; null: none asked"),
    Column("ipv6_reached", Boolean, doc="reach record: any far end by IPv6; null: none asked"),
    Column("server_reached", Boolean, doc="reach record: the measurement server; null: none"),
    Column("ipv6_state", String(16), doc="reach record: protocol.results.Ipv6State; null: none"),
    Column("data_bytes", BigInteger, doc="payload that the test moved, both directions"),
    # Last on purpose: SQLite walks through a long value to reach the columns behind it, which made
    # reading a month of a line two to five times slower.
    Column("line", LargeBinary, nullable=False, doc="the exact bytes that were hashed"),
    UniqueConstraint("probe_id", "chain", "seq"),
    # Behind the moment is all that charts and series show: with it in the index a month's
    # thousands of records are read side by side; each of their rows is elsewhere on the disk. What
    # a task does not measure is null and takes next to no room. PostgreSQL takes 32 columns.
    Index(
        "ix_records_line_id_task_measured_at",
        "line_id",
        "task",
        "measured_at",
        "id",
        "outcome",
        "failure_code",
        "flags",
        "probe_id",
        "path",
        "method_name",
        "method_version",
        "profile",
        "ip_version",
        "server",
        "slot",
        "time_quality",
        "round_trip_seconds",
        "delay_variation_seconds",
        "lost_ratio",
        "download_bits_per_second",
        "upload_bits_per_second",
        "idle_latency_seconds",
        "download_latency_seconds",
        "upload_latency_seconds",
        "gateway_reached",
        "dns_reached",
        "ipv4_reached",
        "ipv6_reached",
        "server_reached",
        "ipv6_state",
    ),
    Index("ix_records_probe_id_measured_at", "probe_id", "measured_at"),
    Index("ix_records_measured_at", "measured_at"),
    # Finds the records of a boot whose clock was good, and those that wait for one.
    Index("ix_records_boot", "probe_id", "boot_id", "time_quality", "monotonic_seconds"),
    # Counts the few tombstones without going through all records.
    Index(
        "ix_records_probe_id_tombstone",
        "probe_id",
        "tombstone",
        sqlite_where=text("tombstone IS NOT NULL"),
        postgresql_where=text("tombstone IS NOT NULL"),
    ),
)

SERIES_COLUMNS = (
    "probe_id",
    "path",
    "method_name",
    "method_version",
    "profile",
    "ip_version",
    "server",
)
"""What of a record says which series it is of, in the order of `collector.domain.series.SeriesId`.
"""

seals = Table(
    "seals",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("signature", Text, nullable=False, doc="base64"),
    Column("public_key", String(44), nullable=False, doc="that the signature was made with"),
    Column("received_at", Moment, nullable=False),
    # The hash is part of the key: the seals of two sides of a fork are both evidence.
    PrimaryKeyConstraint("probe_id", "chain", "seq", "hash"),
)

chains = Table(
    "chains",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("next_seq", BigInteger, nullable=False, doc="the first that is not here"),
    Column("last_hash", String(64), nullable=False),
    Column("first_received_at", Moment, nullable=False),
    Column("last_received_at", Moment, nullable=False),
    Column("forked_at", Moment, doc="when records at odds with this chain first came"),
    Column("gone_before", BigInteger, doc="records before this seq left with their months"),
    PrimaryKeyConstraint("probe_id", "chain"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", ROW_ID, primary_key=True),
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("prev", String(64), nullable=False),
    Column(
        "kind",
        String(16),
        nullable=False,
        doc="fork, invalid or late: see collector.ledger.store",
    ),
    Column("reason", Text, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
    UniqueConstraint("probe_id", "chain", "seq", "hash"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("from_seq", BigInteger, nullable=False, doc="the first that is missing"),
    Column("to_seq", BigInteger, nullable=False, doc="the last that is missing"),
    Column("filled", BigInteger, nullable=False, doc="of them, how many came after all"),
    Column("noticed_at", Moment, nullable=False),
    PrimaryKeyConstraint("probe_id", "chain", "from_seq"),
)

gone = Table(
    "gone",
    metadata,
    # What a month that left the ledger leaves behind: so the law of slots goes on, and only what
    # left is put back. See `collector.ledger.gone`.
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False, doc="'': left before chains were told apart"),
    Column("month", String(7), nullable=False, doc="YYYY-MM, UTC"),
    Column("from_seq", BigInteger, nullable=False, doc="the first place that left"),
    Column("to_seq", BigInteger, nullable=False, doc="the last; not all between need have left"),
    Column("places", BigInteger, nullable=False, doc="how many left"),
    Column("without_outcome", BigInteger, nullable=False, doc="tombstones, and invalid links"),
    Column("digest", String(64), nullable=False, doc="collector.ledger.gone.Places"),
    PrimaryKeyConstraint("probe_id", "chain", "month", "from_seq"),
)

latency_hours = Table(
    "latency_hours",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("line_id", String(64), nullable=False, doc="'': the path had no line"),
    Column("series", Text, nullable=False, doc="collector.domain.series.SeriesId as a JSON list"),
    Column("outcome", String(16), nullable=False),
    Column("failure_code", String(32), nullable=False, doc="'': none"),
    Column("flags", Text, nullable=False, doc="as of a record"),
    Column("hour", Moment, nullable=False, doc="its beginning; of the records' measured_at"),
    Column("records", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False, doc="packets"),
    Column("received", BigInteger, nullable=False, doc="packets that came back"),
    Column("minimum_seconds", Float, doc="the shortest round trip"),
    Column("round_trips", LargeBinary, nullable=False, doc="collector.domain.hours.pack: medians"),
    Column("delay_variations", LargeBinary, nullable=False, doc="the same, p95"),
    # What is told apart here is what a record's readers tell apart.
    PrimaryKeyConstraint(
        "probe_id", "line_id", "series", "outcome", "failure_code", "flags", "hour"
    ),
    Index("ix_latency_hours_line_id_hour", "line_id", "hour"),
)

folded = Table(
    "folded",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("from_seq", BigInteger, nullable=False, doc="the first that is in an hour now"),
    Column("to_seq", BigInteger, nullable=False, doc="the last of them"),
    Column("prev", String(64), nullable=False, doc="of the first"),
    Column("hashes", LargeBinary, nullable=False, doc="32 bytes each: the chain goes on over them"),
    Column("folded_at", Moment, nullable=False),
    PrimaryKeyConstraint("probe_id", "chain", "from_seq"),
)
