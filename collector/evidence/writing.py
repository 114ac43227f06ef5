"""Writes a carrier's month as evidence: streamed, all of one moment, the same again to the byte."""

import base64
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection, select

from collector.domain.findings import Verdict
from collector.domain.hours import Hour, HourId
from collector.domain.standard_file import StandardFile
from collector.domain.terms import TERMS_FIELDS, Period
from collector.errors import ReportError
from collector.evidence import format as form
from collector.evidence.container import ArchiveWriter
from collector.evidence.format import Covers, Kind, Place
from collector.evidence.gathering import (
    Chain,
    Judged,
    Seqs,
    about_chain,
    find_spans,
    read_folded,
    read_places,
    read_probes,
    read_seals,
)
from collector.evidence.later import LaterRows
from collector.ledger import schema
from collector.ledger.database import Database
from collector.ledger.engines import take_breaks, take_time
from collector.ledger.month_mark import read_mark
from collector.reports.monthly import Month, Source
from collector.reports.summary import LineSummary, Summary, pieces
from protocol.model import Model, encode

_IN_MEMORY_BYTES: Final = 16 * 1024 * 1024
"""Of what is said of a chain's places; more goes into a file meanwhile."""

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

_README: Final = """\
BẰNG CHỨNG ĐO CHẤT LƯỢNG ĐƯỜNG TRUYỀN / EVIDENCE OF LINE QUALITY MEASUREMENTS

Tệp này chứa nguyên văn các bản ghi đo trong một tháng, chữ ký của thiết bị đo, khóa công khai,
trích đăng ký đường truyền, tiêu chuẩn đã dùng và kết quả. Kiểm tra, không cần mạng:
This file has a month's records of measurement as they were signed, the devices' signatures and
public keys, an extract of the registry, the standards that were used, and the result. To check it,
offline:

    linewatch evidence verify evidence.zip

Định dạng được mô tả trong docs/evidence.md; mỗi bên có thể tự viết chương trình kiểm tra.
docs/evidence.md of Linewatch describes the format for those who write a checker of their own.
"""


@dataclass(frozen=True, slots=True)
class Material:
    """What a carrier's evidence is made of, besides the ledger.

    Attributes:
        summary: as it is written.
        sources: of its lines' months, by the lines' ids.
        standards: those that it names, in its order.
        month: of the summary.
        covers: which of its lines.
    """

    summary: Summary
    sources: Mapping[str, Source]
    standards: Sequence[StandardFile]
    month: Month
    covers: Covers

    @property
    def lines(self) -> list[LineSummary]:
        """The lines that are covered."""
        if self.covers is Covers.ALL:
            return list(self.summary.lines)
        return [one for one in self.summary.lines if one.verdict is Verdict.FAIL]

    @property
    def records(self) -> int:
        """How many records of theirs there are."""
        return sum(self.sources[line.id].mark.records for line in self.lines)


def write_evidence(
    path: Path,
    database: Database,
    material: Material,
    told: Callable[[int], object] = lambda _: None,
) -> None:
    """Write a file of evidence; one that is there is replaced.

    Args:
        path: of the file.
        database: the ledger that the material is of.
        material: what is to be proved.
        told: is told of the records that were judged as they are written.

    Raises:
        ReportError: a record of the month left, was folded or got another moment since it was
            judged, a gap was filled before one, or a standard's file is another one now.
        OSError: the file cannot be written.
    """

    def write(connection: Connection) -> None:
        # All of it is of one moment, however long the disk takes.
        take_time(connection)
        take_breaks(connection)
        with path.open("wb") as file:
            _Writer(connection, file, material, told).write()

    database.read_now(write)


@dataclass(slots=True)
class _Key:
    """When seals by a key came."""

    first: datetime
    last: datetime


