from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from burnish.cli.scorecard_table import print_scorecard


def printed(results: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=200)
    print_scorecard(console, results)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def interval(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 9}


def test_each_principle_has_a_row_with_preference_and_truth():
    gold = {"before": interval(2.0), "after": interval(3.25), "change": interval(1.25)}
    shown = printed(
        {
            "scorecard": {
                "models": {
                    "revised": {"principles": {"kind": {"preferred": interval(0.7), "gold": gold}}},
                    "rl_cai": {"principles": {"kind": {"preferred": interval(0.8)}}},
                }
            }
        }
    )
    assert "70.0  60.0 to 80.0; 2.00 to 3.25" in shown
    assert "80.0  70.0 to 90.0" in shown
    assert shown.index("revised") < shown.index("rl_cai")


def test_other_runs_print_nothing():
    assert printed({"sft": {"greedy": interval(0.5)}}) == ""
