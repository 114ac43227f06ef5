# ruff: noqa: INP001 - a program beside the pages that it writes, not a package
"""Writes what the code already says into the docs: `python -m docs.make_tables`, from the top.

Tables of settings, commands, failures, flags, engines and constants stand between markers in the
pages; config.yaml and the schemas of reports are written whole. `tests/test_docs.py` fails while
any of it is out of date.
"""

import importlib
import json
import tempfile
import textwrap
import types
import typing
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import linewatch
from collector.api.document import operations
from collector.reports.comparison import schema as comparison_schema
from collector.reports.summary import schema as summary_schema
from collector.reports.yearly.report import schema as yearly_schema
from collector.sinks import series
from dashboards.boards import BOARDS
from dashboards.spec import needs
from probe.engines import ENGINES
from protocol import failures, flags
from protocol.settings import Section
from server.app import MeasurementServer
from server.settings import ServerSettings
from tests.integration.support import register_probe, start_collector, start_probe

TOP = Path(__file__).parent.parent

CONFIG_HEAD = """\
# Every setting of Linewatch, at its default. Keep what you want to change; the rest may go.
#
#   linewatch server run --config config.yaml --check     checks the file and shows what holds
#   LINEWATCH_SERVER__LIMITS__TESTS=32                    overrides server.limits.tests
#
# Where a section's part is not installed, the section is not looked at. The file is looked for as
# config.yaml where the command runs, then as /etc/linewatch/config.yaml.
"""

LONGEST_DEFAULT = 60
"""A default longer than this stands in config.yaml only, not in the tables."""

MEANINGS_OF_MESSAGES = {
    "ServerEntry.name": "The server's name, in records and pages.",
    "ServerEntry.url": "Its address, for example http://measure.example:8080/.",
    "ServerEntry.stamp": "HOST:PORT of its STAMP reflector; null is the number of its URL.",
    "ServerEntry.engine": "What speaks with it: http, ndt7, ookla or iperf3.",
    "ServerEntry.network": "Whose network it stands in, for people.",
    "ServerEntry.paths": "Where a LibreSpeed backend has its resources; null finds out.",
    "BackendPaths.download": "Path of the download, as in LibreSpeed's server lists.",
    "BackendPaths.upload": "Path that takes uploads.",
    "BackendPaths.ping": "Path of the empty answer.",
    "BackendPaths.address": "Path that says the asker's address.",
    "MeasuredPath.servers": "The servers that its speed tests go to by turns, the main one first; "
    "empty: the first of all.",
    "MeasuredPath.name": "The path's name, in records and pages.",
    "MeasuredPath.interface": "The interface to leave by; null is the system's choice.",
    "MeasuredPath.families": "The address families to test: 4, 6 or both in turn.",
    "MeasuredPath.line": "The line that the path measures, by its name in the registry.",
    "MeasuredPath.beside": "Another path of the line whose speed tests this one's stand beside.",
    "MeasuredPath.fleet_place": "Where its tests stand among a fleet's; a collector says it.",
    "FleetPlace.place": "As a share of each part of a window.",
    "FleetPlace.turn": "Which server begins.",
    "FleetPlace.seed": "The same for the whole fleet.",
    "MeasuredPath.carrier_prefixes": "Networks of the line's carrier (CIDR); a test that left by "
    "another is flagged. Empty: not known.",
    "MeasuredPath.monthly_data_budget_bytes": "No speed test in a month above it; null: no limit.",
    "MeasuredPath.schedule": "What is measured when.",
    "Schedule.speed": "When speed tests run; null: never.",
    "Schedule.latency": "When a minute of STAMP packets runs; null: never.",
    "Schedule.reach": "When it is asked what still answers; null: never.",
    "SpeedSchedule.windows": "Parts of the day, each with its number of tests.",
    "SpeedSchedule.profile": "full is evidence; quick ends early and is flagged so.",
    "Window.name": "The window's name.",
    "Window.start": "Local time at which it begins.",
    "Window.end": "Local time at which it ends; before its start means the next day.",
    "Window.tests": "Tests in it, each at a random moment of its own part.",
    "LatencySchedule.every_seconds": "Once in each period of so long, at a random moment of it.",
    "ReachSchedule.every_seconds": "Once in each period of so long, at a random moment of it.",
}
"""What the settings mean that are messages too: their models stand in `protocol.messages`."""


