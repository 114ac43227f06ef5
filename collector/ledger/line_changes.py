"""A line of the registry gets other values: its own, and its terms with their history."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from collector.domain.terms import (
    TERMS_FIELDS,
    Period,
    changed_from,
    differences,
    mended_on,
    period_on,
)
from collector.errors import RegistryError
from collector.ledger import registry, terms
from collector.ledger.schema import lines


class Days(NamedTuple):
    """The days that a change of terms is about.

    Attributes:
        today: local.
        since: from which on terms are others; None: those of today were wrong all along.
    """

    today: date
    since: date | None = None


def change_line(
    connection: Connection, line: str, changes: Mapping[str, Any], days: Days, now: datetime
) -> tuple[dict[str, Any], Period]:
    """Give a line new values; of its terms either from a day on, or mending today's.

    Args:
        connection: that writes.
        line: its name.
        changes: of columns of `lines`, and of fields of its terms.
        days: since when.
        now: this moment.

    Returns:
        What it held before, of its terms on the first of those days; and these days.

    Raises:
        RegistryError: there is no such line, or nothing is to change.
    """
    registry.require(connection, lines, line)
    of_terms = {name: value for name, value in changes.items() if name in TERMS_FIELDS}
    if not changes:
        raise RegistryError("nothing to change: see 'linewatch line set --help'")
    if days.since is not None and not of_terms:
        raise RegistryError("--since is about the contract: name what of it has changed")
    own = {name: value for name, value in changes.items() if name not in TERMS_FIELDS}
    before = registry.change(connection, lines, line, own) if own else {}
    day = days.since or days.today
    stated = terms.read_stated(connection, [line]).get(line, [])
    around = period_on(stated, day)
    before |= {name: getattr(around.terms, name) for name in of_terms}
    if not differences(around.terms, of_terms):
        return before, around
    stating = mended_on if days.since is None else changed_from
    said = stating(stated, day, of_terms)
    terms.state(connection, [(line, said)], now, days.today)
    return before, said
