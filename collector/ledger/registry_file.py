"""A whole registry in one file: what `linewatch registry import` takes, and how it is stored.

Rows whose name is there already stay as they are, so that a file can be taken again, or a longer
one after it. What stands in it: `collector.ledger.registry_rows`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, Connection, RowMapping, Table, insert, select

from collector.domain.terms import TERMS_FIELDS, Period, Terms, period_on
from collector.errors import RegistryError
from collector.ledger import schema
from collector.ledger.instruction import read_families
from collector.ledger.registry import singular
from collector.ledger.registry_rows import (
    CarrierRow,
    LineRow,
    PathRow,
    PersonRow,
    ProbeRow,
    ServerRow,
    SiteRow,
    TermsRow,
    WardRow,
)
from collector.ledger.terms import SHOWN, add_stated, recorded
from collector.ledger.upsert import insert_new
from protocol.messages import BackendPaths, Schedule
from protocol.model import Model

_ROWS_AT_ONCE = 1000

M = TypeVar("M", bound=Model)


class RegistryFile(Model):
    """A registry, or a part of one: rows may name what another file, or a command, has added."""

    carriers: tuple[CarrierRow, ...] = ()
    wards: tuple[WardRow, ...] = ()
    persons: tuple[PersonRow, ...] = ()
    servers: tuple[ServerRow, ...] = ()
    sites: tuple[SiteRow, ...] = ()
    lines: tuple[LineRow, ...] = ()
    probes: tuple[ProbeRow, ...] = ()


class Part(NamedTuple):
    """What of a registry is wanted, besides what it names in turn.

    Attributes:
        probes: their names.
        lines: lines besides those that the probes' paths are on now.
        keys: that the probes' seals are by.
    """

    probes: AbstractSet[str]
    lines: AbstractSet[str] = frozenset()
    keys: Mapping[str, AbstractSet[str]] = MappingProxyType({})


def export_registry(connection: Connection, part: Part | None = None) -> RegistryFile:
    """Return the registry, or a part of it, as `import_registry` takes it."""

    def rows(table: Table, ids: AbstractSet[str] | None) -> list[dict[str, Any]]:
        found = connection.execute(select(table).order_by(table.c.id)).mappings()
        return [dict(row) for row in found if ids is None or row["id"] in ids]

    probes = rows(schema.probes, part and part.probes)
    paths = _by_probe(connection, schema.probe_paths, schema.probe_paths.c.name)
    keys = _by_probe(connection, schema.probe_keys, schema.probe_keys.c.public_key)
    of_paths = {path["line_id"] for row in probes for path in paths[row["id"]] if path["line_id"]}
    lines = rows(schema.lines, part and of_paths | part.lines)
    stated = recorded(connection, [row["id"] for row in lines])
    sites = rows(schema.sites, part and {row["site_id"] for row in (*lines, *probes)})
    carriers = {row["carrier_id"] for row in lines}
    named = {row["ward"] for row in sites}
    wards = [row for row in rows(schema.wards, None) if part is None or row["name"] in named]
    kept = {row["id"] for row in wards}
    return RegistryFile(
        carriers=tuple(
            _read(CarrierRow, row, prefixes=tuple((row["prefixes"] or "").split()))
            for row in rows(schema.carriers, part and carriers)
        ),
        wards=tuple(_read(WardRow, row) for row in wards),
        persons=tuple(
            _read(PersonRow, row, ward=row["ward_id"])
            for row in rows(schema.persons, None)
            if row["ward_id"] in kept
        ),
        servers=tuple(
            _read(
                ServerRow,
                row,
                name=row["id"],
                paths=row["paths"] and BackendPaths.model_validate_json(row["paths"]),
            )
            for row in rows(schema.servers, None)
        ),
        sites=tuple(_read(SiteRow, row) for row in sites),
        lines=tuple(_read_line(row, stated.get(row["id"], ())) for row in lines),
        probes=tuple(
            _read(
                ProbeRow,
                row,
                site=row["site_id"],
                former_keys=_former_keys(row, keys[row["id"]], part),
                paths=tuple(map(_read_path, paths[row["id"]])),
            )
            for row in probes
        ),
    )


def _by_probe(
    connection: Connection, table: Table, second: Column[Any]
) -> Mapping[str, list[RowMapping]]:
    """Return the rows of each probe, in order."""
    rows: dict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(select(table).order_by(table.c.probe_id, second)).mappings():
        rows[row["probe_id"]].append(row)
    return rows


def _former_keys(
    probe: Mapping[str, Any], kept: Iterable[RowMapping], part: Part | None
) -> tuple[str, ...]:
    seen = part.keys.get(probe["id"], ()) if part else ()
    return tuple(sorted({*seen, *(row["public_key"] for row in kept)} - {probe["public_key"]}))


def _read(kind: type[M], row: Mapping[Any, Any], **more: object) -> M:
    """Return a model of a row's columns that have the names of its fields, and of others."""
    fields = {name: row[name] for name in kind.model_fields if name in row}
    return kind.model_validate(fields | more)


