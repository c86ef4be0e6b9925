"""Files of a method's own words, YAML: some come with the package, others are the user's."""

from __future__ import annotations

from pathlib import Path

import yaml

import burnish
from burnish.errors import ConfigError
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
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(built_in(folder))
        raise ConfigError(
            f"{source}: cannot be read ({error}). Name a YAML file, or one of {known}."
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from error
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
