from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from burnish.errors import ConfigError, DataError
from burnish.methods.rest_mcts.method import RestMctsConfig
from burnish.models.config import ModelConfig
from burnish.search.tree import CORRECT
from burnish.training.stage import StageRun
from burnish.training.tree_data import read_tree_data

QUICK = {
    "type": "rest_mcts",
    "warm_up": None,
    "iterations": 1,
    "initial": {"type": "search", "strategy": {"type": "self_consistency", "num_samples": 6}},
    "initial_fit": {"epochs": 1},
    "search": {"steps": {"type": "sentence"}, "max_step_tokens": 120},
    "trees": {"type": "search", "strategy": {"type": "mcts", "iteration_limit": 8}},
    "improve": {"policy": {"epochs": 1}, "value": {"epochs": 1}},
}


def run_stages(config: RestMctsConfig, bench, folder: Path, *, until: str) -> dict[str, Path]:
    """The stages up to one, as a driver runs them; models are saved as they are at the end."""
    artifacts: dict[str, Path] = {}
    for stage in config.stages(bench):
        run = StageRun(stage.name, folder / stage.name, seed=1, artifacts=artifacts)
        for _ in stage.run(run):
            if run.is_evaluation_due and run.measure is not None and run.model is not None:
                run.selection.consider(next(iter(run.measure().values())), run.num_done, run.model)
        if run.model is not None:
            run.model.save(run.folder / "selected")
        artifacts[stage.name] = run.folder / (stage.hands_on or "")
        if stage.name == until:
            break
    return artifacts


def test_two_iterations_are_the_stages_of_algorithm_one(bench):
    names = [stage.name for stage in RestMctsConfig().stages(bench)]
    assert names == [
        "warm_up",
        "initial_trees",
        "value_0",
        "search_1",
        "policy_1",
        "value_1",
        "search_2",
        "policy_2",
        "value_2",
    ]


def test_stages_that_only_collect_hand_on_no_model(bench):
    stages = RestMctsConfig(warm_up=None).stages(bench)
    assert [s.name for s in stages if s.hands_on is None] == [
        "initial_trees",
        "search_1",
        "search_2",
    ]


def test_an_iteration_runs_from_trees_to_both_models(bench, tmp_path):
    config = RestMctsConfig.model_validate(QUICK)
    artifacts = run_stages(config, bench, tmp_path, until="value_1")
    assert list(artifacts) == ["initial_trees", "value_0", "search_1", "policy_1", "value_1"]
    searched = read_tree_data(artifacts["search_1"], "train")
    assert all(any(v >= 0 for v in tree.model_values) for tree in searched), "by the value model"
    assert bench.load_process_reward(artifacts["value_1"]).kind == "hidden"


def test_annotations_give_each_true_prefix_its_share_and_wrong_steps_less(bench, tmp_path):
    annotated = {"type": "annotated", "num_wrong": 4}
    config = RestMctsConfig.model_validate(QUICK | {"initial": annotated})
    artifacts = run_stages(config, bench, tmp_path, until="value_0")
    trees = read_tree_data(artifacts["initial_trees"], "train")
    assert len(trees) == 6
    for tree in trees:
        (right,) = (node for node in range(len(tree)) if tree.verified[node] == CORRECT)
        problem_text = "".join(tree.steps[i].text for i in tree.path(right))
        assert problem_text in {bench.task.target(p) for p in bench.problems("train")}
    assert any(0 in tree.verified for tree in trees)


def test_annotations_are_needed_where_they_are_asked_for(bench, tmp_path):
    class Bare(type(bench)):
        def problems(self, split):
            return [replace(problem, rationale=None) for problem in super().problems(split)]

    config = RestMctsConfig.model_validate(QUICK | {"initial": {"type": "annotated"}})
    bare = Bare(**{name: getattr(bench, name) for name in bench.__dataclass_fields__})
    with pytest.raises(DataError, match="has no annotated solution"):
        run_stages(config, bare, tmp_path, until="initial_trees")


def test_nothing_right_to_imitate_is_an_error(bench, tmp_path):
    filtered = QUICK["improve"] | {"traces": {"min_value": 2.0}}
    config = RestMctsConfig.model_validate(QUICK | {"improve": filtered})
    with pytest.raises(DataError, match="nothing to imitate"):
        run_stages(config, bench, tmp_path, until="policy_1")


def test_a_trimmed_vocabulary_is_refused(bench):
    trimmed = replace(bench, model=ModelConfig(name="any", trim_vocabulary=True))
    with pytest.raises(ConfigError, match="trim_vocabulary"):
        RestMctsConfig().stages(trimmed)
