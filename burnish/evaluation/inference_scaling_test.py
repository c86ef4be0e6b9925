from __future__ import annotations

from itertools import combinations
from statistics import fmean
from typing import Any

import pytest

from burnish.data.follow_up import FollowUp
from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import DataError
from burnish.evaluation.attempts import evaluate_attempts
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation, evaluate
from burnish.evaluation.inference_scaling import (
    BudgetSamples,
    inference_scaling_metrics,
    sample_budget,
)
from burnish.evaluation.voting import majority_answer
from burnish.graders.config import default_grader_config
from burnish.models.tiny import byte_level_tokenizer
from burnish.rollout.engine import SamplingParams
from burnish.rollout.scripted import ScriptedEngine
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

TASK = ArithmeticTask(test_size=3, min_steps=1, max_steps=2)
PROBLEMS = TASK.problems("test")
TOKENIZER = byte_level_tokenizer()
GRADER = default_grader_config("numeric").build()
PARAMS = SamplingParams(max_tokens=100, temperature=0.7)
RENDERER = Renderer(TASK, TOKENIZER, max_prompt_tokens=300)
ITEMS = [(problem, RENDERER.prompt_ids(problem)) for problem in PROBLEMS]
FOLLOW_UP = FollowUp(TASK, TOKENIZER, "Once more.")


def right_once_asked_again(prompt: str, seed: int) -> str:
    problem = next(p for p in PROBLEMS if p.question in prompt)
    return TASK.target(problem) if "Once more." in prompt else f"Therefore, the answer is: {seed}"


def completion(num_prompt: int, num_sampled: int) -> Completion:
    zeros = (0.0,) * num_sampled
    return Completion((1,) * num_prompt, (2,) * num_sampled, zeros, zeros, "", StopReason.EOS)


def row(name: str, answers: str, *, num_prompt: int = 10, num_sampled: int = 4) -> EvaluatedProblem:
    """A letter a sample; "a" is right, "-" no answer, "!" could not be graded."""
    verdicts = tuple(
        GraderFailure("x", "x")
        if letter == "!"
        else Score(0.0, letter == "a", None if letter == "-" else letter)
        for letter in answers
    )
    asked = completion(num_prompt, num_sampled)
    return EvaluatedProblem(Problem(name, name, "a"), (asked,) * len(answers), verdicts)


def samples(attempts: str, corrections: str) -> BudgetSamples:
    """Of two problems, the second of which is always right."""
    right = "a" * len(attempts), "a" * len(corrections)
    return BudgetSamples(
        len(attempts),
        Evaluation((row("p", attempts), row("q", right[0]))),
        Evaluation(
            tuple(
                row(name, answers, num_prompt=25, num_sampled=7)
                for name, answers in (("p", corrections), ("q", right[1]))
            )
        ),
    )


def measured(drawn: BudgetSamples, budgets: list[int]) -> dict[str, Any]:
    return {**inference_scaling_metrics(drawn, budgets)}


def test_one_pass_samples_the_attempts_of_an_evaluation_and_continues_half_of_them():
    engine = ScriptedEngine(TOKENIZER, right_once_asked_again)
    found = sample_budget(engine, GRADER, ITEMS, PARAMS, follow_up=FOLLOW_UP, budget=6, seed=5)
    assert found.attempts == evaluate(engine, GRADER, ITEMS, PARAMS, num_samples=6, seed=5)
    chains = evaluate_attempts(
        engine, GRADER, ITEMS, PARAMS, follow_up=FOLLOW_UP, num_turns=2, num_samples=3, seed=5
    )
    assert found.corrections == chains[1]


def test_corrections_that_are_right_win_at_every_budget():
    engine = ScriptedEngine(TOKENIZER, right_once_asked_again)
    drawn = sample_budget(engine, GRADER, ITEMS, PARAMS, follow_up=FOLLOW_UP, budget=4, seed=5)
    found = measured(drawn, [2, 4])
    assert found["single"]["value"] == 0
    for k in ("2", "4"):
        assert (found[k]["parallel"]["value"], found[k]["corrected"]["value"]) == (0, 1)
        assert found[k]["paired"]["difference"] == 1
        assert found[k]["paired"]["low"] > 0
        assert found[k]["paired"]["n"] == 3


