"""The stage that has comments read by a judge, and what it leaves: words and scores side by side.

`train.jsonl`, `dev.jsonl`, `test.jsonl` and `shifted.jsonl` have for every comment the question,
the answer, the words, the score, the aspect and the confidence that were read out of them, or why
nothing was: the file can be checked by a person. One step asks about one batch and leaves one file
in `pieces/`, whole or not there; a piece that is there is not asked about again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.data.feedback.kinds import FeedbackSet, FeedbackSplit, FeedbackTask
from burnish.errors import DataError
from burnish.graders.comment_judge import JudgeConfig, LexiconConfig, Opinion
from burnish.graders.failures import require_graded
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.stage import StageRun, StepResult
from burnish.types import AttributeRating, Comment, GraderFailure, Score

SCORE = "score"
_SPLITS: Sequence[FeedbackSplit] = ("train", "dev", "test", "shifted")


class CommentsConfig(Config):
    """Free words about answers, read by a judge."""

    type: Literal["comments"] = "comments"
    """A judge's scores, weighted by its confidence."""
    judge: JudgeConfig = LexiconConfig()
    """Who reads them: model (any LLM) or lexicon."""
    min_confidence: float = Field(default=0.1, ge=0, le=1)
    """A score of which the judge is less sure is not learnt from, and counted."""
    batch_size: int = Field(default=64, ge=1)
    """Comments of one step; what a stopped run may have to ask again."""
    max_failures: float = Field(default=0.2, ge=0, le=1)
    """Share of a batch that may be unreadable before the run stops."""


@dataclass(frozen=True, slots=True)
class JudgedComment:
    """A comment and what was read out of it.

    Attributes:
        number: of the comment in its split, from 0.
        question, text, comment: what was asked, the answer, and the words about it.
        opinion: what they amount to; None where they could not be read.
        failure: why not.
    """

    number: int
    question: str
    text: str
    comment: str
    opinion: Opinion | None
    failure: GraderFailure | None


_JUDGED = TypeAdapter(JudgedComment)


def judge_comments(
    run: StageRun, *, task: FeedbackTask, config: CommentsConfig, num_labels: int | None
) -> Iterator[StepResult]:
    """A stage that trains nothing: have all comments read, one batch a step.

    Args:
        num_labels: train comments that are read, from the first; None: all.

    Raises GraderError where too many of a batch cannot be read.
    """
    comments = {split: _comments(task, split, num_labels) for split in _SPLITS}
    batches = [
        (split, start)
        for split, rows in comments.items()
        for start in range(0, len(rows), config.batch_size)
    ]
    if not comments["train"]:
        raise DataError("the task has no comments to learn from; check its files and sizes")
    judge = config.judge.build()
    for step in run.steps(len(batches), model=None, state={}, eval_every=1):
        split, start = batches[step]
        part = comments[split][start : start + config.batch_size]
        piece = run.folder / "pieces" / f"{split}-{start:06d}.jsonl"
        if not piece.exists():
            judged = _judged(part, judge.read(part), start, max_failures=config.max_failures)
            write_rows(piece, judged, _JUDGED)
        yield StepResult(_metrics(read_rows(piece, _JUDGED)))
    for split in _SPLITS:
        pieces = sorted((run.folder / "pieces").glob(f"{split}-*.jsonl"))
        rows = [row for piece in pieces for row in read_rows(piece, _JUDGED)]
        write_rows(run.folder / f"{split}.jsonl", rows, _JUDGED)


def opinions(
    folder: Path, task: FeedbackTask, split: FeedbackSplit, *, min_confidence: float
) -> FeedbackSet:
    """The scores that the stage in `folder` left, weighted by confidence, and what was left out."""
    comments = task.feedback("comments", split)
    found: list[AttributeRating] = []
    skipped: Counter[str] = Counter(comments.skipped)
    for row in read_rows(folder / f"{split}.jsonl", _JUDGED):
        comment = comments.rows[row.number]
        assert isinstance(comment, Comment)
        if row.opinion is None:
            skipped[row.failure.kind if row.failure else "unknown"] += 1
        elif row.opinion.confidence < max(min_confidence, 1e-6):
            skipped["unsure"] += 1
        else:
            values = {SCORE: row.opinion.score}
            weight = comment.weight * row.opinion.confidence
            found.append(
                AttributeRating(comment.problem, comment.text, values, comment.source, weight)
            )
    return FeedbackSet(tuple(found), dict(skipped))


def _comments(
    task: FeedbackTask, split: FeedbackSplit, num_labels: int | None
) -> Sequence[Comment]:
    rows = [row for row in task.feedback("comments", split).rows if isinstance(row, Comment)]
    return rows[:num_labels] if split == "train" else rows


def _judged(
    comments: Sequence[Comment],
    found: Sequence[Opinion | GraderFailure],
    start: int,
    *,
    max_failures: float,
) -> list[JudgedComment]:
    verdicts = [f if isinstance(f, GraderFailure) else Score(f.score, False, None) for f in found]
    require_graded(verdicts, max_share=max_failures)
    return [
        JudgedComment(
            number,
            comment.problem.question,
            comment.text,
            comment.comment,
            opinion=said if isinstance(said, Opinion) else None,
            failure=said if isinstance(said, GraderFailure) else None,
        )
        for number, (comment, said) in enumerate(zip(comments, found, strict=True), start=start)
    ]


def _metrics(rows: Sequence[JudgedComment]) -> Metrics:
    read = [row.opinion for row in rows if row.opinion is not None]
    kinds = Counter(row.failure.kind for row in rows if row.failure is not None)
    found = {f"judge/failed_{kind}": float(count) for kind, count in kinds.items()}
    if read:
        found["judge/score"] = fmean(opinion.score for opinion in read)
        found["judge/confidence"] = fmean(opinion.confidence for opinion in read)
    return found | {"judge/tokens": float(sum(opinion.num_tokens for opinion in read))}
