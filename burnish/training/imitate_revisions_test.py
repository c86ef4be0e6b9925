from __future__ import annotations

from itertools import islice

import pytest
import torch

from burnish.models.policy import Policy
from burnish.models.tiny import tiny_model
from burnish.training.attempt_data import SampledChain
from burnish.training.imitate_revisions import ImitationConfig, imitate_revisions
from burnish.training.learner import Learner, Metrics, OptimizerConfig
from burnish.training.revisions import keep_revisions, kept_revisions
from burnish.training.stage import StageRun
from burnish.training.supervised import supervised_step
from burnish.types import Score, StopReason, Turn

OPTIMIZER = {"learning_rate": 1e-2, "schedule": "constant"}


def chains(num: int) -> list[SampledChain]:
    """Wrong, then right, in random tokens."""
    source = torch.Generator().manual_seed(7)
    made = []
    for number in range(num):
        first, between = 5 + number, 10 + number
        size = between + 4
        ids = torch.randint(4, 300, (size,), generator=source).tolist()
        spans = ((first, between - 3, False), (between, size, True))
        turns = [
            Turn(start, stop, "x", Score(0.0, is_correct, None), StopReason.EOS)
            for start, stop, is_correct in spans
        ]
        made.append(SampledChain(f"p{number}", tuple(turns), tuple(ids)))
    return made


@pytest.fixture
def kept(tmp_path):
    """The folder of a stage that has kept five second attempts."""
    rows = chains(5)
    keep_revisions(tmp_path / "sample", rows, kept_revisions(rows, "improved"))
    return tmp_path / "sample"


