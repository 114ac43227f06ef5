"""The first tables."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


_BY_MONTH = "RANGE (received_at)"
"""Elsewhere than on PostgreSQL this says nothing."""


def upgrade() -> None:
    """Make all tables."""
    _registry()
    _people()
    _records()
    _proofs()
    _hours()
    _counts()
    _sinks()


def _by_month() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _key(*columns: str) -> tuple[str, ...]:
    """Return the columns of a key of a table by month: PostgreSQL wants what divides it in each."""
    return (*columns, "received_at") if _by_month() else columns


def _row_key() -> tuple[str, ...]:
    """Return the key of a table whose rows are numbered."""
    return _key("probe_id", "id") if _by_month() else ("id",)


def _registry() -> None:
    """Carriers, sites, lines, probes."""
    op.create_table(
        "carriers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("complaint_address", sa.Text(), nullable=True),
        sa.Column("prefixes", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carriers"),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ward", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
    )
    op.create_table(
        "lines",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("carrier_id", sa.String(length=64), nullable=False),
        sa.Column("technology", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("contracted_download_bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("contracted_upload_bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("declared_download_bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("declared_upload_bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["carrier_id"], ["carriers.id"], name="fk_lines_carrier_id_carriers"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_lines_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_lines"),
    )
    with op.batch_alter_table("lines", schema=None) as batch_op:
        batch_op.create_index("ix_lines_carrier_id", ["carrier_id"], unique=False)
        batch_op.create_index("ix_lines_site_id", ["site_id"], unique=False)
    op.create_table(
        "probes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=True),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("software", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_probes_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_probes"),
        sa.UniqueConstraint("public_key", name="uq_probes_public_key"),
    )
    with op.batch_alter_table("probes", schema=None) as batch_op:
        batch_op.create_index("ix_probes_site_id", ["site_id"], unique=False)
    op.create_table(
        "probe_paths",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("interface", sa.Text(), nullable=True),
        sa.Column("families", sa.String(length=8), nullable=False),
        sa.Column("line_id", sa.String(length=64), nullable=True),
        sa.Column("servers", sa.Text(), nullable=True),
        sa.Column("beside", sa.String(length=64), nullable=True),
        sa.Column("monthly_data_budget_bytes", sa.BigInteger(), nullable=True),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["line_id"], ["lines.id"], name="fk_probe_paths_line_id_lines"),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_probe_paths_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "name", name="pk_probe_paths"),
    )
    with op.batch_alter_table("probe_paths", schema=None) as batch_op:
        batch_op.create_index("ix_probe_paths_line_id", ["line_id"], unique=False)


def _people() -> None:
    """Servers, codes, operators."""
    op.create_table(
        "operators",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_operators"),
    )
    op.create_table(
        "servers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=True),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("paths", sa.Text(), nullable=True),
        sa.Column("budget_bits_per_second", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_servers"),
    )
    facts = op.create_table(
        "facts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
    op.bulk_insert(facts, [{"name": "fleet_seed", "value": secrets.token_hex(16)}])
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("operator_name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_name"],
            ["operators.name"],
            name="fk_sessions_operator_name_operators",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_operator_name", ["operator_name"], unique=False)
    op.create_table(
        "enrolment_codes",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["probe_id"], ["probes.id"], name="fk_enrolment_codes_probe_id_probes"
        ),
        sa.PrimaryKeyConstraint("hash", name="pk_enrolment_codes"),
    )
    with op.batch_alter_table("enrolment_codes", schema=None) as batch_op:
        batch_op.create_index("ix_enrolment_codes_probe_id", ["probe_id"], unique=False)


def _records() -> None:
    """The records."""
    op.create_table(
        "records",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("tombstone", sa.String(length=32), nullable=True),
        sa.Column("task", sa.String(length=16), nullable=True),
        sa.Column("path", sa.String(length=64), nullable=True),
        sa.Column("line_id", sa.String(length=64), nullable=True),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("measured_at", sa.BigInteger(), nullable=True),
        sa.Column("time_quality", sa.String(length=16), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=True),
        sa.Column("monotonic_seconds", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("failure_code", sa.String(length=32), nullable=True),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("method_name", sa.String(length=64), nullable=True),
        sa.Column("method_version", sa.String(length=64), nullable=True),
        sa.Column("profile", sa.String(length=16), nullable=True),
        sa.Column("software", sa.Text(), nullable=True),
        sa.Column("ip_version", sa.SmallInteger(), nullable=True),
        sa.Column("server", sa.Text(), nullable=True),
        sa.Column("download_bits_per_second", sa.Float(), nullable=True),
        sa.Column("upload_bits_per_second", sa.Float(), nullable=True),
        sa.Column("idle_latency_seconds", sa.Float(), nullable=True),
        sa.Column("download_latency_seconds", sa.Float(), nullable=True),
        sa.Column("upload_latency_seconds", sa.Float(), nullable=True),
        sa.Column("round_trip_seconds", sa.Float(), nullable=True),
        sa.Column("delay_variation_seconds", sa.Float(), nullable=True),
        sa.Column("lost_ratio", sa.Float(), nullable=True),
        sa.Column("gateway_reached", sa.Boolean(), nullable=True),
        sa.Column("dns_reached", sa.Boolean(), nullable=True),
        sa.Column("ipv4_reached", sa.Boolean(), nullable=True),
        sa.Column("ipv6_reached", sa.Boolean(), nullable=True),
        sa.Column("server_reached", sa.Boolean(), nullable=True),
        sa.Column("ipv6_state", sa.String(length=16), nullable=True),
        sa.Column("data_bytes", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["lines.id"], name="fk_records_line_id_lines"),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_records_probe_id_probes"),
        sa.PrimaryKeyConstraint(*_row_key(), name="pk_records"),
        sa.UniqueConstraint(
            *_key("probe_id", "chain", "seq"), name="uq_records_probe_id_chain_seq"
        ),
        postgresql_partition_by=_BY_MONTH,
    )
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.create_index(
            "ix_records_boot",
            ["probe_id", "boot_id", "time_quality", "monotonic_seconds"],
            unique=False,
        )
        batch_op.create_index(
            "ix_records_line_id_task_measured_at",
            [
                "line_id",
                "task",
                "measured_at",
                "outcome",
                "failure_code",
                "round_trip_seconds",
                "lost_ratio",
                "flags",
                "probe_id",
                "path",
                "method_name",
                "method_version",
                "profile",
                "ip_version",
                "server",
            ],
            unique=False,
        )
        if _by_month():
            batch_op.create_index("ix_records_id", ["id"], unique=False)
        batch_op.create_index("ix_records_measured_at", ["measured_at"], unique=False)
        batch_op.create_index(
            "ix_records_probe_id_measured_at", ["probe_id", "measured_at"], unique=False
        )
        batch_op.create_index(
            "ix_records_probe_id_tombstone",
            ["probe_id", "tombstone"],
            unique=False,
            sqlite_where=sa.text("tombstone IS NOT NULL"),
            postgresql_where=sa.text("tombstone IS NOT NULL"),
        )


def _proofs() -> None:
    """What proves the records, and what was kept apart."""
    op.create_table(
        "chains",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("first_received_at", sa.BigInteger(), nullable=False),
        sa.Column("last_received_at", sa.BigInteger(), nullable=False),
        sa.Column("forked_at", sa.BigInteger(), nullable=True),
        sa.Column("gone_before", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_chains_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "chain", name="pk_chains"),
    )
    op.create_table(
        "gaps",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_gaps_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "chain", "from_seq", name="pk_gaps"),
    )
    op.create_table(
        "gone",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("without_outcome", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_gone_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "month", name="pk_gone"),
    )
    op.create_table(
        "quarantine",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_quarantine_probe_id_probes"),
        sa.PrimaryKeyConstraint(*_row_key(), name="pk_quarantine"),
        sa.UniqueConstraint(
            *_key("probe_id", "chain", "seq", "hash"),
            name="uq_quarantine_probe_id_chain_seq_hash",
        ),
        postgresql_partition_by=_BY_MONTH,
    )
    if _by_month():
        op.create_index("ix_quarantine_id", "quarantine", ["id"])
    op.create_table(
        "seals",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_seals_probe_id_probes"),
        sa.PrimaryKeyConstraint(*_key("probe_id", "chain", "seq", "hash"), name="pk_seals"),
        postgresql_partition_by=_BY_MONTH,
    )


def _hours() -> None:
    """Latency records by hour, once they are no longer kept one by one."""
    op.create_table(
        "latency_hours",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("line_id", sa.String(length=64), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("failure_code", sa.String(length=32), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("minimum_seconds", sa.Float(), nullable=True),
        sa.Column("round_trips", sa.LargeBinary(), nullable=False),
        sa.Column("delay_variations", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["probe_id"], ["probes.id"], name="fk_latency_hours_probe_id_probes"
        ),
        sa.PrimaryKeyConstraint(
            "probe_id",
            "line_id",
            "series",
            "outcome",
            "failure_code",
            "flags",
            "hour",
            name="pk_latency_hours",
        ),
    )
    op.create_index("ix_latency_hours_line_id_hour", "latency_hours", ["line_id", "hour"])
    op.create_table(
        "folded",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("folded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_folded_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "chain", "from_seq", name="pk_folded"),
    )


def _counts() -> None:
    """What is shown and alarmed."""
    op.create_table(
        "events",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "probe_id", "day", name="pk_events"),
    )
    op.create_table(
        "ingest_totals",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["probe_id"], ["probes.id"], name="fk_ingest_totals_probe_id_probes"
        ),
        sa.PrimaryKeyConstraint("probe_id", name="pk_ingest_totals"),
    )
    op.create_table(
        "outcome_totals",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["probe_id"], ["probes.id"], name="fk_outcome_totals_probe_id_probes"
        ),
        sa.PrimaryKeyConstraint("probe_id", "path", "task", "outcome", name="pk_outcome_totals"),
    )
    op.create_table(
        "latest",
        sa.Column("line_id", sa.String(length=64), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["lines.id"], name="fk_latest_line_id_lines"),
        sa.PrimaryKeyConstraint("line_id", "task", "series", "probe_id", name="pk_latest"),
    )


def _sinks() -> None:
    """How far each copy of the ledger is."""
    op.create_table(
        "sinks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=False),
        sa.Column("held_back", sa.BigInteger(), nullable=False),
        sa.Column("set_aside", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("settling", sa.BigInteger(), nullable=False),
        sa.Column("settling_since", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sinks"),
    )
    op.create_table(
        "set_aside",
        sa.Column("sink", sa.String(length=64), nullable=False),
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sink", "probe_id", "record_id", name="pk_set_aside"),
    )
    op.create_table(
        "corrections",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("probe_id", "record_id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_after_id", "corrections", ["after_id"])
