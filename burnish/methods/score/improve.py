"""What all stages do: sample chains of attempts, learn from them, choose among the models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from burnish.data.follow_up import CorrectionConfig
from burnish.evaluation.dev_attempts import DevAttempts
from burnish.methods.score.adaptive import Objectives
from burnish.methods.score.baselines import Baseline, baseline_named
from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.monitoring import TrainingReward, attempt_metrics
from burnish.methods.score.update import learn
from burnish.models.policy import Policy
from burnish.training.attempt_setup import attempt_collector, checked_follow_up
from burnish.training.attempts import AttemptCollector
from burnish.training.experience import gather_experience
from burnish.training.learner import Learner
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.token_view import best_and_worst
from burnish.training.workbench import Workbench
from burnish.types import Completion, Group, Problem


def improve(
    run: StageRun,
    *,
    bench: Workbench,
    config: AttemptsConfig,
    correction: CorrectionConfig,
    objectives: Objectives,
    policy: Policy,
    base: Policy,
    selected_turn: int,
    num_base_first: int = 0,
) -> Iterator[StepResult]:
    """Train `policy` on as many attempts as the objective has weights for.

    Args:
        correction: how problems are asked again, also when the model is measured.
        base: the KL's reference; does not change.
        selected_turn: the attempt, from 1, by whose dev accuracy a model is selected.
        num_base_first: samples of each problem that begin with an attempt of `base`.
    """
    one_step = _prepared(bench, config, correction, policy, base, objectives)
    by_reward = TrainingReward()
    run.rewarded = by_reward.selection
    dev = DevAttempts(
        bench,
        one_step.collector.collector.engine,
        policy=policy,
        base=base,
        correction=correction,
        selected_turn=selected_turn,
    )
    problems, size = bench.problems("train"), config.batch_size
    for step in run.steps(
        config.num_steps,
        model=policy,
        state={
            "learner": one_step.learner,
            "baseline": one_step.baseline,
            "objectives": objectives,
            "training reward": by_reward,
        },
        eval_every=config.eval_every,
        measure=dev.measure,
    ):
        rows = batch_indices(len(problems), step, batch_size=size, seed=run.seed)
        groups = one_step.sample(
            [problems[row] for row in rows],
            seed=derived_seed(run.seed, "rollout", step),
            num_base_first=num_base_first,
        )
        result = one_step.learn_from(groups)
        if result.trajectories:
            by_reward.add(result.metrics["score/training_reward"])
        if run.is_evaluation_due:
            by_reward.consider(run.num_done, policy)
        yield result


@dataclass(frozen=True, slots=True)
class _Step:
    """What a step works with, the same at each."""

    bench: Workbench
    config: AttemptsConfig
    policy: Policy
    base: Policy
    collector: AttemptCollector
    learner: Learner
    objectives: Objectives
    baseline: Baseline

    def sample(self, problems: Sequence[Problem], *, seed: int, num_base_first: int) -> list[Group]:
        """Chains of the policy as it is now, the last ones after first attempts of the base."""
        engine = self.collector.collector.engine
        given: list[list[Completion]] = []
        if num_base_first:
            engine.sync(self.base.sampling_weights())
            given = self.collector.first_attempts(problems, seed=seed, num=num_base_first)
        engine.sync(self.policy.sampling_weights())
        return self.collector.collect(problems, seed=seed, given=given)

    def learn_from(self, groups: Sequence[Group]) -> StepResult:
        """One update; none where nothing could be graded."""
        metrics = self.collector.collector.metrics(groups)
        trajectories = [t for group in groups for t in group.trajectories]
        if not trajectories:
            return StepResult(metrics)
        experiences = gather_experience(
            trajectories,
            policy=self.policy,
            reference=self.base,
            critic=None,
            max_tokens=self.bench.compute.max_tokens_per_batch,
        )
        metrics |= attempt_metrics(trajectories)
        metrics |= learn(
            experiences,
            learner=self.learner,
            policy=self.policy,
            objectives=self.objectives,
            baseline=self.baseline,
            config=self.config,
        )
        return StepResult(metrics, trajectories, best_and_worst(experiences))


def _prepared(
    bench: Workbench,
    config: AttemptsConfig,
    correction: CorrectionConfig,
    policy: Policy,
    base: Policy,
    objectives: Objectives,
) -> _Step:
    """The first step's tools; raises ConfigError where attempts cannot be what they should."""
    learner = Learner({"policy": policy.network}, config.optimizer)
    baseline = baseline_named(config.baseline, rate=config.baseline_rate)
    collector = attempt_collector(
        bench,
        policy,
        checked_follow_up(bench, policy, correction),
        num_turns=objectives.current.num_turns,
        num_samples=config.samples_per_problem,
        temperature=config.temperature,
    )
    return _Step(bench, config, policy, base, collector, learner, objectives, baseline)
