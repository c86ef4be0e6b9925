"""The end of ReST-MCTS*: every policy on the test problems, and every value model as a chooser.

All value models choose among the same samples, those of the policy that the self-training started
from, so that their numbers can be compared; that policy is not the one they guide in the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.metrics import compare_measures, rerank_of
from burnish.evaluation.reranking import Verifier
from burnish.evaluation.step_aggregation import StepVerifier, best_of_n, verifier_auc
from burnish.methods.rest_mcts.method import RestMctsConfig
from burnish.run.final_rounds import rounds_results
from burnish.run.folder import RunFolder
from burnish.run.held_out import HeldOut
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.stage import Stage
from burnish.training.step_tokens import sampled_steps
from burnish.training.step_values import StepJudge
from burnish.training.workbench import Workbench
from burnish.types import Json

_DEFAULT_NUM_SAMPLES = 16


def rest_mcts_results(
    recipe: Recipe,
    method: RestMctsConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """As other rounds; `values` has each value model's `accuracy` as best-of-n, `lift`,
    `against_vote` and `auc`, and of the later ones `against_first`."""
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    values = [f"value_{number}" for number in range(method.iterations + 1)]
    results = rounds_results(recipe, bench, folder, stages, progress=progress)
    k = recipe.evaluation.num_samples or _DEFAULT_NUM_SAMPLES
    test = HeldOut(recipe, bench, folder, num_samples=k)
    start, owner = _first_policy(method, at)
    sampled = test.evaluation(start, owner, "start", "sampled")
    verifiers: dict[str, Verifier] = {}
    for name in values:
        progress.note(f"testing {name} on {len(test.problems)} problems")
        verifiers[name] = _verifier(test, bench, method, sampled, start, at[name])
    return {**results, "values": _compared(sampled, verifiers, k)}


def _first_policy(method: RestMctsConfig, at: Mapping[str, Path]) -> tuple[Path | None, Path]:
    """The model of pi_0 (None: the recipe's), and the folder that keeps what it sampled."""
    if method.warm_up is None:
        return None, at["initial_trees"]
    return at["warm_up"] / "last", at["warm_up"]


def _verifier(
    test: HeldOut,
    bench: Workbench,
    method: RestMctsConfig,
    sampled: Evaluation,
    policy: Path | None,
    at: Path,
) -> Verifier:
    """What the value model in a stage's folder says of these samples' last steps, looked up."""
    kept = at / "test" / "start-values.json"
    if not kept.exists():
        model = bench.load_process_reward(at / "selected")
        tokenizer = bench.load_policy(policy).tokenizer
        model.require_tokenizer(tokenizer, owner="the policy")
        judge = StepJudge(model, max_tokens=bench.compute.max_tokens_per_batch)
        cut = partial(sampled_steps, steps=method.search.steps, tokenizer=tokenizer)
        rows: Json = [
            [[*v] for v in judge.step_values([cut(row.problem, c) for c in row.completions])]
            for row in sampled.rows
        ]
        test.keep(kept, rows)
    found = json.loads(kept.read_text(encoding="utf-8"))
    known = {row.problem.id: values for row, values in zip(sampled.rows, found, strict=True)}
    places = {
        (row.problem.id, c.token_ids): place
        for row in sampled.rows
        for place, c in enumerate(row.completions)
    }
    return StepVerifier(
        lambda problem, completions: [
            known[problem.id][places[problem.id, c.token_ids]] for c in completions
        ],
        "last",
    )


def _compared(sampled: Evaluation, verifiers: Mapping[str, Verifier], k: int) -> dict[str, Json]:
    first = next(iter(verifiers.values()))
    found: dict[str, Json] = {}
    for name, chosen in best_of_n(sampled, verifiers, k).items():
        against = compare_measures(
            sampled,
            partial(rerank_of, k=k, verifier=verifiers[name]),
            partial(rerank_of, k=k, verifier=first),
        )
        auc: dict[str, Json] = {"auc": verifier_auc(sampled, verifiers[name])}
        later: dict[str, Json] = {} if verifiers[name] is first else {"against_first": against}
        found[name] = {**chosen, **auc, **later}
    return found
