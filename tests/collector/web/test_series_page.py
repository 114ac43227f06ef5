"""A line's page where it has several series, Wi-Fi beside its cable, and IPv6."""

from statistics import median
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from collector.domain.series import SeriesId
from collector.domain.standing import standing
from collector.ledger import queries, schema
from collector.ledger.bookkeeping import series_of
from tests.collector import simulated_month
from tests.collector.chromium import open_page
from tests.collector.conftest import Running, Start
from tests.collector.web.markup import Element
from tests.collector.web.test_pages import fill_with, page

STORY = simulated_month.STORIES[2]
ADDRESS = f"/lines/{STORY.id}?period=month"
IPV4 = SeriesId("probe-0", "eth0", "http", "1", "full", 4, "may-chu-do")
IPV6 = IPV4._replace(ip_version=6)
records = schema.records


def halve_families(connection: Connection) -> None:
    """Let every other speed test be one of IPv6, and its reach check say that IPv6 is slower."""
    odd = records.c.id % 3 == 0
    speed = records.c.task == "speed"
    connection.execute(records.update().where(odd, speed).values(ip_version=6))
    check = records.update().where(records.c.task == "reach")
    connection.execute(check.values(ipv6_state="slower"))


def add_wifi(connection: Connection) -> list[float]:
    """Add a Wi-Fi path beside the cable, 40 Mbit/s slower; return the downloads by cable."""
    connection.execute(
        insert(schema.probe_paths).values(
            probe_id="probe-0", name="wlan0", families="4", line_id=STORY.id, beside="eth0"
        )
    )
    query = select(records).where(records.c.task == "speed", records.c.flags == "")
    wired = [dict(row) for row in connection.execute(query).mappings() if fair_pair(dict(row))]
    for row in wired:
        radio = {**row, "path": "wlan0", "flags": "wifi", "chain": "radio"}
        radio["download_bits_per_second"] -= 40e6
        radio["idle_latency_seconds"] += 0.004
        del radio["id"]
        connection.execute(insert(records).values(radio))
    return [row["download_bits_per_second"] for row in wired]


def fair_pair(row: dict[str, Any]) -> bool:
    """Return whether a test can be half of a pair."""
    return (row["outcome"], row["ip_version"]) == ("measured", 4)


def add_probe(connection: Connection) -> None:
    """Let a second probe, by a path of the same name and a slow port, measure a third as much."""
    probe = connection.execute(select(schema.probes)).mappings().one()
    connection.execute(insert(schema.probes).values({**probe, "id": "probe-second"}))
    query = select(records).where(records.c.task == "speed", records.c.id % 2 == 0)
    for row in connection.execute(query).mappings().all():
        slow = {**row, "probe_id": "probe-second", "flags": "interface_speed"}
        slow["download_bits_per_second"] = (row["download_bits_per_second"] or 0) / 3 or None
        del slow["id"]
        connection.execute(insert(records).values(slow))


@pytest.fixture
async def line(start: Start) -> Running:
    """Return a collector with the line of `STORY`, over both families and with Wi-Fi."""
    collector: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(collector, STORY)
    with collector.database.write() as connection:
        halve_families(connection)
        add_wifi(connection)
    return collector


def rows(tree: Element, number: int = 0) -> list[str]:
    """Return the text of the rows of a table of series."""
    body = tree.all("table", "series")[number].all("tbody")[0]
    return [" ".join(row.text.split()) for row in body.all("tr")]


def downloads(collector: Running, series: SeriesId) -> list[float]:
    """Return the downloads of a series that count, of the month that the page shows."""
    return [
        row["download_bits_per_second"]
        for row in collector.rows(schema.records)
        if row["task"] == "speed"
        and row["outcome"] == "measured"
        and standing(row["flags"]).counts
        and series_of(row) == series
    ]


async def test_families_stand_side_by_side_and_are_never_one_median(line: Running) -> None:
    """The table has each series with its own median; IPv4's is the line's, and is drawn."""
    tree = await page(line, ADDRESS, language="en")
    four, six, radio = sorted(rows(tree), key=lambda row: ("wlan0" in row, "IPv6" in row))
    assert four.startswith("IPv4 · may-chu-do · eth0 · http 1 full main")
    assert six.startswith("IPv6 · may-chu-do · eth0 · http 1 full")
    assert radio.startswith("IPv4 · may-chu-do · wlan0")
    assert " 0 / " in radio
    assert "Mbit/s" in radio
    drawn = {series: downloads(line, series) for series in (IPV4, IPV6)}
    for text, series in ((four, IPV4), (six, IPV6)):
        counted = int(text.split(" / ")[0].split()[-1])
        assert 0 < counted <= len(drawn[series])
    other = await page(line, f"{ADDRESS}&series={IPV6.key}", language="en")
    whole = await page(line, f"{ADDRESS}&series=none-such", language="en")
    counts = [int(one.all("p", id="counts")[0].text.split()[0]) for one in (tree, other, whole)]
    assert counts[0] == counts[2]
    assert counts[0] + counts[1] < len(line.rows(schema.records))
    assert counts[1] == int(six.split(" / ")[1].split()[0])


