"""Checks a file of evidence with nothing but the file, and makes its summary anew.

What is checked, and what a file alone cannot prove: docs/evidence.md.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from collector.domain.findings import Verdict
from collector.evidence import format as form
from collector.evidence.comparing import Difference, differences
from collector.evidence.container import ArchiveReader, MemberError
from collector.evidence.contents import Contents
from collector.evidence.faults import Fault, Findings, Note
from collector.evidence.following import Checked, Follower
from collector.evidence.format import Covers, Kind, Place
from collector.evidence.later import LaterRows
from collector.evidence.recomputing import Recomputing
from collector.evidence.writing import fingerprint
from collector.reports.summary import Summary, as_json
from protocol.constants import MAX_RECORD_BYTES

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows how far something is: its title and its size; what is yielded is told of steps."""

_MAX_ROW_BYTES: Final = 1024
_STEP: Final = 500


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain in the file, to be compared with another source."""

    probe: str
    chain: str
    seq: int
    hash: str | None


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        findings: what is wrong, and what limits what the file proves.
        summary: that the file has; None: it cannot be read.
        software: that wrote the file.
        records: that were read.
        figures: numbers and words of the summary that were made anew and compared.
        keys: probe and fingerprint of each key.
        heads: the ends of the chains.
    """

    findings: Findings = field(default_factory=Findings)
    summary: Summary | None = None
    software: str = ""
    records: int = 0
    figures: int = 0
    keys: list[tuple[str, str]] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings.count


def verify_evidence(path: Path, bar: Bar) -> Report:
    """Return what is found wrong with a file of evidence.

    Ends: every member is read a fixed number of times, and no further than its limits.

    Args:
        path: of the file.
        bar: shows how far it is.

    Raises:
        EvidenceError: it is no file of evidence, or not one that this program takes.
    """
    with ArchiveReader(path) as archive:
        return _Verifier(archive, path, bar).verify()


