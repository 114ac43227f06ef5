"""Reads the kernel's small text files; what is missing or unreadable is None."""

from pathlib import Path


def text(path: Path) -> str | None:
    """Return a file's text without surrounding white space, or None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:
        return None


def number(path: Path) -> int | None:
    """Return the whole number that a file holds, or None."""
    content = text(path)
    try:
        return None if content is None else int(content, 0)
    except ValueError:
        return None
