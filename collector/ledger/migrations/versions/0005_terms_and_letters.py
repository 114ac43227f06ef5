"""Lines' terms with their history; what a letter needs of carriers, wards and people."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TERMS = (
    "plan",
    "contracted_download_bits_per_second",
    "contracted_upload_bits_per_second",
    "declared_download_bits_per_second",
    "declared_upload_bits_per_second",
)
"""What `lines` holds of them, and goes on to hold of today's."""


def upgrade() -> None:
    """Make a line's terms its first, from the beginning on; ask carriers' addresses apart."""
    _terms()
    _carriers()
    _wards()


def _terms() -> None:
    speeds = [
        sa.Column(f"{kind}_{way}_bits_per_second", sa.BigInteger(), nullable=True)
        for kind in ("contracted", "declared", "minimum")
        for way in ("download", "upload")
    ]
    op.create_table(
        "line_terms",
        sa.Column("line_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.String(length=10), nullable=True),
        sa.Column("valid_until", sa.String(length=10), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        *speeds,
        sa.Column("contract_number", sa.Text(), nullable=True),
        sa.Column("contract_since", sa.String(length=10), nullable=True),
        sa.Column("payer", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["lines.id"], name="fk_line_terms_line_id_lines"),
        sa.PrimaryKeyConstraint("line_id", "number", name="pk_line_terms"),
    )
    names = ", ".join(_TERMS)
    # A line was known with them since it was added, as far as anybody can tell now.
    op.execute(
        f"INSERT INTO line_terms (line_id, number, recorded_at, {names}) "  # noqa: S608 - ours
        f"SELECT id, 1, created_at, {names} FROM lines"
    )


def _carriers() -> None:
    for name in ("legal_name", "complaint_email", "postal_address", "telephone"):
        op.add_column("carriers", sa.Column(name, sa.Text(), nullable=True))
    op.execute(
        "UPDATE carriers SET complaint_email = complaint_address WHERE complaint_address LIKE '%@%'"
    )
    op.execute(
        "UPDATE carriers SET postal_address = complaint_address "
        "WHERE complaint_address NOT LIKE '%@%'"
    )
    op.drop_column("carriers", "complaint_address")


def _wards() -> None:
    op.create_table(
        "wards",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("superior", sa.Text(), nullable=True),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("letter_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wards"),
        sa.UniqueConstraint("name", name="uq_wards_name"),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("ward_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("signs_for", sa.Text(), nullable=True),
        sa.Column("telephone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ward_id"], ["wards.id"], name="fk_persons_ward_id_wards"),
        sa.PrimaryKeyConstraint("id", name="pk_persons"),
    )
    op.create_index("ix_persons_ward_id", "persons", ["ward_id"], unique=False)
