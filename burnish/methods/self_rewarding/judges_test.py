from __future__ import annotations

import pytest
import torch
from pydantic import TypeAdapter

from burnish.errors import ModelError
from burnish.methods.self_rewarding.judges import (
    AnyJudgeConfig,
    GraderJudgeConfig,
    ValueModelJudgeConfig,
)
from burnish.methods.self_rewarding.words import PolicyJudgeConfig
from burnish.models.tiny import byte_fallback_tokenizer, tiny_model
from burnish.search.steps import SentenceSteps
from burnish.training.samples import GradedSample
from burnish.training.step_values import StepJudge
from burnish.types import Problem, Score, SteppedTokens, StopReason

PROBLEM = Problem("p", "What?", "4")
TEXTS = ("One and one. So 2.", "Four.", "")


def candidates(tokenizer) -> list[GradedSample]:
    return [
        GradedSample(
            "p",
            (5, 6, 7),
            (*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id),
            text,
            Score(reward, reward == 1.0, None),
            StopReason.EOS,
        )
        for text, reward in zip(TEXTS, (0.1, 1.0, 0.0), strict=True)
    ]


def test_grader_judges_by_the_reward_and_costs_nothing(attempts_bench):
    policy = attempts_bench.load_policy()
    judge = GraderJudgeConfig().build(attempts_bench, policy)
    found = judge.judge([PROBLEM] * 3, candidates(policy.tokenizer), seed=1)
    assert [(j.score, j.num_tokens) for j in found] == [(0.1, 0), (1.0, 0), (0.0, 0)]


@pytest.fixture
def value_model(attempts_bench, tmp_path):
    """Saved, with a head that tells states apart."""
    model = attempts_bench.start_process_reward(None, head="hidden")
    torch.manual_seed(0)
    torch.nn.init.normal_(model.network.get_submodule("value_head").weight, std=0.5)
    model.save(tmp_path / "values")
    return tmp_path / "values"


@pytest.mark.parametrize(("how", "join"), [("last", lambda v: v[-1]), ("min", min)])
def test_value_model_judges_by_the_values_of_the_steps(attempts_bench, value_model, how, join):
    policy = attempts_bench.load_policy()
    config = ValueModelJudgeConfig(model=value_model, steps=SentenceSteps(), aggregate=how)
    rows = candidates(policy.tokenizer)
    found = config.build(attempts_bench, policy).judge([PROBLEM] * 3, rows, seed=1)

    two, one, _ = (row.token_ids for row in rows)
    first = len(policy.tokenizer.encode("One and one. ", add_special_tokens=False))
    steps = [(two[:first], two[first:]), (one,)]
    values = StepJudge(attempts_bench.load_process_reward(value_model), max_tokens=500).step_values(
        [SteppedTokens("p", (5, 6, 7), step_ids) for step_ids in steps]
    )
    assert len(values[0]) == 2
    assert found[0].score == pytest.approx(join(values[0]), abs=1e-6)
    assert found[1].score == pytest.approx(values[1][0], abs=1e-6)
    assert [j.num_tokens for j in found] == [len(row.token_ids) for row in rows]


def test_value_model_of_another_tokenizer_is_an_error(attempts_bench, value_model, tmp_path):
    tiny_model("llama", tokenizer=byte_fallback_tokenizer()).save(tmp_path / "other")
    policy = attempts_bench.load_policy(tmp_path / "other")
    with pytest.raises(ModelError, match="its tokenizer is not that of the policy"):
        ValueModelJudgeConfig(model=value_model).build(attempts_bench, policy)


def test_judge_is_told_by_its_type():
    read = TypeAdapter(AnyJudgeConfig).validate_python
    assert read({"type": "grader"}) == GraderJudgeConfig()
    assert isinstance(read({"type": "value_model", "model": "x"}), ValueModelJudgeConfig)
    assert isinstance(read({"type": "policy"}), PolicyJudgeConfig)
