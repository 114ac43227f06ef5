"""The table of texts."""

import re
import string
import unicodedata
from pathlib import Path

import pytest

from collector.domain.line_state import LineState
from collector.ledger.events import EventKind
from collector.web.axes import Period
from collector.web.texts import TEXTS, Both
from protocol.failures import Failure
from protocol.flags import Flag
from protocol.records import Outcome

WEB = Path(__file__).parents[3] / "collector" / "web"

SAME_IN_BOTH = {"unit_speed", "unit_gigabits", "unit_latency", "technology_dsl", "flag_name_wifi"}


def _filled_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_there_in_both_languages(key: str) -> None:
    """A text has both languages, other than each other, with the same names to fill in."""
    both = TEXTS[key]
    assert both.vi.strip() == both.vi != ""
    assert both.en.strip() == both.en != ""
    assert _filled_in(both.vi) == _filled_in(both.en)
    assert unicodedata.normalize("NFC", both.vi) == both.vi
    plain = unicodedata.normalize("NFD", both.en)
    assert key == "other_language" or not any(map(unicodedata.combining, plain))


def test_languages_are_not_mixed_up() -> None:
    """Nearly every Vietnamese text differs from the English one."""
    same = {key for key, both in TEXTS.items() if both.vi == both.en}
    assert same <= SAME_IN_BOTH


def test_every_member_of_a_closed_list_has_its_words() -> None:
    """States, outcomes, failures, flags, events and periods can all be said."""
    needed = [f"state_{state}" for state in LineState]
    needed += [f"state_{state}_means" for state in LineState]
    needed += [f"outcome_{outcome}" for outcome in Outcome]
    needed += [f"failure_{failure}" for failure in Failure]
    needed += [f"flag_{flag}" for flag in Flag] + [f"flag_name_{flag}" for flag in Flag]
    needed += [f"event_{kind}" for kind in EventKind]
    needed += [f"period_{period}" for period in Period]
    assert set(needed) <= set(TEXTS)


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    """Templates and code name only texts that exist, and no text is left over."""
    sources = [*WEB.glob("templates/*.html"), *WEB.glob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"""["']([a-z][a-z0-9_]*)["']""", code))
    called = set(re.findall(r"""\bt\(\s*["']([a-z0-9_]+)["']\s*[,)]""", code))
    assert called <= set(TEXTS)
    composed = re.findall(r"""["']([a-z_]+_)["'] ~|f["']([a-z_]+_)\{""", code)
    prefixes = tuple({one for pair in composed for one in pair if one})
    unused = {
        key
        for key in TEXTS
        if key.removesuffix("_one").removesuffix("_title") not in named
        and key not in named
        and not key.startswith(prefixes)
    }
    assert unused == set()


def test_table_is_of_pairs() -> None:
    """Every entry is a `Both`, so that a language cannot be left out."""
    assert all(isinstance(both, Both) for both in TEXTS.values())
