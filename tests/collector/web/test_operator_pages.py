"""The pages behind the login: probes, data trouble, a record as evidence."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from collector.ledger import schema
from tests.collector import simulated_month
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.web.markup import Element, read
from tests.collector.web.test_login import add_operator, log_in

pytestmark = ON_BOTH


@pytest.fixture
async def shown(start: Start) -> Running:
    """Return a collector with one simulated line and an operator whose cookie the client has."""
    collector: Running = await start(now=lambda: simulated_month.NOW)
    with collector.database.write() as connection:
        for table in (schema.line_terms, schema.lines, schema.sites, schema.carriers):
            connection.execute(table.delete())
        simulated_month.fill(connection, simulated_month.STORIES[3:4])
    add_operator(collector)
    token = (await log_in(collector)).cookies["linewatch_session"].value
    collector.client.headers["Cookie"] = f"linewatch_session={token}"
    collector.client.headers["Accept-Language"] = "en"
    return collector


async def page(collector: Running, path: str, status: int = 200) -> Element:
    """Return a page's tree."""
    async with collector.client.get(collector.url + path, allow_redirects=False) as answer:
        assert answer.status == status
        return read(await answer.text())


async def test_probes_show_backlog_clock_and_what_is_missing(shown: Running) -> None:
    """A probe's row says when it was seen, how far it has delivered, its clock and its gaps."""
    row = (await page(shown, "/probes")).one("table", "plain").one("tbody").one("tr")
    assert "probe-0" in row.text
    assert "synchronised" in row.text
    assert "Raspberry Pi 5" in row.text
    assert row.one("span", "bad").text == "4"
    assert row.one("a").attributes["href"] == "/lines/cva-nvh-c"


async def test_quarantine_gaps_and_refusals_are_shown(shown: Running) -> None:
    """What was kept apart, is missing or was refused stands on one page, with its reason."""
    tree = await page(shown, "/trouble")
    text = tree.one("main").text
    assert "the ledger has another record at this place of the chain" in text
    assert "4–9" in text
    assert "2 / 6" in text
    assert "A request whose token is missing or not its probe's (401)." in text
    assert "not a token (Not enough segments)" in text


async def test_nothing_wrong_is_said_so(start: Start) -> None:
    """An empty ledger's trouble page says that there is none."""
    collector = await start()
    add_operator(collector)
    token = (await log_in(collector)).cookies["linewatch_session"].value
    collector.client.headers["Cookie"] = f"linewatch_session={token}"
    assert len((await page(collector, "/trouble")).all("p", "nothing-here")) == 3
    assert len((await page(collector, "/probes")).all("p", "nothing-here")) == 1


async def test_record_is_shown_verbatim_with_its_proof(shown: Running) -> None:
    """A record's page has its exact bytes, its hash checked again, its neighbour and its seal."""
    tree = await page(shown, "/records/probe-0/chain-0/5")
    query = select(schema.records.c.line).where(schema.records.c.seq == 5)
    line = shown.database.read_now(lambda connection: connection.scalar(query))
    assert line is not None
    assert tree.one("pre").text == " ".join(line.decode().split())
    assert hashlib.sha256(line).hexdigest() in tree.one("dl", "proof").text
    assert [tag.text for tag in tree.one("dl", "proof").all("span", "good")] == [
        "the same",
        "fits record 4",
    ]
    assert "A" * 86 in tree.one("dl", "proof").text
    links = {
        link.attributes.get("rel"): link.attributes["href"]
        for link in tree.one("dl", "proof").all("a")
    }
    assert links["prev"] == "/records/probe-0/chain-0/4"


async def test_first_record_has_nothing_before_it(shown: Running) -> None:
    """The first of a chain says so, and links to no record before it."""
    tree = await page(shown, "/records/probe-0/chain-0/0")
    assert "the first of its chain" in tree.one("dl", "proof").text
    assert not tree.one("dl", "proof").all("a", rel="prev")


async def test_changed_record_is_called_out(shown: Running) -> None:
    """A record whose bytes no longer give its hash, or that does not follow, is called out."""
    with shown.database.write() as connection:
        changed = update(schema.records).where(schema.records.c.seq == 5)
        connection.execute(changed.values(line=b'{"seq": 5, "changed": "<b>"}', prev="0" * 64))
        connection.execute(schema.records.delete().where(schema.records.c.seq == 8))
    tree = await page(shown, "/records/probe-0/chain-0/5")
    assert [tag.text for tag in tree.one("dl", "proof").all("span", "bad")] == [
        "DIFFERS",
        "DIFFERS from record 4",
    ]
    assert tree.one("pre").text == '{"seq": 5, "changed": "<b>"}'
    after = await page(shown, "/records/probe-0/chain-0/9")
    assert "record 8 is not here" in after.text


@pytest.mark.parametrize("seq", ["999999", "9999999999999999999", "x", "-1"])
async def test_record_that_is_not_there_is_404(shown: Running, seq: str) -> None:
    """A place in a chain that holds nothing, or is none, is a 404 page."""
    await page(shown, f"/records/probe-0/chain-0/{seq}", 404)


async def test_line_page_links_records_for_operators(shown: Running) -> None:
    """Logged in, the table of a line leads to each record, and the site's address is shown."""
    tree = await page(shown, "/lines/cva-nvh-c")
    links = [link.attributes["href"] for link in tree.one("table", "tests").all("a")]
    assert links
    await page(shown, links[0])
    assert "Không Có Thật" in tree.one("dl", "identity").text


async def test_hostile_words_of_a_probe_stay_text(shown: Running) -> None:
    """What a probe says of itself, and of its records, never becomes markup."""
    bad = "<script>alert(1)</script>"
    with shown.database.write() as connection:
        connection.execute(update(schema.probes).values(software=bad, model=bad))
        connection.execute(update(schema.quarantine).values(reason=bad, kind=bad[:16]))
        connection.execute(update(schema.events).values(detail=bad))
        connection.execute(
            insert(schema.events).values(
                kind="bad_chain",
                probe_id=bad,
                day=simulated_month.NOW.date().isoformat(),
                count=1,
                first_at=simulated_month.NOW - timedelta(hours=1),
                last_at=simulated_month.NOW,
                detail=bad,
            )
        )
    for path in ("/probes", "/trouble"):
        tree = await page(shown, path)
        assert tree.all("script") == []
        assert bad in tree.text
