"""The archive: the same bytes for the same members, no bit unwatched, no more than can be read."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.errors import EvidenceError
from collector.evidence import container
from collector.evidence.container import ArchiveReader, ArchiveWriter, MemberError

MEMBERS = {"README.txt": b"a line\n" * 40, "keys.json": b"{}", "summary.json": b""}


def write(path: Path, members: dict[str, bytes]) -> Path:
    """Write an archive."""
    with path.open("wb") as file:
        archive = ArchiveWriter(file)
        for name, content in members.items():
            archive.add(name, content)
        archive.close()
    return path


def foreign(path: Path, change: Callable[[zipfile.ZipFile], object]) -> Path:
    """Write an archive by Python's own means, with an end like ours."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        change(archive)
        archive.comment = b"0" * 64
    return path


def test_members_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Twice the same bytes; any ZIP reader opens it; sizes and digests are told."""
    path = write(tmp_path / "one.zip", MEMBERS)
    assert path.read_bytes() == write(tmp_path / "two.zip", MEMBERS).read_bytes()
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert {one.filename: one.date_time for one in found.infolist()} == dict.fromkeys(
            MEMBERS, (1980, 1, 1, 0, 0, 0)
        )
    with ArchiveReader(path) as archive:
        assert archive.is_whole()
        assert {name: archive.read(name) for name in archive.sizes} == MEMBERS
        assert archive.member("keys.json").size == 2
        assert list(archive.lines("README.txt", 10)) == [b"a line"] * 40
        with pytest.raises(MemberError, match="line 1 has no end within 5 bytes"):
            list(archive.lines("README.txt", 5))
        with pytest.raises(MemberError, match="line 1 has no end"):
            list(archive.lines("keys.json", 100))
        with pytest.raises(MemberError, match=r"registry\.json: is not there"):
            archive.read("registry.json")


def test_every_bit_of_it_counts(tmp_path: Path) -> None:
    """Each of them flipped, one after the other: it is no archive any more, or not whole."""
    content = write(tmp_path / "one.zip", MEMBERS).read_bytes()
    path = tmp_path / "flipped.zip"
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            path.write_bytes(flipped)
            assert not is_whole(path), (place, bit)


def is_whole(path: Path) -> bool:
    """Return whether a file can be opened and is the one that was written."""
    try:
        with ArchiveReader(path) as archive:
            return archive.is_whole()
    except EvidenceError:
        return False


@pytest.mark.parametrize(
    "name",
    [
        "../keys.json",
        "/etc/passwd",
        "chain/../x~y/records.ndjson",
        "chain/a~b/../../x",
        "chain/a~b/records.ndjson/",
        "chain\\a~b\\stored.csv",
        "standards/../x@1.yaml",
        "other.txt",
        "keys.json\x00.exe",
        "",
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    """A member is called as this format calls it, or the file is none of evidence."""
    path = foreign(tmp_path / "bad.zip", lambda archive: archive.writestr(_info(name), b"x"))
    with pytest.raises(EvidenceError, match="is no name of a member"):
        ArchiveReader(path)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = name
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_there_twice_or_packed_otherwise_is_refused(tmp_path: Path) -> None:
    """Two members of a name; one that is stored as it is; one that is a bomb."""

    def twice(archive: zipfile.ZipFile) -> None:
        archive.writestr("keys.json", b"1")
        archive.writestr("keys.json", b"2")

    with pytest.raises(EvidenceError, match=r"has 'keys\.json' twice"):
        ArchiveReader(foreign(tmp_path / "twice.zip", twice))
    stored = foreign(
        tmp_path / "stored.zip",
        lambda archive: archive.writestr("keys.json", b"1", zipfile.ZIP_STORED),
    )
    with pytest.raises(EvidenceError, match="is not deflated"):
        ArchiveReader(stored)
    bomb = foreign(
        tmp_path / "bomb.zip", lambda archive: archive.writestr("keys.json", bytes(5_000_000))
    )
    with pytest.raises(EvidenceError, match="unpack to more than 200 times its size"):
        ArchiveReader(bomb)


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of members, of all of them together, of one that is read whole, of their list."""
    path = write(tmp_path / "one.zip", MEMBERS)
    for name, sentence in (
        ("MAX_MEMBERS", "more than 2 members"),
        ("MAX_TOTAL_BYTES", "would unpack to more than 2 bytes"),
        ("MAX_DIRECTORY_BYTES", "its list of members is too long"),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(container, name, 2)
            with pytest.raises(EvidenceError, match=sentence):
                ArchiveReader(path)
    monkeypatch.setattr(container, "MAX_WHOLE_BYTES", 2)
    with ArchiveReader(path) as archive:
        assert archive.read("keys.json") == b"{}"
        with pytest.raises(MemberError, match="more than 2 bytes"):
            archive.read("README.txt")


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    """Nothing, text, an archive with another end, a file that is not there."""
    path = tmp_path / "file"
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("keys.json", b"{}" * 100)
    for content, sentence in (
        (b"", "it is too short"),
        (b"text" * 100, "its end is missing"),
        (plain.getvalue(), "its end is missing"),
    ):
        path.write_bytes(content)
        with pytest.raises(EvidenceError, match=f"is no ZIP archive: {sentence}"):
            ArchiveReader(path)
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        ArchiveReader(tmp_path / "nowhere")


def test_a_member_that_lies_about_its_size_is_a_fault(tmp_path: Path) -> None:
    """It is read no further than it says, and its checksum does not fit then."""
    path = write(tmp_path / "one.zip", MEMBERS)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as found:
        size = found.getinfo("README.txt").file_size
    at = content.index(b"PK\x01\x02") + 24
    assert int.from_bytes(content[at : at + 4], "little") == size
    path.write_bytes(content[:at] + (10).to_bytes(4, "little") + content[at + 4 :])
    with ArchiveReader(path) as archive, pytest.raises(MemberError, match="cannot be unpacked"):
        archive.read("README.txt")
