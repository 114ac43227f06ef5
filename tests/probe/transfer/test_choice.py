"""Which of several servers is the nearest."""

import threading
import time

import pytest

from probe.engine import MeasurementError, Order
from probe.transfer import choice
from probe.transfer.choice import Picked, pick
from probe.transfer.guard import Guard
from protocol.failures import Failure
from protocol.messages import ServerEntry
from tests.probe.far_end import Handler, empty, listening, mute, plain_backend

PATHS = {"pingURL": "tick"}


def picked(*entries: ServerEntry, **order: object) -> Picked:
    """Choose one of several servers."""
    asking = Order(server=None, candidates=entries, **order)  # type: ignore[arg-type]
    return pick(asking, Guard(time.monotonic() + 30, asking.cancelled))


def entry(name: str, url: str) -> ServerEntry:
    """Return an entry whose small request is asked at a path of its own."""
    return ServerEntry.model_validate({"name": name, "url": url, "paths": PATHS})


def late(seconds: float) -> dict[str, object]:
    """Return resources that answer late."""

    def tick(request: Handler) -> None:
        time.sleep(seconds)
        empty(request)

    return {"tick": tick}


def test_a_named_server_is_not_chosen() -> None:
    """Where a server is named nothing is asked, and the record has no choice."""
    named = entry("named", "http://127.0.0.1:9")
    order = Order(server=named, candidates=(entry("other", "http://127.0.0.1:9"),))
    assert pick(order, Guard(time.monotonic() + 5)) == Picked(named)


def test_the_nearest_is_chosen_and_all_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest median wins wherever it stands in the list; the record has the rule, what the
    nearest took, what one further off took once, and why others did not answer.
    """
    monkeypatch.setattr(choice, "NEAREST", 2)
    with (
        plain_backend(served=late(0.15)) as middle,  # type: ignore[arg-type]
        plain_backend(served=late(0.5)) as far,  # type: ignore[arg-type]
        plain_backend(served=late(0.0)) as near,  # type: ignore[arg-type]
        plain_backend(served={}) as stranger,
    ):
        chosen = picked(
            entry("far", far),
            entry("middle", middle),
            entry("dead", "http://127.0.0.1:9"),
            entry("near", near),
            entry("stranger", stranger),
        )
    assert chosen.entry.name == "near"
    assert chosen.choice is not None
    assert (chosen.choice.rule, chosen.choice.listed) == (choice.RULE, 5)
    told = {each.name: each for each in chosen.choice.candidates}
    assert list(told)[:3] == ["near", "middle", "far"]
    assert (told["middle"].median_seconds or 0) >= 0.15
    assert told["far"].median_seconds is None
    assert (told["far"].first_seconds or 0) >= 0.5
    failures = {name: each.failure.code for name, each in told.items() if each.failure}
    assert failures == {"dead": Failure.REFUSED, "stranger": Failure.NOT_A_SERVER}


def test_one_that_says_nothing_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes connections and says nothing is left after its time, and named."""
    monkeypatch.setattr(choice, "ANSWER_SECONDS", 1.0)
    with listening(mute) as quiet, plain_backend(served=late(0.0)) as near:  # type: ignore[arg-type]
        chosen = picked(entry("quiet", quiet), entry("near", near))
    assert chosen.entry.name == "near"
    assert chosen.choice is not None
    failed = chosen.choice.candidates[-1]
    assert failed.name == "quiet"
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.detail) == (
        Failure.DEADLINE,
        "no answer within 1 s",
    )


def test_servers_whose_turn_does_not_come_were_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list of dead servers ends with the choice's time, and says who was not asked."""
    monkeypatch.setattr(choice, "CHOICE_SECONDS", 0.3)
    monkeypatch.setattr(choice, "ASKED_AT_ONCE", 1)
    with listening(mute) as url:
        entries = [entry(f"mute-{number}", url) for number in range(3)]
        with pytest.raises(MeasurementError) as caught:
            picked(*entries)
    assert caught.value.report.code is Failure.DEADLINE
    assert "none of 3 servers answered" in caught.value.report.detail
    assert "mute-2: not asked" in caught.value.report.detail


def test_without_a_server_there_is_nothing_to_choose() -> None:
    """An order with neither a server nor candidates fails by name."""
    with pytest.raises(MeasurementError) as caught:
        picked()
    assert caught.value.report.code is Failure.NO_SERVER


def test_a_stop_ends_the_choice() -> None:
    """A choice that is under way ends soon after the probe was asked to stop."""
    stop = threading.Event()
    with listening(mute) as url:
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(MeasurementError) as caught:
            picked(entry("mute", url), cancelled=stop)
    assert caught.value.report.code is Failure.PROBE_STOPPING
