"""The training step of the DPO family, and the loop around it.

    rho_w = log pi(y_w | x) - log pi_ref(y_w | x),  rho_l the same of y_l
    L = 1/N sum over the N pairs of l(rho_w, rho_l),    -log sigmoid(beta (rho_w - rho_l)) for DPO

The reference policy is the policy as it was when the stage began. Its log-probabilities are
computed once, before training, and kept in the stage's folder; there is no second model in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from burnish.config import Config
from burnish.models.batching import micro_batches
from burnish.models.policy import Policy
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.preference_loss import (
    AnyPreferenceLoss,
    DpoLoss,
    KtoLoss,
    PairLogps,
    PreferenceLoss,
)
from burnish.training.preference_pairs import TokenPair, mismatched_pairs, usable_pairs
from burnish.training.preference_reference import (
    ReferencedPair,
    kl_estimate,
    pair_logps,
    referenced_pairs,
)
from burnish.training.seeds import batch_indices
from burnish.training.stage import Measure, StageRun, StepResult


class PreferenceConfig(Config):
    """Epochs over pairs."""

    loss: AnyPreferenceLoss = DpoLoss()
    """What is minimised."""
    epochs: float = Field(default=2, gt=0)
    """Passes over the pairs."""
    batch_size: int = Field(default=64, ge=1)
    """Pairs of one update; all of them where there are fewer."""
    eval_every: int | None = Field(default=None, ge=1)
    """Updates between evaluations on the dev split; default: once an epoch."""
    patience: int | None = Field(default=None, ge=1)
    """Stop when the dev number has not risen for so many evaluations; default: never."""
    hands_on: Literal["selected", "last"] = "selected"
    """Which model stands for the stage: selected (by its dev number) or last; results report
    both."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=1e-6)
    """AdamW."""


def prefer(
    run: StageRun,
    policy: Policy,
    pairs: Sequence[TokenPair],
    *,
    config: PreferenceConfig,
    max_tokens: int,
    measure: Measure | None = None,
) -> Iterator[StepResult]:
    """The steps of a stage: minimise L over `pairs`, select the policy on the dev split.

    Args:
        policy: where to start, and as it is now the reference; it is changed.
        max_tokens: size of a micro-batch; changes nothing but memory.
        measure: what the policy is selected by; default: greedy accuracy.

    Raises DataError for pairs that cannot be learnt from, and CheckpointError where the stage was
    begun with other pairs.
    """
    usable = usable_pairs(pairs, max_context=policy.max_context)
    rows = referenced_pairs(run.folder / "reference", policy, usable, max_tokens=max_tokens)
    mismatched = _mismatched(run, policy, usable, config, max_tokens=max_tokens)
    learner = Learner({"policy": policy.network}, config.optimizer)
    batch_size = min(config.batch_size, len(rows))
    num_steps = max(1, round(config.epochs * len(rows) / batch_size))
    for step in run.steps(
        num_steps,
        model=policy,
        state={"learner": learner},
        eval_every=config.eval_every or math.ceil(len(rows) / batch_size),
        measure=measure,
        patience=config.patience,
    ):
        chosen = batch_indices(len(rows), step, batch_size=batch_size, seed=run.seed)
        found = preference_step(
            learner,
            policy,
            [rows[row] for row in chosen],
            mismatched=[mismatched[row] for row in chosen] if mismatched else [],
            loss=config.loss,
            num_steps=num_steps,
            max_tokens=max_tokens,
        )
        yield StepResult(found | {"preference/left_out": float(len(pairs) - len(rows))})


