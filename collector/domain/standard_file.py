"""Reads a standard from the bytes of its file, or says which field is wrong. Pure."""

from hashlib import sha256
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from collector.domain.standard import Standard
from protocol.settings import faults


class StandardFault(ValueError):  # noqa: N818 - named as `protocol.server_list.ListFault` is
    """The file is no standard; the message has a line for each field that is wrong."""


class StandardFile(NamedTuple):
    """A standard with the file that it was read from.

    Attributes:
        sha256: of the file's bytes, which a verdict names.
        place: of the file, for people.
    """

    standard: Standard
    sha256: str
    place: str


def parse(content: bytes, place: str) -> StandardFile:
    """Return the standard that a file holds.

    Raises:
        StandardFault: it holds none; says each field that is wrong, and what to do.
    """
    try:
        tree = yaml.load(content, _StrictLoader)  # noqa: S506 - a safe loader, see there
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise StandardFault(f"{place}: not valid YAML: {_in_a_line(error)}") from None
    if not isinstance(tree, dict):
        raise StandardFault(f"{place}: a mapping is needed: id, version, name …")
    try:
        standard = Standard.model_validate(tree)
    except ValidationError as error:
        lines = [f"{place}: {field}{text}" for field, text in _fields(tree, error)]
        raise StandardFault("\n".join(lines)) from None
    return StandardFile(standard, sha256(content).hexdigest(), place)


def _fields(tree: dict[str, Any], error: ValidationError) -> list[tuple[str, str]]:
    """Return each wrong field as people find it, by the id of an indicator or a window."""
    found = []
    for place, sentence in faults(Standard, error):
        parts = []
        at: Any = tree
        for part in place:
            at = at[part] if _has(at, part) else None
            named = at.get("id") if isinstance(at, dict) and isinstance(part, int) else None
            parts.append(f"'{named}'" if named else str(part))
        found.append((f"{'.'.join(parts)}: " if parts else "", sentence))
    return found


def _has(tree: Any, part: int | str) -> bool:  # noqa: ANN401 - any part of a file
    if isinstance(tree, list):
        return isinstance(part, int) and part < len(tree)
    return isinstance(tree, dict) and part in tree


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key that is there twice: of two limits nobody knows which."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping, each key once."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{twice[0]}' is there twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)
