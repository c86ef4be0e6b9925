from __future__ import annotations

import io

from rich.console import Console

from burnish.cli.correction_table import print_alarms
from burnish.cli.table import print_results
from burnish.types import Json


def interval(value: float) -> dict[str, Json]:
    return {"value": value, "low": value - 0.25, "high": value + 0.25, "n": 8}


TRANSITION: dict[str, Json] = {
    "delta": interval(0.125),
    "fixed": interval(0.375),
    "broken": interval(0.25),
    "answer_change": interval(0.875),
}
BUDGET: dict[str, Json] = {
    "parallel": interval(0.5),
    "corrected": interval(0.625),
    "paired": {"difference": 0.125, "low": -0.0625, "high": 0.3125, "p": 0.5, "n": 8},
    "sampled_tokens": {"parallel": 120.4, "corrected": 131.6},
}


def printed(row: dict[str, Json]) -> str:
    text = io.StringIO()
    results: dict[str, Json] = {"mine": {"greedy": interval(0.5), **row}, "test_size": 8}
    print_results(Console(file=text, width=200), results)
    return " ".join(text.getvalue().split())


def test_each_transition_has_a_line_in_percent():
    row = {"accuracy_t1": interval(0.3), "accuracy_t2": interval(0.4), "accuracy_t3": interval(0.6)}
    text = printed({**row, "t1-t2": TRANSITION, "t2-t3": TRANSITION})
    assert (
        "│ mine │ 1, 2 │ 30.0 │ 40.0 │ 12.5 │ 37.5 │ 25.0 │ 87.5 │ │ │ │ │ │ -12.5 to 37.5 │"
        in text
    )
    assert "│ mine │ 2, 3 │ 40.0 │ 60.0 │" in text


def test_each_budget_has_a_line_with_both_votes_and_their_tokens():
    scaling: dict[str, Json] = {"temperature": 0.7, "single": interval(0.3), "16": BUDGET}
    text = printed({"inference_scaling": scaling})
    assert "mine: votes in percent at equal budgets of K samples, temperature 0.7" in text
    assert "one attempt: 30.0 5.0 to 55.0" in text
    votes = "│ 16 │ 50.0 25.0 to 75.0 │ 62.5 37.5 to 87.5 │ 12.5 -6.2 to 31.2 │ 120, 132 │"
    assert votes in text


def test_single_attempts_print_neither():
    text = printed({})
    assert "self-correction" not in text
    assert "budgets" not in text


def test_alarms_are_sentences_under_the_names_of_the_two_models():
    text = io.StringIO()
    console = Console(file=text, width=200)
    print_alarms(console, {"alarms": {"mine - base": ["no edit: it repeats."], "mine - x": []}})
    assert text.getvalue() == "mine - base: no edit: it repeats.\n"
    print_alarms(console, {"alarms": ["a run's are printed while it tests"]})
    assert text.getvalue().count("\n") == 1
