"""What a month says of a carrier's lines, for machines: the content of `summary.json`.

All papers of a month are made of it, and a program of somebody else's can be. The types say what is
in it; `schema()` says it as JSON Schema, which is in docs/summary.schema.json. Rates are bits per
second, durations seconds, shares from 0 to 1; moments have their zone. What is not known or was not
measured is null.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from collector.domain.figures import Figure, figures
from collector.domain.findings import Judgement, Verdict, verdict_of
from collector.domain.line_month import Exclusion, LinePart, Outage
from collector.domain.standard import Words
from collector.domain.standard_file import StandardFile
from collector.domain.terms import Terms
from collector.domain.verdicts import judge

FORMAT: Final = "linewatch-summary/2"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a line is."""

    id: str
    name: str
    ward: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class Carrier:
    """Whose lines they are."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class StandardUsed:
    """A standard that lines are held against, and the file that it is.

    Attributes:
        sha256: of the file's bytes.
        unverified: how many of its numbers nobody has read in the text itself.
    """

    id: str
    version: int
    sha256: str
    name: Words
    unverified: int


@dataclass(frozen=True, slots=True)
class Excluded:
    """Records that do not count, by what they are and why.

    Attributes:
        task: speed or latency.
        detail: flags or a failure's code, see `collector.domain.line_month.Exclusion`.
    """

    task: str
    reason: Exclusion
    detail: str
    records: int


@dataclass(frozen=True, slots=True)
class ProbeUsed:
    """A probe that a part's days were measured by, with its path.

    Attributes:
        since: its first test, where it took another one's place in these days; null: it did not.
        tests: of its speed tests, how many count.
    """

    probe: str
    path: str
    since: datetime | None
    tests: int


@dataclass(frozen=True, slots=True)
class PartSummary:
    """A line's days under one set of terms.

    Attributes:
        server, network: that the tests went to; null: none counts, or not known.
        tests: speed tests that count.
        witnesses: tests by servers of other networks, as many as count.
        watched_seconds: of these days, for how long reachability of the carrier's part is known.
        ip_version: over which the tests were made, 4 or 6; null: none counts, or not known.
        probes: that they were made by, one after the other: more than one where one was replaced.
            None where no test was made, and in summaries of format 1.
    """

    first_day: date
    last_day: date
    terms: Terms
    server: str | None
    network: str | None
    tests: int
    witnesses: Mapping[str, int]
    excluded: Sequence[Excluded]
    outages: Sequence[Outage]
    watched_seconds: float
    figures: Sequence[Figure]
    judgements: Sequence[Judgement]
    ip_version: int | None = None
    probes: Sequence[ProbeUsed] = ()

    @property
    def accusing(self) -> Sequence[Judgement]:
        """The judgements that a complaint may rest on."""
        return [one for one in self.judgements if one.accuses]


@dataclass(frozen=True, slots=True)
class LineSummary:
    """A line's month."""

    id: str
    site: Site
    technology: str
    parts: Sequence[PartSummary]

    @property
    def verdict(self) -> Verdict:
        """FAIL where any standard says so of any part, PASS where one does and none says FAIL.

        Those count that a complaint may rest on.
        """
        return verdict_of(one for part in self.parts for one in part.judgements)


@dataclass(frozen=True, slots=True)
class Summary:
    """A carrier's month.

    Attributes:
        format: of this content; another number where a reader must look again.
        software: that made it.
        month: as 2026-10.
        timezone: of days and hours.
        ward: that it is of; null: of all.
    """

    format: str
    software: str
    month: str
    timezone: str
    ward: str | None
    carrier: Carrier
    standards: Sequence[StandardUsed]
    lines: Sequence[LineSummary]


_SUMMARY: Final[TypeAdapter[Summary]] = TypeAdapter(Summary)
_LINE: Final[TypeAdapter[LineSummary]] = TypeAdapter(LineSummary)

_LINES: Final = '\n "lines": ['
"""Where lines begin: nothing else can look so, as a string in JSON has no end of a line."""


def as_json(summary: Summary) -> bytes:
    """Return a summary as it is written: the same bytes for the same content."""
    return b"".join(pieces(summary))


def pieces(summary: Summary) -> Iterator[bytes]:
    """Yield a summary as it is written, a line at a time: a city's is large as one text."""
    blank = _text(_SUMMARY.dump_python(replace(summary, lines=[]), mode="json"))
    head, begin, tail = blank.partition(_LINES)
    yield f"{head}{begin}".encode()
    for number, line in enumerate(summary.lines):
        inner = _text(_LINE.dump_python(line, mode="json")).replace("\n", "\n  ")
        yield f"{',' if number else ''}\n  {inner}".encode()
    end = "\n " if summary.lines else ""
    yield f"{end}{tail}\n".encode()


def _text(tree: dict[str, Any]) -> str:
    return json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True)


def from_json(content: bytes) -> Summary:
    """Return the summary that was written.

    Raises:
        ValidationError: it is none.
    """
    return _SUMMARY.validate_json(content)


def schema() -> dict[str, Any]:
    """Return what `summary.json` holds, as JSON Schema (draft 2020-12)."""
    made = _SUMMARY.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def standard_used(file: StandardFile) -> StandardUsed:
    """Return how a summary names a standard."""
    standard = file.standard
    unverified = sum(not limit.verified for limit in standard.limits)
    return StandardUsed(standard.id, standard.version, file.sha256, standard.name, unverified)


def summarise(part: LinePart, standards: Iterable[StandardFile]) -> PartSummary:
    """Return what is to be told of a part: its figures, and what each standard says."""
    used = list(standards)
    windows = {one.id: one for file in reversed(used) for one in file.standard.windows}
    return PartSummary(
        first_day=part.first_day,
        last_day=part.last_day,
        terms=part.terms,
        server=part.server,
        network=part.network,
        tests=len(part.tests),
        witnesses={one.server: len(one.tests) for one in part.witnesses},
        excluded=_counted(part),
        outages=part.outages,
        watched_seconds=part.watched_seconds,
        figures=figures(part, [windows[name] for name in sorted(windows)]),
        judgements=[judge(part, file) for file in used],
        ip_version=part.kind.ip_version if part.kind else None,
        probes=_probes(part),
    )


def _probes(part: LinePart) -> list[ProbeUsed]:
    counts = Counter(part.probe_of(one.at) for one in part.tests)
    return [ProbeUsed(*turn, counts[turn]) for turn in part.probes]


def _counted(part: LinePart) -> list[Excluded]:
    counts: Counter[tuple[str, Exclusion, str]] = Counter()
    for one in part.excluded:
        counts[one.task, one.reason, one.detail] += one.records
    return [Excluded(*kind, records) for kind, records in sorted(counts.items())]
