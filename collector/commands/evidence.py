"""`linewatch evidence verify`: what anybody does who is given a file of evidence."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from collector.commands.progress import bar
from collector.evidence.verifying import Report, verify_evidence
from collector.reports.summary import Summary
from protocol.settings import Configuration


@click.command(epilog="Example: linewatch evidence verify evidence.zip")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
def evidence_verify(configuration: Configuration, file: Path, as_json: bool) -> None:
    """Check a file of evidence, and make every number of its summary anew.

    Nothing but the file is needed: no ledger, no network. Checked are the file's bytes, each
    record's hash and place in its chain, the seals and their keys, and to which lines records
    belong; then the summary is made again from the records and compared. Ends with 1 where
    something is wrong, and says where. docs/evidence.md says what a file alone cannot prove.
    """
    del configuration
    found = verify_evidence(file, bar)
    if as_json:
        click.echo(json.dumps(_tree(file, found), ensure_ascii=False))
    else:
        for sentence in _sentences(found):
            click.echo(sentence)
        good = click.style("good", fg="green", bold=True)
        bad = click.style(f"NOT good: {found.findings.count} faults", fg="red", bold=True)
        click.echo(f"{file}: {good if found.good else bad}")
    if not found.good:
        raise SystemExit(1)


def _tree(file: Path, found: Report) -> dict[str, Any]:
    return {
        "file": str(file),
        "good": found.good,
        "software": found.software,
        "carrier": found.summary and found.summary.carrier.id,
        "month": found.summary and found.summary.month,
        "records": found.records,
        "figures": found.figures,
        "faults": [asdict(one) for one in found.findings.faults],
        "faults_count": found.findings.count,
        "notes": found.findings.sentences,
        "keys": [{"probe": probe, "fingerprint": own} for probe, own in found.keys],
        "heads": [asdict(one) for one in found.heads],
    }


def _sentences(found: Report) -> Iterator[str]:
    if found.summary is not None:
        yield from _about(found.summary, found)
    if found.keys:
        yield "keys, to be compared with the operator's or the probes' own word:"
        for probe, own in found.keys:
            yield f"  {probe}: SHA-256 {own}"
    if found.heads:
        yield "ends of the chains in the file, to be compared with an earlier file or the ledger:"
        for head in found.heads:
            yield f"  {head.probe} {head.chain} seq {head.seq}: {head.hash or 'missing'}"
    for note in found.findings.sentences:
        yield click.style(f"note: {note}", fg="yellow")
    for fault in found.findings.faults:
        yield click.style(f"WRONG: {fault}", fg="red")
    left = found.findings.count - len(found.findings.faults)
    if left:
        yield click.style(f"WRONG: and {left} more", fg="red")


def _about(summary: Summary, found: Report) -> Iterator[str]:
    carrier = summary.carrier
    yield f"{carrier.name} ({carrier.id}), {summary.month}, {len(summary.lines)} lines"
    yield f"written by {found.software or 'an unknown program'}"
    yield f"{found.records} records read, {found.figures} values of the summary made anew"
