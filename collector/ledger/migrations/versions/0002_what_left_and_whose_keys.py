"""What left with its month, chain by chain; probes' former keys; each ledger's own name."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Give the ledger a name, probes their former keys, and a month that left a digest by chain."""
    facts = sa.table("facts", sa.column("name", sa.String), sa.column("value", sa.Text))
    op.bulk_insert(facts, [{"name": "ledger_id", "value": uuid.uuid4().hex}])
    op.create_table(
        "probe_keys",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_probe_keys_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "public_key", name="pk_probe_keys"),
    )
    _by_chain()


def _by_chain() -> None:
    """Make `gone` anew; what months left behind before stays, of no known chain."""
    names = ("probe_id", "month", "without_outcome")
    before = sa.table("gone", *map(sa.column, names))
    rows = [dict(row) for row in op.get_bind().execute(sa.select(before)).mappings()]
    op.drop_table("gone")
    gone = op.create_table(
        "gone",
        sa.Column("probe_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.BigInteger(), nullable=False),
        sa.Column("without_outcome", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["probe_id"], ["probes.id"], name="fk_gone_probe_id_probes"),
        sa.PrimaryKeyConstraint("probe_id", "chain", "month", "from_seq", name="pk_gone"),
    )
    unknown = {"chain": "", "from_seq": 0, "to_seq": -1, "places": 0, "digest": ""}
    if rows:
        op.bulk_insert(gone, [row | unknown for row in rows])
