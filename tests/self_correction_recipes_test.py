"""SCoRe's recipes on arithmetic compare: the same model, problems, instruction and budget."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from burnish.methods.pair_sft.method import PairSftConfig
from burnish.methods.score.method import ScoreConfig, StarStageTwoConfig
from burnish.methods.score.single_turn import SingleTurnRlConfig
from burnish.methods.star_correction.method import StarCorrectionConfig
from burnish.run.recipe import Recipe, correction_of, load_recipe
from burnish.training.star import StarConfig

RECIPES = Path(__file__).parent.parent / "recipes"
SCORE = RECIPES / "arithmetic_score.yaml"
OTHERS = [
    "arithmetic_score_no_stage_one",
    "arithmetic_score_no_bonus",
    "arithmetic_score_star",
    "arithmetic_single_turn_rl",
    "arithmetic_star",
    "arithmetic_star_plus",
    "arithmetic_pair_sft",
    "arithmetic_pair_sft_plus",
]


def named(name: str) -> Recipe:
    return load_recipe(RECIPES / f"{name}.yaml", ())


def star_budget(config: StarConfig) -> tuple[int, int]:
    sampled, steps = config.sample, config.train.num_steps
    assert sampled.num_problems is not None
    assert steps is not None
    chains = sampled.num_problems * sampled.samples_per_problem
    return 2 * config.iterations * chains, config.iterations * steps


def budget(recipe: Recipe) -> tuple[int, int]:
    """Attempts that are sampled, and updates."""
    match recipe.method:
        case ScoreConfig() as method:
            stages = [stage for stage in (method.stage_one, method.stage_two) if stage is not None]
            budgets = [
                star_budget(stage)
                if isinstance(stage, StarStageTwoConfig)
                else (
                    2 * stage.num_steps * stage.batch_size * stage.samples_per_problem,
                    stage.num_steps,
                )
                for stage in stages
            ]
            return sum(a for a, _ in budgets), sum(updates for _, updates in budgets)
        case SingleTurnRlConfig(single_turn=stage):
            attempts = stage.num_steps * stage.batch_size * stage.samples_per_problem
            return attempts, stage.num_steps
        case StarCorrectionConfig() as method:
            return star_budget(method)
        case PairSftConfig(sample=sample, train=train):
            assert sample.num_problems is not None
            assert train.num_steps is not None
            return sample.num_problems * sample.samples_per_problem, train.num_steps
        case _:
            raise AssertionError(recipe.method)


def base_lesson() -> ModuleType:
    path = RECIPES / "arithmetic_base" / "two_turns.py"
    spec = importlib.util.spec_from_file_location("two_turns", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", OTHERS)
def test_a_recipe_samples_and_updates_as_often_as_scores(name):
    assert budget(load_recipe(SCORE, ())) == (6144, 48)
    assert budget(named(name)) == (6144, 48)


@pytest.mark.parametrize("name", [*OTHERS, "arithmetic_self_refine"])
def test_a_recipe_asks_the_same_model_the_same_problems_in_the_same_words(name):
    score, other = load_recipe(SCORE, ()), named(name)
    assert other.model == score.model
    assert other.task == score.task
    assert other.lengths == score.lengths
    assert correction_of(other.method) == correction_of(score.method)


def test_the_base_model_has_been_asked_again_in_the_words_of_the_recipes():
    correction = correction_of(load_recipe(SCORE, ()).method)
    assert correction is not None
    assert correction.instruction == base_lesson().INSTRUCTION
