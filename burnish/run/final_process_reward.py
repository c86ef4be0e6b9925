"""The end of a process reward model's run: its choice among a policy's samples, in four ways."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.metrics import greedy_metrics, sampled_metrics
from burnish.evaluation.reliability import reliability_curve
from burnish.evaluation.reranking import Verifier
from burnish.evaluation.step_aggregation import (
    AGGREGATIONS,
    StepValuer,
    StepVerifier,
    best_of_n,
    verifier_auc,
)
from burnish.evaluation.step_metrics import labelled_pairs, step_metrics
from burnish.methods.process_reward.method import ProcessRewardConfig
from burnish.methods.reranker.judging import CompletionVerifier
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.stage import Stage
from burnish.training.step_tokens import sampled_steps
from burnish.training.step_values import StepJudge
from burnish.training.value_fit import VALUE_STAGE, labelled_solutions
from burnish.training.workbench import Workbench
from burnish.types import Completion, Json, Problem

_DEFAULT_NUM_SAMPLES = 16


def process_reward_results(
    recipe: Recipe,
    method: ProcessRewardConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """`policy` (greedy, vote@k, pass@k, rerank@k by each aggregation), `process_reward` (its
    numbers on the dev labels with the calibration curve), `best_of_n` and its paired tests."""
    k = recipe.evaluation.num_samples or _DEFAULT_NUM_SAMPLES
    test = HeldOut(recipe, bench, folder, num_samples=k)
    progress.note(f"testing the policy and the value model on {len(test.problems)} problems")
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    fitted = at[VALUE_STAGE]
    greedy = test.evaluation(method.policy, fitted, "policy", "greedy")
    sampled = test.evaluation(method.policy, fitted, "policy", "sampled")
    step_values, quality = _judged(test, bench, method, at, sampled)
    verifiers: dict[str, Verifier] = {how: StepVerifier(step_values, how) for how in AGGREGATIONS}
    if method.outcome is not None:
        verifiers["outcome"] = _outcome_verifier(bench, method.outcome)
    chosen = best_of_n(sampled, verifiers, k)
    summary = json.loads((fitted / "stage.json").read_text(encoding="utf-8"))
    test.show({"policy": greedy})
    return {
        "policy": {
            "greedy": greedy_metrics(greedy)["greedy"],
            **sampled_metrics(sampled, [k]),
            **{f"rerank@{k} {name}": found["accuracy"] for name, found in chosen.items()},
        },
        "process_reward": {
            **quality,
            "auc": {name: verifier_auc(sampled, verifier) for name, verifier in verifiers.items()},
            "steps": summary["steps"],
            "selected_step": summary["selected_step"],
        },
        "best_of_n": {
            name: {"lift": found["lift"], "against_vote": found["against_vote"]}
            for name, found in chosen.items()
        },
        "paired": {
            f"rerank@{k} {name} - vote@{k}": found["against_vote"] for name, found in chosen.items()
        },
        "test_size": len(test.problems),
    }


def _judged(
    test: HeldOut,
    bench: Workbench,
    method: ProcessRewardConfig,
    at: Mapping[str, Path],
    sampled: Evaluation,
) -> tuple[StepValuer, dict[str, Json]]:
    """The step values of these samples, looked up, and the model's quality on the dev labels.

    Both are computed now if they never were.
    """
    kept = at[VALUE_STAGE] / "test" / "step_values.json"
    if not kept.exists():
        model = bench.load_process_reward(at[VALUE_STAGE] / "selected")
        policy = bench.load_policy(method.policy)
        model.require_tokenizer(policy.tokenizer, owner="the policy")
        judge = StepJudge(model, max_tokens=bench.compute.max_tokens_per_batch)
        solutions = [
            [
                sampled_steps(row.problem, c, steps=method.steps, tokenizer=policy.tokenizer)
                for c in row.completions
            ]
            for row in sampled.rows
        ]
        values: Json = [[[*steps] for steps in judge.step_values(row)] for row in solutions]
        quality = _quality(bench, method, model, judge, at)
        test.keep(kept, {"samples": values, "quality": quality})
    found = json.loads(kept.read_text(encoding="utf-8"))
    known: dict[tuple[str, tuple[int, ...]], list[float]] = {
        (row.problem.id, completion.token_ids): steps
        for row, row_values in zip(sampled.rows, found["samples"], strict=True)
        for completion, steps in zip(row.completions, row_values, strict=True)
    }

    def look_up(problem: Problem, completions: Sequence[Completion]) -> list[list[float]]:
        return [known[problem.id, completion.token_ids] for completion in completions]

    return look_up, found["quality"]


def _quality(
    bench: Workbench,
    method: ProcessRewardConfig,
    model: ProcessRewardModel,
    judge: StepJudge,
    at: Mapping[str, Path],
) -> dict[str, Json]:
    """The step metrics of the selected model on the dev labels, and its calibration curve."""
    dev = labelled_solutions(bench, model, method.data, "dev", artifacts=at)
    values = judge.step_values([solution.tokens for solution in dev])
    labels = [solution.values for solution in dev]
    curve = reliability_curve(*labelled_pairs(values, labels))
    return {**step_metrics(values, labels), "calibration": [asdict(point) for point in curve]}


def _outcome_verifier(bench: Workbench, folder: Path) -> Verifier:
    network = bench.load_verifier(folder)
    return CompletionVerifier(
        network, bench.renderer(network), max_tokens=bench.compute.max_tokens_per_batch
    )
