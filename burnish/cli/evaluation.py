"""`burnish eval`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from burnish.cli.correction_table import print_alarms
from burnish.cli.splits import split_named
from burnish.cli.table import print_results
from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.errors import ConfigError
from burnish.evaluation.attempts import evaluate_attempts
from burnish.evaluation.evaluate import Evaluation, evaluate
from burnish.evaluation.inference_scaling import (
    PAPERS_TEMPERATURE,
    inference_scaling_metrics,
    require_budgets,
    sample_budget,
)
from burnish.evaluation.metrics import (
    compare,
    greedy_metrics,
    reranked_metrics,
    sampled_metrics,
)
from burnish.evaluation.self_correction import collapse_report, self_correction_metrics
from burnish.methods.reranker.judging import CompletionVerifier
from burnish.models.policy import Policy
from burnish.run.recipe import Recipe, correction_of, load_recipe
from burnish.run.trained import last_model
from burnish.training.attempts import require_room
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench
from burnish.types import Json, Problem


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured.

    Attributes:
        split: train, dev or test.
        num_samples: K of vote@K and pass@K, and with several turns of sampled chains of attempts;
            0 for none.
        reranker: folder of a trained reranker, which chooses among each problem's samples.
        num_turns: greedy attempts at each problem.
        budgets: the K of inference scaling, empty for none.
        instruction: what asks for another attempt; None for the recipe's.
        temperature: of all samples; None for the recipe's, and the paper's in inference scaling.
    """

    split: str = "test"
    num_samples: int = 0
    reranker: Path | None = None
    num_turns: int = 1
    budgets: tuple[int, ...] = ()
    instruction: str | None = None
    temperature: float | None = None

    def check(self) -> None:
        """Raise ConfigError for what does not go together."""
        if self.reranker is not None and not self.num_samples:
            raise ConfigError("--reranker chooses among samples: say how many with --samples K")
        if self.num_turns < 1:
            raise ConfigError(f"--turns {self.num_turns}: a problem is asked once or more often")
        if self.instruction is not None and self.num_turns < 2 and not self.budgets:
            raise ConfigError("--instruction asks for another attempt: add --turns 2")
        if self.temperature is not None and self.temperature <= 0:
            raise ConfigError(f"--temperature {self.temperature}: samples need one above 0")


def budgets_named(text: str) -> tuple[int, ...]:
    """The K of `--inference-scaling 2,4,8`. Raises ConfigError."""
    try:
        budgets = tuple(sorted({int(part) for part in text.split(",")}))
        require_budgets(budgets)
    except ValueError as error:
        raise ConfigError(
            f"--inference-scaling {text}: expected even numbers with commas between them, such as "
            "2,4,8,16,32: half of a budget of K samples are attempts, half corrections"
        ) from error
    return budgets


def run_evaluation(
    path: Path,
    overrides: Sequence[str],
    models: Sequence[str],
    wanted: Wanted,
    *,
    out: Path | None,
) -> None:
    """Evaluate each model on a split of the recipe's task; the first is compared with the rest.

    Args:
        path: a recipe, or the folder of a run, whose last model is taken where none is named.
    """
    wanted.check()
    is_run = path.is_dir()
    recipe = load_recipe(path / "config.yaml" if is_run else path, overrides)
    if is_run and not models:
        models = [str(last_model(path) or recipe.model.name)]
    results: dict[str, Json] = {}
    turns: dict[str, list[Evaluation]] = {}
    for name in models or [recipe.model.name]:
        model = recipe.model.model_copy(update={"name": name})
        asked = _Asked(recipe.model_copy(update={"model": model}), wanted)
        turns[name] = asked.greedy()
        results[name] = asked.numbers(turns[name])
    results |= _compared(turns)
    results["test_size"] = len(next(iter(turns.values()))[0].rows)
    console = Console()
    print_results(console, results)
    print_alarms(console, results)
    if out is not None:
        out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _compared(turns: Mapping[str, Sequence[Evaluation]]) -> dict[str, Json]:
    """The first model's last attempts with every other's; as its base, where there are several."""
    first, *others = turns
    found: dict[str, Json] = {}
    if others:
        found["paired"] = {
            f"{first} - {other}": compare(turns[first][-1], turns[other][-1]) for other in others
        }
    if others and len(turns[first]) > 1:
        reports = {other: collapse_report(turns[first], turns[other]) for other in others}
        found["alarms"] = {f"{first} - {o}": [*r.sentences()] for o, r in reports.items()}
    return found


