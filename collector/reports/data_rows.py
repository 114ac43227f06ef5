"""A month's speed tests as rows of a sheet: each that there was, and whether it counts."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from collector.domain.line_month import Excluded, LinePart, SpeedTest
from collector.reports.monthly import LineMonth

COLUMNS: Final = (
    "line",
    "site",
    "ward",
    "measured_at",
    "counts",
    "reason",
    "detail",
    "server",
    "download_bits_per_second",
    "upload_bits_per_second",
    "rates_are_lower_bounds",
    "idle_latency_seconds",
    "download_latency_seconds",
    "upload_latency_seconds",
    "probe",
    "chain",
    "seq",
)
"""``counts``: yes; as a witness, which is a test by a server of another network; or no, and then
``reason`` and ``detail`` say why. ``probe``, ``chain`` and ``seq`` find the record in the
evidence."""

_AT: Final = COLUMNS.index("measured_at")
_NAMES: Final = tuple(map(COLUMNS.index, ("site", "ward")))
"""What people named: all else is made of letters that no spreadsheet takes for a formula."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would reckon with."""


def rows_of(month: LineMonth) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each speed test of a line's month, in the order of time.

    Moments are aware, and of the collector's zone.
    """
    summary = month.summary
    of_line = (summary.id, summary.site.name, summary.site.ward or "")
    for part in month.parts:
        for at, cells in sorted(_of_part(part), key=lambda row: row[0]):
            yield (*of_line, at, *cells)


def _of_part(part: LinePart) -> Iterator[tuple[datetime, tuple[Any, ...]]]:
    for test in part.tests:
        yield test.at, _counting(test, "yes", part.server or "")
    for witness in part.witnesses:
        for test in witness.tests:
            yield test.at, _counting(test, "witness", witness.server)
    for one in part.excluded:
        if one.task == "speed":
            yield one.at, _apart(one)


def _counting(test: SpeedTest, how: str, server: str) -> tuple[Any, ...]:
    return (
        how,
        "",
        "",
        server,
        test.download_bits_per_second,
        test.upload_bits_per_second,
        "yes" if test.at_least else "no",
        test.idle_latency_seconds,
        test.download_latency_seconds,
        test.upload_latency_seconds,
        *test.record,
    )


def _apart(one: Excluded) -> tuple[Any, ...]:
    record = one.record or ("", "", "")
    return ("no", one.reason.value, one.detail, *[None] * 7, *record)


@contextmanager
def csv_rows(path: Path) -> Iterator[Callable[[Sequence[Any]], None]]:
    """Write CSV at ``path``: UTF-8, with the mark that a spreadsheet asks for.

    Yield what takes its rows. Moments are ISO 8601 with their zone, to the millisecond. A site's or
    a ward's name that a spreadsheet would take for a formula has an apostrophe before it: rows are
    known by their line, and the exact name is in the summary.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)

        def put(row: Sequence[Any]) -> None:
            cells = list(row)
            cells[_AT] = row[_AT].isoformat(timespec="milliseconds")
            for number in _NAMES:
                if str(row[number]).startswith(_FORMULA):
                    cells[number] = f"'{row[number]}"
            writer.writerow(cells)

        yield put
