from __future__ import annotations

import pytest

from burnish.report.correction_models import correction_models
from burnish.report.correction_table import correction_table
from burnish.report.fake_correction import correction_results
from burnish.report.results_table import Cell


def table_of(results):
    return correction_table(correction_models(results))


def cells(results, title):
    rows = [row for group in table_of(results).groups for row in group.rows if row.title == title]
    assert len(rows) == 1
    return [Cell("none", "", None) if cell is None else cell for cell in rows[0].cells]


def texts(results, title):
    return [cell.text.replace("\u00a0", " ") for cell in cells(results, title)]


def test_all_measures_stand_with_the_models_side_by_side():
    results = correction_results()
    assert texts(results, "Acc@t1") == ["70.0 %", "50.0 %", "50.0 %"]
    assert texts(results, "Acc@t2") == ["50.0 %", "60.0 %", "80.0 %"]
    assert texts(results, "Gain") == ["\u221220.0", "+10.0", "+30.0"]
    assert texts(results, "Fixed") == ["10.0 %", "30.0 %", "30.0 %"]
    assert texts(results, "Broken") == ["30.0 %", "20.0 %", "0.0 %"]
    assert texts(results, "Fixed of the wrong") == ["33.3 %", "60.0 %", "60.0 %"]
    assert texts(results, "Changed answers") == ["40.0 %"] * 3
    assert texts(results, "Edit ratio") == ["0.123"] * 3


def test_a_rate_of_no_samples_leaves_its_cell_empty():
    assert texts(correction_results(), "Broken of the right") == ["none"] * 3


def test_the_bar_of_a_gain_has_0_in_its_middle_and_the_largest_number_at_its_end():
    base, _, last = cells(correction_results(), "Gain")
    assert base.interval == "\u221225.0 to \u221215.0"
    assert base.bar == pytest.approx((50 - 50 * 25 / 35, 50 - 50 * 20 / 35, 50 - 50 * 15 / 35))
    assert last.bar == pytest.approx((50 + 50 * 25 / 35, 50 + 50 * 30 / 35, 100))


def test_gains_of_nothing_have_a_bar_all_the_same():
    results = {"base": correction_results()["base"]}
    results["base"]["t1-t2"]["delta"] = {"value": 0.0}
    (cell,) = cells(results, "Gain")
    assert (cell.text, cell.bar) == ("+0.0", (50, 50, 50))


def test_an_edit_ratio_keeps_its_interval_as_numbers():
    assert cells(correction_results(), "Edit ratio")[0].interval == "0.073 to 0.173"


def test_a_model_with_fewer_attempts_leaves_its_cells_empty():
    results = correction_results(turns=3)
    results["base"] = correction_results()["base"]
    assert texts(results, "Acc@t3") == ["none", "60.0 %", "80.0 %"]
    third = table_of(results).groups[-1]
    assert third.title == "From attempt 2 to 3"
    assert third.rows[0].cells[0] is None
