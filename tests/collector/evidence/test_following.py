"""A chain of evidence is followed: whoever changes, removes or signs anything in it is found."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from collector.evidence.faults import Note
from collector.evidence.format import Kind, Place
from collector.evidence.writing import fingerprint
from protocol import chain
from protocol.chain import hash_line, read_link
from tests.collector.evidence.forging import (
    RECORDS,
    SEALS,
    forged,
    lines_of,
    places,
    put,
    put_places,
)
from tests.collector.evidence.made import Members, changed_json, packed, verify


def test_a_changed_rate_is_found(members: Members, counting_seq: int, tmp_path: Path) -> None:
    """By the hash that the next record carries, and by the figures that rest on it."""
    seq = counting_seq
    lines = lines_of(members, RECORDS)
    record = json.loads(lines[seq])
    rate = record["speed"]["download"]["bits_per_second"]
    lines[seq] = lines[seq].replace(json.dumps(rate).encode(), json.dumps(rate / 2).encode(), 1)
    assert json.loads(lines[seq])["speed"]["download"]["bits_per_second"] == rate / 2
    put(members, RECORDS, lines)
    found = forged(members, tmp_path)
    assert any(one.seq == seq + 1 and f"seq {seq} was changed" in one.what for one in found)
    figures = [one.figure for one in found if one.line and one.figure]
    assert any("figures[download mean" in str(figure) for figure in figures)


def test_a_record_that_was_taken_out_is_found(
    members: Members, counting_seq: int, tmp_path: Path
) -> None:
    """With its row: a place is missing. Called missing: no seal covers what was before it."""
    seq = counting_seq
    lines = lines_of(members, RECORDS)
    rows = places(members)
    put(members, RECORDS, lines[:seq] + lines[seq + 1 :])
    put_places(members, rows[:seq] + rows[seq + 1 :])
    (first, *_) = forged(members, tmp_path)
    assert (first.seq, f"where {seq} follows" in first.what) == (seq + 1, True)
    put_places(members, [*rows[:seq], Place(seq, seq, Kind.MISSING), *rows[seq + 1 :]])
    found = forged(members, tmp_path)
    assert any(one.seq == seq - 1 and "no seal covers" in one.what for one in found)
    assert any(one.figure and one.figure.endswith(".tests") for one in found)


def test_a_change_behind_a_tombstone_is_not_proved_by_a_seal_and_that_is_said(
    evidence: Path, members: Members, counting_seq: int, tmp_path: Path
) -> None:
    """The lost record's hash says nothing of what was before it: whoever calls a record lost can
    change the one before. The chain does not show it; how many records that is about is counted.
    """
    seq = counting_seq
    assert seq not in {json.loads(line)["seq"] for line in lines_of(members, SEALS)}
    lines, rows = lines_of(members, RECORDS), places(members)
    record = json.loads(lines[seq])
    rate = record["speed"]["download"]["bits_per_second"]
    lines[seq] = lines[seq].replace(json.dumps(rate).encode(), json.dumps(rate / 2).encode(), 1)
    names = {"schema": 1, "tombstone": "spool_full"}
    names |= {name: record[name] for name in ("probe", "chain")}
    hashes = {"prev": hash_line(lines[seq]), "hash": hash_line(lines[seq + 1])}
    lost = {**names, "seq": seq + 1, **hashes, "task": None, "path": None, "slot": None}
    lines[seq + 1] = json.dumps(lost).encode()
    came = rows[seq + 1].received_at
    rows[seq + 1] = Place(seq + 1, seq + 1, Kind.TOMBSTONE, received_at=came, time_quality="none")
    put(members, RECORDS, lines)
    put_places(members, rows)
    found = verify(packed(members, tmp_path / "forged.zip"))
    assert all(one.figure for one in found.findings.faults), "the summary alone shows it"
    kind = Note.BEFORE_TOMBSTONE
    before = verify(evidence).findings.notes[kind]
    assert found.findings.notes[kind] > before > 0
    assert f"{found.findings.notes[kind]} records have a tombstone between them" in "".join(
        found.findings.sentences
    )


def test_a_chain_whose_end_was_cut_off_is_found(members: Members, tmp_path: Path) -> None:
    """Behind a seal: by the figures. Elsewhere: as no seal is over its last record, too."""
    sealed = [json.loads(line)["seq"] for line in lines_of(members, SEALS)]
    half = sealed[len(sealed) // 2]
    for end, unsealed in ((half, False), (half - 1, True)):
        cut = cut_off(dict(members), end)
        found = forged(cut, tmp_path)
        assert any("no seal covers" in one.what for one in found) == unsealed
        assert any(one.figure and one.line for one in found)


def cut_off(members: Members, last: int) -> Members:
    """Take out everything behind a place, wherever it is told of."""
    lines = lines_of(members, RECORDS)[: last + 1]
    put(members, RECORDS, lines)
    rows = [row for row in places(members) if row.seq <= last]
    put_places(members, rows)
    kept = [line for line in lines_of(members, SEALS) if json.loads(line)["seq"] <= last]
    put(members, SEALS, kept)
    at = max(json.loads(line)["received_at"] for line in kept)
    changed_json(
        members, "keys.json", lambda tree: tree["probes"][0]["keys"][0].update(last_seal_at=at)
    )
    entry = json.loads(members["chains.ndjson"])
    entry["records"] = len(lines)
    entry["spans"][0] |= {"to_seq": last, "last_hash": read_link(lines[-1]).hash}
    members["chains.ndjson"] = json.dumps(entry).encode() + b"\n"
    return members


def a_key() -> tuple[Ed25519PrivateKey, str]:
    """Return a new key and its public half."""
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key, base64.b64encode(raw).decode()


def put_key(members: Members, public: str) -> None:
    """Give the probe another key, in the list of keys and in each seal."""
    own = {"public_key": public, "fingerprint": fingerprint(public)}
    changed_json(members, "keys.json", lambda tree: tree["probes"][0]["keys"][0].update(own))
    found = [json.loads(line) | {"public_key": public} for line in lines_of(members, SEALS)]
    put(members, SEALS, [json.dumps(one).encode() for one in found])


def test_another_key_is_found(members: Members, tmp_path: Path) -> None:
    """In the list of keys alone, or in the seals, too."""
    other = dict(members)
    _, public = a_key()
    own = {"public_key": public, "fingerprint": fingerprint(public)}
    changed_json(other, "keys.json", lambda tree: tree["probes"][0]["keys"][0].update(own))
    found = forged(other, tmp_path)
    assert any("not the probe's by keys.json" in one.what and one.seq for one in found)
    put_key(members, public)
    assert any("signature is not this probe's" in one.what for one in forged(members, tmp_path))


def test_who_signs_all_of_it_again_shows_a_key_of_his_own(
    evidence: Path, members: Members, tmp_path: Path
) -> None:
    """The file alone cannot say more: the fingerprint is there to be compared."""
    key, public = a_key()
    put_key(members, public)
    links = {link.seq: link for link in map(read_link, lines_of(members, RECORDS))}
    resealed = []
    for line in lines_of(members, SEALS):
        one = json.loads(line)
        made = chain.seal(key, links[one["seq"]])
        resealed.append(json.dumps(one | {"signature": made.signature}).encode())
    put(members, SEALS, resealed)
    found = verify(packed(members, tmp_path / "forged.zip"))
    assert found.good
    assert found.keys != verify(evidence).keys


def test_a_key_that_was_revoked_before_signs_nothing(members: Members, tmp_path: Path) -> None:
    """A seal that came later is found."""
    at = json.loads(lines_of(members, SEALS)[0])["received_at"]
    changed_json(members, "keys.json", lambda tree: tree["probes"][0].update(revoked_at=at))
    found = forged(members, tmp_path)
    assert any("came after its key was revoked" in one.what for one in found)
