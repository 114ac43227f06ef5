"""A carrier's month as a folder of files: each is whole, or is not there."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from collector.errors import ReportError
from collector.reports.data_rows import COLUMNS, csv_rows
from collector.reports.data_sheet import sheet_rows
from collector.reports.making import LineDone
from collector.reports.names import DATA, SHEET, SUMMARY, SUMS
from collector.reports.summary import LineSummary, Summary, pieces


def write_folder(folder: Path, summary: Summary, months: Iterable[LineDone]) -> Summary:
    """Write a carrier's month, line by line; return its summary.

    Args:
        folder: made where it is missing; what is in it by these names is replaced.
        summary: without lines.
        months: of the lines.

    Raises:
        ReportError: the folder cannot be written.
    """
    told: list[LineSummary] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            whole(folder / DATA) as data,
            whole(folder / SHEET) as sheet,
            csv_rows(data) as put,
            sheet_rows(sheet, COLUMNS) as put_cells,
        ):
            for month in months:
                told.append(month.summary)
                for row in month.rows:
                    put(row)
                    put_cells(row)
        made = replace(summary, lines=told)
        with whole(folder / SUMMARY) as file, file.open("wb") as opened:
            opened.writelines(pieces(made))
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None
    return made


@contextmanager
def made_beside(folder: Path) -> Iterator[Path]:
    """Yield a folder whose files come into another one at the end of the block, or not at all.

    Raises:
        ReportError: they cannot be written.
    """
    other = folder.with_name(f".{folder.name}.again")
    try:
        shutil.rmtree(other, ignore_errors=True)
        other.mkdir()
        yield other
        # A folder without its list is not complete: it goes first, and comes last.
        (folder / SUMS).unlink(missing_ok=True)
        for file in sorted(other.iterdir(), key=lambda one: (one.name == SUMS, one.name)):
            file.replace(folder / file.name)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(other, ignore_errors=True)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield the place of a file that becomes ``path`` once it is complete."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
