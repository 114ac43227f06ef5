"""The pages that everybody sees, served by a real collector from a simulated month."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import insert, select

from collector.ledger import schema
from collector.web.pages_public import page_links
from collector.web.visit import ASSET_VERSION, STATIC
from tests.collector import simulated_month
from tests.collector.conftest import Running, Start
from tests.collector.web.markup import Element, read

HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(2)>{{7*7}}'"""


async def get(
    collector: Running, path: str, status: int = 200, **headers: str
) -> tuple[str, Mapping[str, str]]:
    """Return a page's text and headers; headers are sent with dashes for underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with collector.client.get(
        collector.url + path, headers=sent, allow_redirects=False
    ) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text, answer.headers


async def page(collector: Running, path: str, status: int = 200, language: str = "vi") -> Element:
    """Return a page's tree."""
    text, _ = await get(collector, path, status, Accept_Language=language)
    return read(text)


def states(tree: Element) -> dict[str, str]:
    """Return the state of each line in the list, by its site."""
    return {
        row.one("th").one("a").text: row.one("span", "state").text
        for row in tree.one("table", "lines").one("tbody").all("tr")
    }


async def test_list_shows_every_line_with_its_state_in_words(month: Running) -> None:
    """The states follow from what was measured, those that need attention come first."""
    assert states(await page(month, "/")) == {
        "Nhà văn hóa khu dân cư Bắc": "Lỗi",
        "Nhà văn hóa tổ dân phố số 2": "Dưới hợp đồng",
        "Thư viện phường Chu Văn An": "Im lặng",
        "Nhà văn hóa khu dân cư Nam": "Chưa có dữ liệu",
        "Điểm sinh hoạt cộng đồng Đông": "Chưa đánh giá",
        "Nhà văn hóa tổ dân phố số 1": "Tốt",
        "Trụ sở UBND phường Thạch Khôi": "Tốt",
    }
    assert set(states(await page(month, "/", language="en")).values()) == {
        "Failing",
        "Below contract",
        "Silent",
        "No data yet",
        "Not rated",
        "Good",
    }


async def test_list_tells_lines_of_one_site_apart(collector: Running) -> None:
    """Two lines of a site and carrier are two rows that differ by the id beneath the name."""
    rows = (await page(collector, "/")).one("table", "lines").one("tbody").all("tr")
    assert [row.one("th").one("code", "id").text for row in rows] == ["l1", "l2"]
    assert rows[0].one("th").one("a").text == rows[1].one("th").one("a").text


async def test_summary_counts_lines_by_state(month: Running) -> None:
    """The cards above the list add up to all lines."""
    cards = (await page(month, "/")).one("ul", "summary").all("a")
    counts = {
        card.one("span", "state").text: int(card.one(css="summary-count").text) for card in cards
    }
    assert counts["Tốt"] == 2
    assert sum(counts.values()) == len(simulated_month.STORIES)


@pytest.mark.parametrize(
    "query,expected",
    [
        ("?ward=Phường Chu Văn An", 4),
        ("?carrier=b", 2),
        ("?ward=Phường Chu Văn An&carrier=b", 1),
        ("?state=good", 2),
        ("?ward=&carrier=&state=", 7),
        ("?ward=nowhere", 0),
        ("?search=phuong chu VAN an", 4),
        ("?search=Phường Thạch&carrier=b", 1),
        ("?search=tk-NVH2", 1),
        ("?search=hach khoi", 0),
        ("?search= ", 7),
    ],
)
async def test_list_is_filtered(month: Running, query: str, expected: int) -> None:
    """Words with or without their marks, ward, carrier and state leave out the lines that do not
    fit; the count says how many stay.
    """
    tree = await page(month, f"/{query}")
    shown = tree.all("table", "lines")
    assert sum(len(table.one("tbody").all("tr")) for table in shown) == expected
    assert tree.one("span", "filter-count").text.startswith(str(expected))
    assert bool(tree.all("p", "nothing-here")) == (expected == 0)


async def test_line_that_was_never_measured_shows_dashes_not_zeros(month: Running) -> None:
    """What was not measured is absent in the list."""
    rows = (await page(month, "/?state=waiting")).one("tbody").all("tr")
    assert [cell.text for cell in rows[0].all("td", "number")] == ["–"] * 4


