"""Does a second attempt help? SCoRe's metrics (arXiv:2409.12917, section 3) and its collapses.

The same problems are answered in n turns, an `Evaluation` each; turns that follow each other are a
transition. Only samples that could be graded in every turn count, so that

    Acc@t2 = Acc@t1 + fixed - broken

holds exactly: fixed is the share of all samples that were wrong and became right, broken of those
that were right and became wrong. Their conditional rates (of the wrong, of the right) are what
some accounts of the paper quote in their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TypeAlias

from rapidfuzz.distance import Levenshtein

from burnish.errors import DataError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.evaluation.statistics import (
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_ratio,
)
from burnish.types import Json, Score

NO_EDIT_BELOW = 0.02
"""Share of changed answers below which second attempts count as copies of the first."""
FEWEST_FOR_ALARM = 50
"""Problems below which nothing rings while training: one changed answer of fewer is more than
`NO_EDIT_BELOW`, so that chance would decide."""
ALARMS = {
    "no_edit": "no edit: second attempts repeat the first ones, so nothing is corrected.",
    "sabotage": (
        "sabotage: first attempts are worse than the base model's while second ones gain on them: "
        "failing first looks like learning to correct."
    ),
}
"""What each collapse is, by the name of its metric `alarm/NAME`; what helps, the method decides."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one sample said in one turn."""

    text: str
    answer: str | None
    is_correct: bool


_Chain: TypeAlias = tuple[Attempt, ...]
"""One sample through all turns."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of one problem's samples from one turn to the next; counts of samples.

    Attributes:
        kept: right both times.
        fixed: wrong, then right.
        broken: right, then wrong.
        missed: wrong both times.
        changed: other answer; where neither attempt has an answer, other text.
        edit_ratio: mean over samples of the edit distance by the length of both texts together.
    """

    kept: int
    fixed: int
    broken: int
    missed: int
    changed: int
    edit_ratio: float

    def __post_init__(self) -> None:
        assert self.right_after == self.right_before + self.fixed - self.broken

    @property
    def num(self) -> int:
        """Samples."""
        return self.kept + self.fixed + self.broken + self.missed

    @property
    def right_before(self) -> int:
        """Right in the earlier turn."""
        return self.kept + self.broken

    @property
    def right_after(self) -> int:
        """Right in the later turn."""
        return self.kept + self.fixed


def self_correction_metrics(turns: Sequence[Evaluation], *, seed: int = 0) -> dict[str, Json]:
    """`accuracy_t1`, `accuracy_t2`, ... and for each transition (`t1-t2`) its metrics.

    All are means over problems with intervals that resample problems, so both attempts at one stay
    together: delta, fixed and broken (shares of all), fixed_of_wrong and broken_of_right (null
    where there are none), answer_change, edit_ratio; and the counts behind them.

    Raises DataError where the turns are of different problems, or no sample was graded in all.
    """
    chains = _chains(turns)
    found: dict[str, Json] = {}
    for turn in range(len(turns)):
        interval = bootstrap_mean(_accuracies(chains, turn), seed=seed)
        found[f"accuracy_t{turn + 1}"] = interval.as_json()
    for before, after in pairwise(range(len(turns))):
        rows = _transitions(chains, before, after)
        found[f"t{before + 1}-t{after + 1}"] = _transition_metrics(rows, seed)
    return found


def self_correction_means(turns: Sequence[Evaluation]) -> dict[str, float]:
    """The same without intervals, for curves: `accuracy_t1`, `delta_t1-t2`, `fixed_t1-t2`, ..."""
    chains = _chains(turns)
    found = {
        f"accuracy_t{turn + 1}": fmean(_accuracies(chains, turn)) for turn in range(len(turns))
    }
    for before, after in pairwise(range(len(turns))):
        rows = _transitions(chains, before, after)
        name = f"t{before + 1}-t{after + 1}"
        found[f"delta_{name}"] = _delta(rows)
        found |= {f"{key}_{name}": fmean(values) for key, values in _shares(rows).items()}
    return found


def transition_of(pairs: Iterable[tuple[Attempt, Attempt]]) -> Transition:
    """Counts over the samples of one problem, at least one."""
    pairs = list(pairs)
    kinds = [(before.is_correct, after.is_correct) for before, after in pairs]
    return Transition(
        kept=kinds.count((True, True)),
        fixed=kinds.count((False, True)),
        broken=kinds.count((True, False)),
        missed=kinds.count((False, False)),
        changed=sum(is_changed(before, after) for before, after in pairs),
        edit_ratio=fmean(edit_ratio(before.text, after.text) for before, after in pairs),
    )


def is_changed(before: Attempt, after: Attempt) -> bool:
    """Whether the answer is another one; without answers, whether the text is."""
    if before.answer is None and after.answer is None:
        return before.text.strip() != after.text.strip()
    return before.answer != after.answer


def edit_ratio(before: str, after: str) -> float:
    """Levenshtein distance in characters by the length of both texts together, as in figure 4.

    0 for equal texts; at most 1, where one of them is empty.
    """
    length = len(before) + len(after)
    return Levenshtein.distance(before, after) / length if length else 0.0


