"""A judge of single answers as who pays, and samples that nobody has to pay."""

from __future__ import annotations

from collections.abc import Sequence

from burnish.data.feedback.kinds import true_reward
from burnish.data.tasks.task import Task
from burnish.training.judging.labels import AnswerJudge, AnswerScore
from burnish.training.judging.options import NO_TOKENS
from burnish.types import Completion, GraderFailure, Problem, Score

_ROUNDING = 1e-9


class JudgeGrader:
    """Pays the judge's score, from -1 to 1.

    An answer of which the judge says nothing leaves the batch and is counted.

    Attributes:
        spent: what its verdicts have cost so far, those without a score included.
    """

    def __init__(self, judge: AnswerJudge, *, seed: int) -> None:
        """`seed`: of judges that draw."""
        self._judge = judge
        self._seed = seed
        self.spent = NO_TOKENS

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """One verdict per pair, in order. Raises GraderError where the judge cannot be asked."""
        answers = [(problem, completion.text) for problem, completion in pairs]
        said = self._judge.score(answers, seed=self._seed)
        self.spent = sum((score.tokens for score in said), self.spent)
        return [_verdict(score, text) for score, (_, text) in zip(said, answers, strict=True)]


class TrueRewardGrader:
    """What the task knows an answer to be worth, and 0 where it does not know.

    For samples that a judge is to compare: what it is not told, but the log is.
    """

    def __init__(self, task: Task) -> None:
        self._task = task

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """One score per pair, in order."""
        found: list[Score | GraderFailure] = []
        for problem, completion in pairs:
            worth = true_reward(self._task, problem, completion.text)
            reward = worth["reward"] if worth else 0.0
            is_correct = reward >= 1.0 - _ROUNDING
            found.append(Score(reward, is_correct, completion.text.strip() or None, worth or {}))
        return found


def _verdict(said: AnswerScore, text: str) -> Score | GraderFailure:
    if said.score is None:
        return GraderFailure(said.failure or "", "the judge gives no score")
    return Score(said.score, False, text.strip() or None)
