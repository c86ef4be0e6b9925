from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import fmean, pstdev

import pytest
import torch

from burnish.data.tasks.replies import RepliesTask
from burnish.models.config import LoraConfig
from burnish.training.answer_rewards import RewardScaleConfig, RewardSource
from burnish.training.answer_rl import (
    UNITS_FILE,
    AnswerRlConfig,
    as_paid,
    held_out,
    reinforce_answers,
)
from burnish.training.stage import StageRun, StepResult
from burnish.types import Score, StopReason, Trajectory


class EvenTokens:
    """Pays ten times the share of sampled tokens with an even id, and 3."""

    def grade(self, pairs) -> list[Score]:
        shares = [fmean(i % 2 == 0 for i in c.token_ids) for _, c in pairs]
        return [Score(10.0 * share + 3.0, False, None) for share in shares]


@pytest.fixture
def bench(attempts_bench):
    task = RepliesTask(train_size=6, dev_size=12, test_size=2)
    return replace(attempts_bench, task=task, num_dev=12)


def config_of(**settings) -> AnswerRlConfig:
    return AnswerRlConfig.model_validate(
        {
            "num_steps": 3,
            "batch_size": 3,
            "samples_per_problem": 4,
            "ppo": {"num_epochs": 1, "value_coef": 0.1},
            "optimizer": {"learning_rate": 1e-3, "schedule": "constant"},
        }
        | settings
    )


def paid_by(grader, **scale):
    return lambda _run: [RewardSource("even", (grader,), RewardScaleConfig(**scale))]


def stage(bench, folder: Path, source=None, **settings):
    run = StageRun("rl", folder, seed=3, artifacts={})
    return run, reinforce_answers(
        run,
        bench=bench,
        config=config_of(**settings),
        start=None,
        sources=source or paid_by(EvenTokens()),
        measure_of=lambda *_: lambda: {"dev/objective": 0.0},
    )


def results_of(bench, folder: Path, source=None, **settings) -> list[StepResult]:
    return list(stage(bench, folder, source, **settings)[1])


def test_policy_is_the_reference_at_the_first_step_and_leaves_it(bench, tmp_path):
    first, second, _ = results_of(bench, tmp_path)
    assert first.metrics["ppo/kl"] == first.metrics["ppo/kl_token"] == 0.0
    assert first.metrics["ppo/clip_fraction"] == 0.0
    assert all(view.logp == view.ref_logp for view in first.token_views)
    assert second.metrics["ppo/kl"] != 0.0


def test_an_adapter_is_trained_against_its_start_on_the_same_weights(bench, tmp_path):
    lora = bench.model.model_copy(update={"lora": LoraConfig(rank=4)})
    first, second, _ = results_of(replace(bench, model=lora), tmp_path)
    assert first.metrics["ppo/kl"] == 0.0
    assert second.metrics["ppo/kl"] != 0.0
    assert second.metrics["ppo/logp_gap"] < 1e-3


def test_reward_stands_at_the_last_sampled_token_in_standard_units(bench, tmp_path):
    (first, *_) = results_of(bench, tmp_path)
    run = StageRun("rl", tmp_path / "other", seed=3, artifacts={})
    answers = held_out(run, bench, bench.load_policy(), config_of())
    raw = [score.reward for score in EvenTokens().grade(answers)]
    for view in first.token_views:
        share = fmean(i % 2 == 0 for i in view.token_ids)
        z = (10 * share + 3 - fmean(raw)) / pstdev(raw)
        assert view.token_reward[:-1] == (0.0,) * (len(view.token_ids) - 1)
        assert view.token_reward[-1] == pytest.approx(z, rel=1e-4)


def test_units_are_taken_once_and_kept(bench, tmp_path):
    results_of(bench, tmp_path / "whole", num_steps=1)
    before = (tmp_path / "whole" / UNITS_FILE).read_text()

    class Silent:
        def grade(self, pairs):
            raise AssertionError("the units are there already")

    run = StageRun("rl", tmp_path / "whole", seed=3, artifacts={})
    again = reinforce_answers(
        run,
        bench=bench,
        config=config_of(),
        start=None,
        sources=paid_by(Silent()),
        measure_of=lambda *_: dict,
    )
    with pytest.raises(AssertionError, match="already"):
        next(again)
    assert (tmp_path / "whole" / UNITS_FILE).read_text() == before


