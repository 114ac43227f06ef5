"""What a ledger knows of an archive's segments: keys, hashes, and what left with a month."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, select, union

from collector.archive.segments import Segment
from collector.domain.placement import Place
from collector.errors import ArchiveError
from collector.ledger import bookkeeping
from collector.ledger.gone import Places, gone_places
from collector.ledger.judging import place_batch
from collector.ledger.schema import chains, gone, probe_keys, probes, records, seals


def keys_of(connection: Connection, probe: str) -> set[str]:
    """Return every key that a probe has or had."""
    query = union(
        select(probes.c.public_key).where(probes.c.id == probe, probes.c.public_key.is_not(None)),
        select(probe_keys.c.public_key).where(probe_keys.c.probe_id == probe),
        select(seals.c.public_key).where(seals.c.probe_id == probe),
    )
    return set(connection.scalars(query))


def had_left(
    connection: Connection, segment: Segment, left: Sequence[tuple[RowMapping, Places]]
) -> bool:
    """Tell whether a part of a chain left this ledger with its month."""
    links = segment.checked_batch.links
    if left:
        return any(
            links[0].seq <= row["to_seq"] and links[-1].seq >= row["from_seq"] for row, _ in left
        )
    probe, chain, *_ = segment.place
    gone_before = connection.scalar(
        select(chains.c.gone_before).where(chains.c.probe_id == probe, chains.c.chain == chain)
    )
    if gone_before is None or links[-1].seq >= gone_before:
        return False
    return len(gone_places(connection, probe, links, gone_before)) == len(links)


def is_known(connection: Connection, segment: Segment) -> bool:
    """Tell whether the ledger knows a segment's last hash: here, or by the record behind it."""
    batch = segment.checked_batch
    last = batch.links[-1]
    end = bookkeeping.lock_chain(
        connection, batch.probe, batch.chain, segment.received_at, new=False
    )
    if (end.next_seq, end.last_hash) == (last.seq + 1, last.hash):
        return True
    if set(place_batch(connection, batch, end).places) == {Place.DUPLICATE}:
        return True
    behind = select(records.c.seq).where(
        records.c.probe_id == batch.probe,
        records.c.chain == batch.chain,
        records.c.seq == last.seq + 1,
        records.c.prev == last.hash,
    )
    return connection.scalar(behind.limit(1)) is not None


def is_at(connection: Connection, table: Any, row: Any) -> bool:  # noqa: ANN401 - a table, a row
    """Tell whether a table has a row's hash at its place."""
    names = ("probe_id", "chain", "seq", "hash")
    return bool(connection.scalar(select(exists().where(*(table.c[n] == row[n] for n in names)))))


def settle(connection: Connection, left: RowMapping, came: Places) -> None:
    """Forget that something left, once all of it is here again.

    Raises:
        ArchiveError: what came back is not what left.
    """
    if not came.count:
        return
    if (came.count, came.digest) != (left["places"], left["digest"]):
        raise ArchiveError(
            f"probe {left['probe_id']} chain {left['chain']}: {left['places']} places left this "
            f"ledger with {left['month']}, the archive has {came.count} that are not just those: "
            "was it written before the month was over, or changed since? Nothing of this probe "
            "is put back"
        )
    forget(connection, left)


def forget(connection: Connection, left: RowMapping) -> None:
    """Forget that something left."""
    connection.execute(
        delete(gone).where(
            *(gone.c[column.name] == left[column.name] for column in gone.primary_key)
        )
    )
