"""Accuracy by each rule of a grader that judges by several, such as tolerances (`quantity`)."""

from __future__ import annotations

from functools import partial

from burnish.evaluation.calibration import part_of
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.statistics import Interval, bootstrap_mean

RULE_PART = "right_by_"
"""How the parts of a score are named that say what a rule finds."""


def rule_intervals(evaluation: Evaluation, *, seed: int = 0) -> dict[str, Interval]:
    """Share of right answers by each rule, a mean over problems; none where no score has rules."""
    parts = dict.fromkeys(
        part
        for row in evaluation.rows
        for score in row.scores
        for part in score.parts
        if part.startswith(RULE_PART)
    )
    found: dict[str, Interval] = {}
    for part in parts:
        measure = partial(part_of, part=part)
        values = [value for row in evaluation.rows if (value := measure(row)) is not None]
        found[part] = bootstrap_mean(values, seed=seed)
    return found
