"""Prometheus' text format for families with very many samples, written fast.

`prometheus_client` writes a sample of a dozen labels in some 30 µs, most of it for the labels,
which here are the same for a dozen families: a city's 200,000 samples took it 7 s. So a sample's
labels are written once and used again. A test holds the text to the library's own parser.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

Kind = Literal["gauge", "counter"]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def labels(names: Sequence[str], values: Sequence[str]) -> str:
    """Return labels as they stand in a sample, braces included."""
    pairs = [
        f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True)
    ]
    return "{" + ",".join(pairs) + "}"


class Family:
    """A metric and its samples.

    Args:
        name: as the samples have it; a counter's ends with ``_total``.
        text: what it means, in one line.
        kind: of metric.
    """

    def __init__(self, name: str, text: str, kind: Kind = "gauge") -> None:
        self.name = name
        self._lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]

    def add(self, value: float, labelled: str = "") -> None:
        """Add a sample; ``labelled`` is what `labels` returned."""
        self._lines.append(f"{self.name}{labelled} {float(value)!r}")

    def lines(self) -> Iterator[str]:
        """Yield its lines."""
        return iter(self._lines)


def text_of(families: Sequence[Family]) -> bytes:
    """Return families as `/metrics` has them."""
    return "".join(f"{line}\n" for family in families for line in family.lines()).encode()
