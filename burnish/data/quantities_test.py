from __future__ import annotations

import pytest

from burnish.data.quantities import gold_quantity, plain_unit


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (" $\\mathrm{J} \\mathrm{~K}^{-1} \\mathrm{~mol}^{-1}$ ", "J K^-1 mol^-1"),
        ("$\\mathrm{~N} \\cdot \\mathrm{m}^2 / \\mathrm{C}$", "N \u00b7 m^2 / C"),
        ("$\\text { days }$", "days"),
        ("$^{\\circ} \\mathrm{C}$", "\u00b0C"),
        ("${ }^{\\circ} \\mathrm{C}$", "\u00b0C"),
        ("${\\circ}$", "\u00b0"),
        ("$\\mu \\mathrm{C} / \\mathrm{m}$", "\u00b5C / m"),
        ("$\\mathrm{~J} \\cdot$ electron ${ }^{-1}$", "J \u00b7 electron^-1"),
        ("$\\Omega$", "\u03a9"),
        ("$\\mathrm{~N} \\hat{\\mathrm{i}}$", "N"),
        (" $\\%$", "%"),
        (" $", "dollars"),
        ("$\\$$", "dollars"),
        ("km / s ", "km / s"),
        (" ", ""),
    ],
)
def test_units_in_latex_are_shown_as_plain_text(latex, plain):
    assert plain_unit(latex) == plain


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        ("3.52", "$10^{-19} \\mathrm{~J}$", ("3.52e-19", "J")),
        ("7", " $\\mathrm{10^7} \\mathrm{~km}$", ("7e7", "km")),
        ("1.25", " $10^{-3} \\%$", ("1.25e-3", "%")),
        ("4.16", "$10^{42}$", ("4.16e42", "")),
        ("1.01", " 10^{-5} \\mathrm{~m}", ("1.01e-5", "m")),
        ("1.07", " $10^{16}$ photons", ("1.07e16", "photons")),
    ],
)
def test_power_of_ten_beside_the_unit_belongs_to_the_number(number, unit, expected):
    assert gold_quantity(number, unit) == expected


@pytest.mark.parametrize(
    ("number", "plain"),
    [("+65.49", "65.49"), (" 102,965.21 ", "102965.21"), ("\u22121.64", "-1.64"), (".5", ".5")],
)
def test_signs_and_thousands_of_a_number_are_written_plainly(number, plain):
    assert gold_quantity(number, "m") == (plain, "m")
