"""Workbooks that are written: the same content gives the same bytes."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

HEAD: Final = {"bold": True, "font_color": "white", "bg_color": "#1F4E79", "text_wrap": True}
"""How a column's heading looks."""

_A4: Final = 9
"""Among the papers that a sheet can be printed on."""

_MADE_AT: Final = datetime(1980, 1, 1)  # noqa: DTZ001 - a workbook's moments have no zone

_RICH: Final = "<r>"
"""The library takes a text that begins so for a piece of its own format, and writes it raw."""


@contextmanager
def workbook(target: Path | io.BytesIO, *, by_rows: bool = False) -> Iterator[Workbook]:
    """Yield a workbook that is written to ``target`` at the end of the block.

    Where the block ends by an error there is no file.

    Args:
        target: a file there is replaced. Meanwhile its content waits unpacked in a folder beside
            it, of the same name and ".rows", which is made anew.
        by_rows: rows come one after the other; each goes to the disk when the next one comes.

    Raises:
        OSError: it cannot be written.
    """
    if isinstance(target, io.BytesIO):
        with tempfile.TemporaryDirectory() as made:
            yield from _written(target, made, by_rows=by_rows)
        return
    beside = target.with_name(f"{target.name}.rows")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    try:
        yield from _written(target, str(beside), by_rows=by_rows)
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _written(target: Path | io.BytesIO, folder: str, *, by_rows: bool) -> Iterator[Workbook]:
    options = {"constant_memory": by_rows, "tmpdir": folder, "use_zip64": True}
    book = Workbook(str(target) if isinstance(target, Path) else target, options)
    book.set_properties({"author": "Linewatch", "created": _MADE_AT})
    try:
        yield book
    except BaseException:
        # Its own end of a block would pack all rows first, whatever happened.
        if by_rows:
            for sheet in book.worksheets():
                sheet._opt_close()  # noqa: SLF001 - nothing public closes a sheet's file
        raise
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from None


def print_landscape(sheet: Worksheet, pages: int = 1) -> None:
    """Have a sheet printed on A4 across, as wide as so many pages and as long as it is."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(pages, 0)


def write_text(
    sheet: Worksheet, row: int, column: int, text: str, looks: Format | None = None
) -> None:
    """Write a text so that it stays one: neither a formula nor what its signs mean elsewhere.

    Ends of lines become those of a sheet.

    Args:
        sheet: of a workbook.
        row: of the cell, counted from 0.
        column: likewise.
        text: for it.
        looks: of the cell.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith(_RICH):
        # In that format, then, as the one run of letters that it is.
        text = f'<r><t xml:space="preserve">{escape(text)}</t></r>'
    sheet.write_string(row, column, text, looks)
