from __future__ import annotations

import pytest

from burnish.report.fake_correction import correction_results
from burnish.report.fake_run import fake_results
from burnish.report.results_table import headline, paired_sentences, results_tables


def plain(text):
    return text.replace("\u00a0", " ")


def paired(difference, p, **others):
    return {"paired": {"reft - sft": {"difference": difference, "p": p, **others}}}


def test_stages_are_rows_and_numbers_columns():
    tables = results_tables(fake_results())
    assert [row.stage for row in tables.main.rows] == ["warm_up", "sft", "reft"]
    assert tables.main.columns == ("Greedy", "Vote@16")
    assert tables.rest.columns == ("Truncated",)
    greedy = tables.main.rows[2].cells[0]
    assert greedy is not None
    assert (plain(greedy.text), greedy.interval) == ("84.8 %", "80.5 to 89.1")
    assert greedy.bar == pytest.approx((80.5, 84.8, 89.1))


def test_columns_sort_votes_by_number_and_lengths_stay_plain():
    entry = {"value": 0.5, "low": 0.4, "high": 0.6}
    stage = {"length": {"value": 0.2}, "vote@16": entry, "vote@4": entry, "greedy": entry}
    tables = results_tables({"reft": stage | {"steps": 40, "pass@4": entry}})
    assert tables.main.columns == ("Greedy", "Vote@4", "Vote@16")
    assert tables.rest.columns == ("Pass@4", "Length", "Steps")
    length = tables.rest.rows[0].cells[1]
    assert length is not None
    assert (length.text, length.interval, length.bar) == ("0.2", "", None)


def test_other_checkpoints_get_their_own_columns():
    entry = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 500}
    stage = {"last": {"greedy": entry}, "greedy": entry, "model": "selected", "vote@8": entry}
    assert results_tables({"reft": stage}).main.columns == (
        "Greedy",
        "Vote@8",
        "Greedy, last model",
    )


def test_sampled_answers_are_told_from_greedy_ones_and_make_a_row_alone():
    entry = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 500}
    results = {"sft": {"answers": {"gold": entry, "kl": entry}}, "reward_model": {"test": {}}}
    tables = results_tables(results)
    assert tables.rest.columns == ("True reward, sampled answers", "KL, sampled answers")
    assert [row.stage for row in tables.rest.rows] == ["sft"]
    assert headline(results) == ""


def test_a_number_that_a_stage_lacks_leaves_its_cell_empty():
    entry = {"value": 0.5}
    tables = results_tables({"sft": {"greedy": entry}, "reft": {"greedy": entry, "vote@8": entry}})
    assert tables.main.rows[0].cells[1] is None


def test_grader_failures_are_said():
    stage = {"greedy": {"value": 0.5}, "grader_failures": {"sandbox": 12}}
    assert "(sandbox: 12)" in results_tables({"reft": stage}).notes[0]


def test_headline_compares_the_last_stage():
    expected = "ReFT answers 84.8 % of 500 test problems right, 35.6 points more than SFT."
    assert plain(headline(fake_results())) == expected


def test_headline_says_fewer_when_the_method_lost():
    results = fake_results() | paired(-0.06, 0.01)
    assert "6.0 points fewer than SFT" in headline(results)


def test_headline_prefers_the_latest_rival():
    results = fake_results()
    results["paired"] = {"reft - warm_up": {"difference": 0.432, "p": 0.0}} | results["paired"]
    assert "35.6 points more than SFT" in headline(results)


def test_headline_of_a_draw():
    assert headline(fake_results() | paired(0.0, 1.0)).endswith("right, as many as SFT.")


def test_a_clear_difference_is_said_to_be_unlikely_luck():
    sentence = paired_sentences(fake_results())[0]
    assert "ReFT's accuracy is 35.6 points higher than SFT's" in sentence
    assert "(95 % interval +31.0 to +40.2)" in sentence
    assert "less than once in 10,000 tests (p < 0.0001)" in sentence
    assert "unlikely explanation" in sentence


def test_an_unclear_difference_is_said_to_be_unclear():
    sentence = paired_sentences(paired(-0.01, 0.5))[0]
    assert "1.0 points lower" in sentence
    assert "cannot tell the two apart" in sentence
    assert "interval" not in sentence


def test_a_bare_p_value_is_still_shown():
    results = fake_results()
    del results["paired"]
    assert paired_sentences(results) == ["Paired test of ReFT against SFT: p < 0.0001."]


def test_no_results_say_nothing():
    assert results_tables({}).main.rows == ()
    assert headline({}) == ""
    assert paired_sentences({}) == []


def test_numbers_of_single_attempts_are_left_to_the_correction_table():
    tables = results_tables(correction_results())
    assert tables.main.columns == ("Greedy", "Greedy, last model")
    assert tables.rest.columns == ("Steps",)


def test_accuracy_by_the_rules_of_a_grader_stands_beside_the_accuracy():
    tables = results_tables({"sft": {"greedy": 0.4, "right_by_strict": 0.25, "length": 9.0}})
    assert tables.main.columns == ("Greedy", "Right by strict")
    (row,) = tables.main.rows
    assert [cell.text for cell in row.cells if cell] == ["40.0\u00a0%", "25.0\u00a0%"]
