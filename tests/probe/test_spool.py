"""The spool: in order, durable, bounded, and at work again after damage and a full disk."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from probe.errors import SpoolError
from probe.slots import Done
from probe.spool import Spool
from probe.spool_file import KEPT_DAMAGED_FILES, SPOOL_NAME
from probe.spool_rows import Entry, Fill, Usage, Worth
from protocol.chain import follow, hash_line
from protocol.constants import GENESIS_HASH
from protocol.records import Task, Tombstone

START = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
MEBIBYTE = 1024 * 1024
CHILD = Path(__file__).with_name("spool_child.py")


def seeded(seed: int) -> random.Random:
    """Return randomness that the test repeats."""
    return random.Random(seed)


def open_spool(
    directory: Path, maximum_bytes: int = 64 * MEBIBYTE, probe: str = "probe-1"
) -> Spool:
    """Return a spool with a fixed clock."""
    return Spool(directory, probe, maximum_bytes, lambda: START)


def entry(
    number: int = 0, size: int = 200, worth: Worth = Worth.EVIDENCE, task: Task = Task.SPEED
) -> Entry:
    """Return a record on its way, ``number`` minutes after the start, about ``size`` bytes."""

    def build(chain: str, seq: int, prev: str) -> bytes:
        content = {"probe": "probe-1", "chain": chain, "seq": seq, "prev": prev, "number": number}
        return json.dumps(
            {**content, "padding": seeded(number).randbytes(size // 2).hex()}
        ).encode()

    slot = START + timedelta(minutes=number)
    return Entry(build, task, "eth0", slot, worth, planned=True, trusted=True)


def fill_spool(spool: Spool, count: int, size: int = 200) -> int:
    """Append records one by one until there are ``count`` or the disk is full; return how many."""
    for number in range(count):
        try:
            spool.append([entry(number, size)])
        except SpoolError:
            return number
    return count


def drain(spool: Spool, max_records: int = 1000) -> list[bytes]:
    """Take everything out as the uplink does; return the lines."""
    lines: list[bytes] = []
    while batch := spool.batch(max_records=max_records):
        lines += batch.lines
        spool.acknowledge(batch.last.chain, batch.last.seq + 1)
    return lines


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Return an empty spool."""
    with contextlib.closing(open_spool(tmp_path)) as opened:
        yield opened


def test_lines_come_out_in_order_as_one_chain(spool: Spool) -> None:
    """What went in comes out byte for byte, in order, from the genesis hash on."""
    fill_spool(spool, 25)
    first = spool.batch(max_records=10)
    assert first is not None
    assert (first.first_seq, first.last.seq, len(first.lines)) == (0, 9, 10)
    assert spool.batch(max_records=10) == first
    links = follow(drain(spool, 10))
    assert [link.seq for link in links] == list(range(25))
    assert links[0].prev == GENESIS_HASH
    assert first.last == links[9]
    assert spool.batch() is None


def test_only_acknowledged_lines_go(spool: Spool) -> None:
    """An acknowledgement removes what is before its seq, and nothing of another chain."""
    fill_spool(spool, 5)
    chain = spool.chain()
    assert spool.acknowledge("another", 3) == 0
    assert spool.acknowledge(chain, 3) == 3
    assert spool.acknowledge(chain, 3) == 0
    assert (spool.has(chain, 2), spool.has(chain, 3)) == (False, True)
    batch = spool.batch()
    assert batch is not None
    assert batch.first_seq == 3


def test_batch_is_bounded_in_bytes(spool: Spool) -> None:
    """A batch holds as many whole lines as fit, and always one."""
    fill_spool(spool, 10, size=1000)
    batch = spool.batch(max_bytes=5000)
    assert batch is not None
    assert len(batch.lines) == 4
    assert sum(len(line) + 1 for line in batch.lines) <= 5000
    single = spool.batch(max_bytes=10)
    assert single is not None
    assert len(single.lines) == 1


def test_chain_goes_on_after_restart_and_after_delivery(tmp_path: Path) -> None:
    """The chain's head outlives both the process and the delivery of all its records."""
    first = open_spool(tmp_path)
    fill_spool(first, 3)
    before = drain(first)
    first.close()
    again = open_spool(tmp_path)
    fill_spool(again, 2)
    assert [link.seq for link in follow(before + drain(again))] == [0, 1, 2, 3, 4]
    again.close()


