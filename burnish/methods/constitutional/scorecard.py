"""How a model's answers fare by each principle, beside those of the model it all started from.

Every principle's comparison is put to the feedback model about two answers to one held-out problem,
in both orders: preferred is the mean probability that the later answer is the better one, 1/2 for
equal answers. Where the task knows the true worth of answers, and has a number that is named as the
principle is, that number stands beside it, before and after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from burnish.data.feedback.kinds import true_reward
from burnish.data.tasks.task import Task
from burnish.evaluation.statistics import bootstrap_difference, bootstrap_mean
from burnish.methods.constitutional.constitution import Principle
from burnish.methods.constitutional.feedback_model import FeedbackModel
from burnish.training.judging.labels import EVEN, AnswerPair
from burnish.types import Json, Problem


@dataclass(frozen=True, slots=True)
class AnsweredProblem:
    """A held-out problem with the start model's answer and a later model's."""

    problem: Problem
    before: str
    after: str


def principle_scores(
    judge: FeedbackModel, task: Task, rows: Sequence[AnsweredProblem], *, seed: int
) -> dict[str, Json]:
    """By principle: `preferred`, `unlabelled`, and where it is known `gold`.

    Raises GraderError where the feedback model cannot be asked.
    """
    return {
        principle.id: {
            **_preferred(judge, principle, rows, seed=seed),
            **gold_change(task, principle.id, rows),
        }
        for principle in judge.constitution.principles
    }


def gold_change(task: Task, name: str, rows: Sequence[AnsweredProblem]) -> dict[str, Json]:
    """`gold`: a true number `before`, `after` and its `change`; nothing where nobody knows."""
    before = [_gold(task, row.problem, row.before, name) for row in rows]
    after = [_gold(task, row.problem, row.after, name) for row in rows]
    first, second = [v for v in before if v is not None], [v for v in after if v is not None]
    if not rows or len(first) < len(rows) or len(second) < len(rows):
        return {}
    found: dict[str, Json] = {
        "before": bootstrap_mean(first, seed=0).as_json(),
        "after": bootstrap_mean(second, seed=0).as_json(),
        "change": bootstrap_difference(second, first, seed=0).as_json(),
    }
    return {"gold": found}


def _preferred(
    judge: FeedbackModel, principle: Principle, rows: Sequence[AnsweredProblem], *, seed: int
) -> dict[str, Json]:
    differing = [row for row in rows if row.before.strip() != row.after.strip()]
    pairs = [AnswerPair(row.problem, row.after, row.before) for row in differing]
    labels = judge.label_by(pairs, principle, seed=seed) if pairs else []
    known = [label.probability for label in labels if label.probability is not None]
    shares = [*known, *([EVEN] * (len(rows) - len(differing)))]
    found: dict[str, Json] = {
        "same_answers": len(rows) - len(differing),
        "unlabelled": len(labels) - len(known),
    }
    if shares:
        found["preferred"] = bootstrap_mean(shares, seed=0).as_json()
    return found


def _gold(task: Task, problem: Problem, text: str, name: str) -> float | None:
    gold: Mapping[str, float] | None = true_reward(task, problem, text)
    return None if gold is None else gold.get(name)
