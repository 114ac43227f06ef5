"""Places of a fleet's speed tests in common rows, and what these load servers with. Pure.

Tests whose moments are drawn one by one fall together by chance: of thousands that share a server,
its busiest second has far more than the mean. So each path is given a place in the parts of its
windows. Paths with the same windows and the same main server stand in rows; each takes of its row
what its line's speed is of all their speeds together. In every part all rows are moved on, around
their ends, by the same random step: a line's moments stay random from part to part, and those of
all lines stay apart.

What follows is a bound, not a mean. Of a row whose speeds sum to W and whose fastest is r, the
tests that load its main server at any moment of a part with F free seconds have together at most

    W * TEST_SECONDS / F + r

because whoever started within `TEST_SECONDS` takes, but for the last one, at most that share of the
row. Where servers take turns there are as many rows as turns, each beginning with another one, so
that a server counts with as much of the paths as it has of their tests.

Paths whose other servers differ share their rows: were each of these groups in a row of its own,
their main server would have to carry the fastest of every group at once. In the common row a group,
ordered by a hash, is spread among the others as evenly as speeds allow; as far as its members stand
off from where they would in a row of their own, its own servers' bound is higher.

The bound is of paths that have their line for themselves. Paths that share a line keep out of each
other's way first, and may leave their places.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from protocol.constants import HOUR_GUARD_SECONDS, SPEED_RESERVED_SECONDS
from protocol.messages import Window, seconds_of, server_turns

TEST_SECONDS = 30
"""How long a test of `full` loads its server, from the first byte of the one direction to the last
of the other, on a line that settles: 26 s, and some for connecting in between."""

_DAY_SECONDS = 86_400

_BELOW_ONE = math.nextafter(1, 0)

Key = tuple[str, str]
"""A probe and its path."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The speed tests that a path is to make.

    Attributes:
        probe, path: whose.
        bits_per_second: the most that its line carries one way; above 0. Where other paths are
            measured beside it, of all of them together.
        servers: their names, the main one first. None: it goes to the first of all.
        families: how many address families take turns.
        windows: of its plan.
        test_bytes: what a test moves, both ways, those beside it included.
        monthly_budget_bytes: what its tests may move in a month; None: as much as they want.
        line: that it measures; None: one that no other path does.
    """

    probe: str
    path: str
    bits_per_second: float
    servers: tuple[str, ...]
    families: int
    windows: tuple[Window, ...]
    test_bytes: float = 0.0
    monthly_budget_bytes: int | None = None
    line: str | None = None

    @property
    def key(self) -> Key:
        """Probe and path."""
        return self.probe, self.path

    @property
    def tests(self) -> int:
        """Of a day."""
        return sum(window.tests for window in self.windows)


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """What a server carries one way in its fullest part of a day.

    Attributes:
        paths: how many go there.
        tests_per_day: on the average over days.
        mean_bits_per_second: over that part.
        peak_bits_per_second: what no moment exceeds.
    """

    paths: int = 0
    tests_per_day: float = 0.0
    mean_bits_per_second: float = 0.0
    peak_bits_per_second: float = 0.0


# --- Rows and places -------------------------------------------------------------------------

Order = Mapping[Key, bytes]
"""Where each path stands among its like: by a hash."""

Stands = dict[Key, tuple[float, int]]
"""Each path's place, and its row: the turn that it begins with."""


@dataclass(frozen=True, slots=True)
class Share:
    """What rows load one of their servers with.

    Attributes:
        server: its name; '' where they name none.
        turns: in which it is among others, or for the other servers of common rows, their own.
        windows: of all in the rows.
        paths: how many go there.
        rows: of each row the sum of its speeds, and what comes on top of their share of a part.
    """

    server: str
    turns: Sequence[str]
    windows: tuple[Window, ...]
    paths: int
    rows: Sequence[tuple[float, float]]


