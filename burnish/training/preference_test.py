from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch.nn import functional

from burnish.errors import CheckpointError, DataError
from burnish.models.policy import Policy
from burnish.models.tiny import Family, tiny_model
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.preference import (
    PreferenceConfig,
    measure_of_pairs,
    pair_metrics,
    prefer,
    preference_step,
)
from burnish.training.preference_loss import DpoLoss, KtoLoss, PairLogps
from burnish.training.preference_pairs import TokenPair
from burnish.training.preference_reference import (
    ReferencedPair,
    ReferenceLogps,
    kl_estimate,
    reference_logps,
)
from burnish.training.stage import StageRun

SIZES = ((3, 4, 6), (9, 2, 1), (5, 11, 3), (2, 1, 5))
BETA = 0.3


class RecordingLearner(Learner):
    """Keeps the gradients of the last update."""

    gradients: dict[str, torch.Tensor]

    def optim_step(self, *, num_steps: int) -> Metrics:
        self.gradients = gradients_of(self._modules["policy"])
        return super().optim_step(num_steps=num_steps)


def gradients_of(network) -> dict[str, torch.Tensor]:
    named = network.named_parameters()
    return {name: p.grad.to_dense().clone() for name, p in named if p.grad is not None}


def policy_of(family: Family = "llama") -> Policy:
    return Policy(tiny_model(family), compute_dtype=torch.float32)


def pairs_of(seed: int = 0) -> list[TokenPair]:
    source = random.Random(seed)

    def tokens(number: int) -> tuple[int, ...]:
        return tuple(source.randrange(4, 300) for _ in range(number))

    return [
        TokenPair(f"p{number}", tokens(prompt), tokens(chosen), tokens(rejected))
        for number, (prompt, chosen, rejected) in enumerate(SIZES)
    ]


def referenced(pairs: list[TokenPair]) -> list[ReferencedPair]:
    """With a reference that is not the policy, and other numbers for each answer."""
    refs = [ReferenceLogps(-20.0 - 3 * n, -17.0 - 5 * n) for n in range(len(pairs))]
    return [ReferencedPair(pair, ref) for pair, ref in zip(pairs, refs, strict=True)]


def plain_logp(policy: Policy, prompt: tuple[int, ...], answer: tuple[int, ...]) -> torch.Tensor:
    """From whole logits, one sequence alone; the answer's tokens and no others."""
    ids = torch.tensor([prompt + answer])
    logp = policy.network(ids).logits[0, :-1].log_softmax(-1)
    return logp.gather(1, ids[0, 1:, None])[len(prompt) - 1 :, 0].sum()


def plain_loss(policy: Policy, rows: list[ReferencedPair]) -> torch.Tensor:
    """A mean by weight of -p log sigmoid(beta h) - (1 - p) log sigmoid(-beta h)."""
    total = torch.tensor(0.0)
    for row in rows:
        pair = row.pair
        chosen = plain_logp(policy, pair.prompt_ids, pair.chosen_ids) - row.ref.chosen
        rejected = plain_logp(policy, pair.prompt_ids, pair.rejected_ids) - row.ref.rejected
        h, p = BETA * (chosen - rejected), pair.probability
        loss = -p * functional.logsigmoid(h) - (1 - p) * functional.logsigmoid(-h)
        total = total + pair.weight * loss
    return total / sum(row.pair.weight for row in rows)


def softened(rows: list[ReferencedPair]) -> list[ReferencedPair]:
    """With labels of other probabilities and weights."""
    return [
        replace(row, pair=replace(row.pair, probability=p, weight=w))
        for row, p, w in zip(rows, (1.0, 0.7, 0.5, 0.9), (1.0, 3.0, 0.5, 2.0), strict=True)
    ]


def step(
    family: Family, *, tokens: int, rows: list[ReferencedPair] | None = None
) -> tuple[dict[str, torch.Tensor], Metrics]:
    policy = policy_of(family)
    learner = RecordingLearner({"policy": policy.network}, OptimizerConfig(max_grad_norm=1e9))
    metrics = preference_step(
        learner,
        policy,
        rows or referenced(pairs_of()),
        loss=DpoLoss(beta=BETA),
        num_steps=9,
        max_tokens=tokens,
    )
    return learner.gradients, metrics


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_loss_and_gradient_are_those_of_whole_logits_of_the_answers_alone(family):
    gradients, metrics = step(family, tokens=10_000)
    policy = policy_of(family)
    loss = plain_loss(policy, referenced(pairs_of()))
    loss.backward()
    assert metrics["train/loss"] == pytest.approx(loss.item(), rel=1e-5)
    for name, gradient in gradients_of(policy.network).items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-5)


