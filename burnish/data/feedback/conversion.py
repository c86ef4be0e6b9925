"""One kind of feedback as another: what ratings and attributes say about pairs of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TypeVar

from burnish.types import AttributeRating, Preference, Rating

R = TypeVar("R", Rating, AttributeRating)


def pairs_of_ratings(ratings: Sequence[Rating], *, min_gap: int = 1) -> list[Preference]:
    """Each pair of answers to one prompt that one rater rated at least `min_gap` grades apart.

    The gap is the strength. Raters are not compared with each other: their scales differ.
    """
    groups: dict[tuple[str, str], list[Rating]] = {}
    for rating in ratings:
        groups.setdefault((rating.problem.id, rating.rater), []).append(rating)
    return [
        _preference(better, worse, gap)
        for group in groups.values()
        for first, second in combinations(group, 2)
        for worse, better in (sorted((first, second), key=lambda rating: rating.rating),)
        if (gap := better.rating - worse.rating) >= min_gap and better.text != worse.text
    ]


def pairs_of_attributes(
    ratings: Sequence[AttributeRating], weights: Mapping[str, float]
) -> list[Preference]:
    """Each pair of answers to one prompt by their weighted sum, where both have all that counts."""
    groups: dict[str, list[tuple[float, AttributeRating]]] = {}
    for rating in ratings:
        values = [rating.values.get(name) for name in weights]
        known = [value for value in values if value is not None]
        if len(known) == len(weights):
            total = sum(w * v for w, v in zip(weights.values(), known, strict=True))
            groups.setdefault(rating.problem.id, []).append((total, rating))
    return [
        _preference(better, worse, high - low)
        for group in groups.values()
        for pair in combinations(group, 2)
        for (low, worse), (high, better) in (sorted(pair, key=lambda summed: summed[0]),)
        if low != high and better.text != worse.text
    ]


def attributes_of_ratings(
    ratings: Sequence[Rating], *, name: str = "rating"
) -> list[AttributeRating]:
    """A rating as the one attribute that is known."""
    return [
        AttributeRating(r.problem, r.text, {name: float(r.rating)}, r.source, r.weight)
        for r in ratings
    ]


def _preference(better: R, worse: R, gap: float) -> Preference:
    return Preference(
        better.problem,
        better.text,
        worse.text,
        strength=float(gap),
        source=better.source,
        weight=(better.weight + worse.weight) / 2,
    )