async def test_five_thousand_lines_come_in_pages(start: Start) -> None:
    """A country's list is cut into pages that lead to each other."""
    collector = await start()
    with collector.database.write() as connection:
        row: dict[str, Any] = {"site_id": "nvh-1", "carrier_id": "vnpt", "technology": "fibre"}
        row["created_at"] = simulated_month.NOW
        connection.execute(
            insert(schema.lines), [row | {"id": f"many-{number:04}"} for number in range(4998)]
        )
    tree = await page(collector, "/?carrier=vnpt&page=100", language="en")
    assert len(tree.one("table", "lines").one("tbody").all("tr")) == 50
    pager = tree.one("nav", "pager")
    assert "4,951–5,000 of 5,000" in pager.text
    links = [one.attributes["href"].rpartition("page=") for one in pager.all("a")]
    assert {start for start, _, _ in links} == {"?carrier=vnpt&"}
    assert [number for _, _, number in links] == ["99", "1", "99", "100"]
    assert pager.one("a", **{"aria-current": "page"}).text == "100"


@pytest.mark.parametrize(
    "number,last,expected",
    [
        (1, 2, [1, 2]),
        (1, 100, [1, 2, None, 100]),
        (3, 5, [1, 2, 3, 4, 5]),
        (4, 7, [1, 2, 3, 4, 5, 6, 7]),
        (50, 100, [1, None, 49, 50, 51, None, 100]),
    ],
)
def test_pages_lead_to_the_ends_and_the_neighbours(
    number: int, last: int, expected: list[int | None]
) -> None:
    """A gap stands for two pages or more."""
    assert page_links(number, last) == expected


@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("language", ["vi", "en"])
async def test_line_page_has_all_its_charts(month: Running, period: str, language: str) -> None:
    """Each period shows four charts and the heat map, described in the visitor's language."""
    tree = await page(month, f"/lines/tk-nvh1-a?period={period}", language=language)
    figures = tree.all("figure", "chart")
    assert [one.attributes["id"] for one in figures] == [
        "download",
        "upload",
        "idle",
        "loaded",
        "heat",
    ]
    for figure in figures:
        assert figure.all("svg", "plot")
        assert figure.one("desc").text
    assert tree.one("html").attributes["lang"] == language
    ids = [one.attributes["id"] for one in tree.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))


async def test_line_page_says_failures_and_flags_in_words(month: Running) -> None:
    """The table names outcome, failure and flags; a failed test has no value."""
    tree = await page(month, "/lines/cva-nvh-c?period=day", language="en")
    rows = tree.one("table", "tests").one("tbody").all("tr")
    failed = [row for row in rows if "failed" in row.classes]
    assert failed
    for row in failed:
        assert "The server's name could not be resolved." in row.text
        assert [cell.text for cell in row.all("td", "number")] == ["–", "–", "–"]
    text, _ = await get(month, "/lines/cva-tram-5g?period=month", Accept_Language="vi")
    assert "Đo qua Wi-Fi, có thể chậm hơn đường truyền phía sau." in text


async def test_line_page_counts_every_slot_of_the_period(month: Running) -> None:
    """Measured, failed, skipped and missed are all counted."""
    tree = await page(month, "/lines/tk-nvh2-b?period=month", language="en")
    counts = [int(part.split()[0]) for part in tree.all("p", "counts")[0].text.split("·")]
    assert counts[0] > 600
    assert counts[3] in {23, 24}
    assert sum(counts) > 690


async def test_earlier_periods_are_reached_by_links(month: Running) -> None:
    """The link to the time before leads to a page that links back to now."""
    tree = await page(month, "/lines/tk-nvh1-a?period=week")
    earlier = tree.one("a", rel="prev").attributes["href"]
    assert earlier == "?period=week&until=2026-11-13#period"
    assert not tree.all("a", rel="next")
    before = await page(month, f"/lines/tk-nvh1-a{earlier.partition('#')[0]}")
    assert (
        before.one("a", rel="next").attributes["href"].startswith("?period=week&until=2026-11-20")
    )


