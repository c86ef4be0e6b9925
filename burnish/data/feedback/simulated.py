"""Simulated people who judge replies whose worth is known: comparisons, ratings, and so on.

What a rater perceives is the gold reward, raised by a liking for length; what a rater says is what
is perceived, with mistakes. Everything is a function of the seed, the problem and the kind, so that
two kinds of feedback are about the same answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.data.feedback.kinds import Feedback, FeedbackKind
from burnish.data.feedback.reply_value import (
    ATTRIBUTES,
    HIGHEST,
    gold_reward,
    num_words,
    reply_attributes,
)
from burnish.data.feedback.reply_writing import Scene
from burnish.data.feedback.spoken import comment_on
from burnish.types import AttributeRating, Comment, Preference, Problem, Rating

NUM_GRADES = 5
_STRENGTH_STEP = 0.15
"""Perceived difference per step of strength: slightly, clearly, far better."""


class RatersConfig(Config):
    """People who judge replies."""

    answers: int = Field(default=2, ge=2, le=9)
    """K: replies to each problem; with more than two, all their pairs are one ranking"""
    noise: float = Field(default=0.1, ge=0, le=0.5)
    """share of votes for the worse of two replies, and of comments that say the opposite"""
    votes: int = Field(default=1, ge=1)
    """people asked about each pair; from two on labels are soft, and a draw is a tie"""
    tie_width: float = Field(default=0.0, ge=0, le=1)
    """perceived rewards that differ by no more are called a tie"""
    length_bias: float = 0.0
    """reward that ten more words add in the eyes of a rater; 0: people see what is there"""
    raters: int = Field(default=4, ge=1)
    """people who rate; each has a strictness of its own"""
    strictness: float = Field(default=0.7, ge=0)
    """standard deviation, in grades, of what a rater takes off every rating"""
    rating_noise: float = Field(default=0.5, ge=0)
    """standard deviation, in grades, of a rating and of an attribute's value around the truth"""
    missing: float = Field(default=0.2, ge=0, lt=1)
    """share of the attributes of a reply about which nothing is said"""


Judge: TypeAlias = (
    "Callable[[Problem, Scene, Sequence[str], RatersConfig, random.Random], Iterator[Feedback]]"
)


def perceived_reward(scene: Scene, text: str, raters: RatersConfig) -> float:
    """The gold reward and what length adds to it."""
    liking = raters.length_bias * num_words(text) / 10.0
    return gold_reward(reply_attributes(scene, text)) + liking


def judged(
    kind: FeedbackKind,
    problem: Problem,
    scene: Scene,
    texts: Sequence[str],
    raters: RatersConfig,
    source: random.Random,
) -> list[Feedback]:
    """What people say of the replies to a problem, in one of the four ways."""
    judges: Mapping[FeedbackKind, Judge] = {
        "comparisons": _compared,
        "ratings": _rated,
        "attributes": _described,
        "comments": _commented,
    }
    return list(judges[kind](problem, scene, texts, raters, source))


def _compared(
    problem: Problem,
    scene: Scene,
    texts: Sequence[str],
    raters: RatersConfig,
    source: random.Random,
) -> Iterator[Preference]:
    """A vote on each pair."""
    ranking = problem.id if len(texts) > 2 else None
    worth = {text: perceived_reward(scene, text, raters) for text in texts}
    for pair in combinations(texts, 2):
        better, worse = sorted(pair, key=worth.__getitem__, reverse=True)
        difference = worth[better] - worth[worse]
        if difference <= raters.tie_width:
            yield Preference(problem, better, worse, 0.5, 0.0, ranking, "simulated")
            continue
        share = sum(source.random() >= raters.noise for _ in range(raters.votes)) / raters.votes
        if share < 0.5:
            better, worse, share = worse, better, 1.0 - share
        strength = float(min(3, 1 + int(difference / _STRENGTH_STEP)))
        yield Preference(problem, better, worse, share, strength, ranking, "simulated")


def _rated(
    problem: Problem,
    scene: Scene,
    texts: Sequence[str],
    raters: RatersConfig,
    source: random.Random,
) -> Iterator[Rating]:
    """A rating of each reply by one of the raters."""
    for text in texts:
        rater = source.randrange(raters.raters)
        said = perceived_reward(scene, text, raters) * (NUM_GRADES - 1)
        said += source.gauss(0.0, raters.rating_noise) - _strictness(rater, raters)
        grade = min(NUM_GRADES - 1, max(0, round(said)))
        yield Rating(problem, text, grade, f"rater-{rater}", "simulated")


def _described(
    problem: Problem,
    scene: Scene,
    texts: Sequence[str],
    raters: RatersConfig,
    source: random.Random,
) -> Iterator[AttributeRating]:
    """The attributes of each reply, where anything is said of them."""
    for text in texts:
        true = reply_attributes(scene, text)
        values: dict[str, float | None] = {}
        for name in ATTRIBUTES:
            said = min(HIGHEST, max(0.0, true[name] + source.gauss(0.0, raters.rating_noise)))
            values[name] = None if source.random() < raters.missing else said
        yield AttributeRating(problem, text, values, "simulated")


def _commented(
    problem: Problem,
    scene: Scene,
    texts: Sequence[str],
    raters: RatersConfig,
    source: random.Random,
) -> Iterator[Comment]:
    """Some words about each reply; the noise says the opposite."""
    for text in texts:
        liking = perceived_reward(scene, text, raters)
        liking = 1.0 - liking if source.random() < raters.noise else liking
        words = comment_on(liking, reply_attributes(scene, text), source)
        yield Comment(problem, text, words, "simulated")


def _strictness(rater: int, raters: RatersConfig) -> float:
    """Of one rater, whoever asks."""
    return random.Random(f"rater/{rater}").gauss(0.0, raters.strictness)
