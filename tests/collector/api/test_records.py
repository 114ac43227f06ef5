"""`POST /v1/records` on a real collector with a real ledger file."""

import asyncio
import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.ledger import schema
from protocol.chain import check_follows, hash_line, read_link
from protocol.constants import (
    ENROL_PATH,
    GAP_ACKNOWLEDGED,
    GAP_HEADER,
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    MAX_BODY_BYTES,
    MAX_RECORD_BYTES,
    RECORDS_PATH,
)
from protocol.messages import IngestAnswer, Problem
from tests.collector.conftest import ON_BOTH, Running, Start
from tests.collector.device import Device, rewrite

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


def check_chain(collector: Running, device: Device, expected: int) -> None:
    """Assert that the ledger has exactly the device's first records, byte for byte."""
    rows = collector.rows(schema.records, schema.records.c.seq)
    mine = [row for row in rows if row["chain"] == device.chain]
    assert [row["line"] for row in mine] == device.lines[:expected]
    links = [read_link(row["line"]) for row in mine]
    for before, link in pairwise(links):
        check_follows(before, link, link.seq)


@ON_BOTH
async def test_a_batch_is_stored_byte_for_byte(collector: Running) -> None:
    """Every line is in the ledger as it was sent, with its line and its numbers beside it."""
    device = collector.device()
    device.add(START)
    device.add_reach(START + timedelta(minutes=5))
    device.add_failed(START + timedelta(minutes=10))
    status, answer, headers = await collector.post(device, device.batch())
    assert status == 200
    assert IngestAnswer.model_validate(answer) == IngestAnswer(
        stored=3, duplicate=0, quarantined=(), next_seq=3, start_new_chain=False
    )
    assert "Date" in headers
    check_chain(collector, device, 3)
    first, second, third = collector.rows(schema.records, schema.records.c.seq)
    assert first["line_id"] == "l1"
    assert first["download_bits_per_second"] == 300e6
    assert first["upload_latency_seconds"] == 0.05
    assert first["measured_at"] == START
    assert first["hash"] == hash_line(device.lines[0])
    assert first["server"] == "hn1"
    assert second["gateway_reached"] is True
    assert second["ipv6_reached"] is None
    assert third["failure_code"] == "refused"
    assert third["download_bits_per_second"] is None
    (seal,) = collector.rows(schema.seals)
    assert (seal["seq"], seal["public_key"]) == (2, device.public_key)


async def test_a_gzip_batch_is_the_same_batch(collector: Running) -> None:
    """What travels compressed is stored as the lines inside."""
    device = collector.device()
    device.fill(30, START)
    body = gzip.compress(device.batch())
    status, answer, _ = await collector.post(device, body, Content_Encoding="gzip")
    assert (status, answer["stored"]) == (200, 30)
    check_chain(collector, device, 30)


@ON_BOTH
async def test_the_same_batch_twice_is_stored_once(collector: Running) -> None:
    """The second time every line is a duplicate, and the answer says what comes next."""
    device = collector.device()
    device.fill(5, START)
    await collector.post(device, device.batch())
    status, answer, _ = await collector.post(device, device.batch())
    assert (status, answer["stored"], answer["duplicate"], answer["next_seq"]) == (200, 0, 5, 5)
    check_chain(collector, device, 5)


@ON_BOTH
async def test_overlapping_batches_are_stored_once(collector: Running) -> None:
    """A batch may begin with what is there and go on with what is new."""
    device = collector.device()
    device.fill(8, START)
    await collector.post(device, device.batch(0, 5))
    _, answer, _ = await collector.post(device, device.batch(3, 8))
    assert (answer["stored"], answer["duplicate"]) == (3, 2)
    check_chain(collector, device, 8)


@ON_BOTH
async def test_the_same_batch_many_times_at_once_is_stored_once(collector: Running) -> None:
    """Requests that meet in the writer's queue do not store a line twice."""
    device = collector.device()
    device.fill(20, START)
    answers = await asyncio.gather(*(collector.post(device, device.batch()) for _ in range(8)))
    assert sum(answer["stored"] for _, answer, _ in answers) == 20
    assert sum(answer["duplicate"] for _, answer, _ in answers) == 140
    check_chain(collector, device, 20)
    totals = collector.rows(schema.ingest_totals)[0]
    assert totals["received"] == 160
    assert totals["received"] == totals["stored"] + totals["duplicate"] + totals["quarantined"]


