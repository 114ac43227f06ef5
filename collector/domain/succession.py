"""Which series stands for a line's month, and which way out it was measured over when. Pure.

Of each kind of series (method, version, profile, family, server) a month has results over one way
or several: a way is a path of a probe. Where a probe is replaced, the new one's tests begin when
those of the old one have ended: both are one succession, and count together. Ways that were tested
over at the same time are never mixed, to whatever servers: of them the richest alone counts.

Nothing here looks at a rate. What is compared is how many days have results, then how many results
there are, so one stray test of another series takes no month away from the one it had; names decide
only what nothing else does.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

from collector.domain.series import SeriesId

_SHARE_OF_DAYS: Final = (9, 10)
_SHARE_OF_RESULTS: Final = (1, 2)
"""What a planned series needs of the richest one's to be preferred to it. Servers and families take
turns, so they differ by chance; what has many days less was not measured as it was planned."""

_HOUR_SECONDS: Final = 3600

Way = tuple[str, str]
"""A probe and its path."""


class Kind(NamedTuple):
    """What a series is but for its way."""

    method: str
    version: str
    profile: str | None
    ip_version: int | None
    server: str | None


def kind_of(series: SeriesId) -> Kind:
    """Return what a series is but for its way."""
    return Kind(*series[2:])


def way_of(series: SeriesId) -> Way:
    """Return the way that a series was measured over."""
    return series.probe, series.path


class Result(NamedTuple):
    """A record, as far as the choice looks at it.

    Attributes:
        at: when, local.
        tier: as of `collector.domain.series.Seen`; the least there is decides alone.
        ran: whether it was a test over this way, and not merely planned there.
        records: how many it is.
    """

    series: SeriesId
    at: datetime
    tier: int
    ran: bool
    records: int = 1


class Leg(NamedTuple):
    """A way that stands for a line from a moment on, until the next one does.

    Attributes:
        since: its first test, local; None: from the beginning.
    """

    way: Way
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Which way stands for a line when.

    Attributes:
        legs: in the order of time; at least one, of which the first is from the beginning.
    """

    legs: Sequence[Leg]
    _changes: Sequence[float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep when the way changes."""
        changes = [leg.since.timestamp() for leg in self.legs if leg.since is not None]
        object.__setattr__(self, "_changes", changes)

    def at(self, at_seconds: float) -> Way:
        """Return the way at a moment, in seconds since 1970-01-01 UTC."""
        return self.legs[bisect_right(self._changes, at_seconds)].way

    @property
    def only(self) -> Way | None:
        """The way, where it never changes."""
        return None if self._changes else self.legs[0].way

    def by_hour(self) -> "Turns":
        """Return the same with each change at the beginning of its hour (UTC).

        Records that were folded into an hour are of one way then, and count as they did before.
        """
        return Turns([Leg(leg.way, leg.since and _hour_of(leg.since)) for leg in self.legs])


def _hour_of(moment: datetime) -> datetime:
    seconds = moment.timestamp()
    return datetime.fromtimestamp(seconds - seconds % _HOUR_SECONDS, moment.tzinfo)


@dataclass(frozen=True, slots=True)
class Succession:
    """What stands for a line's month: one series, or several of one kind, one after the other."""

    kind: Kind
    turns: Turns
    _series: Mapping[Way, SeriesId] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Name each series once, as thousands of records are held against it."""
        series = {leg.way: SeriesId._make((*leg.way, *self.kind)) for leg in self.turns.legs}
        object.__setattr__(self, "_series", series)

    def at(self, moment: datetime) -> SeriesId:
        """Return the series that stands for the line at a moment."""
        return self._series[self.turns.only or self.turns.at(moment.timestamp())]


@dataclass(slots=True)
class _Amount:
    """How much there is: on which days, and how many records."""

    days: set[date] = field(default_factory=set)
    records: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Days first."""
        return len(self.days), self.records

    def add(self, days: Iterable[date], records: int) -> None:
        """Take more of it."""
        self.days.update(days)
        self.records += records


def find_succession(
    results: Iterable[Result], server: str | None, *, one_way: bool = False
) -> Succession | None:
    """Return what stands for a line's month; None where there is no result.

    Args:
        results: of the month's speed tests, in any order.
        server: the plan's main one; None: not known.
        one_way: whether it is to be a single series, also where a probe was replaced.
    """
    found = list(results)
    times = _times(found)
    ways: dict[Kind, dict[Way, _Amount]] = defaultdict(dict)
    for series, amount in _amounts(found).items():
        ways[kind_of(series)][way_of(series)] = amount
    taken = {kind: _one_after_another(of, times) for kind, of in ways.items()}
    if one_way:
        taken = {kind: of[:1] for kind, of in taken.items()}
    together = {kind: _sum(ways[kind][way] for way in of) for kind, of in taken.items()}
    kind = _choose(together, server)
    if kind is None:
        return None
    first, *others = taken[kind]
    if others:
        first, *others = sorted(taken[kind], key=lambda way: times[way][0].timestamp())
    return Succession(kind, Turns([Leg(first), *(Leg(way, times[way][0]) for way in others)]))


def find_kind(results: Iterable[Result]) -> Kind | None:
    """Return the kind of series that stands for a month of which the ways are known.

    Args:
        results: over the way that stands for the line when they were made, in any order.
    """
    kinds: dict[Kind, _Amount] = defaultdict(_Amount)
    for series, amount in _amounts(results).items():
        kinds[kind_of(series)].add(amount.days, amount.records)
    return _choose(kinds, None)


def _amounts(results: Iterable[Result]) -> dict[SeriesId, _Amount]:
    """Return how much there is of each series in the best tier that there is."""
    tiers: dict[int, dict[SeriesId, _Amount]] = defaultdict(lambda: defaultdict(_Amount))
    for one in results:
        tiers[one.tier][one.series].add((one.at.date(),), one.records)
    return tiers[min(tiers)] if tiers else {}


def _times(results: Iterable[Result]) -> dict[Way, tuple[datetime, datetime]]:
    """Return the first and the last test over each way, to whatever server."""
    times: dict[Way, tuple[datetime, datetime]] = {}
    for one in results:
        if one.ran:
            way = way_of(one.series)
            first, last = times.get(way, (one.at, one.at))
            times[way] = (
                min(first, one.at, key=datetime.timestamp),
                max(last, one.at, key=datetime.timestamp),
            )
    return times


def _one_after_another(
    ways: Mapping[Way, _Amount], times: Mapping[Way, tuple[datetime, datetime]]
) -> list[Way]:
    """Return the richest way, and what else was not tested over while another one was."""
    taken: list[Way] = []
    for way in sorted(ways, key=lambda way: (*(-size for size in ways[way].size), way)):
        if not taken or (way in times and all(_apart(way, other, times) for other in taken)):
            taken.append(way)
    return taken


def _apart(one: Way, other: Way, times: Mapping[Way, tuple[datetime, datetime]]) -> bool:
    if other not in times:
        return False
    (first, last), (others_first, others_last) = times[one], times[other]
    return (
        last.timestamp() < others_first.timestamp() or others_last.timestamp() < first.timestamp()
    )


def _sum(amounts: Iterable[_Amount]) -> _Amount:
    whole = _Amount()
    for one in amounts:
        whole.add(one.days, one.records)
    return whole


def _choose(kinds: Mapping[Kind, _Amount], server: str | None) -> Kind | None:
    """Return the kind that is planned to stand for the line, of those nearly as rich as any.

    The richest has the most days, and of these the most records.
    """
    if not kinds:
        return None
    days, records = max(amount.size for amount in kinds.values())
    enough = (
        kind
        for kind, amount in kinds.items()
        if _reaches(len(amount.days), days, _SHARE_OF_DAYS)
        and _reaches(amount.records, records, _SHARE_OF_RESULTS)
    )
    return min(enough, key=lambda kind: _rank(kind, kinds[kind].size, server))


def _reaches(own: int, most: int, share: tuple[int, int]) -> bool:
    part, whole = share
    return own * whole >= most * part


def _rank(kind: Kind, size: tuple[int, int], server: str | None) -> tuple[object, ...]:
    version = -int(kind.version) if kind.version.isdecimal() else 0
    names = (kind.method, version, kind.version, kind.profile or "", kind.server or "")
    return (kind.ip_version or 0, kind.server != server, -size[0], -size[1], *names)
