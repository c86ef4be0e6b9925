from __future__ import annotations

import pytest

from burnish.errors import ConfigError
from burnish.graders.quantity import QuantityConfig, quantity_in, verdicts_on
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


def graded(
    text: str, gold: str = "50.0", *, stop: StopReason = StopReason.EOS, **settings
) -> Score:
    completion = Completion((), (), (), (), text, stop)
    grader = QuantityConfig(**settings).build()
    (verdict,) = grader.grade([(Problem("p", "How much?", gold), completion)])
    assert isinstance(verdict, Score)
    return verdict


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50.7 atm", 50.7),
        ("-1368 kJ mol^-1", -1368.0),
        ("$1.6 \\times 10^{-19} \\mathrm{~C}$", 1.6e-19),
        ("1.6 x 10^-19 C", 1.6e-19),
        ("1.6·10⁻¹⁹ C", 1.6e-19),
        ("1.6e-19 C", 1.6e-19),
        ("10^{42}", 1e42),
        ("-10**3 m", -1000.0),
        ("$4.5 \\times 10^{-7} \\mathrm{C} / \\mathrm{m}^2$", 4.5e-7),
        ("v = 3 m s^-1", 3.0),
        ("$\\Delta H_1 = -3.5$ kJ", -3.5),
        ("T \\approx 300 K", 300.0),
        ("9.8 m/s2", 9.8),
        ("22 J K\u22121 mol\u22121", 22.0),
        ("89,034.79 dollars", 89034.79),
        ("$89,034.79", 89034.79),
        ("about 32 %", 32.0),
        ("\\frac{1}{17} \\Omega", 1 / 17),
        ("3/2", 1.5),
        ("0", 0.0),
    ],
)
def test_number_before_a_unit_is_read(text, number):
    assert quantity_in(text) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "3.0 or 4.0 atm",
        "3 kg 4",
        "3, 4 and 5",
        "between 2-4",
        "1,2",
        "2\\pi",
        "\\sqrt{493} m",
        "x2",
        "e^{-1}",
        "1/0",
        "1e999",
        "9 \\times 10^{999}",
        "9e300 \\times 10^{300}",
        "\u00bd of 3",
        "1" * 301,
    ],
)
def test_what_is_not_one_number_is_no_answer(text):
    assert quantity_in(text) is None


@pytest.mark.parametrize(
    ("number", "gold", "right"),
    [
        (2500.0, 2500.0, "benchmark first_release strict"),
        (2500.2, 2500.0, "benchmark strict"),
        (2510.0, 2500.0, "benchmark strict"),
        (2600.0, 2500.0, "benchmark"),
        (2700.0, 2500.0, ""),
        (1.09, 1.0, "first_release"),
        (-1.09, -1.0, "first_release"),
        (0.46, 0.5, "first_release"),
        (0.44, 0.5, ""),
        (0.495, 0.5, "benchmark first_release strict"),
        (0.48, 0.5, "benchmark first_release"),
        (0.095, 0.1, "benchmark first_release"),
        (-0.5, 0.5, ""),
        (1.02e-19, 1e-19, "benchmark first_release"),
        (0.0, 0.0, "benchmark first_release strict"),
        (0.001, 0.0, ""),
        (None, 0.0, ""),
    ],
)
def test_each_rule_has_its_own_tolerance(number, gold, right):
    verdicts = verdicts_on(number, gold, strict_tolerance=0.01)
    assert " ".join(rule for rule, is_right in verdicts.items() if is_right) == right


def test_difference_is_taken_from_the_larger_number_as_in_the_benchmark():
    assert verdicts_on(105.2, 100.0, strict_tolerance=0.0)["benchmark"]
    assert not verdicts_on(94.8, 100.0, strict_tolerance=0.0)["benchmark"]


@pytest.mark.parametrize(("rule", "is_correct"), [("benchmark", True), ("strict", False)])
def test_one_rule_decides_and_all_are_reported(rule, is_correct):
    score = graded("Therefore, the answer is: 51 atm", rule=rule, partial_reward=0.1)
    assert (score.is_correct, score.reward) == (is_correct, 1.0 if is_correct else 0.1)
    assert score.answer == "51"
    assert score.parts == {
        "extracted": 1.0,
        "right_by_benchmark": 1.0,
        "right_by_first_release": 0.0,
        "right_by_strict": 0.0,
    }


def test_strict_tolerance_is_a_share_of_the_gold_number():
    text = "Therefore, the answer is: 51"
    assert graded(text, rule="strict", strict_tolerance=0.02).is_correct
    assert not graded(text, rule="strict", strict_tolerance=0.019).is_correct


@pytest.mark.parametrize(
    "text",
    [
        "So \\boxed{50 \\mathrm{~atm}}.",
        "First \\boxed{3}, then \\boxed{50}.",
        "Therefore, the answer is: $\\boxed{50}$ atm, from step 3",
        "Therefore, the answer is:\n50 atm\nI checked 3 times.",
        "Therefore, the answer is: 3\nNo. Therefore, the answer is: 50 atm.",
    ],
)
def test_answer_stands_after_the_last_trigger_or_in_the_last_box(text):
    assert graded(text).is_correct


@pytest.mark.parametrize(
    "text", ["It is 50.", "", "Therefore, the answer is: \\boxed{50} or \\boxed{3}"]
)
def test_text_without_one_answer_earns_nothing(text):
    score = graded(text, partial_reward=0.5)
    assert (score.reward, score.answer, score.parts["extracted"]) == (0.0, None, 0.0)


def test_answer_that_was_cut_may_be_refused():
    text = "Therefore, the answer is: 50"
    assert graded(text, stop=StopReason.LENGTH).is_correct
    assert graded(text, stop=StopReason.LENGTH, require_finished=True).answer is None


def test_gold_answer_that_is_no_number_is_a_failure_of_its_own():
    completion = Completion((), (), (), (), "Therefore, the answer is: 5", StopReason.EOS)
    grader = QuantityConfig().build()
    (verdict,) = grader.grade([(Problem("p", "How much?", "much"), completion)])
    assert isinstance(verdict, GraderFailure)


def test_strict_rule_may_not_be_looser_than_the_benchmarks():
    with pytest.raises(ConfigError, match="strict_tolerance"):
        QuantityConfig.from_tree({"strict_tolerance": 0.06}, source="recipe.yaml")
