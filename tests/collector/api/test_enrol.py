"""`POST /v1/enrol` and `GET /v1/instruction` on a real collector."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from collector.ledger import registry, schema
from protocol.constants import ENROL_PATH, INSTRUCTION_PATH
from protocol.messages import EnrolAnswer, Instruction, Problem, ReachSchedule, Schedule
from tests.collector.conftest import ON_BOTH, Running, Start, register
from tests.collector.device import Device

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


async def enrol(collector: Running, device: Device, code: str) -> tuple[int, dict[str, Any]]:
    """Ask to be enrolled; return the status and the answer."""
    body = {"code": code, "public_key": device.public_key, "software": "t", "model": "Pi 4"}
    async with collector.client.post(collector.url + ENROL_PATH, json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def instruction(collector: Running, device: Device, etag: str = "") -> tuple[int, str, str]:
    """Ask for the instruction; return status, body and ETag."""
    headers = {"Authorization": f"Bearer {device.token()}"}
    if etag:
        headers["If-None-Match"] = etag
    async with collector.client.get(collector.url + INSTRUCTION_PATH, headers=headers) as answer:
        return answer.status, await answer.text(), answer.headers["ETag"]


@ON_BOTH
async def test_a_code_makes_a_probe_known_and_able_to_deliver(collector: Running) -> None:
    """After it the probe's batches are taken; the code may be typed in small letters."""
    device = Device("p1")
    code = register(collector.database, device, "l1", datetime.now(UTC))
    status, answer = await enrol(collector, device, code.lower().replace("-", " "))
    assert (status, EnrolAnswer.model_validate(answer).probe) == (200, "p1")
    device.fill(1, START)
    assert (await collector.post(device, device.batch()))[0] == 200
    (row,) = collector.rows(schema.probes)
    assert (row["model"], row["public_key"]) == ("Pi 4", device.public_key)


@ON_BOTH
async def test_the_same_key_may_ask_again_and_another_may_not(collector: Running) -> None:
    """A probe that did not hear the answer repeats itself; a code serves one key."""
    device, thief = Device("p1"), Device("p1")
    code = register(collector.database, device, "l1", datetime.now(UTC))
    assert (await enrol(collector, device, code))[0] == 200
    assert (await enrol(collector, device, code))[0] == 200
    status, answer = await enrol(collector, thief, code)
    assert (status, Problem.model_validate(answer).fault) == (403, "code")


async def test_an_expired_code_is_refused(start: Start) -> None:
    """A code that lay about too long is worth nothing."""
    moment = datetime.now(UTC)
    collector = await start(now=lambda: moment + timedelta(hours=1, seconds=1))
    device = Device("p1")
    code = register(collector.database, device, "l1", moment)
    assert (await enrol(collector, device, code))[0] == 403


@ON_BOTH
async def test_a_key_of_another_probe_is_refused(collector: Running) -> None:
    """Two devices with one key are a copied storage: the refusal says so."""
    device = collector.device("p1")
    code = register(collector.database, Device("p2"), "l2", datetime.now(UTC))
    status, answer = await enrol(collector, device, code)
    assert (status, answer["fault"]) == (409, "public_key")


@ON_BOTH
async def test_a_new_code_gives_a_device_a_new_key(collector: Running) -> None:
    """The old key is refused from then on; what it sealed names it still."""
    old = collector.device("p1")
    old.fill(1, START)
    await collector.post(old, old.batch())
    with collector.database.write() as connection:
        made = registry.new_code(connection, "p1", timedelta(hours=1), datetime.now(UTC))
    new = Device("p1")
    assert (await enrol(collector, new, made.code))[0] == 200
    assert (await collector.post(old, old.batch()))[0] == 401
    assert collector.rows(schema.seals)[0]["public_key"] == old.public_key


async def test_wrong_codes_are_limited(start: Start) -> None:
    """After some wrong codes the address has to wait, also with the right one; then not."""
    moment = datetime.now(UTC)
    collector = await start(
        now=lambda: moment, enrolment={"wrong_codes_per_address": 3, "wrong_codes": 5}
    )
    device = Device("p1")
    code = register(collector.database, device, "l1", moment)
    for _ in range(3):
        assert (await enrol(collector, device, "AAAA-BBBB-CCCC-DDDD"))[0] == 403
    assert (await enrol(collector, device, code))[0] == 429
    moment += timedelta(minutes=10)
    assert (await enrol(collector, device, code))[0] == 200