EXAMPLES = {
    "ServerEntry.name": "measure-1",
    "ServerEntry.url": "http://measure.example:8080/",
    "MeasuredPath.name": "eth0",
    "MeasuredPath.interface": "eth0",
    "MeasuredPath.families": "[4, 6]",
    "MeasuredPath.line": "nvh-to-1-vnpt",
    "MeasuredPath.monthly_data_budget_bytes": "300000000000",
    "FleetPlace.place": "0.25",
    "FleetPlace.turn": "0",
    "FleetPlace.seed": "fleet",
    "SpeedSchedule.profile": "full",
    "Window.name": "evening",
    "Window.start": "'19:00'",
    "Window.end": "'23:00'",
    "Window.tests": "3",
    "LatencySchedule.every_seconds": "300",
    "ReachSchedule.every_seconds": "300",
    "TlsSettings.certificate": "/etc/linewatch/tls/fullchain.pem",
    "TlsSettings.key": "/etc/linewatch/tls/key.pem",
    "InfluxdbSettings.name": "victoria",
    "InfluxdbSettings.url": "http://127.0.0.1:8428",
}
"""What the commented examples of config.yaml show; `tests/test_docs.py` loads them too."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, or a group of them.

    Attributes:
        path: from the section down, dotted; `[]` after a list.
        meaning: in a sentence.
        default: as YAML text; empty where it must be given, and for groups.
        group: whether it is a group, whose members follow.
    """

    path: str
    meaning: str
    default: str
    group: bool


def sections() -> dict[str, type[Section]]:
    """Return the sections of config.yaml and their models."""
    found = {}
    for name, place in linewatch.SECTIONS.items():
        module, _, model = place.partition(":")
        found[name] = getattr(importlib.import_module(module), model)
    return found


def settings(model: type[BaseModel], above: str) -> Iterator[Setting]:
    """Yield every setting of a model and of the models below it, in their order."""
    for name, field in model.model_fields.items():
        path = f"{above}.{field.alias or name}"
        below, many = _model_in(field.annotation)
        meaning = _meaning(model, name, field)
        yield Setting(path, meaning, "" if below and not many else _default(field), bool(below))
        if below:
            yield from settings(below, f"{path}[]" if many else path)


