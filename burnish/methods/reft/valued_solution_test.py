from __future__ import annotations

import pytest

from burnish.methods.reft.valued_solution import ValuedSolution, process_metrics, step_rewards
from burnish.types import Score, StopReason, Trajectory

TWO_STEPS = ValuedSolution(num_actions=5, ends=(2, 5), start=0.5, values=(0.25, 0.75))
FORMS = ("shaping", "value_gain", "step_value")


def padded(solution: ValuedSolution, num_more: int) -> ValuedSolution:
    """The same with more steps of three tokens at its end that change no value."""
    size, last = solution.num_actions, solution.values[-1]
    more = tuple(size + 3 * (k + 1) for k in range(num_more))
    values = solution.values + (last,) * num_more
    return ValuedSolution(size + 3 * num_more, solution.ends + more, solution.start, values)


def total(solution: ValuedSolution, form) -> float:
    return step_rewards(solution, form, discount=1.0).sum().item()


def test_rewards_of_every_action_by_hand():
    paid = {form: step_rewards(TWO_STEPS, form, discount=1.0).tolist() for form in FORMS}
    assert paid["step_value"] == [0.0, 0.25, 0.0, 0.0, 0.75]
    assert paid["value_gain"] == [0.0, -0.25, 0.0, 0.0, 0.5]
    assert paid["shaping"] == [0.0, -0.25, 0.0, 0.0, -0.25]


def test_discount_is_counted_in_actions():
    gain = step_rewards(TWO_STEPS, "value_gain", discount=0.5).tolist()
    assert gain == [-0.25, -0.375, -0.125, -0.125, 0.125]
    assert step_rewards(TWO_STEPS, "shaping", discount=0.5).tolist()[-1] == -0.25
    value = step_rewards(TWO_STEPS, "step_value", discount=0.5).tolist()
    assert value == [0.0, 0.25, 0.0, 0.0, 0.75]


def test_value_gains_add_up_to_what_the_whole_solution_gained():
    assert total(TWO_STEPS, "value_gain") == pytest.approx(0.75 - 0.5)


def test_shaping_pays_every_solution_of_a_question_the_same_in_all():
    empty = ValuedSolution(num_actions=1, ends=(), start=0.5, values=())
    worthless = ValuedSolution(num_actions=4, ends=(4,), start=0.5, values=(0.0,))
    for solution in (TWO_STEPS, worthless, empty):
        assert total(solution, "shaping") == pytest.approx(-0.5)


def test_padding_gains_nothing_but_where_the_value_itself_is_paid():
    for form in ("shaping", "value_gain"):
        assert total(padded(TWO_STEPS, 4), form) == pytest.approx(total(TWO_STEPS, form))
    gained = total(padded(TWO_STEPS, 4), "step_value") - total(TWO_STEPS, "step_value")
    assert gained == pytest.approx(4 * 0.75)


def sample(*, reward: float) -> Trajectory:
    score = Score(reward, reward == 1.0, None)
    return Trajectory("p", (1, 2), (False, True), (0.0,) * 2, (0.0,) * 2, score, StopReason.EOS, "")


def test_metrics_say_what_was_paid_and_how_it_goes_with_being_right():
    samples = [sample(reward=1.0), sample(reward=0.25)]
    solutions = [TWO_STEPS, ValuedSolution(3, (3,), 0.5, (0.5,))]
    paid = [step_rewards(s, "value_gain", discount=1.0) for s in solutions]
    found = process_metrics(samples, solutions, paid, form="value_gain")
    assert found == pytest.approx(
        {
            "process/steps": 1.5,
            "process/value": 0.5,
            "process/reward": 0.25 / 3,
            "process/return": 0.125,
            "process/dense_share": 0.75 / (0.75 + 1.25),
            "process/overestimate": 0.625 - 0.5,
            "process/return_correlation": 1.0,
            "process/end_correlation": 1.0,
        }
    )


def test_a_correlation_with_what_does_not_vary_is_left_out():
    samples = [sample(reward=1.0)] * 2
    empty = ValuedSolution(num_actions=1, ends=(), start=0.5, values=())
    paid = [step_rewards(s, "step_value", discount=1.0) for s in (empty, empty)]
    found = process_metrics(samples, [empty, empty], paid, form="step_value")
    assert not [name for name in found if "correlation" in name]
    assert found["process/dense_share"] == found["process/value"] == 0.0


def test_sums_that_are_equal_by_design_are_not_correlated():
    solutions = [TWO_STEPS, ValuedSolution(3, (3,), 0.25, (0.5,))]
    paid = [step_rewards(s, "shaping", discount=1.0) for s in solutions]
    samples = [sample(reward=1.0), sample(reward=0.0)]
    found = process_metrics(samples, solutions, paid, form="shaping")
    assert found["process/end_correlation"] == pytest.approx(1.0)
    assert "process/return_correlation" not in found
