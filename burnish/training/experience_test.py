from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
import torch

from burnish.errors import EngineError
from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.models.value_head import SharedCritic
from burnish.rollout.engine import Request, SamplingParams
from burnish.rollout.local import LocalEngine
from burnish.training.collection import trajectory
from burnish.training.experience import Experience, engine_gap, gather_experience
from burnish.types import Problem, Score, Trajectory


def policy_of(seed: int = 0) -> Policy:
    return Policy(tiny_model("llama", seed=seed), compute_dtype=torch.float32)


def sampled(policy: Policy, *, temperature: float = 1.0) -> list[Trajectory]:
    """Two samples of each of three prompts, drawn from the policy itself."""
    source = random.Random(0)
    requests = [
        Request(tuple(source.randrange(4, 300) for _ in range(size)), (2 * size, 2 * size + 1))
        for size in (3, 9, 6)
    ]
    engine = LocalEngine(policy.network, policy.tokenizer)
    groups = engine.sample(requests, SamplingParams(max_tokens=12, temperature=temperature))
    return [
        trajectory(Problem(f"p{number}", "?", "1"), completion, Score(1.0, True, "1"))
        for number, group in enumerate(groups)
        for completion in group
    ]


def gathered(
    rows: list[Trajectory], policy: Policy, *, reference: Policy | None = None, tokens: int = 10_000
) -> list[Experience]:
    torch.manual_seed(1)
    return gather_experience(
        rows,
        policy=policy,
        reference=reference or policy,
        critic=SharedCritic(policy),
        max_tokens=tokens,
    )


def test_engine_and_learner_agree_on_the_same_weights():
    policy = policy_of()
    gap = engine_gap(gathered(sampled(policy), policy), limit=1e-4)
    assert 0 <= gap < 1e-5


def test_gap_is_measured_under_the_model_itself_whatever_the_temperature_of_sampling():
    policy = policy_of()
    assert engine_gap(gathered(sampled(policy, temperature=2.0), policy), limit=1e-4) < 1e-5


def test_alarm_where_the_engine_samples_from_other_weights():
    stale, policy = policy_of(), policy_of(seed=1)
    with pytest.raises(EngineError, match=r"differ from the learner's by \d\.\d+ nats"):
        engine_gap(gathered(sampled(stale), policy), limit=0.1)


def test_gap_is_the_mean_over_actions_of_all_micro_batches():
    policy = policy_of()
    rows = sampled(policy)
    moved = [replace(row, logp=tuple(p + 0.5 for p in row.logp)) for row in rows[:2]]
    actions = [sum(row.is_action) for row in rows]
    expected = 0.5 * sum(actions[:2]) / sum(actions)
    experiences = gathered(moved + rows[2:], policy, tokens=40)
    assert len(experiences) > 1
    assert engine_gap(experiences, limit=9.0) == pytest.approx(expected, abs=1e-5)


def test_log_probability_that_is_no_number_raises_the_alarm():
    policy = policy_of()
    row = sampled(policy)[0]
    broken = replace(row, logp=(*row.logp[:-1], math.nan))
    with pytest.raises(EngineError):
        engine_gap(gathered([broken], policy), limit=0.1)


def test_reference_equal_to_the_policy_gives_the_same_log_probabilities():
    policy = policy_of()
    for e in gathered(sampled(policy), policy, reference=policy_of()):
        assert torch.equal(e.old_logp, e.ref_logp)


def test_without_a_reference_its_log_probabilities_are_the_policys():
    policy = policy_of()
    (e,) = gather_experience(
        sampled(policy), policy=policy, reference=None, critic=None, max_tokens=9999
    )
    assert torch.equal(e.old_logp, e.ref_logp)
    assert e.old_logp.any()


def test_old_and_reference_log_probabilities_are_not_swapped():
    policy, reference = policy_of(), policy_of(seed=1)
    rows = sampled(policy)
    (e,) = gathered(rows, policy, reference=reference)
    (swapped,) = gathered(rows, reference, reference=policy)
    torch.testing.assert_close(e.old_logp, swapped.ref_logp)
    torch.testing.assert_close(e.ref_logp, swapped.old_logp)
    assert (e.old_logp - e.ref_logp).abs().max() > 0.1


def test_experience_is_zero_off_the_actions_and_constant():
    policy = policy_of()
    for e in gathered(sampled(policy), policy, tokens=40):
        for values in (e.old_logp, e.ref_logp, e.old_value, e.entropy):
            assert not values[~e.batch.action_mask].any()
            assert values[e.batch.action_mask].all()
            assert not values.requires_grad


def test_micro_batches_hold_the_same_rows_and_numbers_as_one_batch():
    policy = policy_of()
    rows = sampled(policy)

    def by_row(experiences: list[Experience]) -> dict[tuple[int, ...], torch.Tensor]:
        return {
            t.token_ids: torch.stack([e.old_logp[row], e.old_value[row], e.entropy[row]])[
                :, e.batch.action_mask[row]
            ]
            for e in experiences
            for row, t in enumerate(e.trajectories)
        }

    whole, cut = by_row(gathered(rows, policy)), by_row(gathered(rows, policy, tokens=1))
    assert whole.keys() == cut.keys() == {row.token_ids for row in rows}
    for key, values in whole.items():
        torch.testing.assert_close(values, cut[key], rtol=0, atol=1e-5)
