"""Reads the members of a file of evidence as what they have to be; what they are not, is found."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from collector.domain.standard_file import StandardFault, StandardFile, parse
from collector.evidence import format as form
from collector.evidence.container import ArchiveReader, MemberError
from collector.evidence.faults import Fault, Findings
from collector.evidence.writing import standard_name
from collector.reports.monthly import Month
from collector.reports.standards import MAX_FILE_BYTES
from collector.reports.summary import FORMAT, Summary, from_json
from protocol.model import Model

_MAX_ENTRY_BYTES: Final = 16 * 1024 * 1024

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Contents:
    """The members of an archive.

    Attributes:
        archive: whose.
        findings: takes what is wrong.
    """

    archive: ArchiveReader
    findings: Findings

    def _fault(self, what: str, member: str) -> None:
        self.findings.add(Fault(what, member=member))

    def model(self, name: str, kind: type[M]) -> M | None:
        """Return what a member holds; None: it is not sound, which is found then."""
        try:
            return kind.model_validate_json(self.archive.read(name))
        except MemberError as error:
            self._fault(error.reason, member=name)
        except ValidationError as error:
            self._fault(first_of(error), member=name)
        return None

    def entries(self, name: str, kind: type[M]) -> list[M] | None:
        """Return what the lines of a member hold; None: they are not sound."""
        found: list[M] = []
        if self.archive.sizes.get(name, 0) > form.MAX_WHOLE_BYTES:
            self._fault(f"has more than {form.MAX_WHOLE_BYTES} bytes", member=name)
            return None
        try:
            for line in self.archive.lines(name, _MAX_ENTRY_BYTES):
                found.append(kind.model_validate_json(line))  # noqa: PERF401 - counts till a fault
        except MemberError as error:
            self._fault(error.reason, member=name)
            return None
        except ValidationError as error:
            self._fault(f"line {len(found) + 1}: {first_of(error)}", member=name)
            return None
        return found

    def summary(self) -> tuple[dict[str, Any], Summary] | None:
        """Return the summary as a tree and as what it is; None: it is not sound."""
        try:
            content = self.archive.read(form.SUMMARY)
            tree, found = json.loads(content), from_json(content)
            if found.format == FORMAT:
                return tree, found
            self._fault(
                f"has the format '{found.format[:80]}': this program makes the numbers of "
                f"'{FORMAT}' anew; check the file with the version that wrote it, "
                f"{found.software[:80]}",
                member=form.SUMMARY,
            )
        except MemberError as error:
            self._fault(error.reason, member=form.SUMMARY)
        except ValidationError as error:
            self._fault(first_of(error), member=form.SUMMARY)
        except (ValueError, RecursionError) as error:
            self._fault(f"is no summary: {error}", member=form.SUMMARY)
        return None

    def month(self, summary: Summary) -> Month | None:
        """Return the month of a summary; None: it names none that can be reckoned with."""
        try:
            first = date.fromisoformat(f"{summary.month}-01")
            zone = ZoneInfo(summary.timezone)
        except (ValueError, ZoneInfoNotFoundError, OSError):
            first, zone = date.min, None
        if zone is None or first.year not in form.YEARS:
            self._fault("names no month, or no time zone", form.SUMMARY)
            return None
        return Month(first, zone)

    def standards(self, summary: Summary) -> list[StandardFile]:
        """Return the standards that the summary names, in its order, as far as they are there."""
        names = [name for name in self.archive.sizes if name.startswith(form.STANDARDS)]
        found = {name: self._standard(name) for name in sorted(names)}
        used = []
        for one in summary.standards:
            name = f"{form.STANDARDS}{one.id}@{one.version}.yaml"
            if name not in found:
                self._fault("the summary names this standard, and it is not there", member=name)
                continue
            standard = found.pop(name)
            if standard is not None and standard.sha256 != one.sha256:
                self._fault("is another file than the summary's verdicts name", member=name)
            if standard is not None:
                used.append(standard)
        for name in found:
            self._fault("the summary does not name this standard", member=name)
        return used

    def _standard(self, name: str) -> StandardFile | None:
        if self.archive.sizes[name] > MAX_FILE_BYTES:
            self._fault("is longer than a standard may be", member=name)
            return None
        try:
            file = parse(self.archive.read(name), name)
        except MemberError as error:
            self._fault(error.reason, member=name)
            return None
        except StandardFault as error:
            self._fault(f"is no standard: {str(error).splitlines()[0]}", member=name)
            return None
        if standard_name(file) != name:
            self._fault("holds another standard than its name says", member=name)
        return file


def first_of(error: ValidationError) -> str:
    """Return the first thing that is wrong with a member, and where in it."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}"[:300]
