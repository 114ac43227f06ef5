"""A month's speed tests as rows of a sheet: each that there was, and whether it counts."""

import csv
from collections.abc import Iterable, Iterator
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


def rows_of(month: LineMonth) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each speed test of a line's month, in the order of time."""
    summary = month.summary
    of_line = (summary.id, summary.site.name, summary.site.ward or "")
    for part in month.parts:
        for at, cells in sorted(_of_part(part), key=lambda row: row[0]):
            yield (*of_line, at, *cells)


def _of_part(part: LinePart) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for test in part.tests:
        yield _moment(test), _counting(test, "yes", part.server or "")
    for witness in part.witnesses:
        for test in witness.tests:
            yield _moment(test), _counting(test, "witness", witness.server)
    for one in part.excluded:
        if one.task == "speed":
            yield _moment(one), _apart(one)


def _moment(one: SpeedTest | Excluded) -> str:
    return one.at.isoformat(timespec="milliseconds")


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


def write_csv(path: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write rows as CSV, one at a time: UTF-8, with the mark that a spreadsheet asks for."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
