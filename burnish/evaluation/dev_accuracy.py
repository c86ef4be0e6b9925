"""Greedy accuracy on the dev split: what a policy is selected by where its stage says nothing."""

from __future__ import annotations

from burnish.evaluation.evaluate import evaluate
from burnish.evaluation.metrics import accuracy_of, mean_interval
from burnish.models.policy import Policy
from burnish.training.learner import Metrics
from burnish.training.seeds import derived_seed
from burnish.training.stage import Measure
from burnish.training.workbench import Workbench


def measure_of_accuracy(bench: Workbench, policy: Policy) -> Measure:
    """`dev/accuracy` of `policy` as it stands whenever it is measured, by an engine of its own."""
    engine, renderer = bench.engine(policy), bench.renderer(policy)
    prompts = [(problem, renderer.prompt_ids(problem)) for problem in bench.dev_problems()]

    def measure() -> Metrics:
        engine.sync(policy.sampling_weights())
        evaluation = evaluate(
            engine,
            bench.grader,
            prompts,
            bench.sampling(temperature=0.0),
            num_samples=1,
            seed=derived_seed(bench.seed, "dev"),
            max_failure_share=bench.max_grader_failures,
        )
        return {"dev/accuracy": mean_interval(evaluation, accuracy_of).value}

    return measure