def arrange(wishes: Iterable[Wish], order: Order) -> tuple[Stands, list[Share]]:
    """Return where all stand, and what that loads their servers with."""
    alike: dict[tuple[object, ...], dict[tuple[str, ...], list[Wish]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for wish in wishes:
        main = wish.servers[:1]
        key = (main, len(turns_of(wish.servers)), wish.families, wish.windows)
        alike[key][wish.servers].append(wish)
    stands: Stands = {}
    shares: list[Share] = []
    # In an order of their own: sums of the same numbers in another order may differ.
    for _, groups in sorted(alike.items(), key=lambda one: repr(one[0])):
        ordered = [
            sorted(members, key=lambda wish: order[wish.key])
            for _, members in sorted(groups.items())
        ]
        shares += _stand_together(ordered, stands)
    return stands, shares


def turns_of(servers: Sequence[str]) -> list[str]:
    """Return a path's servers in the order of their turns; '' is the one of a path without."""
    return server_turns(servers) or [""]


def _stand_together(groups: Sequence[Sequence[Wish]], stands: Stands) -> list[Share]:
    """Place groups that differ in their other servers alone; return what it loads all servers with.

    Args:
        groups: each in its order.
        stands: are added to.
    """
    first = groups[0][0]
    main, count = turns_of(first.servers)[0], len(turns_of(first.servers))
    rows: list[list[list[Wish]]] = [[[] for _ in groups] for _ in range(count)]
    number = 0
    for place, group in enumerate(groups):
        for wish in group:
            rows[number % count][place].append(wish)
            number += 1
    wholes: list[tuple[float, float]] = []
    parts: list[list[tuple[float, float]]] = [[] for _ in groups]
    for turn, row in enumerate(rows):
        whole, of_groups = _stand_in_row(row, turn, stands)
        wholes.append(whole)
        for part, found in zip(parts, of_groups, strict=True):
            part.append(found)
    shares = [Share(main, turns_of(first.servers), first.windows, number, wholes)]
    for group, part in zip(groups, parts, strict=True):
        turns = turns_of(group[0].servers)
        shares += [
            Share(other, turns, first.windows, len(group), part)
            for other in dict.fromkeys(turns)
            if other != main
        ]
    return shares


def _stand_in_row(
    row: Sequence[Sequence[Wish]], turn: int, stands: Stands
) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    """Place the groups of a row; return sum and excess of all of it, and of each group."""
    # Where the middle of each would be in a row of its group alone, and where its beginning.
    alone: list[tuple[float, int, float, Wish]] = []
    sums = [sum(wish.bits_per_second for wish in group) for group in row]
    for number, (group, total) in enumerate(zip(row, sums, strict=True)):
        before = 0.0
        for wish in group:
            middle = before + wish.bits_per_second / 2
            alone.append((middle / total, number, before / total, wish))
            before += wish.bits_per_second
    alone.sort(key=lambda one: one[:2])
    whole, before = sum(sums), 0.0
    off: list[list[float]] = [[] for _ in row]
    for _, number, own, wish in alone:
        place = min(before / whole, _BELOW_ONE)
        stands[wish.key] = (place, turn)
        off[number].append(place - own)
        before += wish.bits_per_second
    fastest = [max((wish.bits_per_second for wish in group), default=0.0) for group in row]
    of_groups = [
        (total, most + total * (max(moved) - min(moved)) if moved else 0.0)
        for total, most, moved in zip(sums, fastest, off, strict=True)
    ]
    return (whole, max(fastest)), of_groups


# --- What it comes to ------------------------------------------------------------------------


def loads_of(shares: Iterable[Share]) -> dict[str, ServerLoad]:
    """Return what every server carries; '' is the one of paths that name none."""
    of_server: dict[str, list[Share]] = defaultdict(list)
    for share in shares:
        of_server[share.server].append(share)
    return {name: _load(name, of_server[name]) for name in sorted(of_server)}


def _load(server: str, shares: Sequence[Share]) -> ServerLoad:
    paths, tests = 0, 0.0
    # Mean and peak of each share's parts: (start, end) in seconds since midnight.
    spans: list[tuple[int, int, float, float]] = []
    for one in shares:
        turns = one.turns
        paths += one.paths
        daily = sum(window.tests for window in one.windows)
        tests += one.paths * daily * turns.count(server) / len(turns)
        there = _there(server, turns)
        for window in one.windows:
            for start, end in window.parts():
                share = TEST_SECONDS / free_seconds(end - start)
                # A part's turn depends on the day: the fullest of them counts.
                peak, mean = max(
                    _together([one.rows[number] for number in numbers], share) for numbers in there
                )
                begins = seconds_of(window.start)
                spans.append((begins + start, begins + end, mean, peak))
    mean, peak = _fullest(spans)
    return ServerLoad(paths, tests, mean, peak)


def _together(rows: Sequence[tuple[float, float]], share: float) -> tuple[float, float]:
    """Return peak and mean of rows in a part of which a test is such a share."""
    mean = sum(total * share for total, _ in rows)
    return sum(total * share + excess for total, excess in rows), mean


def _there(server: str, turns: Sequence[str]) -> list[list[int]]:
    """Return, for each turn of a part, the numbers of the rows that go to a server in it."""
    numbers = range(len(turns))
    return [
        [begin for begin in numbers if turns[(begin + turn) % len(turns)] == server]
        for turn in numbers
    ]


def _fullest(spans: Sequence[tuple[int, int, float, float]]) -> tuple[float, float]:
    """Return mean and peak where the sums over the spans of a day that overlap are highest."""
    best = (0.0, 0.0)
    for moment in {start % _DAY_SECONDS for start, _, _, _ in spans} | {0}:
        overlapping = [
            (mean, peak)
            for start, end, mean, peak in spans
            if start <= moment < end or start <= moment + _DAY_SECONDS < end
        ]
        found = (sum(mean for mean, _ in overlapping), sum(peak for _, peak in overlapping))
        best = max(best, found, key=lambda one: one[1])
    return best


def free_seconds(length: int) -> int:
    """Return how many seconds of a part are free for a test to start at, at least; never below 1.

    Not free are its end, which the test itself needs, and the time around each full hour. One more
    is taken off for moments being whole seconds.
    """
    hours = -(-length // 3600) + 1
    return max(1, length - SPEED_RESERVED_SECONDS - hours * (2 * HOUR_GUARD_SECONDS - 1) - 1)