def fill_with(collector: Running, story: simulated_month.LineStory) -> None:
    """Empty the registry and put in one line with its month."""
    with collector.database.write() as connection:
        for table in (schema.line_terms, schema.lines, schema.sites, schema.carriers):
            connection.execute(table.delete())
        simulated_month.fill(connection, (story,))


@pytest.fixture
async def flagged(start: Start) -> Running:
    """Return a collector with a contracted line of which every speed test is flagged."""
    collector: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(collector, simulated_month.STORIES[2])
    with collector.database.write() as connection:
        speed_tests = schema.records.update().where(schema.records.c.task == "speed")
        connection.execute(speed_tests.values(flags="cross_traffic"))
        latency_tests = schema.records.update().where(schema.records.c.task == "latency")
        connection.execute(latency_tests.values(outcome="failed", round_trip_seconds=None))
    return collector


async def test_line_with_flagged_tests_alone_does_not_contradict_itself(flagged: Running) -> None:
    """Where every test is flagged the page says so: in the count, the state and the heat map."""
    tree = await page(flagged, "/lines/tk-ubnd-a?period=day", language="en")
    count = tree.all("p", "counts")[0].text
    measured = count.partition(" ")[0]
    assert count.startswith(f"{measured} measured ({measured} of them flagged and not counted)")
    heat = tree.one("figure", "chart", id="heat")
    assert heat.one("p", "absent").text.startswith("Only flagged tests succeeded")
    said = tree.one("div", "line-state").one("p").text
    assert said.startswith("There was no fair test in the last 48 hours")


async def test_what_was_held_back_is_said_to_be_the_least(start: Start) -> None:
    """A line whose newest test is a lower bound says "at least" wherever it shows a rate or its
    share of the contract, in the API too, and shows no latency of it; where the bound is below the
    contract its bar is no rating.
    """
    collector: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(collector, simulated_month.STORIES[2])
    with collector.database.write() as connection:
        newest = select(schema.records.c.id).where(
            schema.records.c.task == "speed", schema.records.c.outcome == "measured"
        )
        newest = newest.order_by(schema.records.c.measured_at.desc()).limit(1)
        held_back = schema.records.update().where(schema.records.c.id.in_(newest))
        connection.execute(held_back.values(flags="server_limited", upload_bits_per_second=9e6))
    for language, least in (("vi", "ít nhất"), ("en", "at least")):
        tree = await page(collector, "/lines/tk-ubnd-a?period=day", language=language)
        assert tree.one("dl", "tiles").text.count(least) == 4
        loaded = tree.one("dl", "tiles").all("div", "tile")[-1]
        assert loaded.all("dd")[0].text == "\N{EN DASH}"
        assert least in tree.one("figure", "chart", id="heat").text
        table = (await page(collector, "/", language=language)).one("table", "lines")
        assert table.text.count(least) == 4
        assert (len(table.all("rect", "bar-good")), len(table.all("rect", "bar-unrated"))) == (1, 1)
    async with collector.client.get(f"{collector.url}/v1/lines/tk-ubnd-a") as answer:
        found = await answer.json()
    assert (found["latest"]["flags"], found["latest"]["at_least"]) == (["server_limited"], True)
    assert found["state"] == "good"


async def test_a_line_whose_tests_are_all_held_back_is_not_rated(start: Start) -> None:
    """Where nobody knows whether the line keeps its contract, state, bars and the API say that, and
    the page says why.
    """
    collector: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(collector, simulated_month.STORIES[2])
    with collector.database.write() as connection:
        speed_tests = schema.records.update().where(schema.records.c.task == "speed")
        connection.execute(speed_tests.values(flags="device_cpu", upload_bits_per_second=9e6))
    async with collector.client.get(f"{collector.url}/v1/lines/tk-ubnd-a") as answer:
        found = await answer.json()
    assert (found["state"], found["contract_share_at_least"]) == ("unrated", True)
    assert found["contract_share_ratio"] == pytest.approx(0.03)
    table = (await page(collector, "/", language="en")).one("table", "lines")
    assert len(table.all("rect", "bar-unrated")) == 2
    tree = await page(collector, "/lines/tk-ubnd-a?period=day", language="en")
    said = tree.one("div", "line-state").one("p").text
    assert said.startswith("The probe or the server was the limit of tests in the last 48 hours")