@dataclass(frozen=True, slots=True)
class CollapseReport:
    """The two known ways to earn reward without learning to correct.

    Attributes:
        no_edit: second attempts repeat the first while first attempts are not all right.
        sabotage: first attempts are worse than the base model's, more of them are put right, and
            the gain from first to second is larger: the bonus is earned by failing first.
        num_problems: how many were looked at.
    """

    no_edit: bool
    sabotage: bool
    num_problems: int

    @property
    def is_conclusive(self) -> bool:
        """Whether there were enough problems to be alarmed by."""
        return self.num_problems >= FEWEST_FOR_ALARM

    def sentences(self, remedies: Mapping[str, str] | None = None) -> list[str]:
        """What a reader should know; `remedies`: what helps against each collapse, if known."""
        known = remedies or {}
        seen = [("no_edit", self.no_edit), ("sabotage", self.sabotage)]
        few = f"Seen on {self.num_problems} problems only: look at more before acting on it."
        return [
            " ".join(
                filter(None, (ALARMS[name], known.get(name), "" if self.is_conclusive else few))
            )
            for name, is_so in seen
            if is_so
        ]


def collapse_report(
    turns: Sequence[Evaluation], base: Sequence[Evaluation], *, seed: int = 0
) -> CollapseReport:
    """Looks for both collapses in the first transition, `base` being the model before training.

    No edit: less than `NO_EDIT_BELOW` of the answers change. Sabotage: the paired interval of
    Acc@t1 less the base model's lies below 0, and both delta(t1, t2) and the share that is fixed
    are larger than the base model's. Worse first attempts alone raise delta, too.
    """
    found = _first_transitions(turns)
    theirs = _first_transitions(base)
    shared = [problem for problem in found if problem in theirs]
    if not shared:
        raise DataError("The model and its base have no problem that both could be graded on.")
    rows, base_rows = [found[p] for p in shared], [theirs[p] for p in shared]
    first = [row.right_before / row.num for row in rows]
    base_first = [row.right_before / row.num for row in base_rows]
    change = fmean(row.changed / row.num for row in rows)
    is_worse = bootstrap_difference(first, base_first, seed=seed).high < 0
    return CollapseReport(
        no_edit=change < NO_EDIT_BELOW and fmean(first) < 1,
        sabotage=is_worse
        and _delta(rows) > _delta(base_rows)
        and fmean(_shares(rows)["fixed"]) > fmean(_shares(base_rows)["fixed"]),
        num_problems=len(shared),
    )


def _delta(rows: Sequence[Transition]) -> float:
    return fmean((row.fixed - row.broken) / row.num for row in rows)


def _first_transitions(turns: Sequence[Evaluation]) -> dict[str, Transition]:
    return {
        row.problem.id: transition_of((chain[0], chain[1]) for chain in chains)
        for row, chains in zip(turns[0].rows, _chains_by_row(turns), strict=True)
        if chains
    }


def _accuracies(chains: Sequence[Sequence[_Chain]], turn: int) -> list[float]:
    """Share of right samples of each problem."""
    return [fmean(chain[turn].is_correct for chain in group) for group in chains]


def _transitions(chains: Sequence[Sequence[_Chain]], before: int, after: int) -> list[Transition]:
    return [transition_of((chain[before], chain[after]) for chain in group) for group in chains]


def _shares(rows: Sequence[Transition]) -> dict[str, list[float]]:
    """What is a mean over samples, of each problem."""
    return {
        "fixed": [row.fixed / row.num for row in rows],
        "broken": [row.broken / row.num for row in rows],
        "answer_change": [row.changed / row.num for row in rows],
        "edit_ratio": [row.edit_ratio for row in rows],
    }


def _transition_metrics(rows: Sequence[Transition], seed: int) -> dict[str, Json]:
    before = [row.right_before / row.num for row in rows]
    after = [row.right_after / row.num for row in rows]
    wrong = [row.fixed + row.missed for row in rows]
    right = [row.right_before for row in rows]
    of_wrong = bootstrap_ratio([row.fixed for row in rows], wrong, seed=seed)
    of_right = bootstrap_ratio([row.broken for row in rows], right, seed=seed)
    metrics: dict[str, Json] = {
        "delta": bootstrap_difference(after, before, seed=seed).as_json(),
        "fixed_of_wrong": _json(of_wrong),
        "broken_of_right": _json(of_right),
    }
    for name, values in _shares(rows).items():
        metrics[name] = bootstrap_mean(values, seed=seed).as_json()
    metrics["counts"] = {
        "kept": sum(row.kept for row in rows),
        "fixed": sum(row.fixed for row in rows),
        "broken": sum(row.broken for row in rows),
        "missed": sum(row.missed for row in rows),
    }
    return metrics


def _json(interval: Interval | None) -> Json:
    return None if interval is None else interval.as_json()


def _chains(turns: Sequence[Evaluation]) -> list[list[_Chain]]:
    """Per problem, the samples graded in every turn; problems without any are left out."""
    found = [chains for chains in _chains_by_row(turns) if chains]
    if not found:
        raise DataError(
            "No sample could be graded in all of its turns, so nothing can be compared."
        )
    return found


def _chains_by_row(turns: Sequence[Evaluation]) -> list[list[_Chain]]:
    ids = [[row.problem.id for row in turn.rows] for turn in turns]
    if len(turns) < 2 or any(other != ids[0] for other in ids[1:]):
        raise DataError(
            f"Self-correction needs at least two turns on the same problems; {len(turns)} were "
            "given. Evaluate all turns in one go."
        )
    return [_chains_of(rows) for rows in zip(*(turn.rows for turn in turns), strict=True)]


def _chains_of(rows: Sequence[EvaluatedProblem]) -> list[_Chain]:
    chains = []
    for sample in range(len(rows[0].verdicts)):
        verdicts = [row.verdicts[sample] for row in rows]
        texts = [row.completions[sample].text for row in rows]
        chain = tuple(
            Attempt(text, verdict.answer, verdict.is_correct)
            for text, verdict in zip(texts, verdicts, strict=True)
            if isinstance(verdict, Score)
        )
        if len(chain) == len(rows):
            chains.append(chain)
    return chains
