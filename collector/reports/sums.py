"""That a folder's files are of one report: their SHA-256, as `sha256sum --check` reads them.

Letters are not among them: clerks edit those. The list is written last: a folder without one is not
complete.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collector.errors import ReportError
from collector.reports.folder import whole
from collector.reports.names import ANNEXES, SUMS

MAX_SUMS_BYTES: Final = 64 * 1024
"""Of a handful of files it has some hundred bytes."""

_ROW: Final = re.compile(r"([0-9a-f]{64})  ([^/\0\n]+)")


def write_sums(folder: Path) -> None:
    """Write the list of what a report has.

    Raises:
        ReportError: the folder cannot be read or written.
    """
    try:
        rows = [
            f"{sha256_of(folder / name)}  {name}\n"
            for name in sorted(ANNEXES)
            if (folder / name).is_file()
        ]
        with whole(folder / SUMS) as file:
            file.write_text("".join(rows), encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None


def leave_out_sums(folder: Path) -> None:
    """Remove an earlier run's list: from now on the folder is not complete.

    Raises:
        ReportError: it cannot be removed.
    """
    try:
        (folder / SUMS).unlink(missing_ok=True)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None


def differing(content: bytes, found: Mapping[str, str]) -> list[str]:
    """Return the files of a report that are not those that its list names, in order.

    Args:
        content: of the list.
        found: the SHA-256 of what is in the folder, by name.

    Raises:
        ValueError: it is no such list.
    """
    said = {}
    for row in content.decode("utf-8").splitlines():
        read = _ROW.fullmatch(row)
        if read is None:
            raise ValueError(f"'{row[:80]}' is no row of it")
        said[read[2]] = read[1]
    there = {name: digest for name, digest in found.items() if name in ANNEXES}
    return sorted(name for name in {**said, **there} if said.get(name) != there.get(name))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
