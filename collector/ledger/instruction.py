"""What the registry and the settings ask of a probe."""

from ipaddress import ip_network

from sqlalchemy import Connection, select

from collector.ledger.schema import carriers, lines, probe_paths, servers
from collector.settings import CollectorSettings
from protocol.messages import (
    BackendPaths,
    CarrierPrefixes,
    Instruction,
    MeasuredPath,
    Schedule,
    ServerEntry,
)


def read_instruction(
    connection: Connection, probe: str, settings: CollectorSettings
) -> Instruction:
    """Return the instruction of a registered probe, without its place in the fleet."""
    listed = [
        ServerEntry(
            name=row.id,
            url=row.url,
            stamp=row.stamp,
            engine=row.engine,
            network=row.network,
            paths=row.paths and BackendPaths.model_validate_json(row.paths),
        )
        # The first that was registered stays the first, whatever is imported later.
        for row in connection.execute(select(servers).order_by(servers.c.created_at, servers.c.id))
    ]
    names = {entry.name for entry in listed}
    listed += [entry for entry in settings.servers if entry.name not in names]
    networks = _networks(connection)
    paths = [
        MeasuredPath(
            name=row.name,
            interface=row.interface,
            families=read_families(row.families),
            line=row.line_id,
            beside=row.beside,
            servers=tuple((row.servers or "").split()),
            monthly_data_budget_bytes=row.monthly_data_budget_bytes,
            carrier_prefixes=networks.get(row.line_id, ()),
            schedule=(
                settings.schedule
                if row.schedule is None
                else Schedule.model_validate_json(row.schedule)
            ),
        )
        for row in connection.execute(
            select(probe_paths).where(probe_paths.c.probe_id == probe).order_by(probe_paths.c.name)
        )
    ]
    return Instruction(
        probe=probe, timezone=settings.timezone, servers=tuple(listed), paths=tuple(paths)
    )


def _networks(connection: Connection) -> dict[str | None, CarrierPrefixes]:
    """Return the networks of the carrier of each line, where they are known."""
    query = (
        select(lines.c.id, carriers.c.prefixes)
        .join_from(lines, carriers)
        .where(carriers.c.prefixes.is_not(None))
    )
    return {
        line: tuple(map(ip_network, prefixes.split()))
        for line, prefixes in connection.execute(query)
    }


def read_families(text: str) -> tuple[int, ...]:
    """Return the address families of a path as the registry keeps them ('4 6')."""
    return tuple(int(word) for word in text.split())
