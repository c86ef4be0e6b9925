"""What each attempt earns in SCoRe, and how that becomes the advantage of its tokens.

An attempt is one action of a bandit whose return is what it is paid less its KL to the base model:

    R_ik = w_k r_ik + alpha (r_ik - r_i,k-1) - beta_k sum_t (log pi(a_t) - log pi_base(a_t))

with the sum over the tokens of attempt k of sample i, and the bonus from the second attempt on. The
discount between turns is 0 (section 5 of arXiv:2409.12917): no attempt is credited with what a
later one earns. The advantage R_ik - b is that of each of the attempt's tokens and of no other.

A first attempt that another model has made is context: it earns and pays nothing, but its reward
counts in the bonus of the second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from burnish.core.kl import k1
from burnish.methods.score.baselines import Baseline
from burnish.training.attempts import is_own
from burnish.training.experience import Experience

Settled: TypeAlias = Literal["counted", "left_out"]


@dataclass(frozen=True, slots=True)
class Objective:
    """What a stage maximises. K weights are one per attempt.

    Attributes:
        reward_weights: w: 1 where an attempt's own reward counts, 0 where it does not.
        kl_coefs: beta: weight of each attempt's KL to the base model.
        bonus_coef: alpha: weight of what an attempt gains on the one before it.
        settled: whether returns are compared with -alpha r_{k-1} in them (see `StageTwoConfig`).
    """

    reward_weights: tuple[float, ...]
    kl_coefs: tuple[float, ...]
    bonus_coef: float
    settled: Settled = "counted"

    @property
    def num_turns(self) -> int:
        """K."""
        return len(self.kl_coefs)


def single_turn_objective(*, kl_coef: float) -> Objective:
    """Equation 2: the only attempt is paid, near the base model."""
    return Objective((1.0,), (kl_coef,), bonus_coef=0.0)


def stage_one_objective(num_turns: int, *, kl_coef: float, first_kl_coef: float) -> Objective:
    """Equation 3: later attempts are paid, the first is held near the base model.

    beta1 (`kl_coef`) is on all attempts, beta2 (`first_kl_coef`) on the first besides: the paper
    leaves the default penalty out of the equation "for brevity" and keeps it.
    """
    num_later = num_turns - 1
    return Objective(
        reward_weights=(0.0, *[1.0] * num_later),
        kl_coefs=(kl_coef + first_kl_coef, *[kl_coef] * num_later),
        bonus_coef=0.0,
    )


def stage_two_objective(
    num_turns: int, *, kl_coef: float, bonus_coef: float, settled: Settled = "counted"
) -> Objective:
    """Equation 4 with the shaped reward: every attempt is paid, and progress between them more."""
    return Objective((1.0,) * num_turns, (kl_coef,) * num_turns, bonus_coef, settled)


def shaped_rewards(rewards: Float[Tensor, "N K"], objective: Objective) -> Float[Tensor, "N K"]:
    """w_k r_k + alpha (r_k - r_{k-1}), the bonus from the second attempt on.

    At alpha 10 in Stage II the second attempt earns 0 (wrong twice), 11 (wrong, then right), 1
    (right twice) or -10 (right, then wrong).
    """
    weights = rewards.new_tensor(objective.reward_weights)
    gains = torch.zeros_like(rewards)
    gains[:, 1:] = rewards[:, 1:] - rewards[:, :-1]
    return weights * rewards + objective.bonus_coef * gains


def settled_rewards(rewards: Float[Tensor, "N K"], objective: Objective) -> Float[Tensor, "N K"]:
    """What of each shaped reward was settled before its attempt began: -alpha r_{k-1}."""
    settled = torch.zeros_like(rewards)
    settled[:, 1:] = -objective.bonus_coef * rewards[:, :-1]
    return settled


def turn_index(e: Experience) -> Int[Tensor, "B T"]:
    """Which attempt of the policy each predicted token belongs to, from 0; -1: to none."""
    index = torch.full(e.batch.action_mask.shape, -1, device=e.batch.action_mask.device)
    for row, sample in enumerate(e.trajectories):
        for number, turn in enumerate(sample.turns):
            index[row, turn.start - 1 : turn.stop - 1] = number
    return torch.where(e.batch.action_mask, index, -1)


def own_attempts(experiences: Sequence[Experience]) -> Bool[Tensor, "N K"]:
    """Which attempts of all samples the policy itself has made."""
    rows = [[is_own(t, turn) for turn in t.turns] for e in experiences for t in e.trajectories]
    return torch.tensor(rows, device=experiences[0].old_logp.device)


def turn_kls(e: Experience, num_turns: int) -> Float[Tensor, "B K"]:
    """k1 of each attempt to the reference, summed over its tokens."""
    index = turn_index(e)
    difference = k1(e.old_logp, e.ref_logp)
    return torch.stack(
        [torch.where(index == turn, difference, 0.0).sum(dim=1) for turn in range(num_turns)], dim=1
    )


@torch.no_grad()
def assign_credit(
    experiences: Sequence[Experience],
    rewards: Sequence[Float[Tensor, "B K"]],
    *,
    objective: Objective,
    baseline: Baseline,
) -> None:
    """Fill in reward, advantage and return of every action.

    Args:
        experiences: the micro-batches of one step.
        rewards: r_ik of the rows of each micro-batch.
        objective: what the stage maximises.
        baseline: b, for each attempt by itself.
    """
    kl_coefs = torch.tensor(objective.kl_coefs, device=rewards[0].device)
    num_turns = objective.num_turns
    is_paid = own_attempts(experiences)
    kls = torch.cat([turn_kls(e, num_turns) for e in experiences])
    plain = torch.cat(list(rewards))
    paid = shaped_rewards(plain, objective)
    returns = paid - kl_coefs * kls
    compared = returns
    if objective.settled == "left_out":
        compared = returns - settled_rewards(plain, objective)
    advantages = baseline.advantages(compared, _groups(experiences), is_paid)
    sizes = [len(e.trajectories) for e in experiences]
    parts = zip(*(x.split(sizes) for x in (paid, returns, advantages)), strict=True)
    for e, (pay, return_, advantage) in zip(experiences, parts, strict=True):
        index = turn_index(e)
        e.advantage, e.return_ = _spread(advantage, index), _spread(return_, index)
        coefs = _spread(kl_coefs.expand(len(index), -1), index)
        penalty = torch.where(index >= 0, coefs * k1(e.old_logp, e.ref_logp), 0.0)
        e.token_reward = _at_ends(e, pay) - penalty


def _groups(experiences: Sequence[Experience]) -> Int[Tensor, "N"]:
    """What each sample is compared with: same problem, and first attempts of the same model."""
    numbers: dict[tuple[str, bool], int] = {}
    kinds = [(t.problem_id, is_own(t, t.turns[0])) for e in experiences for t in e.trajectories]
    found = [numbers.setdefault(kind, len(numbers)) for kind in kinds]
    return torch.tensor(found, device=experiences[0].old_logp.device)


def _spread(values: Float[Tensor, "B K"], index: Int[Tensor, "B T"]) -> Float[Tensor, "B T"]:
    """Each attempt's value at each of its tokens, zero elsewhere."""
    return torch.where(index >= 0, values.gather(1, index.clamp(min=0)), 0.0)


def _at_ends(e: Experience, values: Float[Tensor, "B K"]) -> Float[Tensor, "B T"]:
    """Each attempt's value at its last token where that is an action, zero elsewhere."""
    placed = torch.zeros(e.batch.action_mask.shape, device=values.device)
    for row, sample in enumerate(e.trajectories):
        for number, turn in enumerate(sample.turns):
            placed[row, turn.stop - 2] = values[row, number]
    return torch.where(e.batch.action_mask, placed, 0.0)
