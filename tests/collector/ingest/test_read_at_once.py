"""Reading a line once gives what two readings give, whatever the line is."""

import json
import random
from typing import Any

import pytest

from collector.ingest.columns import Received, read_at_once, read_record
from protocol.chain import ChainError, Link, read_link
from tests.simulate.fleets import troubled

LINES = [line for batch in troubled()[1][:12] for line in batch.lines]

Found = tuple[Link, dict[str, Any] | None, object, str | None]


def _told(one: Received) -> Found:
    content = one.content
    if content is None:
        return one.link, None, None, one.reason
    return one.link, content.columns, content.clock, one.reason


def _twice(line: bytes) -> Found | None:
    """Return what two readings find; None where the line is not of a chain."""
    try:
        link = read_link(line)
    except ChainError:
        return None
    return _told(read_record(line, link))


def test_a_probes_line_is_read_once() -> None:
    """All that a probe writes but tombstones is read at once, and as two readings read it."""
    read = [(line, read_at_once(line)) for line in LINES]
    for line, one in read:
        assert (one is None) == (b'"tombstone"' in line)
        assert one is None or _told(one) == _twice(line)
    assert sum(one is not None for _, one in read) > 500


SEQ = json.loads(LINES[5])["seq"]

TAILS = (
    f',"seq":{SEQ}',
    f',"seq":"{SEQ}"',
    f',"seq":{SEQ}.0',
    f',"s\\u0065q":{SEQ}.0',
    f',"seq" :{SEQ}',
    ',"seq":true',
    ',"probe":"other"',
    ',"prev":"' + "0" * 64 + '"',
    ',"tombstone":"spool_full"',
    ',"hash":"' + "0" * 64 + '"',
    ',"software":"a\\u0000b"',
    ',"software":"a\ud800b"',
    ',"software":"a\x01b"',
    ',"slot":"0001-01-01T00:00:00+14:00"',
    ',"slot":"9999-12-31T23:59:59-14:00"',
    ',"started_at":"0001-01-01T00:00:00+14:00"',
    ',"failure":{"code":"internal","detail":"\\ud800"}',
    ',"schema":2',
    ',"schema":1.0',
    ',"nobody":1',
    ',"conditions":null',
    " ",
    "}",
    ",",
    ",NaN",
)


@pytest.mark.parametrize("number", range(len(TAILS)))
def test_a_line_that_can_be_misread_is_not(number: int) -> None:
    """Keys that come twice, in other types, escaped or with what JSON does not allow: where a line
    is read at once, it is read as it always was.
    """
    line = LINES[5]
    tail = TAILS[number].encode(errors="surrogatepass")
    changed = line[:-1] + tail + b"}"
    one = read_at_once(changed)
    assert one is None or _told(one) == _twice(changed)


def test_a_number_of_thousands_of_digits_is_not_read_at_once() -> None:
    """Python refuses to read it as a whole number, so no chain has such a line."""
    line = next(line for line in LINES if b'"temperature_celsius":' in line)
    head, _, rest = line.partition(b'"temperature_celsius":')
    tail = rest[rest.index(b",") :]
    for digits in (4301, 6000, 60_000):
        changed = head + b'"temperature_celsius":' + b"9" * digits + tail
        assert read_at_once(changed) is None
        assert _twice(changed) is None


def test_random_changes_are_read_alike() -> None:
    """Lines with some bytes changed, removed, doubled or exchanged with another line's, thousands
    of them: what is read at once is what two readings find.
    """
    dice = random.Random(20)
    pieces = [b'"', b"\\", b"0", b"9", b"-", b".", b"e5", b"null", b"true", b"{", b"}", b",", b" "]
    alike = 0
    for _ in range(3000):
        line = bytearray(dice.choice(LINES))
        for _ in range(dice.choice((1, 1, 1, 2, 5))):
            at, length = dice.randrange(len(line)), dice.choice((0, 1, 1, 2, 40))
            other = dice.choice(LINES)
            start = dice.randrange(len(other))
            new = dice.choice([*pieces, b"", line[at : at + 40], other[start : start + length]])
            line[at : at + length] = new
        one = read_at_once(bytes(line))
        if one is not None:
            assert _told(one) == _twice(bytes(line))
            alike += 1
    assert alike > 100
