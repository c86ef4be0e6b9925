"""The only configuration technology: frozen pydantic models from YAML with dotted overrides.

Precedence: defaults < YAML < `a.b=c` from the command line. Unknown keys are refused, naming the
nearest valid one. The string under each field is its help text.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import pydantic
import yaml

from burnish.errors import ConfigError
from burnish.types import Json


class Config(pydantic.BaseModel):
    """Base of every configuration section."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )

    @classmethod
    def from_tree(cls, tree: dict[str, Json], *, source: str) -> Self:
        """Validate a parsed YAML tree. Raises ConfigError naming `source` and the dotted key."""
        try:
            return cls.model_validate(tree)
        except pydantic.ValidationError as error:
            lines = [f"{source}: {_explain(problem, cls)}" for problem in error.errors()]
            raise ConfigError("\n".join(lines)) from error


def load_tree(path: Path, overrides: Sequence[str] = ()) -> dict[str, Json]:
    """Read a YAML file and apply overrides such as `method.kl_coef=0.1`. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). `burnish recipes` lists those at hand."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error}); a recipe is a YAML file") from error
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a recipe is a mapping of sections, found {type(tree).__name__}")
    return with_overrides(tree, overrides)


def with_overrides(tree: dict[str, Json], overrides: Sequence[str]) -> dict[str, Json]:
    """The tree, changed in place by settings such as `method.kl_coef=0.1`. Raises ConfigError."""
    for override in overrides:
        _override(tree, override)
    return tree


def _override(tree: dict[str, Json], override: str) -> None:
    dotted, equals, value = override.partition("=")
    if not equals or not dotted:
        raise ConfigError(f"override {override!r}: expected KEY=VALUE, such as seed=1")
    *parents, leaf = dotted.split(".")
    section = tree
    for parent in parents:
        child = section.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"override {override!r}: {parent!r} is a value, not a section")
        section = child
    try:
        section[leaf] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {override!r}: the value is not valid YAML") from error


def _explain(problem: typing.Any, root: type[Config]) -> str:  # noqa: ANN401 pydantic's ErrorDetails
    key, owners = _place(root, [str(part) for part in problem["loc"]])
    if problem["type"] != "extra_forbidden":
        return f"{key or 'recipe'}: {problem['msg']} (found {problem['input']!r:.80})"
    valid = sorted({name for owner in owners for name in owner.model_fields})
    nearest = difflib.get_close_matches(key.rpartition(".")[2], valid, n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"valid keys: {', '.join(valid)}"
    return f"{key}: unknown key; {hint}"


def _place(root: type[Config], path: Sequence[str]) -> tuple[str, list[type[Config]]]:
    """The dotted key as the user writes it, and the sections it may belong to.

    pydantic puts the tag of a union's member into the path; the tag picks the member and goes.
    """
    names: list[str] = []
    owners: list[type[Config]] = []
    models = [root]
    num_keys = 0
    for part in path:
        if num_keys:  # the place in a list, or the key of a mapping
            names.append(part)
            num_keys -= 1
            continue
        tagged = [model for model in models if len(models) > 1 and _tag(model) == part]
        if tagged:
            models = tagged
            continue
        names.append(part)
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        num_keys = max((_num_keys(field.annotation) for field in fields), default=0)
        owners = models
        models = [inner for field in fields for inner in _configs_in(field.annotation)]
    return ".".join(names), owners


def _num_keys(annotation: object) -> int:
    """How many places or keys stand between a field and the sections it holds."""
    inside = max(map(_num_keys, typing.get_args(annotation)), default=0)
    return inside + (typing.get_origin(annotation) in (list, tuple, dict))


def _tag(model: type[Config]) -> str | None:
    kind = model.model_fields.get("type")
    return str(kind.default) if kind else None


def _configs_in(annotation: object) -> Iterator[type[Config]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, Config):
            yield annotation
        return
    for argument in typing.get_args(annotation):
        yield from _configs_in(argument)
