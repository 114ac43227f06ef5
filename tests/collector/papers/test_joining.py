"""Joining PDFs: as another reader finds them."""

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject

from collector.errors import PaperError
from collector.papers import typesetting
from collector.papers.joining import joined
from collector.papers.typesetting import typeset

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
TEMPLATE = """
#import "common.typ": data, paper
#show: paper.with(title: "Phần")
#for page in data.pages [
  #heading(page)
  #v(1cm)
  Nội dung của #page
  #pagebreak(weak: true)
]
"""


@pytest.fixture
def pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Three papers: the first and the last are the same, the other has a page without heading."""
    common = (typesetting.TEMPLATES / "common.typ").read_text(encoding="utf-8")
    (tmp_path / "common.typ").write_text(common, encoding="utf-8")
    (tmp_path / "pages.typ").write_text(TEMPLATE, encoding="utf-8")
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)
    contents: list[list[str]] = [["Một", "Hai"], [], ["Một", "Hai"]]
    return [typeset("pages.typ", {"pages": pages}, MOMENT, to_be_joined=True) for pages in contents]


def written(path: Path, pieces: list[bytes]) -> PdfReader:
    """Join pieces; return what is read of it, where nothing is forgiven."""
    with joined(path, "Phụ lục (a)", "vi") as add:
        for one in pieces:
            add(one)
    return PdfReader(path, strict=True)


def test_all_pages_are_there_in_their_order(tmp_path: Path, pieces: list[bytes]) -> None:
    """With their text, their size, and the title and language of the whole."""
    found = written(tmp_path / "whole.pdf", pieces)
    texts = ["".join(page.extract_text().split()) for page in found.pages]
    assert texts == ["MộtNộidungcủaMột", "HaiNộidungcủaHai", "", *texts[:2]]
    assert {tuple(map(round, page.mediabox)) for page in found.pages} == {(0, 0, 595, 842)}
    assert found.metadata is not None
    assert found.metadata.title == "Phụ lục (a)"
    assert str(found.root_object["/Lang"]) == "vi"


def test_another_program_reads_the_same(tmp_path: Path, pieces: list[bytes]) -> None:
    """Poppler, which many viewers are made of, has nothing to complain of."""
    written(tmp_path / "whole.pdf", pieces)
    command = ["pdftotext", "-layout", str(tmp_path / "whole.pdf"), "-"]
    said = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert not said.stderr
    assert said.stdout.decode().count("\f") == 5
    assert said.stdout.decode().count("Nội dung của Hai") == 2


def test_each_heading_is_found_in_the_outline(tmp_path: Path, pieces: list[bytes]) -> None:
    """It leads to its page, at its height; of thousands of pages nobody turns each."""
    found = written(tmp_path / "whole.pdf", pieces)
    entries = [one for one in found.outline if not isinstance(one, list)]
    assert [one.title for one in entries] == ["Một", "Hai", "Một", "Hai"]
    assert [found.get_destination_page_number(one) for one in entries] == [0, 1, 3, 4]
    alone = PdfReader(io.BytesIO(pieces[0])).outline
    assert [one["/Top"] for one in entries[:2]] == [
        one["/Top"] for one in alone if not isinstance(one, list)
    ]


def test_entries_and_pages_know_what_they_stand_in(tmp_path: Path, pieces: list[bytes]) -> None:
    """Each entry the one before and the one behind; each page its piece, each piece the whole.
    Readers forgive, and viewers that go backwards do not.
    """
    root: Any = written(tmp_path / "whole.pdf", pieces).root_object
    assert root["/PageMode"] == "/UseOutlines"
    outline = root["/Outlines"]
    entries = [outline["/First"]]
    while "/Next" in entries[-1]:
        entries.append(entries[-1]["/Next"])
    assert [one["/Title"] for one in entries] == ["Một", "Hai", "Một", "Hai"]
    assert outline["/Count"] == len(entries)
    assert entries[-1] == outline["/Last"]
    assert "/Prev" not in entries[0]
    assert [one["/Prev"] for one in entries[1:]] == entries[:-1]
    assert all(one["/Parent"] == outline for one in entries)
    pages = root["/Pages"]
    assert "/Parent" not in pages
    nodes = [node.get_object() for node in pages["/Kids"]]
    assert [node["/Count"] for node in nodes] == [2, 1, 2]
    assert pages["/Count"] == 5
    assert all(node.raw_get("/Parent") == root.raw_get("/Pages") for node in nodes)
    for kid in pages["/Kids"]:
        below = [page.get_object() for page in kid.get_object()["/Kids"]]
        assert all(page.raw_get("/Parent") == kid for page in below)


def test_a_paper_without_headings_has_an_outline_of_none(
    tmp_path: Path, pieces: list[bytes]
) -> None:
    """And is a paper all the same."""
    found = written(tmp_path / "whole.pdf", pieces[1:2])
    assert len(found.pages) == 1
    assert not found.outline


def test_what_is_the_same_is_written_once(tmp_path: Path, pieces: list[bytes]) -> None:
    """Fonts and contents of a piece that comes again are most of it; bytes are always these."""
    written(tmp_path / "once.pdf", pieces[:2])
    written(tmp_path / "twice.pdf", pieces)
    written(tmp_path / "again.pdf", pieces)
    once, twice = ((tmp_path / name).stat().st_size for name in ("once.pdf", "twice.pdf"))
    assert twice - once < len(pieces[2]) / 10
    assert (tmp_path / "again.pdf").read_bytes() == (tmp_path / "twice.pdf").read_bytes()


def test_objects_in_a_circle_are_refused(tmp_path: Path) -> None:
    """Each would have to be written before the other; no page of ours has such."""
    with PdfWriter() as writer:
        page = writer.add_blank_page(100, 100)
        one, other = DictionaryObject(), DictionaryObject()
        one[NameObject("/Other")] = writer._add_object(other)
        other[NameObject("/Other")] = writer._add_object(one)
        page[NameObject("/Circle")] = one.indirect_reference
        content = io.BytesIO()
        writer.write(content)
    with pytest.raises(PaperError, match="in a circle, through number"):
        written(tmp_path / "whole.pdf", [content.getvalue()])
