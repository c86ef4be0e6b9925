"""The updates that a method makes, on a few rows and from the same start each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from burnish.methods.constitutional.method import ConstitutionalConfig
from burnish.methods.dpo.method import DpoConfig, token_pairs
from burnish.methods.grpo.method import GroupMethodConfig
from burnish.methods.grpo.update import update_policy
from burnish.methods.reft.method import ReftConfig
from burnish.methods.rlaif.direct import DirectRlaifConfig
from burnish.methods.rlaif.method import RlaifConfig
from burnish.methods.rlhf.method import RlhfConfig
from burnish.methods.score.method import ScoreConfig
from burnish.methods.score.single_turn import SingleTurnRlConfig
from burnish.methods.score.update import reinforce_update
from burnish.models.policy import Policy
from burnish.models.value_head import SharedCritic
from burnish.run.doctor.invariance import WHOLE, StepAt
from burnish.run.doctor.movement import restored
from burnish.run.doctor.patient import Patient
from burnish.run.recipe import MethodConfig
from burnish.training.experience import Experience
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.ppo import PpoConfig, ppo_update
from burnish.training.preference import pair_metrics, preference_step
from burnish.training.preference_pairs import usable_pairs
from burnish.training.preference_reference import ReferencedPair, pair_logps, reference_logps
from burnish.training.seeds import derived_seed
from burnish.training.supervised import supervised_step
from burnish.types import Example

PROBING = OptimizerConfig(learning_rate=1e-4, schedule="constant", warmup_ratio=0.0)
_NAME_OF_NORM = "gradient norm"

PpoMethod = ReftConfig | RlhfConfig | ConstitutionalConfig | RlaifConfig | DirectRlaifConfig
"""Methods with a critic."""
PolicyUpdate = Callable[[Sequence[Experience]], Metrics]
"""One update of the patient's policy by experience with advantages."""


@dataclass(frozen=True, slots=True)
class Clip:
    """How far a ratio may go."""

    low: float = 0.2
    high: float = 0.2


def imitation(patient: Patient, rows: Sequence[Example], optimizer: OptimizerConfig) -> StepAt:
    """An update of supervised fine-tuning. The weights stay changed."""
    policy = patient.policy
    learner = Learner({"policy": policy.network}, optimizer)

    def step(max_tokens: int) -> Mapping[str, float]:
        return supervised_step(learner, policy, rows, num_steps=4, max_tokens=max_tokens)

    return step


def from_the_start(policy: Policy, make: Callable[[], StepAt]) -> StepAt:
    """The same update with a fresh optimizer, whose weights are put back."""

    def step(max_tokens: int) -> Mapping[str, float]:
        with restored(policy.network):
            found = make()(max_tokens)
        return {"loss": found["train/loss"], _NAME_OF_NORM: found["train/grad_norm"]}

    return step


def update_kind(method: MethodConfig) -> str | None:
    """What the method's update by advantages is called; None where it has none."""
    if isinstance(method, GroupMethodConfig):
        return "policy gradient of groups"
    if isinstance(method, ScoreConfig | SingleTurnRlConfig):
        return "REINFORCE"
    return None if _ppo_of(method) is None else "PPO"


def policy_update(
    patient: Patient, optimizer: OptimizerConfig, *, value_share: float
) -> PolicyUpdate:
    """The method's own update by advantages, which it must have, with a fresh optimizer.

    Args:
        value_share: of the weight of the value loss, where there is one. Its gradient also reaches
            the policy, in a direction of its own.
    """
    method, policy = patient.recipe.method, patient.policy
    ppo = _ppo_of(method)
    if ppo is not None:
        ppo = ppo.model_copy(update={"num_epochs": 1, "value_coef": value_share * ppo.value_coef})
        return lambda experiences: _ppo_step(experiences, policy, ppo, optimizer)
    learner = Learner({"policy": policy.network}, optimizer)
    if not isinstance(method, GroupMethodConfig):
        return lambda experiences: reinforce_update(
            learner, experiences, policy=policy, num_updates=1
        )
    return lambda experiences: update_policy(
        learner,
        [experiences],
        policy=policy,
        loss=method.loss,
        aggregation=method.aggregation,
        kl=method.kl,
        num_epochs=1,
        max_length=patient.bench.lengths.max_new_tokens,
        num_updates=1,
    )


def learning_from(patient: Patient, update: PolicyUpdate, *, low: float) -> StepAt:
    """An update by the samples, which have an advantage of 1, every other one of `low`."""
    paid = {t.token_ids: low if place % 2 else 1.0 for place, t in enumerate(patient.trajectories)}

    def step(max_tokens: int) -> Mapping[str, float]:
        experiences = patient.experiences(max_tokens=max_tokens, reference=None)
        for e in experiences:
            rewards = torch.tensor([paid[t.token_ids] for t in e.trajectories])
            column = rewards.to(e.old_logp.device)[:, None].expand_as(e.old_logp)
            e.advantage = e.return_ = torch.where(e.batch.action_mask, column, 0.0)
        return update(experiences)

    return step


def preference_rows(patient: Patient) -> list[ReferencedPair]:
    """Pairs of the task, with what the policy, as it is now, says of them as the reference."""
    policy = patient.policy
    pairs = token_pairs(patient.bench, policy, "train")[: patient.effort.rows]
    usable = usable_pairs(pairs, max_context=policy.max_context)
    said = reference_logps(policy, usable, max_tokens=WHOLE)
    return [ReferencedPair(pair, ref) for pair, ref in zip(usable, said, strict=True)]


def preference(
    patient: Patient,
    rows: Sequence[ReferencedPair],
    config: DpoConfig,
    optimizer: OptimizerConfig,
) -> StepAt:
    """An update by pairs. The weights stay changed."""
    policy = patient.policy
    learner = Learner({"policy": policy.network}, optimizer)

    def step(max_tokens: int) -> Mapping[str, float]:
        return preference_step(
            learner, policy, rows, loss=config.loss, num_steps=4, max_tokens=max_tokens
        )

    return step


@torch.no_grad()
def margin(policy: Policy, rows: Sequence[ReferencedPair], config: DpoConfig) -> float:
    """Mean implicit reward of chosen answers less that of rejected ones."""
    found = pair_metrics(config.loss, pair_logps(policy, rows))
    return found["preference/margin"].mean().item()


def has_reference(method: MethodConfig) -> bool:
    """Whether training is paid, or punished, by a distance from where it began."""
    if isinstance(method, GroupMethodConfig):
        return method.kl is not None
    return _ppo_of(method) is not None or isinstance(method, ScoreConfig | SingleTurnRlConfig)


def clip_of(method: MethodConfig) -> Clip:
    """The clip of the method's PPO; else PPO's usual one."""
    ppo = _ppo_of(method)
    return Clip() if ppo is None else Clip(ppo.clip_low, ppo.clip_high)


def _ppo_of(method: MethodConfig) -> PpoConfig | None:
    return method.reinforce.ppo if isinstance(method, PpoMethod) else None


def _ppo_step(
    experiences: Sequence[Experience], policy: Policy, ppo: PpoConfig, optimizer: OptimizerConfig
) -> Metrics:
    """One pass; the value head, which is random, is the same each time."""
    torch.manual_seed(derived_seed(0, "value head"))
    critic = SharedCritic(policy)
    return ppo_update(
        Learner({"policy": policy.network, "critic": critic.module}, optimizer),
        experiences,
        policy=policy,
        critic=critic,
        config=ppo,
        num_updates=1,
    )
