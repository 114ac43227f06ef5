"""How each part declares and reads its section of config.yaml. Pure: the caller reads the file.

Defaults are values in the models; an unknown key is an error that names the nearest right one;
`LINEWATCH_SECTION__KEY=value` in the environment overrides the file (`__` for each level).
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from protocol.errors import ConfigurationError

ENVIRONMENT_PREFIX = "LINEWATCH_"
_LEVEL = "__"


class Section(BaseModel):
    """A section of the configuration, or a part of one. Frozen; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


S = TypeVar("S", bound=Section)

_PLAIN = {
    "missing": "is needed here",
    "model_type": "a mapping of settings is needed",
    "dict_type": "a mapping of settings is needed",
    "model_attributes_type": "a mapping of settings is needed",
    "tuple_type": "a list is needed",
    "string_type": "a text is needed: put it in quotes",
    "too_short": "at least one is needed",
}
"""What the library says in its own words, for people."""


@dataclass(frozen=True)
class Configuration:
    """The whole configuration: a file's text, where it came from, and the environment.

    Attributes:
        source: the file's name for messages, or None where there is no file.
        text: the file's YAML text; empty where there is no file.
        environ: the environment.
    """

    source: str | None = None
    text: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)

    def section(self, name: str, model: type[S]) -> S:
        """Return the section ``name``, checked.

        Raises:
            ConfigurationError: says each wrong key with its place and what to do.
        """
        tree = self._tree().get(name) or {}
        if not isinstance(tree, dict):
            raise ConfigurationError(f"{self._where()}: {name}: a mapping of settings is needed")
        for path, (_, value) in self._overrides(name).items():
            _put(tree, path, value)
        try:
            return model.model_validate(tree)
        except ValidationError as error:
            raise ConfigurationError(self._explain(name, model, error)) from None

    def check_names(self, known: Mapping[str, object]) -> None:
        """Raise `ConfigurationError` if file or environment name a section not in ``known``."""
        for name in self._tree():
            if name not in known:
                raise ConfigurationError(
                    f"{self._where()}: {name}: unknown section{_nearest(str(name), known)}"
                )
        for variable in sorted(self.environ):
            section, separator, _ = variable.upper().partition(_LEVEL)
            name = section.removeprefix(ENVIRONMENT_PREFIX).lower()
            if separator and section.startswith(ENVIRONMENT_PREFIX) and name not in known:
                raise ConfigurationError(
                    f"environment: {variable}: unknown section {name!r}{_nearest(name, known)}"
                )

    def _where(self) -> str:
        return self.source or "settings"

    def _tree(self) -> dict[str, Any]:
        try:
            tree = yaml.safe_load(self.text) or {}
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{self._where()}: not valid YAML: {error}") from None
        if not isinstance(tree, dict):
            raise ConfigurationError(f"{self._where()}: a mapping of sections is needed")
        return tree

    def _overrides(self, section: str) -> dict[tuple[str, ...], tuple[str, Any]]:
        """Return what the environment sets: by place, the variable's name and the value."""
        prefix = f"{ENVIRONMENT_PREFIX}{section.upper()}{_LEVEL}"
        found = {}
        for name, text in sorted(self.environ.items()):
            if name.upper().startswith(prefix):
                try:
                    value = yaml.safe_load(text)
                except yaml.YAMLError:
                    value = text
                found[tuple(name[len(prefix) :].lower().split(_LEVEL))] = (name, value)
        return found

    def _explain(self, section: str, model: type[Section], error: ValidationError) -> str:
        return "\n".join(
            f"{self._origin(section, place)}: {'.'.join(map(str, (section, *place)))}: {sentence}"
            for place, sentence in faults(model, error)
        )

    def _origin(self, section: str, place: tuple[int | str, ...]) -> str:
        """Return where a setting comes from: the file, or a variable of the environment."""
        for path, (variable, _) in self._overrides(section).items():
            if place[: len(path)] == path:
                return f"environment, {variable}"
        return self._where()


def faults(
    model: type[BaseModel], error: ValidationError
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield each wrong place in what a model was given, with a sentence on it for people."""
    for fault in error.errors(include_url=False, include_input=False):
        place = fault["loc"]
        if fault["type"] == "extra_forbidden":
            owner = _model_at(model, place[:-1])
            nearest = _nearest(str(place[-1]), owner.model_fields if owner else {})
            yield place, f"unknown key{nearest}"
        else:
            yield place, _PLAIN.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")


def dump(section: Section) -> str:
    """Return a section as YAML text, secrets hidden."""
    return yaml.safe_dump(_plain(section.model_dump(mode="python")), sort_keys=False)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    return "**********" if isinstance(value, SecretStr) else str(value)


def _put(tree: dict[str, Any], path: Sequence[str], value: object) -> None:
    for key in path[:-1]:
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below
    tree[path[-1]] = value


def _nearest(wrong: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(wrong, list(known), n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known here: {', '.join(known)}" if known else ""


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that a place in the configuration belongs to, or None where unknown."""
    for part in path:
        if isinstance(part, int):
            continue
        at = model.model_fields.get(part)
        below = _models_in(at.annotation) if at else []
        if not below:
            return None
        model = below[0]
    return model


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
