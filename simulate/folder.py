"""A fleet in a folder: its plan, its registry, its truth, and its batches, to be sent later.

plan.json                          what it was made from
registry.json                      for `linewatch registry import`
truth.json                         what is planted, and what was written
batches/00000/00000000-PROBE.ndjson.gz …   in the order in which they are to be sent: the body
of one request each, `Content-Encoding: gzip`
"""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from protocol.errors import LinewatchError
from protocol.messages import Schedule
from simulate.fleet import Fleet
from simulate.plan import FleetPlan
from simulate.sending import Parcel
from simulate.stories import GROUPS

_FILES_A_FOLDER: Final = 1000
_SUFFIX: Final = ".ndjson.gz"


class FolderError(LinewatchError):
    """A folder holds no fleet, or cannot be written."""


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file of JSON that people can read.

    Raises:
        FolderError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise FolderError(f"{path}: cannot be written: {error.strerror}") from None


def begin_folder(folder: Path, fleet: Fleet) -> None:
    """Write what is known before the first batch.

    Raises:
        FolderError: there is a fleet already, or the folder cannot be written.
    """
    if (folder / "plan.json").exists():
        raise FolderError(f"{folder} holds a fleet already: name another folder")
    write_json(folder / "plan.json", fleet.plan.as_json())
    write_json(folder / "registry.json", fleet.registry())


def write_parcel(folder: Path, number: int, one: Parcel) -> None:
    """Write a fleet's batch number so-and-so."""
    path = folder / "batches" / f"{number // _FILES_A_FOLDER:05d}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{number:08d}-{one.probe}{_SUFFIX}").write_bytes(one.body)
    except OSError as error:
        raise FolderError(f"{path}: cannot be written: {error.strerror}") from None


def read_plan(folder: Path) -> FleetPlan:
    """Return the plan of the fleet in a folder.

    Raises:
        FolderError: there is none.
    """
    path = folder / "plan.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        told["start"] = date.fromisoformat(told["start"])
        told["schedule"] = Schedule.model_validate(told["schedule"])
        told["stories"] = GROUPS.validate_python(told.get("stories", ()))
        return FleetPlan(**told)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FolderError(f"{path}: holds no plan of a fleet: {error}") from None


def read_parcels(folder: Path) -> Iterator[Parcel]:
    """Yield a folder's batches in their order."""
    for part in sorted((folder / "batches").iterdir()):
        for path in sorted(part.glob(f"*{_SUFFIX}")):
            body = path.read_bytes()
            probe = path.name.removesuffix(_SUFFIX).partition("-")[2]
            # The seal's line is no record.
            yield Parcel(probe, gzip.decompress(body).count(b"\n") - 1, body)
