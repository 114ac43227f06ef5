"""What a simulated fleet really wrote: what a ledger, and every copy of it, has to hold."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from protocol.records import Outcome, Task


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain stands: the seq after its last record's, and that record's hash."""

    next_seq: int
    last_hash: str


@dataclass(slots=True)
class ProbeTruth:
    """What one probe wrote.

    Attributes:
        planned: slots so far; those of an unended power cut have no record yet.
        tombstones: records that it could not keep.
        untimed: records whose moment only another record of the same boot tells.
        outcomes: records by task and outcome, tombstones not counted.
        chains: by name, in the order of their beginning.
    """

    planned: int = 0
    tombstones: int = 0
    untimed: int = 0
    outcomes: Counter[tuple[Task, Outcome]] = field(default_factory=Counter)
    chains: dict[str, ChainHead] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Lines in all chains, tombstones among them."""
        return self.tombstones + self.outcomes.total()

    def count(self, task: Task, outcome: Outcome, *, known: bool) -> None:
        """Count a record."""
        self.outcomes[task, outcome] += 1
        self.untimed += not known

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return {
            "planned": self.planned,
            "records": self.records,
            "tombstones": self.tombstones,
            "untimed": self.untimed,
            "outcomes": {
                f"{task.value} {outcome.value}": count
                for (task, outcome), count in sorted(self.outcomes.items())
            },
            "chains": {
                name: {"next_seq": head.next_seq, "last_hash": head.last_hash}
                for name, head in self.chains.items()
            },
        }
