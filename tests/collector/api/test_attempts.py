"""Limits on wrong attempts, without a network."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from collector.api.attempts import Attempts

WINDOW = timedelta(minutes=10)
START = datetime(2026, 11, 21, tzinfo=UTC)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400)), max_size=80),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_no_window_has_more_attempts_than_allowed(
    tries: list[tuple[str, int]], each: int, together: int
) -> None:
    """Whatever the order of addresses and pauses, both limits hold in every ten minutes."""
    attempts = Attempts(each, together, WINDOW)
    now = START
    made: list[tuple[datetime, str]] = []
    for address, pause in tries:
        now += timedelta(seconds=pause)
        if attempts.wait(address, now) is None:
            attempts.note_wrong(address, now)
            made.append((now, address))
        recent = [who for at, who in made if at > now - WINDOW]
        assert len(recent) <= together
        assert all(recent.count(who) <= each for who in recent)


def test_the_wait_is_as_long_as_it_says() -> None:
    """One moment before its end an address has to wait, at its end not."""
    attempts = Attempts(1, 10, WINDOW)
    attempts.note_wrong("a", START)
    wait = attempts.wait("a", START + timedelta(minutes=1))
    assert wait == timedelta(minutes=9)
    assert attempts.wait("b", START + timedelta(minutes=1)) is None
    assert attempts.wait("a", START + WINDOW) is None


def test_all_together_have_a_limit() -> None:
    """When it is reached, an address that did nothing has to wait too."""
    attempts = Attempts(5, 2, WINDOW)
    attempts.note_wrong("a", START)
    attempts.note_wrong("b", START)
    assert attempts.wait("c", START) == WINDOW


def test_more_than_the_limit_at_once_is_forgotten_oldest_first() -> None:
    """Requests that were let in together do not make the list longer than its limit."""
    attempts = Attempts(5, 2, WINDOW)
    for address in ("a", "b", "c"):
        attempts.note_wrong(address, START)
    assert attempts.wait("a", START + WINDOW) is None
