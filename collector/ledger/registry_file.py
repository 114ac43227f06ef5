"""A whole registry in one file: what `linewatch registry import` takes, and how it is stored.

Rows whose name is there already stay as they are, so that a file can be taken again, or a longer
one after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeVar

from pydantic import Field
from sqlalchemy import Connection, Table, insert, select

from collector.errors import RegistryError
from collector.ledger import schema
from collector.ledger.instruction import read_families
from collector.ledger.registry import singular
from protocol.messages import BackendPaths, MeasuredPath, PublicKey, Schedule, ServerEntry
from protocol.model import Count, Identifier, Model, Text

_ROWS_AT_ONCE = 1000

M = TypeVar("M", bound=Model)


class CarrierRow(Model):
    """A carrier, with its networks where they are known."""

    id: Identifier
    name: Text
    complaint_address: Text | None = None
    prefixes: tuple[IPv4Network | IPv6Network, ...] = ()


class SiteRow(Model):
    """A site."""

    id: Identifier
    name: Text
    ward: Text | None = None
    address: Text | None = None
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)


class LineRow(Model):
    """A line of a carrier at a site; speeds are bit/s."""

    id: Identifier
    site: Identifier
    carrier: Identifier
    technology: Identifier
    plan: Text | None = None
    contracted_download_bits_per_second: Count | None = None
    contracted_upload_bits_per_second: Count | None = None
    declared_download_bits_per_second: Count | None = None
    declared_upload_bits_per_second: Count | None = None


class PathRow(MeasuredPath):
    """A path of a probe; ``schedule`` null: the collector's own."""

    schedule: Schedule | None = None  # type: ignore[assignment]


class ProbeRow(Model):
    """A probe with its paths.

    ``public_key``: it is enrolled with this one; null: it needs a code (`linewatch probe code`).
    """

    id: Identifier
    site: Identifier
    public_key: PublicKey | None = None
    software: Text | None = None
    model: Text | None = None
    paths: tuple[PathRow, ...] = Field(min_length=1, max_length=16)


class RegistryFile(Model):
    """A registry, or a part of one: rows may name what another file, or a command, has added."""

    carriers: tuple[CarrierRow, ...] = ()
    servers: tuple[ServerEntry, ...] = ()
    sites: tuple[SiteRow, ...] = ()
    lines: tuple[LineRow, ...] = ()
    probes: tuple[ProbeRow, ...] = ()


def export_registry(connection: Connection, names: Iterable[str] | None = None) -> RegistryFile:
    """Return the registry, or the part that some probes name, as `import_registry` takes it."""
    chosen = None if names is None else set(names)

    def rows(table: Table, ids: set[str] | None) -> list[dict[str, Any]]:
        found = connection.execute(select(table).order_by(table.c.id)).mappings()
        return [dict(row) for row in found if ids is None or row["id"] in ids]

    probes = rows(schema.probes, chosen)
    known = {row["id"] for row in probes}
    query = select(schema.probe_paths).order_by(
        schema.probe_paths.c.probe_id, schema.probe_paths.c.name
    )
    paths = [row for row in connection.execute(query).mappings() if row["probe_id"] in known]
    of_paths = {row["line_id"] for row in paths if row["line_id"]}
    lines = rows(schema.lines, None if chosen is None else of_paths)
    sites = {row["site_id"] for row in (*lines, *probes)}
    carriers = {row["carrier_id"] for row in lines}
    return RegistryFile(
        carriers=tuple(
            _read(CarrierRow, row, prefixes=tuple((row["prefixes"] or "").split()))
            for row in rows(schema.carriers, None if chosen is None else carriers)
        ),
        servers=tuple(
            _read(
                ServerEntry,
                row,
                name=row["id"],
                paths=row["paths"] and BackendPaths.model_validate_json(row["paths"]),
            )
            for row in rows(schema.servers, None)
        ),
        sites=tuple(
            _read(SiteRow, row) for row in rows(schema.sites, None if chosen is None else sites)
        ),
        lines=tuple(
            _read(LineRow, row, site=row["site_id"], carrier=row["carrier_id"]) for row in lines
        ),
        probes=tuple(
            _read(
                ProbeRow,
                row,
                site=row["site_id"],
                paths=tuple(_read_path(path) for path in paths if path["probe_id"] == row["id"]),
            )
            for row in probes
        ),
    )


def _read(kind: type[M], row: Mapping[Any, Any], **more: object) -> M:
    """Return a model of a row's columns that have the names of its fields, and of others."""
    fields = {name: row[name] for name in kind.model_fields if name in row}
    return kind.model_validate(fields | more)


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
    connection: Connection, content: RegistryFile, now: datetime
) -> dict[str, tuple[int, int]]:
    """Store what is not there yet; return for each table how many were added, and were there.

    Raises:
        RegistryError: a name comes twice, or a row names something that is nowhere; a key is
            another probe's. Nothing of it is stored then, if the caller's transaction ends.
    """
    counts = {}
    for table, rows in (
        (schema.carriers, [_carrier(row) for row in content.carriers]),
        (schema.servers, [_server(row) for row in content.servers]),
        (schema.sites, [row.model_dump() for row in content.sites]),
        (schema.lines, [_line(row) for row in content.lines]),
    ):
        new = _new(connection, table, rows)
        _insert(connection, table, [row | {"created_at": now} for row in new])
        counts[table.name] = (len(new), len(rows) - len(new))
    counts["probes"] = _import_probes(connection, content.probes, now)
    return counts


def _import_probes(
    connection: Connection, probes: Sequence[ProbeRow], now: datetime
) -> tuple[int, int]:
    new = _new(connection, schema.probes, [_probe(row, now) for row in probes])
    names = {row["id"] for row in new}
    paths = [_path(row.id, path) for row in probes if row.id in names for path in row.paths]
    _check_keys(connection, new)
    _check_references(connection, schema.probe_paths, paths)
    _insert(connection, schema.probes, new)
    _insert(connection, schema.probe_paths, paths)
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


def _server(row: ServerEntry) -> dict[str, Any]:
    paths = row.paths and row.paths.model_dump_json(by_alias=True)
    return {**row.model_dump(exclude={"name", "paths"}), "id": row.name, "paths": paths}


def _line(row: LineRow) -> dict[str, Any]:
    content = row.model_dump(exclude={"site", "carrier"})
    return content | {"site_id": row.site, "carrier_id": row.carrier}


def _probe(row: ProbeRow, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "site_id": row.site,
        "public_key": row.public_key,
        "enrolled_at": now if row.public_key else None,
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
