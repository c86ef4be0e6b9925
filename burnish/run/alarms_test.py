from __future__ import annotations

import re

import pytest

from burnish.models.tiny import tiny_model
from burnish.run.alarms import Alarms, remedies_of
from burnish.run.driver import Driver
from burnish.run.progress import Silent
from burnish.run.recipe import Recipe


class Listening(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warn(self, text: str) -> None:
        self.heard.append(text)


def test_each_collapse_is_told_when_it_is_first_seen_and_not_again():
    user = Listening()
    alarms = Alarms(user, {"no_edit": "Ask otherwise."})
    for step, (no_edit, sabotage) in enumerate([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 1.0)]):
        metrics = {"alarm/no_edit": no_edit, "alarm/sabotage": sabotage, "dev/accuracy": 1.0}
        alarms.heed(f"stage_two, step {step}", metrics)
    starts = [text[:27] for text in user.heard]
    assert starts == ["stage_two, step 1: no edit:", "stage_two, step 2: sabotage"]
    assert [text.endswith("corrected. Ask otherwise.") for text in user.heard] == [True, False]


def test_evaluation_without_alarms_is_silent():
    user = Listening()
    Alarms(user, {}).heed("reft, step 1", {"dev/accuracy": 1.0})
    assert user.heard == []


def test_run_tells_of_a_collapse_once_in_each_stage(tmp_path):
    """A model that knows no token from another: its second attempts repeat the first."""
    model = tiny_model("llama", max_positions=512)
    for parameter in model.network.parameters():
        parameter.data.zero_()
    model.save(tmp_path / "model")
    stage = {"num_steps": 2, "batch_size": 1, "samples_per_problem": 2, "eval_every": 1}
    tree = {
        "description": "A tiny run.",
        "model": {"name": str(tmp_path / "model")},
        "task": {"type": "arithmetic", "train_size": 2, "dev_size": 50, "test_size": 2},
        "method": {
            "type": "score",
            "correction": {"instruction": "Once more."},
            "stage_one": stage,
            "stage_two": stage,
        },
        "lengths": {"max_prompt_tokens": 200, "max_new_tokens": 1},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    user = Listening()
    Driver(Recipe.from_tree(tree, source="test"), tmp_path / "run", progress=user).run(resume=False)
    told = [text for text in user.heard if ", step" in text]
    assert [text[:27] for text in told] == [
        "stage_one, step 1: no edit:",
        "stage_two, step 1: no edit:",
    ]


PLUS = {"keep": "improved_and_right"}


@pytest.mark.parametrize(
    ("method", "against_copies", "against_failing"),
    [
        ({"type": "score"}, "stage_one.num_steps", "stage_two.bonus_coef"),
        ({"type": "score", "stage_one": None}, "stage_one: null", "stage_two.bonus_coef"),
        ({"type": "score", "stage_two": {"bonus_coef": 0}}, "stage_one.", "stage_two.kl_coef"),
        (
            {"type": "score", "stage_two": {"type": "star"}},
            "method.stage_two.sample.",
            "method.stage_two.train.",
        ),
        ({"type": "star_correction"}, "method.sample.", "method.train.num_steps"),
        ({"type": "star_correction", **PLUS}, "method.keep:", "method.train.num_steps"),
        ({"type": "pair_sft"}, "method.sample.", "method.train.optimizer.learning_rate"),
        ({"type": "pair_sft", **PLUS}, "method.keep:", "method.train.optimizer.learning_rate"),
        ({"type": "single_turn_rl"}, "type: score", "method.single_turn.kl_coef"),
    ],
)
def test_what_helps_is_said_in_the_settings_of_the_method(method, against_copies, against_failing):
    remedies = remedies_of(recipe_of(method).method)
    assert against_copies in remedies["no_edit"]
    assert against_failing in remedies["sabotage"]


@pytest.mark.parametrize("method", ["star_correction", "pair_sft", "single_turn_rl", "self_refine"])
def test_only_score_speaks_of_a_bonus_and_of_its_stages(method):
    for remedy in remedies_of(recipe_of({"type": method}).method).values():
        assert "bonus" not in remedy
        assert "stage_" not in remedy


def test_a_bonus_of_zero_is_not_to_be_lowered():
    recipe = recipe_of({"type": "score", "stage_two": {"bonus_coef": 0}})
    assert "bonus" not in remedies_of(recipe.method)["sabotage"]


def test_methods_that_ask_once_have_no_remedies():
    assert remedies_of(recipe_of({"type": "reft"}).method) == {}


def test_settings_that_remedies_name_exist():
    """Every `method.a.b` in a remedy is a key that the recipe of the method accepts."""
    for kind in ("score", "star_correction", "pair_sft", "single_turn_rl", "self_refine"):
        recipe = recipe_of({"type": kind}).model_dump()
        for remedy in remedies_of(recipe_of({"type": kind}).method).values():
            for name in re.findall(r"method\.[a-z_.]+[a-z]", remedy):
                found = recipe
                for key in name.split("."):
                    assert key in found, f"{kind}: {name}"
                    found = found[key]


def recipe_of(method):
    tree = {
        "description": "Any.",
        "model": {"name": "builtin:arithmetic"},
        "task": {"type": "arithmetic"},
        "method": method,
    }
    return Recipe.from_tree(tree, source="test")
