"""The pages as pictures, in a real browser: they render, and fit desktop and phone."""

from collections.abc import AsyncIterator

import pytest

from collector.ledger import schema
from tests.collector import simulated_month
from tests.collector.chromium import Page, colours_in, open_page
from tests.collector.conftest import Running, Start
from tests.collector.web.test_login import add_operator, log_in
from tests.collector.web.test_pages import fill_with

DESKTOP = (1280, 900)
PHONE = (390, 844)
PLAIN_BYTES = 30
"""A picture of an empty page has fewer different bytes than this."""


@pytest.fixture
async def browser() -> AsyncIterator[Page]:
    """Return a page of a headless browser."""
    async with open_page() as page:
        yield page


async def look(browser: Page, address: str, language: str, size: tuple[int, int]) -> None:
    """Open a page and hold that it renders, styled, and nowhere wider than the window."""
    width, height = size
    await browser.look(width, height)
    await browser.open(address, language)
    assert colours_in(await browser.picture()) > PLAIN_BYTES
    assert await browser.run("document.documentElement.scrollWidth") <= width
    family = await browser.run("getComputedStyle(document.body).fontFamily")
    assert "system-ui" in family, "the style sheet was not loaded"


async def test_pages_render_and_fit_on_desktop_and_phone(month: Running, browser: Page) -> None:
    """The list and a line's page render in both languages, without sideways scrolling."""
    for language in ("vi", "en"):
        for size in (DESKTOP, PHONE):
            for path in ("/", "/lines/tk-nvh2-b?period=month", "/api", "/login"):
                await look(browser, month.url + path, language, size)


async def test_filters_fit_a_phone_whatever_a_ward_is_called(start: Start, browser: Page) -> None:
    """A ward with a long name does not push its choice out of the window."""
    collector = await start()
    with collector.database.write() as connection:
        connection.execute(schema.sites.update().values(ward="Phường " + "rất dài " * 12))
    await browser.look(*PHONE)
    await browser.open(f"{collector.url}/")
    fields = "[...document.querySelectorAll('.filter select, .filter input, .filter button')]"
    right = await browser.run(f"{fields}.map(one => one.getBoundingClientRect().right)")
    assert len(right) == 5
    assert max(right) <= PHONE[0]


async def test_charts_are_drawn_with_colour_and_size(month: Running, browser: Page) -> None:
    """On the page every chart has its height, its dots have a colour, its letters can be read."""
    await browser.look(*PHONE)
    await browser.open(f"{month.url}/lines/tk-nvh2-b?period=month")
    script = "[...document.querySelectorAll('svg.plot')].map(s => s.getBoundingClientRect().{})"
    assert all(width > 250 for width in await browser.run(script.format("width")))
    assert all(height > 200 for height in await browser.run(script.format("height")))
    dots = "getComputedStyle(document.querySelector('#download path.dots.download')).stroke"
    assert await browser.run(dots) == "rgb(11, 102, 184)"
    labels = "getComputedStyle(document.querySelector('svg.plot text')).fontSize"
    assert await browser.run(labels) == "12px"


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_list_of_tests_fits_a_phone(start: Start, browser: Page, language: str) -> None:
    """In the cards of the tests no large value sticks out of its card or meets its neighbour."""
    month = await start(now=lambda: simulated_month.NOW)
    fill_with(month, simulated_month.STORIES[2])
    with month.database.write() as connection:
        measured = schema.records.update().where(schema.records.c.outcome == "measured")
        fast = {"download_bits_per_second": 9.7e9, "upload_bits_per_second": 9.7e9}
        connection.execute(measured.values(fast))
    await browser.look(*PHONE)
    await browser.open(f"{month.url}/lines/tk-ubnd-a?period=day", language)
    assert await browser.run("document.documentElement.scrollWidth") <= PHONE[0]
    cells = "[...document.querySelectorAll('.tests tr, .tests td')]"
    wide = await browser.run(f"{cells}.map(one => one.scrollWidth > one.clientWidth)")
    assert wide
    assert not any(wide)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_ids_are_not_broken(month: Running, browser: Page, size: tuple[int, int]) -> None:
    """The id of a line stands on one row, in the list, on its page and among the probes."""
    name = f"ids-{size[0]}"
    add_operator(month, name)
    answer = await log_in(month, name)
    cookie = f"linewatch_session={answer.cookies['linewatch_session'].value}"
    rows = "[...document.querySelectorAll('.id')].map(one => one.getClientRects().length)"
    await browser.look(*size)
    for path in ("/", "/lines/tk-nvh2-b", "/probes"):
        await browser.open(month.url + path, cookie=cookie)
        assert set(await browser.run(rows)) == {1}


async def test_dark_is_dark(month: Running, browser: Page) -> None:
    """A visitor who prefers it dark gets light letters on dark paper."""
    await browser.look(*DESKTOP, dark=True)
    await browser.open(f"{month.url}/lines/tk-nvh2-b")
    assert await browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 28)"
    assert await browser.run("getComputedStyle(document.body).color") == "rgb(231, 235, 240)"


async def test_browser_finds_nothing_against_the_policy(month: Running, browser: Page) -> None:
    """Nothing on a page breaks its own Content-Security-Policy, or goes elsewhere."""
    await browser.look(*DESKTOP)
    await browser.open(f"{month.url}/lines/tk-nvh2-b")
    names = await browser.run("performance.getEntriesByType('resource').map(one => one.name)")
    assert names
    assert all(name.startswith(month.url) for name in names)
    assert await browser.run("document.querySelectorAll('[style], script, style').length") == 0


async def test_operators_pages_render_and_fit(month: Running, browser: Page) -> None:
    """Probes, trouble and a record render on a phone too."""
    add_operator(month, "pictures")
    answer = await log_in(month, "pictures")
    cookie = f"linewatch_session={answer.cookies['linewatch_session'].value}"
    for path in ("/probes", "/trouble", "/records/probe-0/chain-0/7"):
        for width, height in (DESKTOP, PHONE):
            await browser.look(width, height)
            await browser.open(month.url + path, cookie=cookie)
            assert colours_in(await browser.picture()) > PLAIN_BYTES
            assert await browser.run("document.documentElement.scrollWidth") <= width