@dataclass(slots=True)
class _Verifier:
    archive: ArchiveReader
    path: Path
    bar: Bar
    report: Report = field(default_factory=Report)
    contents: Contents = field(init=False)
    keys: dict[str, form.ProbeEntry] = field(default_factory=dict)
    paths: dict[tuple[str, str], list[form.PathEntry]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        """Let what is read be found wrong in the report."""
        self.contents = Contents(self.archive, self.report.findings)

    def verify(self) -> Report:
        """Check the file from its outside to its inside."""
        self._check_bytes()
        manifest = self._check_members()
        parts = self._read_parts()
        if parts is not None:
            registry, summary, chains, recomputing = parts
            self._prepare(registry)
            self._check_keys()
            said = _lines_said(summary)
            self._compare_head(summary, manifest, recomputing)
            self._compare_names(said, registry, manifest)
            self._follow_all(chains, recomputing, said)
        return self.report

    def _fault(self, what: str, **where: Any) -> None:  # noqa: ANN401 - a fault's fields
        self.report.findings.add(Fault(what, **where))

    # --- The outside -----------------------------------------------------------------------------

    def _check_bytes(self) -> None:
        with self.bar("bytes", self.path.stat().st_size) as told:
            whole = self.archive.is_whole(told)
        if not whole:
            self._fault(
                "the file is not the one that was written: its bytes do not have the SHA-256 at "
                "its end"
            )

    def _check_members(self) -> form.Manifest | None:
        manifest = self.contents.model(form.MANIFEST, form.Manifest)
        if manifest is None:
            return None
        self.report.software = manifest.software
        there = self.archive.sizes.keys() - {form.MANIFEST}
        for name in sorted(there - manifest.members.keys()):
            self._fault("the manifest does not name it", member=name)
        for name in sorted(manifest.members.keys() - there):
            self._fault("the manifest names it, and it is not there", member=name[:120])
        both = sorted(there & manifest.members.keys())
        with self.bar("members", len(both)) as told:
            for name in both:
                self._check_member(name, manifest.members[name])
                told(1)
        return manifest

    def _check_member(self, name: str, said: form.Member) -> None:
        try:
            found = self.archive.member(name)
        except MemberError as error:
            self._fault(error.reason, member=error.member)
            return
        if found != said:
            self._fault("is not what the manifest says: its size or its SHA-256", member=name)

    def _read_parts(
        self,
    ) -> tuple[form.Registry, dict[str, Any], list[form.ChainEntry], Recomputing] | None:
        contents = self.contents
        registry = contents.model(form.REGISTRY, form.Registry)
        keys = contents.model(form.KEYS, form.Keys)
        summary = contents.summary()
        chains = contents.entries(form.CHAINS, form.ChainEntry)
        hours = contents.entries(form.FOLDED, form.FoldedEntry)
        month = summary and contents.month(summary[1])
        if not (registry and keys and summary and month) or chains is None or hours is None:
            self._fault("what is in it was not checked: a member that it rests on is not sound")
            return None
        self.keys = {probe.id: probe for probe in keys.probes}
        tree, self.report.summary = summary
        standards = contents.standards(summary[1])
        folded: dict[str, list[form.FoldedEntry]] = defaultdict(list)
        for hour in hours:
            folded[hour.line].append(hour)
        return registry, tree, chains, Recomputing(registry, month, standards, folded)

    # --- What the parts say of each other --------------------------------------------------------

    def _prepare(self, registry: form.Registry) -> None:
        for one in registry.paths:
            self.paths[one.probe, one.path].append(one)

    def _check_keys(self) -> None:
        owners: Counter[str] = Counter()
        for probe in self.keys.values():
            for key in probe.keys:
                owners[key.public_key] += 1
                self.report.keys.append((probe.id, fingerprint(key.public_key)))
                if key.fingerprint != fingerprint(key.public_key):
                    self._fault(
                        "a key has another fingerprint than keys.json says",
                        member=form.KEYS,
                        probe=probe.id,
                    )
        for name, count in owners.items():
            if count > 1:
                self._fault(f"two probes have the key {name}", member=form.KEYS)

    def _compare_head(
        self, said: dict[str, Any], manifest: form.Manifest | None, recomputing: Recomputing
    ) -> None:
        software = manifest.software if manifest else str(said.get("software"))
        ward = self.report.summary.ward if self.report.summary else None
        found = json.loads(as_json(recomputing.blank(software, ward)))
        self._compare({**said, "lines": []}, found, None)
        for site in recomputing.registry.sites:
            if ward is not None and site.ward != ward:
                self._fault(f"site {site.id} is not in ward '{ward}'", member=form.REGISTRY)

    def _compare_names(
        self,
        said: Mapping[str, dict[str, Any]],
        registry: form.Registry,
        manifest: form.Manifest | None,
    ) -> None:
        """Hold the lines of the summary against those of the registry's extract."""
        in_summary = self.report.summary.lines if self.report.summary else ()
        if len(in_summary) != len(said):
            self._fault("has a line twice", member=form.SUMMARY)
        known = [line.id for line in registry.lines]
        if len(set(known)) != len(known):
            self._fault("has a line twice", member=form.REGISTRY)
        for line in sorted(set(known) - said.keys()):
            self._fault("the summary does not have this line", member=form.SUMMARY, line=line)
        missing = sorted(said.keys() - set(known))
        if manifest is not None and manifest.covers is Covers.FAILED:
            failed = {line.id for line in in_summary if line.verdict is Verdict.FAIL}
            self.report.findings.note(Note.NOT_COVERED, len(set(missing) - failed))
            missing = [line for line in missing if line in failed]
        for line in missing:
            self._fault("the registry's extract does not have it", member=form.REGISTRY, line=line)

    # --- Chains and lines ------------------------------------------------------------------------

    def _follow_all(
        self,
        chains: list[form.ChainEntry],
        recomputing: Recomputing,
        said: Mapping[str, dict[str, Any]],
    ) -> None:
        self._check_folders(chains)
        known = {line.id for line in recomputing.registry.lines}
        waiting = Counter(line for entry in chains for line in set(entry.lines))
        done: set[str] = set()
        later = LaterRows(recomputing.month.span)
        with self.bar("records", sum(entry.records for entry in chains)) as told:
            for entry in chains:
                for checked in self._follow(entry, later, told):
                    line = checked.place.line
                    if line in done or line not in entry.lines:
                        self._fault(
                            "chains.ndjson does not say that this line has records in this chain",
                            member=form.CHAINS,
                            probe=entry.probe,
                            chain=entry.chain,
                            seq=checked.place.seq,
                            line=line,
                        )
                    elif line in known:
                        recomputing.take(checked, entry.probe, entry.chain)
                for line in sorted(set(entry.lines)):
                    waiting[line] -= 1
                    if not waiting[line] and line in known:
                        self._compare_line(line, recomputing, said)
                        done.add(line)
        with self.bar("lines", len(known)) as told:
            told(len(done))
            for line in sorted(known - done):
                self._compare_line(line, recomputing, said)
                told(1)

    def _check_folders(self, chains: list[form.ChainEntry]) -> None:
        named = Counter(entry.folder for entry in chains)
        for folder, count in named.items():
            if count > 1:
                self._fault("names a chain twice", member=form.CHAINS)
            del folder
        for name in self.archive.sizes:
            if name.startswith(form.PARTS) and f"{name.rpartition('/')[0]}/" not in named:
                self._fault("chains.ndjson does not name its chain", member=name)

    def _follow(
        self, entry: form.ChainEntry, later: LaterRows, told: Callable[[int], None]
    ) -> Iterator[Checked]:
        """Yield the records of a chain that are of a line, and were there when it was judged."""
        seals = self.contents.entries(f"{entry.folder}seals.ndjson", form.SealEntry)
        follower = Follower(entry, self.keys.get(entry.probe), seals or (), self.report.findings)
        lines = self.archive.lines(f"{entry.folder}records.ndjson", MAX_RECORD_BYTES)
        if entry.spans:
            last = entry.spans[-1]
            self.report.heads.append(Head(entry.probe, entry.chain, last.to_seq, last.last_hash))
        count = 0
        try:
            for checked in follower.follow(self._places(entry.folder), lines):
                count += 1
                if not count % _STEP:
                    told(_STEP)
                is_judged = checked.place.kind is not Kind.LATER
                if self._is_held(entry, checked, later) and is_judged:
                    yield checked
        except MemberError as error:
            where = {"member": error.member, "probe": entry.probe, "chain": entry.chain}
            self._fault(error.reason, **where)
        self.report.records += count
        told(count % _STEP)

    def _places(self, folder: str) -> Iterator[Place]:
        name = f"{folder}stored.csv"
        rows = self.archive.lines(name, _MAX_ROW_BYTES)
        if next(rows, b"") != ",".join(form.COLUMNS).encode():
            raise MemberError(name, "does not begin with the names of its columns")
        for number, row in enumerate(rows, start=2):
            try:
                place = form.read_place(row)
            except (ValueError, UnicodeDecodeError, OverflowError) as error:
                raise MemberError(name, f"row {number}: {error}") from None
            if place.row() != row + b"\n":
                raise MemberError(name, f"row {number} is not as it would be written")
            yield place

    def _is_held(self, entry: form.ChainEntry, checked: Checked, later: LaterRows) -> bool:
        """Return whether a record is of a line; find what cannot be true of its place."""
        where: dict[str, Any] = {
            "member": f"{entry.folder}stored.csv",
            "probe": entry.probe,
            "chain": entry.chain,
            "seq": checked.place.seq,
        }
        if wrong := later.wrong_with((entry.probe, entry.chain), checked.place):
            self._fault(wrong, line=checked.place.line or None, **where)
        return self._is_attributed(entry.probe, checked, where)

    def _is_attributed(self, probe: str, checked: Checked, where: Mapping[str, Any]) -> bool:
        """Return whether a record is of a line; find it where the registry says another one."""
        place = checked.place
        path, at = checked.content.columns.get("path"), place.received_at
        periods = self.paths.get((probe, path or ""), ())
        if at is None or path is None:
            return bool(place.line)
        if not place.line:
            for one in periods:
                # While a path was a line's, all of its records were.
                if one.first_received_at <= at <= one.last_received_at:
                    self._fault(
                        "the record is given to no line, while its path was of this one",
                        line=one.line,
                        **where,
                    )
        elif not any(
            one.line == place.line and one.first_received_at <= at <= one.last_received_at
            for one in periods
        ):
            self._fault(
                f"the record is given to this line, and registry.json does not say that path {path}"
                " was of it then",
                line=place.line,
                **where,
            )
        return bool(place.line)

    def _compare_line(
        self, line: str, recomputing: Recomputing, said: Mapping[str, dict[str, Any]]
    ) -> None:
        if line not in said:
            return
        try:
            found = recomputing.line(line)
        except (ValueError, ArithmeticError, LookupError) as error:
            # Whoever wrote the file may have signed what no month can be made of.
            self._fault(f"its month cannot be made anew: {error}", line=line)
        else:
            self._compare(said[line], found, line)

    def _compare(self, said: object, found: object, line: str | None) -> None:
        self.report.figures += _leaves(found)
        for one in differences(said, found):
            self._different(one, line)

    def _different(self, one: Difference, line: str | None) -> None:
        self._fault(str(one), member=form.SUMMARY, line=line, figure=one.figure)


def _lines_said(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in summary["lines"]}


def _leaves(tree: object) -> int:
    if isinstance(tree, dict):
        return sum(map(_leaves, tree.values()))
    if isinstance(tree, list):
        return sum(map(_leaves, tree))
    return 1
