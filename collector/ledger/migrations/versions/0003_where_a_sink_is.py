"""Where a sink's far end is that the records went to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Give sinks an address, not known of those that are there: the next start notes it."""
    op.add_column("sinks", sa.Column("far_end", sa.Text(), nullable=True))
