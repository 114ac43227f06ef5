"""The API that reads, at a real collector with a simulated month, held to its own description."""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sqlalchemy import select

from collector.api.document import openapi, operations
from collector.api.read import READERS
from collector.app import build
from collector.ledger import schema
from collector.ledger.bookkeeping import note_latest
from collector.settings import CollectorSettings
from protocol.failures import Failure
from protocol.flags import Flag
from tests.collector import simulated_month
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.web.test_login import PASSWORD, add_operator
from tests.collector.web.test_pages import fill_with

LINE = "tk-nvh2-b"
BASIC = {"Authorization": "Basic " + base64.b64encode(f"an:{PASSWORD}".encode()).decode()}


async def get(collector: Running, path: str, status: int = 200, *, operator: bool = False) -> Any:
    """Return the JSON answered; it is what the OpenAPI document says."""
    sent = BASIC if operator else {}
    async with collector.client.get(collector.url + path, headers=sent) as answer:
        content = await answer.json(content_type=None)
        assert answer.status == status, content
        check(path.partition("?")[0], status, answer.content_type, content)
        return content


def check(path: str, status: int, content_type: str, content: Any) -> None:
    """Raise unless the document describes this answer of this resource."""
    described = openapi()["paths"][template_of(path)]["get"]["responses"][str(status)]
    if "$ref" in described:
        described = openapi()["components"]["responses"][described["$ref"].rpartition("/")[2]]
    schema = described["content"][content_type]["schema"]
    whole = {**schema, "components": openapi()["components"]}
    Draft202012Validator(whole).validate(content)


def template_of(path: str) -> str:
    """Return the document's path for an address."""
    parts = path.split("/")
    for template in openapi()["paths"]:
        names = template.split("/")
        if len(names) == len(parts) and all(
            name.startswith("{") or name == part for name, part in zip(names, parts, strict=True)
        ):
            return str(template)
    raise AssertionError(f"{path} is not described")


@pytest.fixture
def operated(month: Running) -> Running:
    """Return the month's collector with an operator."""
    if not month.database.read_now(
        lambda c: c.exec_driver_sql("select 1 from operators where name = 'an'").first()
    ):
        add_operator(month)
    return month


def test_document_is_openapi_3_1() -> None:
    """The document is valid OpenAPI, version 3.1."""
    assert openapi()["openapi"].startswith("3.1")
    validate(openapi())


@pytest.mark.parametrize("name", ["Latest", "Result", "Record"])
def test_document_names_every_flag_and_failure(name: str) -> None:
    """An answer may carry whatever flag or failure the protocol has."""
    properties = openapi()["components"]["schemas"][name]["properties"]
    assert set(properties["flags"]["items"]["enum"]) == set(Flag)
    if name != "Latest":
        assert set(properties["failure_code"]["enum"]) == {*Failure, None}


def test_document_describes_exactly_the_routes_there_are(month_routes: set[str]) -> None:
    """Every resource that answers GET under /v1 but the probes' own is described, and no other."""
    assert set(openapi()["paths"]) == month_routes
    assert len(READERS) == len(operations())


@pytest.fixture
def month_routes(month: Running) -> set[str]:
    """Return the addresses of the running collector that answer GET under /v1."""
    app = build(CollectorSettings(), month.database)
    found = {
        route.resource.canonical
        for route in app.router.routes()
        if route.method == "GET" and route.resource is not None
    }
    probes_own = {"/v1/instruction"}
    return {path for path in found if path.startswith("/v1/")} - probes_own


@ON_BOTH
async def test_public_part_answers_what_it_describes(month: Running) -> None:
    """Sites, carriers, lines and the document itself are open to everybody."""
    sites = await get(month, "/v1/sites")
    assert len(sites["sites"]) == len(simulated_month.STORIES)
    assert {one["id"] for one in (await get(month, "/v1/carriers"))["carriers"]} == {"a", "b", "c"}
    assert (await get(month, "/v1/openapi.json"))["openapi"] == "3.1.0"
    async with month.client.get(f"{month.url}/v1/sites") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=15"


@ON_BOTH
async def test_lines_carry_state_and_newest_results(month: Running) -> None:
    """A line's answer has its state and newest values; what was never measured is null."""
    lines = {one["id"]: one for one in (await get(month, "/v1/lines"))["lines"]}
    assert lines[LINE]["state"] == "below"
    assert 0.3 < lines[LINE]["contract_share_ratio"] < 0.8
    assert lines[LINE]["contract_share_at_least"] is False
    assert lines[LINE]["latest"]["download_bits_per_second"] > 1e6
    never = lines["cva-nvh-nam-a"]
    assert never["state"] == "waiting"
    assert set(never["latest"].values()) == {None}
    assert await get(month, f"/v1/lines/{LINE}") == lines[LINE]
    await get(month, "/v1/lines/unknown", 404)


