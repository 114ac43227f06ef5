"""Puts a month's evidence beside its summary, or takes that of another summary away."""

from collections.abc import Callable
from pathlib import Path

from collector.errors import ReportError
from collector.evidence.writing import Material, write_evidence
from collector.ledger.database import Database
from collector.reports.folder import whole
from collector.reports.names import EVIDENCE


def add_evidence(
    folder: Path,
    database: Database,
    material: Material,
    told: Callable[[int], object] = lambda _: None,
) -> None:
    """Write the evidence of a carrier's month into its folder, whole or not at all.

    Raises:
        ReportError: the folder cannot be written, or the ledger's month changed meanwhile.
    """
    try:
        with whole(folder / EVIDENCE) as file:
            write_evidence(file, database, material, told)
    except OSError as error:
        raise ReportError(f"{folder}: cannot be written: {error.strerror}") from None


def leave_out_evidence(folder: Path) -> None:
    """Remove evidence that was made before: it is of another summary."""
    (folder / EVIDENCE).unlink(missing_ok=True)