@dataclass(slots=True)
class _Writer:
    connection: Connection
    file: BinaryIO
    material: Material
    told: Callable[[int], object]
    archive: ArchiveWriter = field(init=False)
    paths: list[form.PathEntry] = field(default_factory=list)
    keys: dict[tuple[str, str], _Key] = field(default_factory=dict)
    later: LaterRows = field(init=False)

    def write(self) -> None:
        """Write all members in the order of their names, and the manifest last."""
        material = self.material
        lines = {line.id: self._newest(line.id) for line in material.lines}
        judged = Judged(lines, material.month.span)
        self.later = LaterRows(judged.span)
        spans = find_spans(self.connection, judged)
        with ArchiveWriter(self.file) as self.archive:
            self.archive.add(form.README, _README.encode())
            ordered = sorted(spans, key=lambda of: form.folder_of(*of))
            entries = [self._chain(of, spans[of], judged) for of in ordered]
            self._add_lines(form.CHAINS, entries)
            self._add_lines(form.FOLDED, self._folded(lines))
            self._add(form.KEYS, self._keys({probe for probe, _ in spans}))
            self._add(form.REGISTRY, self._registry())
            for name, content in sorted(map(_standard, material.standards)):
                self.archive.add(name, content)
            with self.archive.member(form.SUMMARY) as opened:
                for piece in pieces(material.summary):
                    opened.write(piece)
            manifest = form.Manifest(
                software=material.summary.software,
                covers=material.covers,
                members=dict(self.archive.members),
            )
            self._add(form.MANIFEST, manifest)

    def _newest(self, line: str) -> int:
        """Return the id of the newest record that a line was judged by.

        Raises:
            ReportError: its month is not what it was then.
        """
        mark = self.material.sources[line].mark
        if read_mark(self.connection, line, self.material.month.span, mark.newest) != mark:
            raise ReportError(
                f"records of line '{line}' in {self.material.month.name} changed while the report "
                "was made: make it again"
            )
        return mark.newest

    def _add(self, name: str, content: Model) -> None:
        self.archive.add(name, content.model_dump_json(indent=1).encode() + b"\n")

    def _add_lines(self, name: str, entries: Iterable[Model]) -> None:
        with self.archive.member(name) as opened:
            for entry in entries:
                opened.write(encode(entry) + b"\n")

    # --- A chain ---------------------------------------------------------------------------------

    def _chain(self, of: Chain, spans: Sequence[Seqs], judged: Judged) -> form.ChainEntry:
        folder = form.folder_of(*of)
        count = 0
        heard: dict[str, dict[datetime, str]] = defaultdict(dict)
        hashes: dict[int, str] = {}
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as rows:
            rows.write((",".join(form.COLUMNS) + "\n").encode())
            with self.archive.member(f"{folder}records.ndjson") as opened:
                for span in spans:
                    for place, line, own, path in read_places(self.connection, of, span, judged):
                        rows.write(place.row())
                        hashes[place.seq] = own
                        if line is None:
                            continue
                        opened.write(line + b"\n")
                        count += 1
                        if path is not None:
                            heard[path][place.received_at or _NEVER] = place.line
                        self._hold(of, place, judged)
            self._seals(of, spans, hashes)
            rows.seek(0)
            with self.archive.member(f"{folder}stored.csv") as opened:
                while part := rows.read(_IN_MEMORY_BYTES):
                    opened.write(part)
        named = {line for of_path in heard.values() for line in of_path.values() if line}
        for path, of_path in sorted(heard.items()):
            self.paths += _periods(of[0], path, of_path)
        about = about_chain(self.connection, of, spans)
        return form.ChainEntry(
            probe=of[0],
            chain=of[1],
            spans=tuple(
                form.Span(from_seq=first, to_seq=last, last_hash=hashes.get(last) or None)
                for first, last in spans
            ),
            records=count,
            lines=tuple(sorted(named)),
            gaps=tuple(form.GapEntry(from_seq=first, to_seq=last) for first, last in about.gaps),
            kept_apart=about.kept_apart,
            forked_at=about.forked_at,
        )

    def _hold(self, of: Chain, place: Place, judged: Judged) -> None:
        """Tell of a record that is judged.

        Raises:
            ReportError: whoever checks the file could not believe what is said of it.
        """
        if wrong := self.later.wrong_with(of, place):
            raise ReportError(
                f"probe {of[0]} chain {of[1]} seq {place.seq}: {wrong}. A gap was filled while the "
                "report was made: make it again"
            )
        is_of_month = bool(place.line) and judged.is_of_month(place.measured_at)
        self.told(is_of_month and place.kind is not Kind.LATER)

    def _seals(self, of: Chain, spans: Sequence[Seqs], hashes: Mapping[int, str]) -> None:
        with self.archive.member(f"{form.folder_of(*of)}seals.ndjson") as opened:
            for seal in read_seals(self.connection, of, spans):
                if hashes.get(seal.seq) != seal.hash:
                    # Of the other side of a fork, which is kept apart.
                    continue
                opened.write(encode(seal) + b"\n")
                at = seal.received_at
                key = self.keys.setdefault((of[0], seal.public_key), _Key(at, at))
                key.first, key.last = min(key.first, at), max(key.last, at)

    # --- Beside the chains -----------------------------------------------------------------------

    def _folded(self, lines: Iterable[str]) -> Iterable[form.FoldedEntry]:
        for line in lines:
            for one in read_folded(self.connection, line, self.material.month.span):
                yield _folded(*one)

    def _keys(self, probes: Iterable[str]) -> form.Keys:
        entries = []
        for row in read_probes(self.connection, probes):
            used = {key for probe, key in self.keys if probe == row.id}
            known = sorted(used | ({row.public_key} if row.public_key else set()))
            entries.append(
                form.ProbeEntry(
                    id=row.id,
                    site=row.site_id,
                    model=row.model,
                    enrolled_at=row.enrolled_at,
                    revoked_at=row.revoked_at,
                    keys=tuple(self._key(row.id, one, row.public_key) for one in known),
                )
            )
        return form.Keys(probes=tuple(entries))

    def _key(self, probe: str, key: str, current: str | None) -> form.KeyEntry:
        used = self.keys.get((probe, key))
        return form.KeyEntry(
            public_key=key,
            fingerprint=fingerprint(key),
            current=key == current,
            first_seal_at=used and used.first,
            last_seal_at=used and used.last,
        )

    def _registry(self) -> form.Registry:
        summary, lines = self.material.summary, self.material.lines
        sites = {line.site.id: line.site for line in lines}
        return form.Registry(
            carrier=form.CarrierEntry(id=summary.carrier.id, name=summary.carrier.name),
            sites=tuple(
                form.SiteEntry(id=one.id, name=one.name, ward=one.ward, address=one.address)
                for _, one in sorted(sites.items())
            ),
            lines=tuple(map(self._line, lines)),
            servers=self._servers(),
            paths=tuple(self.paths),
        )

    def _line(self, line: LineSummary) -> form.LineEntry:
        source, month = self.material.sources[line.id], self.material.month
        return form.LineEntry(
            id=line.id,
            site=line.site.id,
            technology=line.technology,
            server=source.line.server,
            terms=tuple(
                _terms(at, period)
                for at, period in source.stated
                if (period.first is None or period.first <= month.last_day)
                and (period.last is None or month.first_day <= period.last)
            ),
        )

    def _servers(self) -> tuple[form.ServerEntry, ...]:
        networks: dict[str, str | None] = {}
        for line in self.material.lines:
            networks |= self.material.sources[line.id].line.networks
        servers = schema.servers
        query = select(servers.c.id, servers.c.url, servers.c.engine).order_by(servers.c.id)
        rows = sorted(self.connection.execute(query).all(), key=lambda row: str(row.id))
        return tuple(
            form.ServerEntry(id=row.id, url=row.url, engine=row.engine, network=networks[row.id])
            for row in rows
            if row.id in networks
        )


