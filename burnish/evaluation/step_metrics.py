"""How good the values of steps are, against their labels. Steps without a label do not count.

A step is right where its label, or its value, is over 1/2. The first error of a solution is its
first labelled step that is not right; a solution may have none. (Zheng et al. 2024, ProcessBench,
arXiv:2412.06559, measure the same, and the harmonic mean of solutions with and without an error.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from burnish.evaluation.reliability import calibration_error, reliability_curve

StepValues: TypeAlias = "Sequence[Sequence[float]]"
"""P solutions, a value per step."""
StepTargets: TypeAlias = "Sequence[Sequence[float | None]]"
"""P solutions, a label per step, None where there is none."""

_RIGHT = 0.5
_CLOSE = 0.1


def step_metrics(values: StepValues, labels: StepTargets) -> dict[str, float]:
    """All metrics; the first one, larger is better, is what a model is selected by.

    explained_variance    1 - mse / Var(labels): 0 for saying the mean label always
    mse                   mean of (V - v)^2 over steps
    calibration_error     mean distance from the diagonal of the calibration curve
    within_tenth          share of steps with |V - v| <= 0.1, the authors' accuracy of ReST-MCTS*
    step_accuracy         share of steps that are judged right or wrong as labelled
    first_error_accuracy  share of solutions whose first error is found, or that have none and are
                          found to have none
    first_error_f1        harmonic mean of that share over those with and those without an error

    Raises ValueError where nothing is labelled, or a solution has not a value per label.
    """
    v, y = labelled_pairs(values, labels)
    error = np.abs(np.asarray(v) - np.asarray(y))
    mse, variance = float((error**2).mean()), float(np.var(y))
    return {
        "explained_variance": 1.0 - mse / variance if variance > 0 else -mse,
        "mse": mse,
        "calibration_error": calibration_error(reliability_curve(v, y)),
        "within_tenth": float((error <= _CLOSE + 1e-9).mean()),
        "step_accuracy": float(((np.asarray(v) > _RIGHT) == (np.asarray(y) > _RIGHT)).mean()),
        "first_error_accuracy": first_error_accuracy(values, labels),
        "first_error_f1": first_error_f1(values, labels),
    }


def labelled_pairs(values: StepValues, labels: StepTargets) -> tuple[list[float], list[float]]:
    """The values and the labels of all labelled steps, in order. Raises ValueError as above."""
    pairs = [
        (v, y)
        for row, targets in zip(values, labels, strict=True)
        for v, y in zip(row, targets, strict=True)
        if y is not None
    ]
    if not pairs:
        raise ValueError("not one step has a label")
    return [v for v, _ in pairs], [y for _, y in pairs]


def first_error(values: Sequence[float]) -> int | None:
    """The first step that is not right; None where all are."""
    return next((step for step, value in enumerate(values) if value <= _RIGHT), None)


def first_error_accuracy(values: StepValues, labels: StepTargets) -> float:
    """Share of solutions whose first error (or its absence) is found. Raises ValueError."""
    found = _first_errors(values, labels)
    return sum(ours == true for ours, true in found) / len(found)


def first_error_f1(values: StepValues, labels: StepTargets) -> float:
    """2 a b / (a + b), a over solutions with an error and b over those without.

    Where there are none of a kind, the share of the other. Raises ValueError.
    """
    found = _first_errors(values, labels)
    with_error = [ours == true for ours, true in found if true is not None]
    without = [ours is None for ours, true in found if true is None]
    shares = [sum(hits) / len(hits) for hits in (with_error, without) if hits]
    if len(shares) == 1:
        return shares[0]
    return 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0.0


def _first_errors(values: StepValues, labels: StepTargets) -> list[tuple[int | None, int | None]]:
    """Found and true, for each solution with a label; places count labelled steps only."""
    found: list[tuple[int | None, int | None]] = []
    for row, targets in zip(values, labels, strict=True):
        known = [(v, y) for v, y in zip(row, targets, strict=True) if y is not None]
        if known:
            found.append((first_error([v for v, _ in known]), first_error([y for _, y in known])))
    if not found:
        raise ValueError("not one step has a label")
    return found
