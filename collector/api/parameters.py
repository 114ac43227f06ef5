"""Query parameters of the API that reads: checked, limited, refused in a sentence."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from collector.errors import CollectorError

_LONGEST = {"series": 1000}
_LONGEST_OF_OTHERS = 200
"""Characters, as `openapi.json` says. In a series' key a server's name can have 500."""

_LARGEST_ID = 2**63 - 1


class ParameterError(CollectorError):
    """A parameter cannot be used; the sentence names it."""


class Parameters:
    """The query of one request.

    Args:
        query: as it came.
        known: the names that the resource takes; another one is refused, as it is most likely
            written wrongly, and leaving it out would answer something else than was asked.

    Raises:
        ParameterError: a name is unknown or given twice, or a value is too long.
    """

    def __init__(self, query: Mapping[str, str], known: Sequence[str]) -> None:
        names = [name for name, _ in query.items()]
        for name in names:
            if name not in known:
                raise ParameterError(
                    f"{name[:40]}: unknown parameter; known here: {', '.join(known) or 'none'}"
                )
            if names.count(name) > 1:
                raise ParameterError(f"{name}: given more than once")
            longest = _LONGEST.get(name, _LONGEST_OF_OTHERS)
            if len(query[name]) > longest:
                raise ParameterError(f"{name}: longer than {longest} characters")
        self._query = query

    def text(self, name: str) -> str | None:
        """Return a value, or None where it is not given or empty."""
        return self._query.get(name) or None

    def one_of(self, name: str, choices: Sequence[str]) -> str | None:
        """Return a value that is one of ``choices``."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise ParameterError(f"{name}: one of {', '.join(choices)} is needed")
        return value

    def limit(self, default: int, most: int) -> int:
        """Return how many things a page holds."""
        value = self.text("limit")
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
            raise ParameterError(f"limit: a whole number from 1 to {most} is needed")
        return int(value)

    def moment(self, name: str) -> datetime | None:
        """Return a moment given as RFC 3339."""
        value = self._query.get(name)
        if value is None:
            return None
        try:
            # In a query, a plus that was not escaped reads as a space.
            moment = datetime.fromisoformat(value.replace(" ", "+"))
            if moment.tzinfo is None:
                raise ParameterError(f"{name}: the offset from UTC is missing (an example: Z)")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ParameterError(
                f"{name}: a time as RFC 3339 is needed, as 2026-11-30T00:00:00Z"
            ) from None

    def numbers_cursor(self, size: int) -> tuple[int, ...] | None:
        """Return the numbers that a cursor holds; None where there is no cursor."""
        cursor = self._cursor()
        if cursor is None:
            return None
        numbers = tuple(
            part for part in cursor if isinstance(part, int) and abs(part) <= _LARGEST_ID
        )
        if not len(numbers) == len(cursor) == size:
            raise _bad_cursor()
        return numbers

    def name_cursor(self) -> str | None:
        """Return the name that a cursor holds; None where there is no cursor."""
        cursor = self._cursor()
        if cursor is None:
            return None
        if len(cursor) != 1 or not isinstance(cursor[0], str):
            raise _bad_cursor()
        return str(cursor[0])

    def _cursor(self) -> list[object] | None:
        text = self.text("cursor")
        if text is None:
            return None
        try:
            content = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=="))
        except (ValueError, binascii.Error, RecursionError):
            raise _bad_cursor() from None
        if not isinstance(content, list):
            raise _bad_cursor()
        return content


def write_cursor(*parts: int | str) -> str:
    """Return a cursor that holds these parts. What is in it is nobody's business but ours."""
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _bad_cursor() -> ParameterError:
    return ParameterError("cursor: not one of ours; take next_cursor of an answer as it is")
