"""Workbooks that are written: the same content gives the same bytes."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

HEAD: Final = {"bold": True, "font_color": "white", "bg_color": "#1F4E79", "text_wrap": True}
"""How a column's heading looks."""

A4: Final = 9
"""Among the papers that a sheet can be printed on."""

_MADE_AT: Final = datetime(1980, 1, 1)  # noqa: DTZ001 - a workbook's moments have no zone


@contextmanager
def workbook(target: Path | io.BytesIO, *, by_rows: bool = False) -> Iterator[Workbook]:
    """Yield a workbook that is written to ``target`` at the end of the block.

    Args:
        target: a file there is replaced.
        by_rows: rows come one after the other; each goes to the disk when the next one comes.

    Raises:
        OSError: it cannot be written.
    """
    if isinstance(target, Path):
        # The library finds out at the end, with all rows on the disk.
        target.touch()
    # Also what an error leaves unfinished goes with the folder.
    with tempfile.TemporaryDirectory() as made:
        options = {"constant_memory": by_rows, "tmpdir": made, "use_zip64": True}
        try:
            with Workbook(str(target) if isinstance(target, Path) else target, options) as book:
                book.set_properties({"author": "Linewatch", "created": _MADE_AT})
                yield book
        except FileCreateError as error:
            raise OSError(*error.args[0].args) from None