async def test_a_batch_out_of_order_is_asked_for_again(collector: Running) -> None:
    """With records missing before it a batch is refused, and the refusal names the first."""
    device = collector.device()
    device.fill(6, START)
    status, answer, _ = await collector.post(device, device.batch(3))
    assert (status, answer["expected_seq"], answer["fault"]) == (409, 0, "gap")
    assert collector.count(schema.records) == 0
    await collector.post(device, device.batch(0, 3))
    assert (await collector.post(device, device.batch(3)))[0] == 200
    check_chain(collector, device, 6)


@ON_BOTH
async def test_an_acknowledged_gap_is_kept_and_shown(collector: Running) -> None:
    """What follows a gap is stored; the gap is a row; what comes after all fills it."""
    device = collector.device()
    device.fill(9, START)
    await collector.post(device, device.batch(0, 3))
    headers = {GAP_HEADER: GAP_ACKNOWLEDGED}
    status, answer, _ = await collector.post(device, device.batch(6), **headers)
    assert (status, answer["stored"], answer["next_seq"]) == (200, 3, 9)
    (gap,) = collector.rows(schema.gaps)
    assert (gap["from_seq"], gap["to_seq"], gap["filled"]) == (3, 5, 0)
    assert [row["kind"] for row in collector.rows(schema.events)] == ["gap"]
    _, late, _ = await collector.post(device, device.batch(3, 6))
    assert late["stored"] == 3
    assert collector.rows(schema.gaps)[0]["filled"] == 3
    check_chain(collector, device, 9)


@ON_BOTH
async def test_a_late_record_that_does_not_fit_its_gap_is_a_fork(collector: Running) -> None:
    """A gap is filled only by the records that its neighbours carry the hashes of."""
    device = collector.device()
    device.fill(4, START)
    other = device.copy()
    device.fill(4, START + timedelta(hours=1))
    other.fill(4, START + timedelta(hours=1, seconds=1))
    await collector.post(device, device.batch(0, 3))
    await collector.post(device, device.batch(6), **{GAP_HEADER: GAP_ACKNOWLEDGED})
    _, answer, _ = await collector.post(device, other.batch(4, 6))
    assert answer["start_new_chain"] is True
    assert collector.rows(schema.gaps)[0]["filled"] == 0


@ON_BOTH
async def test_a_restored_copy_is_a_fork_and_nothing_is_lost(collector: Running) -> None:
    """A probe that goes on from an older copy of its storage is told to begin a new chain."""
    device = collector.device()
    device.fill(4, START)
    copy = device.copy()
    device.fill(3, START + timedelta(hours=1))
    copy.fill(5, START + timedelta(hours=1, seconds=7))
    await collector.post(device, device.batch())
    status, answer, _ = await collector.post(device, copy.batch(4))
    assert status == 200
    assert (answer["stored"], len(answer["quarantined"])) == (0, 5)
    assert (answer["start_new_chain"], answer["next_seq"]) == (True, 7)
    again = (await collector.post(device, copy.batch(4)))[1]
    assert (again["duplicate"], again["start_new_chain"]) == (5, True)
    kept = collector.rows(schema.quarantine, schema.quarantine.c.seq)
    assert [row["line"] for row in kept] == copy.lines[4:]
    assert {row["kind"] for row in kept} == {"fork"}
    check_chain(collector, device, 7)
    assert collector.rows(schema.chains)[0]["forked_at"] is not None
    assert collector.count(schema.seals) == 2


@ON_BOTH
async def test_the_records_after_a_fork_are_kept_apart_too(collector: Running) -> None:
    """A batch that begins where the ledger ends, but with another past, is a fork."""
    device = collector.device()
    device.fill(2, START)
    copy = device.copy()
    device.fill(2, START + timedelta(hours=1))
    copy.fill(4, START + timedelta(hours=1, seconds=7))
    await collector.post(device, device.batch())
    answer = (await collector.post(device, copy.batch(4)))[1]
    assert (len(answer["quarantined"]), answer["start_new_chain"]) == (2, True)
    device.fill(1, START + timedelta(minutes=90))
    assert (await collector.post(device, device.batch(4)))[1]["stored"] == 1


