"""`burnish quickstart`: the recipe inside the package, on the base model inside the package."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from burnish.cli.train import train
from burnish.run.recipe import load_recipe


def run_quickstart(overrides: Sequence[str], folder: Path) -> None:
    """Run it in `folder`; an earlier run there is kept under the next free name."""
    with as_file(files("burnish") / "assets" / "quickstart.yaml") as path:
        recipe = load_recipe(path, overrides)
    if folder.exists():
        folder.rename(_free_name(folder))
    train(recipe, folder, resume=False)


def _free_name(folder: Path) -> Path:
    number = 1
    while (free := folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return free
