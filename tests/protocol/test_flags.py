"""The closed list of flags."""

from protocol.flags import MEANINGS, Flag


def test_every_flag_has_its_meaning_in_a_sentence() -> None:
    """No flag without a sentence for people, no sentence without its flag."""
    assert set(MEANINGS) == set(Flag)
    assert all(text.endswith(".") and text[0].isupper() for text in MEANINGS.values())
    assert len(set(MEANINGS.values())) == len(Flag)