@ON_BOTH
@pytest.mark.parametrize("path,key", [("/v1/lines", "lines"), ("/v1/sites", "sites")])
async def test_pages_join_to_the_whole(month: Running, path: str, key: str) -> None:
    """Following the cursor gives every thing once, in the order of ids."""
    seen: list[str] = []
    address = f"{path}?limit=2"
    while True:
        answer = await get(month, address)
        assert len(answer[key]) <= 2
        seen += [one["id"] for one in answer[key]]
        if answer["next_cursor"] is None:
            break
        address = f"{path}?limit=2&cursor={answer['next_cursor']}"
    assert seen == [one["id"] for one in (await get(month, path))[key]]
    assert seen == sorted(set(seen))


@ON_BOTH
async def test_lines_are_filtered(month: Running) -> None:
    """Ward, carrier and state choose lines."""
    ward = "Phường Chu Văn An"
    assert len((await get(month, f"/v1/lines?ward={ward}"))["lines"]) == 4
    assert len((await get(month, "/v1/lines?carrier=a&state=good"))["lines"]) == 2
    assert len((await get(month, f"/v1/sites?ward={ward}"))["sites"]) == 4


@ON_BOTH
@pytest.mark.parametrize("task", ["speed", "latency", "reach"])
async def test_series_pages_join_to_the_whole_in_time_order(month: Running, task: str) -> None:
    """A series read in pages is the series, each result once, the oldest first."""
    address = f"/v1/lines/{LINE}/series?task={task}"
    whole = (await get(month, f"{address}&limit=5000"))["results"]
    pages: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await get(month, f"{address}&limit=700{cursor}")
        pages += answer["results"]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert pages == whole
    moments = [one["measured_at"] for one in whole]
    assert moments == sorted(moments)


@pytest.fixture
async def many(start: Start) -> Running:
    """Return a collector whose line has tests of both families, and failures that know neither."""
    collector: Running = await start(now=lambda: simulated_month.NOW)
    fill_with(collector, simulated_month.STORIES[1])
    records = schema.records
    with collector.database.write() as connection:
        odd = records.update().where(records.c.task == "speed", records.c.id % 2 == 0)
        connection.execute(odd.values(ip_version=6))
        nothing = records.update().where(records.c.outcome == "missed")
        connection.execute(nothing.values(server=None, ip_version=None))
        found = connection.execute(select(records)).mappings().all()
        connection.execute(schema.latest.delete())
        note_latest(connection, [dict(row) for row in found])
    return collector


@ON_BOTH
async def test_one_series_can_be_asked_for_by_its_key(many: Running) -> None:
    """Each key gives that series' results and the slots that may be of it, in pages too, and all
    keys together give every measured result once.
    """
    address = f"/v1/lines/{LINE}/series?limit=5000"
    whole = (await get(many, address))["results"]
    measured = [one for one in whole if one["outcome"] == "measured"]
    keys = sorted({one["series"] for one in measured})
    assert len(keys) == 2
    assert (await get(many, f"/v1/lines/{LINE}"))["series"]["key"] in keys
    together = []
    for key in keys:
        answer = await get(many, f"{address}&series={quote(key)}")
        results = answer["results"]
        assert answer["series"] == key
        its = [one for one in results if one["outcome"] == "measured"]
        assert {one["series"] for one in its} == {key}
        together += its
        family = its[0]["ip_version"]
        without = [one for one in whole if one["outcome"] != "measured"]
        assert [one for one in results if one not in its] == [
            one for one in without if one["ip_version"] in (family, None)
        ]
        first = await get(many, f"/v1/lines/{LINE}/series?series={quote(key)}&limit=100")
        assert first["results"] == results[:100]
        cursor = first["next_cursor"]
        rest = await get(many, f"{address}&series={quote(key)}&cursor={cursor}")
        assert first["results"] + rest["results"] == results
    assert sorted(together, key=lambda one: one["measured_at"]) == measured


async def test_a_series_of_another_task_is_refused(month: Running) -> None:
    """A key that the line has not, of this task, is a problem and no empty answer."""
    key = quote((await get(month, f"/v1/lines/{LINE}"))["series"]["key"])
    assert (await get(month, f"/v1/lines/{LINE}/series?series={key}"))["results"]
    for query in (f"task=latency&series={key}", "series=eth0", f"series={key}~"):
        problem = await get(month, f"/v1/lines/{LINE}/series?{query}", 400)
        assert problem["detail"].startswith("series: this line has none of the task")