@ON_BOTH
async def test_a_link_that_is_no_record_is_kept_with_its_reason(collector: Running) -> None:
    """The chain goes on after it; sent again it is a duplicate."""
    device = collector.device()
    device.fill(2, START)
    odd = device.record(START) | {"surprise": 1, "speed": None}
    device.lines.append(json.dumps(odd).encode())
    device.fill(2, START + timedelta(minutes=20))
    status, answer, _ = await collector.post(device, device.batch())
    assert (status, answer["stored"], answer["next_seq"]) == (200, 4, 5)
    (apart,) = answer["quarantined"]
    assert apart["seq"] == 2
    assert "surprise" in apart["reason"]
    (row,) = collector.rows(schema.quarantine)
    assert (row["kind"], row["line"]) == ("invalid", device.lines[2])
    again = (await collector.post(device, device.batch()))[1]
    assert (again["duplicate"], again["quarantined"]) == (5, [])
    (event,) = collector.rows(schema.events)
    assert (event["kind"], event["count"]) == ("invalid_record", 1)


@ON_BOTH
async def test_a_tombstone_keeps_its_place_and_its_record_is_welcome_later(
    collector: Running,
) -> None:
    """A tombstone is stored as such; the record that it stands for is kept apart, not dropped."""
    device = collector.device()
    device.fill(3, START)
    link = read_link(device.lines[1])
    stone = json.dumps(
        {
            "schema": 1,
            "tombstone": "spool_full",
            "probe": link.probe,
            "chain": link.chain,
            "seq": 1,
            "prev": link.prev,
            "hash": link.hash,
            "task": "reach",
            "path": "default",
            "slot": START.isoformat(),
        }
    ).encode()
    lines = [device.lines[0], stone, device.lines[2]]
    assert (await collector.post(device, device.seal(lines)))[1]["stored"] == 3
    row = collector.rows(schema.records, schema.records.c.seq)[1]
    assert (row["tombstone"], row["outcome"], row["hash"]) == ("spool_full", None, link.hash)
    answer = (await collector.post(device, device.batch()))[1]
    assert (answer["duplicate"], [one["seq"] for one in answer["quarantined"]]) == (2, [1])
    assert answer["start_new_chain"] is False


@pytest.mark.parametrize("where", ["first", "middle", "last"])
async def test_a_flipped_byte_is_refused_with_its_line(collector: Running, where: str) -> None:
    """A changed line breaks the next one's hash, or the seal; nothing is stored."""
    device = collector.device()
    device.fill(9, START)
    at = {"first": 0, "middle": 4, "last": 8}[where]
    lines = list(device.lines)
    lines[at] = lines[at].replace(b'"linewatch 0.1.0"', b'"linewatch 0.1.1"')
    sealed = device.batch().splitlines()[-1]
    status, answer, _ = await collector.post(device, b"\n".join([*lines, sealed]) + b"\n")
    assert status == 422
    fault = "wrong_seal" if where == "last" else "wrong_prev"
    assert (answer["fault"], answer.get("line")) == (fault, None if where == "last" else at + 2)
    assert collector.count(schema.records) == 0


async def test_a_record_dropped_from_the_middle_is_refused(collector: Running) -> None:
    """The line after the hole is named."""
    device = collector.device()
    device.fill(6, START)
    lines = device.lines[:2] + device.lines[3:]
    status, answer, _ = await collector.post(device, device.seal(lines))
    assert (status, answer["fault"], answer["line"]) == (422, "wrong_seq", 3)


async def test_another_probes_seal_is_refused(collector: Running) -> None:
    """Neither another key's signature nor another probe's batch passes."""
    device, other = collector.device("p1"), collector.device("p2")
    device.fill(2, START)
    other.fill(2, START)
    foreign = device.seal(device.lines, key=other.key)
    status, answer, _ = await collector.post(device, foreign)
    assert (status, answer["fault"]) == (422, "bad_signature")
    status, answer, _ = await collector.post(other, device.batch())
    assert (status, answer["fault"]) == (422, "other_probe")
    assert collector.count(schema.records) == 0


@ON_BOTH
async def test_a_refusal_is_counted_for_its_probe(collector: Running) -> None:
    """What was refused is in the ledger's events at the latest when it stops."""
    device = collector.device()
    device.fill(2, START)
    body = device.seal(device.lines, key=Ed25519PrivateKey.generate())
    for _ in range(3):
        await collector.post(device, body)
    await collector.serving.stop()
    found = collector.rows(schema.events)
    assert [(row["kind"], row["probe_id"], row["count"]) for row in found] == [
        ("bad_chain", "p1", 3)
    ]


async def test_a_line_that_reads_in_two_ways_is_no_record(collector: Running) -> None:
    """A key given twice is kept apart or refused, never stored as one of its readings."""
    device = collector.device()
    device.fill(1, START)
    twice = json.dumps(device.record(START, task="reach", reach=None, outcome="skipped"))
    device.lines.append(twice.replace("{", '{"seq": 7, "seq": 1, "seq": 1, ', 1).encode())
    status, answer, _ = await collector.post(device, device.batch())
    assert status == 200
    assert answer["stored"] + len(answer["quarantined"]) == 2


