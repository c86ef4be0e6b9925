from __future__ import annotations

import math

import pytest
import torch

from burnish.core.masking import scatter_actions
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import ModelError, NonFiniteError
from burnish.methods.reft.process_reward import StepPayer, StepRewardConfig
from burnish.methods.reft.reinforce import ReinforceConfig, assign_credit, reinforce
from burnish.models.config import ModelConfig
from burnish.models.process_reward_model import ProcessRewardModel, start_process_reward
from burnish.models.tiny import byte_level_tokenizer, tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.search.steps import SentenceSteps
from burnish.training.collection import trajectory
from burnish.training.experience import Experience
from burnish.training.stage import StageRun
from burnish.training.step_values import StepJudge
from burnish.training.workbench import ComputeConfig, LengthConfig, Workbench
from burnish.types import Completion, GraderFailure, Problem, Score, SteppedTokens, StopReason

SENTENCES = SentenceSteps()


def value_model(tokenizer) -> ProcessRewardModel:
    """A tiny one whose head is not flat."""
    start = tiny_model("llama", max_positions=512, tokenizer=tokenizer)
    model = start_process_reward(start, head="hidden", compute_dtype=torch.float32)
    generator = torch.Generator().manual_seed(5)
    weights = model.network.state_dict()
    with torch.no_grad():
        weight = weights["value_head.weight"]
        weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return model


def sample(tokenizer, text: str):
    ids = (*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id)
    prompt = tuple(tokenizer.encode("1 + 1 = ?", add_special_tokens=False))
    blank = (0.0,) * len(ids)
    completion = Completion(prompt, ids, blank, blank, text, StopReason.EOS)
    return trajectory(Problem("p", "1 + 1 = ?", "2"), completion, Score(1.0, True, "2"))


def experience(*samples) -> Experience:
    batch = TokenBatch.collate(samples)
    blank = torch.zeros(batch.action_mask.shape)
    return Experience(list(samples), batch, *([blank] * 7))


def test_each_action_that_ends_a_step_is_paid_what_the_model_says_of_it():
    tokenizer = byte_level_tokenizer()
    model = value_model(tokenizer)
    first = sample(tokenizer, "1 + 1 = 2.\nSo it is 2.")
    rest = [sample(tokenizer, "No."), sample(tokenizer, "")]
    config = StepRewardConfig(steps=SENTENCES, form="step_value", weight=2.0)
    payer = StepPayer(model, config, discount=1.0, max_tokens=500)
    (whole, others), _ = payer.pay([experience(first), experience(*rest)])

    start = first.is_action.index(True)
    ends = (len(tokenizer.encode("1 + 1 = 2.\n", add_special_tokens=False)), sum(first.is_action))
    ids = first.token_ids
    steps = (ids[start : start + ends[0]], ids[start + ends[0] :])
    judge = StepJudge(model, max_tokens=500)
    (values,) = judge.step_values([SteppedTokens("p", ids[:start], steps)])
    expected = torch.zeros(sum(first.is_action))
    expected[torch.tensor(ends) - 1] = 2.0 * torch.tensor(values)
    assert len(set(values)) == 2
    mask = experience(first).batch.action_mask
    torch.testing.assert_close(whole, scatter_actions(expected, mask))
    assert (others != 0).sum(dim=1).tolist() == [1, 0]


def test_credit_counts_what_steps_are_paid():
    tokenizer = byte_level_tokenizer()
    e = experience(sample(tokenizer, "2."))
    num_actions = e.batch.num_actions
    paid = scatter_actions(torch.arange(num_actions) + 1.0, e.batch.action_mask)
    assign_credit([e], ReinforceConfig(kl_coef=0.0, gae_lambda=1.0), [paid])
    rewards = [*range(1, num_actions), num_actions + 1.0]
    mask = e.batch.action_mask
    assert e.token_reward[mask].tolist() == rewards
    assert e.return_[mask].tolist() == [sum(rewards[t:]) for t in range(num_actions)]


def test_a_solution_too_long_for_the_value_model_is_an_error():
    tokenizer = byte_level_tokenizer()
    payer = StepPayer(value_model(tokenizer), StepRewardConfig(), discount=1.0, max_tokens=500)
    with pytest.raises(ModelError, match="past the value model's context of 512"):
        payer.pay([experience(sample(tokenizer, "1 + 1\n" * 300))])


# In the stage, on a tiny random model.