def _read_line(row: Mapping[str, Any], stated: Sequence[tuple[datetime, Period]]) -> LineRow:
    """Return a line with all that was stated about it instead of what it shows today."""
    own = {name: value for name, value in row.items() if not stated or name not in SHOWN}
    terms = tuple(
        TermsRow(
            valid_from=period.first,
            valid_until=period.last,
            recorded_at=at,
            **{name: getattr(period.terms, name) for name in TERMS_FIELDS},
        )
        for at, period in stated
    )
    return _read(LineRow, own, site=row["site_id"], carrier=row["carrier_id"], terms=terms)


def _read_path(row: Mapping[Any, Any]) -> PathRow:
    return _read(
        PathRow,
        row,
        families=read_families(row["families"]),
        line=row["line_id"],
        servers=tuple((row["servers"] or "").split()),
        schedule=row["schedule"] and Schedule.model_validate_json(row["schedule"]),
    )


def import_registry(
    connection: Connection, content: RegistryFile, now: datetime, today: date | None = None
) -> dict[str, tuple[int, int]]:
    """Store what is not there yet; return for each table how many were added, and were there.

    Args:
        connection: that writes.
        content: the file's.
        now: this moment.
        today: the local day, whose terms lines show; None: by UTC, until the next round of
            housekeeping.

    Raises:
        RegistryError: a name comes twice, or a row names something that is nowhere; a key is
            another probe's. Nothing of it is stored then, if the caller's transaction ends.
    """
    counts = {}
    for table, rows in (
        (schema.carriers, [_carrier(row) for row in content.carriers]),
        (schema.wards, [row.model_dump() for row in content.wards]),
        (schema.persons, [_person(row) for row in content.persons]),
        (schema.servers, [_server(row) for row in content.servers]),
        (schema.sites, [row.model_dump() for row in content.sites]),
    ):
        new = _new(connection, table, rows)
        _insert(connection, table, [row | {"created_at": now} for row in new])
        counts[table.name] = (len(new), len(rows) - len(new))
    counts["lines"] = _import_lines(connection, content.lines, now, today or now.date())
    counts["probes"] = _import_probes(connection, content.probes, now)
    return counts


def _import_lines(
    connection: Connection, lines: Sequence[LineRow], now: datetime, today: date
) -> tuple[int, int]:
    stated = {row.id: _stated(row, now) for row in lines}
    rows = [_line(row, [period for period, _ in stated[row.id]], today) for row in lines]
    new = _new(connection, schema.lines, rows)
    _insert(connection, schema.lines, [row | {"created_at": now} for row in new])
    add_stated(connection, ((row["id"], *one) for row in new for one in stated[row["id"]]))
    return len(new), len(rows) - len(new)