def sample(reward: float, stop: StopReason) -> Trajectory:
    return Trajectory(
        "p", (1, 2), (False, True), (0.0,) * 2, (0.0,) * 2, Score(reward, False, None), stop, ""
    )


def test_rewards_are_whitened_then_cut_answers_pay_their_penalty():
    samples = [sample(7.0, StopReason.EOS), sample(3.0, StopReason.LENGTH)]
    plain = as_paid(samples, config_of(missing_eos_penalty=0.5))
    assert [t.score.reward for t in plain] == [7.0, 2.5]
    white = as_paid(samples, config_of(missing_eos_penalty=0.5, rewards="whitened"))
    assert [t.score.reward for t in white] == [1.0, -1.5]
    assert [t.score.reward for t in samples] == [7.0, 3.0]


def test_kl_weight_is_steered_and_logged(bench, tmp_path):
    kl = {"type": "adaptive", "coef": 0.1, "target": 1e-4, "gain": 0.5}
    first, second, third = results_of(bench, tmp_path, kl=kl)
    assert first.metrics["ppo/kl_coef"] == 0.1
    assert second.metrics["ppo/kl_coef"] == pytest.approx(0.09)  # KL 0 is below the target
    assert abs(third.metrics["ppo/kl_coef"] / second.metrics["ppo/kl_coef"] - 1) <= 0.1 + 1e-9


def test_stopped_stage_ends_as_one_that_was_not_stopped(bench, tmp_path):
    kl = {"type": "adaptive", "coef": 0.1, "target": 1e-4}
    settings = {"kl": kl, "ptx": {"coef": 0.5, "batch_size": 2}, "critic": "separate"}
    whole = [r.metrics for r in results_of(bench, tmp_path / "whole", **settings)]
    run, steps = stage(bench, tmp_path / "cut", **settings)
    begun = [r.metrics for r in islice(steps, 2)]
    run.write_checkpoint()
    rest = [r.metrics for r in stage(bench, tmp_path / "cut", **settings)[1]]
    assert begun + rest == whole


def test_imitation_beside_reinforcement_makes_written_answers_likelier(bench, tmp_path):
    fast = {"optimizer": {"learning_rate": 3e-3, "schedule": "constant"}, "num_steps": 8}
    mixed = results_of(bench, tmp_path / "a", ptx={"coef": 5.0, "batch_size": 6}, **fast)
    losses = [r.metrics["ptx/loss"] for r in mixed]
    assert losses[-1] < losses[0] - 0.3
    assert "ptx/loss" not in results_of(bench, tmp_path / "b", num_steps=1)[0].metrics


def test_gold_reward_is_logged_beside_what_is_paid(bench, tmp_path):
    (first, *_) = results_of(bench, tmp_path)
    assert first.metrics["rollout/gold"] == 0.0  # six random tokens answer nothing
    assert 3.0 <= first.metrics["grader/even"] <= 13.0


def test_batch_of_which_nothing_is_left_updates_nothing(bench, tmp_path):
    run, steps = stage(bench, tmp_path, truncated="dropped", num_steps=1)
    before = {k: v.clone() for k, v in bench.load_policy().network.state_dict().items()}
    (result,) = list(steps)
    assert result.metrics["rollout/truncated"] == 1.0
    assert run.model is not None
    after = run.model.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_reward_rises(bench, tmp_path):
    found = results_of(
        bench,
        tmp_path,
        num_steps=20,
        batch_size=6,
        samples_per_problem=8,
        optimizer={"learning_rate": 5e-3, "schedule": "constant"},
    )
    rewards = [result.metrics["rollout/reward"] for result in found]
    assert fmean(rewards[-4:]) - fmean(rewards[:4]) > 0.5
