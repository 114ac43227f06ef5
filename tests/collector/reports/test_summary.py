"""A line's verdict rests on what a complaint may rest on; a summary's bytes on its content."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from collector.domain.findings import Finding, Verdict
from collector.papers.findings import is_due
from collector.reports.summary import (
    LineSummary,
    PartSummary,
    Summary,
    as_json,
    from_json,
    pieces,
)
from tests.collector.papers.months import broken, kept, line, month, part


def of(*parts: PartSummary) -> LineSummary:
    """Return a line's month."""
    return line("l", *parts)


def reference(*findings: Finding) -> PartSummary:
    """Return days of which a reference alone says something."""
    return part(*findings, may_accuse=False)


def test_a_reference_that_fails_accuses_nobody() -> None:
    """The line has the verdict of the requirement, and no letter is due."""
    assert of(reference(broken())).verdict is Verdict.NOT_ENOUGH_DATA
    assert of(part(kept()), reference(broken())).verdict is Verdict.PASS
    assert not is_due(month(of(part(kept()), reference(broken()))))


def test_a_reference_that_is_kept_clears_nobody() -> None:
    """A line that breaks the requirement fails, whatever it keeps beside it."""
    found = of(reference(kept()), part(broken()))
    assert found.verdict is Verdict.FAIL
    assert is_due(month(found))
    assert of(reference(kept())).verdict is Verdict.NOT_ENOUGH_DATA


def test_a_standard_that_was_not_in_force_accuses_and_clears_nobody() -> None:
    """Its verdict stays what it is; no letter rests on it, and one in force beside it decides."""
    ended = part(broken(), in_force=False)
    assert ended.judgements[0].verdict is Verdict.FAIL
    assert of(ended).verdict is Verdict.NOT_ENOUGH_DATA
    assert not is_due(month(of(ended)))
    assert of(ended, part(kept())).verdict is Verdict.PASS
    assert of(part(kept(), in_force=False)).verdict is Verdict.NOT_ENOUGH_DATA
    assert is_due(month(of(ended, part(broken()))))


WHOLE = TypeAdapter(Summary)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXTS, max_size=3), TEXTS)
def test_a_summary_written_line_by_line_is_what_it_is_as_one_text(
    names: list[str], ward: str
) -> None:
    """To the byte, whatever is in its texts; and it is read back."""
    lines = [line(name, part(broken()), part(kept()), ward=ward) for name in names]
    made = replace(month(*lines), ward=ward)
    tree = WHOLE.dump_python(made, mode="json")
    whole = json.dumps(tree, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    assert as_json(made) == whole
    assert b"".join(pieces(made)) == whole
    assert len(list(pieces(made))) == len(names) + 2
    assert as_json(from_json(whole)) == whole
