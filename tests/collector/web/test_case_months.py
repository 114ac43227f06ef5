"""The page of what became of a month's complaints."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from collector.cases.opening import open_from
from collector.domain.cases.steps import Role, Step
from collector.ledger import cases, registry, schema
from tests.collector.cases.conftest import NOW
from tests.collector.cases.folders import failing, material, write_month
from tests.collector.chromium import Page, open_page
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.papers.office import PICTURES
from tests.collector.web.test_login import become_operator
from tests.collector.web.test_operator_pages import page
from tests.collector.web.test_pictures import DESKTOP, look

SENT = date(2026, 11, 2)
TODAY = NOW.replace(month=11, day=26)
NARROW = (320, 700)
LONG_NAME = "Tổng công ty Viễn thông và Công nghệ thông tin miền Duyên hải Bắc Bộ"


def add(connection: Connection, case: int, step: Step, after: int = 0, **details: object) -> None:
    """Add a step to a case, so many days after it was sent."""
    day = SENT + timedelta(days=after)
    cases.add_event(connection, case, step, at=NOW, day=day, role=Role.CLERK, details=details)


def fill(collector: Running, folder: Path) -> None:
    """Put cases of two carriers and two months into the ledger; one is answered and measured."""
    with collector.database.write() as connection:
        row = {"id": "xa", "name": LONG_NAME}
        registry.add(connection, schema.carriers, row, NOW)
        for number, (month, carrier, name, ward) in enumerate(
            (
                ("2026-10", "vnpt", "VNPT", "Thạch Khôi"),
                ("2026-10", "vnpt", "VNPT", "Tân Hưng"),
                ("2026-10", "xa", LONG_NAME, "Thạch Khôi"),
                ("2026-08", "vnpt", "VNPT", "Thạch Khôi"),
            )
        ):
            line = failing("l1")
            line = replace(line, site=replace(line.site, ward=ward))
            place = folder / str(number)
            made = write_month(place, line, ward=ward, carrier=carrier, name=name, month=month)
            open_from(connection, material(made), Role.CLERK, "", NOW)
        for case in (1, 3, 4):
            add(connection, case, Step.APPROVED)
            add(connection, case, Step.SENT)
        add(connection, 1, Step.ANSWERED, 8)
        lines = [
            {"outcome": "better", "within_limit": True},
            {"outcome": "better", "within_limit": False},
            {"outcome": "not_better", "within_limit": False},
            {"outcome": "unknown", "within_limit": None},
        ]
        add(connection, 1, Step.REMEASURED, 20, lines=lines)
        add(connection, 1, Step.ESCALATED, 21)


@pytest.fixture
async def shown(start: Start, tmp_path: Path) -> Running:
    """Return a collector with the cases, and an operator whose cookie the client has."""
    collector: Running = await start(now=lambda: TODAY)
    fill(collector, tmp_path / "reports")
    await become_operator(collector)
    return collector


@ON_BOTH
async def test_a_month_is_counted_carrier_by_carrier(shown: Running) -> None:
    """How many, how fast answered, how many really better; what is not known is a dash."""
    tree = await page(shown, "/cases/months?lang=en")
    assert tree.one("h1").text == "What became of complaints about 10/2026"
    first, second = tree.one("tbody").all("tr")
    told = [" ".join(cell.text.split()) for cell in (first.one("th"), *first.all("td"))]
    assert told == [
        "VNPT",
        "2 sent: 1",
        "1/1",
        "6",
        "Answer the complaint in writing: 1 Take the complaint up, or refuse it in writing: 1",
        "2 better 1 not better 1 cannot be said yet better, and keep the limit now: 1",
        "1",
    ]
    assert [" ".join(cell.text.split()) for cell in second.all("td")] == [
        "1 sent: 1",
        "0/1",
        "–",
        "Answer the complaint in writing: 1 Take the complaint up, or refuse it in writing: 1",
        "–",
        "0",
    ]
    assert "not verified" in tree.one("main").text
    assert "median of working days from sending" in tree.one("main").text


@ON_BOTH
async def test_other_months_are_a_step_away(shown: Running) -> None:
    """Of those with complaints; one without says so, and what is no month is refused."""
    tree = await page(shown, "/cases/months")
    assert tree.one("h1").text == "Kết quả kiến nghị về tháng 10/2026"
    assert tree.one("nav", "pager").one("a").attributes["href"] == "?month=2026-08"
    older = await page(shown, "/cases/months?month=2026-08")
    assert older.one("nav", "pager").one("a").attributes["href"] == "?month=2026-10"
    between = await page(shown, "/cases/months?month=2026-09")
    assert "Không có hồ sơ nào." in between.one("main").text
    links = [one.attributes["href"] for one in between.one("nav", "pager").all("a")]
    assert links == ["?month=2026-08", "?month=2026-10"]
    for wrong in ("2026-13", "10/2026", "2026-10-01", "%D9%A2026-10"):
        await page(shown, f"/cases/months?month={wrong}", 400)


async def test_the_page_is_beside_the_list_and_for_operators_alone(shown: Running) -> None:
    """A tab leads there, and knows that it is there; nobody else sees anything."""
    for path, here in (
        ("/cases", "/cases"),
        ("/cases?all=1", "/cases?all=1"),
        ("/cases/months", "/cases/months"),
    ):
        tabs = (await page(shown, path)).one("nav", "tabs")
        links = [one.attributes for one in tabs.all("a")]
        assert [one["href"] for one in links] == ["/cases", "/cases?all=1", "/cases/months"]
        assert [one["href"] for one in links if one.get("aria-current")] == [here]
    del shown.client.headers["Cookie"]
    shown.client.cookie_jar.clear()
    async with shown.client.get(f"{shown.url}/cases/months", allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/login")


async def test_without_any_complaint_there_is_nothing_to_count(start: Start) -> None:
    """And the page says so."""
    collector: Running = await start(now=lambda: TODAY)
    await become_operator(collector)
    tree = await page(collector, "/cases/months")
    assert tree.one("h1").text == "Kết quả kiến nghị theo tháng"
    assert "Không có hồ sơ nào." in tree.one("main").text
    assert not tree.all("nav", "pager")


@pytest.fixture
async def browser() -> AsyncIterator[Page]:
    """Return a page of a headless browser."""
    async with open_page() as made:
        yield made


async def test_the_page_fits_desktop_a_narrow_phone_and_paper(
    shown: Running, browser: Page
) -> None:
    """Without sideways scrolling, no cell wider than its card; on paper without tabs."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    name, _, value = shown.client.headers["Cookie"].partition("=")
    await browser.send("Network.setCookie", name=name, value=value, url=shown.url)
    address = f"{shown.url}/cases/months"
    cells = "[...document.querySelectorAll('tbody tr, tbody td, tbody th')]"
    for language in ("vi", "en"):
        for size in (DESKTOP, NARROW):
            await browser.look(*size)
            await browser.open(address, language)
            picture = PICTURES / f"case-months-{language}-{size[0]}.png"
            picture.write_bytes(await browser.picture(whole=True))
            await look(browser, address, language, size)
            wide = await browser.run(f"{cells}.map(one => one.scrollWidth > one.clientWidth)")
            assert len(wide) == 16
            assert not any(wide), (language, size)
    await browser.send("Emulation.setEmulatedMedia", media="print")
    tabs = "getComputedStyle(document.querySelector('.tabs')).display"
    assert await browser.run(tabs) == "none"
