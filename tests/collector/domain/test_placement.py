"""Where a batch's records belong, as laws over random histories."""

import hashlib

import hypothesis.strategies as st
from hypothesis import given

from collector.domain.placement import Gap, Kept, Place, place
from protocol.chain import Link
from protocol.constants import GENESIS_HASH


def history(length: int, twist: int | None = None) -> list[Link]:
    """Return a chain; from seq ``twist`` on it is another one."""
    links: list[Link] = []
    prev = GENESIS_HASH
    for seq in range(length):
        side = "other" if twist is not None and seq >= twist else "own"
        own = hashlib.sha256(f"{prev} {seq} {side}".encode()).hexdigest()
        links.append(Link("p", "c", seq, prev, own, tombstone=False))
        prev = own
    return links


def keep(links: list[Link]) -> dict[int, Kept]:
    """Return links as the ledger has them."""
    return {link.seq: Kept(link.hash, link.prev, link.tombstone) for link in links}


lengths = st.integers(1, 30)


@given(length=lengths, data=st.data())
def test_any_batch_of_the_same_chain_adds_what_is_new(length: int, data: st.DataObject) -> None:
    """What the ledger has is a duplicate, what follows is next, and nothing is a fork."""
    chain = history(length)
    there = data.draw(st.integers(0, length))
    first = data.draw(st.integers(0, min(there, length - 1)))
    last_hash = chain[there - 1].hash if there else GENESIS_HASH
    placed = place(chain[first:], keep(chain[:there]), there, last_hash)
    expected = [Place.DUPLICATE] * (there - first) + [Place.NEXT] * (length - there)
    assert list(placed.places) == expected
    assert (placed.next_seq, placed.last_hash, placed.gap) == (length, chain[-1].hash, None)


@given(length=st.integers(2, 30), data=st.data())
def test_another_history_is_a_fork_from_where_it_differs(length: int, data: st.DataObject) -> None:
    """The common past is a duplicate, the rest a fork, and the ledger's chain stays as it is."""
    there = data.draw(st.integers(1, length))
    twist = data.draw(st.integers(0, there - 1))
    own, other = history(there), history(length, twist)
    placed = place(other, keep(own), there, own[-1].hash)
    assert list(placed.places) == [Place.DUPLICATE] * twist + [Place.FORK] * (length - twist)
    assert (placed.next_seq, placed.last_hash) == (there, own[-1].hash)


@given(length=st.integers(2, 30), data=st.data())
def test_what_is_missing_is_named(length: int, data: st.DataObject) -> None:
    """A batch that begins too late opens a gap from the first missing seq to the last."""
    chain = history(length)
    first = data.draw(st.integers(1, length - 1))
    there = data.draw(st.integers(0, first - 1))
    last_hash = chain[there - 1].hash if there else GENESIS_HASH
    placed = place(chain[first:], {}, there, last_hash)
    assert placed.gap == Gap(there, first - 1)
    assert set(placed.places) == {Place.NEXT}


@given(length=st.integers(5, 30), data=st.data())
def test_a_gap_is_filled_by_its_own_records_only(length: int, data: st.DataObject) -> None:
    """The records that the neighbours carry the hashes of fit; others are forks."""
    chain = history(length)
    first = data.draw(st.integers(1, length - 2))
    last = data.draw(st.integers(first, length - 2))
    kept = keep(chain[:first] + chain[last + 1 :])
    filled = place(chain[first : last + 1], kept, length, chain[-1].hash)
    assert set(filled.places) == {Place.FILLS_GAP}
    twist = data.draw(st.integers(first, last))
    other = history(length, twist)
    refused = place(other[first : last + 1], kept, length, chain[-1].hash)
    assert set(refused.places) == {Place.FORK}
    assert (refused.next_seq, refused.last_hash) == (length, chain[-1].hash)


def test_a_record_for_a_tombstone_is_late() -> None:
    """The other way round it is a duplicate."""
    (link,) = history(1)
    stone = Link("p", "c", 0, link.prev, link.hash, tombstone=True)
    assert place([link], keep([stone]), 1, link.hash).places == (Place.LATE,)
    assert place([stone], keep([link]), 1, link.hash).places == (Place.DUPLICATE,)
