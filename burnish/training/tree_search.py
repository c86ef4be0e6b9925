"""Searching the problems of a task with a policy and a value model, many trees at once.

What evaluation and self-training share: the models behind `Proposer`, `Valuer` and `Critic`, one
prompt a problem, and one seed for each tree, made of the bench's seed and the problem's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from pydantic import Field

from burnish.config import Config
from burnish.data.rendering import Renderer
from burnish.errors import DataError
from burnish.models.policy import Policy
from burnish.models.process_reward_model import ProcessRewardModel
from burnish.rollout.step_proposer import StepLimits, StepProposer
from burnish.search.asks import Proposer
from burnish.search.budget import Budget
from burnish.search.scheduler import Models, Scheduler, Traffic
from burnish.search.search import Search, Strategy
from burnish.search.steps import AnySteps, NewlineSteps
from burnish.search.tree import Tree
from burnish.training.seeds import derived_seed
from burnish.training.step_advice import AdvisedProposer
from burnish.training.step_critic import (
    AdviceCriticConfig,
    CriticConfig,
    EndCriticConfig,
    StepCritic,
)
from burnish.training.step_valuer import StepValuer
from burnish.training.tree_questions import Questions
from burnish.training.workbench import Workbench
from burnish.types import Problem

ModelsOf: TypeAlias = Callable[[Models, Questions], Models]
"""Who answers a search, instead of or around the models that would: the policy, its value model."""

_ADVICE_ROOM = 2
"""Tokens of a prompt for each of a critic's reply: decoded and encoded again, it may be longer."""


class TreeSearchConfig(Config):
    """How steps are sampled, and how many trees grow side by side."""

    steps: AnySteps = NewlineSteps()
    """what a step of a solution is; the value model's labels must have been cut by the same"""
    temperature: float = Field(default=0.7, gt=0)
    """of proposals (published: 0.7)"""
    max_step_tokens: int = Field(default=256, ge=1)
    """most tokens sampled in search of a step's end (published: 256); the whole solution is limited
    by lengths.max_new_tokens"""
    at_once: int = Field(default=64, ge=1)
    """trees under way together; changes speed and memory, never the trees"""
    critic: CriticConfig = EndCriticConfig()
    """what the policy is asked about its own partial solutions, where `self_critic` is `ask`"""


class TreeSearcher:
    """A policy and a value model with the problems they are searched for."""

    def __init__(
        self,
        bench: Workbench,
        policy: Policy,
        value_model: ProcessRewardModel | None,
        config: TreeSearchConfig,
        *,
        clock: Callable[[], float],
        should_stop: Callable[[], bool] = lambda: False,
        models_of: ModelsOf = lambda models, _: models,
    ) -> None:
        """Without a value model, only searches that value nothing can run.

        Args:
            clock: seconds, for budgets in time.
            should_stop: looked at while trees grow; where it says so, they stay as they are.
            models_of: who answers, where it is not the policy and the value model alone.

        Raises ModelError where policy and value model have different tokenizers.
        """
        self._renderer = bench.renderer(policy)
        self._seed = derived_seed(bench.seed, "search")
        self._questions = Questions()
        models = _models(bench, policy, value_model, config, self._questions)
        self._scheduler = Scheduler(
            models_of(models, self._questions),
            at_once=config.at_once,
            clock=clock,
            should_stop=should_stop,
        )

    @property
    def traffic(self) -> Traffic:
        """How full the calls to the models were."""
        return self._scheduler.traffic

    def plant(self, problems: Sequence[Problem]) -> list[Tree]:
        """A tree of the root alone for each problem, which from now on can be searched.

        Raises DataError for two problems with one id, and for a prompt that is too long.
        """
        for problem in problems:
            if problem.id in self._questions.problems:
                raise DataError(f"two problems have the id {problem.id!r}; a tree is known by it.")
            self._questions.prompts[problem.id] = self._renderer.prompt_ids(problem)
            self._questions.problems[problem.id] = problem
        return [Tree(problem.id, problem.question, self._seed) for problem in problems]

    def prompt_ids(self, tree: Tree) -> tuple[int, ...]:
        """The prompt of a planted tree, or of one read from a file that has the same problem."""
        return self._questions.prompts[tree.tree_id]

    def grow(self, trees: Sequence[Tree], strategy: Strategy, budget: Budget) -> Iterator[Search]:
        """Search each tree, from where it stands, until its search is over; as they end.

        Trees that were stopped go on. Raises CheckpointError for one that was stopped within a
        round of other settings.
        """
        yield from self._scheduler.run(Search(tree, strategy, budget) for tree in trees)


def _models(
    bench: Workbench,
    policy: Policy,
    value_model: ProcessRewardModel | None,
    config: TreeSearchConfig,
    questions: Questions,
) -> Models:
    """The policy as proposer and critic on one engine, and the value model."""
    engine, critic = bench.remembering_engine(policy), config.critic
    limits = StepLimits(bench.lengths.max_new_tokens, config.max_step_tokens, config.temperature)
    proposer: Proposer = StepProposer(
        engine, policy.tokenizer, steps=config.steps, limits=limits, prompts=questions.prompts
    )
    if isinstance(critic, AdviceCriticConfig):
        advice = len(critic.lead) + _ADVICE_ROOM * critic.max_tokens
        room = bench.lengths.max_prompt_tokens + advice
        renderer = Renderer(bench.task, policy.tokenizer, max_prompt_tokens=room)
        proposer = AdvisedProposer(proposer, renderer, questions, lead=critic.lead)
    valuer = None
    if value_model is not None:
        valuer = StepValuer(
            value_model,
            policy.tokenizer,
            max_tokens=bench.compute.max_tokens_per_batch,
            prompts=questions.prompts,
            prefix_bytes=bench.compute.prefix_bytes,
        )
    return Models(
        proposer,
        valuer,
        StepCritic(engine, policy.tokenizer, bench.task, config=critic, questions=questions),
    )
