"""The pages of complaints: all of them, one with its steps, its files, before and after."""

import hashlib
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from collector.cases.opening import open_from
from collector.cases.posting import queue_complaint
from collector.domain.cases.steps import Role, Step
from collector.ledger import cases
from collector.ledger.cases import NewFile, new_file
from collector.ledger.large_files import LargeFiles
from collector.settings import MailSettings
from tests.collector.cases.conftest import NOW
from tests.collector.cases.evenings import add_evenings
from tests.collector.cases.folders import LARGE, failing, material, write_month
from tests.collector.chromium import Page, open_page
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.letters import fill_letters
from tests.collector.web.test_login import become_operator
from tests.collector.web.test_operator_pages import page
from tests.collector.web.test_pictures import DESKTOP, PHONE, look

SENT = date(2026, 11, 2)
MENDED = date(2026, 11, 10)
TODAY = NOW.replace(month=11, day=26)
ODD_NAME = 'trả lời "<script>alert(1)</script>.html'
MAIL = MailSettings(host="mail.example", sender="do-kiem@phuong.example")


def fill(collector: Running, folder: Path) -> None:
    """Put three cases into the ledger: one answered, one that waits for its mail, one closed."""
    with collector.database.write() as connection:
        fill_letters(connection, NOW)
        months = [
            write_month(folder, failing("l1"), failing("l2")),
            write_month(folder, month="2026-09", ward=None),
            write_month(folder, month="2026-08"),
        ]
        for month in months:
            open_from(connection, material(month), Role.CLERK, "", NOW)
        add(connection, 1, Step.APPROVED, SENT)
        add(connection, 1, Step.SENT, SENT)
        file = new_file("answer", ODD_NAME, "text/html", b"<script>alert(1)</script>")
        cases.add_file(connection, 1, file, NOW)
        add(connection, 1, Step.ANSWERED, MENDED, "đã sửa <b>xong</b>", mended="2026-11-10")
        add(connection, 2, Step.APPROVED, SENT)
        queue_complaint(connection, 2, MAIL, LARGE, Role.CLERK, NOW)
        add(connection, 3, Step.CLOSED, SENT, "gửi nhầm")
        end = TODAY.date() - timedelta(days=1)
        add_evenings(connection, "l1", date(2026, 10, 1), end, mended)
        add_evenings(connection, "l2", date(2026, 10, 1), end, lambda _: 80e6)


def mended(day: date) -> float:
    """Return the rate of the line that was mended, in bit/s."""
    return 160e6 if day > MENDED else 80e6


def add(
    connection: Connection, case: int, step: Step, day: date, note: str = "", **details: str
) -> None:
    """Add a step to a case."""
    cases.add_event(
        connection, case, step, at=NOW, day=day, role=Role.CLERK, note=note, details=details
    )


@pytest.fixture
async def shown(start: Start, tmp_path: Path) -> Running:
    """Return a collector with three cases, and an operator whose cookie the client has."""
    collector: Running = await start(now=lambda: TODAY)
    fill(collector, tmp_path / "reports")
    await become_operator(collector)
    collector.client.headers["Accept-Language"] = "en"
    return collector


@ON_BOTH
async def test_open_cases_are_listed_with_their_deadlines(shown: Running) -> None:
    """In words and colour; closed ones only where asked for; the rest is a page away."""
    tree = await page(shown, "/cases")
    rows = tree.one("tbody").all("tr")
    assert [row.one("a").attributes["href"] for row in rows] == ["/cases/2", "/cases/1"]
    assert "Approved" in rows[0].text
    assert "Answered" in rows[1].text
    everything = (await page(shown, "/cases?all=1")).one("tbody").all("tr")
    assert [row.one("a").text for row in everything] == ["3", "2", "1"]
    assert len((await page(shown, "/cases?all=1&before=2")).one("tbody").all("tr")) == 1
    assert len((await page(shown, "/cases?before=x")).one("tbody").all("tr")) == 2


async def test_a_deadline_that_is_over_is_red_and_says_since_when(
    start: Start, tmp_path: Path
) -> None:
    """Of a complaint that nobody answered; none of the rules was read in its text."""
    collector: Running = await start(now=lambda: TODAY)
    with collector.database.write() as connection:
        open_from(connection, material(write_month(tmp_path)), Role.CLERK, "", NOW)
        add(connection, 1, Step.APPROVED, SENT)
        add(connection, 1, Step.SENT, SENT)
    await become_operator(collector)
    listed = await page(collector, "/cases")
    assert listed.one("span", "bad").text == "quá hạn 15 ngày làm việc"
    tree = await page(collector, "/cases/1")
    tags = [tag.text for tag in tree.all("span", "tag")]
    assert "quá hạn 12 ngày làm việc" in tags
    assert "còn 3 ngày làm việc" in tags
    assert tags.count("chưa kiểm chứng") == 3 + 1, "the deadlines and the number of the standard"


@ON_BOTH
async def test_a_case_shows_its_steps_files_and_mail(shown: Running) -> None:
    """What others wrote is text, and no part of the page."""
    tree = await page(shown, "/cases/1")
    text = tree.one("main").text
    assert "Case 1: VNPT, 10/2026" in text
    assert "đã sửa <b>xong</b>" in text
    assert ODD_NAME in text
    assert not tree.all("script")
    assert "Mean download (Pd ≥ 0.8 Vd), peak hours (19:00–23:00): 80.0 Mbit/s" in text
    assert "qcvn-34-2019" not in text
    assert "Mended on 10 Nov 2026" in text
    assert "mended on 10 Nov 2026, as it says" in text
    assert "There is no mail yet." in text
    waiting = await page(shown, "/cases/2")
    assert "waiting" in waiting.one("main").text
    assert "It is not sent: there is no deadline yet." in waiting.one("main").text
    await page(shown, "/cases/9", 404)
    await page(shown, "/cases/x", 404)


