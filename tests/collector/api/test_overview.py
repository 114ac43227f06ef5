"""The list of lines, read once for many visitors."""

import asyncio
from datetime import UTC, datetime, timedelta

from collector.api.overview import (
    AHEAD_KEPT_FOR,
    KEPT_FOR,
    Filter,
    Overview,
    carriers_of,
    count_states,
    wards_of,
)
from collector.app import build
from collector.domain.line_state import LineState
from collector.settings import CollectorSettings
from tests.collector import simulated_month
from tests.collector.conftest import Running


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 13, 17, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.moment


async def test_list_is_read_once_in_a_while(month: Running) -> None:
    """Visitors within seconds share one list; after that, or a clock set back, it is read anew."""
    clock = Clock()
    app = build(CollectorSettings(), month.database, now=clock)
    overview = Overview()
    first = await overview.lines(app)
    clock.moment += KEPT_FOR - timedelta(seconds=1)
    assert await overview.lines(app) is first
    clock.moment += timedelta(seconds=1)
    second = await overview.lines(app)
    assert second is not first
    clock.moment -= timedelta(hours=1)
    assert await overview.lines(app) is not second


async def test_nobody_waits_for_the_next_list_of_many_lines(month: Running) -> None:
    """Visitors get the list that was made ahead, unless that is too old."""
    clock = Clock()
    app = build(CollectorSettings(), month.database, now=clock)
    overview = Overview(ahead_from_lines=1)
    await overview.make_ahead(app)
    first = await overview.lines(app)
    async with overview._reading:
        clock.moment += AHEAD_KEPT_FOR - timedelta(seconds=1)
        assert await overview.lines(app) is first
        clock.moment += timedelta(seconds=1)
        waiting = asyncio.create_task(overview.lines(app))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
    assert await waiting is not first


async def test_list_of_many_lines_is_there_before_its_first_visitor(month: Running) -> None:
    """What was made ahead is shown at once, also to the one who came while it was being made."""
    app = build(CollectorSettings(), month.database, now=Clock())
    overview = Overview(ahead_from_lines=1)
    making = asyncio.create_task(overview.make_ahead(app))
    await asyncio.sleep(0)
    came_early = asyncio.create_task(overview.lines(app))
    await making
    async with overview._reading:
        made = await overview.lines(app)
    assert await came_early is made
    assert len(made) == len(simulated_month.STORIES)


async def test_list_of_few_lines_is_read_for_its_visitor(month: Running) -> None:
    """A list that takes no time is never an older one than the visit."""
    app = build(CollectorSettings(), month.database, now=Clock())
    overview = Overview()
    await overview.make_ahead(app)
    assert overview._read_at is None
    assert len(await overview.lines(app)) == len(simulated_month.STORIES)


async def test_filters_and_counts_are_of_the_same_lines(month: Running) -> None:
    """The counts by state add up to the lines that fit; wards and carriers are all named."""
    app = build(CollectorSettings(), month.database, now=Clock())
    lines = await Overview().lines(app)
    assert [one.state for one in lines] == sorted(
        (one.state for one in lines), key=list(LineState).index
    )
    chosen = Filter(carrier="b")
    counts = count_states(chosen.in_place(lines))
    assert sum(counts.values()) == 2
    for state, count in counts.items():
        assert len(Filter(carrier="b", state=state).keep(lines)) == count
    assert wards_of(lines) == ["Phường Chu Văn An", "Phường Thạch Khôi"]
    assert [key for key, _ in carriers_of(lines)] == ["a", "b", "c"]
    assert len(Filter().keep(lines)) == len(simulated_month.STORIES)
