"""Reads the search trees of a run: every `*.trees` file in the folder and in its stages'."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from burnish.errors import CheckpointError
from burnish.search.tree import Tree
from burnish.search.tree_file import read_trees

PATTERN = "*.trees"
"""How the files that hold trees are named."""

_NUMBER = re.compile(r"^\d+-")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """The trees of one file.

    Attributes:
        stage: the stage whose folder it is in; empty for the run's own folder.
        name: the file's name without its ending.
        trees: in the order of the file.
    """

    stage: str
    name: str
    trees: tuple[Tree, ...]


def tree_files(run: Path, notes: list[str]) -> tuple[TreeFile, ...]:
    """All tree files that hold trees, the run's own first, then stage by stage.

    What cannot be read is left out and added to `notes`, in words for the reader of the page.
    """
    found: list[TreeFile] = []
    for path in tree_paths(run):
        shown = path.relative_to(run)
        try:
            trees = tuple(read_trees(path))
        except CheckpointError as error:
            why = str(error).replace(str(path), shown.as_posix())
            notes.append(f"Search trees were left out. {why}")
            continue
        stage = _NUMBER.sub("", shown.parts[1]) if len(shown.parts) > 2 else ""
        if trees:
            found.append(TreeFile(stage, path.stem, trees))
    return tuple(found)


def tree_paths(run: Path) -> list[Path]:
    """Where tree files lie: the run's own, of these `mcts.trees` last, then those of its stages.

    Files that are being written begin with a dot and are none.
    """
    own = sorted(run.glob(PATTERN), key=lambda path: (path.stem == "mcts", path.name))
    nested = sorted((run / "stages").glob(f"*/**/{PATTERN}"))
    return [path for path in (*own, *nested) if path.name[0] != "."]
