"""The closed list of failures."""

from protocol.failures import MEANINGS, Failure
from protocol.model import Identifier, Model


def test_every_failure_has_its_meaning_in_a_sentence() -> None:
    """No failure without a sentence for people, no sentence without its failure."""
    assert set(MEANINGS) == set(Failure)
    assert all(text.endswith(".") and text[0].isupper() for text in MEANINGS.values())
    assert len(set(MEANINGS.values())) == len(Failure)


def test_a_slot_that_never_began_says_so_in_its_meaning() -> None:
    """The reasons of skipped and missed slots name their outcome first."""
    not_failed = {code for code in Failure if MEANINGS[code].startswith(("Skipped: ", "Missed: "))}
    assert not_failed == {
        Failure.LINE_BUSY,
        Failure.OVERDUE,
        Failure.DATA_BUDGET,
        Failure.NO_SERVER,
        Failure.TERMS_NOT_ACCEPTED,
        Failure.PROBE_STOPPING,
        Failure.PROBE_OFF,
        Failure.CLOCK_STEP,
    }


def test_codes_are_safe_as_labels() -> None:
    """A code can stand in a metric's label, a path and a file name."""

    class _Holder(Model):
        code: Identifier

    assert [_Holder(code=code.value).code for code in Failure] == [code.value for code in Failure]
