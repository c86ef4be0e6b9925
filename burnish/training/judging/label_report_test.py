from __future__ import annotations

import pytest

from burnish.training.judging.label_report import (
    LabelledPair,
    agreement_with_gold,
    agreement_with_people,
    consistent,
    first_place,
    label_metrics,
    label_report,
    same_position,
    self_consistency,
)
from burnish.training.judging.labels import PairLabel, Reading
from burnish.training.judging.options import JudgeTokens


def labelled(*orders: float | None, people=None, gold=None, failure=None) -> LabelledPair:
    """A pair whose readings say how likely the first answer is, in both orders by turns."""
    readings = tuple(Reading("p", n % 2 == 1, said) for n, said in enumerate(orders))
    known = [said for said in orders if said is not None]
    probability = sum(known) / len(known) if known and failure is None else None
    label = PairLabel("judge", probability, readings, JudgeTokens(10, 2), failure)
    return LabelledPair("id", "a", "b", label, people, gold)


TAKES_FIRST_PLACE = labelled(0.9, 0.2)
TAKES_SECOND_PLACE = labelled(0.4, 0.7)
TAKES_FIRST_ANSWER = labelled(0.8, 0.6)
TAKES_SECOND_ANSWER = labelled(0.1, 0.3)


def test_a_place_that_is_taken_in_both_orders_is_position_bias():
    rows = [TAKES_FIRST_PLACE, TAKES_SECOND_PLACE, TAKES_FIRST_ANSWER, TAKES_FIRST_PLACE]
    assert same_position(rows) == 0.75
    assert consistent(rows) == 0.25
    assert same_position([TAKES_SECOND_ANSWER]) == 0.0


def test_liking_for_the_first_place_is_a_mean_over_orders():
    assert first_place([TAKES_FIRST_PLACE]) == pytest.approx((0.9 + 0.8) / 2)
    assert first_place([TAKES_FIRST_ANSWER]) == pytest.approx((0.8 + 0.4) / 2)


def test_pair_without_both_orders_says_nothing_of_places():
    rows = [labelled(0.9, None), LabelledPair("id", "a", "b", PairLabel("judge", None))]
    assert same_position(rows) is None
    assert consistent(rows) is None
    assert first_place(rows) is None


def test_repeats_of_a_question_may_disagree():
    assert self_consistency([TAKES_FIRST_PLACE]) is None
    three_against_one = labelled(0.9, 0.2, 0.8, 0.6, 0.7, 0.4, 0.1, 0.3)
    assert self_consistency([three_against_one]) == pytest.approx((3 / 4 + 3 / 4) / 2)


def test_agreement_counts_decided_pairs_of_unequal_worth():
    rows = [
        labelled(0.8, 0.6, gold=(1.0, 0.5)),
        labelled(0.8, 0.6, gold=(0.2, 0.5)),
        labelled(0.3, 0.3, gold=(0.2, 0.5)),
        labelled(0.5, 0.5, gold=(0.2, 0.5)),
        labelled(0.9, 0.9, gold=(0.5, 0.5)),
        labelled(0.9, 0.9, gold=(1.0, 0.5), failure="neither"),
    ]
    assert agreement_with_gold(rows) == pytest.approx((1 + 0 + 1 + 0.5) / 4)
    people = [
        labelled(0.8, 0.6, people=1.0),
        labelled(0.8, 0.6, people=0.4),
        labelled(0.8, 0.6, people=0.5),
    ]
    assert agreement_with_people(people) == 0.5
    assert agreement_with_people(rows) is None


def test_report_counts_labels_costs_and_what_has_no_label():
    rows = [
        labelled(0.8, 0.6, gold=(1.0, 0.5)),
        labelled(0.1, 0.1, gold=(1.0, 0.5), people=0.0),
        labelled(None, None, failure="neither"),
    ]
    report = label_report(rows)
    assert report == {
        "judges": ["judge"],
        "pairs": 2,
        "labels": 1,
        "audited": 1,
        "unlabelled": {"neither": 1},
        "judge_prompt_tokens": 30,
        "judge_generated_tokens": 6,
        "same_position": 0.0,
        "prefers_first_place": pytest.approx((0.8 + 0.4 + 0.1 + 0.9) / 4),
        "consistent": 1.0,
        "self_consistency": None,
        "agrees_with_gold": 1.0,
        "agrees_with_people": 1.0,
    }


def test_curves_show_labels_costs_and_sureness():
    found = label_metrics([TAKES_SECOND_ANSWER, labelled(None, None, failure="neither")])
    assert found == {
        "label/labelled": 0.5,
        "label/prompt_tokens": 20.0,
        "label/generated_tokens": 4.0,
        "label/sureness": pytest.approx(0.8),
        "label/same_position": 0.0,
    }
