"""The registry's writes: carriers, wards, sites, lines, probes, servers, operators and so on.

Every function takes an open connection and a moment, and says in a sentence what does not fit.
"""

import difflib
import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select, update

from collector.domain.terms import TERMS_FIELDS
from collector.errors import RegistryError
from collector.ledger import terms
from collector.ledger.schema import (
    enrolment_codes,
    lines,
    operators,
    probe_paths,
    probes,
    servers,
    sessions,
)
from collector.ledger.upsert import replace
from protocol.messages import MeasuredPath, ServerEntry

NAME_FORM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a name in the registry looks like: it stands in addresses, labels and file names."""

CODE_ALPHABET: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Letters and digits that are not mistaken for each other when read aloud or off a label."""

CODE_LETTERS: Final = 16
"""Of 30 signs each: 78 bits, far beyond guessing in the days that a code lives."""

_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class NewCode:
    """A one-time code, in the clear for the only time."""

    code: str
    expires_at: datetime


def add(connection: Connection, table: Table, row: Mapping[str, Any], now: datetime) -> None:
    """Add a row to a table of the registry whose key is a single name; a line with its terms.

    Raises:
        RegistryError: the name is taken, or the row names something that is not there.
    """
    what = singular(table)
    (key,) = table.primary_key.columns
    name = row[key.name]
    if connection.scalar(select(key).where(key == name)) is not None:
        raise RegistryError(f"there is a {what} '{name}' already: choose another name")
    for column in table.columns:
        for reference in column.foreign_keys:
            value = row.get(column.name)
            if value is not None:
                require(connection, reference.column.table, value)
    if table is lines:
        _add_line(connection, row, now)
    else:
        connection.execute(insert(table).values(**row, created_at=now))


def _add_line(connection: Connection, row: Mapping[str, Any], now: datetime) -> None:
    """Add a line, and what it says of its terms as its first, from the beginning on."""
    own = {name: row[name] for name in row if name in lines.c or name not in TERMS_FIELDS}
    connection.execute(insert(lines).values(**own, created_at=now))
    terms.add_stated(connection, [(row["id"], terms.first_terms(row), now)])