@pytest.mark.parametrize(
    "body,fault",
    [
        (b"", "no_seal"),
        (b"\n\n", "not_a_link"),
        (b"{}\n{}\n", "no_seal"),
        (b"\xff\xfe\n\x00\n", "no_seal"),
        (b"[" * 100_000 + b"\n", "no_seal"),
    ],
)
async def test_what_is_no_batch_is_refused(collector: Running, body: bytes, fault: str) -> None:
    """The refusal is a problem that says what is wrong."""
    device = collector.device()
    status, answer, headers = await collector.post(device, body)
    assert status == 422
    assert headers["Content-Type"].startswith("application/problem+json")
    assert Problem.model_validate(answer).fault in {fault, "no_seal"}


async def test_without_a_good_token_nothing_is_taken(collector: Running) -> None:
    """No token, another key's token, and an unknown probe's: 401 with the collector's Date."""
    device = collector.device()
    device.fill(1, START)
    stranger = Device("p1")
    unknown = Device("nobody")
    for who in (stranger, unknown):
        status, answer, headers = await collector.post(who, device.batch())
        assert (status, "Date" in headers, "WWW-Authenticate" in headers) == (401, True, True)
        assert Problem.model_validate(answer).status == 401
    async with collector.client.post(collector.url + RECORDS_PATH, data=b"x") as bare:
        assert bare.status == 401
    assert collector.count(schema.records) == 0


def spoilt_token(device: Device, **claims: object) -> str:
    """Return a token with other claims and no good signature."""
    head, _, signature = device.token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@ON_BOTH
@pytest.mark.parametrize("odd", ["\ud800", "\0", "p1\n", "x" * 3000, "", 7, None, ["p1"]])
async def test_a_token_with_odd_claims_is_refused_and_counted(start: Start, odd: object) -> None:
    """Whatever a stranger claims to be: 401, a count in the ledger, and the collector goes on."""
    collector = await start()
    device = collector.device()
    device.fill(1, START)
    headers = {"Authorization": f"Bearer {spoilt_token(device, iss=odd, sub=odd)}"}
    url = collector.url + RECORDS_PATH
    async with collector.client.post(url, data=device.batch(), headers=headers) as answer:
        assert answer.status == 401
        assert Problem.model_validate(await answer.json(content_type=None)).status == 401
    assert (await collector.post(device, device.batch()))[0] == 200
    await collector.serving.stop()
    assert sum(row["count"] for row in collector.rows(schema.events)) == 1


@pytest.mark.parametrize("off", [timedelta(days=3650), timedelta(minutes=10)])
async def test_a_token_of_a_wrong_clock_is_told_the_time(
    collector: Running, off: timedelta
) -> None:
    """A clock that is wrong by ten years or ten minutes gets 401, the reason and the Date."""
    device = collector.device()
    device.fill(1, START)
    for sign in (1, -1):
        token = device.token(datetime.now(UTC) + sign * off)
        headers = {"Authorization": f"Bearer {token}"}
        url = collector.url + RECORDS_PATH
        async with collector.client.post(url, data=device.batch(), headers=headers) as answer:
            assert answer.status == 401
            assert (await answer.json(content_type=None))["fault"] == "wrong_clock"
            assert "Date" in answer.headers


async def test_a_revoked_key_is_refused(collector: Running) -> None:
    """403 says that the key was revoked; what was stored stays."""
    device = collector.device()
    device.fill(2, START)
    await collector.post(device, device.batch(0, 1))
    with collector.database.write() as connection:
        connection.execute(schema.probes.update().values(revoked_at=datetime.now(UTC)))
    status, answer, _ = await collector.post(device, device.batch(1))
    assert (status, answer["fault"]) == (403, "revoked_probe")
    check_chain(collector, device, 1)


async def test_a_compressed_bomb_is_refused(collector: Running) -> None:
    """A small body that unpacks to a gigabyte gets 413."""
    device = collector.device()
    bomb = gzip.compress(b"0" * (200 * MAX_BATCH_BYTES))
    assert len(bomb) < MAX_BODY_BYTES
    status, answer, _ = await collector.post(device, bomb, Content_Encoding="gzip")
    assert (status, Problem.model_validate(answer).status) == (413, 413)


