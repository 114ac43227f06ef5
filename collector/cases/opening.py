"""Opens a case from a carrier's month: the folder that `linewatch report monthly` wrote."""

import hashlib
import mimetypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from collector.domain.cases.steps import Event, Role, Step
from collector.domain.findings import Finding, Judgement, Verdict
from collector.errors import CaseError, EvidenceError
from collector.evidence.container import ArchiveReader
from collector.evidence.format import MANIFEST, Manifest
from collector.ledger.cases import MAX_FILE_BYTES, CaseLine, NewFile, open_case
from collector.ledger.large_files import LargeFiles, Told
from collector.ledger.schema import carriers
from collector.papers.findings import failing as failing_of
from collector.papers.findings import ward_of
from collector.reports.names import EVIDENCE, SUMMARY, SUMS
from collector.reports.summary import LineSummary, Summary, from_json
from collector.reports.sums import MAX_SUMS_BYTES, differing

MAX_FILES: Final = 100
"""Of a folder: more is another folder than a month's."""

MAX_SUMMARY_BYTES: Final = 512 * 1024 * 1024
"""Of a city's month it has some ten megabytes."""

_PIECE_BYTES: Final = 1024 * 1024
_FINDING: Final[TypeAdapter[Finding]] = TypeAdapter(Finding)
_TOLD: Final = {
    "indicator",
    "window",
    "is_primary",
    "verdict",
    "reason",
    "verified",
    "value",
    "low",
    "high",
    "limit",
    "reference",
    "days",
    "tests",
}
"""What a case keeps of a finding."""


class Material(NamedTuple):
    """What a case is opened from.

    Attributes:
        summary: of the month.
        files: of its folder, as they were when the large ones were kept.
    """

    folder: Path
    summary: Summary
    files: Sequence[NewFile]


def read_material(
    folder: Path, large: LargeFiles, add_bar: Callable[[str, int], Told] = lambda *_: _quiet
) -> Material:
    """Return what a case is opened from; what is too large for the ledger is kept from now on.

    It takes as long as the evidence is large: no transaction waits for it.

    Args:
        folder: OUT/MONTH/CARRIER.
        large: where large files are kept.
        add_bar: shows a bar, by its title and total; what it returns is told of bytes.

    Raises:
        CaseError: the folder is none of a month, or has files of several reports; no line of it
            fails; or there is no room for a copy.
    """
    summary = _read_summary(folder)
    if not failing_of(summary):
        raise CaseError(
            f"{folder}: no line of {summary.carrier.name} fails in {summary.month}: there is "
            "nothing to complain about"
        )
    files = _read_files(folder)
    _check_is_one_report(folder, {one.name: one.sha256 for one in files})
    for one in files:
        if one.content is None:
            told = add_bar(f"keeping {one.name}", one.size_bytes)
            large.keep(folder / one.name, one.sha256, one.name, told)
    return Material(folder, summary, files)


def _quiet(_: int) -> None:
    """Tell nobody."""


def open_from(
    connection: Connection, material: Material, role: Role, note: str, now: datetime
) -> int:
    """Open a case from a month's folder; return its number.

    Args:
        connection: that writes.
        material: of the folder.
        role: who opens it.
        note: in their words.
        now: this moment, in the zone of the lines.

    Raises:
        CaseError: its carrier is not known, or there is an open case for the same.
    """
    summary, failing = material.summary, failing_of(material.summary)
    known = select(carriers.c.id).where(carriers.c.id == summary.carrier.id)
    if connection.scalar(known) is None:
        raise CaseError(f"{material.folder}: the registry has no carrier '{summary.carrier.id}'")
    row = {
        "carrier_id": summary.carrier.id,
        "carrier_name": summary.carrier.name,
        "month": summary.month,
        "ward": ward_of(summary),
    }
    lines = [CaseLine(line.id, line.site.name, list(_findings(line))) for line in failing]
    details = {
        "software": summary.software,
        "lines": len(failing),
        "of": len(summary.lines),
        # Whose clerks are reminded where the month is of several.
        "wards": sorted({line.site.ward for line in failing if line.site.ward}),
    }
    event = Event(1, Step.OPENED, now, now.date(), role, note, details)
    return open_case(connection, row, lines, material.files, event)


