"""Searches of a task's problems in a folder: trees, the solutions chosen, accuracy against tokens.

config.yaml         the search recipe, fully resolved, and which problems are asked
mcts.trees          all trees of a method as they stand
mcts-2000.jsonl     an object a problem: what was chosen at a budget, with the values of its steps
results.json        `searches`: numbers by method and budget; null where a search is under way

The trees of one budget grow on to the next. A tree does not know which budgets it was given, so
the numbers at a budget are those of a search that had it from the start.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from burnish.data.tasks.task import Split
from burnish.errors import CheckpointError, ConfigError, DataError
from burnish.evaluation.search_metrics import chosen_node, search_metrics
from burnish.run.folder import RunFolder
from burnish.run.search_recipe import SearchMethod, SearchRecipe
from burnish.search.budget import Budget
from burnish.search.search import AnyStrategy
from burnish.search.solutions import solution_at
from burnish.search.tree import Tree
from burnish.search.tree_file import read_trees, write_trees
from burnish.training.tree_search import TreeSearcher
from burnish.training.tree_verdicts import VerifiedTree, verify_trees
from burnish.training.workbench import Workbench
from burnish.types import Json, Problem

Rows: TypeAlias = "dict[str, dict[str, Json]]"
"""Numbers by method and budget; None while they are under way."""

_SECONDS_BETWEEN_WRITES = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Which problems are searched, and how far.

    Attributes:
        split: train, dev or test.
        limit: how many of its problems; 0 for all.
        budgets: tokens a problem, the policy's and the value model's together, in rising order.
    """

    split: Split
    limit: int
    budgets: Sequence[int]


class SearchRun:
    """Compares searches of the same problems in one folder.

    Args:
        recipe: settings of all of them.
        bench: of the recipe.
        folder: takes what the top of this file lists.
        judges: what they are called, so that a search goes on with the same ones.
        searcher: makes what a method searches with.
        should_stop: looked at while trees grow; where it says so, trees are written and `compare`
            ends with what is done.
    """

    def __init__(
        self,
        recipe: SearchRecipe,
        bench: Workbench,
        folder: Path,
        *,
        judges: Mapping[str, Json],
        searcher: Callable[[SearchMethod], TreeSearcher],
        should_stop: Callable[[], bool],
    ) -> None:
        self._recipe = recipe
        self._bench = bench
        self._folder = folder
        self._judges = judges
        self._searcher = searcher
        self._should_stop = should_stop

    def compare(
        self, methods: Sequence[SearchMethod], asked: Asked, *, resume: bool
    ) -> dict[str, Json]:
        """Search by each method up to each budget; returns what `results.json` holds.

        Raises DataError without gold answers, ConfigError for a budget below one that is done, and
        CheckpointError where the folder holds other searches or damaged trees.
        """
        files = RunFolder(self._folder)
        files.open(self._about(asked), resume=resume)
        every = self._bench.problems(asked.split)[: asked.limit or None]
        problems = [problem for problem in every if problem.answer is not None]
        if not problems:
            raise DataError(f"none of the {len(every)} {asked.split} problems has a gold answer.")
        numbers: dict[str, Json] = {
            "test_size": len(problems),
            "without_gold": len(every) - len(problems),
        }
        rows = _rows_in(self._folder / "results.json")
        for method in methods:
            _require_rising(method, rows.setdefault(method, {}), asked.budgets)
        for method in methods:
            path = self._folder / f"{method}.trees"
            grown = _Grown(path, problems, self._searcher(method), self._bench)
            for tokens in asked.budgets:
                if rows[method].get(str(tokens)) is not None:
                    continue
                rows[method][str(tokens)] = None
                files.write_json("results.json", {**numbers, "searches": {**rows}})
                strategy = self._recipe.strategy(method)
                grown.grow(strategy, tokens)
                if self._should_stop():
                    return {**numbers, "searches": {**rows}}
                verified = grown.verify(strategy)
                lines = [json.dumps(_solution_row(v, strategy)) + "\n" for v in verified]
                files.write_text(f"{method}-{tokens}.jsonl", "".join(lines))
                rows[method][str(tokens)] = search_metrics(verified, strategy)
                files.write_json("results.json", {**numbers, "searches": {**rows}})
        return {**numbers, "searches": {**rows}}

    def _about(self, asked: Asked) -> dict[str, Json]:
        about: dict[str, Json] = {"split": asked.split, "limit": asked.limit, **self._judges}
        return {**self._recipe.model_dump(mode="json"), **about}


class _Grown:
    """The trees of one method, in their file."""

    def __init__(
        self, path: Path, problems: Sequence[Problem], searcher: TreeSearcher, bench: Workbench
    ) -> None:
        self._path = path
        self._problems = {problem.id: problem for problem in problems}
        self._searcher = searcher
        self._bench = bench
        planted = searcher.plant(problems)
        self._trees = _continued(path, planted) if path.exists() else planted

    def grow(self, strategy: AnyStrategy, tokens: int) -> None:
        """Search all trees; they are written from time to time, and at the end."""
        written = time.monotonic()
        for _ in self._searcher.grow(self._trees, strategy, Budget(tokens=tokens)):
            if time.monotonic() - written > _SECONDS_BETWEEN_WRITES:
                write_trees(self._path, self._trees)
                written = time.monotonic()
        write_trees(self._path, self._trees)

    def verify(self, strategy: AnyStrategy) -> list[VerifiedTree]:
        """Compare all leaves with the gold answers, and write that, too."""
        verified = verify_trees(
            self._problems,
            self._trees,
            strategy,
            grader=self._bench.grader,
            prompt_of=self._searcher.prompt_ids,
            max_failure_share=self._bench.max_grader_failures,
        )
        write_trees(self._path, self._trees)
        return verified


def _continued(path: Path, planted: Sequence[Tree]) -> list[Tree]:
    """The trees of the file, which must be of the problems that are planted."""
    trees = read_trees(path)
    found, expected = ([(t.tree_id, t.question, t.seed) for t in of] for of in (trees, planted))
    if found != expected:
        raise CheckpointError(
            f"{path}: holds {len(trees)} trees of other problems than the {len(planted)} that are "
            "searched. Use another --out, or remove the file to search again."
        )
    return trees


def _rows_in(path: Path) -> Rows:
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))["searches"]


def _require_rising(method: str, done: Mapping[str, Json], budgets: Sequence[int]) -> None:
    """Trees only grow: what they were worth at a smaller budget cannot be told any more."""
    furthest = max(map(int, done), default=0)
    lost = [tokens for tokens in budgets if tokens < furthest and str(tokens) not in done]
    if lost:
        raise ConfigError(
            f"the trees of {method} have grown to {furthest} tokens already, past the budget of "
            f"{lost[0]}. Name budgets from {furthest} on, or use another --out."
        )


def _solution_row(verified: VerifiedTree, strategy: AnyStrategy) -> dict[str, Json]:
    """What was chosen for one problem."""
    tree, node = verified.tree, chosen_node(verified, strategy)
    row: dict[str, Json] = {
        "id": tree.tree_id,
        "question": tree.question,
        "is_correct": verified.is_correct(node),
        "tokens": tree.spent.tokens,
    }
    if node is None:
        return row
    found, score = solution_at(tree, node), verified.scores.get(node)
    return row | {
        "text": found.text,
        "answer": score.answer if score else None,
        "steps": [*found.steps],
        "step_values": [*found.step_values],
    }
