"""Who pays whole answers: graders of any kind, on one scale, weighted and added up.

    R    = sum_k w_k clip(z_k, -c, c)
    z_k  = mean over m of z_km - k std over m of z_km
    z_km = (r_km - mean) / std

A source is a grader: a reward model, a judge, the task's own check; or several of one kind, an
ensemble, whose disagreement costs (Coste et al. 2023, arXiv:2310.02743). Mean and deviation of each
are those on held-out answers: samples of the start policy to the dev problems. `raw` sources, such
as verifiable rewards, are added as they are. A reward can first be freed from its correlation with
length, r' = r - lambda length, with the lambda at which there is none on those answers (as ArmoRM
does with its attributes, arXiv:2406.12845).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, pstdev
from typing import Literal

import numpy as np
from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.errors import GraderError
from burnish.graders.grader import Grader
from burnish.training.row_files import read_rows, write_rows
from burnish.types import Completion, GraderFailure, Problem, Score

Verdict = Score | GraderFailure
Answers = Sequence[tuple[Problem, Completion]]


class RewardScaleConfig(Config):
    """What one source of rewards counts beside the others."""

    weight: float = Field(default=1.0, allow_inf_nan=False)
    """w: of the source in the sum."""
    units: Literal["standard", "raw"] = "standard"
    """standard: less the mean, by the deviation, of what it pays the start policy's answers to the
    dev problems; raw: as it says, as for rewards that can be verified."""
    clip: float | None = Field(default=5.0, gt=0)
    """c: what it says counts as c at most and -c at least; null: no limit. In its units."""
    length: Literal["kept", "decorrelated"] = "kept"
    """decorrelated: less lambda times the number of tokens, so that on those answers rewards do not
    correlate with length."""


@dataclass(frozen=True, slots=True)
class RewardSource:
    """One of those who pay.

    Attributes:
        name: for logs and for the file with its units.
        members: usually one grader; several are an ensemble.
        scale: what it counts.
        pessimism: k, what the disagreement of several members costs.
    """

    name: str
    members: tuple[Grader, ...]
    scale: RewardScaleConfig = field(default_factory=RewardScaleConfig)
    pessimism: float = 1.0


@dataclass(frozen=True, slots=True)
class MemberUnits:
    """The scale of one member: (reward - length_coef length - mean) / deviation."""

    mean: float = 0.0
    deviation: float = 1.0
    length_coef: float = 0.0

    def standard(self, reward: float, length: int) -> float:
        """z."""
        return (reward - self.length_coef * length - self.mean) / self.deviation


SourceUnits = Mapping[str, Sequence[MemberUnits]]
"""By the name of the source, one for each member."""
_UNITS = TypeAdapter(dict[str, tuple[MemberUnits, ...]])


def units_on(sources: Sequence[RewardSource], answers: Answers) -> SourceUnits:
    """The units of every source on held-out answers.

    Raises GraderError where a source can judge fewer than two of them.
    """
    return {
        source.name: tuple(_member_units(source, member, answers) for member in source.members)
        for source in sources
    }


def length_slope(rewards: Sequence[float], lengths: Sequence[int]) -> float:
    """lambda = cov(r, length) / var(length), which leaves r - lambda length uncorrelated with it.

    0 where all lengths are equal.
    """
    around = np.asarray(lengths, dtype=np.float64) - fmean(lengths)
    variance = float(around @ around)
    return float(around @ np.asarray(rewards)) / variance if variance else 0.0


class WeightedRewards:
    """All sources together, as one grader.

    `parts` of a score has what each source said before it was scaled (the mean of its members), and
    of an ensemble its disagreement in standard units. An answer that one source cannot judge leaves
    the batch; it counts as correct where a source says so.
    """

    def __init__(self, sources: Sequence[RewardSource], units: SourceUnits) -> None:
        """`units`: of each source, as `units_on` found them."""
        assert {source.name for source in sources} == units.keys()
        self._sources = sources
        self._units = units

    def grade(self, pairs: Answers) -> list[Verdict]:
        """One verdict per pair, in order."""
        columns = [_verdicts(source, pairs) for source in self._sources]
        return [
            self._verdict(completion, said)
            for (_, completion), said in zip(pairs, zip(*columns, strict=True), strict=True)
        ]

    def _verdict(self, completion: Completion, said: Sequence[Sequence[Verdict]]) -> Verdict:
        """`said`: by every member of every source, of one answer."""
        failure = next((v for of in said for v in of if isinstance(v, GraderFailure)), None)
        if failure is not None:
            return failure
        scores = [[v for v in of if isinstance(v, Score)] for of in said]
        length, reward, parts = len(completion.token_ids), 0.0, dict[str, float]()
        for source, of in zip(self._sources, scores, strict=True):
            units = self._units[source.name]
            z = [u.standard(s.reward, length) for u, s in zip(units, of, strict=True)]
            reward += _paid(source, z)
            parts[source.name] = fmean(score.reward for score in of)
            if len(of) > 1:
                parts[f"{source.name}_disagreement"] = pstdev(z)
        first = scores[0][0]
        is_correct = any(score.is_correct for of in scores for score in of)
        return Score(reward, is_correct, first.answer, parts)


def _paid(source: RewardSource, z: Sequence[float]) -> float:
    found, limit = fmean(z) - source.pessimism * pstdev(z), source.scale.clip
    if limit is not None:
        found = min(limit, max(-limit, found))
    return source.scale.weight * found


def _verdicts(source: RewardSource, pairs: Answers) -> list[tuple[Verdict, ...]]:
    """Of each answer, what every member says."""
    return list(zip(*(member.grade(pairs) for member in source.members), strict=True))


def _member_units(source: RewardSource, member: Grader, answers: Answers) -> MemberUnits:
    verdicts = member.grade(answers)
    known = [
        (verdict.reward, len(completion.token_ids))
        for verdict, (_, completion) in zip(verdicts, answers, strict=True)
        if isinstance(verdict, Score)
    ]
    if len(known) < 2:
        failure = next((v.message for v in verdicts if isinstance(v, GraderFailure)), "")
        raise GraderError(
            f"{source.name}: only {len(known)} of {len(answers)} held-out answers could be judged,"
            f" so its rewards cannot be put on a scale. {failure}".rstrip()
        )
    rewards, lengths = [r for r, _ in known], [n for _, n in known]
    is_free = source.scale.length == "decorrelated"
    slope = length_slope(rewards, lengths) if is_free else 0.0
    if source.scale.units == "raw":
        return MemberUnits(length_coef=slope)
    left = [reward - slope * length for reward, length in known]
    return MemberUnits(fmean(left), pstdev(left) or 1.0, slope)


def write_units(path: Path, units: SourceUnits) -> None:
    """Keep the units of a stage's sources beside its checkpoints."""
    write_rows(path, [{name: tuple(of) for name, of in units.items()}], _UNITS)


def read_units(path: Path) -> SourceUnits:
    """What `write_units` wrote."""
    return read_rows(path, _UNITS)[0]