def change(
    connection: Connection, table: Table, name: str, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Give columns of a row of the registry new values, and return what they held before.

    Raises:
        RegistryError: there is no such row, nothing is to change, or a value is needed.
    """
    require(connection, table, name)
    what = singular(table)
    if not changes:
        raise RegistryError(f"nothing to change: see 'linewatch {what} set --help'")
    for column, value in changes.items():
        if value is None and not table.columns[column].nullable:
            raise RegistryError(f"a {what}'s {column} cannot be empty")
    (key,) = table.primary_key.columns
    columns = [table.columns[column] for column in changes]
    before = connection.execute(select(*columns).where(key == name)).mappings().one()
    connection.execute(update(table).where(key == name).values(**changes))
    return dict(before)


def require(connection: Connection, table: Table, name: str) -> None:
    """Raise unless a table of the registry has the name; suggest the nearest one.

    Raises:
        RegistryError: it has not.
    """
    (key,) = table.primary_key.columns
    if connection.scalar(select(key).where(key == name)) is not None:
        return
    what = singular(table)
    known = list(connection.scalars(select(key)))
    close = difflib.get_close_matches(name, known, n=1)
    hint = (
        f"did you mean '{close[0]}'?"
        if close
        else f"see 'linewatch {what} list', or add it with 'linewatch {what} add'"
    )
    raise RegistryError(f"there is no {what} '{name}': {hint}")


def require_servers(connection: Connection, names: Sequence[str], more: Collection[str]) -> None:
    """Raise unless every name is a server's: in the registry, or one of ``more``.

    Raises:
        RegistryError: one is not.
    """
    for name in names:
        if name not in more:
            require(connection, servers, name)


def rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    """Return all rows of a table of the registry, in the order of their keys."""
    found = connection.execute(select(table).order_by(*table.primary_key.columns))
    return [dict(row) for row in found.mappings()]


def singular(table: Table) -> str:
    """Return what one row of a table is called."""
    return table.name.removesuffix("s")


def add_probe(
    connection: Connection,
    probe: str,
    site: str,
    paths: Sequence[MeasuredPath],
    validity: timedelta,
    now: datetime,
) -> NewCode:
    """Add a probe with its paths and return its one-time code.

    Args:
        connection: writes.
        probe: its name.
        site: where it stands.
        paths: at least one; a schedule of its own is not stored here.
        validity: how long the code can be used.
        now: this moment.

    Raises:
        RegistryError: the name is taken, or site or line are not there.
    """
    add(connection, probes, {"id": probe, "site_id": site}, now)
    for path in paths:
        if path.line is not None:
            require(connection, lines, path.line)
        connection.execute(
            insert(probe_paths).values(
                probe_id=probe,
                name=path.name,
                interface=path.interface,
                families=" ".join(map(str, path.families)),
                line_id=path.line,
                servers=" ".join(path.servers) or None,
                monthly_data_budget_bytes=path.monthly_data_budget_bytes,
            )
        )
    return new_code(connection, probe, validity, now)


def set_path(connection: Connection, probe: str, path: str, row: Mapping[str, Any]) -> None:
    """Add a path to a probe, or give one new values; ``row`` has all columns but its key.

    Raises:
        RegistryError: there is no such probe, or no such line.
    """
    require(connection, probes, probe)
    if row["line_id"] is not None:
        require(connection, lines, row["line_id"])
    replace(connection, probe_paths, {"probe_id": probe, "name": path, **row}, tuple(row))


def line_beside(
    connection: Connection, probe: str, path: str, beside: str | None, line: str | None
) -> str | None:
    """Return the line of a path that is measured beside another: the other one's.

    Args:
        connection: to the ledger.
        probe: whose paths.
        path: the one that is set.
        beside: the other one; None: it stands by itself, on ``line``.
        line: that the path was given; None takes the other one's.

    Raises:
        RegistryError: there is no such other path with a line, it is itself beside another, or the
            two are not on one line.
    """
    mine = probe_paths.c.probe_id == probe
    if beside is None:
        held = select(probe_paths.c.name, probe_paths.c.line_id).where(
            mine, probe_paths.c.beside == path
        )
        for name, its_line in connection.execute(held):
            if its_line != line:
                raise RegistryError(
                    f"path '{name}' is measured beside '{path}': set it anew without --beside first"
                )
        return line
    query = select(probe_paths.c.line_id, probe_paths.c.beside)
    other = connection.execute(query.where(mine, probe_paths.c.name == beside)).first()
    if other is None or beside == path or other.line_id is None:
        raise RegistryError(f"probe '{probe}' has no other path '{beside}' with a line")
    if other.beside is not None:
        raise RegistryError(f"'{beside}' is measured beside '{other.beside}': name that one")
    if line not in (None, other.line_id):
        raise RegistryError(f"'{beside}' measures line '{other.line_id}': both need the same line")
    if connection.scalar(select(probe_paths.c.name).where(mine, probe_paths.c.beside == path)):
        raise RegistryError(f"another path is measured beside '{path}' itself")
    line_id: str = other.line_id
    return line_id


def put_server(connection: Connection, entry: ServerEntry, now: datetime) -> str:
    """Add a server of a list, or give one of that name its address and paths; say which in a word.

    What a list does not know (its reflector, its engine) stays as it was.
    """
    mine = servers.c.id == entry.name
    row = {
        "url": entry.url,
        "network": entry.network,
        "paths": entry.paths and entry.paths.model_dump_json(by_alias=True),
    }
    before = connection.execute(select(*(servers.c[name] for name in row)).where(mine)).first()
    if before is None:
        added = {"id": entry.name, "engine": entry.engine, "created_at": now}
        connection.execute(insert(servers).values(**row, **added))
        return "added"
    if before == tuple(row.values()):
        return "same"
    connection.execute(update(servers).where(mine).values(**row))
    return "changed"


def new_code(connection: Connection, probe: str, validity: timedelta, now: datetime) -> NewCode:
    """Return a new one-time code for a probe; codes given out before are void from now on.

    Raises:
        RegistryError: there is no such probe, or it was revoked.
    """
    require(connection, probes, probe)
    revoked = select(probes.c.revoked_at).where(probes.c.id == probe)
    if connection.scalar(revoked) is not None:
        raise RegistryError(f"probe '{probe}' was revoked: register the device under a new name")
    connection.execute(delete(enrolment_codes).where(enrolment_codes.c.probe_id == probe))
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LETTERS))
    code = "-".join(letters[at : at + _GROUP] for at in range(0, CODE_LETTERS, _GROUP))
    expires_at = now + validity
    connection.execute(
        insert(enrolment_codes).values(
            hash=hash_code(code), probe_id=probe, created_at=now, expires_at=expires_at
        )
    )
    return NewCode(code, expires_at)


def hash_code(code: str) -> str:
    """Return what is stored of a code. A plain hash is enough: a code is random, not chosen."""
    letters = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(letters.encode()).hexdigest()


def revoke_probe(connection: Connection, probe: str, now: datetime) -> None:
    """Refuse a probe's key from now on; what it has delivered stays.

    Raises:
        RegistryError: there is no such probe.
    """
    require(connection, probes, probe)
    mine = probes.c.id == probe
    connection.execute(
        update(probes).where(mine, probes.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    connection.execute(delete(enrolment_codes).where(enrolment_codes.c.probe_id == probe))


def remove(connection: Connection, table: Table, name: str) -> None:
    """Remove a row of the registry that nothing else names.

    Raises:
        RegistryError: there is no such row.
    """
    require(connection, table, name)
    (key,) = table.primary_key.columns
    connection.execute(delete(table).where(key == name))


def remove_operator(connection: Connection, name: str) -> None:
    """Remove an operator; open logins end at once.

    Raises:
        RegistryError: there is no such operator.
    """
    connection.execute(delete(sessions).where(sessions.c.operator_name == name))
    remove(connection, operators, name)
