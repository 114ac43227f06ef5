"""A list and the ledger: what it would change there, and the change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, update

from collector.ledger import registry, schema, terms, wards
from collector.sheets.planning import (
    CARRIERS,
    LINES,
    PERSONS,
    SITES,
    WARDS,
    Draft,
    Known,
    Plan,
    Unfit,
    Wishes,
    plan_thing,
)
from collector.sheets.planning_lines import plan_lines
from collector.sheets.reading import Entry, Understood

_TABLES: Final[dict[str, Table]] = {
    CARRIERS: schema.carriers,
    WARDS: schema.wards,
    PERSONS: schema.persons,
    SITES: schema.sites,
    LINES: schema.lines,
}
"""What lists change, each after what it names."""

_NOT_SHOWN: Final = frozenset({"id", "created_at", "prefixes", *terms.SHOWN})
_ROWS_AT_ONCE: Final = 1000


def read_known(connection: Connection) -> Known:
    """Return what the registry has of what lists can change."""
    rows = {
        name: {
            row["id"]: {key: row[key] for key in row if key not in _NOT_SHOWN}
            for row in registry.rows(connection, table)
        }
        for name, table in _TABLES.items()
    }
    return Known(rows, terms.read_stated(connection))


def make_plan(known: Known, sheets: Sequence[Understood], wishes: Wishes) -> Plan:
    """Return what a list would change in the registry; nothing is written."""
    draft = Draft(known)
    entries: dict[str, list[Entry]] = {name: [] for name in _TABLES}
    for sheet in sheets:
        draft.plan.faults.extend(sheet.faults)
        if sheet.kind is not None:
            entries[sheet.kind.name].extend(one for one in sheet.entries if one.readable)
    for table in (CARRIERS, WARDS, PERSONS):
        for entry in entries[table]:
            try:
                plan_thing(draft, table, entry)
            except Unfit as unfit:
                draft.fault(entry, unfit)
    planner = plan_lines(draft, known, wishes, entries[LINES])
    draft.finish()
    planner.finish()
    return draft.plan


def store_plan(connection: Connection, plan: Plan, wishes: Wishes, now: datetime) -> None:
    """Do what a plan says; it was made of this registry, in this transaction, and has no fault."""
    for name, table in _TABLES.items():
        new = plan.new.get(name, {})
        columns = [column.name for column in table.columns if column.name not in _NOT_SHOWN]
        rows: list[dict[str, Any]] = [
            {"id": key, "created_at": now, **{column: row.get(column) for column in columns}}
            for key, row in new.items()
        ]
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            connection.execute(insert(table), rows[first : first + _ROWS_AT_ONCE])
        for key, values in plan.changed.get(name, {}).items():
            if table is schema.wards:
                wards.change_ward(connection, table, key, values)
            else:
                connection.execute(update(table).where(table.c.id == key).values(**values))
    terms.state(connection, plan.stated, now, wishes.today)
