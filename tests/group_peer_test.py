"""Our group losses and advantages beside TRL's GRPOTrainer, on what its trainer has sampled.

Its trainer samples and pays one batch; both sides then read the same tokens, old and reference
log-probabilities and advantages. What is called otherwise: `epsilon_high` of TRL's cispo is a ratio
(ours: `max_ratio`), its bnpo and dapo are one reduction where nothing is accumulated, and gspo is
its grpo with `importance_sampling_level: sequence`. Where our defaults differ by design (epsilon
beside the deviation, KL of the named methods) the settings below are TRL's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from burnish.methods.grpo.advantage import BatchScaled, GroupCentred, GroupNormalised, Returns
from burnish.methods.grpo.aggregation import (
    BatchSize,
    ConstantMean,
    SequenceMean,
    SequenceSum,
    TokenMean,
)
from burnish.methods.grpo.kl import KlInLoss
from burnish.methods.grpo.loss import Capped, Clip, GammaWeight, SequenceClip, SoftGate
from burnish.methods.grpo.update import group_loss
from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.training.experience import Experience
from burnish.types import Score, StopReason, Trajectory

PROMPTS = [{"prompt": "Two and two?"}, {"prompt": "And three and three then?"}]
GROUP_SIZE = 3
MAX_LENGTH = 9
CLIP = Clip(clip_low=0.1, clip_high=0.3)
SEQUENCE_CLIP = SequenceClip(clip_low=0.01, clip_high=0.03)
LOSSES = [
    ("grpo", {}, CLIP, SequenceMean()),
    ("bnpo", {}, CLIP, TokenMean()),
    ("dapo", {}, CLIP, TokenMean()),
    ("dr_grpo", {}, CLIP, ConstantMean()),
    ("grpo", {"level": "sequence"}, SEQUENCE_CLIP, SequenceMean()),
    ("luspo", {"level": "sequence"}, SEQUENCE_CLIP, SequenceSum()),
    ("cispo", {"high": 1.2}, Capped(max_ratio=1.2), TokenMean()),
    ("sapo", {}, SoftGate(gate_positive=1.0, gate_negative=1.05), SequenceMean()),
    ("vespo", {}, GammaWeight(), TokenMean()),
]


@dataclass(frozen=True)
class Peer:
    """TRL's trainer, what it sampled, and what that was paid."""

    trainer: Any
    batch: dict[str, torch.Tensor]
    rewards: torch.Tensor

    def loss(self, name: str, settings: dict, kl: KlInLoss | None, **given: torch.Tensor) -> float:
        trainer = self.trainer
        sequence = settings.get("level") == "sequence"
        low, high = (0.01, 0.03) if sequence else (0.1, 0.3)
        trainer.loss_type, trainer.beta = name, kl.coef if kl else 0.0
        trainer.args.use_bias_correction_kl = kl is not None and kl.estimator == "weighted_k3"
        trainer.importance_sampling_level = settings.get("level", "token")
        trainer.epsilon_low, trainer.epsilon_high = low, settings.get("high", high)
        with torch.no_grad():
            return trainer._compute_loss(trainer.model, self.batch | given).item()


@pytest.fixture(scope="module")
def trainer_of(tmp_path_factory):
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")

    def make(scale_rewards: str) -> Peer:
        paid: list[float] = []

        def reward(completions, **_):
            paid[:] = [float(sum(map(ord, text)) % 5) for text in completions]
            return list(paid)

        policy = tiny_model("llama", seed=1)
        trainer = trl.GRPOTrainer(
            policy.network,
            reward_funcs=reward,
            args=trl.GRPOConfig(
                output_dir=str(tmp_path_factory.mktemp("peer")),
                per_device_train_batch_size=len(PROMPTS) * GROUP_SIZE,
                num_generations=GROUP_SIZE,
                max_completion_length=MAX_LENGTH,
                scale_rewards=scale_rewards,
                report_to="none",
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                disable_tqdm=True,
            ),
            train_dataset=datasets.Dataset.from_list(PROMPTS),
            processing_class=policy.tokenizer,
        )
        torch.manual_seed(3)
        rows = [row for row in PROMPTS for _ in range(GROUP_SIZE)]
        batch = trainer._generate_and_score_completions(rows)
        trainer.model.eval()
        batch["num_items_in_batch"] = batch["completion_mask"].sum()
        return Peer(trainer, batch, torch.tensor(paid))

    return make


@pytest.fixture(scope="module")
def peer(trainer_of) -> Peer:
    return trainer_of("group")