@pytest.mark.parametrize(
    "body,encoding,expected",
    [
        pytest.param(b"not gzip", "gzip", 400, id="none"),
        pytest.param(gzip.compress(b"x" * 5000)[:-9], "gzip", 400, id="cut"),
        pytest.param(gzip.compress(b"x") + b"more", "gzip", 400, id="followed"),
        pytest.param(gzip.compress(b"x") + gzip.compress(b"y"), "gzip", 400, id="doubled"),
        pytest.param(b"x", "br", 415, id="unknown"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_refused(
    collector: Running, body: bytes, encoding: str, expected: int
) -> None:
    """Wrong, cut, doubled or unknown encodings are told apart."""
    device = collector.device()
    status, _, headers = await collector.post(device, body, Content_Encoding=encoding)
    assert status == expected
    assert (headers.get("Accept-Encoding") == "gzip") == (expected == 415)


async def test_a_batch_above_the_limits_is_refused(collector: Running) -> None:
    """Too many lines, and a line that is too long, get 413; the long line is named."""
    device = collector.device()
    device.fill(1, START)
    many = device.lines[0] + b"\n"
    status, _, _ = await collector.post(
        device, gzip.compress(many * (MAX_BATCH_RECORDS + 2)), Content_Encoding="gzip"
    )
    assert status == 413
    device.lines.append(rewrite(device.lines[0], software="x" * MAX_RECORD_BYTES))
    status, answer, _ = await collector.post(
        device, b"\n".join([*device.lines, device.batch(0, 1).splitlines()[-1]])
    )
    assert (status, answer["line"]) == (413, 2)


async def test_a_refusal_of_the_router_is_a_problem_too(collector: Running) -> None:
    """Other methods and other resources under /v1/ answer with a problem."""
    async with collector.client.get(collector.url + ENROL_PATH) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        assert Problem.model_validate(await answer.json(content_type=None)).status == 405
    async with collector.client.get(collector.url + "/v1/nothing") as answer:
        assert answer.status == 404
        assert Problem.model_validate(await answer.json(content_type=None)).status == 404


@ON_BOTH
async def test_records_before_the_clock_was_set_are_dated_once_it_is(collector: Running) -> None:
    """The lines stay as they are; the columns say when it was, and how that is known."""
    device = collector.device()
    device.booted_at = START - timedelta(seconds=1000)
    wrong = datetime(2016, 1, 1, tzinfo=UTC)
    device.add_untimed(wrong, 100.0)
    device.add_untimed(wrong + timedelta(minutes=1), 160.0)
    await collector.post(device, device.batch())
    before = collector.rows(schema.records, schema.records.c.seq)
    assert {row["time_quality"] for row in before} == {"none"}
    assert before[0]["measured_at"] == wrong
    device.add_reach(START)
    device.add_untimed(wrong, 1100.0)
    await collector.post(device, device.batch(2))
    rows = collector.rows(schema.records, schema.records.c.seq)
    assert [row["time_quality"] for row in rows] == [
        "corrected",
        "corrected",
        "kernel",
        "corrected",
    ]
    assert [row["measured_at"] - START for row in rows] == [
        timedelta(seconds=offset) for offset in (-900, -840, 0, 100)
    ]
    check_chain(collector, device, 4)
    (newest,) = collector.rows(schema.latest)
    assert newest["record_id"] == rows[3]["id"]


@ON_BOTH
async def test_the_newest_record_of_a_line_is_known(start: Start) -> None:
    """Late records do not replace a newer one, and each series has its own."""
    collector = await start()
    device = collector.device()
    device.add(START + timedelta(minutes=30))
    device.add(START)
    device.add_failed(START + timedelta(minutes=40))
    await collector.post(device, device.batch())
    rows = {row["seq"]: row["id"] for row in collector.rows(schema.records)}
    # The key begins with a tag of the probe.
    latest = collector.rows(schema.latest)
    newest = {row["series"].partition("~")[2]: row["record_id"] for row in latest}
    assert newest == {"default~http~1~full~4~hn1": rows[0], "default~http~1~full~~": rows[2]}


async def test_a_client_that_goes_away_in_mid_body_leaves_nothing(collector: Running) -> None:
    """A connection that breaks before the batch is whole stores nothing of it."""
    device = collector.device()
    device.fill(50, START)
    body = device.batch()

    async def half() -> object:
        yield body[: len(body) // 2]
        raise aiohttp.ClientConnectionError

    headers = {"Authorization": f"Bearer {device.token()}"}
    with pytest.raises(aiohttp.ClientConnectionError):
        await collector.client.post(collector.url + RECORDS_PATH, data=half(), headers=headers)
    await collector.post(device, device.batch(0, 1))
    check_chain(collector, device, 1)
