"""Search trees of made-up worlds, for the tests of the report."""

from __future__ import annotations

from pathlib import Path

from burnish.search.mcts import MctsConfig
from burnish.search.scheduler import Models, Scheduler
from burnish.search.scripted import SumWorld, reached
from burnish.search.search import Search
from burnish.search.solutions import finished_nodes
from burnish.search.tree import Tree
from burnish.search.tree_file import write_trees

HOSTILE = '</script><img src=x onerror="alert(1)"> & {{ 7 * 7 }} \u202eback\u0000'
"""What a model may write."""


def sum_trees(num_trees: int = 4, *, iterations: int = 12) -> list[Tree]:
    """MCTS* for data in the world of sums, its finished solutions verified; always the same."""
    world = SumWorld()
    config = MctsConfig.for_data().model_copy(update={"iteration_limit": iterations})
    goals = [6 + 3 * number for number in range(num_trees)]
    searches = [Search(Tree(f"sum-{goal}", str(goal), seed=3), config) for goal in goals]
    scheduler = Scheduler(Models(world, world), clock=lambda: 0.0)
    trees = [search.tree for search in scheduler.run(searches)]
    for tree in trees:
        for node in finished_nodes(tree):
            total = reached(tree.prefix(node).text)
            tree.verify(node, is_correct=total == int(tree.question))
    return sorted(trees, key=lambda tree: int(tree.question))


def write_fake_trees(run: Path, stage: str = "01-search_1", num_trees: int = 4) -> Path:
    """Writes a stage's tree file into a run folder and returns its path."""
    path = run / "stages" / stage / "searched.trees"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_trees(path, sum_trees(num_trees))
    return path
