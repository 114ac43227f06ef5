"""Sets papers as PDF by Typst: a template of this package, and data.

The same template and data give the same bytes, on every machine: only the fonts in `fonts/` are
used, all embedded, and the moment in the file is given. PDFs are PDF/A-2a: complete in themselves,
with their text and its structure, to be kept for as long as a case may need them. Pieces to be
joined are not: an annex has its fonts, and neither structure nor the claim.
"""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst

from collector.errors import PaperError
from collector.papers.glyphs import FOLDER, shown

TEMPLATES: Final = Path(__file__).parent / "templates"

LANGUAGE: Final = "vi"
"""Of all papers, as `templates/common.typ` has it."""

_REMEMBERED: Final = 10
"""What Typst made it keeps for so many more papers, 4 MB a page, to make the same again sooner."""

_log: Final = logging.getLogger(__name__)


def typeset(
    template: str, data: Mapping[str, Any], moment: datetime, *, to_be_joined: bool = False
) -> bytes:
    """Return a paper as PDF.

    Args:
        template: a file of `templates/` by its name, as "letter.typ"; it may import others there,
            and begins with what `common.typ` has: the data, and a page with a title.
        data: for the template: what JSON can hold. Texts are composed (NFC); a character that the
            fonts lack becomes "□".
        moment: when the paper says that it was made, with its zone; never the clock's: a month's
            papers are made again to the same byte.
        to_be_joined: the pages go into a longer paper: joining keeps no structure, so none is made.

    Raises:
        PaperError: Typst cannot set it.
    """
    source = TEMPLATES / template
    content = json.dumps(_settable(data), ensure_ascii=False, sort_keys=True)
    try:
        compiler = typst.Compiler(
            source,
            root=TEMPLATES,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"data": content},
        )
        made, warnings = compiler.compile_with_warnings(
            format="pdf",
            pdf_standards=[] if to_be_joined else "a-2a",
            pdf_tags=not to_be_joined,
            timestamp=int(moment.timestamp()),
        )
    except RuntimeError as error:
        # Typst's own errors are some, and show the place in the template.
        why = getattr(error, "diagnostic", error)
        raise PaperError(f"{template}: cannot be set: {why}") from None
    finally:
        _forget()
    for one in warnings:
        _log.warning("%s: %s", template, one)
    if not isinstance(made, bytes):
        raise PaperError(f"{template}: cannot be set: no PDF came of it")
    return made


def _forget() -> None:
    """Have Typst let go of what it made, by as many empty papers: no paper is made twice here."""
    compiler = typst.Compiler(root=TEMPLATES, font_paths=_fonts(), ignore_system_fonts=True)
    for _ in range(_REMEMBERED):
        compiler.compile(b" ", format="svg")


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[FOLDER]
    )


def _settable(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return data with texts that the fonts can show."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {str(key): _settable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_settable(one) for one in value]
    return value
