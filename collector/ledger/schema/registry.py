"""The registry: carriers, wards and their people, sites, lines, probes, servers."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from collector.ledger.schema.base import Moment, metadata

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