def test_new_chain_starts_from_genesis_and_old_one_goes_first(spool: Spool) -> None:
    """A new chain begins at 0; the old chain's lines are still delivered, and before it."""
    fill_spool(spool, 2)
    old = spool.chain()
    spool.start_new_chain(old)
    new = spool.chain()
    spool.start_new_chain(old)
    assert spool.chain() == new != old
    fill_spool(spool, 2)
    held = spool.batch(without={old})
    assert held is not None
    assert held.last.chain == new
    lines = drain(spool)
    assert [(link.chain, link.seq) for link in follow(lines[:2]) + follow(lines[2:])] == [
        (old, 0),
        (old, 1),
        (new, 0),
        (new, 1),
    ]


def test_another_probe_id_begins_a_new_chain(tmp_path: Path) -> None:
    """A probe that was enrolled under another id does not go on with the old id's chain."""
    first = open_spool(tmp_path)
    fill_spool(first, 1)
    old = first.chain()
    first.close()
    second = open_spool(tmp_path, probe="probe-2")
    assert second.chain() != old
    batch = second.batch()
    assert batch is not None
    assert batch.last.probe == "probe-1"
    second.close()


def test_all_of_an_append_or_nothing(spool: Spool) -> None:
    """Where one record of an append cannot be built, none of it is in the spool."""

    def broken(chain: str, seq: int, prev: str) -> bytes:
        raise ValueError(f"{chain} {seq} {prev}")

    bad = Entry(broken, Task.REACH, "eth0", START, Worth.REACH, planned=True, trusted=True)
    with pytest.raises(ValueError, match="0"):
        spool.append([entry(0), bad])
    assert spool.fill() == Fill(0, spool.fill().used_bytes, None)
    assert spool.done_since(START) == []


def test_served_slots_and_usage_outlive_delivery(tmp_path: Path) -> None:
    """Which slots have a record, and the month's bytes, are known after delivery and restart."""
    spool = open_spool(tmp_path)
    for number in range(3):
        plain = entry(number)
        spool.append(
            [
                Entry(
                    plain.build,
                    plain.task,
                    "eth0",
                    plain.slot,
                    plain.worth,
                    planned=number != 1,
                    trusted=number != 2,
                    moved_bytes=100 + number,
                    month="2026-11",
                )
            ]
        )
    drain(spool)
    spool.close()
    spool = open_spool(tmp_path)
    served = [Done(Task.SPEED, "eth0", START + timedelta(minutes=n)) for n in (0, 2)]
    assert spool.done_since(START) == served
    assert spool.done_since(START, trusted_only=True) == served[:1]
    assert spool.done_since(START + timedelta(minutes=1)) == served[1:]
    assert spool.usage("eth0", "2026-11") == Usage(303, 102)
    assert spool.usage("eth0", "2026-12") == Usage(0, 102)
    assert spool.usage("wlan0", "2026-11") == Usage(0, 0)
    spool.close()


def test_forgetting_keeps_the_newest_of_each(spool: Spool) -> None:
    """Old served slots are forgotten, and those of a false future, but never the last true one."""
    for number in (0, 1, 2):
        spool.append([entry(number)])
    spool.append([entry(60 * 24 * 3650)])
    spool.forget_done(before=START + timedelta(days=9), after=START + timedelta(days=30))
    assert spool.done_since(START) == [Done(Task.SPEED, "eth0", START + timedelta(minutes=2))]


def test_full_spool_gives_way_in_the_written_order(tmp_path: Path) -> None:
    """Over the limit, latency records become tombstones first, the oldest first, speed last; the
    chain still verifies, and the file stays within its limit.
    """
    spool = open_spool(tmp_path, maximum_bytes=MEBIBYTE)
    kinds = (
        (Task.SPEED, Worth.EVIDENCE, 20_000),
        (Task.LATENCY, Worth.LATENCY, 8_000),
        (Task.REACH, Worth.REACH, 1_500),
        (Task.SPEED, Worth.LESSER, 600),
    )
    for number in range(60):
        for task, worth, size in kinds:
            spool.append([entry(number, size, worth, task)])
    assert spool.fill().used_bytes <= MEBIBYTE
    assert spool.fill().records == 240
    lines = drain(spool)
    links = follow(lines)
    assert [link.seq for link in links] == list(range(240))
    kept = {worth: 0 for _, worth, _ in kinds}
    gone: list[Tombstone] = []
    for link, line in zip(links, lines, strict=True):
        if link.tombstone:
            gone.append(Tombstone.model_validate_json(line))
        else:
            kept[kinds[link.seq % 4][1]] += 1
    assert {tombstone.tombstone for tombstone in gone} == {"spool_full"}
    # Only the newest, for which there was room before the next one came.
    assert max(kept[Worth.LATENCY], kept[Worth.REACH]) <= 2
    assert kept[Worth.EVIDENCE] > 35
    speeds = [t.seq for t in gone if t.seq % 4 == 0]
    assert speeds == [4 * number for number in range(len(speeds))]
    assert gone[0].slot == START
    assert spool.counts.given_way == len(gone)
    spool.close()


