from __future__ import annotations

import pytest

from burnish.training.kl_control import AdaptiveKlConfig, FixedKlConfig


def test_fixed_weight_stays_whatever_the_kl():
    control = FixedKlConfig(coef=0.3).controller()
    control.heed(100.0)
    assert control.coef == 0.3


def test_steered_weight_goes_on_from_where_it_was_saved():
    config = AdaptiveKlConfig(coef=0.3, target=5.0, gain=0.5)
    control, again = config.controller(), config.controller()
    control.heed(100.0)
    assert control.coef == pytest.approx(0.33)
    again.load_state_dict(control.state_dict())
    again.heed(0.0)
    assert again.coef == pytest.approx(0.33 * 0.9)
