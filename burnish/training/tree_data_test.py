from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.task import Split
from burnish.errors import DataError
from burnish.graders.config import default_grader_config
from burnish.models.config import ModelConfig
from burnish.rollout.scripted import ScriptedEngine
from burnish.search.asks import Step
from burnish.search.best_of_n import SelfConsistencyConfig
from burnish.search.budget import Spent
from burnish.search.tree import CORRECT, UNVERIFIED, WRONG, Tree
from burnish.training.stage import StageRun
from burnish.training.tree_data import (
    TreeDataConfig,
    collect_trees,
    read_tree_data,
    tree_metrics,
)
from burnish.training.tree_search import TreeSearchConfig, TreeSearcher
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

SAMPLES = SelfConsistencyConfig(num_samples=4, samples_per_round=2)
CONFIG = TreeDataConfig(strategy=SAMPLES, num_train=5, num_dev=2, batch_size=2)
TASK = ArithmeticTask(train_size=6, dev_size=3, test_size=1)
SPLITS: tuple[Split, ...] = ("train", "dev")
TARGETS = {
    TASK.prompt(problem): TASK.target(problem)
    for split in SPLITS
    for problem in TASK.problems(split)
}


class ScriptedBench(Workbench):
    """Its policy answers rightly for even seeds; it knows few gold answers where it is told so."""

    num_known: int | None = None

    def engine(self, policy):
        def script(prompt: str, seed: int) -> str:
            target = TARGETS[prompt.removeprefix("<bos>")]
            return target if seed % 2 == 0 else "Therefore, the answer is: 0"

        return ScriptedEngine(policy.tokenizer, script)

    def problems(self, split):
        found = super().problems(split)
        num_known = len(found) if self.num_known is None else self.num_known
        unknown = [replace(problem, answer=None) for problem in found[num_known:]]
        return [*found[:num_known], *unknown]


@pytest.fixture
def collect(model_folder, tmp_path):
    def collect(folder: str = "trees", kind: type[Workbench] = ScriptedBench):
        bench = kind(
            model=ModelConfig(name=str(model_folder)),
            task=TASK,
            grader=default_grader_config("numeric").build(),
            lengths=LengthConfig(max_prompt_tokens=250, max_new_tokens=150),
            compute=ComputeConfig(device="cpu", dtype="float32"),
            seed=1,
        )
        search = TreeSearchConfig()
        searcher = TreeSearcher(bench, bench.load_policy(), None, search, clock=lambda: 0.0)
        run = StageRun("search", tmp_path / folder, seed=1, artifacts={})
        return collect_trees(run, CONFIG.grower(searcher, bench), CONFIG, bench=bench)

    return collect


def contents(folder) -> list[tuple[str, list[str], list[int]]]:
    trees = [tree for split in SPLITS for tree in read_tree_data(folder, split)]
    return [(t.tree_id, [s.text for s in t.steps], list(t.verified)) for t in trees]


def test_each_problem_has_a_verified_tree(collect, tmp_path):
    found = [result.metrics["search/trees"] for result in collect()]
    assert found == [2, 2, 1, 2]
    verdicts = set()
    for split, count in zip(SPLITS, (5, 2), strict=True):
        trees = read_tree_data(tmp_path / "trees", split)
        assert [tree.tree_id for tree in trees] == [p.id for p in TASK.problems(split)[:count]]
        verdicts |= {tuple(sorted(set(tree.verified))) for tree in trees}
    assert (UNVERIFIED, WRONG, CORRECT) in verdicts


def test_a_stopped_stage_searches_only_what_is_missing(collect, tmp_path):
    list(collect("whole"))
    list(islice(collect("cut"), 2))
    pieces = tmp_path / "cut" / "pieces"
    before = {path: path.stat().st_mtime_ns for path in pieces.iterdir()}
    assert len(before) == 2
    list(collect("cut"))
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_problems_without_gold_answers_are_left_out(collect, tmp_path):
    class OneKnown(ScriptedBench):
        num_known = 1

    metrics = [result.metrics for result in collect("one", OneKnown)]
    assert [len(read_tree_data(tmp_path / "one", split)) for split in SPLITS] == [1, 1]
    assert [found["search/without_gold"] for found in metrics] == [5, 5]


def test_no_gold_answer_at_all_is_an_error(collect):
    class NoneKnown(ScriptedBench):
        num_known = 0

    with pytest.raises(DataError, match="none of the 5 train problems has a gold answer"):
        list(collect("none", NoneKnown))


def test_metrics_are_means_over_trees():
    tree = Tree("p", "?", 1)
    for text, is_correct in (("a", True), ("b", True), ("c", False)):
        tree.verify(tree.add(0, Step(text, 1)), is_correct=is_correct)
    tree.spent = Spent(proposal_tokens=30, value_tokens=12)
    found = tree_metrics([tree, Tree("q", "?", 1)])
    assert found == {
        "search/trees": 2,
        "search/covered": 0.5,
        "search/solutions": 1.0,
        "search/wrong_leaves": 0.5,
        "search/correct_leaves": pytest.approx(2 / 3),
        "search/nodes": 2.5,
        "search/sampled_tokens": 30,
        "search/value_tokens": 12,
    }
