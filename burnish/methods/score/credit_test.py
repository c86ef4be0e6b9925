from __future__ import annotations

import pytest
import torch
from torch import Tensor

from burnish.methods.score.baselines import BatchMean, LeaveOneOut
from burnish.methods.score.credit import (
    Objective,
    assign_credit,
    own_attempts,
    settled_rewards,
    shaped_rewards,
    single_turn_objective,
    stage_one_objective,
    stage_two_objective,
    turn_index,
    turn_kls,
)
from burnish.models.token_batch import TokenBatch
from burnish.training.experience import Experience
from burnish.types import Score, StopReason, Trajectory, Turn

STAGE_ONE = stage_one_objective(2, kl_coef=0.01, first_kl_coef=0.1)
STAGE_TWO = stage_two_objective(2, kl_coef=0.01, bonus_coef=10.0)
LEFT_OUT = stage_two_objective(2, kl_coef=0.01, bonus_coef=10.0, settled="left_out")
EVERY_OUTCOME = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
"""Wrong twice; wrong, then right; right twice; right, then wrong."""


def sample(*lengths: int, problem: str = "p", num_given: int = 0) -> Trajectory:
    """Attempts of these lengths, after a prompt of 2 tokens and one token between each two.

    The first `num_given` are another model's.
    """
    score, stop = Score(0.0, False, None), StopReason.EOS
    flags, turns = [False], []
    for number, length in enumerate(lengths):
        flags += [False]
        turns.append(Turn(len(flags), len(flags) + length, "", score, stop))
        flags += [number >= num_given] * length
    blank = (0.0,) * len(flags)
    tokens = tuple(range(len(flags)))
    return Trajectory(problem, tokens, tuple(flags), blank, blank, score, stop, "", tuple(turns))


def experience(*rows: Trajectory, log_ratios: list[float] | None = None) -> Experience:
    """`log_ratios`: log pi - log pi_base of the actions of all rows, one after the other."""
    batch = TokenBatch.collate(rows)
    blank = torch.zeros(batch.action_mask.shape)
    difference = torch.tensor(log_ratios or [0.0] * batch.num_actions, dtype=torch.float32)
    old = blank.masked_scatter(batch.action_mask, difference - 2.0)
    ref = blank.masked_scatter(batch.action_mask, torch.full_like(difference, -2.0))
    return Experience(list(rows), batch, old, ref, blank, blank, blank, blank, blank)


def advantages(
    rewards: list[list[float]], objective: Objective, log_ratios: list[float] | None = None
) -> list[list[float]]:
    """Of two samples of one problem with attempts of 2 and 3 tokens, token by token."""
    e = experience(sample(2, 3), sample(2, 3), log_ratios=log_ratios)
    assign_credit([e], [torch.tensor(rewards)], objective=objective, baseline=LeaveOneOut())
    assert not e.advantage[~e.batch.action_mask].any()
    return [row[mask].tolist() for row, mask in zip(e.advantage, e.batch.action_mask, strict=True)]


def test_second_attempt_earns_0_11_1_or_minus_10_at_alpha_10():
    assert shaped_rewards(EVERY_OUTCOME, STAGE_TWO)[:, 1].tolist() == [0.0, 11.0, 1.0, -10.0]


def test_first_attempt_of_stage_two_earns_its_own_reward_alone():
    assert shaped_rewards(EVERY_OUTCOME, STAGE_TWO)[:, 0].tolist() == [0.0, 0.0, 1.0, 1.0]


def test_stage_one_pays_the_second_attempt_alone_and_without_bonus():
    paid = shaped_rewards(EVERY_OUTCOME, STAGE_ONE)
    assert paid.tolist() == [[0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]


def test_without_alpha_every_attempt_earns_its_reward():
    plain = stage_two_objective(2, kl_coef=0.01, bonus_coef=0.0)
    assert torch.equal(shaped_rewards(EVERY_OUTCOME, plain), EVERY_OUTCOME)


def test_bonus_of_each_of_three_attempts_is_for_the_gain_on_the_one_before():
    objective = stage_two_objective(3, kl_coef=0.0, bonus_coef=4.0)
    found = shaped_rewards(torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), objective)
    assert found.tolist() == [[0.0, 5.0, -4.0], [1.0, -4.0, 5.0]]


