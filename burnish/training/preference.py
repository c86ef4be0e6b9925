"""The training step of the DPO family, and the loop around it.

    rho_w = log pi(y_w | x) - log pi_ref(y_w | x),  rho_l the same of y_l
    L = 1/N sum over the N pairs of l(rho_w, rho_l),    -log sigmoid(beta (rho_w - rho_l)) for DPO

The reference policy is the policy as it was when the stage began. Its log-probabilities are
computed once, before training, and kept in the stage's folder; there is no second model in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, TypeAdapter
from torch import Tensor

from burnish.config import Config
from burnish.errors import CheckpointError
from burnish.models.policy import Policy
from burnish.models.token_batch import TokenBatch
from burnish.training.batching import micro_batches
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.preference_loss import (
    AnyPreferenceLoss,
    DpoLoss,
    PairLogps,
    PreferenceLoss,
)
from burnish.training.preference_pairs import TokenPair, fingerprint_of, usable_pairs
from burnish.training.row_files import read_rows, write_rows
from burnish.training.seeds import batch_indices
from burnish.training.stage import Measure, StageRun, StepResult

_PAIRS_PER_PIECE = 256


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


@dataclass(frozen=True, slots=True)
class ReferenceLogps:
    """Of one pair: log pi_ref of both answers, in nats, summed over their tokens."""

    chosen: float
    rejected: float


@dataclass(frozen=True, slots=True)
class ReferencedPair:
    """A pair with what the reference policy says of it; batched by its longer answer."""

    pair: TokenPair
    ref: ReferenceLogps

    @property
    def token_ids(self) -> tuple[int, ...]:
        return self.pair.longer.token_ids

    @property
    def is_action(self) -> tuple[bool, ...]:
        return self.pair.longer.is_action


_REFERENCE = TypeAdapter(ReferenceLogps)


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
    rows = _referenced(run.folder / "reference", policy, usable, max_tokens=max_tokens)
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
) -> Metrics:
    """One update on a batch of pairs, each counting the same.

    Args:
        num_steps: updates of the whole stage, for the schedule.
        max_tokens: size of a micro-batch; changes nothing but memory.

    Returns:
        means over pairs: see `pair_metrics`.
    """

    def micro_loss(part: Sequence[ReferencedPair]) -> tuple[Tensor, Metrics]:
        logps = pair_logps(policy, part)
        metrics = pair_metrics(logps, reward_scale=loss.reward_scale)
        mean = loss.per_pair(logps).sum() / len(rows)
        return mean, {name: value.sum().item() / len(rows) for name, value in metrics.items()}

    found = learner.forward_backward(
        micro_batches(rows, max_tokens=max_tokens // 2),
        micro_loss,
        ids_of=lambda part: [row.pair.problem_id for row in part],
    )
    found["train/loss"] = found.pop("loss")
    return found | learner.optim_step(num_steps=num_steps)


def pair_logps(policy: Policy, rows: Sequence[ReferencedPair]) -> PairLogps:
    """What the policy and the reference say of the answers of these pairs, in one batch."""
    chosen, rejected = answer_logps(policy, [row.pair for row in rows])
    columns = (
        [row.ref.chosen for row in rows],
        [row.ref.rejected for row in rows],
        [float(len(row.pair.chosen_ids)) for row in rows],
        [float(len(row.pair.rejected_ids)) for row in rows],
    )
    return PairLogps(
        chosen, rejected, *(torch.tensor(column, device=chosen.device) for column in columns)
    )


def answer_logps(
    policy: Policy, pairs: Sequence[TokenPair]
) -> tuple[Float[Tensor, "B"], Float[Tensor, "B"]]:
    """log pi(y | x) = sum_t log pi(y_t | x, y_<t) of the chosen and of the rejected answers."""
    answers = [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]
    batch = TokenBatch.collate(answers).to(policy.device)
    logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
    sums = logp.sum(dim=1)  # 0 off the answers
    return sums[: len(pairs)], sums[len(pairs) :]


def pair_metrics(logps: PairLogps, *, reward_scale: float) -> dict[str, Float[Tensor, "B"]]:
    """What is to be watched, per pair.

    Chosen and rejected rewards apart: both may fall while their margin grows, and then the answers
    that are wanted become less likely, too (`chosen_logp`). `kl` is the mean of -rho over both
    answers: an estimate of KL(reference || policy) in nats an answer where the answers were drawn
    from the reference, as in Self-Rewarding; it may be negative.
    """
    with torch.no_grad():
        chosen = logps.chosen - logps.ref_chosen
        rejected = logps.rejected - logps.ref_rejected
        margin = chosen - rejected
        return {
            "preference/chosen_reward": reward_scale * chosen,
            "preference/rejected_reward": reward_scale * rejected,
            "preference/margin": reward_scale * margin,
            "preference/accuracy": (margin > 0).float(),
            "preference/chosen_logp": logps.chosen.detach(),
            "preference/rejected_logp": logps.rejected.detach(),
            "preference/chosen_length": logps.chosen_length,
            "preference/rejected_length": logps.rejected_length,
            "preference/kl": -0.5 * (chosen + rejected),
        }


@torch.no_grad()
def reference_logps(
    policy: Policy, pairs: Sequence[TokenPair], *, max_tokens: int
) -> list[ReferenceLogps]:
    """What the policy, as it is now, says of the answers, in the order of `pairs`."""
    blank = ReferenceLogps(0.0, 0.0)
    place = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
    found = [blank] * len(place)
    rows = [ReferencedPair(pair, blank) for pair in place]
    for part in micro_batches(rows, max_tokens=max_tokens // 2):
        chosen, rejected = answer_logps(policy, [row.pair for row in part])
        for row, c, r in zip(part, chosen.tolist(), rejected.tolist(), strict=True):
            found[place[row.pair]] = ReferenceLogps(c, r)
    return [found[place[pair]] for pair in pairs]


def _referenced(
    folder: Path, policy: Policy, pairs: Sequence[TokenPair], *, max_tokens: int
) -> list[ReferencedPair]:
    """The pairs with the reference's log-probabilities; what stands in `folder` is read back.

    Must be called before the policy is changed: a file that is missing is computed with it.
    """
    _require_same_pairs(folder, pairs)
    found: list[ReferenceLogps] = []
    for start in range(0, len(pairs), _PAIRS_PER_PIECE):
        piece = folder / f"{start // _PAIRS_PER_PIECE:06d}.jsonl"
        if not piece.exists():
            part = pairs[start : start + _PAIRS_PER_PIECE]
            write_rows(piece, reference_logps(policy, part, max_tokens=max_tokens), _REFERENCE)
        found += read_rows(piece, _REFERENCE)
    return [ReferencedPair(pair, ref) for pair, ref in zip(pairs, found, strict=True)]


def _require_same_pairs(folder: Path, pairs: Sequence[TokenPair]) -> None:
    """Remember which pairs the files are about. Raises CheckpointError where they are others."""
    path, kind = folder / "pairs.sha256", TypeAdapter(str)
    if not path.exists():
        write_rows(path, [fingerprint_of(pairs)], kind)
    elif read_rows(path, kind) != [fingerprint_of(pairs)]:
        raise CheckpointError(
            f"{folder}: holds log-probabilities of other pairs than those of this recipe, so the "
            "stage cannot be continued. Put the rows back as they were, or use a new --out."
        )
