"""Trees of JSON are compared number by number."""

from typing import Any

import pytest

from collector.evidence.comparing import differences


@pytest.mark.parametrize(
    "said,found",
    [
        (1, 1),
        (1.0, 1),
        (1e9, 1e9 * (1 + 5e-7)),
        (0.0, 1e-13),
        (None, None),
        ("x", "x"),
        ({"a": [1, {"b": True}]}, {"a": [1, {"b": True}]}),
    ],
)
def test_what_is_the_same_has_no_difference(said: Any, found: Any) -> None:
    """Whole numbers and words exactly, others to a millionth."""
    assert not list(differences(said, found))


@pytest.mark.parametrize(
    "said,found",
    [
        (1, 2),
        (10**15, 10**15 + 1),
        (1.0, 1.000002),
        (1, True),
        (0, False),
        (0, None),
        (1, "1"),
        (float("nan"), float("nan")),
        ([], None),
        ({}, []),
        ("fail", "pass"),
    ],
)
def test_what_differs_is_told(said: Any, found: Any) -> None:
    """A number is no truth value, absent is no zero, and what is no number is like nothing."""
    (one,) = differences({"x": said}, {"x": found})
    assert one.figure == "x"


def test_it_is_said_where() -> None:
    """Things of a list are called by what tells them apart; what is missing is nothing."""
    finding = {"indicator": "mean", "window": "peak", "verdict": "fail"}
    said = {"findings": [finding, {"id": "l2"}], "more": 1}
    found = {"findings": [finding | {"verdict": "pass"}]}
    told = [(one.figure, str(one)) for one in differences(said, found)]
    assert told == [
        ("findings[mean peak].verdict", "the summary says 'fail', the records say 'pass'"),
        ("findings[l2]", "the summary says {'id': 'l2'}, the records say nothing"),
        ("more", "the summary says 1, the records say nothing"),
    ]