def test_what_is_settled_of_a_shaped_reward_leaves_eleven_for_a_right_second_attempt():
    left = shaped_rewards(EVERY_OUTCOME, STAGE_TWO) - settled_rewards(EVERY_OUTCOME, STAGE_TWO)
    assert left.tolist() == [[0.0, 0.0], [0.0, 11.0], [1.0, 11.0], [1.0, 0.0]]


def test_equal_second_attempts_differ_by_what_their_first_ones_settled_unless_it_is_left_out():
    wrong_first, right_first = advantages([[0.0, 1.0], [1.0, 1.0]], STAGE_TWO)
    assert (wrong_first[2:], right_first[2:]) == ([10.0] * 3, [-10.0] * 3)
    wrong_first, right_first = advantages([[0.0, 1.0], [1.0, 1.0]], LEFT_OUT)
    assert (wrong_first[2:], right_first[2:]) == ([0.0] * 3, [0.0] * 3)
    assert (wrong_first[:2], right_first[:2]) == ([-1.0] * 2, [1.0] * 2)


def test_leaving_settled_rewards_out_changes_no_expected_gradient_but_its_square():
    mean, square = second_attempt_gradient(STAGE_TWO)
    other_mean, other_square = second_attempt_gradient(LEFT_OUT)
    assert mean == pytest.approx(other_mean)
    assert mean == pytest.approx([0.6 * 0.3 * 0.7 * 11, 0.4 * 0.6 * 0.4 * 11])
    assert other_square < 0.6 * square


def second_attempt_gradient(objective: Objective) -> tuple[list[float], float]:
    """E and E|.|^2 of A_2 d log pi(r2 | r1) / d logit(r1), of one of two samples of a problem.

    First attempts are right 40 % of the time, second ones 30 % after a wrong one and 60 % after a
    right one; each probability has a logit of its own.
    """
    right = {0: 0.3, 1: 0.6}
    outcomes = {
        (r1, r2): (0.4 if r1 else 0.6) * (right[r1] if r2 else 1 - right[r1])
        for r1 in (0, 1)
        for r2 in (0, 1)
    }
    mean, square = [0.0, 0.0], 0.0
    for (r1, r2), chance in outcomes.items():
        for other, chance_of_other in outcomes.items():
            rewards = [[float(r1), float(r2)], [float(other[0]), float(other[1])]]
            gradient = advantages(rewards, objective)[0][-1] * (r2 - right[r1])
            mean[r1] += chance * chance_of_other * gradient
            square += chance * chance_of_other * gradient**2
    return mean, square


def test_stage_one_holds_the_first_attempt_by_both_weights_and_later_ones_by_beta1():
    objective = stage_one_objective(3, kl_coef=0.01, first_kl_coef=0.1)
    assert objective.kl_coefs == pytest.approx((0.11, 0.01, 0.01))
    assert stage_two_objective(3, kl_coef=0.02, bonus_coef=1.0).kl_coefs == (0.02, 0.02, 0.02)


def test_only_attempt_of_single_turn_training_is_paid_less_its_kl():
    objective = single_turn_objective(kl_coef=0.02)
    assert shaped_rewards(torch.tensor([[0.0], [1.0]]), objective).tolist() == [[0.0], [1.0]]
    assert (objective.kl_coefs, objective.num_turns) == ((0.02,), 1)


def test_tokens_know_their_attempt():
    index = turn_index(experience(sample(2, 3), sample(1, 1)))
    assert index.tolist() == [[-1, 0, 0, -1, 1, 1, 1], [-1, 0, -1, 1, -1, -1, -1]]


def test_kl_is_summed_over_the_tokens_of_each_attempt():
    e = experience(sample(2, 3), sample(1, 1), log_ratios=[1, 2, 3, 4, 5, 6, -7])
    assert turn_kls(e, 2).tolist() == [[3.0, 12.0], [6.0, -7.0]]


def test_stage_one_has_no_gradient_from_the_reward_of_the_first_attempt():
    ratios = [0.5, -0.2, 0.1, 0.3, 0.0, 0.4, 0.1, -0.6, 0.2, 0.9]
    found = [advantages([[r, 1.0], [0.0, 0.0]], STAGE_ONE, ratios) for r in (0.0, 1.0)]
    assert found[0] == found[1]
    assert found[0][0][0] != 0.0


