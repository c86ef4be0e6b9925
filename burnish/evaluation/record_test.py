from __future__ import annotations

import json
from dataclasses import replace

import pytest

from burnish.errors import CheckpointError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.record import evaluation_from_rows, evaluation_rows
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

PROBLEMS = [Problem("a", "One?", "1"), Problem("b", "Two?", "2")]


def completion(*token_ids: int, stop: StopReason = StopReason.EOS) -> Completion:
    numbers = (0.5,) * len(token_ids)
    return Completion((9, 9), token_ids, numbers, numbers, f"text {token_ids}", stop)


EVALUATION = Evaluation(
    (
        EvaluatedProblem(
            PROBLEMS[0],
            (completion(1, 2), completion(3, stop=StopReason.LENGTH)),
            (Score(1.0, True, "1", {"extracted": 1.0}), Score(0.0, False, None)),
        ),
        EvaluatedProblem(
            PROBLEMS[1],
            (completion(4), completion(5)),
            (GraderFailure("sandbox", "no room"), Score(0.1, False, "3")),
        ),
    )
)


def written() -> list:
    return json.loads(json.dumps(evaluation_rows(EVALUATION)))


def test_evaluation_comes_back_as_it_was_but_for_prompts_and_log_probabilities():
    restored = evaluation_from_rows(written(), PROBLEMS)
    forgotten = {"prompt_ids": (), "logp": (), "sampler_logp": ()}
    for before, after in zip(EVALUATION.rows, restored.rows, strict=True):
        assert after.problem == before.problem
        assert after.verdicts == before.verdicts
        assert after.completions == tuple(replace(c, **forgotten) for c in before.completions)
    assert restored.grader_failures == {"sandbox": 1}


def test_damaged_rows_are_refused():
    rows = written()
    del rows[1]["samples"][0]["text"]
    with pytest.raises(CheckpointError, match="damaged"):
        evaluation_from_rows(rows, PROBLEMS)


@pytest.mark.parametrize("problems", [PROBLEMS[::-1], PROBLEMS[:1], []], ids=len)
def test_evaluation_of_other_problems_is_refused(problems):
    with pytest.raises(CheckpointError, match="other problems than the recipe's"):
        evaluation_from_rows(written(), problems)
