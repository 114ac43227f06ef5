"""The page of an acceptance test: in the terminal, as plain text, as JSON, and to print."""

from html import escape
from io import StringIO
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from probe.acceptance import words
from probe.acceptance.acceptance import Acceptance
from probe.acceptance.finding import Both, Finding, Language, Result
from probe.quantities import megabits

TEXT_COLUMNS: Final = 100

_COLOURS: Final = {
    Result.OK: "green",
    Result.WARN: "yellow",
    Result.UNKNOWN: "bright_black",
    Result.MEND: "bold red",
}
_ABSENT: Final = Both("–", "–")
_NOT_ENROLLED: Final = Both("chưa ghi danh", "not enrolled")

_STYLE: Final = """
@page{size:A4;margin:12mm 15mm}
:root{color-scheme:light}
*{box-sizing:border-box}
body{font:9.5pt/1.35 "Noto Sans","DejaVu Sans",system-ui,sans-serif;color:#111;background:#fff;
max-width:180mm;margin:8mm auto;padding:0 4mm}
h1{font-size:17pt;margin:0 0 3mm;border-bottom:2px solid #111;padding-bottom:2mm}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:1mm 3mm 1mm 0}
.facts th,.facts td{padding:.3mm 3mm .3mm 0}
.facts th{width:34mm;font-weight:400;color:#555}.facts{margin-bottom:4mm}
.checks tr{border-top:1px solid #bbb;break-inside:avoid}
.checks th{width:34mm;font-weight:600}.checks .result{width:25mm}
.result b{display:inline-block;min-width:20mm;text-align:center;padding:.3mm 1.5mm;
border:1.5px solid;border-radius:1mm;font-size:8.5pt;white-space:nowrap}
.ok b{color:#14713f}.warn b{color:#8a5a00}.unknown b{color:#555}
.mend b{color:#fff;background:#b3261e;border-color:#b3261e;print-color-adjust:exact}
.advice{margin:.6mm 0 0;font-style:italic}.advice::before{content:"→ "}
.verdict{margin-top:5mm;border:2px solid #111;border-radius:1.5mm;padding:3mm 4mm;
break-inside:avoid}
.verdict p{margin:0}.verdict strong{font-size:14pt;line-height:1.3}
.verdict small{display:block;margin-top:2mm;font-size:9pt;color:#444}
.verdict.bad{border-color:#b3261e}.verdict ol{margin:2mm 0 0;padding-left:6mm}
.sign{display:flex;gap:12mm;margin-top:4mm;break-inside:avoid}
.sign div{flex:1;border-top:1px solid #111;padding-top:1mm;font-size:9pt;margin-top:14mm}
@media print{body{margin:0 auto;padding:0}}
"""