class Lottery:
    """Right is about every other sample."""

    def grade(self, pairs) -> list[Score | GraderFailure]:
        odd = [sum(completion.token_ids) % 2 == 1 for _, completion in pairs]
        return [Score(float(is_odd), is_odd, None) for is_odd in odd]


def bench_of(model_folder) -> Workbench:
    return Workbench(
        model=ModelConfig(name=str(model_folder)),
        task=ArithmeticTask(train_size=6, dev_size=2, test_size=2, min_steps=1, max_steps=2),
        grader=Lottery(),
        lengths=LengthConfig(max_prompt_tokens=200, max_new_tokens=6),
        compute=ComputeConfig(dtype="float32", device="cpu"),
        seed=3,
    )


def values_in(folder, model_folder, tokenizer=None):
    """A value model saved in `folder` that reads the tokens of the policy, or other ones."""
    model = value_model(tokenizer or bench_of(model_folder).load_policy().tokenizer)
    model.save(folder)
    return folder


def config_of(folder, *, form="shaping", discount=1.0) -> ReinforceConfig:
    return ReinforceConfig.model_validate(
        {
            "num_steps": 3,
            "discount": discount,
            "batch_size": 3,
            "samples_per_problem": 4,
            "ppo": {"num_epochs": 1},
            "optimizer": {"learning_rate": 1e-3, "schedule": "constant"},
            "process_reward": None if folder is None else {"model": folder, "form": form},
        }
    )


def metrics_of(folder, model_folder, config) -> list[dict[str, float]]:
    run = StageRun("reft", folder, seed=3, artifacts={"warm_up": model_folder})
    found = reinforce(run, bench=bench_of(model_folder), config=config)
    return [dict(result.metrics) for result in found]


def test_the_stage_pays_for_steps_from_the_first_batch_on(model_folder, tmp_path):
    values = values_in(tmp_path / "values", model_folder)
    plain = metrics_of(tmp_path / "a", model_folder, config_of(None))
    paid = metrics_of(tmp_path / "b", model_folder, config_of(values, form="step_value"))
    assert paid[0]["rollout/reward"] == plain[0]["rollout/reward"]
    assert paid[0]["ppo/return"] > plain[0]["ppo/return"]
    assert paid[0]["process/dense_share"] > 0
    assert not [name for name in plain[0] if name.startswith("process/")]


def test_values_are_discounted_as_returns_are(model_folder, tmp_path):
    values = values_in(tmp_path / "values", model_folder)
    whole = metrics_of(tmp_path / "a", model_folder, config_of(values))[0]
    less = metrics_of(tmp_path / "b", model_folder, config_of(values, discount=0.5))[0]
    assert less["process/value"] == whole["process/value"]
    assert less["process/return"] != whole["process/return"]


def test_a_stopped_stage_goes_on_as_if_it_had_not_been(model_folder, tmp_path):
    config = config_of(values_in(tmp_path / "values", model_folder))
    whole = metrics_of(tmp_path / "whole", model_folder, config)
    run = StageRun("reft", tmp_path / "cut", seed=3, artifacts={"warm_up": model_folder})
    for _ in reinforce(run, bench=bench_of(model_folder), config=config):
        if run.num_done == 2:
            run.write_checkpoint()
            break
    assert metrics_of(tmp_path / "cut", model_folder, config) == whole[2:]


def test_a_value_model_of_another_tokenizer_is_refused(model_folder, tmp_path):
    other = byte_level_tokenizer(300, starts_with_bos=True)
    config = config_of(values_in(tmp_path / "values", model_folder, other))
    with pytest.raises(ModelError, match="is not that of the policy in training"):
        metrics_of(tmp_path / "run", model_folder, config)


def test_a_value_that_is_no_number_stops_the_run_before_an_update(model_folder, tmp_path):
    model = value_model(bench_of(model_folder).load_policy().tokenizer)
    with torch.no_grad():
        model.network.state_dict()["value_head.bias"].fill_(math.nan)
    model.save(tmp_path / "values")
    run = StageRun("reft", tmp_path / "run", seed=3, artifacts={"warm_up": model_folder})
    steps = reinforce(run, bench=bench_of(model_folder), config=config_of(tmp_path / "values"))
    with pytest.raises(NonFiniteError, match="no number"):
        next(steps)
    assert run.model is not None
    before = bench_of(model_folder).load_policy().network.state_dict()
    after = run.model.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