def test_credit_of_the_second_attempt_never_reaches_tokens_of_the_first():
    lost, won = (advantages([[1.0, r], [0.0, 0.0]], STAGE_TWO) for r in (0.0, 1.0))
    assert lost[0][:2] == won[0][:2] == [1.0, 1.0]
    assert lost[0][2:] == [-10.0] * 3
    assert won[0][2:] == [1.0] * 3


def test_kl_of_one_attempt_does_not_reach_the_other():
    still = advantages([[0.0, 0.0]] * 2, STAGE_ONE)
    first = advantages([[0.0, 0.0]] * 2, STAGE_ONE, [1.0, 1.0, 0, 0, 0] + [0.0] * 5)
    second = advantages([[0.0, 0.0]] * 2, STAGE_ONE, [0, 0, 1.0, 1.0, 1.0] + [0.0] * 5)
    assert still == [[0.0] * 5] * 2
    assert first[0] == pytest.approx([-0.22, -0.22, 0, 0, 0])
    assert second[0] == pytest.approx([0, 0, -0.03, -0.03, -0.03])


def test_credit_by_hand():
    """R = pay - beta KL of each attempt, less that of the other sample of the problem."""
    ratios = [0.5, 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0]
    found = advantages([[0.0, 1.0], [1.0, 1.0]], STAGE_TWO, ratios)
    first, second = (0.0 - 0.01) - 1.0, (11.0 - 0.01) - (1.0 - 0.02)
    assert found[0] == pytest.approx([first] * 2 + [second] * 3)
    assert found[1] == pytest.approx([-first] * 2 + [-second] * 3)


def test_rewards_and_penalties_stand_at_their_tokens():
    e = experience(sample(2, 3), log_ratios=[0.5, 1.0, 2.0, 3.0, 4.0])
    assign_credit([e], [torch.tensor([[0.0, 1.0]])], objective=STAGE_TWO, baseline=BatchMean())
    expected = [-0.005, -0.01, -0.02, -0.03, 11.0 - 0.04]
    assert e.token_reward[e.batch.action_mask].tolist() == pytest.approx(expected)
    returns = [-0.015] * 2 + [11.0 - 0.09] * 3
    assert e.return_[e.batch.action_mask].tolist() == pytest.approx(returns)


def test_samples_of_a_problem_are_compared_also_across_micro_batches():
    rows = [sample(2, 3), sample(2, 3), sample(1, 1, problem="q"), sample(1, 2, problem="q")]
    rewards = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    whole = experience(*rows)
    assign_credit([whole], [rewards], objective=STAGE_TWO, baseline=LeaveOneOut())
    parts = [experience(rows[0], rows[2]), experience(rows[1], rows[3])]
    split = [rewards[[0, 2]], rewards[[1, 3]]]
    assign_credit(parts, split, objective=STAGE_TWO, baseline=LeaveOneOut())
    apart = torch.stack([parts[0].advantage[0], parts[1].advantage[0]])
    assert torch.equal(apart, whole.advantage[:2])
    assert whole.advantage[2, 1].item() == -1.0


def mixed() -> tuple[Experience, Tensor]:
    """Two samples of a problem of the policy's own, then two after another model's attempt."""
    given = [sample(2, 3, num_given=1), sample(2, 3, num_given=1)]
    rewards = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    return experience(sample(2, 3), sample(2, 3), *given), rewards


def test_attempt_of_another_model_has_no_credit_and_no_tokens_of_its_own():
    e, rewards = mixed()
    assign_credit([e], [rewards], objective=STAGE_TWO, baseline=BatchMean())
    assert own_attempts([e]).tolist() == [[True, True]] * 2 + [[False, True]] * 2
    assert turn_index(e)[2:].tolist() == [[-1, -1, -1, -1, 1, 1, 1]] * 2
    for values in (e.advantage, e.return_, e.token_reward):
        assert not values[2:, :4].any()


def test_second_attempts_are_compared_with_those_after_an_attempt_of_the_same_model():
    """Returns 11 and 1, then 11 and -10: the bonus counts the other model's first attempt."""
    e, rewards = mixed()
    assign_credit([e], [rewards], objective=STAGE_TWO, baseline=LeaveOneOut())
    assert e.advantage[:, 1].tolist() == [-1.0, 1.0, 0.0, 0.0]
    assert e.advantage[:, 5].tolist() == [10.0, -10.0, 21.0, -21.0]
    assert e.return_[:, 5].tolist() == [11.0, 1.0, 11.0, -10.0]
