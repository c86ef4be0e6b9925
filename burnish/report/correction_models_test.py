from __future__ import annotations

from burnish.report.correction_models import correction_models, other_models
from burnish.report.fake_correction import correction_results
from burnish.report.flows import Moves


def test_models_are_read_in_order_whatever_they_are_called():
    numbers = correction_results()
    found = correction_models({"base": numbers["base"], "self_refine": numbers["stage_one"]})
    assert [(m.stage, m.title) for m in found] == [
        ("base", "Base model"),
        ("self_refine", "Self-Refine"),
    ]
    assert found[1].shares_right == (0.5, 0.6)
    assert found[1].moves == (Moves(kept=3, fixed=3, broken=2, missed=2),)


def test_models_without_counts_have_no_moves():
    results = correction_results(turns=3)
    del results["base"]["t2-t3"]["counts"]
    results["stage_one"]["t1-t2"]["counts"]["fixed"] = None
    results["stage_two"]["t1-t2"]["counts"] = dict.fromkeys(
        ("kept", "fixed", "broken", "missed"), 0
    )
    assert [model.moves for model in correction_models(results)] == [(), (), ()]
    negative = correction_results()["base"]
    negative["t1-t2"]["counts"]["broken"] = -1
    assert correction_models({"base": negative})[0].moves == ()


def test_models_that_a_stage_did_not_hand_on_are_found_inside_it():
    (other,) = other_models(correction_results())
    assert (other.stage, other.title) == ("stage_two", "Stage II, last model")


def test_broken_entries_are_no_models():
    entry = {"value": 0.5}
    broken = {"accuracy_t1": entry, "accuracy_t2": {"value": None}, "t1-t2": {}}
    assert correction_models({"a": None, "b": 3, "c": {"accuracy_t1": entry}, "d": broken}) == []
    bare = {"accuracy_t1": entry, "accuracy_t2": entry, "t1-t2": None}
    assert correction_models({"a": bare})[0].transitions == ({},)
