"""Labels of steps without people: Math-Shepherd's Monte-Carlo estimation (arXiv:2312.08935).

    1. sample solutions of each problem, and cut them into steps
    2. from the end of each step but the last, let the policy complete the solution k times
    3. grade what comes out: the outcomes of the step. The last step's is the solution's own.

The label is made of the outcomes when it is read (hard or soft), so both come from one run. One
step of the stage asks one batch of problems and leaves one file in `pieces/`, whole or not there; a
piece that is there is not sampled again. At the end they are joined to `train.jsonl` and
`dev.jsonl`, and `fingerprint.json` says whose tokens they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.data.step_labels import OutcomeLabel, value_of_outcomes
from burnish.data.tasks.task import Split
from burnish.graders.failures import require_graded
from burnish.models.policy import Policy
from burnish.models.process_reward_model import fingerprint
from burnish.rollout.engine import Engine, Request
from burnish.rollout.stopping import decode_after
from burnish.search.steps import StepFormat
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.step_tokens import sampled_steps
from burnish.training.workbench import Workbench
from burnish.types import Completion, Problem, Score, StepLabels, SteppedTokens


class MonteCarloConfig(Config):
    """Steps labelled by how often the policy reaches the right answer from them."""

    type: Literal["monte_carlo"] = "monte_carlo"
    """completions from every step"""
    num_solutions: int = Field(default=4, ge=1)
    """Solutions sampled of each train problem, before repeats are dropped; the paper: 15."""
    num_dev_solutions: int = Field(default=2, ge=1)
    """Solutions sampled of each dev problem."""
    num_completions: int = Field(default=8, ge=1)
    """N: completions from each step; the paper: 8."""
    label: OutcomeLabel = "hard"
    """hard: 1 if any completion is right, as in the paper's main runs; soft: the share that is."""
    temperature: float = Field(default=1.0, gt=0)
    """Of solutions and completions."""
    num_train: int | None = Field(default=None, ge=1)
    """Train problems that are asked; default: all."""
    num_dev: int | None = Field(default=None, ge=1)
    """Dev problems that are asked; default: all."""
    batch_size: int = Field(default=32, ge=1)
    """Problems of one step; what a stopped run may have to sample again."""


@dataclass(frozen=True, slots=True)
class CompletedSteps:
    """A solution in steps with what completing it from each of them led to.

    Attributes:
        tokens: prompt and steps, as sampled.
        texts: of the steps, for readers.
        outcomes: for each step, whether each graded completion from it was right.
        num_tokens: tokens sampled for it, its own among them; what an earlier solution has asked
            already is not counted again.
    """

    tokens: SteppedTokens
    texts: tuple[str, ...]
    outcomes: tuple[tuple[bool, ...], ...]
    num_tokens: int

    def labels(self, label: OutcomeLabel) -> StepLabels:
        """The outcomes as values."""
        values = tuple(value_of_outcomes(outcomes, label) for outcomes in self.outcomes)
        return StepLabels(self.tokens, values)


_SOLUTION = TypeAdapter(CompletedSteps)
_FINGERPRINT = TypeAdapter(str)


