from __future__ import annotations

import math
from statistics import fmean, pstdev

import numpy as np
import pytest

from burnish.errors import GraderError
from burnish.training.answer_rewards import (
    MemberUnits,
    RewardScaleConfig,
    RewardSource,
    WeightedRewards,
    length_slope,
    read_units,
    units_on,
    write_units,
)
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

PROBLEM = Problem("p", "What?", None)


def answer(text: str, length: int = 1):
    tokens = tuple(range(length))
    return PROBLEM, Completion((0,), tokens, (), (), text, StopReason.EOS)


class Says:
    """Pays by text; texts that are not known cannot be judged."""

    def __init__(self, rewards: dict[str, float], *, right: str = "") -> None:
        self._rewards = rewards
        self._right = right

    def grade(self, pairs) -> list[Score | GraderFailure]:
        return [
            Score(self._rewards[c.text], c.text == self._right, c.text)
            if c.text in self._rewards
            else GraderFailure("unreadable", f"{c.text}?")
            for _, c in pairs
        ]


def source(name: str, *members: Says, k: float = 1.0, **scale) -> RewardSource:
    return RewardSource(name, members, RewardScaleConfig(**scale), k)


def graded(sources, units, *answers) -> list[Score]:
    verdicts = WeightedRewards(sources, units).grade(answers)
    scores = [verdict for verdict in verdicts if isinstance(verdict, Score)]
    assert len(scores) == len(verdicts)
    return scores


def rewards_of(scores) -> list[float]:
    return [score.reward for score in scores]


def test_every_source_is_put_on_the_scale_of_the_held_out_answers_then_weighted_and_added():
    held_out = [answer("a"), answer("b"), answer("c")]
    liked = source("liked", Says({"a": 1.0, "b": 3.0, "c": 8.0, "d": 5.0}), weight=2.0)
    checked = source("checked", Says({"a": 0, "b": 0, "c": 1, "d": 1}, right="d"), units="raw")
    units = units_on([liked, checked], held_out)
    deviation = pstdev([1.0, 3.0, 8.0])
    assert units["liked"] == (MemberUnits(4.0, deviation, 0.0),)
    assert units["checked"] == (MemberUnits(0.0, 1.0, 0.0),)
    (verdict,) = graded([liked, checked], units, answer("d"))
    assert verdict.reward == pytest.approx(2.0 * (5.0 - 4.0) / deviation + 1.0)
    assert verdict.parts == {"liked": 5.0, "checked": 1.0}
    assert verdict.is_correct


def test_one_source_cannot_count_for_more_than_its_limit_in_its_own_units():
    liked = source("liked", Says({"a": 0.0, "z": 100.0, "y": -100.0}), weight=0.5, clip=3.0)
    units = {"liked": (MemberUnits(2.0, 4.0),)}
    assert rewards_of(graded([liked], units, answer("z"), answer("y"), answer("a"))) == [
        0.5 * 3.0,
        0.5 * -3.0,
        0.5 * -0.5,
    ]


def test_members_of_an_ensemble_have_units_each_and_their_disagreement_costs():
    first, second = Says({"a": 1.0}), Says({"a": 10.0})
    units = {"liked": (MemberUnits(0.0, 0.5), MemberUnits(4.0, 6.0))}  # z = 2 and 1
    (verdict,) = graded([source("liked", first, second, k=3.0)], units, answer("a"))
    assert verdict.reward == pytest.approx(1.5 - 3.0 * 0.5)
    assert verdict.parts == {"liked": 5.5, "liked_disagreement": 0.5}
    (mean,) = graded([source("liked", first, second, k=0.0)], units, answer("a"))
    assert mean.reward == 1.5


def test_rewards_freed_from_length_do_not_correlate_with_it_on_the_held_out_answers():
    lengths = {"a": 3, "b": 10, "c": 4, "d": 30}
    says = {"a": 1.0, "b": 2.5, "c": 0.0, "d": 5.0}
    held_out = [answer(text, n) for text, n in lengths.items()]
    free = source("liked", Says(says), length="decorrelated", clip=None)
    units = units_on([free], held_out)
    slope = length_slope([*says.values()], [*lengths.values()])
    assert units["liked"][0].length_coef == pytest.approx(slope) != 0.0
    found = rewards_of(graded([free], units, *held_out))
    assert np.corrcoef(found, [*lengths.values()])[0, 1] == pytest.approx(0.0, abs=1e-9)
    assert fmean(found) == pytest.approx(0.0)
    assert pstdev(found) == pytest.approx(1.0)
    kept = units_on([source("liked", Says(says))], held_out)
    assert kept["liked"][0].length_coef == 0.0


def test_slope_by_hand():
    assert length_slope([1.0, 2.0, 6.0], [1, 3, 5]) == pytest.approx((2 * 2 + 2 * 3) / 8)
    assert length_slope([1.0, 2.0], [4, 4]) == 0.0


def test_an_answer_that_one_source_cannot_judge_is_paid_by_none():
    sure, unsure = source("sure", Says({"a": 1.0, "b": 1.0})), source("unsure", Says({"a": 1.0}))
    units = {"sure": (MemberUnits(),), "unsure": (MemberUnits(),)}
    payer = WeightedRewards([sure, unsure], units)
    good, bad = payer.grade([answer("a"), answer("b")])
    assert isinstance(good, Score)
    assert bad == GraderFailure("unreadable", "b?")


def test_units_of_equal_rewards_leave_them_finite():
    same = source("same", Says({"a": 2.0, "b": 2.0}))
    units = units_on([same], [answer("a"), answer("b")])
    assert rewards_of(graded([same], units, answer("a"))) == [0.0]


def test_a_source_that_cannot_judge_held_out_answers_is_an_error_that_says_why():
    mute = source("mute", Says({"a": 1.0}))
    with pytest.raises(GraderError, match=r"mute: only 1 of 3 .* b\?"):
        units_on([mute], [answer("a"), answer("b"), answer("c")])


def test_units_are_read_back_as_they_were_written(tmp_path):
    units = {"liked": (MemberUnits(1 / 3, math.pi, -0.1), MemberUnits()), "raw": (MemberUnits(),)}
    write_units(tmp_path / "stage" / "units.json", units)
    assert read_units(tmp_path / "stage" / "units.json") == units
