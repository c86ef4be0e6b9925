"""Our losses over pairs and TRL's trainer, from the same tokens of the same two models."""

from __future__ import annotations

import pytest
import torch
from pydantic import TypeAdapter

from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.training.learner import Learner, OptimizerConfig
from burnish.training.preference import preference_step
from burnish.training.preference_loss import AnyPreferenceLoss
from burnish.training.preference_pairs import TokenPair
from burnish.training.preference_reference import ReferencedPair, reference_logps

ROWS = [
    {"prompt": "Two and two?\n", "chosen": "It is 4.", "rejected": "Five, I think, or so."},
    {"prompt": "Why?\n", "chosen": "Because of the sum of both.", "rejected": "No."},
    {"prompt": "And three and three then?\n", "chosen": "6", "rejected": "It is 7."},
]
SAME = [
    ("sigmoid", {"beta": 0.3}, {"type": "dpo", "beta": 0.3}),
    ("hinge", {"beta": 0.3}, {"type": "hinge", "beta": 0.3}),
    ("ipo", {"beta": 0.3}, {"type": "ipo", "tau": 0.3}),
    (
        "robust",
        {"beta": 0.3, "label_smoothing": 0.2},
        {"type": "robust", "beta": 0.3, "flip": 0.2},
    ),
]


@pytest.fixture(scope="module")
def peer():
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")

    def loss_and_batch(folder, name: str, settings: dict):
        policy, reference = tiny_model("llama", seed=1), tiny_model("llama", seed=2)
        trainer = trl.DPOTrainer(
            policy.network,
            ref_model=reference.network,
            args=trl.DPOConfig(
                output_dir=str(folder),
                loss_type=[name],
                per_device_train_batch_size=len(ROWS),
                report_to="none",
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                **settings,
            ),
            train_dataset=datasets.Dataset.from_list(ROWS),
            processing_class=policy.tokenizer,
        )
        batch = next(iter(trainer.get_train_dataloader()))
        with torch.no_grad():
            return trainer.compute_loss(trainer.model, batch).item(), batch

    return loss_and_batch


def pairs_in(batch) -> list[TokenPair]:
    """The peer's tokens: all chosen answers with their prompts, then all rejected ones."""
    rows = []
    for ids, real, answer in zip(
        batch["input_ids"], batch["attention_mask"], batch["completion_mask"], strict=True
    ):
        is_answer, is_real = answer.bool(), real.bool()
        rows.append((tuple(ids[is_real & ~is_answer].tolist()), tuple(ids[is_answer].tolist())))
    chosen, rejected = rows[: len(ROWS)], rows[len(ROWS) :]
    assert [prompt for prompt, _ in chosen] == [prompt for prompt, _ in rejected]
    return [TokenPair("p", c[0], c[1], r[1]) for c, r in zip(chosen, rejected, strict=True)]


@pytest.mark.parametrize(("name", "settings", "ours"), SAME, ids=[row[0] for row in SAME])
def test_loss_is_the_peers_on_the_same_batch(peer, tmp_path, name, settings, ours):
    expected, batch = peer(tmp_path, name, settings)
    pairs = pairs_in(batch)
    policy, reference = (
        Policy(tiny_model("llama", seed=seed), compute_dtype=torch.float32) for seed in (1, 2)
    )
    refs = reference_logps(reference, pairs, max_tokens=60)
    found = preference_step(
        Learner({"policy": policy.network}, OptimizerConfig()),
        policy,
        [ReferencedPair(pair, ref) for pair, ref in zip(pairs, refs, strict=True)],
        loss=TypeAdapter(AnyPreferenceLoss).validate_python(ours),
        num_steps=1,
        max_tokens=60,
    )
    assert found["train/loss"] == pytest.approx(expected, abs=1e-5)


def test_odds_ratio_is_the_peers():
    orpo = pytest.importorskip("trl.experimental.orpo")
    from burnish.core.preference_losses import odds_ratio_loss

    chosen, rejected = torch.tensor([-0.4, -2.0]), torch.tensor([-1.1, -0.3])
    fake = type("Settings", (), {"beta": 0.2, "accelerator": torch.zeros(1)})()
    losses, *_ = orpo.ORPOTrainer.odds_ratio_loss(fake, chosen, rejected)
    torch.testing.assert_close(-losses / 0.2, odds_ratio_loss(chosen, rejected))
