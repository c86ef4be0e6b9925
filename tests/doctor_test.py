"""The twelve silent faults of this field, each planted in place of the real part and found.

Their list is in docs/reliability.md. Each test also shows the real part, which passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from burnish.data.rendering import Renderer
from burnish.graders.answer import TRIGGER
from burnish.graders.config import default_grader_config
from burnish.methods.sft.method import SftConfig
from burnish.models.batching import micro_batches
from burnish.models.tiny import tiny_model
from burnish.models.token_batch import TokenBatch
from burnish.run.doctor.check import Check, Verdict, failed
from burnish.run.doctor.examination import short_examination, whole_examination
from burnish.run.doctor.grading import check_faults_are_told, check_nothing_is_paid
from burnish.run.doctor.heads import critic_reader
from burnish.run.doctor.invariance import WHOLE, check_cut, check_padding
from burnish.run.doctor.movement import check_direction, check_movement
from burnish.run.doctor.patient import Effort, Patient
from burnish.run.doctor.reference import check_reference
from burnish.run.doctor.resuming import check_resume
from burnish.run.doctor.sampling import check_ends, check_likelihoods, check_tokens_are_kept
from burnish.run.doctor.special_tokens import check_end_is_learnt
from burnish.run.doctor.template import check_template
from burnish.run.doctor.trial import tried
from burnish.run.doctor.updates import (
    PROBING,
    from_the_start,
    imitation,
    learning_from,
    policy_update,
)
from burnish.run.recipe import Recipe, load_recipe
from burnish.training.collection import trajectory
from burnish.training.learner import Learner
from burnish.training.seeds import batch_indices
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import imitate
from burnish.types import Completion, Example, GraderFailure, Problem, Score, StopReason

SMOKE = sorted((Path(__file__).parent.parent / "recipes" / "smoke").glob("*.yaml"))
REFT = {
    "type": "reft",
    "warm_up": {"epochs": 2, "batch_size": 4, "optimizer": {"learning_rate": 1e-3}},
    "reinforce": {"num_steps": 2, "batch_size": 2, "temperature": 0.5},
}
SFT = {"type": "sft", "epochs": 2, "batch_size": 4, "optimizer": {"learning_rate": 1e-3}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama with room for prompt and answer."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model("llama", max_positions=512).save(folder)
    return folder


def recipe_of(folder: Path, method: dict[str, Any]) -> Recipe:
    tree: dict[str, Any] = {
        "description": "A tiny run.",
        "model": {"name": str(folder)},
        "task": {"type": "arithmetic", "train_size": 8, "dev_size": 2, "test_size": 2},
        "method": method,
        "lengths": {"max_prompt_tokens": 250, "max_new_tokens": 200},
        "compute": {"dtype": "float32", "device": "cpu"},
    }
    return Recipe.from_tree(tree, source="test")


@pytest.fixture(scope="module")
def patient(folder: Path) -> Patient:
    recipe = recipe_of(folder, REFT)
    bench = recipe.workbench()
    return Patient(recipe, bench, bench.load_policy(), Effort(rows=4, lengths=20, new_tokens=8))


def found_and_passed(planted: Check, real: Check) -> None:
    assert real.verdict is Verdict.PASSED, real
    assert planted.verdict is Verdict.FAILED, planted
    assert planted.advice


def test_a_loss_that_depends_on_accumulation_is_found(patient):
    policy, rows = patient.policy, patient.rows

    def step(max_tokens: int) -> dict[str, float]:
        learner = Learner({"policy": policy.network}, PROBING)

        def mean_of_micro_batch(part: Sequence[Example]):
            batch = TokenBatch.collate(part)
            logp, _ = policy.action_logps(policy.hidden_states(batch), batch)
            return -logp.sum() / batch.num_actions, {}

        found = learner.forward_backward(
            micro_batches(rows, max_tokens=max_tokens), mean_of_micro_batch, ids_of=lambda _: []
        )
        return {"train/loss": found["loss"], **learner.optim_step(num_steps=1)}

    def checked(make: Any) -> Check:
        return check_cut("imitation", from_the_start(policy, make), dtype=torch.float32)

    found_and_passed(checked(lambda: step), checked(lambda: imitation(patient, rows, PROBING)))


def test_tokens_that_were_decoded_and_encoded_again_are_found(patient):
    tokenizer = patient.policy.tokenizer

    def encoded_again(problem: Problem, completion: Completion, score: Score):
        ids = tokenizer.encode(completion.text, add_special_tokens=False)
        blank = (0.0,) * len(ids)
        drifted = replace(completion, token_ids=tuple(ids), logp=blank, sampler_logp=blank)
        return trajectory(problem, drifted, score)

    found_and_passed(
        check_tokens_are_kept(patient.completions, build=encoded_again),
        check_tokens_are_kept(patient.completions),
    )


def test_an_engine_at_another_temperature_is_found_and_the_temperature_is_named(patient):
    assert patient.params.temperature == 0.5
    tempered = [(p, replace(c, logp=c.sampler_logp)) for p, c in patient.completions]
    check = check_likelihoods(tempered, patient.policy, patient.params)
    found_and_passed(check, check_likelihoods(patient.completions, patient.policy, patient.params))
    assert "those of temperature 0.5" in check.meaning


def test_a_gap_that_no_temperature_explains_names_the_dtype(patient):
    shifted = [(p, replace(c, logp=tuple(v - 1.7 for v in c.logp))) for p, c in patient.completions]
    check = check_likelihoods(shifted, patient.policy, patient.params)
    assert "no temperature explains it" in check.meaning
    assert "float32" in check.meaning


def test_a_template_that_differs_between_training_and_sampling_is_found(patient):
    class OtherInTraining(Renderer):
        def example(self, problem: Problem) -> Example:
            return super().example(replace(problem, question=problem.question.upper()))

    bench, tokenizer = patient.bench, patient.policy.tokenizer
    other = OtherInTraining(bench.task, tokenizer, max_prompt_tokens=400)
    found_and_passed(
        check_template(other, patient.answered, tokenizer),
        check_template(patient.renderer, patient.answered, tokenizer),
    )


def test_a_padding_mask_that_hides_the_end_is_found(patient):
    tokenizer = patient.policy.tokenizer

    def masked_by_id(rows: Sequence[Example]) -> TokenBatch:
        batch = TokenBatch.collate(rows)
        is_eos = batch.token_ids[:, 1:] == tokenizer.eos_token_id  # as where pad is eos
        return replace(batch, action_mask=batch.action_mask & ~is_eos)

    found_and_passed(
        check_end_is_learnt(patient.examples, tokenizer, collate=masked_by_id),
        check_end_is_learnt(patient.examples, tokenizer),
    )


class PaidForFaults:
    """Says wrong where it cannot judge."""

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        verdicts = default_grader_config("numeric").build().grade(pairs)
        wrong = Score(0.0, is_correct=False, answer=None)
        return [wrong if isinstance(verdict, GraderFailure) else verdict for verdict in verdicts]


def test_a_grader_that_raises_and_is_paid_nothing_is_found(patient):
    written = [(p, patient.bench.task.target(p)) for p in patient.answered]
    found_and_passed(
        check_faults_are_told(PaidForFaults(), written),
        check_faults_are_told(patient.bench.grader, written),
    )


class PaysForTheTrigger:
    """Takes whatever stands behind the trigger for an answer of the right kind."""

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        return [
            Score(0.1 if TRIGGER in completion.text else 0.0, is_correct=False, answer=None)
            for _, completion in pairs
        ]


def test_an_extractor_that_pays_for_none_is_found(patient):
    asked = [(p, patient.bench.task.prompt(p)) for p in patient.asked]
    written = [(p, patient.bench.task.target(p)) for p in patient.answered]
    check = check_nothing_is_paid(PaysForTheTrigger(), written, asked, is_open=False)
    found_and_passed(
        check, check_nothing_is_paid(patient.bench.grader, written, asked, is_open=False)
    )
    assert check.numbers["highest"] == 0.1


def counted_from_zero(run: StageRun):
    """Numbers its batches by itself, so that a stop begins again with the first."""
    steps = run.steps(4, model=None, state={}, eval_every=1)
    for place, _ in enumerate(steps):
        yield StepResult({"rows": float(batch_indices(50, place, batch_size=1, seed=run.seed)[0])})


def counted_by_the_run(run: StageRun):
    for step in run.steps(4, model=None, state={}, eval_every=1):
        yield StepResult({"rows": float(batch_indices(50, step, batch_size=1, seed=run.seed)[0])})


def test_a_data_order_that_begins_again_after_a_stop_is_found(tmp_path):
    planted, real = (
        check_resume(Stage("s", run, hands_on=None), tmp_path / name, seed=1, artifacts={})
        for name, run in (("planted", counted_from_zero), ("real", counted_by_the_run))
    )
    found_and_passed(planted, real)


def selecting_on_test(run: StageRun, *, bench: Any, config: SftConfig):
    for result in imitate(run, bench=bench, config=config):
        run.measure = lambda: {"dev/accuracy": float(len(bench.problems("test")))}
        yield result


class SelectsOnTest(SftConfig):
    """Supervised fine-tuning whose best checkpoint is picked on the test split."""

    def stages(self, bench: Any) -> list[Stage]:
        return [Stage("sft", partial(selecting_on_test, bench=bench, config=self))]


def test_a_checkpoint_that_is_picked_on_the_test_split_is_found(folder, tmp_path):
    recipe = recipe_of(folder, SFT)
    bench = replace(
        recipe.workbench(), lengths=recipe.lengths.model_copy(update={"max_new_tokens": 4})
    )
    method = SelectsOnTest(**{key: value for key, value in SFT.items() if key != "type"})
    planted = recipe.model_copy(update={"method": method})
    _, found = tried(planted, bench, tmp_path / "planted", num_tried=1)
    cost, real = tried(recipe, bench, tmp_path / "real", num_tried=1)
    found_and_passed(found, real)
    assert cost.verdict is Verdict.PASSED
    assert cost.numbers["peak GiB"] > 0.01


def test_a_head_that_reads_padding_is_found(patient):
    policy = patient.policy

    def last_column(rows: Sequence[Example]) -> list[list[float]]:
        with torch.no_grad():
            hidden = policy.hidden_states(TokenBatch.collate(rows))
        return [[state.sum().item()] for state in hidden[:, -1]]

    found_and_passed(
        check_padding("critic", last_column, patient.rows, dtype=torch.float32),
        check_padding("critic", critic_reader(policy), patient.rows, dtype=torch.float32),
    )


def test_cut_off_answers_that_are_taken_for_finished_ones_are_found(patient):
    assert any(completion.is_truncated for _, completion in patient.completions)
    finished = [(p, replace(c, stop_reason=StopReason.EOS)) for p, c in patient.completions]
    ends = {"stops": patient.stop_ids, "params": patient.params}
    found_and_passed(check_ends(finished, **ends), check_ends(patient.completions, **ends))


def test_a_wrong_sign_is_found(patient):
    policy, rows = (
        patient.policy,
        [Example(t.problem_id, t.token_ids, t.is_action) for t in patient.trajectories],
    )

    honest = policy_update(patient, PROBING, value_share=0.0)

    def swapped(experiences: Any) -> dict[str, float]:
        for e in experiences:
            e.advantage = -e.advantage
        return honest(experiences)

    @torch.no_grad()
    def read() -> float:
        batch = TokenBatch.collate(rows)
        return policy.action_logps(policy.hidden_states(batch), batch)[0].sum().item()

    def checked(update: Any) -> Check:
        step = learning_from(patient, update, low=1.0)
        return check_direction("PPO", policy.network, lambda: step(WHOLE), read)

    found_and_passed(checked(swapped), checked(honest))


def test_a_reference_that_is_another_model_is_found(patient, tmp_path):
    tiny_model("llama", max_positions=512, seed=1).save(tmp_path / "other")
    other = patient.bench.load_policy(tmp_path / "other")
    found_and_passed(
        *(
            check_reference(
                patient.experiences(max_tokens=WHOLE, reference=reference),
                patient.policy,
                clip_low=0.2,
                clip_high=0.2,
            )
            for reference in (other, patient.bench.frozen_twin(patient.policy))
        )
    )


def test_weights_that_stray_or_stick_are_found_and_put_back(patient):
    network = patient.policy.network
    frozen = network.get_input_embeddings().get_parameter("weight")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    step = imitation(patient, patient.rows, PROBING)
    frozen.requires_grad_(False)
    try:
        strayed = check_movement(network, lambda: frozen.add_(1.0))
        frozen.sub_(2.0)
        real = check_movement(network, lambda: imitation(patient, patient.rows, PROBING)(WHOLE))
        stuck = check_movement(network, lambda: None)
    finally:
        frozen.requires_grad_(True)
    found_and_passed(strayed, real)
    assert "frozen tensors have changed" in strayed.meaning
    assert "have not changed after two updates" in stuck.meaning
    assert check_movement(network, lambda: step(WHOLE)).verdict is Verdict.PASSED
    after = network.state_dict()
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)


@pytest.mark.parametrize("path", SMOKE, ids=lambda path: path.stem)
def test_the_smoke_recipes_are_healthy(path: Path):
    assert not failed(short_examination(load_recipe(path)).checks)


@pytest.mark.parametrize("name", ["reft", "dpo", "rlhf"])
def test_every_check_of_a_smoke_recipe_passes(name: str):
    (path,) = (path for path in SMOKE if path.stem == name)
    found = whole_examination(load_recipe(path), num_tried=0)
    assert not failed(found.checks)
    assert found.shown


def test_looking_changes_no_random_state_and_no_weights_of_a_run(folder):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    found = short_examination(recipe_of(folder, REFT))
    assert torch.equal(torch.rand(2), expected)
    assert not failed(found.checks)
