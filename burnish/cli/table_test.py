from __future__ import annotations

import io

from rich.console import Console

from burnish.cli.table import print_results


def interval(value: float, low: float, high: float) -> dict:
    return {"value": value, "low": low, "high": high, "n": 500}


def printed(results: dict) -> list[str]:
    text = io.StringIO()
    print_results(Console(file=text, width=160), results)
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


RESULTS = {
    "warm_up": {"greedy": interval(0.25, 0.2, 0.3), "steps": 3},
    "reft": {"greedy": interval(0.5, 0.45, 0.55), "vote@4": interval(0.625, 0.6, 0.65)},
    "paired": {"reft - warm_up": {"difference": 0.25, "low": 0.125, "high": 0.375, "p": 0.00001}},
    "paired_p": 0.00001,
    "test_size": 500,
    "seconds": 3.0,
}


def test_table_has_a_row_for_each_model_in_percent_with_its_interval():
    text = "\n".join(printed(RESULTS))
    assert "accuracy on 500 problems, in percent" in text
    assert "25.0 20.0 to 30.0" in text
    assert "50.0 45.0 to 55.0" in text
    assert "62.5 60.0 to 65.0" in text
    assert "seconds" not in text


def test_paired_tests_are_sentences_in_points():
    assert "reft - warm_up: +25.0 points (+12.5 to +37.5), paired test p < 0.0001" in printed(
        RESULTS
    )
    worse = RESULTS | {
        "paired": {"a - b": {"difference": -0.01, "low": -0.03, "high": 0.01, "p": 0.25}}
    }
    assert "a - b: -1.0 points (-3.0 to +1.0), paired test p = 0.2500" in printed(worse)


def test_a_single_model_needs_no_paired_test():
    alone = {"sft": RESULTS["warm_up"], "test_size": 500}
    assert any("25.0" in line for line in printed(alone))
