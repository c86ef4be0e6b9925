"""`burnish recipes`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from burnish.config import load_tree
from burnish.errors import ConfigError
from burnish.types import Json


def list_recipes(folder: Path) -> None:
    """Path, method, model and description of every recipe below `folder`."""
    paths = sorted(folder.rglob("*.yaml"))
    if not paths:
        raise ConfigError(f"{folder} holds no recipes (*.yaml); name another folder")
    table = Table(box=None, pad_edge=False)
    for column in ("recipe", "method", "model", "description"):
        table.add_column(column, overflow="fold")  # a path that is cut cannot be copied
    for path in paths:
        tree = load_tree(path)
        texts = (path, _entry(tree, "method", "type"), _entry(tree, "model", "name"))
        table.add_row(*(escape(f"{text}") for text in (*texts, tree.get("description", ""))))
    Console().print(table)


def _entry(tree: dict[str, Json], section: str, key: str) -> str:
    found = tree.get(section)
    return str(found.get(key, "")) if isinstance(found, dict) else ""