def fingerprint(public_key: str) -> str:
    """Return a key's SHA-256, of its 32 bytes."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()


def standard_name(file: StandardFile) -> str:
    """Return what a standard's member is called."""
    return f"{form.STANDARDS}{file.standard.id}@{file.standard.version}.yaml"


def _periods(probe: str, path: str, heard: Mapping[datetime, str]) -> Iterator[form.PathEntry]:
    """Yield of a path's records in a chain when they came and were taken as one line's."""
    for line, times in groupby(sorted(heard), key=heard.__getitem__):
        moments = list(times)
        if line:
            yield form.PathEntry(
                probe=probe,
                path=path,
                line=line,
                first_received_at=moments[0],
                last_received_at=moments[-1],
            )


def _standard(file: StandardFile) -> tuple[str, bytes]:
    content = Path(file.place).read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise ReportError(f"{file.place} changed while the report was made: make it again")
    return standard_name(file), content


def _terms(at: datetime, period: Period) -> form.TermsEntry:
    values = {name: getattr(period.terms, name) for name in TERMS_FIELDS if name != "payer"}
    return form.TermsEntry(
        recorded_at=at, valid_from=period.first, valid_until=period.last, **values
    )


def _folded(of: HourId, hour: Hour) -> form.FoldedEntry:
    return form.FoldedEntry(
        line=of.line,
        series=of.series,
        outcome=of.outcome,
        failure_code=of.failure_code,
        flags=of.flags,
        hour=of.hour,
        records=hour.records,
        sent=hour.sent,
        received=hour.received,
        minimum_seconds=hour.minimum_seconds,
        round_trips_microseconds=tuple(round(one * 1e6) for one in hour.round_trips),
        delay_variations_microseconds=tuple(round(one * 1e6) for one in hour.delay_variations),
    )
