from __future__ import annotations

import pytest

from burnish.training.judging.options import NEITHER, Choice, JudgeTokens
from burnish.training.judging.prompts import ScorePromptConfig
from burnish.training.judging.score_judge import (
    ModelAnswerJudge,
    ModelAnswerJudgeConfig,
    expected_score,
    rescaled,
)
from burnish.types import GraderFailure, Problem

PROBLEM = Problem("p", "Which?", None)


class ScriptedModel:
    name = "scripted"

    def __init__(self, said):
        self._said = said
        self.asked = []

    def choose(self, prompts, options):
        self.asked += prompts
        self.options = options
        return [self._said] * len(prompts)

    def write(self, prompts, *, max_tokens, temperature, seeds):
        raise AssertionError("no reasons are asked for")


def score(said, **settings):
    model = ScriptedModel(said)
    config = ModelAnswerJudgeConfig(prompt=ScorePromptConfig(highest=4), **settings)
    (found,) = ModelAnswerJudge(config, model).score([(PROBLEM, "This one.")], seed=1)
    return found, model


def test_score_is_expected_over_the_numbers_and_rescaled():
    found, model = score(Choice((0.1, 0.0, 0.1, 0.2), JudgeTokens(9, 1)))
    expected = (1 * 0.25 + 3 * 0.25 + 4 * 0.5 - 1) / 3
    assert found.score == pytest.approx(2 * expected - 1)
    assert found.tokens == JudgeTokens(9, 1)
    assert model.options == (" 1", " 2", " 3", " 4")
    assert model.asked == [
        "How good is the reply, from 1 to 4?\nQuestion: Which?\nReply: This one.\nScore:"
    ]


def test_lowest_and_highest_score_are_the_ends():
    assert rescaled(expected_score((1.0,) + (0.0,) * 9), 10) == -1.0
    assert rescaled(expected_score((0.0,) * 9 + (1.0,)), 10) == 1.0


def test_judge_that_gives_no_number_gives_no_score_but_costs():
    found, _ = score(Choice((0.01, 0.0, 0.02, 0.0), JudgeTokens(9, 1)), min_mass=0.05)
    assert (found.score, found.failure, found.tokens) == (None, NEITHER, JudgeTokens(9, 1))


def test_refusal_gives_no_score():
    found, _ = score(GraderFailure("refused", "no"))
    assert (found.score, found.failure) == (None, "refused")
