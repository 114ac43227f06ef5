"""Evidence of a simulated fleet's month, and what somebody does who changes it afterwards."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from collector.domain.standard_file import StandardFile
from collector.evidence.container import ArchiveReader, ArchiveWriter
from collector.evidence.format import MANIFEST, Covers, Manifest, Member
from collector.evidence.verifying import Report, verify_evidence
from collector.evidence.writing import Material, write_evidence
from collector.ledger.database import Database
from collector.reports.monthly import Month, find_lines, read_line_months
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import FORMAT, Summary, standard_used
from simulate import Fleet, FleetPlan, rhythm
from tests.collector import fleet_ledger

OCTOBER = Month(date(2026, 10, 1), ZoneInfo("Asia/Ho_Chi_Minh"))
STANDARDS = [choose_standard(read_standards(None), one) for one in ("qcvn-34-2019", "fcc-80-80")]
PLAN = FleetPlan(
    probes=2, days=5, seed=11, schedule=rhythm(12, 3600, 1800), trouble=15.0, batch_records=40
)
"""Two lines, each of a carrier of its own, with tombstones and moments that were put right."""

SINGLE = replace(PLAN, probes=1, days=2, trouble=0.0, schedule=rhythm(8, 7200, 3600))
"""One line, and little of it."""


def fill(database: Database, plan: FleetPlan = PLAN) -> Fleet:
    """Put a fleet's batches into an empty ledger."""
    fleet = Fleet(plan)
    keys = fleet_ledger.register(database, fleet, datetime(2026, 9, 1, tzinfo=UTC))
    fleet_ledger.store(database, fleet, keys, fleet.batches())
    return fleet


def fitting(technology: str) -> list[StandardFile]:
    """Return the standards for a technology."""
    return [one for one in STANDARDS if one.standard.is_for(technology)]


def material(database: Database, carrier: str | None, covers: Covers = Covers.ALL) -> Material:
    """Return a carrier's October, judged; None: of the only one there is."""
    ((of, known),) = database.read_now(lambda c: find_lines(c, carrier, None)).items()
    used = [standard_used(one) for one in STANDARDS]
    zone = OCTOBER.zone.key
    blank = Summary(FORMAT, "linewatch/0", OCTOBER.name, zone, None, of, used, [])
    months = list(read_line_months(database, OCTOBER, known, fitting))
    return Material(
        replace(blank, lines=[one.summary for one in months]),
        {one.summary.id: one.source for one in months},
        STANDARDS,
        OCTOBER,
        covers,
    )


def counting(database: Database, carrier: str) -> list[int]:
    """Return the seqs of the speed tests that count of a carrier's October."""
    ((_, known),) = database.read_now(lambda c: find_lines(c, carrier, None)).items()
    months = read_line_months(database, OCTOBER, known, fitting)
    return [test.record.seq for one in months for part in one.parts for test in part.tests]


def write(database: Database, path: Path, carrier: str | None = "a") -> Path:
    """Write a carrier's October as evidence; return its file."""
    write_evidence(path, database, material(database, carrier))
    return path


@contextmanager
def no_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    del title, total
    yield lambda _: None


def verify(path: Path) -> Report:
    """Check a file without a bar."""
    return verify_evidence(path, no_bar)


Members = dict[str, bytes]


def unpacked(path: Path) -> Members:
    """Return the members of a file, in their order."""
    with ArchiveReader(path) as archive:
        return {name: archive.read(name) for name in archive.sizes}


def packed(members: Members, path: Path) -> Path:
    """Write members as a file whose manifest and digest fit them, as a forger would."""
    said = Manifest.model_validate_json(members[MANIFEST])
    made = {
        name: Member(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in members.items()
        if name != MANIFEST
    }
    manifest = said.model_copy(update={"members": made})
    with path.open("wb") as file:
        archive = ArchiveWriter(file)
        for name, content in members.items():
            if name != MANIFEST:
                archive.add(name, content)
        archive.add(MANIFEST, manifest.model_dump_json(indent=1).encode() + b"\n")
        archive.close()
    return path


def named(members: Members, ending: str) -> str:
    """Return the name of the one member that ends so."""
    (name,) = (one for one in members if one.endswith(ending))
    return name


def changed_json(members: Members, name: str, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    """Change a member that is JSON."""
    tree = json.loads(members[name])
    change(tree)
    members[name] = json.dumps(tree, ensure_ascii=False, indent=1).encode()
