"""A small fleet's October in a ledger, and a standard in two versions: for tests of replays."""

from contextlib import closing
from datetime import date
from pathlib import Path

from bench.planted import fill
from collector.ledger.database import Database
from collector.ledger.migrate import migrate
from collector.settings import LedgerSettings
from protocol.messages import Schedule
from simulate import USUAL, Fleet, FleetPlan
from simulate.stories import Group

STORIES = (
    Group(kind="good", lines=1, evening=(0.97, 1.0), noise=(0.01, 0.02), days=(0.01, 0.01)),
    Group(kind="dip", lines=1, evening=(0.85, 0.87), noise=(0.01, 0.02), days=(0.01, 0.01)),
    Group(kind="broken", lines=1, evening=(0.5, 0.6), noise=(0.01, 0.02), days=(0.01, 0.01)),
)
PLAN = FleetPlan(
    probes=3,
    days=31,
    seed=5,
    start=date(2025, 10, 1),
    schedule=Schedule(speed=USUAL.speed, latency=None, reach=None),
    trouble=0.0,
    stories=STORIES,
)
GOOD, DIP, BROKEN = (probe.lines[0].id for probe in Fleet(PLAN).probes())

STANDARD = """
id: own
version: {version}
name: {{vi: "Của phường", en: "The ward's own"}}
issuer: {{vi: "Phường", en: "The ward"}}
effective_from: null
use: requirement
effective_to: null
source: "a test"
fits: [fixed]
windows:
  - id: peak
    name: {{vi: "cao điểm", en: "peak"}}
    hours: [[19, 23]]
    minimum: {{days: 20, tests: 40}}
indicators:
  - id: download
    name: {{vi: "Tải xuống", en: "Download"}}
    quantity: download
    statistic: mean
    windows: [peak]
    limit: {{side: at_least, number: {limit}, of: [contracted], verified: false, source: "a test"}}
primary: {{indicator: download, window: peak}}
"""


def make_ledger(path: Path) -> None:
    """Write the ledger."""
    with closing(Database(LedgerSettings(path=path))) as database:
        migrate(database)
        fill(database, Fleet(PLAN))


def make_standards(folder: Path) -> None:
    """Write version 1, which the dip keeps, and version 2, which it does not."""
    folder.mkdir()
    for version, limit in ((1, 0.8), (2, 0.95)):
        file = folder / f"own-{version}.yaml"
        file.write_text(STANDARD.format(version=version, limit=limit), encoding="utf-8")
