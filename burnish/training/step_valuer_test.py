from __future__ import annotations

import pytest

from burnish.errors import EngineError, ModelError
from burnish.models.tiny import byte_level_tokenizer
from burnish.search.asks import End, Prefix, Step
from burnish.training.step_valuer import StepValuer
from burnish.training.step_values import StepJudge
from burnish.training.step_values_test import judged_model
from burnish.types import SteppedTokens

PROMPTS = {"a": (5, 6, 7), "b": (8, 9)}
FIRST = Step("one ", 3, (20, 21))
SECOND = Step("two", 2, (30, 31, 32))


def valuer(model=None) -> StepValuer:
    model = model or judged_model()
    return StepValuer(model, model.tokenizer, max_tokens=100, prompts=PROMPTS)


def test_values_are_those_of_prompt_and_steps_and_cost_the_tokens_of_the_steps():
    model = judged_model()
    prefixes = [
        Prefix("a", "", 0, (FIRST,)),
        Prefix("b", "", 0, (FIRST,)),
        Prefix("a", "", 0, (FIRST, SECOND)),
    ]
    found = valuer(model).value(prefixes)
    read = [
        SteppedTokens(p.tree_id, PROMPTS[p.tree_id], tuple(s.token_ids for s in p.steps))
        for p in prefixes
    ]
    expected = StepJudge(model, max_tokens=100).prefix_values(read)
    assert [valuation.value for valuation in found] == pytest.approx(expected, abs=1e-5)
    assert len(set(expected)) == 3
    assert [valuation.num_tokens for valuation in found] == [2, 2, 5]


def test_a_step_of_eos_alone_has_the_value_of_what_it_ends():
    model = judged_model()
    closed = Step("", 1, (model.eos_id,), End.FINAL)
    before, ended = valuer(model).value(
        [Prefix("a", "", 0, (FIRST,)), Prefix("a", "", 0, (FIRST, closed))]
    )
    assert ended.value == pytest.approx(before.value, abs=1e-6)


def test_a_policy_with_another_tokenizer_is_an_error():
    with pytest.raises(ModelError, match="not that of the policy that proposes the steps"):
        StepValuer(judged_model(), byte_level_tokenizer(300), max_tokens=100, prompts=PROMPTS)


def test_a_tree_whose_question_was_not_rendered_is_an_error():
    with pytest.raises(EngineError, match="'c' asks a question that was not given"):
        valuer().value([Prefix("c", "", 0, (FIRST,))])
