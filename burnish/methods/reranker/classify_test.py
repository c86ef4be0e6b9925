from __future__ import annotations

import math

import pytest
import torch

from burnish.errors import DataError
from burnish.methods.reranker.classify import (
    ClassifyConfig,
    LabelledExample,
    classify_step,
    train_verifier,
)
from burnish.methods.reranker.samples import SamplesConfig, collect_samples
from burnish.models.token_batch import TokenBatch
from burnish.training.learner import Learner, OptimizerConfig
from burnish.training.stage import StageRun
from burnish.types import Example

FAST = OptimizerConfig(learning_rate=3e-3, schedule="constant")


def labelled(*rows: tuple[tuple[int, ...], bool]) -> list[LabelledExample]:
    return [LabelledExample(Example("p", ids, (True,) * len(ids)), label) for ids, label in rows]


ROWS = labelled(((5, 6, 7, 1), True), ((8, 9, 1), False), ((10, 11, 12, 13, 14, 1), False))


def collect(bench, folder):
    run = StageRun("samples", folder, seed=1, artifacts={})
    config = SamplesConfig(num_samples=8, num_dev_samples=8)
    for _ in collect_samples(run, bench=bench, config=config, policy_folder=None):
        pass


def stage(folder, samples):
    return StageRun("reranker", folder, seed=1, artifacts={"samples": samples})


def test_the_loss_is_the_mean_cross_entropy_of_the_labels(bench):
    verifier = bench.start_verifier()
    with torch.no_grad():
        logits = [
            verifier.logits(TokenBatch.collate([row]))
            .log_softmax(dim=1)[0, int(row.is_correct)]
            .item()
            for row in ROWS
        ]
    learner = Learner({"verifier": verifier.network}, FAST)
    metrics = classify_step(learner, verifier, ROWS, num_steps=9, max_tokens=1000)
    assert metrics["train/loss"] == pytest.approx(-sum(logits) / 3, abs=1e-5)


def test_an_undecided_head_costs_log_two_and_then_learns(bench):
    verifier = bench.start_verifier()
    torch.nn.init.zeros_(verifier.network.get_submodule("score").weight)
    learner = Learner({"verifier": verifier.network}, FAST)
    losses = [
        classify_step(learner, verifier, ROWS, num_steps=9, max_tokens=1000)["train/loss"]
        for _ in range(8)
    ]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-6)
    assert losses[-1] < 0.5 * losses[0]


def test_cutting_a_batch_into_micro_batches_changes_nothing(bench):
    weights = []
    for max_tokens in (1, 1000):
        torch.manual_seed(0)
        verifier = bench.start_verifier()
        learner = Learner({"verifier": verifier.network}, FAST)
        metrics = classify_step(learner, verifier, ROWS, num_steps=9, max_tokens=max_tokens)
        weights.append((metrics["train/grad_norm"], metrics["train/judged_right"]))
    assert weights[0] == pytest.approx(weights[1], rel=1e-5)


def test_a_reranker_learns_to_tell_answers_from_their_absence(bench, tmp_path):
    # Wrong samples say "No idea." AUC on dev was 1.00 for each of the seeds 1 to 10.
    collect(bench, tmp_path / "samples")
    run = stage(tmp_path / "reranker", tmp_path / "samples")
    config = ClassifyConfig(epochs=12, batch_size=8, optimizer=FAST)
    results = list(train_verifier(run, bench=bench, config=config, start=None))
    assert run.measure is not None
    found = run.measure()
    assert list(found) == ["dev/auc", "dev/judged_right"]
    assert found["dev/auc"] > 0.9
    assert results[-1].metrics["train/loss"] < results[0].metrics["train/loss"]


def test_samples_of_one_class_are_refused(bench, tmp_path):
    type(bench).script = staticmethod(lambda _prompt, seed: f"No idea {seed % 9}.")
    collect(bench, tmp_path / "samples")
    run = stage(tmp_path / "reranker", tmp_path / "samples")
    with pytest.raises(DataError, match="are wrong, so there is nothing to tell apart"):
        next(train_verifier(run, bench=bench, config=ClassifyConfig(), start=None))
