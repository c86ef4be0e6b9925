import pytest

from burnish.methods.score.adaptive import AdaptiveFirstKl, Constant
from burnish.methods.score.credit import Objective


def objective_at(first_kl_coef: float) -> Objective:
    return Objective((0.0, 1.0), (0.01 + first_kl_coef, 0.01), 0.0)


def controller(start: float = 0.1) -> AdaptiveFirstKl:
    return AdaptiveFirstKl(objective_at, start=start, target=2.0, gain=0.5)


def test_first_step_has_the_weight_of_the_recipe():
    assert controller().current == objective_at(0.1)


@pytest.mark.parametrize(
    ("kl", "expected"),
    [
        (2.0, 0.1),  # at the target
        (2.2, 0.1 * (1 + 0.5 * 0.1)),
        (1.7, 0.1 * (1 - 0.5 * 0.15)),
        (9.0, 0.1 * (1 + 0.5 * 0.2)),  # no more than a fifth counts
        (-1.0, 0.1 * (1 - 0.5 * 0.2)),  # an estimate may be negative
    ],
)
def test_weight_rises_above_the_target_and_falls_below_it(kl, expected):
    adaptive = controller()
    adaptive.observe([kl, 50.0])
    assert adaptive.current.kl_coefs[0] == pytest.approx(0.01 + expected)


def test_steps_multiply():
    adaptive = controller()
    for kl in (2.2, 1.7):
        adaptive.observe([kl, 0.0])
    assert adaptive.first_kl_coef == pytest.approx(0.1 * 1.05 * 0.925)


def test_weight_goes_on_from_a_checkpoint():
    before, after = controller(), controller(start=7.0)
    before.observe([3.0, 0.0])
    after.load_state_dict(before.state_dict())
    assert after.current == before.current


def test_constant_stays_whatever_is_observed():
    constant = Constant(objective_at(0.3))
    constant.observe([100.0, 100.0])
    constant.load_state_dict(constant.state_dict())
    assert constant.current == objective_at(0.3)
