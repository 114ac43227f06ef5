"""An old month under another standard: a second verdict beside the first, and both are kept.

What is replayed is the report that was written: its lines, and the terms that it went by, whatever
the registry has learnt since; measured is what the ledger has now. Nothing of the report is
touched. A folder `replay/ID@VERSION` in it gets a summary of its own, and a comparison that names
the first by its SHA-256; no letter is made of it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection

from collector.domain.findings import Verdict, together
from collector.domain.month import Line, SortedMonth
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Part
from collector.errors import ReportError
from collector.ledger.database import Database
from collector.ledger.month_rows import read_lines, read_month
from collector.reports.folder import whole
from collector.reports.monthly import Month
from collector.reports.names import COMPARISON, SUMMARY
from collector.reports.summary import FORMAT as SUMMARY_FORMAT
from collector.reports.summary import (
    LineSummary,
    StandardUsed,
    Summary,
    as_json,
    from_json,
    standard_used,
    summarise,
)

REPLAYS: Final = "replay"
FORMAT: Final = "linewatch-replay/1"


@dataclass(frozen=True, slots=True)
class Compared:
    """A line's two verdicts.

    Attributes:
        first, again: of the report, and of the replay.
        first_tests, again_tests: speed tests that counted; more now where records came late.
    """

    line: str
    first: Verdict
    again: Verdict
    first_tests: int
    again_tests: int


def read_report(folder: Path) -> tuple[Summary, str]:
    """Return the summary of a report, and the SHA-256 of its file.

    Raises:
        ReportError: there is none.
    """
    path = folder / SUMMARY
    try:
        content = path.read_bytes()
        return from_json(content), hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError:
        raise ReportError(f"{path}: is no summary that this version can read") from None


def check_unlike(
    folder: Path,
    ward: str | None,
    standards: Iterable[StandardFile],
    terms: Mapping[str, Sequence[Part]],
) -> None:
    """Raise where a report that is there already rests on something else than what is to be made.

    Args:
        folder: of the report.
        ward: that it is to be of; None: of all.
        standards: that lines will be held against.
        terms: what they will be held to.

    Raises:
        ReportError: it was made by other standards, of another ward, or by other terms.
    """
    if not (folder / SUMMARY).exists():
        return
    there, _ = read_report(folder)
    hint = "name another --out, or replace it with --replace"
    if _names(there.standards) != _names(map(standard_used, standards)):
        raise ReportError(
            f"{folder} has the month by other standards ({', '.join(_names(there.standards))}): "
            f"'linewatch report replay' keeps both; or {hint}"
        )
    if there.ward != ward:
        of = f"ward '{there.ward}'" if there.ward else "all wards"
        raise ReportError(f"{folder} has the month of {of}: {hint}")
    other = [line.id for line in there.lines if _terms(line) != list(terms.get(line.id, ()))]
    if other:
        raise ReportError(
            f"{folder} has the month by what was known then of the terms of {', '.join(other)}; "
            f"the registry says something else now: go by what was known with --known-at, {hint}"
        )


def _names(used: Iterable[StandardUsed]) -> list[str]:
    # Not by the version alone: a file that changed without a new one says something else, too.
    return sorted(f"{one.id}@{one.version} {one.sha256[:8]}" for one in used)


def _terms(line: LineSummary) -> list[Part]:
    return [Part(part.first_day, part.last_day, part.terms) for part in line.parts]


def replay(
    database: Database,
    month: Month,
    folder: Path,
    standards: Sequence[StandardFile],
    step: Callable[[int], None],
) -> tuple[Path, list[Compared]]:
    """Hold a report's month against standards again; return where that is, and what is said.

    Args:
        database: the ledger.
        month: of the report.
        folder: of the report.
        standards: to hold lines against.
        step: is told of each line that is done.

    Raises:
        ReportError: there is no report of this month, or nothing can be written there.
    """
    first, sha256 = read_report(folder)
    if (first.month, first.timezone) != (month.name, month.zone.key):
        raise ReportError(
            f"{folder} has {first.month} in {first.timezone}, not {month.name} in {month.zone.key}"
        )
    told = []
    for line in _again(database, month, first.lines, standards):
        told.append(line)
        step(1)
    used = [standard_used(one) for one in standards]
    made = replace(first, format=SUMMARY_FORMAT, standards=used, lines=told)
    compared = [_compared(*pair) for pair in zip(first.lines, told, strict=True)]
    target = folder / REPLAYS / "+".join(f"{one.id}@{one.version}" for one in used)
    content = {
        "format": FORMAT,
        "first_sha256": sha256,
        "first_standards": [f"{one.id}@{one.version}" for one in first.standards],
        "lines": [asdict(one) for one in compared],
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        with whole(target / SUMMARY) as file:
            file.write_bytes(as_json(made))
        with whole(target / COMPARISON) as file:
            text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
            file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{target}: cannot be written: {error.strerror}") from None
    return target, compared


def _again(
    database: Database,
    month: Month,
    lines: Sequence[LineSummary],
    standards: Sequence[StandardFile],
) -> Iterator[LineSummary]:
    """Yield each line's month anew, by the terms that it has in its summary."""
    known = database.read_now(lambda c: read_lines(c, [line.id for line in lines]))
    for line in lines:
        if line.id not in known:
            raise ReportError(f"the registry has no line '{line.id}' any more")

        def read(connection: Connection, of: Line = known[line.id]) -> SortedMonth:
            return read_month(connection, of, month.name, month.span, month.zone)

        found = database.read_now(read)
        fitting = [one for one in standards if one.standard.is_for(line.technology)]
        parts = [summarise(found.part(*part), fitting) for part in _terms(line)]
        yield replace(line, parts=parts)


def _compared(first: LineSummary, again: LineSummary) -> Compared:
    counts = (sum(part.tests for part in line.parts) for line in (first, again))
    judged = (one for part in again.parts for one in part.judgements)
    # An old month under a new regulation: what it would say then. No letter is made of it.
    said = together(one.verdict for one in judged if one.may_accuse)
    return Compared(first.id, first.verdict, said, *counts)
