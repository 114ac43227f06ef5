"""Places of a fleet's tests: the bound on what a server carries, and what budgets take away."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.allotment import Fleet, allot, thin
from collector.domain.rows import TEST_SECONDS, Key, Wish
from probe.slots import plan_day
from protocol.messages import FleetPlace, MeasuredPath, Schedule, SpeedSchedule, Window

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = date(2026, 3, 2)

USUAL = (
    Window(name="night", start=time(0), end=time(7), tests=1),
    Window(name="day", start=time(7), end=time(19), tests=4),
    Window(name="evening", start=time(19), end=time(23), tests=3),
)
OVER_MIDNIGHT = (Window(name="late", start=time(20, 30), end=time(2), tests=2),)

windows = st.builds(
    lambda tests, offset: (
        Window(name="morning", start=time(6, offset), end=time(12), tests=tests[0]),
        Window(name="evening", start=time(18, offset), end=time(23, 30), tests=tests[1]),
        Window(name="night", start=time(23, 30), end=time(6), tests=tests[2]),
    ),
    st.tuples(*[st.integers(0, 6)] * 3).filter(any),
    st.integers(0, 59),
)


def wish(number: int, **given: object) -> Wish:
    """Return a path's wish, the usual one but for what is given."""
    usual: dict[str, object] = {
        "probe": f"p{number}",
        "path": "eth0",
        "bits_per_second": (40e6, 150e6, 300e6, 1e9)[number % 4],
        "servers": ("a", "b", "c") if number % 3 else ("a",),
        "families": 1 + number % 2,
        "windows": OVER_MIDNIGHT if number % 7 == 0 else USUAL,
    }
    return Wish(**(usual | given))  # type: ignore[arg-type]


def peaks(
    wishes: Sequence[Wish], places: Mapping[Key, FleetPlace], days: Iterable[date]
) -> dict[str, float]:
    """Return the highest sum of speeds at each server, by the probe's own planner."""
    begun: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in wishes:
        path = MeasuredPath(
            name=one.path,
            servers=one.servers,
            families=(4, 6)[: one.families],
            schedule=Schedule(speed=SpeedSchedule(windows=one.windows), latency=None, reach=None),
            fleet_place=places.get(one.key),
        )
        for day in days:
            for slot in plan_day(day, HANOI, [path], one.probe).slots:
                begun[slot.server or ""].append((slot.moment.timestamp(), one.bits_per_second))
    highest = {}
    for server, starts in begun.items():
        changes = sorted(
            change
            for at, rate in starts
            for change in ((at, 1, rate), (at + TEST_SECONDS, 0, -rate))
        )
        level = top = 0.0
        for _, _, change in changes:
            level += change
            top = max(top, level)
        highest[server] = top
    return highest


def test_no_moment_of_a_fleets_days_exceeds_what_is_said_of_its_servers() -> None:
    """600 paths of several speeds and servers, planned by the probe's own code for two days: no
    server ever carries more than its bound, and drawn one by one they carry more.
    """
    wishes = [
        wish(number, bits_per_second=(1 + number % 5) * 50e6, windows=USUAL, families=1)
        for number in range(600)
    ]
    fleet = allot(wishes, {}, "seed")
    days = [DAY, DAY + timedelta(1)]
    placed = peaks(wishes, fleet.places, days)
    drawn = peaks(wishes, {}, days)
    assert set(placed) == {"a", "b", "c"}
    for server, load in fleet.loads.items():
        assert placed[server] <= load.peak_bits_per_second
        assert load.mean_bits_per_second < load.peak_bits_per_second
        assert placed[server] < 0.9 * drawn[server]


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(1e6, 1e10),
            st.sampled_from([(), ("a",), ("a", "b"), ("a", "c"), ("b", "a"), ("a", "b", "c")]),
            st.sampled_from([USUAL, OVER_MIDNIGHT]) | windows,
        ),
        min_size=1,
        max_size=30,
    ),
    st.text(min_size=1, max_size=5),
)
def test_the_bound_holds_for_any_fleet(
    paths: list[tuple[float, tuple[str, ...], tuple[Window, ...]]], seed: str
) -> None:
    """Whatever the plans, speeds and servers: the probe's planner keeps to the bound."""
    wishes = [
        wish(number, bits_per_second=rate, servers=servers, windows=plan)
        for number, (rate, servers, plan) in enumerate(paths)
    ]
    fleet = allot(wishes, {}, seed)
    for server, peak in peaks(wishes, fleet.places, [DAY, DAY + timedelta(1)]).items():
        assert peak <= fleet.loads[server].peak_bits_per_second * (1 + 1e-9)


