"""Complaints as cases, and their mail: see `collector.ledger.cases`, `collector.ledger.outbox`."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from collector.ledger.schema.base import Moment, metadata

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