def label_steps(
    run: StageRun,
    *,
    bench: Workbench,
    config: MonteCarloConfig,
    steps: StepFormat,
    policy_folder: Path | None,
) -> Iterator[StepResult]:
    """A stage that trains nothing: sample, complete and grade, one batch of problems a step.

    Args:
        steps: what a step is.
        policy_folder: who solves and completes; None is the recipe's model.
    """
    policy = bench.load_policy(policy_folder)
    completer = StepCompleter(bench, policy, bench.engine(policy), config=config, steps=steps)
    limits: dict[Split, int | None] = {"train": config.num_train, "dev": config.num_dev}
    batches = [
        (split, problems[start : start + config.batch_size])
        for split, limit in limits.items()
        for problems in [bench.problems(split)[:limit]]
        for start in range(0, len(problems), config.batch_size)
    ]
    write_rows(run.folder / "fingerprint.json", [fingerprint(policy.tokenizer)], _FINGERPRINT)
    for step in run.steps(len(batches), model=None, state={}, eval_every=1):
        split, problems = batches[step]
        num_solutions = config.num_solutions if split == "train" else config.num_dev_solutions
        piece = run.folder / "pieces" / f"{split}-{step:06d}.jsonl"
        if not piece.exists():
            seed = derived_seed(run.seed, split)
            found = completer.complete(problems, num_solutions=num_solutions, seed=seed)
            write_rows(piece, found, _SOLUTION)
        yield StepResult(_metrics(read_rows(piece, _SOLUTION)))
    for split in ("train", "dev"):
        pieces = sorted((run.folder / "pieces").glob(f"{split}-*.jsonl"))
        joined = [row for piece in pieces for row in read_rows(piece, _SOLUTION)]
        write_rows(run.folder / f"{split}.jsonl", joined, _SOLUTION)


def read_labels(folder: Path, split: Split, label: OutcomeLabel) -> list[StepLabels]:
    """What the stage in `folder` found of a split."""
    return [row.labels(label) for row in read_rows(folder / f"{split}.jsonl", _SOLUTION)]


def read_fingerprint(folder: Path) -> str:
    """Of the tokenizer whose tokens the stage in `folder` collected."""
    return read_rows(folder / "fingerprint.json", _FINGERPRINT)[0]


