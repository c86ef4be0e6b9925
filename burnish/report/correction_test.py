from __future__ import annotations

import pytest

from burnish.report.correction import attempts_headline, correction
from burnish.report.fake_correction import correction_results


def plain(text):
    return text.replace("\u00a0", " ")


def found_in(results):
    found = correction(results)
    assert found is not None
    return found


def with_gain(value, low, high):
    results = correction_results()
    results["stage_two"]["t1-t2"]["delta"] = {"value": value, "low": low, "high": high}
    return found_in(results).sentences


def test_headline_gives_first_and_last_attempts_of_last_stage_and_base():
    assert plain(attempts_headline(correction_results())) == (
        "Stage II answers 50.0 % of 10 test problems right at attempt 1 and 80.0 % at attempt 2; "
        "the base model 70.0 % and 50.0 %."
    )


def test_headline_of_a_method_that_trains_nothing():
    results = {"base": correction_results()["base"]}
    assert attempts_headline(results).startswith("The base model answers 70.0")
    assert attempts_headline(results).endswith("at attempt 2.")
    assert attempts_headline({}) == ""


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        ((0.1, 0.02, 0.18), ("gains 10.0 points", "+2.0 to +18.0", "trying again helps")),
        ((-0.1, -0.18, -0.02), ("loses 10.0 points", "excludes 0, so trying again harms")),
        ((0.1, -0.02, 0.22), ("gains 10.0 points", "\u22122.0 to +22.0", "cannot tell")),
        ((0.0, -0.1, 0.1), ("changes by 0.0 points", "cannot tell")),
    ],
)
def test_a_gain_is_said_with_its_interval(gain, expected):
    (sentence,) = with_gain(*gain)
    assert sentence.startswith("Stage II ")
    assert all(part in sentence for part in expected)


def test_each_transition_of_three_attempts_has_its_sentence_table_and_flow():
    found = found_in(correction_results(turns=3))
    assert ["attempt 1 to 2" in found.sentences[0], "attempt 2 to 3" in found.sentences[1]] == [
        True,
        True,
    ]
    assert [group.title for group in found.table.groups] == [
        "Accuracy",
        "From attempt 1 to 2",
        "From attempt 2 to 3",
    ]
    assert len(found.figures[0].chart.heads) == 3


def test_what_is_imitated_is_counted():
    counts = {"chains": 4000, "kept": 12, "kept_wrong_to_right": 7, "kept_copies": 2}
    results = correction_results() | {"sampled": {"sample": counts, "other": None}}
    assert found_in(results).imitated == (
        "Sample: 12 of 4,000 sampled chains are imitated, from ? problems; in 7 a wrong attempt "
        "is put right, and 2 repeat the attempt before.",
    )
    assert found_in(correction_results()).imitated == ()


def test_alarms_are_sentences_and_their_absence_is_known():
    results = correction_results()
    assert found_in(results).alarms == (
        "Sabotage: first attempts are worse than the base model's.",
    )
    assert found_in(results | {"alarms": []}).alarms == ()
    del results["alarms"]
    assert found_in(results).alarms is None


def test_other_models_of_a_stage_have_a_table_of_their_own():
    found = found_in(correction_results())
    assert found.others.models == (("stage_two", "Stage II, last model"),)
    assert [title for _, title in found.table.models] == ["Base model", "Stage I", "Stage II"]
    assert found_in({"base": correction_results()["base"]}).others.groups == ()


def test_results_of_single_attempts_have_no_such_part():
    assert correction({}) is None
    assert correction({"sft": {"greedy": {"value": 0.5}, "accuracy_t1": {"value": 0.5}}}) is None
