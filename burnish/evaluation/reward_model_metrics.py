"""How good a reward model is: whom it prefers, how sure it is, and what it falls for.

Pairs that are labelled a tie have no right answer and are left out of accuracies; equal scores
count half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from statistics import fmean

import numpy as np
from scipy import stats

from burnish.evaluation.reliability import ReliabilityBin, calibration_error, reliability_curve
from burnish.evaluation.statistics import Interval, bootstrap_mean
from burnish.types import Json

_TIE = 0.5
_NUM_MARGINS = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """Two answers of a problem: what was said of them, and what the model says.

    Attributes:
        problem_id: what was asked.
        difference: score of the chosen answer less that of the rejected one.
        probability: that the chosen one is better, by the label: 0.5 to 1.
        strength: by how much, by the label; None where it was not said.
        extra_length: tokens of the chosen answer less those of the rejected one.
    """

    problem_id: str
    difference: float
    probability: float
    strength: float | None
    extra_length: int

    @property
    def hit(self) -> float:
        """1 where the model prefers the chosen answer, 1/2 where it cannot say."""
        return 0.5 if self.difference == 0 else float(self.difference > 0)


def decided(pairs: Sequence[Compared]) -> list[Compared]:
    """Those that are no ties."""
    return [pair for pair in pairs if pair.probability != _TIE]


def comparison_metrics(pairs: Sequence[Compared]) -> dict[str, float]:
    """Numbers for the log.

    accuracy            share of decided pairs in which the chosen answer has the higher score
    calibration_error   of the probability sigmoid(difference); see `comparison_curve`
    prefers_longer      share of all pairs in which the longer answer has the higher score
    """
    known = decided(pairs)
    found = {"accuracy": fmean(pair.hit for pair in known)} if known else {}
    if pairs:
        found["calibration_error"] = calibration_error(comparison_curve(pairs))
    differing = [pair for pair in pairs if pair.extra_length]
    if differing:
        found["prefers_longer"] = fmean(_longer_wins(pair, pair.hit) for pair in differing)
    return found


def accuracy_interval(pairs: Sequence[Compared]) -> Interval | None:
    """Accuracy with its bootstrap interval over problems; None where all pairs are ties."""
    of_problem: dict[str, list[float]] = {}
    for pair in decided(pairs):
        of_problem.setdefault(pair.problem_id, []).append(pair.hit)
    if not of_problem:
        return None
    return bootstrap_mean([fmean(hits) for hits in of_problem.values()], seed=0)


def comparison_curve(pairs: Sequence[Compared]) -> list[ReliabilityBin]:
    """Of pairs that the model decides with probability p, for which share is it right?

    p = sigmoid(|difference|), from 1/2 to 1; the label is the probability that the answer it
    prefers is better.
    """
    sure = [1.0 / (1.0 + exp(-min(abs(pair.difference), 50.0))) for pair in pairs]
    right = [
        _TIE if pair.hit == _TIE else pair.probability if pair.hit else 1.0 - pair.probability
        for pair in pairs
    ]
    return reliability_curve(sure, right)


def accuracy_by_strength(pairs: Sequence[Compared]) -> dict[str, Json]:
    """Accuracy of the decided pairs of each strength that was said."""
    known = [pair for pair in decided(pairs) if pair.strength is not None]
    groups = sorted({pair.strength for pair in known if pair.strength is not None})
    return {
        f"{strength:g}": _share([pair for pair in known if pair.strength == strength])
        for strength in groups
    }


def accuracy_by_margin(pairs: Sequence[Compared]) -> list[Json]:
    """Accuracy of the decided pairs in quarters, from where the scores are closest."""
    known = sorted(decided(pairs), key=lambda pair: abs(pair.difference))
    quarters = [list(part) for part in np.array_split(np.arange(len(known)), _NUM_MARGINS)]
    found: list[Json] = []
    for places in quarters:
        part = [known[place] for place in places]
        if part:
            found.append({"margin": fmean(abs(p.difference) for p in part), **_share(part)})
    return found


def length_report(pairs: Sequence[Compared]) -> dict[str, Json]:
    """Whether the model falls for length: beside the labels' own liking for it.

    `rewarded` is the rank correlation of score difference and length difference; accuracy is
    apart for pairs whose better answer is the longer and the shorter one.
    """
    known = [pair for pair in decided(pairs) if pair.extra_length]
    longer = [pair for pair in known if pair.extra_length > 0]
    shorter = [pair for pair in known if pair.extra_length < 0]
    return {
        "rewarded": rank_correlation(
            [p.difference for p in pairs], [p.extra_length for p in pairs]
        ),
        "model_prefers_longer": fmean(_longer_wins(p, p.hit) for p in known) if known else None,
        "labels_prefer_longer": len(longer) / len(known) if known else None,
        "longer_is_better": _share(longer),
        "shorter_is_better": _share(shorter),
    }


def curve_rows(pairs: Sequence[Compared]) -> list[Json]:
    """The calibration curve for `results.json`."""
    return [asdict(point) for point in comparison_curve(pairs)]


def rank_correlation(values: Sequence[float], truth: Sequence[float]) -> float:
    """Spearman's; 0 where either is constant, or of less than two."""
    if len(values) < 2 or len(set(values)) == 1 or len(set(truth)) == 1:
        return 0.0
    return float(np.corrcoef(stats.rankdata(values), stats.rankdata(truth))[0, 1])


def mean_absolute_error(values: Sequence[float], truth: Sequence[float]) -> float:
    """Of predictions in the units of their labels. Raises ValueError where there are none."""
    return fmean(abs(v - t) for v, t in zip(values, truth, strict=True))


def _longer_wins(pair: Compared, hit: float) -> float:
    return hit if pair.extra_length > 0 else 1.0 - hit


def _share(pairs: Sequence[Compared]) -> dict[str, Json]:
    return {"accuracy": fmean(pair.hit for pair in pairs) if pairs else None, "num": len(pairs)}