def test_latency_gives_way_before_anything_else_is_touched(tmp_path: Path) -> None:
    """While there are latency records to drop, no other record is dropped."""
    spool = open_spool(tmp_path, maximum_bytes=MEBIBYTE)
    for number in range(150):
        spool.append([entry(number, 8_000, Worth.LATENCY, Task.LATENCY)])
        spool.append([entry(number, 1_000, Worth.REACH, Task.REACH)])
    links = follow(drain(spool))
    gone = [link.seq for link in links if link.tombstone]
    assert gone
    assert all(seq % 2 == 0 for seq in gone)
    assert gone == list(range(0, 2 * len(gone), 2))
    spool.close()


def test_damaged_line_is_set_aside_and_leaves_a_tombstone(tmp_path: Path) -> None:
    """A line whose bytes changed on the disk is kept in a file; a tombstone holds its place."""
    spool = open_spool(tmp_path)
    fill_spool(spool, 5)
    chain = spool.chain()
    spool.close()
    with contextlib.closing(sqlite3.connect(tmp_path / SPOOL_NAME)) as raw, raw:
        raw.execute(
            "UPDATE line SET content = CAST(replace(content, 'number', 'numbes') AS BLOB) "
            "WHERE seq = 2"
        )
    spool = open_spool(tmp_path)
    links = follow(drain(spool))
    assert [link.tombstone for link in links] == [False, False, True, False, False]
    assert spool.counts.damaged_lines == 1
    assert b"numbes" in (tmp_path / f"damaged-record-{chain}-2").read_bytes()
    spool.close()


def test_garbage_file_is_set_aside_and_work_goes_on(tmp_path: Path) -> None:
    """A file that is no database is set aside, a new chain begins, nothing is raised; only the
    newest few of such files are kept.
    """
    for number in range(KEPT_DAMAGED_FILES + 2):
        (tmp_path / SPOOL_NAME).write_bytes(b"no database at all" * 500)
        spool = open_spool(tmp_path)
        spool.append([entry(number)])
        assert spool.counts.damaged_files == 1
        assert [link.seq for link in follow(drain(spool))] == [0]
        spool.close()
        os.sync()
    assert len(list(tmp_path.glob("*.damaged-*"))) == KEPT_DAMAGED_FILES


@pytest.mark.parametrize("seed", range(6))
def test_damaged_pages_lose_only_themselves(tmp_path: Path, seed: int) -> None:
    """With pages overwritten at random, readable lines are saved under their old chain, in order,
    and new records go to a new chain; nothing comes out that is not whole.
    """
    spool = open_spool(tmp_path)
    for number in range(300):
        spool.append([entry(number, 3000)])
    whole = spool.batch()
    assert whole is not None
    old = spool.chain()
    spool.close()
    path = tmp_path / SPOOL_NAME
    drawn = seeded(seed)
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in drawn.sample(range(1, pages), 5):
        content[page * 4096 : (page + 1) * 4096] = drawn.randbytes(4096)
    path.write_bytes(content)

    spool = open_spool(tmp_path)
    spool.append([entry(1000)])
    assert spool.counts.damaged_files == 1
    out = drain(spool)
    assert spool.counts.acknowledged == spool.counts.found + spool.counts.appended
    from_old = [line for line in out if old.encode() in line]
    assert set(from_old) <= set(whole.lines)
    assert len(from_old) > 100
    assert len(out) - len(from_old) == 1
    sequence = [json.loads(line)["seq"] for line in from_old]
    assert sequence == sorted(set(sequence))
    spool.close()


def test_damage_while_open_is_survived(tmp_path: Path) -> None:
    """A file that is damaged under a running agent is replaced at the next use."""
    spool = open_spool(tmp_path)
    fill_spool(spool, 200, size=3000)
    spool.close()
    spool.chain()
    path = tmp_path / SPOOL_NAME
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    out = drain(spool)
    assert spool.counts.damaged_files == 1
    spool.append([entry(1)])
    assert len(drain(spool)) == 1
    assert len(out) < 200
    spool.close()


