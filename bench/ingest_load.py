"""What is sent to collectors under test: a simulated fleet's records, as many as are wanted.

A day of a fleet is made once; further rounds are the same records in new chains, as if each probe
had got a new spool: linked and sealed anew, which takes a tenth of the time of making them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from protocol import chain
from protocol.constants import GENESIS_HASH
from simulate import Batch, Fleet, FleetPlan
from simulate.sending import Parcel, parcel


@dataclass(frozen=True, slots=True)
class _Rest:
    """A batch without its places: of each line what follows `prev`."""

    probe: str
    chain: str
    lines: tuple[bytes, ...]


class Load:
    """Records of a fleet without faults, in rounds that never end.

    Args:
        probes: how many send.
        batch: records in a batch.
    """

    def __init__(self, probes: int, batch: int) -> None:
        plan = FleetPlan(probes=probes, days=1, seed=1, trouble=0.0, batch_records=batch)
        self.fleet = Fleet(plan)
        self.keys = self.fleet.keys()
        made = list(self.fleet.batches())
        self.record_bytes = sum(len(one.body) for one in made) / sum(len(b.lines) for b in made)
        self._rests = _in_turns([_rest_of(one) for one in made])
        self._rounds = count()
        self._batch = batch

    def parcels(self, records: int | None = None) -> Iterator[Parcel]:
        """Yield batches of at least so many records, of chains that nobody has; None: for ever."""
        sent = 0
        # Ends with the number of records, or with its caller.
        while records is None or sent < records:
            heads: dict[tuple[str, str], tuple[int, str]] = {}
            number = next(self._rounds)
            for rest in self._rests:
                # Another load on the same ledger is of other batches, and so has other chains.
                one = self._linked(rest, f"{number}-{self._batch}-{rest.chain}", heads)
                sent += one.records
                yield one
                if records is not None and sent >= records:
                    return

    def _linked(
        self, rest: _Rest, name: str, heads: dict[tuple[str, str], tuple[int, str]]
    ) -> Parcel:
        seq, prev = heads.get((rest.probe, name), (0, GENESIS_HASH))
        lines = []
        for after in rest.lines:
            place = f'{{"schema":1,"probe":"{rest.probe}","chain":"{name}","seq":{seq},"prev":"'
            line = place.encode() + prev.encode() + after
            lines.append(line)
            seq, prev = seq + 1, hashlib.sha256(line).hexdigest()
        heads[rest.probe, name] = (seq, prev)
        last = chain.Link(rest.probe, name, seq - 1, "", prev, tombstone=False)
        body = chain.write_batch(lines, chain.seal(self.keys[rest.probe], last))
        return parcel(Batch(rest.probe, name, seq - len(lines), tuple(lines), body, 0.0))


def _rest_of(batch: Batch) -> _Rest:
    """Return a batch's lines from the end of `prev` on."""
    mark = b'"prev":"'
    length = len(mark) + len(GENESIS_HASH)
    rests = tuple(line[line.index(mark) + length :] for line in batch.lines)
    return _Rest(batch.probe, batch.chain, rests)


def _in_turns(rests: list[_Rest]) -> list[_Rest]:
    """Return every probe's first batch, then every probe's second: as a fleet sends."""
    turn: dict[str, int] = {}
    numbered = []
    for rest in rests:
        turn[rest.probe] = turn.get(rest.probe, 0) + 1
        numbered.append((turn[rest.probe], rest))
    return [rest for _, rest in sorted(numbered, key=lambda pair: pair[0])]
