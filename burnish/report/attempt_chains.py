"""Samples with several attempts: what each model made of a problem, and what it then changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Literal, TypeAlias

from burnish.report.run_files import Row, as_number
from burnish.report.sample_rows import (
    as_text,
    by_problem,
    by_stage,
    first_and_last_step,
    last_step_row,
    step_of,
)
from burnish.report.text_diff import TextDiff, text_diff
from burnish.report.wording import compact, label

_EXCERPT = 110
"""Characters of a prompt in the list."""

Kind: TypeAlias = Literal["fixed", "broken", "kept", "missed"]

KINDS: Mapping[Kind, str] = {
    "fixed": "wrong, then right",
    "broken": "right, then wrong",
    "kept": "right both times",
    "missed": "wrong both times",
}
"""What can become of a problem from one attempt to the next, in the order of interest."""

_KIND_OF: Mapping[tuple[bool, bool], Kind] = {
    (False, True): "fixed",
    (True, False): "broken",
    (True, True): "kept",
    (False, False): "missed",
}
_MOST_PROBLEMS = {"test": 100, "dev": 40, "train": 16}
"""By split, in the order of the page: most problems shown per stage, the latest logged."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, what the grader said, and whether the token limit cut it."""

    number: int
    text: str
    extracted: str
    reward: str
    is_correct: bool
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Transition:
    """Two attempts that follow each other."""

    kind: Kind
    before: Attempt
    after: Attempt
    diff: TextDiff


@dataclass(frozen=True, slots=True)
class Chain:
    """All attempts of one sample: at least two."""

    stage: str
    title: str
    attempts: tuple[Attempt, ...]
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem and its chains: of every model that was asked, in the order of the stages.

    `excerpt` is the beginning of what its prompt does not share with the others.
    """

    problem_id: str
    excerpt: str
    prompt: str
    gold: str
    chains: tuple[Chain, ...]

    @property
    def kinds(self) -> dict[str, list[Kind]]:
        """Of each transition of every stage's last chain."""
        return {chain.stage: [t.kind for t in chain.transitions] for chain in self.chains}


@dataclass(frozen=True, slots=True)
class AttemptSplit:
    """The problems of one split.

    Attributes:
        split: test, dev or train.
        problems: those shown, the last stage's fixed ones first.
        num_logged: how many there are in the log.
        stages: whose chains there are, in order.
        num_transitions: the most that a chain has.
    """

    split: str
    problems: tuple[Problem, ...]
    num_logged: int
    stages: tuple[str, ...]
    num_transitions: int


def attempt_splits(samples: Sequence[Row]) -> list[AttemptSplit]:
    """The samples that have `turns`, by split.

    A stage's chain at a test problem is its last; of training samples that were asked at several
    steps, the first is shown as well.
    """
    rows = [row for row in samples if has_turns(row)]
    splits = (
        (name, [r for r in rows if r.get("split", "train") == name]) for name in _MOST_PROBLEMS
    )
    return [_attempt_split(name, found) for name, found in splits if found]


def has_turns(row: Row) -> bool:
    """Whether a sample has more than one attempt."""
    turns = row.get("turns")
    return isinstance(turns, list) and sum(isinstance(turn, Mapping) for turn in turns) > 1


def _attempt_split(split: str, rows: Sequence[Row]) -> AttemptSplit:
    shown = _latest_ids(rows, _MOST_PROBLEMS[split])
    groups = by_problem(rows)
    prompts = [str(found[0].get("prompt", "")).strip() for found in groups]
    problems = [
        _problem(found, prompt, excerpt)
        for found, prompt, excerpt in zip(groups, prompts, _excerpts(prompts), strict=True)
        if _id_of(found[0]) in shown
    ]
    problems.sort(key=lambda problem: list(KINDS).index(problem.chains[-1].transitions[-1].kind))
    return AttemptSplit(
        split=split,
        problems=tuple(problems),
        num_logged=len(groups),
        stages=tuple(str(found[0].get("stage", "")) for found in by_stage(rows)),
        num_transitions=max(len(chain.transitions) for p in problems for chain in p.chains),
    )


def _latest_ids(rows: Sequence[Row], most: int) -> set[str]:
    """Of each stage, the problems that it was asked last."""
    latest = (dict.fromkeys(_id_of(row) for row in reversed(found)) for found in by_stage(rows))
    return {problem for ids in latest for problem in list(ids)[:most]}


def _id_of(row: Row) -> str:
    return str(row.get("problem_id", ""))


def _excerpts(prompts: Sequence[str]) -> list[str]:
    """Prompts on one line each, without the first lines that all of them share."""
    lines = [prompt.splitlines() for prompt in prompts]
    shared = takewhile(lambda together: len(set(together)) == 1, zip(*lines, strict=False))
    num_shared = sum(1 for _ in shared) if len(set(prompts)) > 1 else 0
    whole = [" ".join(" ".join(found[num_shared:] or found).split()) for found in lines]
    return [t if len(t) <= _EXCERPT else f"{t[:_EXCERPT].rstrip()}\u2026" for t in whole]


def _problem(rows: Sequence[Row], prompt: str, excerpt: str) -> Problem:
    chains = [
        _chain(row)
        for found in by_stage(rows)
        for row in first_and_last_step(found) or [last_step_row(found)]
    ]
    return Problem(
        problem_id=_id_of(rows[0]),
        excerpt=excerpt,
        prompt=prompt,
        gold=as_text(rows[0].get("gold")),
        chains=tuple(chains),
    )


def _chain(row: Row) -> Chain:
    stage = str(row.get("stage", ""))
    turns = [turn for turn in row["turns"] if isinstance(turn, Mapping)]
    attempts = tuple(_attempt(number, turn) for number, turn in enumerate(turns, start=1))
    return Chain(
        stage=stage,
        title=f"{label(stage)}, step {step_of(row):.0f}" if step_of(row) else label(stage),
        attempts=attempts,
        transitions=tuple(_transition(before, after) for before, after in pairwise(attempts)),
    )


def _attempt(number: int, turn: Row) -> Attempt:
    reward = as_number(turn.get("reward"))
    return Attempt(
        number=number,
        text=str(turn.get("text", "")),
        extracted=as_text(turn.get("answer")),
        reward="" if reward is None else compact(reward),
        is_correct=turn.get("is_correct") is True,
        is_cut=turn.get("stop_reason") == "length",
    )


def _transition(before: Attempt, after: Attempt) -> Transition:
    kind = _KIND_OF[before.is_correct, after.is_correct]
    return Transition(kind, before, after, text_diff(before.text, after.text))