def show(console: Console, done: Acceptance, language: Language, *, saved: bool | None) -> None:
    """Print the page.

    Args:
        console: where.
        done: what was found.
        language: of the page.
        saved: whether the rates were kept; None where there are none.
    """
    title = words.TITLE.of(language)
    console.print(Text(f"Linewatch · {title}", style="bold"))
    facts = Table.grid(padding=(0, 2))
    for label, value in _facts(done):
        facts.add_row(Text(label.of(language), style="dim"), Text(value.of(language)))
    console.print(facts)
    table = Table(show_header=False, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for finding in done.findings:
        table.add_row(
            words.CHECKS[finding.check].of(language),
            Text(words.RESULTS[finding.result].of(language), style=_COLOURS[finding.result]),
            Text(_sentences(finding, language)),
        )
    console.print(table)
    first, *rest = _verdict(done, language, saved=saved)
    good = "bold yellow" if done.below_contract else "bold green"
    console.print(Text(first, style="bold red" if done.to_mend else good))
    for line in rest:
        console.print(Text(line))


def as_text(done: Acceptance, language: Language, *, saved: bool | None) -> str:
    """Return the page as plain text."""
    out = StringIO()
    show(Console(file=out, width=TEXT_COLUMNS, no_color=True), done, language, saved=saved)
    return out.getvalue()


def as_dict(done: Acceptance, language: Language, *, saved: bool | None) -> dict[str, Any]:
    """Return it ready for JSON; the sentences are in one language."""
    limits = {"download": done.download, "upload": done.upload}
    certified = done.ceiling is not None
    return {
        "at": done.at.isoformat(),
        "seconds": round(done.seconds, 1),
        "probe": done.probe,
        "site": done.site,
        "model": done.model,
        "serial": done.serial,
        "interface": done.interface,
        "server": done.server,
        "checks": [
            {
                "check": each.check,
                "result": each.result.value,
                "said": each.said.of(language),
                "advice": each.advice.of(language) if each.advice else None,
            }
            for each in done.findings
        ],
        "certified": certified,
        "contract": _contract(done),
        "ceiling": {
            direction: {"bits_per_second": found.bits_per_second, "by": found.by}
            for direction, found in limits.items()
            if found is not None and certified
        },
        "to_mend": [each.check for each in done.to_mend],
        "saved": bool(saved),
    }


def _contract(done: Acceptance) -> dict[str, Any] | None:
    """Return what is promised in each direction, and whether the device is certified for it."""
    if done.contract is None:
        return None
    return {
        direction: {
            "bits_per_second": promised,
            "certified": done.ceiling is not None and direction not in done.below_contract,
        }
        for direction, promised in done.contract._asdict().items()
    }


def as_html(done: Acceptance, language: Language, *, saved: bool | None) -> str:
    """Return a page of its own, to print: nothing is loaded."""
    title = words.TITLE.of(language)
    facts = "".join(
        f"<tr><th>{escape(label.of(language))}</th><td>{escape(value.of(language))}</td></tr>"
        for label, value in _facts(done)
    )
    checks = "".join(_row(finding, language) for finding in done.findings)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Linewatch · {escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Linewatch · {escape(title)}</h1>"
        f'<table class="facts">{facts}</table><table class="checks">{checks}</table>'
        f"{_last(done, language, saved=saved)}{_sign(language)}</body></html>\n"
    )


def _row(finding: Finding, language: Language) -> str:
    advice = finding.advice
    do = f'<p class="advice">{escape(advice.of(language))}</p>' if advice else ""
    return (
        f"<tr><th>{escape(words.CHECKS[finding.check].of(language))}</th>"
        f'<td class="result {finding.result.value}">'
        f"<b>{words.RESULTS[finding.result].of(language)}</b></td>"
        f"<td>{escape(finding.said.of(language))}{do}</td></tr>"
    )


def _last(done: Acceptance, language: Language, *, saved: bool | None) -> str:
    first, *rest = _verdict(done, language, saved=saved)
    first = first.replace(" Mbit/s", "\N{NO-BREAK SPACE}Mbit/s")
    if done.to_mend:
        items = "".join(f"<li>{escape(line.partition('. ')[2])}</li>" for line in rest)
        head = f"<p><strong>{escape(first)}</strong></p>"
        return f'<div class="verdict bad">{head}<ol>{items}</ol></div>'
    small = "".join(f"<small>{escape(line)}</small>" for line in rest)
    return f'<div class="verdict"><p><strong>{escape(first)}</strong></p>{small}</div>'


def _sign(language: Language) -> str:
    names = (
        Both("Kỹ thuật viên (ký, ghi rõ họ tên)", "Technician (name, signature)"),
        Both("Đại diện điểm đo (ký, ghi rõ họ tên)", "For the site (name, signature)"),
    )
    return '<div class="sign">{}</div>'.format(
        "".join(f"<div>{escape(name.of(language))}</div>" for name in names)
    )


def _facts(done: Acceptance) -> list[tuple[Both, Both]]:
    at = f"{done.at:%Y-%m-%d %H:%M:%S %Z}"
    local = f"{done.at:%d/%m/%Y %H:%M:%S %Z}"
    spent = f"{done.seconds:.0f}"
    return [
        (Both("Ngày giờ", "Date"), Both(f"{local} (mất {spent} giây)", f"{at} (took {spent} s)")),
        (Both("Đầu đo", "Probe"), _same(done.probe) or _NOT_ENROLLED),
        (Both("Điểm đo", "Site"), _same(done.site) or _ABSENT),
        (Both("Thiết bị", "Device"), _device(done)),
        (Both("Đường đo", "Path"), _same(done.interface) or _ABSENT),
        (Both("Gói cước", "Contract"), _promised(done)),
        (Both("Máy chủ đối chiếu", "Reference server"), _same(done.server) or _ABSENT),
    ]


def _device(done: Acceptance) -> Both:
    model = done.model or "–"
    if done.serial is None:
        return Both(model, model)
    return Both(f"{model}, số sê-ri {done.serial}", f"{model}, serial {done.serial}")


def _promised(done: Acceptance) -> Both:
    if done.contract is None:
        return _ABSENT
    down, up = map(megabits, done.contract)
    return Both(
        f"{down.vi}/{up.vi} Mbit/s (chiều xuống/chiều lên)",
        f"{down.en}/{up.en} Mbit/s (down/up)",
    )


def _same(value: str | None) -> Both | None:
    return Both(value, value) if value else None


def _sentences(finding: Finding, language: Language) -> str:
    said = finding.said.of(language)
    return f"{said}\n→ {finding.advice.of(language)}" if finding.advice else said


def _verdict(done: Acceptance, language: Language, *, saved: bool | None) -> list[str]:
    """Return the last lines: the certificate and what became of it, or what is to be mended."""
    if done.to_mend or done.download is None or done.upload is None:
        items = [
            f"{number}. {words.CHECKS[each.check].of(language)}: "
            f"{each.advice.of(language) if each.advice else each.said.of(language)}"
            for number, each in enumerate(done.to_mend, 1)
        ]
        return [words.MEND_FIRST.of(language), *items]
    down, up = done.download, done.upload
    sentence = words.certificate(down.bits_per_second, up.bits_per_second)
    reasons = [words.LIMITED_BY[each.by].of(language) for each in (down, up)]
    limits = Both(
        f"Giới hạn: chiều xuống {reasons[0]}, chiều lên {reasons[1]}.",
        f"Limited: down {reasons[0]}, up {reasons[1]}.",
    )
    kept = words.SAVED if saved else words.NOT_SAVED
    return [each.of(language) for each in (sentence, limits, *_worth(done), kept)]


def _worth(done: Acceptance) -> list[Both]:
    """Return what the certificate is worth for the contract, direction by direction."""
    ceiling, contract = done.ceiling, done.contract
    if ceiling is None or contract is None:
        return []
    certified = (ceiling.download_bits_per_second, ceiling.upload_bits_per_second)
    return [
        words.kept_contract(direction, promised, rate, enough=direction not in done.below_contract)
        for (direction, promised), rate in zip(contract._asdict().items(), certified, strict=True)
    ]
