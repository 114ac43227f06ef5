"""One index with all that charts and series show."""

from alembic import op

revision = "0004"
down_revision = "0003"

_NAME = "ix_records_line_id_task_measured_at"


def upgrade() -> None:
    """Make the index anew, with more columns; on a large ledger it takes minutes."""
    op.drop_index(_NAME, table_name="records")
    op.create_index(
        _NAME,
        "records",
        [
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
        ],
    )
