"""A program is run; what it returns is compared outside."""

import math

import pytest

from burnish.graders.program import (
    ProgramChoiceConfig,
    ProgramConfig,
    letter_of,
    number_of,
    program_of,
)
from burnish.sandbox.execution import Limits
from burnish.sandbox.values import Real
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason

LIMITS = Limits(timeout_s=30.0)


def score(text, gold="12", stop_reason=StopReason.EOS, **settings) -> Score:
    completion = Completion((), (), (), (), text, stop_reason)
    config = ProgramConfig(**{"limits": LIMITS, **settings})
    (verdict,) = config.build().grade([(Problem("p", "", gold), completion)])
    assert isinstance(verdict, Score)
    return verdict


def choice(text, gold="c") -> Score:
    completion = Completion((), (), (), (), text, StopReason.EOS)
    config = ProgramChoiceConfig(limits=LIMITS)
    (verdict,) = config.build().grade([(Problem("p", "", gold), completion)])
    assert isinstance(verdict, Score)
    return verdict


def test_the_value_that_the_body_returns_is_the_answer():
    verdict = score("    packs = 3\n    result = packs * 4.0\n    return result")
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (1.0, True, "12")
    assert verdict.parts == {"extracted": 1.0, "ran": 1.0, "timed_out": 0.0}


def test_another_number_earns_the_partial_reward():
    verdict = score("    return 13")
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (0.1, False, "13")
    assert score("    return 13", partial_reward=0.0).reward == 0.0
    assert score("    return 13", tolerance=1.0).is_correct


@pytest.mark.parametrize(
    "text",
    [
        "",
        "    pass",
        "    x = 12",
        "    return True",
        "    return None",
        "    return 'none'",
        "    return '12 apples'",
        "    return [12]",
        "    return 12 + 0j",
        "    return float('inf')",
        "    return float('nan')",
        "    return 10 ** 400",
        "    print(12)",
        "    return 12 /",
        "    raise SystemExit(12)",
        "    import os\n    os._exit(12)",
        "return 12",
        'def solution():\n    """How many ?"""\n',
    ],
)
def test_what_is_no_number_earns_nothing_not_even_the_partial_reward(text):
    verdict = score(text)
    assert (verdict.reward, verdict.is_correct, verdict.answer) == (0.0, False, None)


def test_a_boolean_is_no_answer_even_where_it_would_equal_the_gold_one():
    assert score("    return 3 > 2", gold="1").answer is None


@pytest.mark.parametrize(
    "text",
    [
        "    return math.sqrt(144)",
        "    return sympy.Rational(24, 2)",
        "    x = sympy.Symbol('x')\n    return sympy.solve(x - 12, x)[0]",
        "    from fractions import Fraction\n    return Fraction(24, 2)",
        "    return '12.0'",
        "    a = 5\n\n    # a paragraph\n\n    return a + 7",
        "    return 12\n\nprint('more')\nraise ValueError",
        "    return 12\n\n\ndef solution():\n    return 13",
        '    """a question\na ) 1 , b ) 2"""\n    return 12',
        'def solution():\n    """a question\na ) 1 , b ) 2"""\n    return 12\n',
        "```python\nimport math\n\ndef solution():\n    return 12\n```\nDone.",
        "\n\n    return 12",
    ],
)
def test_programs_of_many_shapes_run(text):
    assert score(text).reward == 1.0


def test_sympy_is_imported_only_where_it_is_named():
    assert program_of("    return 1").startswith("import math\ndef solution():\n    return 1")
    assert program_of("    return sympy.pi").startswith("import math, sympy\n")


def test_a_truncated_program_fails_by_itself_or_is_not_run_at_all():
    half = "    packs = 3\n    result = packs *"
    assert score(half, stop_reason=StopReason.LENGTH).reward == 0.0
    whole = "    return 12"
    assert score(whole, stop_reason=StopReason.LENGTH).reward == 1.0
    skipped = score(whole, stop_reason=StopReason.LENGTH, require_finished=True)
    assert (skipped.reward, skipped.answer) == (0.0, None)
    assert skipped.parts == {"extracted": 0.0, "ran": 0.0, "timed_out": 0.0}


def test_a_program_out_of_time_is_a_wrong_answer_and_counted():
    verdict = score("    while True: pass", limits=Limits(timeout_s=0.2))
    assert (verdict.reward, verdict.parts["timed_out"]) == (0.0, 1.0)


def test_one_row_without_a_gold_number_does_not_spoil_the_batch():
    completion = Completion((), (), (), (), "    return 12", StopReason.EOS)
    pairs = [(Problem(str(i), "", gold), completion) for i, gold in enumerate(["12", None, "12"])]
    first, second, third = ProgramConfig(limits=LIMITS).build().grade(pairs)
    assert isinstance(second, GraderFailure)
    assert second.kind == "gold_answer"
    assert first == third
    assert isinstance(first, Score)
    assert first.reward == 1.0


def test_an_option_letter_is_an_answer_and_other_values_are_not():
    right = choice("    return 'C'")
    assert (right.reward, right.is_correct, right.answer) == (1.0, True, "c")
    wrong = choice("    return 'a'")
    assert (wrong.reward, wrong.is_correct, wrong.answer) == (0.1, False, "a")
    for text in ("    return None", "    return 'none'", "    return 'f'", "    return 3", ""):
        assert (choice(text).reward, choice(text).answer) == (0.0, None)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1j, "x", "nan", "", [1], (1,), {1: 2}, math.inf, math.nan, 10**400),
        *(Real("bool_", 1.0), Real("Decimal", math.nan)),
    ],
)
def test_values_that_are_no_finite_real_numbers_are_nothing(value):
    assert number_of(value) is None


@pytest.mark.parametrize("value", [5, 5.0, "5", " 5.0\n", Real("Integer", 5.0)])
def test_values_that_are_numbers_are_read(value):
    assert number_of(value) == 5.0


def test_a_letter_is_one_option_as_a_string():
    assert letter_of(" B ", "abcde") == "b"


@pytest.mark.parametrize("value", [None, "", "ab", "f", 1, ["b"], True])
def test_values_that_are_no_option_are_nothing(value):
    assert letter_of(value, "abcde") is None
