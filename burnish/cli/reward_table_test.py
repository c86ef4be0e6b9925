from __future__ import annotations

import io

from rich.console import Console

from burnish.cli.table import print_results

TEST = {
    "accuracy": {"value": 0.708, "low": 0.632, "high": 0.778, "n": 144},
    "gold_correlation": 0.658,
    "length_correlation": 0.649,
    "gold_pair_accuracy": None,
}
SHIFTED = {"length_correlation": -0.1}


def printed(results) -> str:
    console = Console(file=io.StringIO(), width=160)
    print_results(console, results)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_each_split_is_a_row_with_the_columns_that_anyone_has():
    text = printed({"reward_model": {"test": TEST, "shifted": SHIFTED, "steps": 50}, "seconds": 3})
    lines = text.splitlines()
    (row,) = [line for line in lines if "reward_model, test" in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "reward_model, test",
        "0.71 (0.63 to 0.78)",
        "0.66",
        "0.65",
    ]
    (row,) = [line for line in lines if "reward_model, shifted" in line]
    assert [cell.strip() for cell in row.split("│")[2:-1]] == ["", "", "-0.10"]
    assert "accuracy on ? problems" not in text


def test_an_ensemble_has_a_row_for_each_way_to_read_it():
    text = printed({"ensemble": {"k": 1.0, "test": {"mean": TEST, "pessimistic": SHIFTED}}})
    assert "ensemble, mean, test" in text
    assert "ensemble, pessimistic, test" in text


def test_policies_have_no_such_table():
    text = printed({"sft": {"greedy": {"value": 0.5, "low": 0.4, "high": 0.6}}, "test_size": 9})
    assert "reward models" not in text
    assert "accuracy on 9 problems" in text
