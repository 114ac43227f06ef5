"""Records as text, fast: templates made of validated models, with holes for what changes.

A template's text is what the model itself would write, so a field that the record gets one day is
in it by its default, and the order of the fields is the record's own.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

from protocol.failures import Failure
from protocol.results import FailureReport

NULL: Final = "null"

_HOLE: Final = re.compile(r'"\\u0000(.*?)\\u0000"')

_KEPT_BELOW_US: Final = 200_000


class _Microseconds(dict[int, str]):
    """Whole microseconds → seconds as JSON writes them; common ones are written once."""

    def __missing__(self, microseconds: int) -> str:
        text = repr(microseconds / 1e6)
        if microseconds < _KEPT_BELOW_US:
            self[microseconds] = text
        return text


_MICROSECONDS: Final = _Microseconds()

SHORTEST_US: Final = 100
"""Below it Python and pydantic write a number of seconds differently (1e-05, 0.00001)."""


def seconds_text(microseconds: int) -> str:
    """Return whole microseconds, at least `SHORTEST_US`, as seconds."""
    return _MICROSECONDS[microseconds]


def seconds_list(microseconds: Iterable[int]) -> str:
    """Return a JSON list of seconds."""
    return f"[{','.join(map(_MICROSECONDS.__getitem__, microseconds))}]"


@lru_cache(4096)
def string(text: str | None) -> str:
    """Return a JSON string, or null. The same few addresses and names come again and again."""
    return json.dumps(text, ensure_ascii=False)


class Template:
    """A model's text with holes.

    Args:
        sample: a whole, valid model.
        holes: where they are: keys with a dot between, `before.interface.sent_bytes`; all of what
            stands there is replaced.
    """

    def __init__(self, sample: BaseModel, holes: Sequence[str]) -> None:
        content = sample.model_dump(mode="json", by_alias=True)
        for hole in holes:
            _dig(content, hole)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        self._format = _HOLE.sub(r"%(\1)s", text.replace("%", "%%"))

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text with each hole's value: JSON text, or a number."""
        return self._format % values


def _dig(content: dict[str, Any], hole: str) -> None:
    *way, last = hole.split(".")
    inner: Any = content
    for key in way:
        inner = inner[key]
    if last not in inner:
        raise KeyError(hole)
    inner[last] = f"\0{hole}\0"


_FAILURE: Final = Template(FailureReport(code=Failure.INTERNAL, detail=""), ("code", "detail"))


def failure_text(code: str, detail: str) -> str:
    """Return why there is no measurement."""
    return _FAILURE.fill({"code": string(code), "detail": string(detail)})