def preference_step(
    learner: Learner,
    policy: Policy,
    rows: Sequence[ReferencedPair],
    *,
    loss: PreferenceLoss,
    num_steps: int,
    max_tokens: int,
    mismatched: Sequence[ReferencedPair] = (),
) -> Metrics:
    """One update on a batch of pairs, each counting by its weight.

    Args:
        num_steps: updates of the whole stage, for the schedule.
        max_tokens: size of a micro-batch; changes nothing but memory.
        mismatched: the same prompts with other answers, for losses that need an estimate of the KL.

    Returns:
        means over pairs: see `pair_metrics`.
    """
    num_weighted = sum(row.pair.weight for row in rows)
    kl = kl_estimate(policy, mismatched, max_tokens=max_tokens) if mismatched else 0.0

    def micro_loss(part: Sequence[ReferencedPair]) -> tuple[Tensor, Metrics]:
        logps = pair_logps(policy, part, kl=kl)
        weights = torch.tensor([row.pair.weight for row in part], device=policy.device)
        mean = (weights * soft_losses(loss, logps, part)).sum() / num_weighted
        metrics = pair_metrics(loss, logps)
        return mean, {name: value.sum().item() / len(rows) for name, value in metrics.items()}

    found = learner.forward_backward(
        micro_batches(rows, max_tokens=max_tokens // 2),
        micro_loss,
        ids_of=lambda part: [row.pair.problem_id for row in part],
    )
    found["train/loss"] = found.pop("loss")
    found |= {"preference/kto_kl": kl} if mismatched else {}
    return found | learner.optim_step(num_steps=num_steps)


def _mismatched(
    run: StageRun,
    policy: Policy,
    pairs: Sequence[TokenPair],
    config: PreferenceConfig,
    *,
    max_tokens: int,
) -> list[ReferencedPair]:
    """What KTO estimates its KL on, with the reference's part of it; nothing for other losses."""
    if not isinstance(config.loss, KtoLoss):
        return []
    others = mismatched_pairs(pairs, max_context=policy.max_context)
    return referenced_pairs(run.folder / "reference_kl", policy, others, max_tokens=max_tokens)


def soft_losses(
    loss: PreferenceLoss, logps: PairLogps, rows: Sequence[ReferencedPair]
) -> Float[Tensor, "B"]:
    """p l(chosen, rejected) + (1 - p) l(rejected, chosen), p being the label's probability."""
    plain = loss.per_pair(logps)
    if all(row.pair.probability == 1.0 for row in rows):
        return plain
    p = torch.tensor([row.pair.probability for row in rows], device=plain.device)
    return p * plain + (1.0 - p) * loss.per_pair(logps.swapped)


@torch.no_grad()
def pair_metrics(loss: PreferenceLoss, logps: PairLogps) -> dict[str, Float[Tensor, "B"]]:
    """What is to be watched, per pair.

    Chosen and rejected rewards apart: both may fall while their margin grows, and then the answers
    that are wanted become less likely, too (`chosen_logp`). `kl` is the mean of -rho over both
    answers: an estimate of KL(reference || policy) in nats an answer where the answers were drawn
    from the reference, as in Self-Rewarding; it may be negative.
    """
    chosen, rejected = loss.rewards(logps)
    rho_chosen, rho_rejected = logps.log_ratios
    return {
        "preference/chosen_reward": chosen,
        "preference/rejected_reward": rejected,
        "preference/margin": chosen - rejected,
        "preference/accuracy": (chosen > rejected).float(),
        "preference/chosen_logp": logps.chosen,
        "preference/rejected_logp": logps.rejected,
        "preference/chosen_length": logps.chosen_length,
        "preference/rejected_length": logps.rejected_length,
        "preference/kl": -0.5 * (rho_chosen + rho_rejected),
    }


def measure_of_pairs(
    policy: Policy, rows: Sequence[ReferencedPair], *, loss: PreferenceLoss, max_tokens: int
) -> Measure:
    """Of `policy` as it stands whenever it is measured: `dev/pair_accuracy`, the loss, the rewards.

    Args:
        rows: pairs that are not trained on, with what the reference says of them.
        max_tokens: size of a micro-batch; changes nothing but memory.
    """

    @torch.no_grad()
    def measure() -> Metrics:
        found: Metrics = {}
        for part in micro_batches(rows, max_tokens=max_tokens // 2):
            logps = pair_logps(policy, part)
            columns = pair_metrics(loss, logps) | {"loss": soft_losses(loss, logps, part)}
            for name, values in columns.items():
                found[name] = found.get(name, 0.0) + values.sum().item() / len(rows)
        first = {"dev/pair_accuracy": found.pop("preference/accuracy")}
        return first | {f"dev/{k.removeprefix('preference/')}": v for k, v in found.items()}

    return measure
