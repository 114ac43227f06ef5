"""A file of evidence is checked with nothing but itself, and whoever changes it is found."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import EvidenceError
from collector.evidence.faults import Fault
from collector.evidence.format import Kind, Place, read_place
from collector.evidence.writing import fingerprint
from protocol import chain
from protocol.chain import read_link
from tests.collector.evidence.made import (
    Members,
    changed_json,
    named,
    packed,
    unpacked,
    verify,
)

RECORDS, STORED, SEALS = "/records.ndjson", "/stored.csv", "/seals.ndjson"


def faults(path: Path) -> list[Fault]:
    """Return what is found wrong with a file; something is."""
    found = verify(path)
    assert not found.good
    return found.findings.faults


def forged(members: Members, tmp_path: Path) -> list[Fault]:
    """Return what is found wrong with members whose manifest and digest were made to fit."""
    return faults(packed(members, tmp_path / "forged.zip"))


def lines_of(members: Members, ending: str) -> list[bytes]:
    """Return the lines of the one member that ends so, without their newlines."""
    return members[named(members, ending)].splitlines()


def put(members: Members, ending: str, lines: list[bytes]) -> None:
    """Give a member other lines."""
    members[named(members, ending)] = b"".join(line + b"\n" for line in lines)


def places(members: Members) -> list[Place]:
    """Return the rows of stored.csv."""
    return [read_place(row) for row in lines_of(members, STORED)[1:]]


def put_places(members: Members, rows: list[Place]) -> None:
    """Give stored.csv other rows."""
    name = named(members, STORED)
    head = members[name].splitlines(keepends=True)[0]
    members[name] = head + b"".join(row.row() for row in rows)


# --- What is good --------------------------------------------------------------------------------


def test_a_file_as_it_was_written_is_good(evidence: Path, members: Members) -> None:
    """All of it is read and made anew: each record, each value of the summary."""
    found = verify(evidence)
    assert found.good, found.findings.faults
    assert found.records == len(lines_of(members, RECORDS)) > 300
    summary = json.loads(members["summary.json"])
    assert summary["lines"][0]["parts"][0]["tests"] > 20
    assert found.figures > 200
    assert found.software == "linewatch/0"
    ((probe, own),) = found.keys
    (head,) = found.heads
    assert (head.probe, head.chain) == (probe, json.loads(members["chains.ndjson"])["chain"])
    assert head.hash == read_link(lines_of(members, RECORDS)[-1]).hash
    assert own == json.loads(members["keys.json"])["probes"][0]["keys"][0]["fingerprint"]
    assert any("tombstones" in one for one in found.findings.sentences)


def test_packing_it_again_changes_nothing(evidence: Path, members: Members, tmp_path: Path) -> None:
    """What tests change below is all that is wrong with their files."""
    assert packed(members, tmp_path / "again.zip").read_bytes() == evidence.read_bytes()


# --- Bytes that are others -----------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_wherever_it_is(
    small_evidence: Path, tmp_path: Path, at: float, bit: int
) -> None:
    """In a record, a header, the list of members or bits that nobody reads."""
    content = bytearray(small_evidence.read_bytes())
    content[int(at * len(content))] ^= 1 << bit
    path = tmp_path / "flipped.zip"
    path.write_bytes(content)
    assert is_refused(path)


def is_refused(path: Path) -> bool:
    """Return whether a file is found to be wrong, or to be none."""
    try:
        return not verify(path).good
    except EvidenceError:
        return True


def test_bytes_that_are_missing_or_too_many_are_found(small_evidence: Path, tmp_path: Path) -> None:
    """At the beginning, in the middle and at the end."""
    content = small_evidence.read_bytes()
    half = len(content) // 2
    path = tmp_path / "other.zip"
    for other in (
        content[:-1], content[1:], content[:half] + content[half + 1 :], content + b"0",
        b"0" + content, content[:half] + b"0" + content[half:], b"",
    ):  # fmt: skip
        path.write_bytes(other)
        assert is_refused(path)


# --- Somebody who makes manifest and digest fit --------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    ending=st.sampled_from([RECORDS, "qcvn-34-2019@1.yaml"]),
    at=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_no_bit_of_a_record_or_a_standard_can_be_another(
    small_evidence: Path, tmp_path: Path, ending: str, at: float, bit: int
) -> None:
    """However well manifest and digest fit: hashes, seals and the summary's words are over it."""
    members = unpacked(small_evidence)
    name = named(members, ending)
    content = bytearray(members[name])
    content[int(at * len(content))] ^= 1 << bit
    found = forged(members | {name: bytes(content)}, tmp_path)
    assert any(one.member == name or one.seq is not None for one in found)


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


def in_registry(change: Callable[[Any], object]) -> Callable[[Members], None]:
    """Return what changes the registry's extract."""
    return lambda members: changed_json(members, "registry.json", change)


def in_summary(change: Callable[[Any], object]) -> Callable[[Members], None]:
    """Return what changes the summary."""
    return lambda members: changed_json(members, "summary.json", change)


def _first_part(tree: Any) -> Any:
    return tree["lines"][0]["parts"][0]


def _say_pass(tree: Any) -> None:
    finding = _first_part(tree)["judgements"][0]["findings"][0]
    finding["verdict"] = "pass" if finding["verdict"] != "pass" else "fail"


def _other_figure(tree: Any) -> None:
    _first_part(tree)["figures"][0]["value"] *= 1.00001


