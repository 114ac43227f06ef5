"""A file of evidence is checked with nothing but itself, and whoever changes it is found."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import EvidenceError
from collector.evidence.format import Place
from collector.evidence.verifying import verify_evidence
from collector.ingest.verify import verify as verify_batch
from collector.ledger.database import Database
from collector.ledger.store import Arrival, store_batch
from protocol.chain import read_link
from tests.collector.conftest import enrol_directly, fill_registry
from tests.collector.device import Device
from tests.collector.evidence import made
from tests.collector.evidence.forging import (
    RECORDS,
    SEALS,
    STORED,
    forged,
    lines_of,
    places,
    put,
    put_places,
)
from tests.collector.evidence.made import (
    Members,
    changed_json,
    named,
    packed,
    unpacked,
    verify,
)

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


def test_bars_end_where_they_are_full(database: Database, tmp_path: Path) -> None:
    """Each is told of its total and no more, of however many chains and of whatever length."""
    begin = datetime(2026, 10, 10, 5, tzinfo=UTC)
    fill_registry(database, begin)
    for number in range(3):
        device = Device(f"p{number}", booted_at=begin)
        enrol_directly(database, device, f"l{1 + number % 2}")
        for minute in range(5 + number):
            device.add_reach(begin + timedelta(minutes=minute))
        found = verify_batch(device.batch(), device.probe, device.key.public_key())
        with database.write() as connection:
            store_batch(connection, found, Arrival(begin, device.public_key))
    path = made.write(database, tmp_path / "evidence.zip", carrier=None)
    told: dict[str, tuple[int, int]] = {}

    @contextmanager
    def bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
        steps: list[int] = []
        yield steps.append
        told[title] = (sum(steps), total)

    checked = verify_evidence(path, bar)
    assert checked.good, checked.findings.faults
    assert set(told) == {"bytes", "members", "records", "lines"}
    assert told["records"] == (18, 18)
    assert all(steps == total for steps, total in told.values()), told


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
    "a probe": (
        in_summary(lambda tree: _first_part(tree)["probes"][0].update(probe="x")),
        "probes[0].probe",
    ),
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
    "a summary of another format": (
        in_summary(lambda tree: tree.update(format="linewatch-summary/1")),
        "check the file with the version that wrote it, linewatch/0",
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
