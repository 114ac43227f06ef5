"""Which server a slot goes to, and what speaks with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from probe.engine import Engine
from probe.slots import Slot
from protocol.constants import DEFAULT_ENGINE, OOKLA_ENGINE
from protocol.failures import Failure
from protocol.messages import MeasuredPath, ServerEntry
from protocol.records import Task

ASK_TO_ACCEPT: Final = (
    "Ookla's servers are used only by who has accepted Ookla's terms: see 'Ookla' in docs/method.md"
)


class NoServerError(Exception):
    """There is no server for a slot. Never leaves the runner: it becomes the slot's record."""

    def __init__(self, code: Failure, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a slot is measured with: the engine, its server, or servers to choose one from."""

    engine: Engine
    server: ServerEntry | None
    candidates: tuple[ServerEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Servers:
    """Assigns servers and engines to slots.

    Attributes:
        usual: what measures each task.
        by_name: engines for servers that name theirs.
        listed: the servers of a list file: known by name, and chosen from where no other is known.
        ookla_terms_accepted: whether Ookla's servers may be used.
    """

    usual: Mapping[Task, Engine]
    by_name: Mapping[str, Engine] = field(default_factory=dict)
    listed: tuple[ServerEntry, ...] = ()
    ookla_terms_accepted: bool = False

    def assign(self, slot: Slot, path: MeasuredPath, known: Sequence[ServerEntry]) -> Assigned:
        """Return what a slot is measured with.

        Args:
            slot: the slot.
            path: its path.
            known: the servers of the instruction.

        Raises:
            NoServerError: the plan names one that nobody knows, its engine is not here, its
                service's terms were not accepted, or there is none at all.
        """
        usual = self.usual[slot.task]
        server = self._server(slot, path, known)
        if server is None:
            if slot.task is Task.REACH:
                return Assigned(usual, None)
            if slot.task is Task.SPEED and self.listed:
                return Assigned(usual, None, self.listed)
            raise NoServerError(Failure.NO_SERVER, f"no server for {slot.task.value}")
        if slot.task is not Task.SPEED or server.engine == usual.name:
            return Assigned(usual, server)
        engine = self.by_name.get(server.engine)
        if engine is None:
            sentence = f"the server '{server.name}' needs '{server.engine}', which is not here"
            raise NoServerError(Failure.NO_SERVER, sentence)
        if engine.name == OOKLA_ENGINE and not self.ookla_terms_accepted:
            raise NoServerError(Failure.TERMS_NOT_ACCEPTED, ASK_TO_ACCEPT)
        return Assigned(engine, server)

    def engine(self, slot: Slot) -> Engine:
        """Return what was planned to measure a slot, for the record of one that did not run."""
        return self.by_name.get(slot.engine or "", self.usual[slot.task])

    def _server(
        self, slot: Slot, path: MeasuredPath, known: Sequence[ServerEntry]
    ) -> ServerEntry | None:
        if slot.task is Task.SPEED and slot.server is not None:
            for entry in (*known, *self.listed):
                if entry.name == slot.server:
                    return entry
            sentence = f"the plan names the server '{slot.server}', which is not in the list"
            raise NoServerError(Failure.NO_SERVER, sentence)
        return choose_server(slot.task, known, path.servers)


def choose_server(
    task: Task, known: Sequence[ServerEntry], named: Sequence[str] = ()
) -> ServerEntry | None:
    """Return the server of a task that has no turns, always the same: one series, one server.

    Those that the path names come first, in its order. Of them it is the first that the usual
    engine speaks with; for `latency` the first that names its reflector, where any does. A service
    of others, which only its own engine may use, is never it.
    """
    own = [entry for entry in known if entry.engine != OOKLA_ENGINE]
    ordered = sorted(own, key=lambda entry: _place(entry, named))
    if task is Task.LATENCY:
        ordered = [entry for entry in ordered if entry.stamp] or ordered
    usual = (entry for entry in ordered if entry.engine == DEFAULT_ENGINE)
    return next(usual, ordered[0] if ordered else None)


def _place(entry: ServerEntry, named: Sequence[str]) -> int:
    return named.index(entry.name) if entry.name in named else len(named)
