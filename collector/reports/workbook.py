"""Workbooks that are written: the same content gives the same bytes."""

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

_MADE_AT: Final = datetime(1980, 1, 1)  # noqa: DTZ001 - a workbook's moments have no zone


@contextmanager
def workbook(path: Path, *, by_rows: bool = False) -> Iterator[Workbook]:
    """Yield a workbook that is written to ``path`` at the end of the block.

    Args:
        path: is replaced.
        by_rows: rows come one after the other; each goes to the disk when the next one comes.

    Raises:
        OSError: it cannot be written.
    """
    # Also what an error leaves unfinished goes with the folder.
    with tempfile.TemporaryDirectory() as made:
        options = {"constant_memory": by_rows, "tmpdir": made, "use_zip64": True}
        try:
            with Workbook(str(path), options) as book:
                book.set_properties({"author": "Linewatch", "created": _MADE_AT})
                yield book
        except FileCreateError as error:
            raise OSError(*error.args[0].args) from None
