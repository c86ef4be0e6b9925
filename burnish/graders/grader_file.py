"""A grader's settings from a file of its own: JSON, as OpenAI's API takes it, or YAML."""

from __future__ import annotations

from pathlib import Path

from burnish.config import Config
from burnish.errors import ConfigError
from burnish.files.json_text import parse_json
from burnish.files.text import read_text
from burnish.files.yaml_text import MOST_BYTES, YamlTextError, parse_yaml
from burnish.graders.config import AnyGraderConfig, GraderConfig
from burnish.types import Json


class _GraderFile(Config):
    grader: GraderConfig


def load_grader_config(path: Path) -> AnyGraderConfig:
    """The settings in a file, which may stand under a key `grader`. Raises ConfigError."""
    tree = _tree(path)
    is_section = "type" not in tree and isinstance(tree.get("grader"), dict)
    grader = tree["grader"] if is_section else tree
    return _GraderFile.from_tree({"grader": grader}, source=str(path)).grader


def named_grader_config(name: str) -> AnyGraderConfig:
    """The grader of a type, with its default settings. Raises ConfigError."""
    return _GraderFile.from_tree({"grader": {"type": name}}, source=f"grader {name!r}").grader


def _tree(path: Path) -> dict[str, Json]:
    try:
        text = read_text(path, most_bytes=MOST_BYTES)
        tree = parse_json(text) if path.suffix == ".json" else parse_yaml(text).tree
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); expected a grader as JSON or YAML"
        ) from error
    except ValueError as error:
        place = error.at(str(path)) if isinstance(error, YamlTextError) else path
        raise ConfigError(
            f"{place}: neither JSON nor YAML ({' '.join(str(error).split())}); expected a grader"
            ' such as {"type": "numeric"}'
        ) from error
    if not isinstance(tree, dict):
        raise ConfigError(
            f'{path}: holds {type(tree).__name__}, not a grader such as {{"type": "numeric"}}'
        )
    return tree
