"""The tables of the ledger and of the registry, once, for SQLite and PostgreSQL alike.

Migrations bring a database to this; a test holds that both say the same. Every moment is UTC and
aware in Python. What was not measured is null, never zero.

On PostgreSQL the tables of `collector.ledger.months.BY_MONTH` are partitioned by the month of
``received_at``, which therefore stands at the end of each of their keys there: that a key is given
once in all months is seen to by the lock on its chain's row (`collector.ledger.store`). Every key
of a table that grows has ``probe_id``, so that a distributed database can spread it by that.

The tables stand by what they are for: `registry`, `proof` (records and what proves them),
`operations` and `complaints`, over one `base`. Others import them from here.
"""

from collector.ledger.schema.base import (
    Moment,
    metadata,
    to_microseconds,
    to_moment,
)
from collector.ledger.schema.complaints import (
    case_events,
    case_files,
    case_lines,
    cases,
    outbox,
)
from collector.ledger.schema.operations import (
    corrections,
    draw_stamp,
    events,
    facts,
    ingest_totals,
    is_latest,
    latest,
    operators,
    outcome_totals,
    sessions,
    set_aside,
    sinks,
)
from collector.ledger.schema.proof import (
    SERIES_COLUMNS,
    chains,
    folded,
    gaps,
    gone,
    latency_hours,
    quarantine,
    records,
    seals,
)
from collector.ledger.schema.registry import (
    carriers,
    enrolment_codes,
    line_terms,
    lines,
    persons,
    probe_keys,
    probe_paths,
    probes,
    servers,
    sites,
    wards,
)

__all__ = [
    "SERIES_COLUMNS",
    "Moment",
    "carriers",
    "case_events",
    "case_files",
    "case_lines",
    "cases",
    "chains",
    "corrections",
    "draw_stamp",
    "enrolment_codes",
    "events",
    "facts",
    "folded",
    "gaps",
    "gone",
    "ingest_totals",
    "is_latest",
    "latency_hours",
    "latest",
    "line_terms",
    "lines",
    "metadata",
    "operators",
    "outbox",
    "outcome_totals",
    "persons",
    "probe_keys",
    "probe_paths",
    "probes",
    "quarantine",
    "records",
    "seals",
    "servers",
    "sessions",
    "set_aside",
    "sinks",
    "sites",
    "to_microseconds",
    "to_moment",
    "wards",
]
