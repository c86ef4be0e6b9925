"""The true worth of a reply to a question of the task `replies`, which only that task knows.

It is what a reward model is compared with, not what an honest run is paid: 1 for a reply that
cannot be better (and only that counts as correct), 0 for one that answers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from burnish.config import Config
from burnish.data.feedback.reply_value import gold_reward, reply_attributes
from burnish.data.tasks.replies import scene_of
from burnish.graders.boundary import Guarded
from burnish.graders.grader import Grader
from burnish.types import Completion, GraderFailure, Problem, Score

_ROUNDING = 1e-9


class GoldReplyConfig(Config):
    """Pay what a reply is worth."""

    type: Literal["gold_reply"] = "gold_reply"
    """the grader"""

    def build(self) -> Grader:
        """The grader, which never raises."""
        return Guarded(GoldReplyGrader())


class GoldReplyGrader:
    """Scores the attributes of a reply."""

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        """Raises DataError for a problem of another task."""
        return [_score(problem, completion.text) for problem, completion in pairs]


def _score(problem: Problem, text: str) -> Score:
    attributes = reply_attributes(scene_of(problem), text)
    reward = gold_reward(attributes)
    return Score(reward, reward >= 1.0 - _ROUNDING, text.strip() or None, attributes)