async def test_bar_of_a_line_that_is_not_rated_is_grey(flagged: Running, month: Running) -> None:
    """Only a line that is rated has a bar in the colour of a rating."""
    table = (await page(flagged, "/")).one("table", "lines")
    assert len(table.all("rect", "bar-unrated")) == 2
    assert table.all("rect", "bar-good") == table.all("rect", "bar-low") == []
    table = (await page(month, "/?state=good")).one("table", "lines")
    assert len(table.all("rect", "bar-good")) == 4
    assert (await page(month, "/?state=below")).one("table", "lines").all("rect", "bar-low")


async def test_latency_says_which_test_it_is_of(
    start: Start, flagged: Running, month: Running
) -> None:
    """The idle latency is named by its test, as is the empty chart of the other kind of test; that
    of a speed test with a flag is not shown.
    """
    tree = await page(flagged, "/lines/tk-ubnd-a?period=day", language="en")
    assert "in the speed test" not in tree.one("dl", "tiles").text
    fair: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(fair, simulated_month.STORIES[2])
    with fair.database.write() as connection:
        connection.execute(schema.latest.delete().where(schema.latest.c.task == "latency"))
        connection.execute(schema.records.delete().where(schema.records.c.task == "latency"))
    tree = await page(fair, "/lines/tk-ubnd-a?period=day", language="en")
    assert "in the speed test" in tree.one("dl", "tiles").text
    idle = tree.one("figure", "chart", id="idle")
    assert idle.one("p", "absent").text == "No separate latency test succeeded in this period."
    tree = await page(month, "/lines/tk-ubnd-a?period=day", language="en")
    assert "separate latency test · packets lost" in tree.one("dl", "tiles").text
    assert "speed test of 20 Nov 2026" in tree.one("h2", id="latest").text


async def test_unrated_line_names_its_own_reason(month: Running) -> None:
    """A line without a contracted speed says only that, on its page and in the list."""
    reason = "No contracted speed is registered."
    tree = await page(month, "/lines/cva-tram-5g", language="en")
    assert tree.one("div", "line-state").one("p").text == reason
    listed = await page(month, "/?state=unrated", language="en")
    shown = listed.one("table", "lines").one("span", "state")
    assert shown.attributes["title"] == reason


async def test_public_pages_tell_nothing_of_probes_addresses_and_records(month: Running) -> None:
    """No probe's id, no address of a site, no record is on a page without login."""
    for path in (
        "/",
        "/lines/tk-nvh1-a",
        "/api",
        "/v1/lines",
        "/v1/sites",
        "/v1/lines/tk-nvh1-a/series",
    ):
        text, _ = await get(month, path)
        assert "probe-0" not in text
        assert "chain-0" not in text
        assert "Không Có Thật" not in text


async def test_names_of_others_stay_text(start: Start) -> None:
    """Whatever a name holds, it is shown as written and never becomes markup."""
    collector = await start()
    with collector.database.write() as connection:
        created = {"created_at": simulated_month.NOW}
        connection.execute(insert(schema.carriers).values(id="bad", name=HOSTILE, **created))
        connection.execute(
            insert(schema.sites).values(id="bad", name=HOSTILE, ward=HOSTILE, **created)
        )
        connection.execute(
            insert(schema.lines).values(
                id="bad",
                site_id="bad",
                carrier_id="bad",
                technology=HOSTILE[:32],
                plan=HOSTILE,
                **created,
            )
        )
    listed = await page(collector, "/")
    links = [link for link in listed.one("table", "lines").all("a") if link.text == HOSTILE]
    assert len(links) == 1
    shown = await page(collector, links[0].attributes["href"])
    for tree in (listed, shown, await page(collector, f"/?ward={HOSTILE}")):
        assert tree.all("script") == []
        assert tree.all("img") == []
        assert not [
            one for one in tree.all() if any(key.startswith("on") for key in one.attributes)
        ]
    assert shown.one("h1").text == HOSTILE


