from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from burnish.errors import DataError
from burnish.models.config import ModelConfig
from burnish.models.tiny import tiny_model
from burnish.training.judging.local_model import LocalJudgeModelConfig, LocalOptions, exact
from burnish.training.judging.options import JudgeTokens

PROMPTS = ["Ada has 12 apples.\nBetter reply:", "How many pencils?", "A box holds 24."]
OPTIONS = [" 1", " 2", " pencils"]


@pytest.fixture
def judge(attempts_bench) -> LocalOptions:
    found = LocalJudgeModelConfig().open(attempts_bench)
    assert isinstance(found, LocalOptions)
    return found


def likelihood(judge: LocalOptions, prompt: str, option: str) -> float:
    """Token by token, one sequence at a time."""
    policy = judge._policy
    before = policy.tokenizer.encode(prompt)
    after = policy.tokenizer.encode(option, add_special_tokens=False)
    with torch.no_grad():
        logp = policy.network(torch.tensor([before + after])).logits[0].log_softmax(-1)
    places = range(len(before) - 1, len(before) + len(after) - 1)
    return sum(logp[p, i].item() for p, i in zip(places, after, strict=True))


def test_options_are_as_likely_as_the_network_says(judge):
    for prompt, choice in zip(PROMPTS, judge.choose(PROMPTS, OPTIONS), strict=True):
        wanted = torch.tensor([likelihood(judge, prompt, o) for o in OPTIONS]).exp()
        assert torch.tensor(choice.probabilities) == pytest.approx(wanted, rel=1e-4)
        assert choice.tokens == JudgeTokens(len(judge._policy.tokenizer.encode(prompt)), 0)
        assert sum(choice.shares) == pytest.approx(1.0)


def test_batches_change_nothing(judge, attempts_bench):
    compute = attempts_bench.compute.model_copy(update={"max_tokens_per_batch": 1})
    alone = LocalJudgeModelConfig().open(replace(attempts_bench, compute=compute))
    assert isinstance(alone, LocalOptions)
    for found, wanted in zip(
        alone.choose(PROMPTS, OPTIONS), judge.choose(PROMPTS, OPTIONS), strict=True
    ):
        assert found.probabilities == pytest.approx(wanted.probabilities, rel=1e-4)


def test_option_that_begins_another_one_loses_what_the_other_has():
    found = exact([0.5, 0.3, 0.2, 0.25], [(1,), (1, 0), (1, 0, 0), (2,)])
    assert found == pytest.approx([0.2, 0.1, 0.2, 0.25])


def test_numbers_up_to_ten_are_told_apart(judge):
    numbers = [str(n) for n in range(1, 11)]
    (choice,) = judge.choose(["Score:"], numbers)
    one, ten = (likelihood(judge, "Score:", number) for number in ("1", "10"))
    assert choice.probabilities[9] == pytest.approx(math.exp(ten), rel=1e-4)
    together = choice.probabilities[0] + choice.probabilities[9]
    assert together == pytest.approx(math.exp(one), rel=1e-4)


def test_reasons_are_one_paragraph_drawn_by_seed(judge):
    asked = {"max_tokens": 9, "temperature": 1.0}
    first, second, again = judge.write([PROMPTS[0]] * 3, **asked, seeds=[1, 2, 1])
    assert first == again != second
    assert "\n" not in first.text
    assert 0 < first.tokens.generated <= 9
    assert first.tokens.prompt == len(judge._policy.tokenizer.encode(PROMPTS[0]))


def test_prompt_past_the_context_is_an_error(judge):
    with pytest.raises(DataError, match=r"a prompt has \d+ tokens, past its context of 512"):
        judge.choose(["apples " * 600], OPTIONS)


def test_chat_model_is_asked_in_a_message_and_says_no_space(attempts_bench):
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    model = attempts_bench.model.model_copy(update={"chat_template": template})
    chat = LocalJudgeModelConfig(form="chat").open(replace(attempts_bench, model=model))
    assert isinstance(chat, LocalOptions)
    (choice,) = chat.choose(["Which?"], [" 1", " 2"])
    prompt = chat._policy.tokenizer.encode("<user>Which?<assistant>", add_special_tokens=False)
    one = chat._policy.tokenizer.encode("1", add_special_tokens=False)
    with torch.no_grad():
        logits = chat._policy.network(torch.tensor([prompt])).logits[0, -1]
    assert choice.probabilities[0] == pytest.approx(logits.softmax(-1)[one[0]].item(), rel=1e-4)


def test_judge_may_be_another_model_than_the_recipes(attempts_bench, tmp_path):
    tiny_model("llama", seed=9, max_positions=512).save(tmp_path / "other")
    own = LocalJudgeModelConfig().open(attempts_bench)
    other = LocalJudgeModelConfig(model=str(tmp_path / "other")).open(attempts_bench)
    assert own.name == attempts_bench.model.name
    assert other.name == str(tmp_path / "other")
    assert own.choose(PROMPTS, OPTIONS) != other.choose(PROMPTS, OPTIONS)


def test_judge_keeps_the_whole_vocabulary(attempts_bench):
    settings = {"name": attempts_bench.model.name, "trim_vocabulary": True}
    trimmed = replace(attempts_bench, model=ModelConfig.model_validate(settings))
    judge = LocalJudgeModelConfig().open(trimmed)
    assert isinstance(judge, LocalOptions)
    assert judge.choose(["Ümlaut?"], OPTIONS)[0].mass > 0.0
