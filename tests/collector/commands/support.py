"""`linewatch …` on a ledger of a test's own."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from linewatch import build


class Registry:
    """Runs commands on a ledger in a folder.

    Args:
        folder: where its configuration and its ledger are.
        more: settings of the section `collector`, as YAML's flow style has them.

    Attributes:
        ledger: the ledger's file.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        self._configuration = folder / "config.yaml"
        path = self.ledger = folder / "ledger.sqlite"
        self._configuration.write_text(f"collector: {{ledger: {{path: {path}}}{more}}}\n")
        self.run("collector", "migrate")

    def filled(self) -> "Registry":
        """Return itself, with one carrier, one site and one line."""
        self.run("carrier", "add", "vnpt", "--name", "VNPT Hải Phòng")
        self.run("site", "add", "nvh-1", "--name", "Nhà văn hóa 1", "--ward", "Phường Thạch Khôi")
        words = "line add l1 --site nvh-1 --carrier vnpt --technology fibre"
        self.run(*words.split(), "--download", "300M", "--upload", "1.5G")
        return self

    def run(self, *arguments: str, given: str | None = None) -> Result:
        """Run a command; errors other than an exit code are raised."""
        words = [*arguments, "--config", str(self._configuration)]
        return CliRunner().invoke(build(), words, input=given, catch_exceptions=False)

    def json(self, *arguments: str) -> Any:
        """Return what a command prints for machines."""
        return json.loads(self.run(*arguments, "--json").stdout)