def test_newer_tables_are_refused_not_destroyed(tmp_path: Path) -> None:
    """A spool of a later version is left alone, with a sentence."""
    with contextlib.closing(sqlite3.connect(tmp_path / SPOOL_NAME)) as raw, raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(SpoolError, match="tables are version 99"):
        open_spool(tmp_path).append([entry()])
    assert [p.name for p in tmp_path.glob("*damaged*")] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 3 MiB of its own."""
    mount = tmp_path / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", mount], check=True)
    yield mount
    # Lazily: a failed test may have left its spool open.
    subprocess.run(["umount", "--lazy", mount], check=True)


def hog(disk: Path) -> Path:
    """Fill what is left of a disk; return the file that does."""
    path = disk / "hog"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return path


def test_full_disk_loses_nothing_and_delivery_makes_room(small_disk: Path) -> None:
    """On a full disk an append says so and changes nothing; delivering frees room, and the next
    append goes on in the same chain.
    """
    spool = open_spool(small_disk)
    appended = fill_spool(spool, 1000, size=5000)
    assert 100 < appended < 400
    with pytest.raises(SpoolError, match="full"):
        spool.append([entry(appended, 5000)])
    assert spool.counts.append_failures == 2
    lines: list[bytes] = []
    for _ in range(3):
        batch = spool.batch(max_records=10)
        assert batch is not None
        lines += batch.lines
        spool.acknowledge(batch.last.chain, batch.last.seq + 1)
    assert fill_spool(spool, 5, size=5000) == 5
    lines += drain(spool)
    assert [link.seq for link in follow(lines)] == list(range(appended + 5))
    spool.close()


def test_disk_filled_by_others_is_survived(small_disk: Path) -> None:
    """When something else fills the disk, appends fail, what is there can still be delivered, and
    all goes on when there is room again.
    """
    spool = open_spool(small_disk)
    assert fill_spool(spool, 10, size=5000) == 10
    other = hog(small_disk)
    appended = 10 + fill_spool(spool, 200, size=5000)
    assert appended < 200
    lines = drain(spool, max_records=3)
    assert [link.seq for link in follow(lines)] == list(range(appended))
    other.unlink()
    spool.append([entry(0)])
    assert [link.seq for link in follow(lines + drain(spool))] == list(range(appended + 1))
    spool.close()


def test_start_on_a_full_disk_is_an_error_that_passes(small_disk: Path) -> None:
    """With no room even for its file, the spool says so, and works as soon as there is room."""
    other = hog(small_disk)
    spool = open_spool(small_disk)
    with pytest.raises(SpoolError, match="free space on the disk"):
        spool.append([entry()])
    other.unlink()
    spool.append([entry()])
    assert len(drain(spool)) == 1
    spool.close()


def kill_round(directory: Path, seed: int, after_lines: int) -> list[str]:
    """Let a process use the spool, kill -9 it after some lines; return all that it told."""
    with subprocess.Popen(
        [sys.executable, CHILD, directory, str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHILD.parents[2],
        env={**os.environ, "PYTHONPATH": str(CHILD.parents[2])},
    ) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(after_lines)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.readlines()
    return [line.strip() for line in told if line.endswith("\n")]


def check_after_kill(directory: Path, told: list[str], delivered: dict[int, str]) -> None:
    """Check that nothing that was told is lost or double, and that the chain verifies."""
    spool = open_spool(directory)
    chain = spool.chain()
    lines: list[bytes] = []
    while batch := spool.batch():
        lines += batch.lines
        spool.acknowledge(batch.last.chain, batch.last.seq + 1)
    spool.close()
    links = follow(lines)
    assert {link.chain for link in links} <= {chain}
    here = {link.seq: hash_line(line) for link, line in zip(links, lines, strict=True)}
    assert len(here) == len(lines)
    acknowledged = max((int(t.split()[2]) for t in told if t.startswith("k ")), default=-1)
    for line in told:
        kind, _, seq, *digest = line.split()
        if kind == "a":
            known = here.get(int(seq)) or delivered.get(int(seq))
            assert known == digest[0] if known else int(seq) <= acknowledged
    assert not set(here) & set(delivered)
    delivered.update(here)


def test_killed_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """After kill -9 at random moments, round after round, every record that an append returned for
    is there once unless it was acknowledged, and the chain verifies.
    """
    drawn = seeded(7)
    delivered: dict[int, str] = {}
    for number in range(8):
        told = kill_round(tmp_path, number, drawn.randrange(1, 60))
        check_after_kill(tmp_path, told, delivered)
    assert len(delivered) > 20
