"""Finds the standards: those that are shipped, and those of the operator's own folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from collector.domain.standard_file import StandardFault, StandardFile, parse
from collector.errors import StandardError

SHIPPED: Final = Path(__file__).parents[1] / "standards"

MAX_FILE_BYTES: Final = 256 * 1024
"""A longer file is no standard: the longest that is shipped has 6 kB."""


def read_standard(file: Path) -> StandardFile:
    """Return the standard that a file holds.

    Raises:
        StandardError: it cannot be read, or is none; says each field that is wrong.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise StandardError(f"{file}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise StandardError(f"{file}: is longer than a standard may be")
    try:
        return parse(content, str(file))
    except StandardFault as error:
        raise StandardError(str(error)) from None


def read_standards(folder: Path | None) -> list[StandardFile]:
    """Return all standards by id, the oldest version first.

    Args:
        folder: of the operator's own; None: there is none.

    Raises:
        StandardError: one of them is wrong, or two have the same id and version.
    """
    if folder is not None and not folder.is_dir():
        raise StandardError(f"{folder}: no such folder; it is collector.reports.standards")
    files = sorted(SHIPPED.glob("*.yaml"))
    if folder is not None:
        files += sorted({*folder.glob("*.yaml"), *folder.glob("*.yml")})
    found: dict[tuple[str, int], StandardFile] = {}
    for one in map(read_standard, files):
        key = one.standard.id, one.standard.version
        other = found.get(key)
        if other and other.sha256 != one.sha256:
            raise StandardError(
                f"{one.place}: version: {other.place} is version {key[1]} of '{key[0]}' too, and "
                f"says something else: give this one version {key[1] + 1}, or an id of its own"
            )
        found[key] = other or one
    return [found[key] for key in sorted(found)]


def choose_standard(files: Sequence[StandardFile], name: str) -> StandardFile:
    """Return the newest version of a standard, or the one that is named.

    Args:
        files: of all standards.
        name: its id, or ID@VERSION.

    Raises:
        StandardError: there is none.
    """
    wanted, _, version = name.partition("@")
    versions = [one for one in files if one.standard.id == wanted]
    if version:
        versions = [one for one in versions if str(one.standard.version) == version]
    if not versions:
        known = ", ".join(sorted({one.standard.id for one in files}))
        raise StandardError(f"there is no standard '{name}'; known are {known}")
    return max(versions, key=lambda one: one.standard.version)
