"""Who says which of several candidates is better, for rounds of preference learning.

pairs    a judge of pairs: a candidate's score is the mean probability that it is better, over all
         other candidates of its problem, each pair in both orders
scores   a judge of single answers
grader   any grader: the recipe's own, a trained reward model, the task's gold answers
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.graders.config import GraderConfig
from burnish.graders.grader import Grader
from burnish.training.candidate_judging import CandidateJudge
from burnish.training.candidate_pairs import Judgement
from burnish.training.judging.judges import AnyAnswerJudgeConfig, AnyPairJudgeConfig
from burnish.training.judging.labels import EVEN, AnswerJudge, AnswerPair, PairJudge
from burnish.training.judging.pair_judge import ModelPairJudgeConfig
from burnish.training.judging.score_judge import ModelAnswerJudgeConfig
from burnish.training.samples import GradedSample
from burnish.training.workbench import Workbench
from burnish.types import Completion, Problem, Score


class PairsJudgeConfig(Config):
    """A judge of pairs."""

    type: Literal["pairs"] = "pairs"
    """candidates are compared two by two"""
    by: AnyPairJudgeConfig = ModelPairJudgeConfig()
    """who compares: model or simulated"""

    def build(self, bench: Workbench) -> CandidateJudge:
        """Load or reach the model. Raises ConfigError and ModelError."""
        return PairsJudge(self.by.build(bench))


class ScoresJudgeConfig(Config):
    """A judge of single answers."""

    type: Literal["scores"] = "scores"
    """candidates are scored one by one"""
    by: AnyAnswerJudgeConfig = ModelAnswerJudgeConfig()
    """who scores: model or simulated"""

    def build(self, bench: Workbench) -> CandidateJudge:
        """Load or reach the model. Raises ConfigError and ModelError."""
        return ScoresJudge(self.by.build(bench))


class GraderJudgeConfig(Config):
    """A grader, such as a trained reward model."""

    type: Literal["grader"] = "grader"
    """candidates are graded"""
    by: GraderConfig | None = None
    """the grader; default: the recipe's"""

    def build(self, bench: Workbench) -> CandidateJudge:
        """Raises what the grader's own `build` raises."""
        return GradingJudge(bench.grader if self.by is None else self.by.build())


AnyCandidateJudgeConfig: TypeAlias = Annotated[
    PairsJudgeConfig | ScoresJudgeConfig | GraderJudgeConfig, Field(discriminator="type")
]


class PairsJudge:
    """Every candidate against every other one of its problem; equal texts are a tie."""

    def __init__(self, judge: PairJudge) -> None:
        """`judge`: compares two."""
        self._judge = judge

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        """The mean probability of being better; none where no comparison has a label.

        What a comparison costs is charged to its first candidate.
        """
        places: dict[str, list[int]] = {}
        for place, candidate in enumerate(candidates):
            places.setdefault(candidate.problem_id, []).append(place)
        texts = [candidate.text.strip() for candidate in candidates]
        duels = [duel for group in places.values() for duel in combinations(group, 2)]
        asked = [(a, b) for a, b in duels if texts[a] != texts[b]]
        labels = self._judge.label(
            [AnswerPair(problems[a], texts[a], texts[b]) for a, b in asked], seed=seed
        )
        wins: list[list[float]] = [[] for _ in candidates]
        costs = [0] * len(candidates)
        for (a, b), label in zip(asked, labels, strict=True):
            costs[a] += label.tokens.total
            if label.probability is not None:
                wins[a].append(label.probability)
                wins[b].append(1.0 - label.probability)
        for a, b in duels:
            if texts[a] == texts[b]:
                wins[a].append(EVEN)
                wins[b].append(EVEN)
        return [
            Judgement(fmean(won) if won else None, cost)
            for won, cost in zip(wins, costs, strict=True)
        ]


class ScoresJudge:
    """Every candidate alone."""

    def __init__(self, judge: AnswerJudge) -> None:
        """`judge`: scores one."""
        self._judge = judge

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        """The judge's scores."""
        answers = [
            (problem, candidate.text)
            for problem, candidate in zip(problems, candidates, strict=True)
        ]
        said = self._judge.score(answers, seed=seed)
        return [Judgement(score.score, score.tokens.total) for score in said]


class GradingJudge:
    """What a grader pays; one that it cannot grade has no score."""

    def __init__(self, grader: Grader) -> None:
        """`grader`: of any kind."""
        self._grader = grader

    def judge(
        self, problems: Sequence[Problem], candidates: Sequence[GradedSample], *, seed: int
    ) -> list[Judgement]:
        """The grader's rewards."""
        pairs = [
            (problem, completion_of(candidate))
            for problem, candidate in zip(problems, candidates, strict=True)
        ]
        return [
            Judgement(verdict.reward if isinstance(verdict, Score) else None)
            for verdict in self._grader.grade(pairs)
        ]


def completion_of(sample: GradedSample) -> Completion:
    """The sample as a grader reads it; its log-probabilities are not known any more."""
    blank = (0.0,) * len(sample.token_ids)
    return Completion(
        sample.prompt_ids, sample.token_ids, blank, blank, sample.text, sample.stop_reason
    )