def test_soft_labels_and_weights_count_as_they_say():
    rows = softened(referenced(pairs_of()))
    gradients, metrics = step("llama", tokens=60, rows=rows)
    policy = policy_of()
    loss = plain_loss(policy, rows)
    loss.backward()
    assert metrics["train/loss"] == pytest.approx(loss.item(), rel=1e-5)
    for name, gradient in gradients_of(policy.network).items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-5)


def test_loss_and_gradient_do_not_depend_on_how_the_batch_is_cut():
    rows = softened(referenced(pairs_of()))
    whole, whole_metrics = step("llama", tokens=10_000, rows=rows)
    cut, cut_metrics = step("llama", tokens=1, rows=rows)
    assert cut_metrics == pytest.approx(whole_metrics, rel=1e-5, abs=1e-5)
    for name, gradient in whole.items():
        torch.testing.assert_close(gradient, cut[name], rtol=1e-4, atol=1e-6)


def test_reference_says_what_the_policy_says_and_in_the_order_of_the_pairs():
    policy = policy_of()
    first, second, *_ = pairs = pairs_of()
    for found, pair in zip(
        reference_logps(policy, [second, first, second, *pairs], max_tokens=60),
        [second, first, second, *pairs],
        strict=True,
    ):
        chosen = plain_logp(policy, pair.prompt_ids, pair.chosen_ids).item()
        rejected = plain_logp(policy, pair.prompt_ids, pair.rejected_ids).item()
        assert (found.chosen, found.rejected) == pytest.approx((chosen, rejected), rel=1e-5)


def test_metrics_by_hand():
    columns = ([-5.0, -8.0], [-7.0, -3.0], [-6.0, -6.0], [-6.5, -4.0], [2.0, 9.0], [3.0, 7.0])
    chosen, rejected, ref_chosen, ref_rejected, *lengths = map(torch.tensor, columns)
    logps = PairLogps(chosen, rejected, ref_chosen, ref_rejected, lengths[0], lengths[1])
    found = pair_metrics(DpoLoss(beta=0.5), logps)
    assert {name: value.tolist() for name, value in found.items()} == {
        "preference/chosen_reward": [0.5, -1.0],
        "preference/rejected_reward": [-0.25, 0.5],
        "preference/margin": [0.75, -1.5],
        "preference/accuracy": [1.0, 0.0],
        "preference/chosen_logp": [-5.0, -8.0],
        "preference/rejected_logp": [-7.0, -3.0],
        "preference/chosen_length": [2.0, 9.0],
        "preference/rejected_length": [3.0, 7.0],
        "preference/kl": [-0.25, 0.5],
    }


CONFIG = PreferenceConfig(
    epochs=3,
    batch_size=3,
    loss=DpoLoss(beta=BETA),
    optimizer=OptimizerConfig(learning_rate=3e-3, schedule="constant"),
)


def stage(folder, pairs=None, *, policy=None, config=CONFIG):
    run = StageRun("dpo", folder, seed=1, artifacts={})
    model = policy or policy_of()
    rows = pairs_of() if pairs is None else pairs
    return run, model, prefer(run, model, rows, config=config, max_tokens=60)


def trained(folder, **settings):
    _, model, steps = stage(folder, **settings)
    metrics = [result.metrics for result in steps]
    return metrics, {k: v.clone() for k, v in model.network.state_dict().items()}