class _Asked:
    """One model, with the problems that it is asked."""

    def __init__(self, recipe: Recipe, wanted: Wanted) -> None:
        self._wanted = wanted
        split = split_named(wanted.split)
        self._seed = derived_seed(recipe.seed, split)
        self._temperature = wanted.temperature or recipe.evaluation.temperature
        self._bench = recipe.workbench()
        self._tokens_per_batch = recipe.compute.max_tokens_per_batch
        correction = _correction(recipe, wanted)
        if self._num_turns > 1:
            texts = (*self._bench.method_texts, correction.instruction_for(recipe.task))
            self._bench = replace(self._bench, method_texts=texts)
        policy = self._bench.load_policy()
        self._engine, renderer = self._bench.engine(policy), self._bench.renderer(policy)
        problems = self._bench.problems(split)
        self._items = [(problem, renderer.prompt_ids(problem)) for problem in problems]
        self._follow_up = FollowUp(self._bench.task, policy.tokenizer, correction.instruction)
        if self._num_turns > 1:
            correction.check(problems)
            _require_room(self._bench, policy, problems, self._follow_up, self._num_turns)

    @property
    def _num_turns(self) -> int:
        """The most attempts of any kind."""
        return max(self._wanted.num_turns, 2 if self._wanted.budgets else 1)

    def greedy(self) -> list[Evaluation]:
        """Greedy attempts, an evaluation a turn."""
        return self._attempts(temperature=0.0, num_samples=1)

    def _attempts(self, *, temperature: float, num_samples: int) -> list[Evaluation]:
        return evaluate_attempts(
            self._engine,
            self._bench.grader,
            self._items,
            self._bench.sampling(temperature=temperature),
            follow_up=self._follow_up,
            num_turns=self._wanted.num_turns,
            num_samples=num_samples,
            seed=self._seed,
            max_failure_share=self._bench.max_grader_failures,
        )

    def numbers(self, turns: Sequence[Evaluation]) -> dict[str, Json]:
        """All that is wanted: `greedy` is the last attempt's, as in the results of a run."""
        numbers = self._sampled() if self._wanted.num_samples else {}
        numbers |= greedy_metrics(turns[-1])
        if len(turns) > 1:
            numbers |= self_correction_metrics(turns)
            if self._wanted.num_samples:
                numbers["sampled_attempts"] = self._sampled_attempts()
        if self._wanted.budgets:
            numbers["inference_scaling"] = self._inference_scaling()
        return numbers

    def _sampled(self) -> dict[str, Json]:
        num = self._wanted.num_samples
        sampled = evaluate(
            self._engine,
            self._bench.grader,
            self._items,
            self._bench.sampling(temperature=self._temperature),
            num_samples=num,
            seed=self._seed,
            max_failure_share=self._bench.max_grader_failures,
        )
        metrics = sampled_metrics(sampled, [num])
        if self._wanted.reranker is not None:
            network = self._bench.load_verifier(self._wanted.reranker)
            renderer = self._bench.renderer(network)
            verifier = CompletionVerifier(network, renderer, max_tokens=self._tokens_per_batch)
            metrics |= reranked_metrics(sampled, verifier, [num])
        return metrics

    def _sampled_attempts(self) -> dict[str, Json]:
        """What second attempts do where both are sampled, not greedy."""
        num, temperature = self._wanted.num_samples, self._temperature
        turns = self._attempts(temperature=temperature, num_samples=num)
        return {"temperature": temperature, "samples": num, **self_correction_metrics(turns)}

    def _inference_scaling(self) -> dict[str, Json]:
        temperature = self._wanted.temperature or PAPERS_TEMPERATURE
        samples = sample_budget(
            self._engine,
            self._bench.grader,
            self._items,
            self._bench.sampling(temperature=temperature),
            follow_up=self._follow_up,
            budget=max(self._wanted.budgets),
            seed=self._seed,
            max_failure_share=self._bench.max_grader_failures,
        )
        found = inference_scaling_metrics(samples, self._wanted.budgets)
        return {"temperature": temperature, **found}


def _correction(recipe: Recipe, wanted: Wanted) -> CorrectionConfig:
    """The recipe's way to ask again, or the task's; with the instruction that is wanted."""
    correction = correction_of(recipe.method) or CorrectionConfig()
    if wanted.instruction is None:
        return correction
    return CorrectionConfig.from_tree(
        {"turns": correction.turns, "instruction": wanted.instruction}, source="--instruction"
    )


def _require_room(
    bench: Workbench,
    policy: Policy,
    problems: Sequence[Problem],
    follow_up: FollowUp,
    num_turns: int,
) -> None:
    require_room(
        problems,
        bench.renderer(policy),
        follow_up,
        num_turns=num_turns,
        max_new_tokens=bench.lengths.max_new_tokens,
        max_context=policy.max_context,
    )
