"""Joins PDFs into a longer one, which goes to the disk as they come.

A city's annex has thousands of pages. A library that joins keeps all objects of all of them until
the end, some 0.2 MB a page; here a piece is read, written and forgotten. What is the same in
several pieces is written once. The same pieces give the same bytes.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from pypdf import PdfReader
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    PdfObject,
    TextStringObject,
)

from collector.errors import PaperError

_HEADER: Final = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
"""The second line has other than ASCII, so that nobody takes the file for a text."""

_CATALOG, _PAGES, _OUTLINE, _INFO = range(1, 5)
"""Numbers of objects that others refer to before they are written."""

Add = Callable[[bytes], None]
"""Takes a PDF, all of whose pages follow those that were there."""


@contextmanager
def joined(path: Path, title: str, language: str) -> Iterator[Add]:
    """Write a PDF at ``path``; yield what takes its pieces, one at least.

    Their pages and the first level of their outlines are taken over. Structure, metadata,
    attachments and what links go by are not.

    Args:
        path: is replaced.
        title: of the whole.
        language: of its text, as RFC 5646 has them.

    Raises:
        PaperError: a piece has objects in a circle that does not go through a page.
        OSError: the file cannot be written.
    """
    with path.open("wb") as file:
        whole = _Whole(file)
        yield whole.add
        whole.end(title, language)


class _Heading(NamedTuple):
    """An entry of the outline."""

    title: str
    page: int
    top: PdfObject


@dataclass(slots=True)
class _Whole:
    """What was written so far.

    Attributes:
        places: number of an object → where it begins.
        known: SHA-256 of an object's bytes → its number.
        pieces: numbers of the nodes that the pages of a piece stand below.
        pages: how many there are.
    """

    file: BinaryIO
    places: dict[int, int] = field(default_factory=dict)
    known: dict[bytes, int] = field(default_factory=dict)
    pieces: list[int] = field(default_factory=list)
    headings: list[_Heading] = field(default_factory=list)
    pages: int = 0
    last: int = _INFO

    def __post_init__(self) -> None:
        self.file.write(_HEADER)

    def add(self, content: bytes) -> None:
        """Write a piece."""
        reader = PdfReader(io.BytesIO(content), strict=True)
        node = self.new()
        pages = {_own_number(page): (self.new(), page) for page in reader.pages}
        copy = _Copy(self, {own: number for own, (number, _) in pages.items()})
        for number, page in pages.values():
            page[NameObject("/Parent")] = NullObject()
            copy.renumber(page)
            page[NameObject("/Parent")] = _to(node)
            self.write(number, page)
        numbers = [number for number, _ in pages.values()]
        self.write(node, _pages(numbers, len(numbers), _PAGES))
        self.pieces.append(node)
        self.pages += len(numbers)
        for one in reader.outline:
            # What stands below an entry is a list.
            if not isinstance(one, list) and isinstance(one.page, IndirectObject):
                number, _ = pages[one.page.idnum]
                self.headings.append(
                    _Heading(str(one.title), number, one.get("/Top", NullObject()))
                )

    def new(self) -> int:
        """Return the number of an object to be written."""
        self.last += 1
        return self.last

    def write(self, number: int, value: PdfObject) -> None:
        """Write an object."""
        self._put(number, _serialised(value))

    def share(self, value: PdfObject) -> int:
        """Write an object, unless the same was; return its number."""
        content = _serialised(value)
        digest = hashlib.sha256(content).digest()
        if (number := self.known.get(digest)) is None:
            number = self.known[digest] = self.new()
            self._put(number, content)
        return number

    def _put(self, number: int, content: bytes) -> None:
        self.places[number] = self.file.tell()
        self.file.write(b"%d 0 obj\n%b\nendobj\n" % (number, content))

    def end(self, title: str, language: str) -> None:
        """Write what holds the pieces together."""
        self.write(_PAGES, _pages(self.pieces, self.pages, None))
        self._write_outline()
        self.write(_INFO, _dictionary({"/Title": TextStringObject(title)}))
        catalog = {
            "/Type": NameObject("/Catalog"),
            "/Pages": _to(_PAGES),
            "/Outlines": _to(_OUTLINE),
            # Of thousands of pages the list is what one begins with.
            "/PageMode": NameObject("/UseOutlines"),
            "/Lang": TextStringObject(language),
        }
        self.write(_CATALOG, _dictionary(catalog))
        size, begin = self.last + 1, self.file.tell()
        self.file.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
        for number in range(1, size):
            self.file.write(b"%010d 00000 n \n" % self.places[number])
        trailer = {"/Size": NumberObject(size), "/Root": _to(_CATALOG), "/Info": _to(_INFO)}
        content = _serialised(_dictionary(trailer))
        self.file.write(b"trailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (content, begin))

    def _write_outline(self) -> None:
        numbers = [self.new() for _ in self.headings]
        befores, behinds = [None, *numbers][:-1], [*numbers, None][1:]
        around = zip(self.headings, numbers, befores, behinds, strict=True)
        for one, number, before, behind in around:
            place = [_to(one.page), NameObject("/XYZ"), NullObject(), one.top, NullObject()]
            entry: dict[str, PdfObject] = {
                "/Title": TextStringObject(one.title),
                "/Parent": _to(_OUTLINE),
                "/Dest": ArrayObject(place),
            }
            entry |= {"/Prev": _to(before)} if before else {}
            entry |= {"/Next": _to(behind)} if behind else {}
            self.write(number, _dictionary(entry))
        root: dict[str, PdfObject] = {"/Type": NameObject("/Outlines")}
        if numbers:
            count = NumberObject(len(numbers))
            root |= {"/First": _to(numbers[0]), "/Last": _to(numbers[-1]), "/Count": count}
        self.write(_OUTLINE, _dictionary(root))


@dataclass(slots=True)
class _Copy:
    """A piece that is being written.

    Attributes:
        numbers: its own numbers of objects → theirs in the whole; None: one is being written.
    """

    whole: _Whole
    numbers: dict[int, int | None]

    def renumber(self, value: Any) -> Any:  # noqa: ANN401 - whatever a PDF can hold
        """Return a value whose references are those of the whole; what they name is written."""
        if isinstance(value, IndirectObject):
            return _to(self._number_of(value))
        if isinstance(value, DictionaryObject):
            # Their own `items` and `[]` would follow the references.
            for name, one in list(dict.items(value)):
                dict.__setitem__(value, name, self.renumber(one))
        elif isinstance(value, ArrayObject):
            value[:] = [self.renumber(one) for one in list.__iter__(value)]
        return value

    def _number_of(self, reference: IndirectObject) -> int:
        own = reference.idnum
        if own not in self.numbers:
            self.numbers[own] = None
            self.numbers[own] = self.whole.share(self.renumber(reference.get_object()))
        number = self.numbers[own]
        if number is None:
            raise PaperError(f"a PDF to be joined has objects in a circle, through number {own}")
        return number


def _own_number(page: DictionaryObject) -> int:
    reference = page.indirect_reference
    if reference is None:
        raise PaperError("a PDF to be joined has a page that is no object of its own")
    return reference.idnum


def _to(number: int) -> IndirectObject:
    return IndirectObject(number, 0, None)


def _pages(numbers: list[int], count: int, parent: int | None) -> DictionaryObject:
    node: dict[str, PdfObject] = {
        "/Type": NameObject("/Pages"),
        "/Kids": ArrayObject(map(_to, numbers)),
        "/Count": NumberObject(count),
    }
    return _dictionary(node | ({"/Parent": _to(parent)} if parent else {}))


def _dictionary(values: Mapping[str, PdfObject]) -> DictionaryObject:
    return DictionaryObject({NameObject(name): value for name, value in values.items()})


def _serialised(value: PdfObject) -> bytes:
    content = io.BytesIO()
    value.write_to_stream(content)
    return content.getvalue()
