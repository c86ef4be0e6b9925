from __future__ import annotations

import random

import pytest
import torch

from burnish.errors import NonFiniteError
from burnish.models.process_reward_model import ProcessRewardModel, start_process_reward
from burnish.models.tiny import tiny_model
from burnish.training.step_values import StepJudge
from burnish.types import SteppedTokens

SOURCE = random.Random(3)


def tokens(size: int) -> tuple[int, ...]:
    return tuple(SOURCE.randrange(4, 300) for _ in range(size))


def judged_model() -> ProcessRewardModel:
    model = start_process_reward(tiny_model("llama"), head="hidden", compute_dtype=torch.float32)
    with torch.no_grad():
        weight = model.network.get_submodule("value_head").get_parameter("weight")
        weight.copy_(torch.linspace(-0.5, 0.5, weight.shape[1]))
    return model


PROMPTS = [tokens(5), tokens(9)]
PATHS = [(tokens(4),), (tokens(4), tokens(2)), (tokens(7), tokens(3), tokens(6))]
PREFIXES = [
    SteppedTokens("p", prompt, (*path, last))
    for prompt in PROMPTS
    for path in PATHS
    for last in (tokens(3), tokens(1), tokens(6))
]


@pytest.mark.parametrize("max_tokens", [1, 60, 100_000])
def test_values_do_not_depend_on_the_batch_and_keep_their_order(max_tokens):
    model = judged_model()
    alone = [StepJudge(model, max_tokens=1).prefix_values([prefix])[0] for prefix in PREFIXES]
    found = StepJudge(model, max_tokens=max_tokens).prefix_values(PREFIXES)
    assert found == pytest.approx(alone, abs=1e-5)
    assert len({round(value, 6) for value in alone}) > len(PREFIXES) // 2


def test_the_last_step_value_is_the_value_of_the_whole_prefix():
    judge = StepJudge(judged_model(), max_tokens=100)
    steps = judge.step_values(PREFIXES)
    assert [row[-1] for row in steps] == pytest.approx(judge.prefix_values(PREFIXES), abs=1e-5)
    assert [len(row) for row in steps] == [len(prefix.step_ids) for prefix in PREFIXES]


def test_equal_prefixes_are_computed_once(monkeypatch):
    model = judged_model()
    asked: list[int] = []
    scores = model.scores

    def counted(batch):
        asked.append(len(batch.row))
        return scores(batch)

    monkeypatch.setattr(model, "scores", counted)
    judge = StepJudge(model, max_tokens=100_000)
    first, second, again = judge.prefix_values([PREFIXES[0], PREFIXES[1], PREFIXES[0]])
    assert asked == [2]
    assert first == again != second


def test_nothing_asked_is_nothing_answered_and_no_steps_have_no_values():
    judge = StepJudge(judged_model(), max_tokens=100)
    assert judge.prefix_values([]) == []
    question = SteppedTokens("p", PROMPTS[0], ())
    assert judge.step_values([question, PREFIXES[0]])[0] == ()
    assert 0.0 <= judge.prefix_values([question])[0] <= 1.0


def test_a_value_that_is_no_number_is_an_error():
    model = judged_model()
    with torch.no_grad():
        model.network.get_submodule("value_head").get_parameter("bias").fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="no number"):
        StepJudge(model, max_tokens=100).prefix_values(PREFIXES[:2])