async def test_language_is_kept_in_a_cookie(month: Running) -> None:
    """`?lang=en` shows English at once and from then on, and the page offers the way back."""
    text, headers = await get(month, "/?lang=en&carrier=b", Accept_Language="vi")
    assert read(text).one("html").attributes["lang"] == "en"
    cookie = headers["Set-Cookie"]
    assert "linewatch_lang=en" in cookie
    assert "HttpOnly" in cookie
    back = read(text).one("a", hreflang="vi")
    assert back.attributes["href"] == "?carrier=b&lang=vi"


@pytest.mark.parametrize(
    "path",
    [
        "/?state=nonsense",
        "/?page=0",
        "/?page=-1",
        "/?page=99999999999999999999",
        "/?page=٣",
        f"/?ward={'x' * 201}",
        "/lines/tk-nvh1-a?period=century",
        "/lines/tk-nvh1-a?until=yesterday",
        "/lines/tk-nvh1-a?until=9999-12-31",
        "/lines/tk-nvh1-a?until=0001-01-01",
    ],
)
async def test_wrong_parameters_are_refused_in_a_sentence(month: Running, path: str) -> None:
    """A parameter that cannot be used is a 400 page that names it."""
    tree = await page(month, path, 400)
    name = re.findall(r"[?&](\w+)=", path)[0]
    assert tree.one("p", "lead").text.startswith(f"{name}: ")


@pytest.mark.parametrize("path", ["/nothing", "/lines/unknown", "/static/x/style.css"])
async def test_what_is_not_there_is_404(month: Running, path: str) -> None:
    """An unknown address is a 404."""
    await get(month, path, 404)


async def test_unknown_address_is_a_page_for_people(month: Running) -> None:
    """A person who follows an old link gets a page with a way on, in their language."""
    tree = await page(month, "/lines/unknown", 404, language="en")
    assert tree.one("h1").text == "Page not found"
    assert tree.one("main").one("a").attributes["href"] == "/"


async def test_pages_fetch_nothing_from_elsewhere(month: Running) -> None:
    """Every address in a page is this collector's; the policy allows no other, and no script."""
    for path in ("/", "/lines/tk-nvh1-a", "/api", "/login"):
        text, headers = await get(month, path)
        for one in read(text).all():
            for name in ("src", "href", "action"):
                assert re.match(r"/(?!/)|\?|#|$", one.attributes.get(name, "")), one.attributes
            assert "style" not in one.attributes
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert "url(" not in (STATIC / "style.css").read_text()


async def test_page_that_did_not_change_is_not_sent_again(month: Running) -> None:
    """A browser that has the page already is answered 304 without a body."""
    _, headers = await get(month, "/lines/tk-nvh1-a")
    text, again = await get(month, "/lines/tk-nvh1-a", 304, If_None_Match=headers["ETag"])
    assert text == ""
    assert again["ETag"] == headers["ETag"]
    assert "Cookie" in headers["Vary"]


async def test_static_files_are_cached_for_good(month: Running) -> None:
    """A static file's address changes with its content, so that it may be kept."""
    text, headers = await get(month, f"/static/{ASSET_VERSION}/style.css")
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Type"].startswith("text/css")
    assert "--paper" in text
    await get(month, f"/static/{ASSET_VERSION}/..%2froutes.py", 404)


async def test_pages_may_be_kept_for_operators(start: Start) -> None:
    """Where the settings say that pages are not public, they and the API ask for a login."""
    collector = await start(web={"public": False})
    _, headers = await get(collector, "/lines/l1?period=day", 303)
    assert headers["Location"] == "/login?next=/lines/l1?period%3Dday"
    await get(collector, "/v1/lines", 401)
    await get(collector, "/v1/openapi.json", 401)


async def test_ledger_that_does_not_answer_is_a_page_that_says_so(start: Start) -> None:
    """Where the ledger cannot be read, people get a sentence and programs a problem, both 503."""
    collector = await start()
    with collector.database.write() as connection:
        schema.latest.drop(connection)
    tree = await page(collector, "/", 503, language="en")
    assert "The ledger does not answer" in tree.one("p", "lead").text
    text, _ = await get(collector, "/v1/lines", 503)
    assert '"status":503' in text


def test_fixture_is_the_same_every_time() -> None:
    """The simulated month is made from its seed alone."""
    story: Any = simulated_month.STORIES[1]
    assert simulated_month._slots(story) == simulated_month._slots(story)
