"""From judged candidates to pairs: the best of a problem against the worst, ties left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from burnish.errors import DataError
from burnish.training.preference_pairs import TokenPair, write_pairs
from burnish.training.row_files import write_rows
from burnish.training.samples import GradedSample

Course: TypeAlias = Literal["paired", "tied", "same_answer", "too_few"]
"""What became of a problem: all its candidates are worth the same, best and worst are the same
tokens, or fewer than two have a score."""

_COUNTS = TypeAdapter(dict[str, int])


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of one candidate.

    Attributes:
        score: larger is better; None where the judge said nothing that can be read.
        num_tokens: what it cost: tokens that the judge sampled or read.
    """

    score: float | None
    num_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sample and what the judge says of it."""

    sample: GradedSample
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class BestAndWorst:
    """Two candidates of one problem."""

    best: GradedSample
    worst: GradedSample

    def tokens(self) -> TokenPair:
        """The pair to learn, as it was sampled."""
        best, worst = self.best, self.worst
        return TokenPair(best.problem_id, best.prompt_ids, best.token_ids, worst.token_ids)


def best_and_worst(candidates: Sequence[Candidate]) -> BestAndWorst | Course:
    """The candidates of one problem with the highest and the lowest score, or why there are none.

    Of several that are equally good or bad the first is taken: they were drawn independently.
    """
    scored = [(c.judgement.score, c.sample) for c in candidates if c.judgement.score is not None]
    if len(scored) < 2:
        return "too_few"
    best = max(scored, key=lambda pair: pair[0])
    worst = min(scored, key=lambda pair: pair[0])
    if best[0] == worst[0]:
        return "tied"
    if best[1].token_ids == worst[1].token_ids:
        return "same_answer"
    return BestAndWorst(best[1], worst[1])


def pair_up(folder: Path, groups: Sequence[Sequence[Candidate]], *, num_asked: int) -> None:
    """Leave `pairs.jsonl` and `counts.json` in the folder of the stage that judged `groups`.

    Args:
        groups: the candidates of each problem that was asked.
        num_asked: problems that the round was to ask.

    Raises DataError where no problem has a pair.
    """
    found: list[BestAndWorst | Course] = [best_and_worst(group) for group in groups]
    pairs = [pair for pair in found if isinstance(pair, BestAndWorst)]
    courses: list[Course] = [course for course in found if not isinstance(course, BestAndWorst)]
    counts = pair_counts(groups, pairs, courses) | {"problems": num_asked}
    write_pairs(folder / "pairs.jsonl", [pair.tokens() for pair in pairs])
    write_rows(folder / "counts.json", [counts], _COUNTS)
    if not pairs:
        raise DataError(
            f"{folder}: of {len(groups)} problems none has a better and a worse candidate (tied: "
            f"{counts['tied']}, fewer than two judged: {counts['too_few']}, best and worst the "
            f"same: {counts['same_answer']}; {counts['unreadable']} candidates got no score that "
            "can be read), so there is nothing to prefer. Sample more candidates "
            "(`sample.samples_per_problem`), at a higher `sample.temperature`, or take another "
            "`judge`: a small model cannot judge in words."
        )


def pair_counts(
    groups: Sequence[Sequence[Candidate]],
    pairs: Sequence[BestAndWorst],
    courses: Sequence[Course],
) -> dict[str, int]:
    """What was sampled and judged, what became of the problems, and whether the judge was right.

    `right_over_wrong` and `wrong_over_right` are pairs of which the gold answers know better.
    """
    candidates = [candidate for group in groups for candidate in group]
    kinds: Sequence[Course] = ("tied", "same_answer", "too_few")
    reasons: Mapping[str, int] = {kind: courses.count(kind) for kind in kinds}
    right = [(pair.best.score.is_correct, pair.worst.score.is_correct) for pair in pairs]
    return {
        "asked": len(groups),
        "samples": len(candidates),
        "sampled_tokens": sum(len(c.sample.token_ids) for c in candidates),
        "judge_tokens": sum(c.judgement.num_tokens for c in candidates),
        "unreadable": sum(c.judgement.score is None for c in candidates),
        **reasons,
        "pairs": len(pairs),
        "right_over_wrong": right.count((True, False)),
        "wrong_over_right": right.count((False, True)),
        "chosen_tokens": sum(len(pair.best.token_ids) for pair in pairs),
        "rejected_tokens": sum(len(pair.worst.token_ids) for pair in pairs),
    }
