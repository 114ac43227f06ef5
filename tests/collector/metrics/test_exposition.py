"""The text format that is written fast, held to the library's own reader."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from collector.metrics.exposition import Family, labels, text_of

NAMES = ("line", "ward")
words = st.text(st.characters(codec="utf-8"), max_size=12)


@given(
    st.dictionaries(st.tuples(words, words), st.floats(allow_nan=False), max_size=6),
    st.sampled_from(["gauge", "counter"]),
)
def test_the_library_reads_what_is_written(
    samples: dict[tuple[str, str], float], kind: str
) -> None:
    """Names, kinds, labels with any letters and values of any size come back as they went in."""
    name = "linewatch_x_total" if kind == "counter" else "linewatch_x"
    family = Family(name, "What it means.", "counter" if kind == "counter" else "gauge")
    for values, number in samples.items():
        family.add(number, labels(NAMES, values))
    alone = Family("linewatch_alone", "Without labels.")
    alone.add(True)
    read = list(text_string_to_metric_families(text_of([family, alone]).decode()))
    assert [one.type for one in read] == [kind, "gauge"]
    assert read[0].documentation == "What it means."
    found = {(s.labels["line"], s.labels["ward"]): s.value for s in read[0].samples}
    assert found == samples
    assert {sample.name for sample in read[0].samples} <= {name}
    assert [sample.value for sample in read[1].samples] == [1.0]


def test_numbers_that_are_none_are_written_as_prometheus_reads_them() -> None:
    """Infinity and not-a-number survive."""
    family = Family("linewatch_x", "Odd.")
    family.add(math.inf, labels(("of",), ("inf",)))
    family.add(math.nan, labels(("of",), ("nan",)))
    (read,) = text_string_to_metric_families(text_of([family]).decode())
    assert read.samples[0].value == math.inf
    assert math.isnan(read.samples[1].value)
