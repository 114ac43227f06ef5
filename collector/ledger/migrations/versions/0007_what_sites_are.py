"""What a site is: a community house, an office, a school."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Ask of each site what it is; of those that are there nobody has said it."""
    op.add_column("sites", sa.Column("kind", sa.String(length=16), nullable=True))
