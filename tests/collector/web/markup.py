"""Reads a page into a small tree, strictly enough to notice a tag that is never closed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br", "img", "hr"}


@dataclass
class Element:
    """A tag, its attributes, and what is in it."""

    tag: str
    attributes: dict[str, str]
    children: "list[Element | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything that is written in it, spaces made one."""
        parts = [part if isinstance(part, str) else part.text for part in self.children]
        return " ".join(" ".join(parts).split())

    @property
    def classes(self) -> set[str]:
        """Its classes."""
        return set(self.attributes.get("class", "").split())

    def all(self, tag: str | None = None, css: str | None = None, **wanted: str) -> "list[Element]":
        """Return what is in it, at any depth, of this tag, class and attributes."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, str):
                continue
            fits = tag in (None, child.tag) and (css is None or css in child.classes)
            if fits and all(child.attributes.get(key) == value for key, value in wanted.items()):
                found.append(child)
            found += child.all(tag, css, **wanted)
        return found

    def one(self, tag: str | None = None, css: str | None = None, **wanted: str) -> "Element":
        """Return the only one that `all` finds."""
        found = self.all(tag, css, **wanted)
        assert len(found) == 1, f"{len(found)} of {tag} {css} {wanted}"
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Element:
    """Return a page's tree.

    Raises:
        AssertionError: a tag is closed that is not open, or never closed.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"never closed: {[one.tag for one in reader.open[1:]]}"
    return reader.open[0]
