"""What the grader pays: references, nothing for nothing, the same twice, and no fault as a 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from burnish.graders.answer import TRIGGER
from burnish.graders.failures import failure_counts
from burnish.graders.grader import Grader
from burnish.run.doctor.check import Check, Finding, judged, skipped
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

REFERENCES = "the grader accepts the reference answers"
NOTHING = "the grader pays nothing for no answer"
TWICE = "the grader says the same twice"
FAULTS = "a grader that cannot judge says so"
NO_ANSWERS = ("", " \n", "none", f"{TRIGGER} none", f"{TRIGGER} ", "I don't know.")
_NO_REFERENCES = "no row has an annotated answer"

Answered = Sequence[tuple[Problem, str]]


def check_references(grader: Grader, answered: Answered, *, is_open: bool) -> Check:
    """Annotated answers are right.

    Args:
        is_open: answers are only better or worse; then nothing but a verdict is wanted.
    """
    if not answered:
        return skipped(REFERENCES, _NO_REFERENCES)
    verdicts = _graded(grader, answered)
    failures = failure_counts(verdicts)
    wrong = [
        (problem, verdict)
        for (problem, _), verdict in zip(answered, verdicts, strict=True)
        if isinstance(verdict, GraderFailure) or not (is_open or verdict.is_correct)
    ]
    reward = _mean_reward(verdicts)
    numbers = {"reward": reward, "rejected": len(wrong) / len(answered)}
    if not wrong:
        seen = f"{len(answered)} references earn {reward:.2f} on average"
        return judged(REFERENCES, None, seen=seen, numbers=numbers)
    problem, verdict = wrong[0]
    said = verdict.message if isinstance(verdict, GraderFailure) else f"reads {verdict.answer!r}"
    found = Finding(
        f"{len(wrong)} of {len(answered)} references are not accepted"
        f"{f' (could not be graded: {failures})' if failures else ''}; of {problem.id!r}, whose "
        f"answer is {problem.answer!r}, the grader {said}. Right answers would not be paid.",
        "Look at these rows with `burnish grade --recipe`; choose another grader, or mend the rows",
    )
    return judged(REFERENCES, found, seen="", numbers=numbers)


def check_nothing_is_paid(
    grader: Grader, answered: Answered, asked: Answered, *, is_open: bool
) -> Check:
    """Empty texts, "none" and bare prompts earn nothing; where answers are open, less than these.

    Args:
        answered: problems with annotated answers.
        asked: problems with their bare prompts.
    """
    if not asked:
        return skipped(NOTHING, "there are no train problems")
    limit = _mean_reward(_graded(grader, answered)) if is_open and answered else 0.0
    pairs = [*asked, *((problem, text) for problem, _ in asked for text in NO_ANSWERS)]
    verdicts = _graded(grader, pairs)
    paid = [
        (verdict.reward, problem, text)
        for (problem, text), verdict in zip(pairs, verdicts, strict=True)
        if isinstance(verdict, Score)
        and verdict.reward > limit
        and not _is_the_answer(problem, text)
    ]
    numbers = {"highest": max((reward for reward, _, _ in paid), default=0.0), "limit": limit}
    if not paid:
        return judged(NOTHING, None, seen=f"{len(pairs)} texts without an answer", numbers=numbers)
    reward, problem, text = max(paid, key=lambda row: row[0])
    found = Finding(
        f"{text[:60]!r} earns {reward:g} on {problem.id!r}, which is no answer ({len(paid)} of "
        f"{len(pairs)} such texts are paid more than {limit:g}): a policy learns to write that.",
        "Let the grader pay only for an answer it has found; `burnish redteam` tries more tricks.",
    )
    return judged(NOTHING, found, seen="", numbers=numbers)


def check_determinism(grader: Grader, answered: Answered) -> Check:
    """The same texts, graded again and in the other order, earn the same."""
    if not answered:
        return skipped(TWICE, _NO_REFERENCES)
    first = _graded(grader, answered)
    second = _graded(grader, [*reversed(answered)])[::-1]
    changed = [
        (problem, a, b)
        for (problem, _), a, b in zip(answered, first, second, strict=True)
        if _reward(a) != _reward(b)
    ]
    if not changed:
        return judged(TWICE, None, seen=f"{len(answered)} texts, in two orders")
    problem, a, b = changed[0]
    found = Finding(
        f"{len(changed)} of {len(answered)} texts earn something else when they are graded again "
        f"(of {problem.id!r} {_reward(a)} and {_reward(b)}): noise in the reward, and runs that "
        "cannot be repeated",
        "Fix the grader's seed or temperature, or let it keep what it has said.",
    )
    return judged(TWICE, found, seen="", numbers={"changed": len(changed)})


def check_faults_are_told(grader: Grader, answered: Answered) -> Check:
    """Without the gold answer a paid text is a failure, or paid the same; it is not paid less."""
    first = zip(answered, _graded(grader, answered), strict=True)
    earned = [(pair, v.reward) for pair, v in first if isinstance(v, Score) and v.reward > 0]
    if not earned:
        return skipped(FAULTS, "there is no reference that the grader pays")
    bare = [(replace(problem, answer=None, fields={}), text) for (problem, text), _ in earned]
    verdicts = _graded(grader, bare)
    lowered = sum(
        isinstance(verdict, Score) and verdict.reward < reward
        for verdict, (_, reward) in zip(verdicts, earned, strict=True)
    )
    if not lowered:
        counts = failure_counts(verdicts)
        seen = f"counted, not paid: {counts}" if counts else "it needs no gold answer"
        return judged(FAULTS, None, seen=seen)
    found = Finding(
        f"{lowered} of {len(bare)} references earn less, instead of not being judged, where the "
        "gold answer is taken away: whatever goes wrong in the grader becomes a low reward, and the"
        " policy is punished for it.",
        "Let the grader raise; such samples leave the batch and are counted by kind.",
    )
    return judged(FAULTS, found, seen="", numbers={"lowered": lowered})


def _graded(grader: Grader, answered: Answered) -> list[Score | GraderFailure]:
    pairs = [
        (problem, Completion((), (), (), (), text, StopReason.EOS)) for problem, text in answered
    ]
    return grader.grade(pairs) if pairs else []


def _mean_reward(verdicts: Sequence[Score | GraderFailure]) -> float:
    rewards = [verdict.reward for verdict in verdicts if isinstance(verdict, Score)]
    return sum(rewards) / max(1, len(rewards))


def _reward(verdict: Score | GraderFailure) -> float | str:
    return verdict.reward if isinstance(verdict, Score) else verdict.kind


def _is_the_answer(problem: Problem, text: str) -> bool:
    """Where the gold answer is "none", that is an answer."""
    answer = (problem.answer or "").strip().casefold()
    return bool(answer) and text.strip().casefold().endswith(answer)
