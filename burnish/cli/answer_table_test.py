from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from burnish.cli.answer_table import print_answers


def printed(results: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=200)
    print_answers(console, results)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def interval(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 9}


def test_every_policy_has_a_row_with_what_is_known_of_its_answers():
    shown = printed(
        {
            "sft": {"answers": {"kl": interval(0.0), "gold": interval(0.5)}},
            "rlhf": {"greedy": interval(0.3), "answers": {"kl": interval(4.0)}},
            "reward_model": {"test": {"accuracy": 0.7}},
            "test_size": 9,
        }
    )
    assert "sampled answers to 9 problems" in shown
    assert "0.50 (0.40 to 0.60)" in shown
    assert "4.00 (3.90 to 4.10)" in shown
    assert "tokens" not in shown
    assert "reward_model" not in shown


def test_nothing_is_printed_where_no_answers_were_measured():
    assert printed({"sft": {"greedy": interval(0.5)}, "test_size": 9}) == ""
