"""What cases rest on in a month's folder: no other report replaces it unasked, nothing is lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from collector.errors import CaseError, ReportError
from collector.ledger import cases
from collector.ledger.cases import KeptFile
from collector.ledger.large_files import LargeFiles
from collector.reports.names import ANNEXES, SUMMARY, SUMS
from collector.reports.sums import sha256_of


class Resting(NamedTuple):
    """A case, and what it has of the month's folder that it was opened from, by name."""

    case: int
    files: Mapping[str, KeptFile]


def cases_on(connection: Connection, folder: Path, carrier: str, month: str) -> list[Resting]:
    """Return the cases that were opened from the report that is in a folder, the newest first.

    Args:
        connection: to read with.
        folder: OUT/MONTH/CARRIER; it need not be there.
        carrier: its id.
        month: as 2026-10.

    Raises:
        ReportError: the folder cannot be read.
    """
    try:
        there = {name: sha256_of(folder / name) for name in _TELLING if (folder / name).is_file()}
    except OSError as error:
        raise ReportError(f"{folder}: cannot be read: {error.strerror}") from None
    if not there:
        return []
    found = []
    for case in cases.read_cases(connection, month=month):
        if case.carrier_id != carrier:
            continue
        files = {
            one.name: one for one in cases.read_files(connection, case.id) if one.kind == "folder"
        }
        if any(name in files and files[name].sha256 == own for name, own in there.items()):
            found.append(Resting(case.id, files))
    return found


_TELLING = (SUMS, SUMMARY)
"""Either tells of which report a folder is: the list is not there while one is made."""


def refuse_other(resting: Sequence[Resting], folder: Path, made: Path) -> None:
    """Raise where a month that was made again is not what a case rests on.

    Args:
        resting: of the folder.
        folder: that a case was opened from.
        made: the new one.

    Raises:
        ReportError: files would be others.
    """
    found = {name: sha256_of(made / name) for name in ANNEXES if (made / name).is_file()}
    for case, files in resting:
        said = {name: one.sha256 for name, one in files.items() if name in ANNEXES}
        others = sorted(name for name in {**said, **found} if said.get(name) != found.get(name))
        if others:
            raise ReportError(
                f"case {case} rests on {folder}, and the month made again is another in "
                f"{', '.join(others)}: nothing was changed. Name another --out for the new one; or "
                "replace the folder with --replace: the case keeps its files, and goes on by them"
            )


def keep_all(resting: Sequence[Resting], folder: Path, large: LargeFiles) -> None:
    """Keep what cases rest on and only the folder has: they were opened before it was kept.

    Raises:
        CaseError: there is no room for it.
    """
    for case, files in resting:
        for name, one in files.items():
            place = folder / name
            is_kept = one.is_kept or large.find(one.sha256, name) is not None
            if is_kept or not place.is_file() or sha256_of(place) != one.sha256:
                continue
            try:
                large.keep(place, one.sha256, name)
            except CaseError as error:
                raise CaseError(f"case {case} rests on {place}: {error}") from None