def rows_of(batch: dict[str, torch.Tensor]) -> list[Trajectory]:
    """The peer's samples as ours, without its padding."""
    rows = []
    for number in range(len(batch["prompt_ids"])):
        prompt = batch["prompt_ids"][number][batch["prompt_mask"][number].bool()].tolist()
        answer = batch["completion_ids"][number][batch["completion_mask"][number].bool()].tolist()
        flags = (False,) * len(prompt) + (True,) * len(answer)
        blank = (0.0,) * len(flags)
        rows.append(
            Trajectory(
                str(number // GROUP_SIZE), (*prompt, *answer), flags, blank, blank,
                Score(0.0, False, None), StopReason.EOS, "",
            )
        )  # fmt: skip
    return rows


def spread(values: torch.Tensor, lengths: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The peer's `[B, MAX_LENGTH]` values at our places."""
    flat = torch.cat([row[:n] for row, n in zip(values, lengths.tolist(), strict=True)])
    return torch.zeros(mask.shape).masked_scatter(mask, flat)


@pytest.mark.parametrize(
    "kl",
    [None, KlInLoss(coef=0.3), KlInLoss(coef=0.3, estimator="weighted_k3")],
    ids=["no KL", "k3", "weighted k3"],
)
@pytest.mark.parametrize(
    ("name", "settings", "loss", "aggregation"),
    LOSSES,
    ids=[f"{name} {settings.get('level', '')}".strip() for name, settings, *_ in LOSSES],
)
def test_loss_is_the_peers_on_the_same_batch(peer, name, settings, loss, aggregation, kl):
    if kl is not None and kl.estimator == "weighted_k3" and "level" in settings:
        pytest.skip("the peer weighs the KL by the sequence's ratio there, we by the token's")
    noise = torch.Generator().manual_seed(5)
    lengths = peer.batch["completion_mask"].sum(dim=1)
    shape = peer.batch["completion_ids"].shape
    policy = Policy(tiny_model("llama", seed=1), compute_dtype=torch.float32)
    rows = rows_of(peer.batch)
    gaps = [0.3 * torch.randn(shape, generator=noise) for _ in range(2)]
    size = BatchSize(len(rows), int(lengths.sum()), MAX_LENGTH)
    found, old_logp, ref_logp = 0.0, torch.zeros(shape), torch.zeros(shape)
    for part in (slice(0, 2), slice(2, None)):  # two micro-batches of ours against one of theirs
        batch = TokenBatch.collate(rows[part])
        mask = batch.action_mask
        with torch.no_grad():
            logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
        old, ref = (logp + spread(gap[part], lengths[part], mask) for gap in gaps)
        advantage = torch.where(mask, peer.batch["advantages"][part, None], 0.0)
        blank = torch.zeros(mask.shape)
        e = Experience(rows[part], batch, old, ref, blank, blank, blank, advantage, blank)
        value, _ = group_loss(e, logp, loss=loss, aggregation=aggregation, kl=kl, size=size)
        found += value.item()
        for theirs, ours in ((old_logp, old), (ref_logp, ref)):
            for row, own, n in zip(theirs[part], range(len(mask)), lengths[part], strict=True):
                row[: int(n)] = ours[own][mask[own]]
    expected = peer.loss(
        name, settings, kl, old_per_token_logps=old_logp, ref_per_token_logps=ref_logp
    )
    assert len(set(peer.batch["advantages"].tolist())) > 2
    assert abs(expected) > 1e-3
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("scale", "advantage"),
    [
        ("group", GroupNormalised(epsilon=1e-4)),
        ("none", GroupCentred()),
        ("batch", BatchScaled(epsilon=1e-4)),
    ],
    ids=["group", "none", "batch"],
)
def test_advantages_are_the_peers_with_its_epsilon(trainer_of, scale, advantage):
    found = trainer_of(scale)
    number = len(found.rewards)
    one = torch.ones(number, 1, dtype=torch.bool)
    returns = Returns(
        whole=found.rewards,
        to_go=[found.rewards[:, None]],
        group=torch.arange(number) // GROUP_SIZE,
        lengths=torch.ones(number, dtype=torch.long),
        masks=[one],
        greedy=torch.full((number,), torch.nan),
    )
    (ours,) = advantage.of(returns)
    assert len(set(found.rewards.tolist())) > 2
    torch.testing.assert_close(ours[:, 0], found.batch["advantages"], rtol=0, atol=1e-5)