@settings(max_examples=50, deadline=None)
@given(windows, st.integers(-1, 30))
def test_thinning_keeps_the_evenings_share(plan: tuple[Window, ...], tests: int) -> None:
    """As many tests as asked for, at least one, never more than there were in any window, and the
    evening has no smaller share than before.
    """
    found = thin(plan, tests)
    before, after = (sum(w.tests for w in each) for each in (plan, found))
    assert after == min(before, max(1, tests))
    assert all(new.tests <= old.tests for new, old in zip(found, plan, strict=True))
    evening = [sum(w.tests for w in each if w.holds_evening) for each in (plan, found)]
    assert evening[1] * before >= evening[0] * after


def test_servers_budgets_take_tests_away_until_they_are_kept() -> None:
    """Every server with a budget is below it afterwards; who does not use it loses nothing."""
    wishes = [wish(number, windows=USUAL, bits_per_second=50e6) for number in range(2000)]
    free = allot(wishes, {}, "s")
    budget = 0.8 * free.loads["b"].peak_bits_per_second
    fleet = allot(wishes, {"b": budget}, "s")
    assert fleet.loads["b"].peak_bits_per_second <= budget
    touched = {key for key, _ in fleet.windows.items()}
    assert touched == {one.key for one in wishes if "b" in one.servers}
    for plan in fleet.windows.values():
        tests = {w.name: w.tests for w in plan}
        assert 0 < sum(tests.values()) < 8
        assert tests["evening"] * 8 >= 3 * sum(tests.values())


def of_many_seconds(paths: int, seconds: int) -> list[Wish]:
    """Return wishes of paths that share their main server, and of the others each has one."""
    return [
        wish(
            number,
            windows=USUAL,
            families=1,
            servers=("hub", f"s{number % seconds}"),
            bits_per_second=(100e6, 150e6, 300e6, 1e9)[number // seconds % 4],
        )
        for number in range(paths)
    ]


def test_a_budget_is_kept_however_many_second_servers_the_paths_have() -> None:
    """The main server carries hardly more than with one second server, a second one its share; a
    budget of half of that is kept.
    """
    one, many = (allot(of_many_seconds(6000, n), {}, "s").loads for n in (1, 12))
    hub = many["hub"].peak_bits_per_second
    assert hub < 1.01 * one["hub"].peak_bits_per_second
    assert many["s3"].peak_bits_per_second < one["s0"].peak_bits_per_second / 2
    wishes = of_many_seconds(6000, 12)
    fleet = allot(wishes, {"hub": hub / 2}, "s")
    assert fleet.loads["hub"].peak_bits_per_second <= hub / 2
    assert len(fleet.windows) == len(wishes)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 15), st.integers(30, 300), st.floats(1e7, 5e9))
def test_above_a_budget_is_only_what_fewer_tests_do_not_help(
    seconds: int, paths: int, budget: float
) -> None:
    """Of any such fleet the server's peak keeps to its budget, or its mean does and its fastest
    lines alone exceed it, or each path has one test; and the probe's planner keeps to the bound.
    """
    wishes = of_many_seconds(paths, seconds)
    fleet = allot(wishes, {"hub": budget}, "s")
    load = fleet.loads["hub"]
    tests = [sum(w.tests for w in fleet.windows.get(one.key, one.windows)) for one in wishes]
    assert (
        load.peak_bits_per_second <= budget
        or (load.mean_bits_per_second <= budget <= 2 * 1e9)
        or set(tests) == {1}
    )
    planned = [replace(one, windows=fleet.windows.get(one.key, one.windows)) for one in wishes]
    for server, peak in peaks(planned, fleet.places, [DAY]).items():
        assert peak <= fleet.loads[server].peak_bits_per_second * (1 + 1e-9)


