from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import ConfigError, DataError
from burnish.graders.config import default_grader_config
from burnish.models.config import ModelConfig
from burnish.models.process_reward_model import start_process_reward
from burnish.models.tiny import tiny_model
from burnish.search.asks import Valuation
from burnish.search.budget import Budget
from burnish.search.mcts import MctsConfig
from burnish.search.steps import MarkerSteps
from burnish.training.step_critic import AdviceCriticConfig
from burnish.training.tree_questions import Questions
from burnish.training.tree_search import TreeSearchConfig, TreeSearcher
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench

CONFIG = TreeSearchConfig(steps=MarkerSteps(marker="e"), max_step_tokens=30, temperature=1.0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return Workbench(
        model=ModelConfig(name=str(folder)),
        task=ArithmeticTask(test_size=4),
        grader=default_grader_config("numeric").build(),
        lengths=LengthConfig(max_prompt_tokens=200, max_new_tokens=60),
        compute=ComputeConfig(device="cpu", dtype="float32"),
        seed=1,
    )


def searcher(bench, config=CONFIG, *, has_values=True) -> TreeSearcher:
    value_model = None
    if has_values:
        start = tiny_model("llama", seed=1, max_positions=512)
        value_model = start_process_reward(start, head="hidden", compute_dtype=torch.float32)
        with torch.no_grad():
            weight = value_model.network.get_submodule("value_head").get_parameter("weight")
            weight.copy_(torch.linspace(-0.5, 0.5, weight.shape[1]))
    return TreeSearcher(bench, bench.load_policy(), value_model, config, clock=lambda: 0.0)


def texts(bench, config=CONFIG, *, seed=1):
    asked = searcher(replace(bench, seed=seed), config)
    trees = asked.plant(bench.problems("test"))
    list(asked.grow(trees, MctsConfig(iteration_limit=3), Budget()))
    return [[step.text for step in tree.steps] for tree in trees], asked.traffic


def test_trees_do_not_depend_on_how_many_grow_at_once_but_on_the_seed(bench):
    together, full = texts(bench)
    alone, empty = texts(bench, CONFIG.model_copy(update={"at_once": 1}))
    assert together == alone
    assert full.propose_calls < empty.propose_calls
    assert texts(bench, seed=2)[0] != together
    assert all(len(steps) > 3 for steps in together)


def test_a_search_for_values_without_a_value_model_is_an_error(bench):
    asked = searcher(bench, has_values=False)
    trees = asked.plant(bench.problems("test"))
    with pytest.raises(ConfigError, match="guided by a value model"):
        list(asked.grow(trees, MctsConfig(), Budget()))


def test_two_problems_with_one_id_are_an_error(bench):
    with pytest.raises(DataError, match="two problems have the id 'arithmetic-0-test-0'"):
        searcher(bench, has_values=False).plant(bench.problems("test")[:1] * 2)


def test_the_policy_criticises_its_own_steps_and_its_replies_are_charged(bench):
    config = CONFIG.model_copy(update={"critic": AdviceCriticConfig(max_tokens=6)})
    asked = searcher(bench, config)
    trees = asked.plant(bench.problems("test"))
    list(asked.grow(trees, MctsConfig(iteration_limit=3, self_critic="ask"), Budget()))
    assert asked.traffic.prefixes_criticised > 0
    for tree in trees:
        assert any(critique.advice for critique in tree.known_critiques.values())
        assert tree.spent.critic_tokens <= 6 * len(tree.known_critiques)
        assert tree.spent.critic_tokens > 0


def test_others_may_answer_instead_of_the_policy_and_its_value_model(bench):
    valued: list[str] = []

    class Constant:
        def __init__(self, questions: Questions) -> None:
            self._questions = questions

        def value(self, prefixes):
            valued.extend(self._questions.problems[p.tree_id].question for p in prefixes)
            return [Valuation(0.25, 0) for _ in prefixes]

    asked = TreeSearcher(
        bench,
        bench.load_policy(),
        None,
        CONFIG,
        clock=lambda: 0.0,
        models_of=lambda models, questions: replace(models, valuer=Constant(questions)),
    )
    trees = asked.plant(bench.problems("test")[:1])
    list(asked.grow(trees, MctsConfig(iteration_limit=2), Budget()))
    assert set(valued) == {trees[0].question}
    assert set(trees[0].known_values.values()) == {0.25}
