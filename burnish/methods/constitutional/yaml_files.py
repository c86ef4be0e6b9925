"""Files of a method's own words, YAML: some come with the package, others are the user's."""

from __future__ import annotations

from pathlib import Path

import burnish
from burnish.errors import ConfigError
from burnish.files.text import read_text
from burnish.files.yaml_text import MOST_BYTES, YamlTextError, parse_yaml
from burnish.types import Json

_ASSETS = Path(burnish.__file__).parent / "assets"


def read_mapping(name: str, *, folder: str) -> tuple[dict[str, Json], str]:
    """The file that `name` stands for, and what errors call it.

    Args:
        name: a path, or `builtin:NAME` for a file that comes with the package.
        folder: where those lie below the package's assets, such as `constitutions`.

    Raises ConfigError where it cannot be read or is no mapping.
    """
    path = _path_of(name, folder)
    source = f"{folder} file {path}"
    try:
        tree = parse_yaml(read_text(path, most_bytes=MOST_BYTES)).tree
    except YamlTextError as error:
        raise ConfigError(f"{error.at(source)}: {error}") from error
    except (OSError, ValueError) as error:
        known = ", ".join(built_in(folder))
        raise ConfigError(
            f"{source}: cannot be read ({error}). Name a YAML file, or one of {known}."
        ) from error
    if not isinstance(tree, dict):
        raise ConfigError(
            f"{source}: found {type(tree).__name__}; expected a mapping, as in"
            f" {_ASSETS / folder / 'general.yaml'}."
        )
    return tree, source


def built_in(folder: str) -> tuple[str, ...]:
    """Names of the files that come with the package."""
    return tuple(sorted(f"builtin:{path.stem}" for path in (_ASSETS / folder).glob("*.yaml")))


def _path_of(name: str, folder: str) -> Path:
    if not name.startswith("builtin:"):
        return Path(name).expanduser()
    known = built_in(folder)
    if name not in known:
        raise ConfigError(
            f"{folder}: {name!r} is not in this installation. Built in: {', '.join(known)}; any"
            " other name is the path of a YAML file."
        )
    return _ASSETS / folder / f"{name.removeprefix('builtin:')}.yaml"