async def test_wrong_codes_that_come_at_once_are_limited_too(start: Start) -> None:
    """Of many wrong codes in parallel as many are looked at as the limit says, not one more."""
    collector = await start(enrolment={"wrong_codes_per_address": 10})
    device = Device("p1")
    code = register(collector.database, device, "l1", datetime.now(UTC))
    tries = (enrol(collector, device, "AAAA-BBBB-CCCC-DDDD") for _ in range(60))
    statuses = Counter(status for status, _ in await asyncio.gather(*tries))
    assert statuses == {403: 10, 429: 50}
    assert (await enrol(collector, device, code))[0] == 429
    await collector.serving.stop()
    events = {row["kind"]: row["count"] for row in collector.rows(schema.events)}
    assert events == {"wrong_code": 10, "too_many_codes": 51}


async def test_right_codes_that_come_at_once_are_no_tries(start: Start) -> None:
    """A box of probes behind one address is enrolled at once: only wrong codes count."""
    collector = await start(enrolment={"wrong_codes_per_address": 1, "wrong_codes": 1})
    devices = [Device(f"p{number}") for number in range(8)]
    now = datetime.now(UTC)
    codes = [register(collector.database, device, "l1", now) for device in devices]
    answers = await asyncio.gather(
        *(enrol(collector, device, code) for device, code in zip(devices, codes, strict=True))
    )
    assert [status for status, _ in answers] == [200] * 8


@pytest.mark.parametrize("body", [b"", b"[]", b'{"code": "x"}', b"\xff"])
async def test_what_is_no_enrolment_is_refused(collector: Running, body: bytes) -> None:
    """The refusal names the field."""
    async with collector.client.post(collector.url + ENROL_PATH, data=body) as answer:
        assert answer.status == 400
        assert Problem.model_validate(await answer.json(content_type=None)).detail


async def test_the_instruction_is_what_registry_and_settings_say(start: Start) -> None:
    """Paths and lines come from the registry, servers from both, the plan from the settings."""
    collector = await start(servers=[{"name": "s2", "url": "http://192.0.2.2:8080"}])
    device = collector.device("p1", "l2")
    with collector.database.write() as connection:
        row = {"id": "s1", "url": "http://192.0.2.1:8080", "stamp": "192.0.2.1:8080"}
        registry.add(connection, schema.servers, row | {"engine": "http"}, datetime.now(UTC))
    status, body, etag = await instruction(collector, device)
    wanted = Instruction.model_validate_json(body)
    assert status == 200
    assert [server.name for server in wanted.servers] == ["s1", "s2"]
    (path,) = wanted.paths
    assert (path.name, path.line, path.families) == ("default", "l2", (4,))
    assert path.schedule.speed is not None
    assert sum(window.tests for window in path.schedule.speed.windows) == 8
    assert etag.startswith('"')


async def test_an_unchanged_instruction_is_304_and_a_changed_one_is_sent(
    collector: Running,
) -> None:
    """A path's own plan replaces the default, and changes the ETag."""
    device = collector.device("p1")
    _, _, etag = await instruction(collector, device)
    assert await instruction(collector, device, etag) == (304, "", etag)
    own = Schedule(speed=None, latency=None, reach=ReachSchedule(every_seconds=60))
    with collector.database.write() as connection:
        connection.execute(update(schema.probe_paths).values(schedule=own.model_dump_json()))
    status, body, changed = await instruction(collector, device, etag)
    assert (status, changed != etag) == (200, True)
    assert Instruction.model_validate_json(body).paths[0].schedule == own


@ON_BOTH
async def test_asking_for_the_instruction_is_a_sign_of_life(collector: Running) -> None:
    """The registry knows when the probe was last heard, and of no one without a good token."""
    device = collector.device("p1")
    assert (await instruction(collector, device))[0] == 200
    await collector.serving.stop()
    assert collector.rows(schema.probes)[0]["last_seen_at"] is not None
