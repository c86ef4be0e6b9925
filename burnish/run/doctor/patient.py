"""What is examined: the user's own model, loaded for this alone, and a few of the user's rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from burnish.data.rendering import Renderer
from burnish.data.tasks.task import Split
from burnish.models.policy import Policy
from burnish.rollout.engine import Request, SamplingParams
from burnish.run.forecast import rollouts_of
from burnish.run.recipe import Recipe
from burnish.training.collection import trajectory
from burnish.training.experience import Experience, gather_experience
from burnish.training.seeds import derived_seed
from burnish.training.workbench import Workbench
from burnish.types import Completion, Example, Problem, Score, Trajectory

T = TypeVar("T")
_BLANK = Score(0.0, is_correct=False, answer=None)
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is looked at.

    Attributes:
        rows: train problems whose texts are sampled, graded and learnt from.
        lengths: rows of a split whose tokens are counted.
        new_tokens: sampled a row.
    """

    rows: int
    lengths: int
    new_tokens: int


@dataclass(frozen=True)
class Patient:
    """One recipe, with its model and its rows."""

    recipe: Recipe
    bench: Workbench
    policy: Policy
    effort: Effort

    @cached_property
    def renderer(self) -> Renderer:
        """As in training."""
        return self.bench.renderer(self.policy)

    @cached_property
    def asked(self) -> list[Problem]:
        """Train problems, spread over the split."""
        return spread(self.bench.problems("train"), self.effort.rows)

    @cached_property
    def answered(self) -> list[Problem]:
        """Those with an annotated answer."""
        return answered(self.bench.problems("train"), self.effort.rows)

    @cached_property
    def examples(self) -> list[Example]:
        """Their tokens."""
        return [self.renderer.example(problem) for problem in self.answered]

    @cached_property
    def params(self) -> SamplingParams:
        """As the method samples, but few tokens."""
        params = rollouts_of(self.recipe.method, self.bench).params
        return replace(params, max_tokens=min(params.max_tokens, self.effort.new_tokens))

    @cached_property
    def completions(self) -> list[tuple[Problem, Completion]]:
        """One sample of each asked problem."""
        seed = derived_seed(self.bench.seed, "doctor")
        requests = [
            Request(self.renderer.prompt_ids(p), (derived_seed(seed, p.id),)) for p in self.asked
        ]
        found = self.bench.engine(self.policy).sample(requests, self.params)
        return [(p, group[0]) for p, group in zip(self.asked, found, strict=True)]

    @cached_property
    def trajectories(self) -> list[Trajectory]:
        """The same as rows to learn from."""
        return [trajectory(*pair, _BLANK) for pair in self.completions if pair[1].token_ids]

    @cached_property
    def rows(self) -> list[Example]:
        """Something to learn by heart: annotated answers, or samples where there are none."""
        return self.examples or [
            Example(t.problem_id, t.token_ids, t.is_action) for t in self.trajectories
        ]

    @property
    def stop_ids(self) -> list[int]:
        """Tokens that end a completion."""
        generation = self.policy.network.generation_config
        also = generation.eos_token_id if generation else None
        ends = [self.policy.tokenizer.eos_token_id, *(also if isinstance(also, list) else [also])]
        return sorted({end for end in ends if isinstance(end, int)})

    def experiences(self, *, max_tokens: int, reference: Policy | None) -> list[Experience]:
        """The samples as the learner sees them, in micro-batches of `max_tokens`."""
        return gather_experience(
            self.trajectories,
            policy=self.policy,
            reference=reference,
            critic=None,
            max_tokens=max_tokens,
        )


def answered(problems: Iterable[Problem], num: int) -> list[Problem]:
    """Problems with an annotated answer, spread over all that have one."""
    return spread([problem for problem in problems if problem.rationale is not None], num)


def by_split(bench: Workbench) -> dict[str, list[Problem]]:
    """The problems of every split that there is. Raises DataError for bad rows."""
    found = {split: bench.task.problems(split) for split in SPLITS}
    return {split: problems for split, problems in found.items() if problems}


def spread(rows: Sequence[T], num: int) -> list[T]:
    """At most `num` rows, at even distances."""
    size = len(rows)
    return [rows[place * size // num] for place in range(num)] if size > num else [*rows]
