from __future__ import annotations

import pytest

from burnish.report.fake_correction import scaling_evaluation
from burnish.report.inference_scaling import CORRECTED, PARALLEL, scaling_figures

SELECTED = "runs/score/stages/02-stage_two/selected"


def plain(text):
    return text.replace("\u00a0", " ")


def figure_of(evaluation):
    (figure,) = scaling_figures([evaluation])
    return figure


def budget_of(evaluation, k):
    return evaluation[SELECTED]["inference_scaling"][k]


def test_every_budget_becomes_a_point_of_both_curves_and_a_row():
    figure = figure_of(scaling_evaluation(SELECTED))
    parallel, corrected = figure.chart.curves
    assert (parallel.title, corrected.title) == (PARALLEL, CORRECTED)
    assert [(k, plain(text)) for _, _, k, text in parallel.hover] == [(2, "50.0 %"), (8, "55.0 %")]
    assert [(k, plain(text)) for _, _, k, text in corrected.hover] == [(2, "60.0 %"), (8, "70.0 %")]
    assert figure.wide_chart.width > figure.chart.width
    assert [row.stage for row in figure.table.rows] == ["2", "8"]
    cells = [plain(cell.text) for cell in figure.table.rows[1].cells if cell]
    assert cells == ["55.0 %", "70.0 %", "+15.0", "1,000"]


def test_budgets_are_drawn_from_the_smallest_whatever_their_order():
    evaluation = scaling_evaluation(SELECTED)
    found = evaluation[SELECTED]["inference_scaling"]
    found["16"] = found.pop("2")
    assert [row.stage for row in figure_of(evaluation).table.rows] == ["8", "16"]


@pytest.mark.parametrize(
    ("model", "title"),
    [
        (SELECTED, "Stage II, selected model"),
        ("/a/b/stages/01-sft/last/", "SFT, last model"),
        ("builtin:arithmetic_two_turns", "builtin:arithmetic_two_turns"),
    ],
)
def test_a_model_of_a_stage_is_named_by_its_stage(model, title):
    assert figure_of(scaling_evaluation(model)).title == title


def test_caption_and_description_say_what_the_drawing_shows():
    figure = figure_of(scaling_evaluation(SELECTED))
    assert plain(figure.caption) == "temperature 0.7; 40 problems; shaded: 95 % intervals"
    assert plain(figure.single) == "50.0 %"
    assert plain(figure.description).endswith("K 2: 50.0 % and 60.0 %; K 8: 55.0 % and 70.0 %.")


@pytest.mark.parametrize(
    ("paired", "expected"),
    [
        ((0.15, 0.05, 0.25), ("15.0 points higher", "corrections are worth more")),
        ((-0.15, -0.25, -0.05), ("15.0 points lower", "more attempts are worth more")),
        ((0.05, -0.02, 0.12), ("5.0 points higher", "cannot tell")),
    ],
)
def test_the_largest_budget_is_said_with_its_interval(paired, expected):
    evaluation = scaling_evaluation(SELECTED)
    ends = dict(zip(("difference", "low", "high"), paired, strict=True))
    budget_of(evaluation, "8")["paired"] = ends
    sentence = figure_of(evaluation).sentence
    assert sentence.startswith("With 8 samples, the vote over 4 corrected attempts is ")
    for part in expected:
        assert part in sentence


@pytest.mark.parametrize(
    ("corrected", "expected"), [(1250.0, "samples 25 % more"), (900.0, "samples 10 % fewer")]
)
def test_the_price_in_tokens_is_said(corrected, expected):
    evaluation = scaling_evaluation(SELECTED)
    budget_of(evaluation, "8")["sampled_tokens"]["corrected"] = corrected
    assert expected in plain(figure_of(evaluation).sentence)


def test_numbers_without_intervals_or_tokens_are_drawn_without_them():
    evaluation = scaling_evaluation(SELECTED)
    bare = {"parallel": {"value": 0.5}, "corrected": {"value": 0.6}}
    evaluation[SELECTED]["inference_scaling"] = {"4": bare}
    figure = figure_of(evaluation)
    assert (figure.sentence, figure.single) == ("", "")
    assert figure.chart.single_y is None
    assert figure.table.rows[0].cells[2:] == (None, None)


def test_every_model_of_an_evaluation_has_a_figure():
    evaluation = scaling_evaluation("mine") | scaling_evaluation("base")
    assert [figure.title for figure in scaling_figures([evaluation])] == ["mine", "base"]


def test_evaluations_of_other_things_are_left_alone():
    half = {"2": {"parallel": {"value": 0.5}}, "single": {"value": 0.4}}
    others = [
        {},
        {"test_size": 4},
        {"m": {"greedy": {"value": 1}}},
        {"m": {"inference_scaling": 3}},
    ]
    assert scaling_figures([*others, {"m": {"inference_scaling": half}}]) == []
