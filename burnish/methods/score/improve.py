"""What all stages do: sample chains of attempts, learn from them, choose among the models."""

from __future__ import annotations

from collections.abc import Iterator

from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.evaluation.dev_attempts import DevAttempts
from burnish.methods.score.adaptive import Objectives
from burnish.methods.score.baselines import baseline_named
from burnish.methods.score.config import AttemptsConfig
from burnish.methods.score.monitoring import TrainingReward, attempt_metrics
from burnish.methods.score.update import learn
from burnish.models.policy import Policy
from burnish.rollout.engine import Engine
from burnish.training.attempts import AttemptCollector, require_room
from burnish.training.collection import Collector
from burnish.training.experience import gather_experience
from burnish.training.learner import Learner
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.token_view import best_and_worst
from burnish.training.workbench import Workbench
from burnish.types import Completion


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
    learner = Learner({"policy": policy.network}, config.optimizer)
    engine = bench.engine(policy)
    collector = _collector(
        bench, engine, policy, config, correction, num_turns=objectives.current.num_turns
    )
    baseline = baseline_named(config.baseline, rate=config.baseline_rate)
    by_reward = TrainingReward()
    run.rewarded = by_reward.selection
    dev = DevAttempts(
        bench,
        engine,
        policy=policy,
        base=base,
        correction=correction,
        selected_turn=selected_turn,
    )
    problems = bench.problems("train")
    for step in run.steps(
        config.num_steps,
        model=policy,
        state={
            "learner": learner,
            "baseline": baseline,
            "objectives": objectives,
            "training reward": by_reward,
        },
        eval_every=config.eval_every,
        measure=dev.measure,
    ):
        chosen = batch_indices(len(problems), step, batch_size=config.batch_size, seed=run.seed)
        asked, seed = [problems[row] for row in chosen], derived_seed(run.seed, "rollout", step)
        given: list[list[Completion]] = []
        if num_base_first:
            engine.sync(base.sampling_weights())
            given = collector.first_attempts(asked, seed=seed, num=num_base_first)
        engine.sync(policy.sampling_weights())
        groups = collector.collect(asked, seed=seed, given=given)
        result = StepResult(collector.collector.metrics(groups))
        trajectories = [t for group in groups for t in group.trajectories]
        if trajectories:
            experiences = gather_experience(
                trajectories,
                policy=policy,
                reference=base,
                critic=None,
                max_tokens=bench.compute.max_tokens_per_batch,
            )
            found = learn(
                experiences,
                learner=learner,
                policy=policy,
                objectives=objectives,
                baseline=baseline,
                config=config,
            )
            by_reward.add(found["score/training_reward"])
            metrics = {**result.metrics, **attempt_metrics(trajectories), **found}
            result = StepResult(metrics, trajectories, best_and_worst(experiences))
        if run.is_evaluation_due:
            by_reward.consider(run.num_done, policy)
        yield result


def _collector(
    bench: Workbench,
    engine: Engine,
    policy: Policy,
    config: AttemptsConfig,
    correction: CorrectionConfig,
    *,
    num_turns: int,
) -> AttemptCollector:
    """What samples chains of `num_turns` attempts.

    Raises ConfigError where attempts, also those made to measure, cannot be what they should.
    """
    renderer = bench.renderer(policy)
    follow_up = FollowUp(bench.task, policy.tokenizer, correction.instruction)
    everything = [*bench.problems("train"), *bench.problems("dev"), *bench.problems("test")]
    correction.check(everything)
    require_room(
        everything,
        renderer,
        follow_up,
        num_turns=correction.turns,
        max_new_tokens=bench.lengths.max_new_tokens,
        max_context=policy.max_context,
    )
    collector = Collector(
        engine=engine,
        renderer=renderer,
        grader=bench.grader,
        task=bench.task,
        params=bench.sampling(temperature=config.temperature),
        num_samples=config.samples_per_problem,
        max_failure_share=bench.max_grader_failures,
    )
    return AttemptCollector(collector, follow_up, num_turns)
