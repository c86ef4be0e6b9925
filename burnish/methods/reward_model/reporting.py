"""What `results.json` says of a reward model on one split of feedback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from burnish.data.feedback.kinds import Feedback, FeedbackTask
from burnish.evaluation.reward_model_agreement import (
    attribute_columns,
    compared_pairs,
    predicted_ratings,
    row_metrics,
)
from burnish.evaluation.reward_model_metrics import (
    accuracy_by_margin,
    accuracy_by_strength,
    accuracy_interval,
    curve_rows,
    length_report,
    mean_absolute_error,
    rank_correlation,
)
from burnish.models.reward_model import RewardModel
from burnish.training.reward_model import Rows, RowScores
from burnish.types import Json, Preference, Problem


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer about which there is feedback.

    Attributes:
        problem, text: what was asked, and the answer.
        gold: its true reward and the parts of it; None where nobody knows.
    """

    problem: Problem
    text: str
    gold: Mapping[str, float] | None


def answers_in(feedback: Sequence[Feedback], task: FeedbackTask) -> list[Answer]:
    """The distinct answers of some feedback, in order."""
    found: dict[tuple[str, str], Answer] = {}
    for said in feedback:
        for text in _texts(said):
            key = (said.problem.id, text)
            if key not in found:
                found[key] = Answer(said.problem, text, task.gold(said.problem, text))
    return list(found.values())


def label_report(model: RewardModel, rows: Rows, scores: RowScores) -> dict[str, Json]:
    """Agreement with the labels, by kind of feedback."""
    found: dict[str, Json] = {**row_metrics(model, rows, scores)}
    match model.head.kind:
        case "comparisons":
            return found | _of_comparisons(rows, scores)
        case "ratings":
            return found | _of_raters(model, rows, scores)
        case _:
            columns = attribute_columns(model, rows, scores)
            found["attributes"] = {
                name: {
                    "rank_correlation": rank_correlation(said, labels),
                    "mae": mean_absolute_error(said, labels) if labels else None,
                    "num": len(labels),
                }
                for name, (said, labels) in columns.items()
            }
            return found


def gold_report(answers: Sequence[Answer], rewards: Sequence[float]) -> dict[str, Json]:
    """Rewards against the truth, where it is known, and against length.

    `pair_accuracy` is over pairs of answers to one problem that differ in the true reward; of the
    parts of that, each has its rank correlation with the rewards.
    """
    length = rank_correlation(rewards, [len(answer.text) for answer in answers])
    found: dict[str, Json] = {"length_correlation": length}
    known = [(a, a.gold, r) for a, r in zip(answers, rewards, strict=True) if a.gold is not None]
    if not known:
        return found
    said = [reward for _, _, reward in known]
    parts: dict[str, Json] = {
        name: rank_correlation(said, [gold[name] for _, gold, _ in known]) for name in known[0][1]
    }
    found["gold_correlation"] = parts.pop("reward")
    found["gold_parts"] = parts
    found["gold_length_correlation"] = rank_correlation(
        [gold["reward"] for _, gold, _ in known], [len(a.text) for a, _, _ in known]
    )
    hits = _gold_hits([(a.problem.id, gold["reward"], r) for a, gold, r in known])
    found["gold_pair_accuracy"] = fmean(hits) if hits else None
    return found


def _texts(said: Feedback) -> tuple[str, ...]:
    return (said.chosen, said.rejected) if isinstance(said, Preference) else (said.text,)


def _of_comparisons(rows: Rows, scores: RowScores) -> dict[str, Json]:
    pairs = compared_pairs(rows, scores)
    interval = accuracy_interval(pairs)
    return {
        "accuracy": None if interval is None else interval.as_json(),
        "by_strength": accuracy_by_strength(pairs),
        "by_margin": accuracy_by_margin(pairs),
        "calibration": curve_rows(pairs),
        "length": length_report(pairs),
    }


def _of_raters(model: RewardModel, rows: Rows, scores: RowScores) -> dict[str, Json]:
    """How often the nearest grade is the one that was given, and what is known of raters."""
    grades = [row.label.rating for row in rows]
    predicted = predicted_ratings(model, scores)
    shift = model.scale.shift.tolist()
    mean = fmean(shift) if shift else 0.0
    strict = zip(model.head.raters, shift, strict=True)
    return {
        "exact": fmean(round(p) == g for p, g in zip(predicted, grades, strict=True)),
        "strictness": {name: value - mean for name, value in strict},
    }


def _gold_hits(answers: Sequence[tuple[str, float, float]]) -> list[float]:
    """Of pairs of one problem: 1 where the reward prefers what is truly better, 1/2 if equal."""
    of_problem: dict[str, list[tuple[float, float]]] = {}
    for problem_id, gold, reward in answers:
        of_problem.setdefault(problem_id, []).append((gold, reward))
    return [
        0.5 if r1 == r2 else float((r1 > r2) == (g1 > g2))
        for group in of_problem.values()
        for (g1, r1), (g2, r2) in combinations(group, 2)
        if g1 != g2
    ]
