"""Query parameters and cursors."""

import base64
import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from collector.api.parameters import ParameterError, Parameters, write_cursor

KNOWN = ("task", "limit", "cursor", "start")


def parameters(**query: str) -> Parameters:
    """Return the parameters of a query."""
    return Parameters(query, KNOWN)


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=3))
def test_numbers_come_back_from_a_cursor(numbers: list[int]) -> None:
    """What goes into a cursor comes out of it."""
    given_back = parameters(cursor=write_cursor(*numbers)).numbers_cursor(len(numbers))
    assert given_back == tuple(numbers)


@given(st.text(max_size=30))
def test_names_come_back_from_a_cursor(name: str) -> None:
    """A name goes through a cursor unchanged."""
    assert parameters(cursor=write_cursor(name)).name_cursor() == name


@given(st.text(max_size=60))
def test_any_cursor_is_read_or_refused(text: str) -> None:
    """A cursor that is none of ours is refused, and never an error of ours."""
    given = parameters(cursor=text)
    with contextlib.suppress(ParameterError):
        assert given.numbers_cursor(2) is None or text
    with contextlib.suppress(ParameterError):
        assert given.name_cursor() is None or text


@pytest.mark.parametrize(
    "content", ["[1]", "[1,2,3]", '["a","b"]', "{}", "[1.5,2]", f"[{2**64},1]", "[" * 150]
)
def test_cursor_of_another_shape_is_refused(content: str) -> None:
    """Only the shape that the resource gave out is taken."""
    cursor = base64.urlsafe_b64encode(content.encode()).decode()
    with pytest.raises(ParameterError):
        parameters(cursor=cursor).numbers_cursor(2)


@pytest.mark.parametrize(
    "text,moment",
    [
        ("2026-11-30T00:00:00Z", datetime(2026, 11, 30, tzinfo=UTC)),
        ("2026-11-30T07:00:00+07:00", datetime(2026, 11, 30, tzinfo=UTC)),
        ("2026-11-30T07:00:00 07:00", datetime(2026, 11, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_rfc_3339(text: str, moment: datetime) -> None:
    """A time with its offset is read, also where the plus of the offset was not escaped."""
    assert parameters(start=text).moment("start") == moment


@pytest.mark.parametrize(
    "text", ["2026-11-30T00:00:00", "yesterday", "0001-01-01T00:00:00+14:00", "2026-13-01"]
)
def test_other_times_are_refused(text: str) -> None:
    """A time without offset, or none at all, is refused by name."""
    with pytest.raises(ParameterError, match=r"^start: "):
        parameters(start=text).moment("start")


@pytest.mark.parametrize("text", ["0", "-1", "1001", "1e3", "٣", "9" * 50])
def test_limit_is_a_whole_number_in_bounds(text: str) -> None:
    """A limit outside its bounds is refused."""
    with pytest.raises(ParameterError, match=r"^limit: "):
        parameters(limit=text).limit(100, 1000)


def test_unknown_repeated_and_long_parameters_are_refused() -> None:
    """What would silently answer another question is refused."""
    with pytest.raises(ParameterError, match="unknown parameter; known here: task, limit"):
        Parameters({"tasks": "speed"}, KNOWN)
    with pytest.raises(ParameterError, match="given more than once"):
        Parameters(MultiDict([("task", "speed"), ("task", "reach")]), KNOWN)
    with pytest.raises(ParameterError, match="longer than"):
        parameters(task="x" * 1001)
    with pytest.raises(ParameterError, match="one of speed, reach"):
        parameters(task="sped").one_of("task", ("speed", "reach"))
