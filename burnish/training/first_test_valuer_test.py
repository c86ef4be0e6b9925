"""A program is worth what its visible test says; the tests that decide are not looked at."""

from __future__ import annotations

import pytest

from burnish.errors import ConfigError, GraderError
from burnish.search.asks import End, Prefix, Step
from burnish.training.first_test_valuer import FirstTestConfig, FirstTestValuer
from burnish.training.tree_questions import Questions
from burnish.types import Json, Problem

GOLD = "def add(a, b):\n    return a + b"
CONFIG = FirstTestConfig(low=0.1, open_value=0.4)


def prefix(*steps: str, end: End = End.OPEN, tree: str = "p") -> Prefix:
    *before, last = steps
    return Prefix(tree, "", 0, (*(Step(text, 1) for text in before), Step(last, 1, (), end)))


def valuer(**columns: Json) -> FirstTestValuer:
    fields: dict[str, Json] = {
        "tests": ["assert add(2, 3) == 6"],
        "visible_tests": ["assert add(1, 1) == 2"],
        **columns,
    }
    problem = Problem("p", "Add.", GOLD, fields=fields)
    return FirstTestValuer(CONFIG, Questions({"p": problem}, {"p": (1,)}))


def test_a_program_is_worth_one_if_it_passes_else_what_its_end_says():
    found = valuer().value(
        [
            prefix("def add(a, b):\n", "    return a + b\n", end=End.FINAL),
            prefix("def add(a, b):\n", "    return a + b\n"),
            prefix("def add(a, b):\n", "    return a - b\n", end=End.FINAL),
            prefix("def add(a, b):\n", "    return a - b\n"),
            prefix("def add(a, b):\n"),
            prefix("def add(a, b):\n", "    return a + b\n[DONE]\n", "add = 0\n", end=End.FINAL),
        ]
    )
    assert [valuation.value for valuation in found] == [1.0, 1.0, 0.1, 0.4, 0.4, 1.0]
    assert {valuation.num_tokens for valuation in found} == {0}


@pytest.mark.parametrize("columns", [{"visible_tests": None}, {"visible_tests": []}])
def test_a_problem_without_visible_tests_is_an_error(columns):
    with pytest.raises(ConfigError, match=r"'p' has no column 'visible_tests'.*visible_tests=1"):
        valuer(**columns).value([prefix("x = 1\n")])


def test_visible_tests_that_cannot_run_are_an_error():
    broken = valuer(visible_tests=["assert add(1, 1) =="])
    with pytest.raises(GraderError, match="visible tests could not be run"):
        broken.value([prefix(GOLD, end=End.FINAL)])


def test_code_before_the_tests_may_be_in_another_column():
    config = FirstTestConfig(setup_key="before")
    fields: dict[str, Json] = {
        "visible_tests": ["assert add(1, one) == 2"],
        "before": "one = 1",
    }
    problem = Problem("p", "Add.", GOLD, fields=fields)
    of_column = FirstTestValuer(config, Questions({"p": problem}, {"p": (1,)}))
    (found,) = of_column.value([prefix(GOLD, end=End.FINAL)])
    assert found.value == 1.0
