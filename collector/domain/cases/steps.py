"""A case's states and steps: which one may follow which, and what is done first. Pure.

A case is its events, one after the other; none is ever changed or taken back. Its state is what
the last event that moves it says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    REMEASURED = "remeasured"
    ESCALATED = "escalated"
    CLOSED = "closed"


class Step(StrEnum):
    """What happened. Those in `MOVES` give the case another state; the rest is noted beside."""

    OPENED = "opened"
    APPROVED = "approved"
    QUEUED = "queued"
    """Its mail was given to the outbox."""

    GAVE_UP = "gave_up"
    """The outbox stopped trying to send its mail."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    REMEASURED = "remeasured"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    CLOSED = "closed"


class Role(StrEnum):
    """As what somebody did a step. No names: those stand in letters alone."""

    CLERK = "clerk"
    SIGNER = "signer"
    TECHNICIAN = "technician"
    SYSTEM = "system"
    """The collector itself."""


MOVES: Final[Mapping[Step, tuple[frozenset[State], State]]] = {
    Step.APPROVED: (frozenset({State.DRAFT}), State.APPROVED),
    Step.SENT: (frozenset({State.APPROVED}), State.SENT),
    Step.ACKNOWLEDGED: (frozenset({State.SENT, State.ESCALATED}), State.ACKNOWLEDGED),
    Step.ANSWERED: (
        # A carrier may answer again: first that it looks into it, then that it is mended.
        frozenset(
            {
                State.SENT,
                State.ACKNOWLEDGED,
                State.ANSWERED,
                State.REMEASURED,
                State.ESCALATED,
            }
        ),
        State.ANSWERED,
    ),
    Step.REMEASURED: (frozenset({State.ANSWERED, State.REMEASURED}), State.REMEASURED),
    Step.ESCALATED: (
        frozenset({State.SENT, State.ACKNOWLEDGED, State.ANSWERED, State.REMEASURED}),
        State.ESCALATED,
    ),
    Step.CLOSED: (frozenset(set(State) - {State.CLOSED}), State.CLOSED),
}
"""From which states a step may be done, and where it leads."""

_APPROVERS: Final[Mapping[bool, frozenset[Role]]] = {
    True: frozenset({Role.SIGNER, Role.CLERK}),
    False: frozenset({Role.SIGNER}),
}
"""Who may note an approval, where the signed letter is kept with it and where it is not: the
signature is the signer's own word, which a clerk may file; without it the signer's step is."""

OPEN: Final = frozenset(set(State) - {State.CLOSED})

_FIRST: Final = {
    State.DRAFT: ("is a draft", "approve it first: linewatch case approve {case}"),
    State.APPROVED: ("is not sent yet", "send it first: linewatch case send {case}"),
    State.SENT: (
        "has no answer yet",
        "note the carrier's answer first: linewatch case answer {case} --file FILE",
    ),
    State.ACKNOWLEDGED: (
        "has no answer yet",
        "note the carrier's answer first: linewatch case answer {case} --file FILE",
    ),
    State.ANSWERED: ("is answered", "what is left: linewatch case remeasure, escalate or close"),
    State.REMEASURED: ("is measured again", "what is left: linewatch case escalate or close"),
    State.ESCALATED: ("is escalated", "what is left: linewatch case answer or close"),
    State.CLOSED: ("is closed", "nothing follows: open another from a later month"),
}
"""What a state is in words, and what may be done in it."""


class WrongStepError(ValueError):
    """The step does not follow the case's state; the message says what does."""


class WrongRoleError(ValueError):
    """The step is another's; the message says whose."""


def check_approver(case: int, role: Role, *, is_signed: bool) -> None:
    """Raise where a role may not note that a complaint is approved.

    Args:
        case: its number.
        role: who would.
        is_signed: whether the signed letter is kept with the step.

    Raises:
        WrongRoleError: it is not for this role.
    """
    if role not in _APPROVERS[is_signed]:
        then = "'--by signer'" if not is_signed else "'--by signer', or '--by clerk' who files it"
        letter = "the signed letter" if is_signed else "no signed letter"
        raise WrongRoleError(
            f"case {case}: the {role} cannot approve it with {letter}: the signer does, {then}"
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A step of a case.

    Attributes:
        number: 1, 2, … of the case.
        step: what happened.
        at: when it was noted, aware.
        day: the local day on which it happened, which may lie before.
        role: who did it.
        note: in their words; '' where there is none.
        details: what machines read of it: numbers, names of files, a result.
    """

    number: int
    step: Step
    at: datetime
    day: date
    role: Role
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def state_of(events: Iterable[Event]) -> State:
    """Return the state that a case's events lead to."""
    state = State.DRAFT
    for event in events:
        if event.step in MOVES:
            state = MOVES[event.step][1]
    return state


def following(case: int, state: State, step: Step) -> State:
    """Return the state that a step leads to.

    Raises:
        WrongStepError: it does not follow the state.
    """
    if step not in MOVES:
        return state
    before, after = MOVES[step]
    if state not in before:
        is_, then = _FIRST[state]
        raise WrongStepError(f"case {case} {is_}: {then.format(case=case)}")
    return after


def last_of(events: Iterable[Event], step: Step) -> Event | None:
    """Return the last event that was such a step; None: there was none."""
    found = [event for event in events if event.step is step]
    return found[-1] if found else None


def first_of(events: Iterable[Event], *steps: Step) -> Event | None:
    """Return the first event, by its day, that was one of these steps; None: there was none."""
    found = [event for event in events if event.step in steps]
    return min(found, key=lambda event: (event.day, event.number), default=None)
