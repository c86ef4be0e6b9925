from __future__ import annotations

import pytest

from burnish.core.kl_control import adapted_kl_coef


def test_weight_rises_where_kl_is_above_the_target_and_falls_where_it_is_below():
    assert adapted_kl_coef(0.5, 6.6, target=6.0, gain=0.3) == pytest.approx(0.5 * 1.03)
    assert adapted_kl_coef(0.5, 5.4, target=6.0, gain=0.3) == pytest.approx(0.5 * 0.97)
    assert adapted_kl_coef(0.5, 6.0, target=6.0, gain=0.3) == 0.5


def test_one_step_changes_the_weight_by_a_fifth_of_the_gain_at_most():
    assert adapted_kl_coef(2.0, 600.0, target=6.0, gain=0.1) == pytest.approx(2.0 * 1.02)
    assert adapted_kl_coef(2.0, -1.0, target=6.0, gain=0.1) == pytest.approx(2.0 * 0.98)
