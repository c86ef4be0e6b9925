from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from burnish.data.follow_up import CorrectionConfig
from burnish.errors import DataError
from burnish.models.policy import Policy
from burnish.training.attempt_data import read_chains
from burnish.training.conftest import run_all
from burnish.training.revisions import Revision, read_counts, read_revisions
from burnish.training.stage import Stage, StageRun
from burnish.training.star import StarConfig, star_stages

CORRECTION = CorrectionConfig(instruction="Once more.")
SMALL: dict[str, Any] = {
    "iterations": 2,
    "sample": {"num_problems": 4, "samples_per_problem": 4},
    "train": {
        "num_steps": 2,
        "batch_size": 99,
        "optimizer": {"learning_rate": 3e-2, "schedule": "constant"},
    },
}


def not_measured(_policy: Policy, _base: Policy):
    return lambda: {"dev/accuracy": 0.0}


def stages_of(bench, *, start=None, prefix="", **settings) -> list[Stage]:
    config = StarConfig.model_validate(SMALL | settings)
    return star_stages(
        bench, config, correction=CORRECTION, dev=not_measured, start=start, prefix=prefix
    )


def loss_of(policy: Policy, revisions: list[Revision]) -> float:
    """Mean over the tokens of all second attempts."""
    losses = []
    for revision in revisions:
        ids = torch.tensor([revision.context_ids + revision.target_ids])
        with torch.no_grad():
            logp = policy.network(ids).logits[0, :-1].log_softmax(-1)
        chosen = logp.gather(1, ids[0, 1:, None])[:, 0]
        losses.append(-chosen[len(revision.context_ids) - 1 :])
    return torch.cat(losses).mean().item()


def test_each_round_samples_and_trains(attempts_bench):
    stages = stages_of(attempts_bench, prefix="stage_two_", train={"hands_on": "last"})
    assert [(stage.name, stage.hands_on) for stage in stages] == [
        ("stage_two_sample_1", None),
        ("stage_two_train_1", "last"),
        ("stage_two_sample_2", None),
        ("stage_two_train_2", "last"),
    ]


def test_rounds_sample_the_model_of_the_round_before_and_train_from_the_base(
    attempts_bench, tmp_path
):
    """What a round's first update sees is the base model's loss on the other model's attempts."""
    artifacts, metrics = run_all(stages_of(attempts_bench), tmp_path)
    base = attempts_bench.load_policy()
    trained = attempts_bench.load_policy(artifacts["train_1"])
    kept = read_revisions(artifacts["sample_2"])
    assert metrics["train_2"][0]["train/loss"] == pytest.approx(loss_of(base, kept), rel=1e-4)
    assert abs(loss_of(trained, kept) - loss_of(base, kept)) > 0.05
    problems = {problem.id: problem for problem in attempts_bench.problems("train")}
    first = read_chains(artifacts["sample_2"])[0]
    prompt = attempts_bench.renderer(base).prompt_ids(problems[first.problem_id])
    assert first.token_ids[: len(prompt)] == prompt
    assert surprise(trained, artifacts["sample_2"]) < surprise(base, artifacts["sample_2"]) - 0.05


def surprise(policy: Policy, folder: Path) -> float:
    """Mean loss of a model on all attempts that a stage has sampled, kept or not."""
    revisions = [
        Revision(
            "p", "wrong_to_right", "", "", c.token_ids[: t.start], c.token_ids[t.start : t.stop]
        )
        for c in read_chains(folder)
        for t in c.turns
    ]
    return loss_of(policy, revisions)


def test_rounds_can_go_on_from_each_other(attempts_bench, tmp_path):
    artifacts, metrics = run_all(stages_of(attempts_bench, each_from="previous"), tmp_path)
    trained = attempts_bench.load_policy(artifacts["train_1"])
    kept = read_revisions(artifacts["sample_2"])
    assert metrics["train_2"][0]["train/loss"] == pytest.approx(loss_of(trained, kept), rel=1e-4)


def test_rounds_of_a_later_stage_start_from_the_model_of_the_one_before(attempts_bench, tmp_path):
    artifacts, _ = run_all(stages_of(attempts_bench, iterations=1), tmp_path / "before")
    before = artifacts["train_1"]
    stages = stages_of(attempts_bench, start="stage_one", prefix="two_")
    found = {"stage_one": before}
    losses = {}
    for stage in stages:
        run = StageRun(stage.name, tmp_path / stage.name, seed=1, artifacts=found)
        losses[stage.name] = [result.metrics.get("train/loss") for result in stage.run(run)]
        found[stage.name] = run.folder
        if run.model is not None:
            run.model.save(run.folder)
    for number in (1, 2):
        kept = read_revisions(found[f"two_sample_{number}"])
        expected = loss_of(attempts_bench.load_policy(before), kept)
        assert losses[f"two_train_{number}"][0] == pytest.approx(expected, rel=1e-4)


def test_second_attempts_that_are_right_are_kept_and_counted(attempts_bench, tmp_path):
    settings = {"iterations": 1, "keep": "improved_and_right"}
    artifacts, _ = run_all(stages_of(attempts_bench, **settings), tmp_path)
    right = [c for c in read_chains(artifacts["sample_1"]) if c.turns[1].score.is_correct]
    counts = read_counts(artifacts["sample_1"])
    assert counts is not None
    assert counts["kept"] == len(right) == len(read_revisions(artifacts["sample_1"])) > 0
    assert counts["target_tokens"] == sum(c.turns[1].stop - c.turns[1].start for c in right)


def test_tokens_of_a_trimmed_vocabulary_mean_the_same_in_the_next_stage(attempts_bench, tmp_path):
    model = attempts_bench.model.model_copy(update={"trim_vocabulary": True})
    bench = replace(attempts_bench, model=model, method_texts=("Once more.",))
    artifacts, metrics = run_all(stages_of(bench), tmp_path)
    trained = bench.load_policy(artifacts["train_1"])
    for chain in read_chains(artifacts["sample_2"]):
        for turn in chain.turns:
            ids = list(chain.token_ids[turn.start : turn.stop])
            assert trained.tokenizer.decode(ids, skip_special_tokens=True) == turn.text
    loss = loss_of(bench.load_policy(), read_revisions(artifacts["sample_2"]))
    assert metrics["train_2"][0]["train/loss"] == pytest.approx(loss, rel=1e-4)


def test_nothing_right_to_imitate_stops_the_run_and_leaves_the_chains(attempts_bench, tmp_path):
    class NeverRight:
        def grade(self, pairs):
            found = attempts_bench.grader.grade(pairs)
            return [type(s)(s.reward, False, s.answer) for s in found]

    bench = replace(attempts_bench, grader=NeverRight())
    with pytest.raises(DataError, match="nothing to train on"):
        run_all(stages_of(bench), tmp_path)
    assert len(read_chains(tmp_path / "sample_1")) == 16


def test_star_is_the_same_when_it_is_run_again(attempts_bench, tmp_path):
    first, metrics = run_all(stages_of(attempts_bench), tmp_path / "a")
    second, again = run_all(stages_of(attempts_bench), tmp_path / "b")
    assert metrics == again
    for name in ("sample_1", "sample_2"):
        assert read_revisions(first[name]) == read_revisions(second[name])
