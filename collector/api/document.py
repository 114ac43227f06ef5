"""The OpenAPI 3.1 document of the API that reads, and the same for people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_PATH = Path(__file__).parent / "openapi.json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One resource, as the page for people shows it. Texts in Vietnamese and English."""

    path: str
    summary_vi: str
    summary_en: str
    parameters: Sequence[str]
    operators_only: bool


@cache
def openapi() -> dict[str, Any]:
    """Return the document."""
    document: dict[str, Any] = json.loads(_PATH.read_text(encoding="utf-8"))
    return document


@cache
def operations() -> Sequence[Operation]:
    """Return every resource that the document describes, in its order."""
    shared = openapi()["components"]["parameters"]
    found = []
    for path, item in openapi()["paths"].items():
        get = item["get"]
        given = [
            shared[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            for part in get.get("parameters", ())
        ]
        found.append(
            Operation(
                path=path,
                summary_vi=get["x-summary-vi"],
                summary_en=get["summary"],
                parameters=tuple(part["name"] for part in given if part["in"] == "query"),
                operators_only="security" in get,
            )
        )
    return tuple(found)
