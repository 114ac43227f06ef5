"""A line's verdict rests on what a complaint may rest on, and on nothing else."""

from collector.domain.findings import Finding, Verdict
from collector.papers.findings import is_due
from collector.reports.summary import LineSummary, PartSummary
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
