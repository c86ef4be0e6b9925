"""`burnish recipes`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from burnish.config import load_tree
from burnish.errors import ConfigError


def list_recipes(folder: Path) -> None:
    """Path, method, model and description of every recipe below `folder`."""
    paths = sorted(folder.rglob("*.yaml"))
    if not paths:
        raise ConfigError(f"{folder} holds no recipes (*.yaml); name another folder")
    table = Table(box=None, pad_edge=False)
    for column in ("recipe", "method", "model", "description"):
        table.add_column(column)
    for path in paths:
        tree = load_tree(path)
        table.add_row(
            str(path), _entry(tree, "method", "type"), _entry(tree, "model", "name"),
            str(tree.get("description", "")),
        )  # fmt: skip
    Console().print(table)


def _entry(tree: dict, section: str, key: str) -> str:
    found = tree.get(section)
    return str(found.get(key, "")) if isinstance(found, dict) else ""