def test_a_budget_that_is_too_small_leaves_each_path_one_test_in_the_evening() -> None:
    """Nobody is left unmeasured: what is above the budget then shows in the loads."""
    usual = {"windows": USUAL, "bits_per_second": 5e6, "servers": ("a",), "families": 1}
    wishes = [wish(number, **usual) for number in range(4000)]
    fleet = allot(wishes, {"a": 6e6}, "s")
    assert fleet.loads["a"].peak_bits_per_second > 6e6
    assert len(fleet.windows) == len(wishes)
    for plan in fleet.windows.values():
        assert [w.tests for w in plan] == [0, 0, 1]


def test_no_test_is_taken_away_where_that_would_not_help() -> None:
    """A line that alone is faster than its server's budget keeps its tests: the loads say it."""
    fleet = allot([wish(0, windows=USUAL, bits_per_second=1e9)], {"a": 5e8}, "s")
    assert fleet.windows == {}
    assert fleet.loads["a"].peak_bits_per_second > 1e9


def test_a_lines_data_budget_takes_tests_away_from_it_alone() -> None:
    """Half of what the plan would move: half of the tests, with the evening's share."""
    test_bytes = 500e6
    small = wish(1, test_bytes=test_bytes, monthly_budget_bytes=int(31 * 4 * test_bytes))
    large = wish(2, test_bytes=test_bytes, monthly_budget_bytes=int(31 * 8 * test_bytes))
    fleet = allot([small, large], {}, "s")
    assert list(fleet.windows) == [small.key]
    assert sum(w.tests for w in fleet.windows[small.key]) == 4
    assert [w.tests for w in fleet.windows[small.key]] == [0, 2, 2]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["l1", "l2", None]),
            st.none() | st.integers(1, 10**12),
            st.sampled_from([0.0, 200e6, 500e6]),
            st.sampled_from([USUAL, OVER_MIDNIGHT]) | windows,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_paths_of_a_line_share_its_data_budget(
    paths: list[tuple[str | None, int | None, float, tuple[Window, ...]]],
) -> None:
    """Whatever the paths, probes, plans and speeds: what all of a line's are told is no more than
    the smallest budget that one of them names; nor is what they plan, but for a test a day each.
    """
    wishes = [
        wish(number, line=line, monthly_budget_bytes=budget, test_bytes=size, windows=plan)
        for number, (line, budget, size, plan) in enumerate(paths)
    ]
    fleet = allot(wishes, {}, "s")
    lines = defaultdict(list)
    for one in wishes:
        lines[one.line or one.key].append(one)
    for of_line in lines.values():
        named = [one.monthly_budget_bytes for one in of_line if one.monthly_budget_bytes]
        if not named:
            assert not any(one.key in fleet.windows for one in of_line)
            continue
        budget = min(named)
        told = [fleet.data_budgets.get(one.key, one.monthly_budget_bytes) for one in of_line]
        assert sum(one or 0 for one in told) <= budget
        assert None not in told
        planned = 0.0
        for one in of_line:
            tests = sum(w.tests for w in fleet.windows.get(one.key, one.windows))
            planned += 31 * one.test_bytes * (tests if tests > 1 else 0)
        assert planned <= budget


def test_places_do_not_depend_on_the_order_of_the_registry() -> None:
    """The same fleet and seed have the same places at every collector; another seed has others."""
    wishes = [wish(number) for number in range(50)]

    def places(found: Fleet) -> dict[Key, float]:
        return {key: place.place for key, place in found.places.items()}

    one = allot(wishes, {}, "s")
    assert places(one) == places(allot(wishes[::-1], {}, "s"))
    assert places(one) != places(allot(wishes, {}, "t"))
    assert one.loads == allot(wishes[::-1], {}, "s").loads
