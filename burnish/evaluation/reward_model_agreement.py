"""How well scores agree with the labels of judged rows, for every kind of feedback."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from statistics import fmean

import torch

from burnish.data.feedback.kinds import FeedbackKind
from burnish.evaluation.reward_model_metrics import (
    Compared,
    comparison_metrics,
    mean_absolute_error,
    rank_correlation,
)
from burnish.models.reward_model import RewardModel
from burnish.models.reward_values import expected_grades
from burnish.training.learner import Metrics
from burnish.training.reward_model import RowMetrics, Rows, RowScores
from burnish.types import Example


def row_metrics(model: RewardModel, rows: Rows, scores: RowScores) -> Metrics:
    """Numbers for the log, by name."""
    of_kind: Mapping[FeedbackKind, RowMetrics] = {
        "comparisons": _compared,
        "ratings": _rated,
        "attributes": _described,
        "comments": _described,
    }
    return of_kind[model.head.kind](model, rows, scores)


def compared_pairs(rows: Rows, scores: RowScores) -> list[Compared]:
    """All pairs of rows of comparisons, by their one score."""
    return [
        Compared(
            row.problem_id,
            said[pair.chosen][0] - said[pair.rejected][0],
            pair.probability,
            pair.strength,
            _length(row.answers[pair.chosen]) - _length(row.answers[pair.rejected]),
        )
        for row, said in zip(rows, scores, strict=True)
        for pair in row.label
    ]


def predicted_ratings(model: RewardModel, scores: RowScores) -> list[float]:
    """The rating that an average rater is expected to give each answer."""
    said = [answer[0] for row in scores for answer in row]
    if model.head.thresholds:
        return expected_grades(model, said)
    return model.in_label_units(torch.tensor(said)[:, None])[:, 0].tolist()


def attribute_columns(
    model: RewardModel, rows: Rows, scores: RowScores
) -> dict[str, tuple[list[float], list[float]]]:
    """Of each attribute the predictions and the labels, in the units of the labels."""
    values = model.in_label_units(torch.tensor([row[0] for row in scores])).tolist()
    found: dict[str, tuple[list[float], list[float]]] = {}
    for place, name in enumerate(model.head.outputs):
        known = [
            (said[place], row.label[place])
            for row, said in zip(rows, values, strict=True)
            if not isnan(row.label[place])
        ]
        found[name] = ([said for said, _ in known], [label for _, label in known])
    return found


def _compared(_model: RewardModel, rows: Rows, scores: RowScores) -> Metrics:
    return comparison_metrics(compared_pairs(rows, scores))


def _rated(model: RewardModel, rows: Rows, scores: RowScores) -> Metrics:
    labels = [float(row.label.rating) for row in rows]
    predicted = predicted_ratings(model, scores)
    return {
        "rank_correlation": rank_correlation([row[0][0] for row in scores], labels),
        "mae": mean_absolute_error(predicted, labels),
    }


def _described(model: RewardModel, rows: Rows, scores: RowScores) -> Metrics:
    columns = attribute_columns(model, rows, scores)
    known = {name: pair for name, pair in columns.items() if pair[0]}
    return {
        "rank_correlation": fmean(rank_correlation(*pair) for pair in known.values()),
        "mae": fmean(mean_absolute_error(*pair) for pair in known.values()),
        **{f"rank_correlation_{name}": rank_correlation(*pair) for name, pair in known.items()},
    }


def _length(answer: Example) -> int:
    return sum(answer.is_action)
