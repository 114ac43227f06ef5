"""The annex: a table of a carrier's lines, and a page for each, as one PDF.

Lines are typeset some at a time, beside each other, and their pages joined: memory is that of
some dozens of pages, whatever the city. Between the reading and the typesetting, when all
neighbours are known, pages wait on the disk.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from collector.domain.comparison import MonthBefore, Own
from collector.errors import ReportError
from collector.papers.findings import NOT_IN_FORCE, not_in_force, speed_tests
from collector.papers.joining import joined
from collector.papers.typesetting import LANGUAGE, typeset
from collector.reports import comparison
from collector.reports.folder import whole
from collector.reports.making import LineDone
from collector.reports.monthly import Month
from collector.reports.names import ANNEX, COMPARISON
from collector.reports.pool import Workers
from collector.reports.summary import LineSummary, Summary

TEMPLATE: Final = "annex.typ"
TOGETHER: Final = 8
"""Lines that are typeset at once, 4 MB each. Alone each would have fonts of its own, 20 kB."""

_ROWS: Final = 600
"""Of the table of lines that are typeset at once."""

Step = Callable[[int], None]


class Pages(AbstractContextManager["Pages"]):
    """The pages of a carrier's lines, on the disk until they are typeset."""

    def __init__(self) -> None:
        self.lines: list[tuple[Own, MonthBefore | None]] = []
        self._ends: list[int] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `__exit__` closes it

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of them."""
        self._file.close()

    def noting(self, months: Iterable[LineDone]) -> Iterator[LineDone]:
        """Yield months, and keep their pages."""
        for one in months:
            self.lines.append((one.own, one.before))
            self._file.write(json.dumps(one.page, ensure_ascii=False).encode())
            self._ends.append(self._file.tell())
            yield one

    def read(self, first: int, end: int) -> list[dict[str, Any]]:
        """Return some of the pages."""
        found = []
        for number in range(first, min(end, len(self._ends))):
            start = self._ends[number - 1] if number else 0
            self._file.seek(start)
            found.append(json.loads(self._file.read(self._ends[number] - start)))
        return found


def write_comparison(folder: Path, summary: Summary, pages: Pages) -> comparison.Comparison:
    """Write how a carrier's lines stand beside others; return it.

    Raises:
        ReportError: the folder cannot be written.
    """
    made = comparison.compare(summary.month, summary.carrier.id, pages.lines)
    try:
        with whole(folder / COMPARISON) as file:
            file.write_bytes(comparison.as_json(made))
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None
    return made


def write_annex(
    folder: Path,
    summary: Summary,
    compared: comparison.Comparison,
    pages: Pages,
    month: Month,
    workers: Workers,
    step: Step,
) -> None:
    """Write a carrier's annex.

    Args:
        folder: of the month and the carrier.
        summary: that is in it.
        compared: of its lines.
        pages: of its lines, in its order.
        month: of all of them.
        workers: that typeset.
        step: is told of lines as they are typeset.

    Raises:
        PaperError: a page cannot be typeset.
        ReportError: the folder cannot be written, or a process ended in the middle of its work.
    """
    idle = not_in_force(summary)
    common = {
        "not_in_force": (NOT_IN_FORCE.vi, NOT_IN_FORCE.en),
        "carrier": summary.carrier.name,
        "ward": summary.ward or "",
        "month": f"{month.first_day:%m/%Y}",
        "timezone": summary.timezone,
        "software": summary.software,
        "standards": [
            {
                "name": (one.name.vi, one.name.en),
                "version": one.version,
                "unverified": one.unverified,
                "in_force": (one.id, one.version) not in idle,
            }
            for one in summary.standards
        ],
    }
    portions = _portions(summary, compared, pages, common, month)
    title = f"Linewatch {summary.carrier.name} {summary.month}"
    try:
        with whole(folder / ANNEX) as file, joined(file, title, LANGUAGE) as add:
            for lines, content in workers.in_order(_typeset, portions):
                add(content)
                step(lines)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None


Portion = tuple[int, dict[str, Any], Any]
"""How many lines a piece of the annex has pages of, its data, and its moment."""


def _portions(
    summary: Summary,
    compared: comparison.Comparison,
    pages: Pages,
    common: dict[str, Any],
    month: Month,
) -> Iterator[Portion]:
    moment = month.span[1]
    counts = {
        verdict: sum(one.verdict.value == verdict for one in summary.lines)
        for verdict in ("fail", "pass", "not_enough_data")
    }
    rows = [
        [number, one.id, one.site.name, one.site.ward or "–", *_tests(one), one.verdict.value]
        for number, one in enumerate(summary.lines, 1)
    ]
    accusing = {
        judged.standard for line in summary.lines for part in line.parts for judged in part.accusing
    }
    names = {one.id: one.name for one in summary.standards if one.id in accusing}
    for first in range(0, max(len(rows), 1), _ROWS):
        table = {"rows": rows[first : first + _ROWS], "begins": not first, "counts": counts}
        yield 0, {**common, "table": table, "pages": []}, moment
    for first in range(0, len(rows), TOGETHER):
        found = pages.read(first, first + TOGETHER)
        lines = compared.lines[first : first + TOGETHER]
        for number, (page, line) in enumerate(zip(found, lines, strict=True), first + 1):
            page["number"] = f"{number}/{len(rows)}"
            page["compared"] = comparison.words_of(line, names)
        yield len(found), {**common, "table": None, "pages": found}, moment


def _tests(line: LineSummary) -> tuple[int, int, int]:
    tests = speed_tests([line])
    return tests.counted, tests.witnesses, tests.left_out


def _typeset(own: object, portion: Portion) -> tuple[int, bytes]:
    del own
    lines, data, moment = portion
    return lines, typeset(TEMPLATE, data, moment, to_be_joined=True)
