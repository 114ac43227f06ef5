"""The standards that are shipped, and an operator's own folder."""

from pathlib import Path

import pytest

from collector.domain.standard import Use
from collector.errors import StandardError
from collector.reports.standards import MAX_FILE_BYTES, SHIPPED, choose_standard, read_standards

EXPECTED = {
    "bnetza-style",
    "fcc-80-80",
    "mobile-4g-target",
    "qcvn-126-2021",
    "qcvn-34-2019",
    "qcvn-34-2022",
    "rtr-style",
    "ward",
}


def test_what_is_shipped_is_good_and_named_as_its_file() -> None:
    """Each file is a standard, and its id is the file's name."""
    found = read_standards(None)
    assert {one.standard.id for one in found} == EXPECTED
    assert {Path(one.place).stem for one in found} == EXPECTED


def test_no_number_that_was_not_read_in_its_text_says_that_it_was() -> None:
    """All numbers come from secondary sources so far, and each says which."""
    limits = [limit for one in read_standards(None) for limit in one.standard.limits]
    assert not any(limit.verified for limit in limits)
    assert all(limit.source for limit in limits)


def test_only_what_is_law_here_may_accuse_unnamed() -> None:
    """Regulations are requirements, what other countries ask and targets are references, and the
    ward's file is an example that has to be named.
    """
    uses = {one.standard.id: one.standard.use for one in read_standards(None)}
    required = {name for name, use in uses.items() if use is Use.REQUIREMENT}
    assert required == {"qcvn-34-2019", "qcvn-34-2022", "qcvn-126-2021"}
    assert {name for name, use in uses.items() if use is Use.EXAMPLE} == {"ward"}


def test_the_regulation_whose_numbers_were_not_obtained_has_none() -> None:
    """QCVN 34:2022 has its indicators, and every number is still to be filled in."""
    standard = choose_standard(read_standards(None), "qcvn-34-2022").standard
    assert [limit.number for limit in standard.limits] == [None] * len(standard.indicators)


def test_the_numbers_of_a_regulation_are_those_that_were_found() -> None:
    """QCVN 34:2019: 0.8 of Vd and Vu, 50 ms, 99.5 %."""
    standard = choose_standard(read_standards(None), "qcvn-34-2019").standard
    numbers = {one.id: (one.limit.number, one.limit.unit) for one in standard.indicators}
    assert numbers == {
        "download": (0.8, None),
        "upload": (0.8, None),
        "latency": (50, "ms"),
        "availability": (0.995, "share"),
    }


def copy_of(name: str, folder: Path, old: str = "", new: str = "") -> Path:
    """Return a copy of a shipped file in a folder, changed."""
    file = folder / f"{name}.yaml"
    file.write_text((SHIPPED / f"{name}.yaml").read_text().replace(old, new))
    return file


def test_a_folder_of_ones_own_adds_versions_and_standards(tmp_path: Path) -> None:
    """A filled-in copy with a higher version is the newest one; the shipped one stays."""
    copy_of("qcvn-34-2022", tmp_path, "version: 1", "version: 2")
    copy_of("ward", tmp_path, "id: ward", "id: thach-khoi")
    found = read_standards(tmp_path)
    assert choose_standard(found, "qcvn-34-2022").standard.version == 2
    assert choose_standard(found, "qcvn-34-2022@1").standard.version == 1
    assert choose_standard(found, "thach-khoi").place == str(tmp_path / "ward.yaml")


def test_an_unchanged_copy_is_no_conflict(tmp_path: Path) -> None:
    """The same bytes under the same id and version are the same standard."""
    copy_of("ward", tmp_path)
    assert len(read_standards(tmp_path)) == len(EXPECTED)


def test_two_files_that_say_different_things_under_one_version_are_refused(tmp_path: Path) -> None:
    """A changed copy needs a higher version: an old verdict must find what it was made by."""
    file = copy_of("ward", tmp_path, "number: 0.8", "number: 0.7")
    with pytest.raises(StandardError, match="give this one version 2") as caught:
        read_standards(tmp_path)
    assert str(caught.value).startswith(f"{file}: version: ")


def test_a_wrong_file_in_the_folder_is_named(tmp_path: Path) -> None:
    """With its field."""
    file = copy_of("ward", tmp_path, "fits: [fixed]", "fits: []")
    with pytest.raises(StandardError) as caught:
        read_standards(tmp_path)
    assert str(caught.value) == f"{file}: fits: at least one is needed"


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """No folder, no file that can be read, a file that is far too long, no such standard."""
    with pytest.raises(StandardError, match=r"no such folder; it is collector\.reports\.standards"):
        read_standards(tmp_path / "none")
    (tmp_path / "x.yaml").mkdir()
    with pytest.raises(StandardError, match="cannot be read"):
        read_standards(tmp_path)
    (tmp_path / "x.yaml").rmdir()
    (tmp_path / "x.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(StandardError, match="longer than a standard"):
        read_standards(tmp_path)
    with pytest.raises(StandardError, match="no standard 'qcvn'; known are bnetza-style, "):
        choose_standard(read_standards(None), "qcvn")
