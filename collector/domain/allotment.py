"""Spreads the speed tests of a fleet over time, so that they do not meet at a server. Pure.

Tests whose moments are drawn one by one fall together by chance: of thousands that share a server,
its busiest second has far more than the mean. So each path is given a place in the parts of its
windows. Paths with the same windows and servers stand in rows, ordered by a hash; each takes of its
row what its line's speed is of all their speeds together. In every part all rows are moved on,
around their ends, by the same random step: a line's moments stay random from part to part, and
those of all lines stay apart.

What follows is a bound, not a mean. Of a row whose speeds sum to W and whose fastest is r, the
tests that load a server at any moment of a part with F free seconds have together at most

    W * TEST_SECONDS / F + r

because whoever started within `TEST_SECONDS` takes, but for the last one, at most that share of the
row. Where servers take turns there are as many rows as turns, each beginning with another one, so
that a server counts with as much of the paths as it has of their tests.

The bound is of paths that have their line for themselves. Paths that share a line keep out of each
other's way first, and may leave their places.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from protocol.constants import HOUR_GUARD_SECONDS, SPEED_RESERVED_SECONDS
from protocol.messages import FleetPlace, Window, seconds_of, server_turns

TEST_SECONDS = 30
"""How long a test of `full` loads its server, from the first byte of the one direction to the last
of the other, on a line that settles: 26 s, and some for connecting in between."""

DIRECTION_SECONDS = 13
"""How long each of them is loaded, its warm-up included: what a test moves at the line's speed."""

MONTH_DAYS = 31

_DAY_SECONDS = 86_400

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
    """

    probe: str
    path: str
    bits_per_second: float
    servers: tuple[str, ...]
    families: int
    windows: tuple[Window, ...]
    test_bytes: float = 0.0
    monthly_budget_bytes: int | None = None

    @property
    def key(self) -> Key:
        """Probe and path."""
        return self.probe, self.path

    @property
    def tests(self) -> int:
        """Of a day."""
        return sum(window.tests for window in self.windows)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the collector asks of all paths.

    Attributes:
        places: where the tests of each stand.
        windows: of those that get fewer tests than they wished.
        loads: what each server then carries, by name.
    """

    places: Mapping[Key, FleetPlace]
    windows: Mapping[Key, tuple[Window, ...]]
    loads: Mapping[str, "ServerLoad"]


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


def allot(wishes: Sequence[Wish], budgets: Mapping[str, float], seed: str) -> Fleet:
    """Return places for all, and fewer tests for those that the budgets have no room for.

    The evening keeps its share of a path's tests, and no path gets none: what cannot be helped so
    shows in the loads, and is for the servers to refuse.

    Args:
        wishes: of the whole fleet.
        budgets: bits per second each way that a server may be loaded with, by name.
        seed: of the fleet; secret from the carriers, so that no moment can be known before.
    """
    fitted = _fit_servers([_fit_data(wish) for wish in wishes], budgets, seed)
    windows = {
        new.key: new.windows
        for old, new in zip(wishes, fitted, strict=True)
        if old.windows != new.windows
    }
    rows = _rows(fitted, seed)
    return Fleet(_places(rows, seed), windows, _loads(rows))


# --- Rows and places -------------------------------------------------------------------------

_Alike = tuple[tuple[str, ...], int, tuple[Window, ...]]
"""What the paths of a group of rows share: servers, how many families, and windows."""

_Rows = Mapping[_Alike, Sequence[Sequence[Wish]]]
"""The rows of each group; a row's number is the turn that it begins with."""


def _rows(wishes: Iterable[Wish], seed: str) -> _Rows:
    groups: dict[_Alike, list[Wish]] = defaultdict(list)
    for wish in wishes:
        groups[wish.servers, wish.families, wish.windows].append(wish)

    def hashed(wish: Wish) -> bytes:
        return hashlib.sha256(f"{seed}|{wish.probe}|{wish.path}".encode()).digest()

    rows: dict[_Alike, list[list[Wish]]] = {}
    # In an order of their own: sums of the same numbers in another order may differ.
    for alike, members in sorted(groups.items(), key=repr):
        turns = len(_turns(alike[0]))
        ordered = sorted(members, key=hashed)
        rows[alike] = [ordered[number::turns] for number in range(turns)]
    return rows


def _turns(servers: Sequence[str]) -> list[str]:
    return server_turns(servers) or [""]


def _places(rows: _Rows, seed: str) -> dict[Key, FleetPlace]:
    places: dict[Key, FleetPlace] = {}
    for group in rows.values():
        for turn, row in enumerate(group):
            total, before = sum(wish.bits_per_second for wish in row), 0.0
            for wish in row:
                places[wish.key] = FleetPlace(place=before / total, turn=turn, seed=seed)
                before += wish.bits_per_second
    return places


