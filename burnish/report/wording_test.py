from __future__ import annotations

import pytest

from burnish.report.wording import (
    chance,
    compact,
    duration,
    in_sentence,
    label,
    p_value,
    percent,
    signed,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.84216, "0.842"),
        (12.34, "12.3"),
        (1234.4, "1234"),
        (12_345, "12.3k"),
        (4.5e6, "4.5M"),
        (3e-7, "3e-7"),
        (-0.00012, "-1.2e-4"),
    ],
)
def test_numbers_are_short(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (170.1, "2 min 50 s"), (11_100, "3 h 05 min")]
)
def test_durations_carry_units(seconds, text):
    assert duration(seconds).replace("\u00a0", " ") == text


def test_shares_are_percent():
    assert percent(0.8421).replace("\u00a0", " ") == "84.2 %"


def test_names_are_written_as_people_write_them():
    assert [label(n) for n in ("reft", "warm_up", "train_value_1")] == [
        "ReFT",
        "Warm-up",
        "Train value 1",
    ]


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (3e-9, "less than once in 10,000 tests"),
        (0.00125, "about once in 800 tests"),
        (0.032, "about once in 31 tests"),
        (0.48, "in about 5 of 10 tests"),
        (1.0, "in nearly every test"),
    ],
)
def test_p_values_are_said_in_words(p, text):
    assert chance(p) == text


def test_p_values_are_never_zero():
    assert p_value(0.0) == "p < 0.0001"
    assert p_value(0.0321) == "p = 0.032"


def test_differences_have_a_sign_and_a_real_minus():
    assert [signed(4.21), signed(-0.5), signed(0.0)] == ["+4.2", "\u22120.5", "+0.0"]


def test_the_base_model_has_an_article_inside_a_sentence():
    assert (in_sentence("base"), in_sentence("stage_one")) == ("the base model", "Stage I")
