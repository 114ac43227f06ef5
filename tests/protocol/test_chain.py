"""Chain and seal: what is changed, removed, put in between or moved is found, and where."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import chain
from protocol.chain import ChainError, ChainFault
from protocol.constants import GENESIS_HASH
from protocol.model import encode

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))


def make_line(seq: int, prev: str, **more: object) -> bytes:
    """Return a line that has only its place in the chain, and what the test adds."""
    place = {"probe": "p1", "chain": "c1", "seq": seq, "prev": prev}
    return json.dumps(place | more).encode()


def make_chain(payloads: list[str], *, start: int = 0, prev: str = GENESIS_HASH) -> list[bytes]:
    """Return the lines of one chain, a payload in each."""
    lines = []
    for seq, payload in enumerate(payloads, start=start):
        lines.append(make_line(seq, prev, payload=payload))
        prev = hashlib.sha256(lines[-1]).hexdigest()
    return lines


def verify(lines: list[bytes], seal: chain.Seal) -> None:
    """Verify a whole chain as a reader would: from genesis, link by link, then the seal."""
    links = chain.follow(lines)
    if links[0].seq != 0:
        raise ChainError(ChainFault.WRONG_SEQ, 1, "the chain does not begin at seq 0")
    chain.check_seal(KEY.public_key(), seal, links[-1])


def seal_of(lines: list[bytes]) -> chain.Seal:
    """Return the good seal over a chain."""
    return chain.seal(KEY, chain.follow(lines)[-1])


def fault_of(lines: list[bytes], seal: chain.Seal) -> ChainError:
    """Return the error that verifying raises."""
    with pytest.raises(ChainError) as caught:
        verify(lines, seal)
    return caught.value


payload_lists = st.lists(st.text(max_size=12), min_size=3, max_size=12)


@given(payload_lists)
def test_an_untouched_chain_verifies(payloads: list[str]) -> None:
    """What was written verifies."""
    lines = make_chain(payloads)
    verify(lines, seal_of(lines))


@given(payload_lists, st.data())
def test_a_changed_byte_is_found_at_its_line_or_the_next(
    payloads: list[str], data: st.DataObject
) -> None:
    """One byte changed anywhere is found: at its line, at the next one's hash, or by the seal."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    index = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[index])
    position = data.draw(st.integers(0, len(line) - 1))
    line[position] ^= data.draw(st.integers(1, 255))
    lines[index] = bytes(line)
    error = fault_of(lines, seal)
    last = index == len(lines) - 1
    assert error.line in {index + 1, 0 if last else index + 2}


@given(payload_lists, st.data())
def test_a_removed_line_is_found_where_it_was(payloads: list[str], data: st.DataObject) -> None:
    """A line taken out is found at the place where it stood; the last one by the seal."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    index = data.draw(st.integers(0, len(lines) - 1))
    last = index == len(lines) - 1
    del lines[index]
    error = fault_of(lines, seal)
    assert error.fault is (ChainFault.WRONG_SEAL if last else ChainFault.WRONG_SEQ)
    assert error.line == (0 if last else index + 1)


@given(payload_lists, st.text(max_size=12), st.data())
def test_a_line_put_in_between_is_found(
    payloads: list[str], payload: str, data: st.DataObject
) -> None:
    """A line put in, however well it is linked itself, is found at it or right after it."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    index = data.draw(st.integers(1, len(lines)))
    forged = make_line(index, hashlib.sha256(lines[index - 1]).hexdigest(), payload=payload)
    appended = index == len(lines)
    lines.insert(index, forged)
    assert fault_of(lines, seal).line == (0 if appended else index + 2)


@given(payload_lists, st.data())
def test_two_lines_exchanged_are_found_at_the_first(
    payloads: list[str], data: st.DataObject
) -> None:
    """Lines in another order are found at the first one that is out of place."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    first = data.draw(st.integers(0, len(lines) - 2))
    second = data.draw(st.integers(first + 1, len(lines) - 1))
    lines[first], lines[second] = lines[second], lines[first]
    error = fault_of(lines, seal)
    # The first line of all has nothing before it: it is its follower that does not fit.
    assert error.line == (2 if first == 0 else first + 1)
    assert error.fault is ChainFault.WRONG_SEQ


@given(payload_lists, st.data())
def test_a_rewritten_rest_is_found_by_the_seal(payloads: list[str], data: st.DataObject) -> None:
    """A chain rewritten and linked anew from some line on needs a seal that only the probe has."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    index = data.draw(st.integers(0, len(lines) - 1))
    before = hashlib.sha256(lines[index - 1]).hexdigest() if index else GENESIS_HASH
    rest = [f"{payload}!" for payload in payloads[index:]]
    lines[index:] = make_chain(rest, start=index, prev=before)
    assert fault_of(lines, seal).fault is ChainFault.WRONG_SEAL


