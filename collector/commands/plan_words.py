"""What a list says and would change, for people and for machines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import click

from collector.commands.changes import in_words
from collector.domain.terms import Period
from collector.sheets.planning import Change, Plan
from collector.sheets.reading import Fault, Understood

_PASSED_SHOWN: Final = 10
"""Rows that are none of the list are shown up to here, then counted."""

_ONE: Final = {
    "carriers": "carrier",
    "wards": "ward",
    "persons": "person",
    "sites": "site",
    "lines": "line",
    "terms": "terms of",
}

_KINDS: Final = {"added": "green", "changed": "yellow"}


def show_understood(sheets: Iterable[Understood]) -> None:
    """Say which sheet is of what, which column is what, and what is left out."""
    for sheet in sheets:
        if sheet.kind is None:
            click.echo(f"sheet '{sheet.sheet}': ignored, it has no header that is known")
            continue
        click.secho(
            f"sheet '{sheet.sheet}': {sheet.kind.name}, {len(sheet.entries)} rows below the header "
            f"in row {sheet.header_row}",
            bold=True,
        )
        for column in sheet.columns:
            if column.fields:
                names = ", ".join(_label(field.name) for field in column.fields)
                click.echo(f"  {column.letters:>2} {column.header} → {names}")
        ignored = [f"{one.letters} '{one.header}'" for one in sheet.columns if not one.fields]
        if ignored:
            click.echo(f"  ignored: {', '.join(ignored)}")
        for passed in sheet.passed[:_PASSED_SHOWN]:
            click.echo(f"  passed over: {passed.place} '{passed.text}' ({passed.why})")
        if (more := len(sheet.passed) - _PASSED_SHOWN) > 0:
            click.echo(f"  passed over: {more} more")
    click.echo()


def show_plan(plan: Plan) -> None:
    """Say what would be added and changed, what does not fit, and how much that is."""
    for change in plan.changes:
        if change.kind != "unchanged":
            _show_change(change)
    for note in plan.notes:
        click.secho(f"look at {note.place}: {note.message}", fg="yellow")
    for fault in plan.faults:
        click.secho(f"{fault.place}: {fault.message}", fg="red")
    counts = Counter((change.table, change.kind) for change in plan.changes)
    for table in _ONE:
        words = [
            f"{counts[table, kind]} {kind}"
            for kind in ("added", "changed", "unchanged")
            if counts[table, kind]
        ]
        if words:
            click.echo(f"{table}: {', '.join(words)}")


def _show_change(change: Change) -> None:
    what = f"{change.kind}: {_ONE[change.table]} '{change.name}'"
    days = _days(change.period)
    click.secho(f"{what}{days} ({change.place})", fg=_KINDS[change.kind])
    for name, (before, after) in change.fields.items():
        was = "" if change.kind == "added" else f"{in_words(name, before)} → "
        click.echo(f"  {_label(name)}: {was}{in_words(name, after)}")


def _days(period: Period | None) -> str:
    if period is None or (period.first is None and period.last is None):
        return ""
    first = "" if period.first is None else f" from {period.first} on"
    return first + ("" if period.last is None else f" until {period.last}, as others follow")


def _label(name: str) -> str:
    return name.removesuffix("_bits_per_second").removesuffix("_id").replace("_", " ")


def plan_as_json(sheets: Sequence[Understood], plan: Plan, *, applied: bool) -> dict[str, Any]:
    """Return the same for machines."""
    return {
        "applied": applied,
        "sheets": [
            {
                "name": sheet.sheet,
                "kind": sheet.kind and sheet.kind.name,
                "header_row": sheet.header_row or None,
                "columns": [
                    {
                        "column": column.letters,
                        "header": column.header,
                        "fields": [field.name for field in column.fields],
                    }
                    for column in sheet.columns
                ],
                "passed_over": [one._asdict() for one in sheet.passed],
            }
            for sheet in sheets
        ],
        "changes": [_change_as_json(change) for change in plan.changes],
        "notes": [_fault_as_json(note) for note in plan.notes],
        "errors": [_fault_as_json(fault) for fault in plan.faults],
    }


def _change_as_json(change: Change) -> dict[str, Any]:
    period = change.period
    return {
        "kind": change.kind,
        "table": change.table,
        "name": change.name,
        "place": change.place,
        "fields": {
            name: {"from": _plain(before), "to": _plain(after)}
            for name, (before, after) in change.fields.items()
        },
        "valid_from": period and _plain(period.first),
        "valid_until": period and _plain(period.last),
    }


def _fault_as_json(fault: Fault) -> dict[str, str]:
    return {"place": fault.place, "message": fault.message}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    return value.isoformat() if isinstance(value, date) else value