def _meaning(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    meaning = field.description or MEANINGS_OF_MESSAGES.get(f"{model.__name__}.{name}")
    if not meaning:
        raise ValueError(f"the setting {name} of {model.__name__} has no description")
    return meaning


def _model_in(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """Return the model that a field holds, and whether it holds many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _model_in(get_args(annotation)[0])
    for part in get_args(annotation):
        model, many = _model_in(part)
        if model:
            return model, many or origin not in {Union, types.UnionType}
    return None, False


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    return _flow(field.get_default(call_default_factory=True))


def _flow(value: object) -> str:
    """Return a value as one line of YAML."""
    text: str = yaml.safe_dump(
        _plain(value), default_flow_style=True, width=10_000, sort_keys=False
    )
    return text.removesuffix("...\n").strip()


def _plain(value: object) -> Any:  # noqa: ANN401 - what YAML can write
    if isinstance(value, SecretStr):
        raise TypeError("a secret must not have a default")
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def settings_table(name: str) -> str:
    """Return a section's table."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for setting in settings(sections()[name], name):
        short = 0 < len(setting.default) <= LONGEST_DEFAULT
        default = f"`{setting.default}`" if short else ""
        rows.append(f"| `{setting.path}` | {default} | {setting.meaning} |")
    return "\n".join(rows)


def commands_table() -> str:
    """Return the table of commands."""
    rows = ["| command | what it does |", "|---|---|"]

    def add(table: linewatch.Commands, above: str) -> None:
        for name, (text, target) in table.items():
            if isinstance(target, str):
                rows.append(f"| `{above} {name}` | {text} |")
            else:
                add(target, f"{above} {name}")

    add(linewatch.COMMANDS, "linewatch")
    return "\n".join(rows)


def meanings_table(title: str, meanings: Mapping[Any, str]) -> str:
    """Return the table of a closed list."""
    rows = [f"| {title} | meaning |", "|---|---|"]
    rows += [f"| `{member.value}` | {text} |" for member, text in meanings.items()]
    return "\n".join(rows)


def engines_table() -> str:
    """Return the table of engines."""
    rows = ["| engine | version | task | longest |", "|---|---|---|---|"]
    rows += [
        f"| `{name}` | {engine.version} | `{engine.task}` | {engine.deadline_seconds:.0f} s |"
        for name, engine in ENGINES.items()
    ]
    return "\n".join(rows)


def server_metrics() -> str:
    """Return the table of what a real server shows at /metrics."""
    server = MeasurementServer(ServerSettings(listen="127.0.0.1:0"))
    try:
        return metrics_table(server.url)
    finally:
        server.stop()


def agents_metrics() -> dict[str, str]:
    """Return the tables of what a real collector and a probe of it show at /metrics."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with start_collector(folder) as collector:
            register_probe(folder, collector)
            with start_probe(folder) as probe:
                return {
                    "metrics:collector": metrics_table(collector.url),
                    "metrics:probe": metrics_table(probe.url),
                }


def metrics_table(url: str) -> str:
    """Return the table of the metrics of a running part."""
    with urllib.request.urlopen(f"{url.rstrip('/')}/metrics", timeout=10) as answer:  # noqa: S310 - loopback
        text = answer.read().decode()
    rows = ["| metric | kind | meaning |", "|---|---|---|"]
    for family in text_string_to_metric_families(text):
        if family.name.startswith("linewatch_") and not family.name.endswith("_created"):
            name = family.name + ("_total" if family.type == "counter" else "")
            rows.append(f"| `{name}` | {family.type} | {family.documentation} |")
    return "\n".join(rows)


def api_table() -> str:
    """Return the table of the reading API, from its own description."""
    rows = ["| resource | what | for |", "|---|---|---|"]
    for operation in operations():
        reader = "operators" if operation.operators_only else "everybody"
        rows.append(f"| `GET {operation.path}` | {operation.summary_en} | {reader} |")
    return "\n".join(rows)


def fields_table() -> str:
    """Return the table of what sinks write: measurements and their fields."""
    rows = ["| measurement | field | type | meaning |", "|---|---|---|---|"]
    counted = f"| `{series.RECORDS_FIELD}` | i | Always 1: summed, it counts. |"
    for one in series.MEASUREMENTS.values():
        rows.append(f"| `{one.name}`: {one.meaning} {counted}")
        rows += [
            f"| | `{field.name}` | {'i' if field.whole else 'f'} | {field.meaning}"
            f"{' Whatever the outcome.' if field.registry else ''} |"
            for field in one.fields
        ]
    rows.append(f"| `{series.FLAGS_MEASUREMENT}`: A flag of a record. {counted}")
    return "\n".join(rows)


def tags_table() -> str:
    """Return the table of the tags of what sinks write."""
    rows = ["| tag | meaning |", "|---|---|"]
    rows += [f"| `{name}` | {text} |" for name, text in series.TAGS.items()]
    rows += [
        f"| `{name}` | {text} Of `{series.FLAGS_MEASUREMENT}`. |"
        for name, text in series.FLAGS_TAGS.items()
    ]
    return "\n".join(rows)


def dashboards_table() -> str:
    """Return the table of the dashboards' panels, by what they read."""
    rows = ["| dashboard | panels that read series | panels that read metrics |", "|---|---|---|"]
    for board in BOARDS:
        cells = [
            "; ".join(dict.fromkeys(one.title.en for one in board.panels if needs(one) == {source}))
            for source in ("series", "metrics")
        ]
        rows.append(f"| **{board.title.en}**, `{board.name}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def config_example() -> str:
    """Return config.yaml."""
    lines = [CONFIG_HEAD.rstrip()]
    for name, model in sections().items():
        lines += ["", f"{name}:", *_live(model, "  ")]
    return "\n".join(lines) + "\n"


def _live(model: type[BaseModel], indent: str) -> Iterator[str]:
    """Yield a model's settings at their defaults, each below its meaning."""
    for name, field in model.model_fields.items():
        yield from _comment(_meaning(model, name, field), indent)
        default = _default(field)
        below, many = _model_in(field.annotation)
        if not below or default in {"null", "[]"}:
            yield f"{indent}{name}: {default}"
        elif issubclass(below, Section) and not many:
            yield f"{indent}{name}:"
            yield from _live(below, indent + "  ")
        else:
            yield f"{indent}{name}:"
            value = _plain(field.get_default(call_default_factory=True))
            yield from textwrap.indent(
                yaml.safe_dump(value, sort_keys=False), indent + "  "
            ).splitlines()
        if below and default in {"null", "[]"}:
            yield f"{indent}# An example:"
            yield f"{indent}# {name}:"
            yield from _example(below, f"{indent}#   ", many=many)


def _example(model: type[BaseModel], indent: str, *, many: bool) -> Iterator[str]:
    """Yield a commented example of what a setting without a default may hold."""
    for number, (name, field) in enumerate(model.model_fields.items()):
        mark = ("- " if number == 0 else "  ") if many else ""
        meaning = _meaning(model, name, field)
        below, many_below = _model_in(field.annotation)
        value = "" if below else f" {EXAMPLES.get(f'{model.__name__}.{name}') or _default(field)}"
        yield f"{indent}{mark}{field.alias or name}:{value}  # {meaning}"
        if below:
            deeper = indent + "  " * (2 if many else 1)
            yield from _example(below, deeper, many=many_below)


def _comment(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
    )


def tables() -> dict[str, dict[str, str]]:
    """Return each page's tables by their marker."""
    return {
        "operator.md": {
            "commands": commands_table(),
            "api": api_table(),
            "dashboards": dashboards_table(),
            **{f"settings:{name}": settings_table(name) for name in sections()},
            "metrics:server": server_metrics(),
            **agents_metrics(),
        },
        "carrier.md": {
            "failures": meanings_table("code", failures.MEANINGS),
            "flags": meanings_table("flag", flags.MEANINGS),
        },
        "method.md": {"engines": engines_table()},
        "series.md": {"fields": fields_table(), "tags": tags_table()},
    }


def files() -> dict[Path, str]:
    """Return every file that is written here, with the text that it should have."""
    found = {TOP / "config.yaml": config_example()}
    for name, schema in (
        ("comparison", comparison_schema()),
        ("summary", summary_schema()),
        ("yearly", yearly_schema()),
    ):
        text = json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        found[TOP / "docs" / f"{name}.schema.json"] = text
    for page, parts in tables().items():
        text = (TOP / "docs" / page).read_text()
        for marker, table in parts.items():
            head, mark, rest = text.partition(f"<!-- {marker} -->\n")
            _, end, tail = rest.partition("<!-- end -->")
            if not (mark and end):
                raise ValueError(f"docs/{page} has no place <!-- {marker} --> … <!-- end -->")
            text = f"{head}{mark}{table}\n{end}{tail}"
        found[TOP / "docs" / page] = text
    return found


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content)
