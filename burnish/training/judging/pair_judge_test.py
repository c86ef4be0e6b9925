from __future__ import annotations

from collections.abc import Sequence

import pytest

from burnish.training.judging.labels import AnswerPair, Reading
from burnish.training.judging.options import NEITHER, Choice, JudgeTokens, Written
from burnish.training.judging.pair_judge import (
    ModelPairJudge,
    ModelPairJudgeConfig,
    ReasonsConfig,
    both_orders,
)
from burnish.training.judging.prompts import PairPromptConfig
from burnish.types import GraderFailure, Problem

PAIR = AnswerPair(Problem("p", "Which?", None), "good", "bad")


class ScriptedModel:
    """Says what it is told to say to a prompt; remembers what it was asked."""

    name = "scripted"

    def __init__(self, choose, write=lambda prompt, seed: "because"):
        self._choose, self._write = choose, write
        self.asked: list[str] = []
        self.written: list[str] = []

    def choose(self, prompts: Sequence[str], options: Sequence[str]):
        self.asked += prompts
        return [
            said if isinstance(said, GraderFailure) else Choice(said, JudgeTokens(10, 1))
            for said in map(self._choose, prompts)
        ]

    def write(self, prompts, *, max_tokens, temperature, seeds):
        self.written += prompts
        said = [self._write(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return [s if isinstance(s, GraderFailure) else Written(s, JudgeTokens(5, 3)) for s in said]


def likes_place_and_worth(prompt: str) -> tuple[float, float]:
    """0.3 to 0.1 for the good reply where it stands first, 0.2 to 0.2 where it stands second."""
    return (0.3, 0.1) if "Reply 1: good" in prompt else (0.2, 0.2)


def label(model, pair=PAIR, **settings):
    (found,) = ModelPairJudge(ModelPairJudgeConfig(**settings), model).label([pair], seed=1)
    return found


def test_both_orders_are_asked_and_averaged():
    model = ScriptedModel(likes_place_and_worth)
    found = label(model)
    assert found.probability == pytest.approx((0.75 + 0.5) / 2)
    assert [(r.is_swapped, r.probability) for r in found.readings] == [
        (False, pytest.approx(0.75)),
        (True, pytest.approx(0.5)),
    ]
    assert model.asked == [
        "Which reply is better?\nQuestion: Which?\nReply 1: good\nReply 2: bad\nBetter reply:",
        "Which reply is better?\nQuestion: Which?\nReply 1: bad\nReply 2: good\nBetter reply:",
    ]
    assert [reading.prompt for reading in found.readings] == model.asked
    assert found.tokens == JudgeTokens(20, 2)
    assert (found.judge, found.failure) == ("scripted", None)


def test_swapped_pair_has_the_other_label():
    swapped = AnswerPair(PAIR.problem, "bad", "good")
    model = ScriptedModel(likes_place_and_worth)
    assert label(model).probability == pytest.approx(0.625)
    assert label(model, swapped).probability == pytest.approx(0.375)


def test_principles_are_averaged_after_each_is_clamped():
    def by_principle(prompt: str) -> tuple[float, float]:
        wins = 0.9 if "kinder" in prompt else 0.2
        return (wins, 1.0 - wins) if "Reply 1: good" in prompt else (1.0 - wins, wins)

    prompt = PairPromptConfig(principles=["Which is kinder?", "Which is true?"])
    found = label(ScriptedModel(by_principle), prompt=prompt, clamp=(0.25, 0.6))
    assert found.probability == pytest.approx((0.6 + 0.25) / 2)
    assert [reading.principle for reading in found.readings] == [
        "Which is kinder?",
        "Which is kinder?",
        "Which is true?",
        "Which is true?",
    ]


def test_each_pair_may_have_principles_of_its_own():
    judge = ModelPairJudge(ModelPairJudgeConfig(), ScriptedModel(likes_place_and_worth))
    first, second = judge.label_by([PAIR, PAIR], [["a"], ["b", "c"]], seed=1)
    assert [reading.principle for reading in first.readings] == ["a", "a"]
    assert [reading.principle for reading in second.readings] == ["b", "b", "c", "c"]


def test_reasons_are_written_first_and_appended():
    model = ScriptedModel(likes_place_and_worth, lambda prompt, seed: " it is kind ")
    found = label(model, reasons=ReasonsConfig(max_tokens=9))
    pair = "Which reply is better?\nQuestion: Which?\nReply 1: good\nReply 2: bad"
    assert model.written[0] == f"{pair}\nReasons:"
    assert model.asked[0] == f"{pair}\nReasons: it is kind\nBetter reply:"
    assert found.tokens == JudgeTokens(2 * (5 + 10), 2 * (3 + 1))


def test_several_reasons_are_averaged():
    def by_reason(prompt: str) -> tuple[float, float]:
        return (0.8, 0.2) if "yes" in prompt else (0.4, 0.6)

    said = iter(["yes", "no", "no", "no"])
    model = ScriptedModel(by_reason, lambda prompt, seed: next(said))
    found = label(model, reasons=ReasonsConfig(samples=2, temperature=0.7))
    assert found.probability == pytest.approx(((0.8 + 0.4) / 2 + (0.6 + 0.6) / 2) / 2)
    assert len(found.readings) == 4


def test_several_greedy_reasons_are_an_error():
    with pytest.raises(ValueError, match="set a temperature"):
        ReasonsConfig(samples=2)


def test_judge_that_says_neither_option_gives_no_label_but_costs():
    found = label(ScriptedModel(lambda _: (0.04, 0.05)), min_mass=0.1)
    assert (found.probability, found.failure) == (None, NEITHER)
    assert found.tokens == JudgeTokens(20, 2)
    assert [reading.mass for reading in found.readings] == pytest.approx([0.09, 0.09])


def test_options_that_are_likely_enough_give_a_label():
    assert label(ScriptedModel(lambda _: (0.06, 0.05)), min_mass=0.1).probability == 0.5


def test_principle_that_lacks_an_order_is_left_out():
    def says(prompt: str):
        if "kinder" not in prompt:
            return (0.9, 0.1) if "Reply 1: good" in prompt else (0.1, 0.9)
        return (0.9, 0.1) if "Reply 1: good" in prompt else (0.0, 0.0)

    prompt = PairPromptConfig(principles=["Which is kinder?", "Which is true?"])
    found = label(ScriptedModel(says), prompt=prompt)
    assert found.probability == pytest.approx(0.9)
    assert [reading.failure for reading in found.readings] == [None, NEITHER, None, None]


def test_refused_reasons_are_a_failure_and_not_asked_further():
    refusal = GraderFailure("refused", "no")
    model = ScriptedModel(likes_place_and_worth, lambda prompt, seed: refusal)
    found = label(model, reasons=ReasonsConfig())
    assert (found.probability, found.failure) == (None, "refused")
    assert model.asked == []


def test_place_that_is_preferred_is_told_from_the_answer():
    assert Reading("", False, 0.7).shown_first == 0.7
    assert Reading("", True, 0.7).shown_first == pytest.approx(0.3)
    assert Reading("", True, None).shown_first is None


def test_orders_count_the_same_however_often_each_was_read():
    readings = [Reading("p", False, 0.9), Reading("p", False, 0.7), Reading("p", True, 0.2)]
    assert both_orders(readings, "p") == pytest.approx((0.8 + 0.2) / 2)
    assert both_orders(readings, "q") is None


@pytest.mark.parametrize("clamp", [(0.6, 0.4), (0.0, 0.4), (-0.1, 1.0)])
def test_clamp_must_hold_a_tie(clamp):
    with pytest.raises(ValueError, match="clamp"):
        ModelPairJudgeConfig(clamp=clamp)
