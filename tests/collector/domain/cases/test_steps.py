"""Which step may follow which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.cases.steps import (
    MOVES,
    State,
    Step,
    WrongStepError,
    first_of,
    following,
    last_of,
    state_of,
)
from tests.collector.domain.cases.histories import SENT, history


def test_a_case_goes_its_whole_way() -> None:
    """From draft to closed, one step after the other; what is noted beside moves nothing."""
    way = [
        Step.OPENED,
        Step.APPROVED,
        Step.QUEUED,
        Step.SENT,
        Step.REMINDED,
        Step.ACKNOWLEDGED,
        Step.ANSWERED,
        Step.REMEASURED,
        Step.CLOSED,
    ]
    state = State.DRAFT
    seen = []
    for step in way:
        state = following(3, state, step)
        seen.append(state.value)
    assert seen == [
        *("draft", "approved", "approved", "sent", "sent"),
        *("acknowledged", "answered", "remeasured", "closed"),
    ]
    assert state_of(history(*((step, SENT) for step in way))) is State.CLOSED


@pytest.mark.parametrize(
    "state,step,sentence",
    [
        (State.DRAFT, Step.SENT, "case 3 is a draft: approve it first: linewatch case approve 3"),
        (State.APPROVED, Step.ANSWERED, "case 3 is not sent yet: send it first"),
        (State.SENT, Step.REMEASURED, "case 3 has no answer yet: note the carrier's answer first"),
        (State.CLOSED, Step.ANSWERED, "case 3 is closed: nothing follows"),
    ],
)
def test_a_wrong_step_says_what_comes_first(state: State, step: Step, sentence: str) -> None:
    """The sentence has the command that is to be run."""
    with pytest.raises(WrongStepError) as refused:
        following(3, state, step)
    assert sentence in str(refused.value)


@given(st.lists(st.sampled_from(Step)))
def test_steps_that_were_taken_lead_to_the_state_that_their_events_say(steps: list[Step]) -> None:
    """Refused steps change nothing; a closed case moves no more."""
    state, taken = State.DRAFT, []
    for step in steps:
        try:
            after = following(1, state, step)
        except WrongStepError:
            continue
        assert state is not State.CLOSED or step not in MOVES
        state = after
        taken.append((step, SENT))
    assert state_of(history(*taken)) is state


def test_every_state_can_be_left_but_the_last() -> None:
    """No case is caught anywhere: each open state has a step, and can be closed."""
    for state in set(State) - {State.CLOSED}:
        assert state in MOVES[Step.CLOSED][0]
    assert all(State.CLOSED not in before for before, _ in MOVES.values())


def test_first_goes_by_the_day_and_last_by_the_order() -> None:
    """What happened earlier may be noted later."""
    later = SENT.replace(day=9)
    events = history((Step.ANSWERED, later), (Step.ANSWERED, SENT))
    first, last = first_of(events, Step.ANSWERED), last_of(events, Step.ANSWERED)
    assert first is last is events[1]
    assert first_of(events, Step.SENT) is last_of(events, Step.SENT) is None
