"""The only configuration technology: frozen pydantic models from YAML with dotted overrides.

Precedence: defaults < YAML < `a.b=c` from the command line. Unknown keys are refused, naming the
nearest valid one. The string under each field is its help text.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import pydantic

from burnish.errors import ConfigError
from burnish.files.redaction import HIDDEN, is_secret_name, without_secrets
from burnish.files.text import read_text
from burnish.files.yaml_text import MOST_BYTES, Document, YamlTextError, parse_yaml
from burnish.types import Json

_MOST_PROBLEMS = 20
"""That are told at once."""


class Config(pydantic.BaseModel):
    """Base of every configuration section."""

    model_config = pydantic.ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @classmethod
    def from_tree(
        cls, tree: dict[str, Json], *, source: str, lines: Mapping[str, int] | None = None
    ) -> Self:
        """Validate a parsed YAML tree. Raises ConfigError naming `source` and the dotted key.

        `lines`: where each dotted key stands in `source`, as far as it stands there.
        """
        try:
            return cls.model_validate(tree)
        except pydantic.ValidationError as error:
            found = [_explain(problem, cls) for problem in error.errors()][:_MOST_PROBLEMS]
            told = [f"{source}{_line_of(key, lines or {})}: {text}" for key, text in found]
            raise ConfigError("\n".join(told)) from error

    @classmethod
    def from_file(cls, path: Path, overrides: Sequence[str] = ()) -> Self:
        """Read a YAML file with overrides. Raises ConfigError naming file, line and dotted key."""
        document = _document(path)
        tree = with_overrides(_mapping_of(document, path), overrides)
        changed = [override.partition("=")[0] for override in overrides]
        lines = {
            key: line
            for key, line in document.lines.items()
            if not any(key.startswith(f"{name}.") for name in changed)
        }
        return cls.from_tree(tree, source=str(path), lines=lines | dict.fromkeys(changed, 0))


def load_tree(path: Path, overrides: Sequence[str] = ()) -> dict[str, Json]:
    """Read a YAML file and apply overrides such as `method.kl_coef=0.1`. Raises ConfigError."""
    return with_overrides(_mapping_of(_document(path), path), overrides)


def _document(path: Path) -> Document:
    try:
        return parse_yaml(read_text(path, most_bytes=MOST_BYTES))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). `burnish recipes` lists those at hand."
        ) from error
    except YamlTextError as error:
        raise ConfigError(f"{error.at(str(path))}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error}); a recipe is a YAML file") from error


def _mapping_of(document: Document, path: Path) -> dict[str, Json]:
    if not isinstance(document.tree, dict):
        found = type(document.tree).__name__
        raise ConfigError(f"{path}: a recipe is a mapping of sections, found {found}")
    return document.tree


def with_overrides(tree: dict[str, Json], overrides: Sequence[str]) -> dict[str, Json]:
    """The tree, changed in place by settings such as `method.kl_coef=0.1`. Raises ConfigError."""
    for override in overrides:
        _override(tree, override)
    return tree


def _override(tree: dict[str, Json], override: str) -> None:
    dotted, equals, value = override.partition("=")
    if not equals or not dotted:
        raise ConfigError(f"override {_shown(override)}: expected KEY=VALUE, such as seed=1")
    *parents, leaf = dotted.split(".")
    section = tree
    for parent in parents:
        child = section.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(
                f"override {_shown(override)}: {parent!r:.60} is a value, not a section"
            )
        section = child
    try:
        section[leaf] = parse_yaml(value).tree
    except YamlTextError as error:
        raise ConfigError(
            f"override {_shown(override)}: the value is not valid YAML ({error})"
        ) from error


def _explain(problem: typing.Any, root: type[Config]) -> tuple[str, str]:  # noqa: ANN401 pydantic's ErrorDetails
    """The dotted key, and what is wrong with it."""
    key, owners = _place(root, [str(part) for part in problem["loc"]])
    if problem["type"] != "extra_forbidden":
        found = HIDDEN if is_secret_name(key.rpartition(".")[2]) else _shown(problem["input"])
        return key, f"{key or 'recipe'}: {without_secrets(problem['msg'])} (found {found})"
    valid = sorted({name for owner in owners for name in owner.model_fields})
    nearest = difflib.get_close_matches(key.rpartition(".")[2], valid, n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"valid keys: {', '.join(valid)}"
    return key, f"{key:.200}: unknown key; {hint}"


def _shown(value: object) -> str:
    """Cut only after what looks like a secret is hidden: half of one is one."""
    return f"{without_secrets(repr(value)):.80}"


def _line_of(key: str, lines: Mapping[str, int]) -> str:
    """`:3` of the key, or of the nearest section around it; nothing for what an override says."""
    while key and key not in lines:
        key = key.rpartition(".")[0]
    line = lines.get(key, 0) if key else 0
    return f":{line}" if line else ""


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
