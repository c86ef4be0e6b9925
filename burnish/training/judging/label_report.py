"""What labels are worth: what they cost, whether the judge likes a place, and whom it agrees with.

same_position     share of pairs in which the judge takes the same place in both orders (Lee et al.
                  2023, table 4), so that the order decides, and not the answers
consistent        share in which it takes the same answer in both orders
self_consistency  where reasons were written several times: share of readings of a pair in one order
                  that agree with most of them
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from burnish.training.judging.labels import EVEN, PairLabel, Reading
from burnish.training.learner import Metrics
from burnish.types import Json

_NO_LABEL = PairLabel("", None)


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two answers with what a judge says of them, and what else is known.

    Attributes:
        problem_id, first, second: the pair.
        label: who says what, and all that led to it.
        people: the probability, by people, that the first is better; None where none were asked.
        gold: the true rewards of both; None where nobody knows.
    """

    problem_id: str
    first: str
    second: str
    label: PairLabel = _NO_LABEL
    people: float | None = None
    gold: tuple[float, float] | None = None

    def with_label(self, label: PairLabel) -> LabelledPair:
        """The same with what the judge says."""
        return replace(self, label=label)

    @property
    def is_learnt(self) -> bool:
        """Whether it has a label that may be learnt from; audited pairs are only compared."""
        return self.label.probability is not None and self.people is None


def label_metrics(rows: Sequence[LabelledPair]) -> Metrics:
    """Of one batch, for the curves."""
    known = [row.label.probability for row in rows if row.label.probability is not None]
    tokens = [row.label.tokens for row in rows]
    found: Metrics = {
        "label/labelled": len(known) / len(rows),
        "label/prompt_tokens": float(sum(cost.prompt for cost in tokens)),
        "label/generated_tokens": float(sum(cost.generated for cost in tokens)),
    }
    if known:
        found["label/sureness"] = fmean(max(p, 1.0 - p) for p in known)
    numbers = {"same_position": same_position(rows), "agrees_with_gold": agreement_with_gold(rows)}
    return found | {f"label/{name}": n for name, n in numbers.items() if n is not None}


def label_report(rows: Sequence[LabelledPair]) -> dict[str, Json]:
    """Of all labels of a stage, for `counts.json`.

    `agrees_with_gold` is of the pairs that are learnt from, `agrees_with_people` of the audited.
    """
    learnt = [row for row in rows if row.people is None]
    audited = [row for row in rows if row.people is not None]
    kinds = Counter(row.label.failure for row in rows if row.label.failure)
    unlabelled: dict[str, Json] = {**kinds}
    tokens = [row.label.tokens for row in rows]
    judges: list[Json] = [*sorted({row.label.judge for row in rows})]
    place = same_position(rows)
    return {
        "judges": judges,
        "pairs": len(learnt),
        "labels": sum(row.is_learnt for row in learnt),
        "audited": len(audited),
        "unlabelled": unlabelled,
        "judge_prompt_tokens": sum(cost.prompt for cost in tokens),
        "judge_generated_tokens": sum(cost.generated for cost in tokens),
        "same_position": place,
        "prefers_first_place": first_place(rows),
        "consistent": None if place is None else consistent(rows),
        "self_consistency": self_consistency(rows),
        "agrees_with_gold": agreement_with_gold(learnt),
        "agrees_with_people": agreement_with_people(audited),
    }


def same_position(rows: Sequence[LabelledPair]) -> float | None:
    """Share of pairs (by one principle) in which the judge takes one place in both orders."""
    orders = [*_orders(rows)]
    return fmean((a - EVEN) * (b - EVEN) > 0 for a, b in orders) if orders else None


def first_place(rows: Sequence[LabelledPair]) -> float | None:
    """How likely the judge takes the answer that is shown first, on average: fair is 1/2."""
    orders = [*_orders(rows)]
    return fmean(p for pair in orders for p in pair) if orders else None


def consistent(rows: Sequence[LabelledPair]) -> float | None:
    """Share of pairs in which the judge takes one answer in both orders."""
    orders = [*_orders(rows)]
    return fmean((a - EVEN) * (b - EVEN) < 0 for a, b in orders) if orders else None


def self_consistency(rows: Sequence[LabelledPair]) -> float | None:
    """Share of readings that agree with most of those of their question; None without repeats."""
    shares = []
    for row in rows:
        for group in _repeats(row.label.readings):
            votes = Counter(p > EVEN for p in group)
            shares.append(max(votes.values()) / len(group))
    return fmean(shares) if shares else None


def agreement_with_gold(rows: Sequence[LabelledPair]) -> float | None:
    """Share of labels that prefer the truly better answer; pairs of equal worth do not count."""
    hits = [
        _hit(row.label.probability, row.gold[0] - row.gold[1])
        for row in rows
        if row.gold is not None and row.gold[0] != row.gold[1] and row.label.probability is not None
    ]
    return fmean(hits) if hits else None


def agreement_with_people(rows: Sequence[LabelledPair]) -> float | None:
    """Share of labels that prefer what people prefer; their ties do not count."""
    hits = [
        _hit(row.label.probability, row.people - EVEN)
        for row in rows
        if row.people is not None and row.people != EVEN and row.label.probability is not None
    ]
    return fmean(hits) if hits else None


def _hit(probability: float, lead: float) -> float:
    """1 where the label takes the answer that leads, 1/2 where it cannot say."""
    return EVEN if probability == EVEN else float((probability > EVEN) == (lead > 0))


def _orders(rows: Sequence[LabelledPair]) -> Iterator[tuple[float, float]]:
    """By pair and principle: how likely the answer shown first is taken, in either order."""
    for row in rows:
        for principle in dict.fromkeys(reading.principle for reading in row.label.readings):
            first = _shown_first(row.label.readings, principle, is_swapped=False)
            second = _shown_first(row.label.readings, principle, is_swapped=True)
            if first and second:
                yield fmean(first), fmean(second)


def _shown_first(readings: Sequence[Reading], principle: str, *, is_swapped: bool) -> list[float]:
    return [
        reading.shown_first
        for reading in readings
        if reading.principle == principle
        and reading.is_swapped is is_swapped
        and reading.shown_first is not None
    ]


def _repeats(readings: Sequence[Reading]) -> list[list[float]]:
    """The readings of one question that was read several times, decided ones only."""
    groups: dict[tuple[str, bool], list[float]] = {}
    for reading in readings:
        if reading.probability is not None and reading.probability != EVEN:
            key = (reading.principle, reading.is_swapped)
            groups.setdefault(key, []).append(reading.probability)
    return [group for group in groups.values() if len(group) > 1]
