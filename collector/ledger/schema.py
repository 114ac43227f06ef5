"""The tables of the ledger and of the registry, once, for SQLite and PostgreSQL alike.

Migrations bring a database to this; a test holds that both say the same. Every moment is UTC and
aware in Python. What was not measured is null, never zero.

On PostgreSQL the tables of `collector.ledger.months.BY_MONTH` are partitioned by the month of
``received_at``, which therefore stands at the end of each of their keys there: that a key is given
once in all months is seen to by the lock on its chain's row (`collector.ledger.store`). Every key
of a table that grows has ``probe_id``, so that a distributed database can spread it by that.
"""

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as whole microseconds since 1970-01-01 UTC.

    An integer is the same in every database, loses no time zone, sorts, and falls into hours and
    days by division: ``type_coerce(records.c.measured_at, BigInteger) // 3_600_000_000``.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what is stored for a moment; a naive one is refused."""
        del dialect
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the moment, UTC."""
        del dialect
        return None if value is None else to_moment(value)


def to_microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC; ``moment`` is aware."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_moment(microseconds: int) -> datetime:
    """Return the moment of so many microseconds since 1970-01-01 UTC, aware."""
    return _EPOCH + timedelta(microseconds=microseconds)


def draw_stamp() -> int:
    """Return a number that no change has had: a sum of thousands of them fits 64 bits, too."""
    return random.getrandbits(48)


_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is exactly INTEGER."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# --- Registry --------------------------------------------------------------------------------

carriers = Table(
    "carriers",
    metadata,
    Column("id", String(64), primary_key=True, doc="short name: vnpt, viettel"),
    Column("name", Text, nullable=False, doc="as people write it"),
    Column("legal_name", Text, doc="as a letter addresses it"),
    Column("complaint_email", Text, doc="where complaints go"),
    Column("postal_address", Text),
    Column("telephone", Text, doc="shown to operators alone"),
    Column("prefixes", Text, doc="its networks, CIDR, a space between; null: not known"),
    Column("created_at", Moment, nullable=False),
)

wards = Table(
    "wards",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False, unique=True, doc="as sites.ward names it"),
    Column("superior", Text, doc="cơ quan chủ quản, first on the letterhead; null: none"),
    Column("authority", Text, doc="cơ quan ban hành, below it"),
    Column("place", Text, doc="before a letter's date"),
    Column("letter_code", Text, doc="what follows 'Số: …/': UBND-VHXH"),
    Column("created_at", Moment, nullable=False),
)

persons = Table(
    "persons",
    metadata,
    # Personal data: for operators' commands and letters, never for pages, API, metrics or logs.
    Column("id", String(64), primary_key=True),
    Column("ward_id", String(64), ForeignKey("wards.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False, doc="signer, clerk, technician"),
    Column("name", Text, nullable=False),
    Column("title", Text, doc="PHÓ CHỦ TỊCH"),
    Column("signs_for", Text, doc="above the title; a ';' divides lines"),
    Column("telephone", Text),
    Column("email", Text),
    Column("created_at", Moment, nullable=False),
)

sites = Table(
    "sites",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), doc="collector.domain.site_kinds; null: not said"),
    Column("ward", Text),
    Column("address", Text),
    Column("latitude", Float, doc="degrees north"),
    Column("longitude", Float, doc="degrees east"),
    Column("created_at", Moment, nullable=False),
)

lines = Table(
    "lines",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site_id", String(64), ForeignKey("sites.id"), nullable=False, index=True),
    Column("carrier_id", String(64), ForeignKey("carriers.id"), nullable=False, index=True),
    Column("technology", String(32), nullable=False, doc="fibre, cable, dsl, 4g, 5g, other"),
    # Of `line_terms` what holds today: `collector.ledger.terms.show_today` alone writes it.
    Column("plan", Text, doc="the carrier's name for what is paid for"),
    Column("contracted_download_bits_per_second", BigInteger),
    Column("contracted_upload_bits_per_second", BigInteger),
    Column("declared_download_bits_per_second", BigInteger, doc="in the carrier's notice"),
    Column("declared_upload_bits_per_second", BigInteger, doc="in the carrier's notice"),
    Column("created_at", Moment, nullable=False),
)

line_terms = Table(
    "line_terms",
    metadata,
    # Statements that are only ever added: on each day the one holds that has the highest number.
    # See `collector.domain.terms`.
    Column("line_id", String(64), ForeignKey("lines.id"), nullable=False),
    Column("number", BigInteger, nullable=False, doc="1, 2, … of the line"),
    Column("valid_from", String(10), doc="local day, YYYY-MM-DD; null: from the beginning"),
    Column("valid_until", String(10), doc="the last day; null: without an end"),
    Column("plan", Text),
    Column("contracted_download_bits_per_second", BigInteger),
    Column("contracted_upload_bits_per_second", BigInteger),
    Column("declared_download_bits_per_second", BigInteger, doc="Vd"),
    Column("declared_upload_bits_per_second", BigInteger, doc="Vu"),
    Column("minimum_download_bits_per_second", BigInteger),
    Column("minimum_upload_bits_per_second", BigInteger),
    Column("contract_number", Text, doc="not for everybody"),
    Column("contract_since", String(10), doc="the day of the contract, YYYY-MM-DD"),
    Column("payer", Text, doc="not for everybody"),
    Column("recorded_at", Moment, nullable=False, doc="since when it is believed"),
    PrimaryKeyConstraint("line_id", "number"),
)

probes = Table(
    "probes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site_id", String(64), ForeignKey("sites.id"), nullable=False, index=True),
    Column("public_key", String(44), unique=True, doc="Ed25519, base64; null: not enrolled"),
    Column("enrolled_at", Moment),
    Column("revoked_at", Moment),
    Column("software", Text),
    Column("model", Text),
    Column("last_seen_at", Moment, doc="the last request with a good token"),
    Column("created_at", Moment, nullable=False),
)

probe_keys = Table(
    "probe_keys",
    metadata,
    # Those that a probe had before: of seals that left, or of another ledger's word.
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("public_key", String(44), nullable=False, doc="Ed25519, base64"),
    PrimaryKeyConstraint("probe_id", "public_key"),
)

probe_paths = Table(
    "probe_paths",
    metadata,
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("interface", Text),
    Column("families", String(8), nullable=False, doc="'4', '6' or '4 6'"),
    Column("line_id", String(64), ForeignKey("lines.id"), index=True),
    Column("servers", Text, doc="names, the main one first, by spaces; null: the first of all"),
    Column("beside", String(64), doc="another path of the same probe and line"),
    Column("monthly_data_budget_bytes", BigInteger),
    Column("schedule", Text, doc="JSON of protocol.messages.Schedule; null: the default"),
    PrimaryKeyConstraint("probe_id", "name"),
)

servers = Table(
    "servers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("stamp", Text, doc="HOST:PORT of its STAMP reflector"),
    Column("engine", String(64), nullable=False, doc="what speaks with it: http, ndt7 …"),
    Column("network", Text, doc="whose network it stands in"),
    Column("paths", Text, doc="JSON of protocol.messages.BackendPaths; null: found out"),
    Column("budget_bits_per_second", BigInteger, doc="for tests, each way; null: no limit"),
    Column("created_at", Moment, nullable=False),
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("hash", String(64), primary_key=True, doc="SHA-256 of the code"),
    Column("probe_id", String(64), ForeignKey("probes.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

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

facts = Table(
    "facts",
    metadata,
    # What is drawn once for a ledger: fleet_seed, which spreads the fleet's tests, and ledger_id,
    # which tells its archives from others'.
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- Records and what proves them ------------------------------------------------------------

records = Table(
    "records",
    metadata,
    Column("id", _ROW_ID, primary_key=True, doc="grows with every commit: sinks' cursor"),
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
    Column("id", _ROW_ID, primary_key=True),
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


# --- Complaints as cases: see `collector.ledger.cases` --------------------------------------------

cases = Table(
    "cases",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False, doc="1, 2, …"),
    Column("carrier_id", String(64), ForeignKey("carriers.id"), nullable=False),
    Column("carrier_name", Text, nullable=False, doc="as it was then"),
    Column("month", String(7), nullable=False, doc="YYYY-MM, local: that is complained about"),
    Column("ward", Text, doc="by its name; null: of all wards"),
    Column("state", String(16), nullable=False, doc="as its events say: written with each of them"),
    Column("opened_at", Moment, nullable=False),
    Index("ix_cases_carrier_id_month", "carrier_id", "month"),
)

case_lines = Table(
    "case_lines",
    metadata,
    # Lines that failed, as the month's summary said it then.
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    Column("line_id", String(64), nullable=False, doc="the registry may forget it"),
    Column("site", Text, nullable=False, doc="its name, as it was then"),
    Column("findings", Text, nullable=False, doc="JSON: see collector.cases.opening"),
    PrimaryKeyConstraint("case_id", "line_id"),
)

case_events = Table(
    "case_events",
    metadata,
    # Only ever added.
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    Column("number", BigInteger, nullable=False, doc="1, 2, … of the case"),
    Column("step", String(16), nullable=False, doc="collector.domain.cases.steps.Step"),
    Column("at", Moment, nullable=False, doc="when it was noted"),
    Column("day", String(10), nullable=False, doc="the local day on which it happened"),
    Column("role", String(16), nullable=False, doc="who did it: no name"),
    Column("note", Text, nullable=False),
    Column("details", Text, nullable=False, doc="JSON, for machines"),
    PrimaryKeyConstraint("case_id", "number"),
)

case_files = Table(
    "case_files",
    metadata,
    # What was sent, and what came back. Never changed.
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    Column("number", BigInteger, nullable=False, doc="1, 2, … of the case"),
    Column("kind", String(16), nullable=False, doc="folder, signed, answer"),
    Column("name", Text, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("content", LargeBinary, doc="null: too large to be kept here, only named"),
    Column("added_at", Moment, nullable=False),
    PrimaryKeyConstraint("case_id", "number"),
    # A row may be as large as a file: few of them are read at once.
    info={"rows_at_once": 4},
)

outbox = Table(
    "outbox",
    metadata,
    # Mail: composed once, and the same to the byte however often it is tried.
    Column("key", String(128), primary_key=True, doc="complaint/3, reminder/3/reply/over"),
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False, index=True),
    Column("message_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipients", Text, nullable=False, doc="addresses, a space between"),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("files", Text, nullable=False, doc="numbers of case_files, a space between"),
    Column("composed_at", Moment, nullable=False),
    Column("state", String(16), nullable=False, doc="waiting, sent, given_up"),
    Column("tries", BigInteger, nullable=False),
    Column("next_at", Moment, nullable=False, doc="not before"),
    Column("give_up_at", Moment, nullable=False),
    Column("holder", String(64), doc="the program that sends it; null: none"),
    Column("held_until", Moment, doc="when another may take over"),
    Column("problem", Text, doc="of the last try; null: none"),
    Column("sent_at", Moment),
    Index("ix_outbox_state_next_at", "state", "next_at"),
)


def is_latest() -> ColumnElement[bool]:
    """Return the condition that joins `latest` with its record, in the one month that has it."""
    return and_(
        records.c.id == latest.c.record_id,
        records.c.probe_id == latest.c.probe_id,
        records.c.received_at == latest.c.received_at,
    )
