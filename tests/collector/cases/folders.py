"""A carrier's month as a folder, as `linewatch report monthly` writes it, with lines that fail."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from collector.cases.opening import Material, read_material
from collector.domain.findings import Finding, Judgement, Reason, Verdict
from collector.domain.standard import Reference
from collector.domain.terms import Terms
from collector.evidence.container import ArchiveWriter
from collector.evidence.format import MANIFEST, Covers, Manifest
from collector.ledger.large_files import LargeFiles, beside
from collector.reports.names import EVIDENCE, SUMMARY
from collector.reports.standards import choose_standard, read_standards
from collector.reports.summary import (
    FORMAT,
    Carrier,
    LineSummary,
    PartSummary,
    Site,
    Summary,
    as_json,
)
from collector.reports.sums import write_sums

FILES: Final[Mapping[str, bytes]] = {
    "letter.pdf": b"%PDF-1.7 letter",
    "letter.docx": b"PK docx",
    "annex.pdf": b"%PDF-1.7 annex",
    "data.xlsx": b"PK data",
}
STANDARD: Final = "qcvn-34-2019"
LARGE: Final = LargeFiles(Path("no-such-folder"))
"""Of cases that link nothing."""

LIMIT: Final = 120e6


def failing(
    line: str = "l1", verdict: Verdict = Verdict.FAIL, indicator: str = "download"
) -> LineSummary:
    """Return a line's month: its first question has this verdict."""
    standard = choose_standard(read_standards(None), STANDARD)
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    finding = Finding(
        indicator=indicator,
        window="peak",
        is_primary=True,
        verdict=verdict,
        reason=Reason.BROKEN,
        verified=False,
        value=80e6,
        low=75e6,
        high=85e6,
        limit=LIMIT,
        reference=Reference.DECLARED,
        days=30,
        tests=90,
    )
    judgement = Judgement(
        line, "2026-10", first, last, STANDARD, 1, standard.sha256, True, True, [finding], 1
    )
    part = PartSummary(
        first_day=first,
        last_day=last,
        terms=Terms(),
        server="s1",
        network=None,
        tests=240,
        witnesses={},
        excluded=[],
        outages=[],
        watched_seconds=0.0,
        figures=[],
        judgements=[judgement],
    )
    return LineSummary(line, Site("nvh-1", "Nhà văn hóa số 1", "Thạch Khôi", None), "fibre", [part])


def write_month(
    folder: Path,
    *lines: LineSummary,
    ward: str | None = "Thạch Khôi",
    carrier: str = "vnpt",
    name: str = "VNPT",
    month: str = "2026-10",
    files: Mapping[str, bytes] = FILES,
) -> Path:
    """Write a month's folder; return its place."""
    place = folder / month / carrier
    place.mkdir(parents=True)
    told = list(lines) or [failing(), failing("l2", Verdict.PASS)]
    of = Carrier(carrier, name)
    made = Summary(FORMAT, "linewatch/test", month, "Asia/Ho_Chi_Minh", ward, of, [], told)
    content = as_json(made)
    (place / SUMMARY).write_bytes(content)
    for file, own in files.items():
        (place / file).write_bytes(own)
    write_proof(place, content)
    write_sums(place)
    return place


def material(folder: Path) -> Material:
    """Return what a case is opened from; large files are kept beside the months."""
    return read_material(folder, beside(folder.parent))


def write_proof(place: Path, summary: bytes) -> None:
    """Write a file of evidence that has a summary and nothing else."""
    with (place / EVIDENCE).open("wb") as file:
        archive = ArchiveWriter(file)
        archive.add(SUMMARY, summary)
        manifest = Manifest(software="linewatch/test", covers=Covers.ALL, members=archive.members)
        archive.add(MANIFEST, manifest.model_dump_json().encode())
        archive.close()