@ON_BOTH
async def test_series_says_failures_and_no_zeros(month: Running) -> None:
    """A slot that gave nothing is in the series with its reason and null values."""
    results = (await get(month, f"/v1/lines/{LINE}/series?limit=5000"))["results"]
    nothing = [one for one in results if one["outcome"] != "measured"]
    assert {one["outcome"] for one in nothing} == {"failed", "missed", "skipped"}
    assert all(one["download_bits_per_second"] is None for one in nothing)
    assert all(one["failure_code"] for one in nothing)
    assert not any(one["download_bits_per_second"] == 0 for one in results)


@ON_BOTH
async def test_series_is_cut_by_time(month: Running) -> None:
    """From start until before end, in whatever offset they are given."""
    end = simulated_month.NOW - timedelta(days=2)
    start = (end - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    address = f"/v1/lines/{LINE}/series?start={start}&end={end.isoformat().replace('+', '%2B')}"
    answer = await get(month, address)
    assert answer["results"]
    for one in answer["results"]:
        moment = datetime.fromisoformat(one["measured_at"])
        assert end - timedelta(days=1) <= moment < end


@pytest.mark.parametrize(
    "path,detail",
    [
        ("/v1/lines?stat=good", "stat: unknown parameter"),
        ("/v1/lines?state=fine", "state: one of"),
        ("/v1/lines?limit=0", "limit: a whole number"),
        ("/v1/lines?cursor=zzz", "cursor: not one of ours"),
        (f"/v1/lines/{LINE}/series?task=ping", "task: one of"),
        (f"/v1/lines/{LINE}/series?start=today", "start: a time as RFC 3339"),
        (
            f"/v1/lines/{LINE}/series?start=2026-11-30T00:00:00Z&end=2026-11-01T00:00:00Z",
            "start: must be before",
        ),
        ("/v1/sites?carrier=a", "carrier: unknown parameter"),
    ],
)
async def test_wrong_parameters_are_problems(month: Running, path: str, detail: str) -> None:
    """A parameter that cannot be used is a problem that names it."""
    problem = await get(month, path, 400)
    assert problem["status"] == 400
    assert problem["detail"].startswith(detail)


@pytest.mark.parametrize(
    "path", [path for path in openapi()["paths"] if "security" in openapi()["paths"][path]["get"]]
)
async def test_operators_part_is_closed_to_others(month: Running, path: str) -> None:
    """Probes, records and what went wrong are 401 without a login."""
    await get(month, path.format(probe="probe-0", chain="chain-0", seq="0"), 401)


@ON_BOTH
async def test_operators_part_answers_what_it_describes(operated: Running) -> None:
    """Probes, quarantine, gaps and events are there for operators."""
    probes = (await get(operated, "/v1/probes", operator=True))["probes"]
    assert [one["id"] for one in probes] == [f"probe-{number}" for number in range(7)]
    assert probes[0]["missing"] == 4
    assert probes[6]["chain"] is None
    first = await get(operated, "/v1/probes?limit=3", operator=True)
    rest = await get(operated, f"/v1/probes?cursor={first['next_cursor']}", operator=True)
    assert first["probes"] + rest["probes"] == probes
    assert len((await get(operated, "/v1/quarantine", operator=True))["quarantine"]) == 1
    assert len((await get(operated, "/v1/gaps", operator=True))["gaps"]) == 1
    assert len((await get(operated, "/v1/events", operator=True))["events"]) == 1


@ON_BOTH
async def test_records_come_newest_first_and_verbatim(operated: Running) -> None:
    """A listed record's bytes are answered exactly, and give its hash."""
    path = f"/v1/records?line={LINE}&task=speed&limit=2"
    listed = await get(operated, path, operator=True)
    further = await get(operated, f"{path}&cursor={listed['next_cursor']}", operator=True)
    both = listed["records"] + further["records"]
    assert [one["seq"] for one in both] == sorted((one["seq"] for one in both), reverse=True)
    assert len({one["seq"] for one in both}) == 4
    await get(operated, both[0]["verbatim"], operator=True)
    async with operated.client.get(
        operated.url + both[0]["verbatim"], headers={"Cookie": ""}
    ) as answer:
        assert answer.status == 401
    async with operated.client.get(operated.url + both[0]["verbatim"], headers=BASIC) as answer:
        assert hashlib.sha256(await answer.read()).hexdigest() == both[0]["hash"]
        assert answer.headers["ETag"] == f'"{both[0]["hash"]}"'
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Cache-Control"].startswith("private")
    await get(operated, "/v1/records/probe-1/chain-1/999999", 404, operator=True)


async def test_answer_that_did_not_change_is_not_sent_again(month: Running) -> None:
    """A client that sends the ETag back is answered 304."""
    async with month.client.get(f"{month.url}/v1/sites") as answer:
        tag = answer.headers["ETag"]
    async with month.client.get(f"{month.url}/v1/sites", headers={"If-None-Match": tag}) as again:
        assert again.status == 304
        assert await again.read() == b""
