from __future__ import annotations

import pytest

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import EngineError
from burnish.models.tiny import byte_level_tokenizer
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.scripted import ScriptedEngine
from burnish.rollout.stopping import decode
from burnish.search.asks import Critique, Prefix, Step
from burnish.training.step_critic import (
    AdviceCriticConfig,
    CriticConfig,
    EndCriticConfig,
    StepCritic,
)
from burnish.training.tree_questions import Questions
from burnish.types import Problem

TOKENIZER = byte_level_tokenizer(384)
QUESTIONS = Questions(
    {"a": Problem("a", "What is 2 + 3?", "5"), "b": Problem("b", "What is 2 + 4?", "6")},
    {"a": (5, 6), "b": (7, 8)},
)


class Recorded:
    """An engine that keeps what it was asked, and gives the same reply to all."""

    def __init__(self, reply: str) -> None:
        self.calls: list[tuple[list[Request], SamplingParams]] = []
        self._engine = ScriptedEngine(TOKENIZER, lambda _prompt, _seed: reply)

    def sample(self, requests, params):
        self.calls.append((list(requests), params))
        return self._engine.sample(requests, params)

    def sync(self, weights):
        raise AssertionError(weights)


def step(text: str) -> Step:
    ids = tuple(TOKENIZER.encode(text, add_special_tokens=False))
    return Step(text, len(ids), ids)


def critique(reply: str, config: CriticConfig) -> Critique:
    critic = StepCritic(
        Recorded(reply), TOKENIZER, ArithmeticTask(), config=config, questions=QUESTIONS
    )
    (found,) = critic.criticise([Prefix("a", "", 0, (step("2 + 3 = 5\n"),))])
    return found


def test_all_prefixes_are_asked_in_one_call_behind_their_own_tokens():
    engine = Recorded("finished")
    config = EndCriticConfig(instruction="Is {question} answered?", max_tokens=5)
    critic = StepCritic(engine, TOKENIZER, ArithmeticTask(), config=config, questions=QUESTIONS)
    first, second = step("2 + 3 = 5\n"), step("so 5\n")

    critic.criticise([Prefix("a", "", 0, (first, second)), Prefix("b", "", 0, (first,))])

    ((requests, params),) = engine.calls
    one, two = (request.prompt_ids for request in requests)
    sampled = first.token_ids + second.token_ids
    assert one[: 2 + len(sampled)] == (5, 6, *sampled)
    assert two[: 2 + len(first.token_ids)] == (7, 8, *first.token_ids)
    assert decode(TOKENIZER, one[2 + len(sampled) :]) == "\nIs What is 2 + 3? answered?\n"
    assert decode(TOKENIZER, two[2 + len(first.token_ids) :]) == "\nIs What is 2 + 4? answered?\n"
    assert (params.max_tokens, params.temperature) == (5, 0.0)


@pytest.mark.parametrize(
    ("reply", "is_finished"),
    [
        ("finished", True),
        (" Finished.", True),
        ('"finished"', True),
        ("continue", False),
        ("unfinished", False),
        ("finishedness", False),
        ("not finished", False),
        ("", False),
    ],
)
def test_only_a_reply_that_begins_with_the_word_means_finished(reply, is_finished):
    for config in (EndCriticConfig(max_tokens=99), AdviceCriticConfig(max_tokens=99)):
        assert critique(reply, config).is_finished == is_finished


def test_another_word_may_mean_finished():
    config = EndCriticConfig(finished="<end>", max_tokens=99)
    assert critique(" <END> now", config).is_finished
    assert not critique("finished", config).is_finished


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        ("Add the  two\nnumbers. ", "Add the two numbers."),
        ("Continue: add the two.", "add the two."),
        ("not finished - add 4", "add 4"),
        ("continue", ""),
        ("finished", ""),
    ],
)
def test_advice_is_what_an_advising_critic_says_besides(reply, advice):
    assert critique(reply, AdviceCriticConfig(max_tokens=99)).advice == advice
    assert critique(reply, EndCriticConfig(max_tokens=99)).advice == ""


def test_the_tokens_of_a_reply_are_charged_up_to_its_limit():
    sampled = len(TOKENIZER.encode("continue", add_special_tokens=False)) + 1
    assert critique("continue", EndCriticConfig(max_tokens=99)).num_tokens == sampled
    assert critique("continue", EndCriticConfig(max_tokens=2)).num_tokens == 2


def test_a_tree_that_was_not_planted_is_an_error():
    critic = StepCritic(
        Recorded(""), TOKENIZER, ArithmeticTask(), config=EndCriticConfig(), questions=QUESTIONS
    )
    with pytest.raises(EngineError, match="'c' asks a question that was not given"):
        critic.criticise([Prefix("c", "", 0, (step("x"),))])
