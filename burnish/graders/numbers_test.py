"""A text holds one number or none; equal numbers have equal canonical texts."""

import pytest

from burnish.graders.numbers import canonical, number_from_literal, number_in

ONE_NUMBER = {
    "203": 203,
    "203.0": 203,
    "203.": 203,
    ".5": 0.5,
    "$1,000": 1000,
    "$1,234,567.25": 1234567.25,
    "50%": 50,
    "12 apples": 12,
    "12kg": 12,
    "Tom has 12 apples left.": 12,
    "x = 12": 12,
    "<203>.": 203,
    "5 (five)": 5,
    "3/4": 0.75,
    "1 1/2": 1.5,
    "2 3/4 cups": 2.75,
    "1,000 / 8": 125,
    "-5": -5,
    "- 5": -5,
    "-$5": -5,
    "$-5": -5,
    "\u22125": -5,
    "-1 1/2": -1.5,
    "1e-3": 0.001,
    "2.5E2": 250,
    "\\boxed{12}": 12,
    "$\\frac{1}{2}$": 0.5,
    "\\boxed{\\dfrac{3}{4}}": 0.75,
    "12\\text{ apples}": 12,
    "\\$1{,}000": 1000,
    "1.2 \\times 10^{3}": 1200,
    "50\\%": 50,
}


@pytest.mark.parametrize(("text", "number"), ONE_NUMBER.items())
def test_one_number_is_read_however_it_is_written(text, number):
    assert number_in(text) == pytest.approx(number, abs=0, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "None",
        "nan",
        "inf",
        "infinity",
        "twelve",
        "12 13",
        "1, 2",
        "1 2 3 4 5 6 7 8 9",
        "3-4",
        "2:1",
        "12:30",
        "3/4/2020",
        "3.4.5",
        "1,0000",
        "12,34",
        "10^2",
        "5\u00b2",
        "5\u00bd",
        "0x10",
        "x2",
        "5/0",
        "1e999",
        "10 - 5 = 5",
    ],
)
def test_no_number_or_several_are_nothing(text):
    assert number_in(text) is None


@pytest.mark.parametrize("piece", ["1,111", "1 ", "1/", "$", "- ", "\\frac{", "\\boxed{", ","])
def test_long_nonsense_is_read_in_linear_time(piece):
    assert number_in(piece * 20_000) is None


def test_a_literal_is_a_number_and_nothing_else():
    assert number_from_literal(" -12.50 ") == -12.5
    assert number_from_literal("1e3") == 1000
    for text in ("", "none", "nan", "inf", "1_000", "1,000", "12 apples", "\u0663", "1e999", "0x1"):
        assert number_from_literal(text) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (203.0, "203"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (-2.5, "-2.5"),
        (1 / 3, "0.333333333333"),
        (123456789012345.0, "123456789012345"),
        (1e20, "1e+20"),
    ],
)
def test_the_canonical_text_is_that_of_the_value(number, text):
    assert canonical(number) == text
