"""Lists on the terminal: a table for people, JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.domain.speeds import show_speed

_HEADS: Final = {
    "site_id": "site",
    "carrier_id": "carrier",
    "complaint_email": "complaints to",
    "postal_address": "post to",
    "ward_id": "ward",
    "letter_code": "code",
    "signs_for": "signs for",
    "contract_number": "contract",
    "contract_since": "contract of",
    "recorded_at": "recorded (UTC)",
    "declared_download_bits_per_second": "declared down",
    "declared_upload_bits_per_second": "declared up",
    "minimum_download_bits_per_second": "minimum down",
    "minimum_upload_bits_per_second": "minimum up",
    "technology": "type",
    "contracted_download_bits_per_second": "down",
    "contracted_upload_bits_per_second": "up",
    "created_at": "added (UTC)",
    "enrolled_at": "enrolled (UTC)",
    "last_seen_at": "last seen (UTC)",
    "revoked_at": "revoked (UTC)",
}
"""What people read over a column; others are headed by their own name."""

_KEYS: Final = ("id", "site_id", "carrier_id")
"""What is copied into the next command: never cut, never folded. So is the first column."""

_GAP: Final = 3
"""Letters between two columns."""

_LONGEST_WORD: Final = 12
"""A longer word, such as an address of the web, is broken where a terminal is narrow."""

_WIDE: Final = 10_000
"""Columns of letters where no terminal limits them."""


def show(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows: a table for people, or JSON with every column for machines.

    A terminal's width is kept by folding all but the keys; where it is too narrow for that, each
    row is a paragraph of its own. What is piped or kept in a file is as wide as it needs to be.

    Args:
        rows: what to print.
        columns: which of their columns people see, in this order.
        as_json: whether machines read it.
    """
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], default=_exact, ensure_ascii=False))
        return
    heads = [_HEADS.get(name, name) for name in columns]
    texts = [[_short(name, row[name]) for name in columns] for row in rows]
    keys = [name in _KEYS or columns[0] == name for name in columns]
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    widths = _widths(list(zip(heads, *texts, strict=True)), keys, console.width)
    if widths:
        console.print(_table(heads, texts, widths))
        return
    for row_texts in texts:
        for head, text in zip(heads, row_texts, strict=True):
            click.echo(f"{head + ':':<{max(map(len, heads)) + 1}} {text}")
        click.echo()


def _table(heads: Sequence[str], texts: Sequence[Sequence[str]], widths: Sequence[int]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for head, width in zip(heads, widths, strict=True):
        table.add_column(head, width=width, overflow="fold")
    for row in texts:
        # Text: a plan called [bold] is shown, not obeyed.
        table.add_row(*map(Text, row))
    return table


def _widths(columns: Sequence[Sequence[str]], keys: Sequence[bool], room: int) -> list[int] | None:
    """Return how many letters wide each column is; None where the room is not enough.

    Keys are whole, others at least as wide as their longest word; what is left of the room goes
    letter by letter to the column that lacks most.
    """
    whole = [max(map(cell_len, column)) for column in columns]
    widths = [
        wanted if is_key else min(_longest_word(column), _LONGEST_WORD)
        for wanted, is_key, column in zip(whole, keys, columns, strict=True)
    ]
    spare = room - sum(widths) - _GAP * (len(widths) - 1)
    if spare < 0:
        return None
    # Ends when every column is whole, or the room is used up.
    while spare > 0 and widths != whole:
        lacking = [wanted - width for wanted, width in zip(whole, widths, strict=True)]
        widths[lacking.index(max(lacking))] += 1
        spare -= 1
    return widths


def _longest_word(column: Sequence[str]) -> int:
    return max((cell_len(word) for text in column for word in text.split()), default=0)


def _short(name: str, value: object) -> str:
    """Return a value as people read it: speeds in Mbit/s, times to the minute."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, int) and name.endswith("bits_per_second"):
        return show_speed(value)
    return str(value)


def _exact(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