def _stated(row: LineRow, now: datetime) -> list[tuple[Period, datetime]]:
    """Return what a row states of its line's terms, and when that was recorded."""
    if not row.terms:
        return [(Period(None, None, _terms(row)), now)]
    return [
        (Period(one.valid_from, one.valid_until, _terms(one)), one.recorded_at) for one in row.terms
    ]


def _terms(row: LineRow | TermsRow) -> Terms:
    return Terms(**{name: getattr(row, name) for name in TERMS_FIELDS})


def _import_probes(
    connection: Connection, probes: Sequence[ProbeRow], now: datetime
) -> tuple[int, int]:
    new = _new(connection, schema.probes, [_probe(row, now) for row in probes])
    names = {row["id"] for row in new}
    paths = [_path(row.id, path) for row in probes if row.id in names for path in row.paths]
    keys = [
        {"probe_id": row.id, "public_key": key}
        for row in probes
        if row.id in names
        for key in row.former_keys
    ]
    _check_keys(connection, new)
    _check_references(connection, schema.probe_paths, paths)
    _insert(connection, schema.probes, new)
    _insert(connection, schema.probe_paths, paths)
    insert_new(connection, schema.probe_keys, keys)
    return len(new), len(probes) - len(new)


def _new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows whose names the table does not have, when what they name is there."""
    names = [row["id"] for row in rows]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RegistryError(f"the file has {singular(table)} '{twice}' twice")
    known = set(connection.scalars(select(table.c.id)))
    new = [row for row in rows if row["id"] not in known]
    _check_references(connection, table, new)
    return new


def _check_references(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Raise unless what new rows name is in the registry; a row's probe comes with its paths."""
    for column in table.columns:
        for reference in column.foreign_keys:
            target = reference.column.table
            named = {row[column.name] for row in rows if row.get(column.name) is not None}
            if not named or target is schema.probes:
                continue
            missing = named - set(connection.scalars(select(target.c.id)))
            if missing:
                raise RegistryError(
                    f"there is no {singular(target)} '{min(missing)}', which a row of "
                    f"'{table.name}' names"
                )


def _check_keys(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    keys = [row["public_key"] for row in rows if row["public_key"]]
    taken = set(connection.scalars(select(schema.probes.c.public_key))).intersection(keys)
    if taken or len(set(keys)) != len(keys):
        raise RegistryError("two probes have the same key: was a probe's storage copied?")


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        connection.execute(insert(table), rows[first : first + _ROWS_AT_ONCE])


def _carrier(row: CarrierRow) -> dict[str, Any]:
    prefixes = " ".join(map(str, row.prefixes)) or None
    return row.model_dump(exclude={"prefixes"}) | {"prefixes": prefixes}


def _server(row: ServerRow) -> dict[str, Any]:
    paths = row.paths and row.paths.model_dump_json(by_alias=True)
    return {**row.model_dump(exclude={"name", "paths"}), "id": row.name, "paths": paths}


def _person(row: PersonRow) -> dict[str, Any]:
    return row.model_dump(exclude={"ward"}) | {"ward_id": row.ward}


def _line(row: LineRow, stated: Sequence[Period], today: date) -> dict[str, Any]:
    shown = period_on(stated, today).terms
    return {
        "id": row.id,
        "site_id": row.site,
        "carrier_id": row.carrier,
        "technology": row.technology,
        **{name: getattr(shown, name) for name in SHOWN},
    }


def _probe(row: ProbeRow, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "site_id": row.site,
        "public_key": row.public_key,
        "enrolled_at": now if row.public_key else None,
        "revoked_at": row.revoked_at,
        "software": row.software,
        "model": row.model,
        "created_at": now,
    }


def _path(probe: str, row: PathRow) -> dict[str, Any]:
    return {
        "probe_id": probe,
        "name": row.name,
        "interface": row.interface,
        "families": " ".join(map(str, row.families)),
        "line_id": row.line,
        "servers": " ".join(row.servers) or None,
        "beside": row.beside,
        "monthly_data_budget_bytes": row.monthly_data_budget_bytes,
        "schedule": row.schedule and row.schedule.model_dump_json(),
    }