def test_votes_are_means_over_all_subsets_of_the_budget():
    found = measured(samples("abbaab", "baa"), [4])["4"]
    of_four = [majority_answer(some) == "a" for some in combinations("abbaab", 4)]
    of_two = [majority_answer(some) == "a" for some in combinations("baa", 2)]
    assert 0 < fmean(of_four) < 1
    assert found["parallel"]["value"] == pytest.approx((fmean(of_four) + 1) / 2)
    assert found["corrected"]["value"] == pytest.approx((fmean(of_two) + 1) / 2)
    assert found["paired"]["difference"] == pytest.approx((fmean(of_two) - fmean(of_four)) / 2)


def test_largest_budget_is_the_plain_vote_over_all_that_was_sampled():
    found = measured(samples("abb-", "aa"), [4])["4"]
    assert found["parallel"]["value"] == 0.5
    assert found["corrected"]["value"] == 1


def test_a_correction_costs_its_own_tokens_and_reads_what_came_before():
    found = measured(samples("aaaa", "aa"), [2, 4])
    assert found["4"]["sampled_tokens"] == {"parallel": 4 * 4, "corrected": 2 * (4 + 7)}
    assert found["2"]["sampled_tokens"] == {"parallel": 2 * 4, "corrected": 1 * (4 + 7)}
    assert found["2"]["prompt_tokens"] == {"parallel": 2 * 10, "corrected": 1 * (10 + 25)}


def test_tokens_of_the_chains_are_those_of_the_attempts_that_were_continued():
    long, short = row("p", "aa", num_sampled=9), row("p", "aa", num_sampled=3)
    mixed = EvaluatedProblem(
        long.problem, long.completions + short.completions, long.verdicts + short.verdicts
    )
    drawn = BudgetSamples(4, Evaluation((mixed,)), Evaluation((row("p", "aa"),)))
    tokens = measured(drawn, [4])["4"]["sampled_tokens"]
    assert tokens == {"parallel": 9 + 9 + 3 + 3, "corrected": 9 + 9 + 4 + 4}


@pytest.mark.parametrize(("attempts", "corrections"), [("ab!b", "bb"), ("abab", "b!")])
def test_a_problem_that_could_not_be_graded_often_enough_leaves_both_sides(attempts, corrections):
    found = measured(samples(attempts, corrections), [2, 4])
    assert (found["2"]["paired"]["n"], found["4"]["paired"]["n"]) == (2, 1)
    assert found["4"]["corrected"] == {**found["4"]["corrected"], "value": 1, "n": 1}


def test_a_budget_that_no_problem_can_meet_is_an_error():
    drawn = BudgetSamples(4, Evaluation((row("p", "aa!a"),)), Evaluation((row("p", "aa"),)))
    with pytest.raises(DataError, match="budget of 4 cannot be measured"):
        measured(drawn, [4])


@pytest.mark.parametrize("budget", [0, 1, 3, -2])
def test_a_budget_that_cannot_be_halved_is_an_error(budget):
    with pytest.raises(ValueError, match="even number of at least 2"):
        measured(samples("aaaa", "aa"), [2, budget])


def test_an_odd_budget_is_an_error_before_anything_is_sampled():
    engine = ScriptedEngine(TOKENIZER, {})
    with pytest.raises(ValueError, match="a budget of 3 samples"):
        sample_budget(engine, GRADER, ITEMS, PARAMS, follow_up=FOLLOW_UP, budget=3, seed=5)


def test_a_budget_larger_than_what_was_sampled_is_an_error():
    with pytest.raises(ValueError, match="too few for K = 6"):
        measured(samples("aaaa", "aa"), [6])
