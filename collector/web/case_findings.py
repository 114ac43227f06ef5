"""What a case's lines fail by, as a person reads it: by the words of the standard's own file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from collector.domain.findings import Verdict
from collector.domain.reasons import asked_in, indicator_of, limit_in_words, shown
from collector.domain.standard import Standard

_REQUIRED: Final = {"vi": "yêu cầu", "en": "required"}


class Failed(NamedTuple):
    """Something that a line fails by.

    Attributes:
        text: the standard, what it asks, the figure and the limit.
        verified: whether somebody read the standard's numbers in their text.
    """

    text: str
    verified: bool


def failed_by(
    findings: Iterable[Mapping[str, Any]],
    standards: Mapping[tuple[str, int], Standard],
    language: str,
) -> Iterator[Failed]:
    """Yield what a line fails by.

    Args:
        findings: of the line, as the case keeps them (`collector.cases.opening`).
        standards: that there are, by id and version; of one that is gone the ids are told.
        language: vi or en.
    """
    for one in findings:
        if one["verdict"] == Verdict.FAIL:
            found = standards.get((one["standard"], one["version"]))
            text = _ids(one) if found is None else _words(one, found, language)
            yield Failed(text, bool(one.get("verified")))


def _ids(finding: Mapping[str, Any]) -> str:
    window = f" ({finding['window']})" if finding["window"] else ""
    return f"{finding['standard']}@{finding['version']}: {finding['indicator']}{window}"


def _words(finding: Mapping[str, Any], standard: Standard, language: str) -> str:
    vietnamese = language == "vi"
    try:
        indicator = indicator_of(standard, finding["indicator"])
    except StopIteration:
        # A file that changed without a new version.
        return _ids(finding)
    asked = asked_in(standard, indicator, finding["window"])
    name = getattr(standard.name, language).partition(" – ")[0]
    value = shown(finding["value"], indicator, vietnamese=vietnamese)
    limit = limit_in_words(indicator, finding["limit"], vietnamese=vietnamese)
    return f"{name}: {getattr(asked, language)}: {value}, {_REQUIRED[language]} {limit}"