def _read_summary(folder: Path) -> Summary:
    place = folder / SUMMARY
    try:
        if place.stat().st_size > MAX_SUMMARY_BYTES:
            raise CaseError(f"{place}: is larger than a month's summary may be")
        return from_json(place.read_bytes())
    except FileNotFoundError:
        raise CaseError(
            f"{folder}: has no {SUMMARY}: name a carrier's folder that 'linewatch report monthly' "
            "wrote, OUT/MONTH/CARRIER"
        ) from None
    except OSError as error:
        raise CaseError(f"{place}: cannot be read: {error.strerror}") from None
    except ValidationError:
        raise CaseError(f"{place}: is no summary that this version reads: report again") from None


def _findings(line: LineSummary) -> Iterator[dict[str, Any]]:
    """Yield what failed of a line, and what was asked first, each with where it is from."""
    for part in line.parts:
        for judgement in part.accusing:
            for finding in judgement.findings:
                if finding.verdict is Verdict.FAIL or finding.is_primary:
                    yield _told(judgement, finding)


def _told(judgement: Judgement, finding: Finding) -> dict[str, Any]:
    place: Mapping[str, Any] = {
        "standard": judgement.standard,
        "version": judgement.version,
        "sha256": judgement.sha256,
        "first_day": judgement.first_day.isoformat(),
        "last_day": judgement.last_day.isoformat(),
    }
    return {**place, **_FINDING.dump_python(finding, mode="json", include=_TOLD)}


def _read_files(folder: Path) -> list[NewFile]:
    """Return every file of a folder, by its name; the content of those that are not too large."""
    try:
        places = sorted(one for one in folder.iterdir() if one.is_file())
        # What is being written is no file of the month yet.
        places = [one for one in places if not one.name.startswith(".")]
        if len(places) > MAX_FILES:
            raise CaseError(f"{folder}: has more than {MAX_FILES} files: it is no month's folder")
        return [_read_file(place) for place in places]
    except OSError as error:
        raise CaseError(f"{folder}: cannot be read: {error.strerror}") from None


def _check_is_one_report(folder: Path, found: Mapping[str, str]) -> None:
    """Raise where files are of several reports: a carrier would get what contradicts itself.

    Args:
        folder: of the month and the carrier.
        found: the SHA-256 of its files, by name.
    """
    if SUMS not in found:
        raise CaseError(
            f"{folder}: has no {SUMS}, which a report writes last: it is not complete, or of an "
            "earlier version: report again"
        )
    place = folder / SUMS
    try:
        with place.open("rb") as file:
            others = differing(file.read(MAX_SUMS_BYTES), found)
    except ValueError as error:
        raise CaseError(f"{place}: is no list of a report's files: {error}: report again") from None
    except OSError as error:
        raise CaseError(f"{place}: cannot be read: {error.strerror}") from None
    if EVIDENCE in found and not others and _summary_in(folder) != found[SUMMARY]:
        others = [f"{SUMMARY} in {EVIDENCE}"]
    if others:
        raise CaseError(
            f"{folder}: not of the report that {SUMS} names: {', '.join(others)}. Files of several "
            "reports are mixed, or one was changed: put back what the report wrote, or report again"
        )


def _summary_in(folder: Path) -> str | None:
    """Return the SHA-256 of the summary that the evidence has, by its manifest; None: it has none.

    Whether it is sound `linewatch evidence verify` tells.
    """
    place = folder / EVIDENCE
    try:
        with ArchiveReader(place) as archive:
            manifest = Manifest.model_validate_json(archive.read(MANIFEST))
    except (EvidenceError, ValidationError):
        raise CaseError(f"{place}: is no evidence that can be read: report again") from None
    member = manifest.members.get(SUMMARY)
    return member.sha256 if member else None


def _read_file(place: Path) -> NewFile:
    digest, size, pieces = hashlib.sha256(), 0, []
    with place.open("rb") as file:
        # Ends at the file's end.
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            if size <= MAX_FILE_BYTES:
                pieces.append(piece)
    content = b"".join(pieces) if size <= MAX_FILE_BYTES else None
    media_type = media_type_of(place.name)
    return NewFile("folder", place.name, media_type, digest.hexdigest(), size, content)


def media_type_of(name: str) -> str:
    """Return a file's media type by its name."""
    own = _MEDIA_TYPES.get(Path(name).suffix.lower())
    return own or mimetypes.guess_type(name)[0] or "application/octet-stream"


_MEDIA_TYPES: Final = {
    ".pdf": "application/pdf",
    ".json": "application/json",
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The same on every machine, whatever its lists of types say."""
