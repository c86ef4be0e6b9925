"""Trees grown by models that stay as they are, as data for later stages.

One step grows the trees of one batch of problems and leaves one file in `pieces/`, whole or not
there; a piece that is there is not grown again. At the end they are joined to `<split>.trees`.
Every leaf is compared with the gold answer before its piece is written; problems without a gold
answer are left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Literal, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.data.tasks.task import Split
from burnish.errors import DataError
from burnish.search.budget import Budget
from burnish.search.mcts import MctsConfig
from burnish.search.search import AnyStrategy
from burnish.search.tree import CORRECT, UNVERIFIED, WRONG, Tree
from burnish.search.tree_file import read_trees, write_trees
from burnish.training.learner import Metrics
from burnish.training.stage import StageRun, StepResult
from burnish.training.tree_search import TreeSearcher
from burnish.training.tree_verdicts import verify_trees
from burnish.training.workbench import Workbench
from burnish.types import Problem

TreeGrower: TypeAlias = Callable[[Sequence[Problem]], list[Tree]]
"""A verified tree for each problem, in order."""

_SPLITS: tuple[Split, ...] = ("train", "dev")


class AskedConfig(Config):
    """Which problems trees are grown for."""

    num_train: int | None = Field(default=None, ge=1)
    """train problems; default: all"""
    num_dev: int | None = Field(default=None, ge=1)
    """dev problems, whose labels select the value model; default: all"""
    batch_size: int = Field(default=64, ge=1)
    """problems of one step; what a stopped run may have to do again"""

    def num_problems(self, split: Split) -> int | None:
        """How many problems of a split are asked; None for all."""
        return self.num_train if split == "train" else self.num_dev


class TreeDataConfig(AskedConfig):
    """How problems are searched for training data."""

    type: Literal["search"] = "search"
    """trees that a policy grows"""
    strategy: AnyStrategy = MctsConfig.for_data()
    """the search; default: MCTS* with the published settings for data"""
    budget: Budget = Budget()
    """the most that one tree may spend; default: the strategy's own limits"""

    def grower(self, searcher: TreeSearcher, bench: Workbench) -> TreeGrower:
        """Search the problems, and compare what was found with their gold answers."""

        def grow(problems: Sequence[Problem]) -> list[Tree]:
            trees = searcher.plant(problems)
            for _ in searcher.grow(trees, self.strategy, self.budget):
                pass
            verify_trees(
                {problem.id: problem for problem in problems},
                trees,
                self.strategy,
                grader=bench.grader,
                prompt_of=searcher.prompt_ids,
                max_failure_share=bench.max_grader_failures,
            )
            return trees

        return grow


def collect_trees(
    run: StageRun, grow: TreeGrower, config: AskedConfig, *, bench: Workbench
) -> Iterator[StepResult]:
    """The steps of a stage that trains nothing: grow verified trees, one batch of problems a step.

    `read_tree_data` has what was collected once the steps are done. Raises DataError where no
    problem of a split has a gold answer.
    """
    asked = {split: _Asked(bench, config, split) for split in _SPLITS}
    batches = [batch for split in _SPLITS for batch in asked[split].batches(config.batch_size)]
    num_unknown = float(sum(asked[split].num_unknown for split in _SPLITS))
    for step in run.steps(len(batches), model=None, state={}, eval_every=1):
        split, problems = batches[step]
        piece = _piece(run.folder, split, step)
        if not piece.exists():
            piece.parent.mkdir(parents=True, exist_ok=True)
            write_trees(piece, grow(problems))
        yield StepResult(tree_metrics(read_trees(piece)) | {"search/without_gold": num_unknown})
    for split in _SPLITS:
        pieces = [_piece(run.folder, of, n) for n, (of, _) in enumerate(batches) if of == split]
        trees = [tree for piece in pieces for tree in read_trees(piece)]
        write_trees(run.folder / f"{split}.trees", trees)


def read_tree_data(folder: Path, split: Split) -> list[Tree]:
    """The verified trees that the stage in `folder` has collected of a split."""
    return read_trees(folder / f"{split}.trees")


def tree_metrics(trees: Sequence[Tree]) -> Metrics:
    """Means over trees: share with a right leaf, right leaves, costs; shares are 0 without any."""
    verdicts = [verdict for tree in trees for verdict in tree.verified if verdict != UNVERIFIED]
    return {
        "search/trees": float(len(trees)),
        "search/covered": fmean(CORRECT in tree.verified for tree in trees),
        "search/solutions": fmean(tree.verified.count(CORRECT) for tree in trees),
        "search/wrong_leaves": fmean(tree.verified.count(WRONG) for tree in trees),
        "search/correct_leaves": fmean(v == CORRECT for v in verdicts) if verdicts else 0.0,
        "search/nodes": fmean(len(tree) for tree in trees),
        "search/sampled_tokens": float(sum(tree.spent.proposal_tokens for tree in trees)),
        "search/value_tokens": float(sum(tree.spent.value_tokens for tree in trees)),
    }


class _Asked:
    """The problems of a split that are searched, and how many were left out."""

    def __init__(self, bench: Workbench, config: AskedConfig, split: Split) -> None:
        wanted = bench.problems(split)[: config.num_problems(split)]
        self._split: Split = split
        self._known = [problem for problem in wanted if problem.answer is not None]
        self.num_unknown = len(wanted) - len(self._known)
        if not self._known:
            raise DataError(
                f"none of the {len(wanted)} {split} problems has a gold answer, so no leaf of a "
                "tree can be verified. Name the column of the answers, or use another task."
            )

    def batches(self, size: int) -> list[tuple[Split, list[Problem]]]:
        """The problems of each step."""
        starts = range(0, len(self._known), size)
        return [(self._split, self._known[start : start + size]) for start in starts]


def _piece(folder: Path, split: Split, step: int) -> Path:
    return folder / "pieces" / f"{split}-{step:06d}.trees"
