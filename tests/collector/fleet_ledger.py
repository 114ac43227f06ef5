"""A simulated fleet's days in a ledger, batch by batch as a collector stores them."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from collector.commands.ledger import write_beside
from collector.ingest.verify import verify
from collector.ledger.database import Database
from collector.ledger.folding import Folded, fold_old
from collector.ledger.registry_file import RegistryFile, import_registry
from collector.ledger.store import Arrival, store_batch
from protocol.messages import IngestAnswer
from simulate import Batch, Fleet


def register(database: Database, fleet: Fleet, now: datetime) -> dict[str, str]:
    """Give a ledger the fleet's registry; return the probes' public keys."""
    content = RegistryFile.model_validate_json(json.dumps(fleet.registry()))
    with database.write() as connection:
        import_registry(connection, content, now)
    return {probe.id: probe.public_key or "" for probe in content.probes}


def store(
    database: Database, fleet: Fleet, public_keys: dict[str, str], batches: Iterable[Batch]
) -> list[IngestAnswer]:
    """Store batches at the moments at which their probes would have sent them."""
    keys = fleet.keys()
    answers = []
    with database.write() as connection:
        for batch in batches:
            found = verify(batch.body, batch.probe, keys[batch.probe].public_key())
            at = datetime.fromtimestamp(batch.sent_at, UTC)
            arrival = Arrival(at, public_keys[batch.probe], gap_acknowledged=True)
            answers.append(store_batch(connection, found, arrival))
    return answers


def fold_all(database: Database, before: datetime, now: datetime) -> Folded:
    """Fold all latency records that are older than a moment, as the command does."""
    return asyncio.run(fold_old(database.read, partial(write_beside, database), before, now))
