from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from burnish.data.tasks.replies import RepliesTask, scene_of
from burnish.methods.constitutional.feedback_model import FeedbackModel, FeedbackModelConfig
from burnish.methods.constitutional.scorecard import (
    AnsweredProblem,
    gold_change,
    principle_scores,
)
from burnish.training.judging.options import NO_TOKENS, Choice
from burnish.training.judging.pair_judge import ModelPairJudge

TASK = RepliesTask(test_size=4)


class Friendly:
    """Prefers what begins with Hi where friendliness is asked for, and is silent about numbers."""

    name = "friendly"

    def choose(self, prompts: Sequence[str], options: Sequence[str]) -> list[Choice]:
        return [self._choice(prompt) for prompt in prompts]

    def write(self, prompts, *, max_tokens, temperature, seeds):
        raise AssertionError("nobody asks for reasons")

    def _choice(self, prompt: str) -> Choice:
        if "wrong numbers" in prompt:
            return Choice((0.0, 0.0), NO_TOKENS)
        if "friendlier" not in prompt:
            return Choice((0.5, 0.5), NO_TOKENS)
        return Choice((0.8, 0.2) if "Reply 1: Hi" in prompt else (0.2, 0.8), NO_TOKENS)


def scored(judge: FeedbackModel, rows: list[AnsweredProblem]) -> dict[str, Any]:
    return principle_scores(judge, TASK, rows, seed=1)


@pytest.fixture
def rows():
    """Three greetings are added, and one answer stays as it was."""
    problems = TASK.problems("test")
    found = []
    for number, problem in enumerate(problems):
        scene = scene_of(problem)
        thing = scene.asked[0]
        before = f"There are {scene.amounts[thing]} {thing}."
        after = f"Hi {scene.asker}. {before}" if number else before
        found.append(AnsweredProblem(problem, before, after))
    return found


@pytest.fixture
def judge(constitution):
    config = FeedbackModelConfig()
    return FeedbackModel(
        "friendly", ModelPairJudge(config.judge_config(), Friendly()), constitution, 1
    )


def test_later_answers_are_preferred_by_the_principle_they_serve(judge, rows):
    scores = scored(judge, rows)
    assert list(scores) == ["helpful", "honest", "kind", "brief"]
    assert scores["kind"]["preferred"]["value"] == pytest.approx((3 * 0.8 + 0.5) / 4)
    assert scores["helpful"]["preferred"]["value"] == pytest.approx(0.5)
    assert scores["kind"]["same_answers"] == 1


def test_unlabelled_pairs_are_counted_and_left_out(judge, rows):
    scores = scored(judge, rows)
    assert scores["honest"]["unlabelled"] == 3
    assert scores["honest"]["preferred"] == {"value": 0.5, "low": 0.5, "high": 0.5, "n": 1}


def test_true_number_of_the_principles_name_stands_beside_it(judge, rows):
    gold = scored(judge, rows)["kind"]["gold"]
    assert gold["before"]["value"] == pytest.approx(2.0)
    assert gold["after"]["value"] == pytest.approx(2.75)
    assert gold["change"]["value"] == pytest.approx(0.75)
    assert gold["change"]["low"] < 0.75 < gold["change"]["high"]


def test_number_that_the_task_does_not_know_is_left_out(rows):
    assert gold_change(TASK, "no_insults", rows) == {}
    assert "gold" in gold_change(TASK, "reward", rows)