@given(payload_lists, st.data())
def test_a_tombstone_keeps_the_chain_whole(payloads: list[str], data: st.DataObject) -> None:
    """A record replaced by its tombstone still verifies, and is seen as one."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    index = data.draw(st.integers(0, len(lines) - 1))
    content = json.loads(lines[index])
    own = chain.hash_line(lines[index])
    lines[index] = make_line(index, content["prev"], tombstone="spool_full", hash=own)
    verify(lines, seal)
    assert [link.tombstone for link in chain.follow(lines)].index(True) == index


def test_a_tombstone_with_another_hash_is_found_at_the_next_line() -> None:
    """A tombstone cannot stand for another record than the one that was there."""
    lines = make_chain(["a", "b", "c"])
    seal = seal_of(lines)
    lines[1] = make_line(1, chain.hash_line(lines[0]), tombstone="spool_full", hash="f" * 64)
    error = fault_of(lines, seal)
    assert (error.fault, error.line) == (ChainFault.WRONG_PREV, 3)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[1]",
        b"not JSON",
        b"\xff\xfe",
        b'{"probe":"p1","chain":"c1","seq":0}',
        b'{"probe":"p1","chain":"c1","seq":-1,"prev":"%s"}' % (b"0" * 64),
        b'{"probe":"p1","chain":"c1","seq":"0","prev":"%s"}' % (b"0" * 64),
        b'{"probe":"../etc","chain":"c1","seq":0,"prev":"%s"}' % (b"0" * 64),
        b'{"probe":"p1","chain":"c1","seq":0,"prev":"%s"}' % (b"F" * 64),
        make_line(0, GENESIS_HASH, tombstone="spool_full"),
        make_line(0, GENESIS_HASH, tombstone="spool_full", hash="short"),
        b"[" * 100_000,
    ],
)
def test_what_is_no_link_is_refused_with_its_line(line: bytes) -> None:
    """Whatever bytes come, the answer is NOT_A_LINK at that line, never another error."""
    with pytest.raises(ChainError) as caught:
        chain.read_link(line, 17)
    assert (caught.value.fault, caught.value.line) == (ChainFault.NOT_A_LINK, 17)
    assert str(caught.value).startswith("line 17: ")


def test_a_chain_starts_from_the_genesis_hash() -> None:
    """A seq 0 that claims something before it is refused."""
    with pytest.raises(ChainError, match="genesis") as caught:
        chain.follow([make_line(0, "a" * 64)])
    assert caught.value.fault is ChainFault.WRONG_PREV


def test_a_part_of_a_chain_may_start_anywhere() -> None:
    """A batch goes on where the last one ended."""
    links = chain.follow(make_chain(["a", "b"], start=41, prev="a" * 64))
    assert [link.seq for link in links] == [41, 42]


@pytest.mark.parametrize(
    "other, fault",
    [("probe", ChainFault.OTHER_PROBE), ("chain", ChainFault.OTHER_CHAIN)],
)
def test_a_line_of_another_probe_or_chain_is_named_so(other: str, fault: ChainFault) -> None:
    """A line that belongs elsewhere says whose it is."""
    first, second = make_chain(["a", "b"])
    moved = json.dumps(json.loads(second) | {other: "x9"}).encode()
    with pytest.raises(ChainError, match="x9") as caught:
        chain.follow([first, moved])
    assert (caught.value.fault, caught.value.line) == (fault, 2)


def test_another_probes_key_does_not_seal() -> None:
    """A seal made with another key is refused."""
    links = chain.follow(make_chain(["a"]))
    forged = chain.seal(OTHER_KEY, links[-1])
    with pytest.raises(ChainError) as caught:
        chain.check_seal(KEY.public_key(), forged, links[-1])
    assert caught.value.fault is ChainFault.BAD_SIGNATURE


def test_a_seal_over_an_older_record_is_refused() -> None:
    """A seal counts only for exactly the last record."""
    links = chain.follow(make_chain(["a", "b"]))
    with pytest.raises(ChainError) as caught:
        chain.check_seal(KEY.public_key(), chain.seal(KEY, links[0]), links[1])
    assert caught.value.fault is ChainFault.WRONG_SEAL


def test_a_signature_moved_to_another_seq_is_refused() -> None:
    """Everything in the seal is signed, so none of it can be exchanged."""
    link = chain.follow(make_chain(["a"]))[0]
    good = chain.seal(KEY, link)
    later = chain.Link(link.probe, link.chain, 9, link.prev, link.hash, tombstone=False)
    moved = good.model_copy(update={"seq": 9})
    with pytest.raises(ChainError) as caught:
        chain.check_seal(KEY.public_key(), moved, later)
    assert caught.value.fault is ChainFault.BAD_SIGNATURE


@given(payload_lists)
def test_a_batch_comes_apart_as_it_was_put_together(payloads: list[str]) -> None:
    """Writing and splitting a batch are each other's inverse."""
    lines = make_chain(payloads)
    seal = seal_of(lines)
    body = chain.write_batch(lines, seal)
    assert chain.split_batch(body) == (lines, seal)
    assert chain.split_batch(body[:-1]) == (lines, seal), "the last newline may be missing"


@pytest.mark.parametrize("body", [b"", b"\n", b"{}\n", b"{}\n{}\n", b"{}\n\n"])
def test_a_body_without_records_or_seal_is_refused(body: bytes) -> None:
    """A batch is at least one record and a seal."""
    with pytest.raises(ChainError) as caught:
        chain.split_batch(body)
    assert caught.value.fault is ChainFault.NO_SEAL


def test_a_seal_with_an_unknown_key_is_no_seal() -> None:
    """A seal line has exactly its own fields."""
    seal = seal_of(make_chain(["a"]))
    line = json.dumps(json.loads(encode(seal)) | {"more": 1}).encode()
    with pytest.raises(ChainError, match="line 3") as caught:
        chain.read_seal(line, 3)
    assert caught.value.fault is ChainFault.NO_SEAL
