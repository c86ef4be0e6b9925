from __future__ import annotations

from typing import cast

import pytest

from burnish.data.follow_up import CorrectionConfig
from burnish.methods.pair_sft.method import PairSftConfig, sample_pairs
from burnish.training.attempt_data import AttemptDataConfig, read_chains
from burnish.training.revisions import read_counts, read_revisions
from burnish.training.stage import StageRun
from burnish.training.workbench import Workbench

CONFIG = PairSftConfig(
    correction=CorrectionConfig(instruction="Once more."),
    keep="improved_and_right",
    sample=AttemptDataConfig(num_problems=4, samples_per_problem=4, batch_size=3),
)


@pytest.fixture
def sampled(attempts_bench, tmp_path):
    run = StageRun("sample", tmp_path, seed=1, artifacts={})
    metrics = [r.metrics for r in sample_pairs(run, bench=attempts_bench, config=CONFIG)]
    return tmp_path, metrics


def test_pair_sft_samples_and_trains():
    first, second = PairSftConfig().stages(cast("Workbench", None))
    assert (first.name, first.hands_on) == ("sample", None)
    assert (second.name, second.hands_on) == ("train", "selected")


def test_samples_are_single_attempts_of_the_base_model(sampled):
    folder, metrics = sampled
    chains = read_chains(folder)
    assert len(chains) == 16
    assert all(len(chain.turns) == 1 for chain in chains)
    assert [found["rollout/chains"] for found in metrics] == [12, 4]
    assert "rollout/accuracy_t2" not in metrics[0]


def test_repairs_are_made_of_the_sampled_tokens_and_the_instruction(sampled, attempts_bench):
    folder, _ = sampled
    policy = attempts_bench.load_policy()
    samples = {}
    for chain in read_chains(folder):
        turn = chain.turns[0]
        samples[chain.token_ids[turn.start : turn.stop]] = (chain, turn)
    between = tuple(policy.tokenizer.encode("\nOnce more.\n", add_special_tokens=False))
    revisions = read_revisions(folder)
    assert {revision.kind for revision in revisions} == {"wrong_to_right", "right_to_right"}
    for revision in revisions:
        chain, turn = samples[revision.target_ids]
        assert turn.score.is_correct
        assert chain.problem_id == revision.problem_id
        assert revision.context_ids[-len(between) :] == between
        first, its_turn = samples[revision.context_ids[chain.turns[0].start : -len(between)]]
        assert revision.context_ids[: -len(between)] == first.token_ids
        assert its_turn.score.is_correct == (revision.kind == "right_to_right")


def test_counts_tell_right_samples_from_wrong_ones(sampled):
    folder, _ = sampled
    counts = read_counts(folder)
    assert counts is not None
    assert counts["chains_right"] + counts["chains_wrong"] == counts["chains"] == 16
    kinds = [revision.kind for revision in read_revisions(folder)]
    assert counts["kept_wrong_to_right"] == kinds.count("wrong_to_right")
    assert counts["kept_right_to_right"] == kinds.count("right_to_right")