def test_first_step_is_at_the_reference(tmp_path):
    metrics, _ = trained(tmp_path)
    assert metrics[0]["train/loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert metrics[0]["preference/chosen_reward"] == pytest.approx(0.0, abs=1e-5)
    assert metrics[0]["preference/kl"] == pytest.approx(0.0, abs=1e-4)


def test_pairs_are_learnt(tmp_path):
    metrics, _ = trained(tmp_path, config=CONFIG.model_copy(update={"epochs": 9}))
    assert metrics[-1]["preference/accuracy"] == 1.0
    assert metrics[-1]["preference/margin"] > 1.0
    assert metrics[-1]["train/loss"] < 0.3


def test_reference_stays_that_of_the_start_and_is_computed_once(tmp_path):
    metrics, _ = trained(tmp_path)
    before = (tmp_path / "reference" / "000000.jsonl").stat().st_mtime_ns
    again, _ = trained(tmp_path)
    assert again == metrics
    assert (tmp_path / "reference" / "000000.jsonl").stat().st_mtime_ns == before


def test_stopped_stage_ends_as_one_that_was_not_stopped(tmp_path):
    metrics, weights = trained(tmp_path / "whole")
    run, _, steps = stage(tmp_path / "cut")
    begun = [result.metrics for result in islice(steps, 2)]
    run.write_checkpoint()
    rest, same = trained(tmp_path / "cut")
    assert begun + rest == metrics
    assert len(rest) == 2
    for name, weight in weights.items():
        assert torch.equal(weight, same[name])


def test_stage_that_was_begun_with_other_pairs_is_not_continued(tmp_path):
    trained(tmp_path)
    with pytest.raises(CheckpointError, match="other pairs"):
        next(stage(tmp_path, pairs=pairs_of(seed=2))[2])


def test_pairs_of_equal_answers_are_left_out_and_counted(tmp_path):
    same = TokenPair("same", (5,), (6, 7), (6, 7))
    metrics, _ = trained(tmp_path, pairs=[same, *pairs_of(), same])
    assert metrics[0]["preference/left_out"] == 2.0
    assert len(metrics) == 4
    with pytest.raises(DataError, match="none of 2 pairs"):
        next(stage(tmp_path / "none", pairs=[same, same])[2])


def test_rows_that_cannot_be_learnt_from_are_named(tmp_path):
    with pytest.raises(DataError, match=r"'empty'.*no tokens"):
        next(stage(tmp_path, pairs=[TokenPair("empty", (5,), (), (6,))])[2])
    long = TokenPair("long", (5,) * 20, (6,), (7,) * 600)
    with pytest.raises(DataError, match=r"'long'.*620 tokens.*context"):
        next(stage(tmp_path, pairs=[long])[2])


def test_measure_is_that_of_the_whole_set_however_it_is_cut():
    policy, rows = policy_of(), softened(referenced(pairs_of()))
    whole = measure_of_pairs(policy, rows, loss=DpoLoss(beta=BETA), max_tokens=10_000)()
    cut = measure_of_pairs(policy, rows, loss=DpoLoss(beta=BETA), max_tokens=1)()
    assert cut == pytest.approx(whole, rel=1e-5)
    assert next(iter(whole)) == "dev/pair_accuracy"
    margins = [
        plain_logp(policy, row.pair.prompt_ids, row.pair.chosen_ids).item()
        - row.ref.chosen
        - plain_logp(policy, row.pair.prompt_ids, row.pair.rejected_ids).item()
        + row.ref.rejected
        for row in rows
    ]
    assert whole["dev/margin"] == pytest.approx(BETA * sum(margins) / len(margins), rel=1e-4)
    assert whole["dev/pair_accuracy"] == sum(margin > 0 for margin in margins) / len(margins)


def test_kl_estimate_is_the_mean_over_both_mismatched_answers_and_never_negative():
    policy, rows = policy_of(), referenced(pairs_of())
    ratios = [
        plain_logp(policy, row.pair.prompt_ids, answer).item() - ref
        for row in rows
        for answer, ref in (
            (row.pair.chosen_ids, row.ref.chosen),
            (row.pair.rejected_ids, row.ref.rejected),
        )
    ]
    shift = 1.0 - sum(ratios) / len(ratios)
    lower = [
        replace(row, ref=ReferenceLogps(row.ref.chosen - shift, row.ref.rejected - shift))
        for row in rows
    ]
    assert kl_estimate(policy, lower, max_tokens=60) == pytest.approx(1.0, abs=1e-3)
    higher = [
        replace(row, ref=ReferenceLogps(row.ref.chosen + 99, row.ref.rejected + 99))
        for row in lower
    ]
    assert kl_estimate(policy, higher, max_tokens=60) == 0.0


def test_kto_begins_at_half_and_learns(tmp_path):
    config = CONFIG.model_copy(update={"loss": KtoLoss(beta=BETA), "epochs": 9})
    metrics, _ = trained(tmp_path, config=config)
    assert metrics[0]["train/loss"] == pytest.approx(0.5, abs=1e-5)
    assert metrics[0]["preference/kto_kl"] == pytest.approx(0.0, abs=1e-4)
    assert metrics[-1]["preference/accuracy"] == 1.0
    assert metrics[-1]["train/loss"] < 0.4
    assert len((tmp_path / "reference_kl" / "000000.jsonl").read_text().splitlines()) == len(SIZES)


def test_kto_does_not_depend_on_how_the_batch_is_cut():
    rows = referenced(pairs_of())
    others = [
        replace(row, ref=ReferenceLogps(row.ref.chosen - 90, row.ref.rejected - 95))
        for row in reversed(rows)
    ]

    def loss(tokens: int) -> Metrics:
        policy = policy_of()
        learner = Learner({"policy": policy.network}, OptimizerConfig())
        return preference_step(
            learner,
            policy,
            rows,
            mismatched=others,
            loss=KtoLoss(beta=0.01),
            num_steps=9,
            max_tokens=tokens,
        )

    whole, cut = loss(10_000), loss(1)
    assert whole["preference/kto_kl"] > 1.0
    assert cut == pytest.approx(whole, rel=1e-5, abs=1e-5)
