from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from burnish.errors import NonFiniteError
from burnish.kernels.call import kernels
from burnish.models.process_reward_model import start_process_reward
from burnish.models.tiny import tiny_model
from burnish.training.path_values import PathJudge, judge_of_paths
from burnish.training.step_values import StepJudge
from burnish.training.step_values_test import PATHS, PREFIXES, PROMPTS, judged_model
from burnish.types import SteppedTokens

pytestmark = pytest.mark.skipif(kernels("decode") is None, reason="no C++ compiler")


def path_judge(model=None, prefix_bytes=2**30) -> PathJudge:
    judge = judge_of_paths(model or judged_model(), max_tokens=100, prefix_bytes=prefix_bytes)
    assert isinstance(judge, PathJudge)
    return judge


def num_tokens(prefixes) -> int:
    return sum(len(prefix.token_ids) for prefix in prefixes)


@pytest.mark.parametrize("head", ["hidden", "vocabulary"])
@pytest.mark.parametrize("prefix_bytes", [0, 50_000, 2**30])
def test_values_are_those_of_a_judge_without_memory(head, prefix_bytes):
    model = start_process_reward(tiny_model("llama"), head=head, compute_dtype=torch.float32)
    with torch.no_grad():
        weight = model.network.get_submodule("value_head").get_parameter("weight")
        weight.copy_(torch.linspace(-0.5, 0.5, weight.shape[1]))
    question = SteppedTokens("p", PROMPTS[0], ())
    closed = replace(PREFIXES[0], step_ids=(*PREFIXES[0].step_ids, (model.eos_id,)))
    asked = [*PREFIXES, question, closed, PREFIXES[0]]
    expected = StepJudge(model, max_tokens=100).prefix_values(asked)

    judge = path_judge(model, prefix_bytes)

    assert judge.prefix_values(asked) == pytest.approx(expected, abs=1e-4)
    assert judge.prefix_values(asked[:3]) == pytest.approx(expected[:3], abs=1e-4)
    assert judge.prefix_values([]) == []


def test_a_path_is_not_read_again_when_it_grows():
    judge = path_judge()
    prompt, (first, second, third) = PROMPTS[0], PATHS[2]
    judge.prefix_values([SteppedTokens("p", prompt, (first,))])
    assert judge.reader.stats.prefill_tokens == len(prompt) + len(first)

    longer = [SteppedTokens("p", prompt, (first, step)) for step in (second, third)]
    judge.prefix_values(longer)

    assert judge.reader.stats.prefill_tokens == len(prompt) + len(first + second + third)
    assert judge.reader.stats.reused_tokens == len(prompt) + len(first)


def test_equal_prefixes_are_read_once():
    judge = path_judge(prefix_bytes=0)
    first, again = judge.prefix_values([PREFIXES[0], PREFIXES[0]])
    assert first == again
    assert judge.reader.stats.prefill_tokens == num_tokens(PREFIXES[:1])


def test_a_value_that_is_no_number_is_an_error():
    model = judged_model()
    with torch.no_grad():
        model.network.get_submodule("value_head").get_parameter("bias").fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="no number"):
        path_judge(model).prefix_values(PREFIXES[:2])


def test_a_family_without_kernels_is_judged_in_batches():
    model = start_process_reward(tiny_model("gpt2"), head="hidden", compute_dtype=torch.float32)
    assert isinstance(judge_of_paths(model, max_tokens=9, prefix_bytes=9), StepJudge)
