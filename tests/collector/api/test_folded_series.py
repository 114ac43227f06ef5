"""A line's latency in the API is whole after it was folded into hours."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator

from collector.api.document import openapi
from collector.ledger.schema import latency_hours
from tests.collector.archive.months import add_latency
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.fleet_ledger import fold_all

BEGIN = datetime(2026, 1, 5, 6, tzinfo=UTC)
NOW = BEGIN + timedelta(days=20)


async def page(collector: Running, query: str) -> dict[str, Any]:
    """Return a page of the line's latency, which is as the document describes it."""
    address = f"{collector.url}/v1/lines/l1/series?task=latency&{query}"
    async with collector.client.get(address) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
    document = openapi()
    schema = {"$ref": "#/components/schemas/SeriesPage", "components": document["components"]}
    Draft202012Validator(schema).validate(found)
    return found


async def pages(collector: Running, query: str, limit: int) -> list[dict[str, Any]]:
    """Return what is on all pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        one = await page(collector, f"{query}&limit={limit}{cursor}")
        assert len(one["results"]) <= limit
        found += one["results"]
        if one["next_cursor"] is None:
            return found
        cursor = f"&cursor={one['next_cursor']}"


def seen(results: list[dict[str, Any]]) -> list[Any]:
    """Return what is the same before and after folding, in one order."""
    return sorted(
        (one["measured_at"][:13], one["outcome"], one["series"], one["round_trip_seconds"] or 0)
        for one in results
    )


@ON_BOTH
async def test_folded_hours_are_among_a_lines_results(start: Start) -> None:
    """Each record is there once, whatever the page's size, in its hour, with its round trip and the
    hour that it is of; what is not folded stays as it is, and a cursor of any value is answered.
    """
    collector = await start()
    for name in ("p1", "p2"):
        device = collector.device(name)
        for number in range(40):
            at = BEGIN + timedelta(minutes=3 * number)
            if number % 7 == 3:
                device.add_failed(at, "latency")
            else:
                add_latency(device, at)
        assert (await collector.post(device, device.batch()))[0] == 200
    query = f"start={quote(BEGIN.isoformat())}&end={quote(NOW.isoformat())}"
    before = await pages(collector, query, 5000)
    assert len(before) >= 60
    assert not [one for one in before if "folded_hour" in one]
    key = quote(next(one["series"] for one in before if one["outcome"] == "measured"))
    of_one = await pages(collector, f"{query}&series={key}", 5000)
    await asyncio.to_thread(fold_all, collector.database, BEGIN + timedelta(hours=1), NOW)
    assert collector.count(latency_hours) >= 2
    for limit in (5000, 1, 7):
        after = await pages(collector, query, limit)
        assert seen(after) == seen(before)
        moments = [datetime.fromisoformat(one["measured_at"]) for one in after]
        assert moments == sorted(moments)
    folded = [one for one in after if "folded_hour" in one]
    assert {one["folded_hour"] for one in folded} == {"2026-01-05T06:00:00Z"}
    assert {one["measured_at"][:13] for one in folded} == {"2026-01-05T06"}
    assert {(one["slot"], one["time_quality"]) for one in folded} == {(None, None)}
    assert seen(await pages(collector, f"{query}&series={key}", 3)) == seen(of_one)
    half = quote((BEGIN + timedelta(minutes=30)).isoformat())
    cut = await pages(collector, query.replace(quote(BEGIN.isoformat()), half), 5)
    assert cut == [one for one in after if one["measured_at"] >= "2026-01-05T06:30"]
    first = await page(collector, f"start=0001-01-01T00:00:00Z&end={quote(NOW.isoformat())}")
    assert len(first["results"]) == len(before)
