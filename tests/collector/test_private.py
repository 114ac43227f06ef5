"""What letters need of people and contracts stays with operators: nobody else is shown it."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from collector.ledger.line_changes import Days, change_line
from collector.serving import Serving
from collector.sinks.reading import read_page
from tests.collector.conftest import Running
from tests.collector.letters import NOT_FOR_ALL, fill_letters, private_words

FILLED = {
    "{line}": "l1",
    "{probe}": "p1",
    "{chain}": "0",
    "{seq}": "0",
    "{case}": "1",
    "{file}": "1",
}
"""What stands in addresses."""


def addresses(serving: Serving) -> list[str]:
    """Return every address of a collector that can be got, but for files of the pages' own."""
    found = []
    app = serving._runner.app
    assert app is not None
    for resource in app.router.resources():
        address = resource.canonical
        if any(route.method == "GET" for route in resource) and "/static/" not in address:
            for name, value in FILLED.items():
                address = address.replace(name, value)
            found.append(address)
    return found


async def test_no_page_answer_metric_point_or_log_has_personal_data(
    collector: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Names, telephones, addresses of letters, contracts' numbers and payers: none is anywhere that
    is for everybody, and no log has them.
    """
    caplog.set_level(logging.DEBUG)
    now = datetime.now(UTC)
    with collector.database.write() as connection:
        fill_letters(connection, now)
        change_line(connection, "l1", NOT_FOR_ALL | {"plan": "Home 300"}, Days(now.date()), now)
    device = collector.device()
    device.add(now - timedelta(minutes=20))
    await collector.post(device, device.batch())
    words = private_words()
    assert len(words) > 10
    seen: dict[str, int] = {}
    for address in addresses(collector.serving):
        for query in ("", "?task=speed", "?lang=en"):
            async with collector.client.get(collector.url + address + query) as answer:
                text = await answer.text()
            assert [word for word in words if word in text] == [], address
            seen[address] = min(answer.status, seen.get(address, 999))
    shown = {address for address, status in seen.items() if status == 200}
    everybody = {"/", "/lines/l1", "/v1/lines", "/v1/lines/l1", "/v1/sites", "/v1/carriers"}
    assert everybody | {"/metrics", "/v1/lines/l1/series", "/v1/openapi.json"} <= shown
    page = collector.database.read_now(lambda connection: read_page(connection, 0, 100, 100))
    assert page.points
    told = f"{page.points} {caplog.text}"
    assert "Home 300" in (await _text(collector, "/v1/lines/l1"))
    assert [word for word in words if word in told] == []


async def _text(collector: Running, address: str) -> str:
    async with collector.client.get(collector.url + address) as answer:
        return await answer.text()