def _other_standard(members: Members) -> None:
    name = "standards/fcc-80-80@1.yaml"
    members[name] = members[name].replace(b"0.8", b"0.7")


def _no_standard(members: Members) -> None:
    del members["standards/fcc-80-80@1.yaml"]


def _other_line(members: Members) -> None:
    rows = places(members)
    put_places(members, [replace_line(row, 40, "nobody") for row in rows])


def _no_line(members: Members) -> None:
    put_places(members, [replace_line(row, 40, "") for row in places(members)])


def replace_line(row: Place, seq: int, line: str) -> Place:
    """Return a row that is given to another line, if it is at a place."""
    return row._replace(line=line) if row.seq == seq else row


def _other_moment(members: Members) -> None:
    rows = places(members)
    at = rows[41].measured_at
    assert at is not None
    rows[40] = rows[40]._replace(measured_at=at)
    put_places(members, rows)


def _no_seal(members: Members) -> None:
    put(members, SEALS, lines_of(members, SEALS)[:-1])


def _one_more(members: Members) -> None:
    put(members, RECORDS, [*lines_of(members, RECORDS), b"{}"])


TAMPERINGS: dict[str, tuple[Callable[[Members], None], str]] = {
    "a contracted speed": (
        in_registry(
            lambda tree: tree["lines"][0]["terms"][0].update(contracted_download_bits_per_second=1)
        ),
        "terms.contracted_download_bits_per_second",
    ),
    "a line's technology": (
        in_registry(lambda tree: tree["lines"][0].update(technology="5g")),
        "technology",
    ),
    "a site's name": (in_registry(lambda tree: tree["sites"][0].update(name="x")), "site.name"),
    "the carrier": (in_registry(lambda tree: tree["carrier"].update(name="x")), "carrier.name"),
    "a path's time": (
        in_registry(lambda tree: tree["paths"][0].update(last_received_at="2026-10-02T00:00:00Z")),
        "does not say that path",
    ),
    "a standard": (_other_standard, "another file than the summary's verdicts name"),
    "a standard that is not there": (_no_standard, "it is not there"),
    "a verdict": (in_summary(_say_pass), ".verdict"),
    "a figure": (in_summary(_other_figure), "figures["),
    "a count": (in_summary(lambda tree: _first_part(tree).update(tests=1)), ".tests"),
    "a line too few": (in_summary(lambda tree: tree.update(lines=[])), "does not have this line"),
    "a line twice": (
        in_summary(lambda tree: tree["lines"].insert(0, {**tree["lines"][0], "technology": "x"})),
        "has a line twice",
    ),
    "a month of another age": (
        in_summary(lambda tree: tree.update(month="9999-12")),
        "names no month",
    ),
    "a zone that is none": (
        in_summary(lambda tree: tree.update(timezone="../../etc/passwd")),
        "names no month, or no time zone",
    ),
    "the month": (in_summary(lambda tree: tree.update(month="2026-11")), "first_day"),
    "another line's record": (_other_line, "registry.json does not say"),
    "nobody's record": (_no_line, "is given to no line"),
    "another moment": (_other_moment, "says that it was measured at"),
    "a seal too few": (_no_seal, "no seal covers"),
    "a record too many": (_one_more, "stored.csv says nothing of"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_changed_is_named(what: str, members: Members, tmp_path: Path) -> None:
    """Whoever changes one thing, and makes manifest and digest fit, contradicts the rest."""
    change, telling = TAMPERINGS[what]
    change(members)
    found = forged(members, tmp_path)
    assert any(telling in str(one) for one in found), "\n".join(map(str, found[:10]))


@pytest.mark.parametrize("ending", [RECORDS, STORED, SEALS, "registry.json", "keys.json"])
def test_a_member_that_is_missing_is_named(ending: str, members: Members, tmp_path: Path) -> None:
    """Also where the manifest does not name it any more."""
    name = named(members, ending)
    del members[name]
    found = forged(members, tmp_path)
    assert any(one.member == name and "is not there" in one.what for one in found)


@pytest.mark.parametrize(
    "ending", [RECORDS, STORED, SEALS, "registry.json", "summary.json", "chains.ndjson"]
)
def test_nonsense_is_a_fault_and_no_crash(ending: str, members: Members, tmp_path: Path) -> None:
    """Lines of nothing, numbers that are none, a tree as deep as it likes."""
    name = named(members, ending)
    for content in (b"", b"\n", b"\xff\xfe\n", b"x" * 300_000, b"[" * 100_000, b"null\n", b"{}\n"):
        found = forged({**members, name: content}, tmp_path)
        assert any(one.member and one.member.rpartition("/")[0] in name for one in found)


def test_a_file_that_is_wrong_all_over_is_counted(members: Members, tmp_path: Path) -> None:
    """The first faults are named, the others counted."""
    rows = [row._replace(line="nobody") if row.line else row for row in places(members)]
    put_places(members, rows)
    found = verify(packed(members, tmp_path / "forged.zip"))
    assert len(found.findings.faults) == 200 < found.findings.count


def test_what_nobody_names_is_found(members: Members, tmp_path: Path) -> None:
    """A member that the manifest or the list of chains does not name."""
    folder = named(members, RECORDS).rpartition("/")[0]
    extra = {f"{folder}x/records.ndjson": b"{}\n", **members}
    found = forged(dict(sorted(extra.items())), tmp_path)
    assert any("chains.ndjson does not name its chain" in one.what for one in found)
