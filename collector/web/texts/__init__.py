"""Every text of the pages, in both languages, in one table. Vietnamese comes first.

``{name}`` is filled by the caller. The tests hold that each text is there in both languages with
the same names to fill.
"""

from collector.web.texts.both import Both
from collector.web.texts.cases import CASES
from collector.web.texts.operator import OPERATOR
from collector.web.texts.public import PUBLIC
from collector.web.texts.words import WORDS

__all__ = ["TEXTS", "Both"]

TEXTS: dict[str, Both] = {**PUBLIC, **OPERATOR, **CASES, **WORDS}
"""Key → the text in both languages."""