@dataclass(frozen=True, slots=True)
class StepCompleter:
    """Solves problems and completes the solutions from each of their steps."""

    bench: Workbench
    policy: Policy
    engine: Engine
    config: MonteCarloConfig
    steps: StepFormat

    def complete(
        self, problems: Sequence[Problem], *, num_solutions: int, seed: int
    ) -> list[CompletedSteps]:
        """The distinct solutions of each problem with outcomes; equal prefixes are asked once.

        A completion depends on the seed, its problem and its prefix, not on the batch. What cannot
        be graded is left out. Raises GraderError where too much cannot be.
        """
        solutions = self._solutions(problems, num_solutions, seed)
        prefixes = {
            prefix: problem
            for problem, tokens, _ in solutions
            for prefix in _proper_prefixes(tokens)
        }
        texts = self._completions(prefixes, seed)
        own = [(problem, solution) for problem, _, solution in solutions]
        verdicts = iter(self._graded([*own, *(pair for pairs in texts for pair in pairs)]))
        finals = [_outcomes([next(verdicts)]) for _ in own]
        found = {
            prefix: _Found(_outcomes([next(verdicts) for _ in pairs]), _num_sampled(prefix, pairs))
            for prefix, pairs in zip(prefixes, texts, strict=True)
        }
        return [
            self._with_outcomes(tokens, found, final)
            for (_, tokens, _), final in zip(solutions, finals, strict=True)
        ]

    def _solutions(
        self, problems: Sequence[Problem], num_solutions: int, seed: int
    ) -> list[tuple[Problem, SteppedTokens, Completion]]:
        renderer = self.bench.renderer(self.policy)
        requests = [
            Request(
                renderer.prompt_ids(problem),
                tuple(derived_seed(seed, problem.id, n) for n in range(num_solutions)),
            )
            for problem in problems
        ]
        params = self.bench.sampling(temperature=self.config.temperature)
        found: list[tuple[Problem, SteppedTokens, Completion]] = []
        for problem, group in zip(problems, self.engine.sample(requests, params), strict=True):
            distinct = {completion.token_ids: completion for completion in group}
            for completion in distinct.values():
                tokens = sampled_steps(
                    problem, completion, steps=self.steps, tokenizer=self.policy.tokenizer
                )
                if tokens.step_ids:
                    found.append((problem, tokens, completion))
        return found

    def _completions(
        self, prefixes: Mapping[SteppedTokens, Problem], seed: int
    ) -> list[list[tuple[Problem, Completion]]]:
        """N whole solutions for each prefix: its own tokens and what the policy adds."""
        requests = [
            Request(
                prefix.token_ids,
                tuple(
                    derived_seed(seed, problem.id, *prefix.token_ids, "completion", n)
                    for n in range(self.config.num_completions)
                ),
            )
            for prefix, problem in prefixes.items()
        ]
        params = self.bench.sampling(temperature=self.config.temperature)
        sampled = self.engine.sample(requests, params) if requests else []
        return [
            [(problem, _joined(prefix, rest, self.policy)) for rest in group]
            for (prefix, problem), group in zip(prefixes.items(), sampled, strict=True)
        ]

    def _graded(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[bool | None]:
        verdicts = self.bench.grader.grade(pairs)
        require_graded(verdicts, max_share=self.bench.max_grader_failures)
        return [v.is_correct if isinstance(v, Score) else None for v in verdicts]

    def _with_outcomes(
        self, tokens: SteppedTokens, found: Mapping[SteppedTokens, _Found], final: tuple[bool, ...]
    ) -> CompletedSteps:
        decoded = partial(decode_after, self.policy.tokenizer, tokens.prompt_ids)
        asked = [found[prefix] for prefix in _proper_prefixes(tokens)]
        num_tokens = len(tokens.token_ids) - len(tokens.prompt_ids)
        return CompletedSteps(
            tokens,
            tuple(decoded(step) for step in tokens.step_ids),
            (*(prefix.outcomes for prefix in asked), final),
            num_tokens + sum(prefix.counted_once() for prefix in asked),
        )


@dataclass(slots=True)
class _Found:
    """What the completions of one prefix led to, and the tokens that they cost."""

    outcomes: tuple[bool, ...]
    num_tokens: int

    def counted_once(self) -> int:
        """The tokens, when first asked; then none."""
        num_tokens, self.num_tokens = self.num_tokens, 0
        return num_tokens


def _proper_prefixes(tokens: SteppedTokens) -> list[SteppedTokens]:
    """The first step, the first two, and so on, without the whole."""
    return [
        replace(tokens, step_ids=tokens.step_ids[:size]) for size in range(1, len(tokens.step_ids))
    ]


def _joined(prefix: SteppedTokens, rest: Completion, policy: Policy) -> Completion:
    """Prefix and completion as one completion of the prompt, for the grader."""
    before = prefix.token_ids[len(prefix.prompt_ids) :]
    token_ids = before + rest.token_ids
    zeros = (0.0,) * len(before)
    return Completion(
        prompt_ids=prefix.prompt_ids,
        token_ids=token_ids,
        logp=zeros + rest.logp,
        sampler_logp=zeros + rest.sampler_logp,
        text=decode_after(policy.tokenizer, prefix.prompt_ids, token_ids),
        stop_reason=rest.stop_reason,
    )


def _outcomes(verdicts: Sequence[bool | None]) -> tuple[bool, ...]:
    return tuple(verdict for verdict in verdicts if verdict is not None)


def _num_sampled(prefix: SteppedTokens, pairs: Sequence[tuple[Problem, Completion]]) -> int:
    before = len(prefix.token_ids) - len(prefix.prompt_ids)
    return sum(len(completion.token_ids) - before for _, completion in pairs)


def _metrics(rows: Sequence[CompletedSteps]) -> Metrics:
    finals = [row.outcomes[-1][0] for row in rows if row.outcomes[-1]]
    soft = [v for row in rows for v in row.labels("soft").values if v is not None]
    hard = [v for row in rows for v in row.labels("hard").values if v is not None]
    return {
        "labels/solutions": float(len(rows)),
        "labels/steps": float(sum(len(row.outcomes) for row in rows)),
        "labels/correct_solutions": fmean(finals) if finals else 0.0,
        "labels/soft": fmean(soft) if soft else 0.0,
        "labels/hard": fmean(hard) if hard else 0.0,
        "labels/sampled_tokens": float(sum(row.num_tokens for row in rows)),
    }
