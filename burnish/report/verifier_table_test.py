"""Value models as choosers: one row each, differences in points, nothing where there are none."""

from __future__ import annotations

from burnish.report.verifier_table import verifier_table


def difference(value, low, high):
    return {"difference": value, "low": low, "high": high, "p": 0.5}


def value_model(**more):
    accuracy = {"value": 0.52, "low": 0.476, "high": 0.566, "n": 500}
    lift, vote = difference(0.2, 0.18, 0.26), difference(-0.046, -0.094, 0.002)
    return {"accuracy": accuracy, "lift": lift, "against_vote": vote, "auc": 0.904, **more}


def test_row_for_each_value_model_with_differences_in_points():
    later = value_model(against_first=difference(0.004, -0.026, 0.034))

    table = verifier_table({"values": {"value_0": value_model(), "value_1": later}})

    assert table is not None
    assert [row.stage for row in table.rows] == ["value_0", "value_1"]
    assert [(cell.text, cell.interval) for cell in table.rows[1].cells if cell] == [
        ("52.0\u00a0%", "47.6 to 56.6"),
        ("+20.0", "+18.0 to +26.0"),
        ("\u22124.6", "\u22129.4 to +0.2"),
        ("+0.4", "\u22122.6 to +3.4"),
        ("90.4\u00a0%", ""),
    ]


def test_first_value_model_is_not_compared_with_itself():
    table = verifier_table({"values": {"value_0": value_model()}})

    assert table is not None
    assert table.rows[0].cells[table.columns.index("More than the first")] is None


def test_run_without_value_models_has_no_table():
    assert verifier_table({"base": {"greedy": {"value": 0.5}}}) is None
