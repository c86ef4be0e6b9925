"""The one stage of all group methods: sample, check, compare within groups, update.

What distinguishes GRPO, Dr. GRPO, DAPO, RLOO, REINFORCE++, ReMax, GSPO and CISPO are the parts of
its config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from burnish.methods.grpo.advantage import GreedyBaseline
from burnish.methods.grpo.config import GroupConfig
from burnish.methods.grpo.credit import assign_credit, batch_metrics, with_overlong_penalty
from burnish.methods.grpo.sampling import (
    Sampled,
    sample_groups,
    trajectories_of,
    with_greedy_answers,
)
from burnish.methods.grpo.update import update_policy
from burnish.models.policy import Policy
from burnish.training.collection import Collector
from burnish.training.experience import Experience, engine_gap, gather_experience
from burnish.training.learner import Learner
from burnish.training.problem_stream import ProblemStream
from burnish.training.seeds import derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.token_view import best_and_worst
from burnish.training.workbench import Workbench
from burnish.types import Group


def reinforce_groups(
    run: StageRun, *, bench: Workbench, config: GroupConfig, start: str | None
) -> Iterator[StepResult]:
    """A stage: from the model of `start` (None: the recipe's), which stays as the reference."""
    folder = run.artifacts[start] if start else None
    policy = bench.load_policy(folder)
    reference = bench.frozen_twin(policy, folder) if config.kl is not None else None
    problems = bench.problems("train")
    one_step = _Step(
        bench,
        config,
        policy,
        reference,
        Learner({"policy": policy.network}, config.optimizer),
        _collector(bench, policy, config),
        ProblemStream(problems, seed=run.seed, rest=config.rest),
    )
    num_steps = config.num_steps_over(len(problems))
    state = {"learner": one_step.learner, "problems": one_step.stream}
    for step in run.steps(num_steps, model=policy, state=state, eval_every=config.eval_every):
        if config.is_spent(one_step.stream.num_drawn):
            run.num_done = step  # this one is not made
            break
        sampled = one_step.sample(seed=derived_seed(run.seed, "rollout", step))
        if config.is_spent(one_step.stream.num_drawn):
            run.num_steps = run.num_done  # it is the last one, after which the model is measured
        yield one_step.learn_from(sampled, num_steps=num_steps)


@dataclass(frozen=True, slots=True)
class _Step:
    """What a step works with, the same at each."""

    bench: Workbench
    config: GroupConfig
    policy: Policy
    reference: Policy | None
    learner: Learner
    collector: Collector
    stream: ProblemStream

    def sample(self, *, seed: int) -> Sampled:
        """Groups of answers of the policy as it is now, and what they are compared with."""
        config = self.config
        self.collector.engine.sync(self.policy.sampling_weights())
        sampled = sample_groups(
            self.collector,
            self.stream,
            batch_size=config.batch_size,
            dynamic=config.dynamic_sampling,
            seed=seed,
        )
        sampled.metrics["group/num_samples"] = float(
            self.stream.num_drawn * config.samples_of_problem
        )
        if isinstance(config.advantage, GreedyBaseline):
            greedy = self.bench.sampling(temperature=0.0)
            return with_greedy_answers(sampled, self.collector, greedy, seed=seed)
        return sampled

    def learn_from(self, sampled: Sampled, *, num_steps: int) -> StepResult:
        """The updates of a step; none where no answer is left to learn from."""
        config = self.config
        trajectories = trajectories_of(sampled.groups, config.truncated)
        if not trajectories:
            return StepResult(sampled.metrics)
        batches = self._batches(sampled.groups)
        experiences = [e for batch in batches for e in batch]
        gap = engine_gap(experiences, limit=config.max_logp_gap)
        credit = assign_credit(
            experiences,
            advantage=config.advantage,
            kl_coef=config.reward_kl_coef,
            greedy=sampled.greedy,
        )
        updated = update_policy(
            self.learner,
            batches,
            policy=self.policy,
            loss=config.loss,
            aggregation=config.aggregation,
            kl=config.kl,
            num_epochs=config.num_epochs,
            max_length=self.bench.lengths.max_new_tokens,
            num_updates=num_steps * config.num_epochs * config.num_minibatches,
        )
        measured = batch_metrics(experiences, has_reference=self.reference is not None)
        metrics = {**sampled.metrics, **measured, "ppo/logp_gap": gap, **credit, **updated}
        return StepResult(metrics, trajectories, best_and_worst(experiences))

    def _batches(self, groups: Sequence[Group]) -> list[list[Experience]]:
        """The micro-batches of each update: the problems of a step, cut into equal parts."""
        config, size = self.config, -(-len(groups) // self.config.num_minibatches)
        batches = []
        for start in range(0, len(groups), size):
            samples = trajectories_of(groups[start : start + size], config.truncated)
            if config.overlong is not None:
                limit = self.bench.lengths.max_new_tokens
                samples = with_overlong_penalty(samples, config.overlong, max_length=limit)
            if samples:
                batches.append(
                    gather_experience(
                        samples,
                        policy=self.policy,
                        reference=self.reference,
                        critic=None,
                        max_tokens=self.bench.compute.max_tokens_per_batch,
                    )
                )
        return batches


def _collector(bench: Workbench, policy: Policy, config: GroupConfig) -> Collector:
    return Collector(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        grader=bench.grader,
        task=bench.task,
        params=bench.sampling(temperature=config.temperature),
        num_samples=config.samples_per_problem,
        max_failure_share=bench.max_grader_failures,
    )