# --- What it comes to ------------------------------------------------------------------------


def _loads(rows: _Rows) -> dict[str, ServerLoad]:
    """Return what every server carries; '' is the one of paths that name none."""
    names = sorted({name for servers, _, _ in rows for name in _turns(servers)})
    return {name: _load(name, rows) for name in names}


def _load(server: str, rows: _Rows) -> ServerLoad:
    paths, tests = 0, 0.0
    # Mean and peak of each group's parts: (start, end) in seconds since midnight.
    spans: list[tuple[int, int, float, float]] = []
    for (servers, _, windows), group in rows.items():
        turns = _turns(servers)
        if server not in turns:
            continue
        members = sum(map(len, group))
        paths += members
        tests += members * sum(w.tests for w in windows) * turns.count(server) / len(turns)
        summed = [sum(wish.bits_per_second for wish in row) for row in group]
        fastest = [max((wish.bits_per_second for wish in row), default=0.0) for row in group]
        for window in windows:
            for start, end in window.parts():
                share = TEST_SECONDS / free_seconds(end - start)
                # A part's turn depends on the day: the fullest of them counts.
                mean, peak = max(
                    (
                        (
                            sum(summed[number] * share for number in there),
                            sum(summed[number] * share + fastest[number] for number in there),
                        )
                        for there in _there(server, turns)
                    ),
                    key=lambda found: found[1],
                )
                begins = seconds_of(window.start)
                spans.append((begins + start, begins + end, mean, peak))
    mean, peak = _fullest(spans)
    return ServerLoad(paths, tests, mean, peak)


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


# --- Fewer tests, where budgets ask for it ----------------------------------------------------


def thin(windows: tuple[Window, ...], tests: int) -> tuple[Window, ...]:
    """Return windows with so many tests in all, at least 1; the evening's share does not fall."""
    now = sum(window.tests for window in windows)
    tests = max(1, tests)
    if tests >= now:
        return windows
    evening = [window for window in windows if window.holds_evening]
    others = [window for window in windows if not window.holds_evening]
    in_evening = sum(window.tests for window in evening)
    kept = min(in_evening, math.ceil(tests * in_evening / now))
    counts = _spread(evening, kept) | _spread(others, tests - kept)
    return tuple(replace_tests(window, counts[window.name]) for window in windows)


def replace_tests(window: Window, tests: int) -> Window:
    """Return a window with another number of tests."""
    return window.model_copy(update={"tests": tests})


def _spread(windows: Sequence[Window], tests: int) -> dict[str, int]:
    """Return how many of the tests each window keeps: in proportion, largest remainders first."""
    now = sum(window.tests for window in windows)
    exact = {window.name: window.tests * tests / now if now else 0.0 for window in windows}
    counts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: tests - sum(counts.values())]:
        counts[name] += 1
    return counts


def _fit_data(wish: Wish) -> Wish:
    """Return a path's wish with as many tests as its line's data budget has room for."""
    if wish.monthly_budget_bytes is None or not wish.test_bytes:
        return wish
    affordable = wish.monthly_budget_bytes / (MONTH_DAYS * wish.test_bytes)
    return replace(wish, windows=thin(wish.windows, int(min(affordable, wish.tests))))


def _fit_servers(wishes: Sequence[Wish], budgets: Mapping[str, float], seed: str) -> Sequence[Wish]:
    """Take tests off the paths of servers that would be loaded above their budgets.

    Ends: each turn takes at least one test off, and no path is taken its last.
    """
    while True:
        factors = {
            name: _factor(load, budgets[name])
            for name, load in _loads(_rows(wishes, seed)).items()
            if name in budgets
        }
        fewer = [_fewer(wish, factors) for wish in wishes]
        if fewer == wishes:
            return wishes
        wishes = fewer


def _factor(load: ServerLoad, budget: float) -> float:
    """Return which share of its tests a server has room for, so that its peak keeps to a budget.

    1.0 also where the fastest lines alone exceed it: fewer tests would not help.
    """
    room = budget - (load.peak_bits_per_second - load.mean_bits_per_second)
    if room <= 0 or load.peak_bits_per_second <= budget:
        return 1.0
    return room / load.mean_bits_per_second


def _fewer(wish: Wish, factors: Mapping[str, float]) -> Wish:
    factor = min((factors.get(name, 1.0) for name in _turns(wish.servers)), default=1.0)
    if factor >= 1:
        return wish
    return replace(wish, windows=thin(wish.windows, min(wish.tests - 1, int(wish.tests * factor))))
