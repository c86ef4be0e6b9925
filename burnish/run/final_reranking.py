"""The end of a reranker's run: its choice among a policy's samples, against the vote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from burnish.evaluation.classification import area_under_curve, judged_right
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.metrics import (
    compare_measures,
    greedy_metrics,
    rerank_of,
    reranked_metrics,
    sampled_metrics,
    vote_of,
)
from burnish.evaluation.reranking import Verifier
from burnish.methods.reranker.judging import CompletionVerifier
from burnish.methods.reranker.method import RerankerConfig
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.workbench import Workbench
from burnish.types import Completion, Json, Problem, Score

_DEFAULT_NUM_SAMPLES = 16


def reranking_results(
    recipe: Recipe,
    method: RerankerConfig,
    bench: Workbench,
    folder: RunFolder,
    *,
    progress: Progress,
) -> dict[str, Json]:
    """`policy` (greedy, vote@k, pass@k, rerank@k), `reranker`, and rerank@k paired with vote@k."""
    k = recipe.evaluation.num_samples or _DEFAULT_NUM_SAMPLES
    test = HeldOut(recipe, bench, folder, num_samples=k)
    progress.note(f"testing the policy and the reranker on {len(test.problems)} problems")
    asked, judged = folder.stage(1, "samples"), folder.stage(2, "reranker")
    greedy = test.evaluation(method.policy, asked, "policy", "greedy")
    sampled = test.evaluation(method.policy, asked, "policy", "sampled")
    verifier = _judged(test, bench, judged, sampled)
    rerank, vote = partial(rerank_of, k=k, verifier=verifier), partial(vote_of, k=k)
    paired = compare_measures(sampled, rerank, vote)
    summary = json.loads((judged / "stage.json").read_text(encoding="utf-8"))
    test.show({"policy": greedy})
    return {
        "policy": {
            "greedy": greedy_metrics(greedy)["greedy"],
            **sampled_metrics(sampled, [k]),
            **reranked_metrics(sampled, verifier, [k]),
        },
        "reranker": {
            **_quality(sampled, verifier),
            "steps": summary["steps"],
            "selected_step": summary["selected_step"],
        },
        "paired": {f"rerank@{k} - vote@{k}": paired},
        "paired_p": paired["p"],
        "test_size": len(test.problems),
    }


def _judged(test: HeldOut, bench: Workbench, stage: Path, sampled: Evaluation) -> Verifier:
    """The reranker's values of these samples, looked up; judged now if they never were."""
    path = stage / "test" / "values.json"
    if not path.exists():
        network = bench.load_verifier(stage / "selected")
        verifier = CompletionVerifier(
            network, bench.renderer(network), max_tokens=bench.compute.max_tokens_per_batch
        )
        test.keep(path, [[*verifier(row.problem, row.completions)] for row in sampled.rows])
    values = json.loads(path.read_text(encoding="utf-8"))
    known: dict[tuple[str, tuple[int, ...]], float] = {
        (row.problem.id, completion.token_ids): value
        for row, row_values in zip(sampled.rows, values, strict=True)
        for completion, value in zip(row.completions, row_values, strict=True)
    }

    def look_up(problem: Problem, completions: Sequence[Completion]) -> list[float]:
        return [known[problem.id, completion.token_ids] for completion in completions]

    return look_up


def _quality(sampled: Evaluation, verifier: Verifier) -> dict[str, Json]:
    """How well the reranker tells the test samples apart, repeats included."""
    values: list[float] = []
    labels: list[bool] = []
    for row in sampled.rows:
        row_values = verifier(row.problem, row.completions)
        for value, verdict in zip(row_values, row.verdicts, strict=True):
            if isinstance(verdict, Score):
                values.append(value)
                labels.append(verdict.is_correct)
    return {"auc": area_under_curve(values, labels), "judged_right": judged_right(values, labels)}