async def test_a_step_says_what_it_is_noted_with(start: Start, tmp_path: Path) -> None:
    """The letter's number, how it went, where it went on to; what was never done is red."""
    collector: Running = await start(now=lambda: TODAY)
    with collector.database.write() as connection:
        open_from(connection, material(write_month(tmp_path)), Role.CLERK, "", NOW)
        add(connection, 1, Step.APPROVED, SENT, letter_number="12/UBND-VHXH")
        add(connection, 1, Step.SENT, SENT, by="post")
        add(connection, 1, Step.ESCALATED, MENDED, to="Sở Khoa học và Công nghệ")
        add(connection, 1, Step.CLOSED, MENDED)
    await become_operator(collector)
    tree = await page(collector, "/cases/1")
    steps = [row.text for row in tree.all("table")[1].one("tbody").all("tr")]
    assert "công văn số 12/UBND-VHXH" in steps[1]
    assert "bằng đường bưu chính" in steps[2]
    assert "gửi Sở Khoa học và Công nghệ" in steps[3]
    assert [tag.text for tag in tree.all("span", "bad")] == [
        "không làm, trễ 4 ngày làm việc",
        "không làm, trễ 1 ngày làm việc",
    ]


@ON_BOTH
async def test_before_and_after_are_there_when_asked_for(shown: Running) -> None:
    """The line that was mended is better, the other one is not; it is only shown, not noted."""
    rows = (await page(shown, "/cases/1?again=1")).all("table")[3].one("tbody").all("tr")
    assert [row.one("span", "tag").text for row in rows] == ["better", "not better"]
    assert "keeps the limit now" in rows[0].text
    assert "breaks the limit still" in rows[1].text
    case = shown.database.read_now(lambda c: cases.read_case(c, 1))
    assert case.events[-1].step is Step.ANSWERED


async def test_a_file_is_saved_as_it_was_and_never_shown(shown: Running) -> None:
    """Whatever it says it is: a browser saves it under its name, and runs nothing of it."""
    files = shown.database.read_now(lambda c: cases.read_files(c, 1))
    (number,) = (one.number for one in files if one.kind == "answer")
    async with shown.client.get(f"{shown.url}/cases/1/files/{number}") as answer:
        assert await answer.read() == b"<script>alert(1)</script>"
        headers = answer.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    said = headers["Content-Disposition"]
    assert said.startswith("attachment;")
    assert said.isascii()
    assert "<" not in said
    assert said.endswith(
        "filename*=UTF-8''tr%E1%BA%A3%20l%E1%BB%9Di%20%22%3Cscript%3Ealert%281%29"
        "%3C%2Fscript%3E.html"
    )
    for path in ("/cases/1/files/99", "/cases/9/files/1"):
        await page(shown, path, 404)


async def test_what_is_too_large_for_the_ledger_is_saved_too(start: Start, tmp_path: Path) -> None:
    """From beside it; where that is gone the page names the file by its hash alone."""
    collector: Running = await start(cases={"files": str(tmp_path / "large")})
    fill(collector, tmp_path / "reports")
    large, content = LargeFiles(tmp_path / "large"), b"evidence" * 1000
    own = hashlib.sha256(content).hexdigest()
    with collector.database.write() as connection:
        file = NewFile("folder", "large.zip", "application/zip", own, len(content), None)
        number = cases.add_file(connection, 1, file, NOW)
    await become_operator(collector)
    place = large.keep_content(content, own, "large.zip")
    path = f"/cases/1/files/{number}"
    assert path in await links(collector)
    async with collector.client.get(collector.url + path) as answer:
        assert await answer.read() == content
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    place.unlink()
    await page(collector, path, 404)
    assert path not in await links(collector)


async def links(collector: Running) -> list[str | None]:
    """Return where the page of case 1 leads."""
    return [one.attributes.get("href") for one in (await page(collector, "/cases/1")).all("a")]


async def test_nothing_of_it_is_public(shown: Running) -> None:
    """Without a login there is nothing but the way to it."""
    del shown.client.headers["Cookie"]
    shown.client.cookie_jar.clear()
    for path in ("/cases", "/cases/1", "/cases/1?again=1", "/cases/1/files/1"):
        async with shown.client.get(shown.url + path, allow_redirects=False) as answer:
            assert answer.status == 303, path
            assert answer.headers["Location"].startswith("/login")
            assert b"VNPT" not in await answer.read()


@pytest.fixture
async def browser() -> AsyncIterator[Page]:
    """Return a page of a headless browser."""
    async with open_page() as made:
        yield made


async def test_the_pages_fit_desktop_and_phone(shown: Running, browser: Page) -> None:
    """Without sideways scrolling, in both languages."""
    cookie = shown.client.headers["Cookie"]
    name, _, value = cookie.partition("=")
    await browser.send("Network.setCookie", name=name, value=value, url=shown.url)
    for language in ("vi", "en"):
        for size in (DESKTOP, PHONE):
            for path in ("/cases?all=1", "/cases/1", "/cases/2"):
                await look(browser, shown.url + path, language, size)
                assert await browser.run("document.querySelector('h1') !== null")
                assert await browser.run("location.pathname") == path.partition("?")[0]