async def test_the_wifi_of_a_house_is_told_from_its_line(line: Running) -> None:
    """The page has the median difference of the pairs in both languages, and the line's own state
    and results do not change by it.
    """
    for language, heading in (("vi", "Wi-Fi của nhà"), ("en", "The house's Wi-Fi")):
        tree = await page(line, ADDRESS, language=language)
        assert any(heading in node.text for node in tree.all("h2"))
        (pair,) = rows(tree, 1)
        assert pair.startswith("eth0 \N{MINUS SIGN} wlan0 · IPv4 · may-chu-do")
        assert "+40" in pair
        assert "\N{MINUS SIGN}4" in pair
    answer = await line.client.get(f"{line.url}/v1/lines/{STORY.id}")
    found = await answer.json()
    assert (found["series"]["path"], found["series"]["ip_version"]) == ("eth0", 4)
    assert found["state"] == "good"
    assert found["latest"]["download_bits_per_second"] > median(downloads(line, IPV4)) * 0.8


async def test_ipv6_readiness_is_on_the_page_in_words(line: Running) -> None:
    """The newest reachability check says how far IPv6 goes."""
    vietnamese, english = [
        (await page(line, ADDRESS, language=language)).all("dl", "identity")[0].text
        for language in ("vi", "en")
    ]
    assert "sẵn sàng, nhưng chậm hơn IPv4" in vietnamese
    assert "ready, but slower than IPv4" in english


async def test_a_family_that_is_dead_is_no_outage_of_the_other(line: Running) -> None:
    """Where every test of IPv6 fails the line stays as IPv4 has it; where IPv4's fail, it fails."""
    for dead, state in ((6, "good"), (4, "failing")):
        with line.database.write() as connection:
            its = records.update().where(records.c.ip_version == dead, records.c.task == "speed")
            nothing = {"outcome": "failed", "failure_code": "no_route", "server": None}
            connection.execute(its.values(nothing))
        found = await line.database.read(lambda c: queries.overview(c, simulated_month.NOW))
        assert found[0].state == state


async def test_two_probes_of_a_line_are_two_series(start: Start) -> None:
    """Each has its row, counts and medians, though their paths have one name; everybody sees a tag,
    and no id. Of the one whose port is slow the rates are the least, and there is no latency.
    """
    collector: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(collector, STORY)
    whole = await page(collector, ADDRESS, language="en")
    with collector.database.write() as connection:
        add_probe(connection)
    tree = await page(collector, ADDRESS, language="en")
    tags = [IPV4.tag, IPV4._replace(probe="probe-second").tag]
    first, second = rows(tree)
    assert first.startswith(f"probe {tags[0]} · IPv4 · may-chu-do · eth0 · http 1 full main")
    assert second.startswith(f"probe {tags[1]} · IPv4 · may-chu-do · eth0 · http 1 full ")
    assert second.count("at least") == 2
    assert [row.endswith(" ms") for row in (first, second)] == [True, False]
    assert "probe-" not in tree.text
    counts = [one.all("p", id="counts")[0].text for one in (whole, tree)]
    assert counts[0] == counts[1]
    charts = [one.one("figure", "chart", id="download").text for one in (whole, tree)]
    assert charts[0] == charts[1]


async def test_a_line_of_one_series_has_no_table_of_them(month: Running) -> None:
    """Where there is nothing to choose, nothing is offered."""
    tree = await page(month, "/lines/tk-nvh1-a?period=month")
    assert tree.all("table", "series") == []


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
async def test_series_and_pairs_fit_the_window(line: Running, size: tuple[int, int]) -> None:
    """On a desktop and on a phone nothing of the tables sticks out."""
    async with open_page() as browser:
        await browser.look(*size)
        for language in ("vi", "en"):
            await browser.open(line.url + ADDRESS, language)
            assert await browser.run("document.documentElement.scrollWidth") <= size[0]
            cells = "[...document.querySelectorAll('.series tr, .series td, .series th')]"
            wide = await browser.run(f"{cells}.map(one => one.scrollWidth > one.clientWidth + 1)")
            assert wide
            assert not any(wide)