class Measured:
    """Numbers a model is said to have on dev, in order; remembers what it was made with."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = list(numbers)
        self.pairs: list[tuple[Policy, Policy]] = []

    def __call__(self, policy: Policy, base: Policy):
        self.pairs.append((policy, base))
        return lambda: {"dev/accuracy": self.numbers.pop(0)}


def stage(bench, folder, kept, *, start=None, dev=None, **settings):
    artifacts = {"sample": kept} | ({} if start is None else {"before": start})
    run = StageRun("train", folder, seed=3, artifacts=artifacts)
    config = ImitationConfig.model_validate(
        {"num_steps": 3, "batch_size": 2, "optimizer": OPTIMIZER} | settings
    )
    steps = imitate_revisions(
        run,
        bench=bench,
        config=config,
        data="sample",
        start=None if start is None else "before",
        dev=dev or Measured(0.0),
    )
    return run, steps


def weights(run: StageRun) -> torch.Tensor:
    assert run.model is not None
    return torch.cat([p.detach().flatten() for p in run.model.network.parameters()])


def mean_nll(policy: Policy, rows: list[SampledChain], turn: int) -> torch.Tensor:
    """Over all tokens of one attempt, from whole logits, a row at a time."""
    losses = []
    for row in rows:
        ids = torch.tensor([row.token_ids])
        logp = policy.network(ids).logits[0, :-1].log_softmax(-1)
        chosen = logp.gather(1, ids[0, 1:, None])[:, 0]
        losses.append(-chosen[row.turns[turn].start - 1 : row.turns[turn].stop - 1])
    return torch.cat(losses).mean()


class RecordingLearner(Learner):
    """Keeps the gradients of the last update."""

    gradients: dict[str, torch.Tensor]

    def optim_step(self, *, num_steps: int) -> Metrics:
        named = self._modules["policy"].named_parameters()
        self.gradients = {name: p.grad.clone() for name, p in named if p.grad is not None}
        return super().optim_step(num_steps=num_steps)


def test_loss_is_that_of_second_attempts_in_view_of_the_first(attempts_bench, tmp_path, kept):
    _, steps = stage(attempts_bench, tmp_path / "train", kept, batch_size=5)
    first = next(steps).metrics
    policy = attempts_bench.load_policy()
    rows = chains(5)
    assert first["train/loss"] == pytest.approx(mean_nll(policy, rows, 1).item(), rel=1e-4)
    assert first["train/target_tokens"] == 5 * 4


def test_gradient_has_nothing_of_first_attempts():
    rows = chains(3)
    policy = Policy(tiny_model("llama"), compute_dtype=torch.float32)
    learner = RecordingLearner({"policy": policy.network}, OptimizerConfig())
    examples = [revision.example() for revision in kept_revisions(rows, "improved")]
    supervised_step(learner, policy, examples, num_steps=1, max_tokens=9999)
    fresh = Policy(tiny_model("llama"), compute_dtype=torch.float32)
    mean_nll(fresh, rows, 1).backward()
    expected = {name: p.grad for name, p in fresh.network.named_parameters()}
    for name, gradient in learner.gradients.items():
        wanted = expected[name]
        assert wanted is not None
        assert torch.allclose(gradient, wanted, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"num_steps": 7}, 7),
        ({"num_steps": None, "epochs": 4}, 10),
        ({"num_steps": None, "epochs": 2, "batch_size": 64}, 2),
        ({"num_steps": None, "epochs": 0.01}, 1),
    ],
)
def test_updates_are_as_many_as_asked_for_or_as_epochs_make(
    attempts_bench, tmp_path, kept, settings, expected
):
    run, steps = stage(attempts_bench, tmp_path / "train", kept, **settings)
    assert len(list(steps)) == expected
    assert run.num_steps == expected


def test_batches_go_through_all_that_was_kept(attempts_bench, tmp_path, kept):
    _, steps = stage(attempts_bench, tmp_path / "train", kept, num_steps=1, batch_size=64)
    assert next(steps).metrics["train/target_tokens"] == 5 * 4
    _, steps = stage(attempts_bench, tmp_path / "other", kept, num_steps=1, batch_size=2)
    assert next(steps).metrics["train/target_tokens"] == 2 * 4


def test_training_starts_from_the_named_stage_and_is_compared_with_the_recipes_model(
    attempts_bench, tmp_path, kept
):
    other = tmp_path / "other"
    tiny_model("llama", max_positions=512, seed=1).save(other)
    dev = Measured(0.0)
    _, steps = stage(attempts_bench, tmp_path / "train", kept, start=other, batch_size=5, dev=dev)
    loss = next(steps).metrics["train/loss"]
    ((_, base),) = dev.pairs
    rows = chains(5)
    from_other = mean_nll(attempts_bench.load_policy(other), rows, 1).item()
    from_base = mean_nll(attempts_bench.load_policy(), rows, 1).item()
    assert loss == pytest.approx(from_other, rel=1e-4)
    assert mean_nll(base, rows, 1).item() == pytest.approx(from_base, rel=1e-4)
    assert abs(from_other - from_base) > 0.05


def test_base_model_stays_what_it_was_while_the_policy_is_trained(attempts_bench, tmp_path, kept):
    dev = Measured(0.0)
    run, steps = stage(attempts_bench, tmp_path / "train", kept, dev=dev)
    list(steps)
    ((policy, base),) = dev.pairs
    start = attempts_bench.load_policy()
    for name, weight in start.network.state_dict().items():
        assert torch.equal(base.network.state_dict()[name], weight)
    assert run.model is policy
    assert not torch.equal(
        next(policy.network.parameters()), next(iter(start.network.parameters()))
    )


def test_model_is_measured_at_every_checkpoint_and_at_the_end(attempts_bench, tmp_path, kept):
    dev = Measured(0.2, 0.5, 0.4)
    run, steps = stage(attempts_bench, tmp_path / "train", kept, num_steps=5, eval_every=2, dev=dev)
    due = []
    for _ in steps:
        if run.is_evaluation_due:
            due.append(run.num_done)
            assert run.measure is not None
            assert run.model is not None
            run.selection.consider(run.measure()["dev/accuracy"], run.num_done, run.model)
    assert due == [2, 4, 5]
    assert run.selection.best_step == 4


def test_resumed_training_ends_with_the_same_weights(attempts_bench, tmp_path, kept):
    whole, steps = stage(attempts_bench, tmp_path / "whole", kept, num_steps=4)
    expected = [result.metrics for result in steps]
    cut, steps = stage(attempts_bench, tmp_path / "cut", kept, num_steps=4)
    for _ in islice(steps, 2):
        pass
    cut.write_checkpoint()
    again, steps = stage(attempts_bench, tmp_path / "cut", kept, num_steps=4)
    assert [result.metrics for result in steps] == expected[2:]
    assert torch.equal(weights(again), weights(whole))
