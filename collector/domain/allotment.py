"""Spreads the speed tests of a fleet over time, so that they do not meet at a server. Pure.

Each path gets a place among those that share its servers (`collector.domain.rows`), and fewer tests
where its line's data budget, or its servers' bandwidth, have no room for all.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from collector.domain.rows import Key, Order, ServerLoad, Wish, arrange, loads_of, turns_of
from protocol.messages import FleetPlace, Window

DIRECTION_SECONDS = 13
"""How long each of them is loaded, its warm-up included: what a test moves at the line's speed."""

MONTH_DAYS = 31


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the collector asks of all paths.

    Attributes:
        places: where the tests of each stand.
        windows: of those that get fewer tests than they wished.
        data_budgets: of those that share their line's, what each may move in a month.
        loads: what each server then carries, by name.
    """

    places: Mapping[Key, FleetPlace]
    windows: Mapping[Key, tuple[Window, ...]]
    loads: Mapping[str, ServerLoad]
    data_budgets: Mapping[Key, int] = field(default_factory=dict)


def allot(wishes: Sequence[Wish], budgets: Mapping[str, float], seed: str) -> Fleet:
    """Return places for all, and fewer tests for those that the budgets have no room for.

    The evening keeps its share of a path's tests, and no path gets none: what cannot be helped so
    shows in the loads, and is for the servers to refuse.

    Args:
        wishes: of the whole fleet.
        budgets: bits per second each way that a server may be loaded with, by name.
        seed: of the fleet; secret from the carriers, so that no moment can be known before.
    """
    order = {
        wish.key: hashlib.sha256(f"{seed}|{wish.probe}|{wish.path}".encode()).digest()
        for wish in wishes
    }
    shared = _share_data(wishes)
    fitted = _fit_servers([_fit_data(wish) for wish in shared], budgets, order)
    windows = {
        new.key: new.windows
        for old, new in zip(wishes, fitted, strict=True)
        if old.windows != new.windows
    }
    stands, shares = arrange(fitted, order)
    places = {
        key: FleetPlace(place=place, turn=turn, seed=seed) for key, (place, turn) in stands.items()
    }
    data_budgets = {
        new.key: new.monthly_budget_bytes
        for old, new in zip(wishes, shared, strict=True)
        if new.monthly_budget_bytes is not None
        and new.monthly_budget_bytes != old.monthly_budget_bytes
    }
    return Fleet(places, windows, loads_of(shares), data_budgets)


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


_thinned = lru_cache(maxsize=1024)(thin)
"""Most paths have the same few plans, before and after."""


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


def _share_data(wishes: Sequence[Wish]) -> list[Wish]:
    """Return wishes of which those of one line share its data budget, by what their plans move.

    A line's budget is the smallest that one of its paths names: of two that each had all of it, the
    line would move twice as much.
    """
    of_lines: dict[str, list[Wish]] = defaultdict(list)
    for wish in wishes:
        if wish.line is not None:
            of_lines[wish.line].append(wish)
    shares: dict[Key, int] = {}
    for paths in of_lines.values():
        named = [one.monthly_budget_bytes for one in paths if one.monthly_budget_bytes is not None]
        if not named or len(paths) == 1:
            continue
        # Of a line of unknown speed each test counts alike.
        known = all(one.test_bytes for one in paths)
        moved = {one.key: one.tests * (one.test_bytes if known else 1) for one in paths}
        part = min(named) / sum(moved.values())
        shares |= {key: int(part * size) for key, size in moved.items()}
    return [
        replace(wish, monthly_budget_bytes=shares[wish.key]) if wish.key in shares else wish
        for wish in wishes
    ]


def _fit_data(wish: Wish) -> Wish:
    """Return a path's wish with as many tests as its share of the data budget has room for."""
    if wish.monthly_budget_bytes is None or not wish.test_bytes:
        return wish
    affordable = wish.monthly_budget_bytes / (MONTH_DAYS * wish.test_bytes)
    return replace(wish, windows=thin(wish.windows, int(min(affordable, wish.tests))))


def _fit_servers(
    wishes: Sequence[Wish], budgets: Mapping[str, float], order: Order
) -> Sequence[Wish]:
    """Take tests off the paths of servers that would be loaded above their budgets.

    Ends: each turn takes at least one test off, and no path is taken its last.
    """
    while True:
        factors = {
            name: _factor(load, budgets[name])
            for name, load in loads_of(arrange(wishes, order)[1]).items()
            if name in budgets
        }
        fewer = [_fewer(wish, factors) for wish in wishes]
        if fewer == wishes:
            return wishes
        wishes = fewer


def _factor(load: ServerLoad, budget: float) -> float:
    """Return which share of its tests a server has room for, so that its peak keeps to a budget.

    Where its fastest lines exceed it already, fewer tests do not help the peak: then so that the
    mean keeps to it.
    """
    if load.peak_bits_per_second <= budget:
        return 1.0
    room = budget - (load.peak_bits_per_second - load.mean_bits_per_second)
    return min(1.0, (room if room > 0 else budget) / load.mean_bits_per_second)


def _fewer(wish: Wish, factors: Mapping[str, float]) -> Wish:
    factor = min((factors.get(name, 1.0) for name in turns_of(wish.servers)), default=1.0)
    if factor >= 1:
        return wish
    return replace(
        wish, windows=_thinned(wish.windows, min(wish.tests - 1, int(wish.tests * factor)))
    )
