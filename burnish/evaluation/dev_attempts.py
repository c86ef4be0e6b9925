"""Attempts on the dev split while a model trains: what it is selected by, and its collapses."""

from __future__ import annotations

from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.evaluation.attempts import evaluate_attempts
from burnish.evaluation.evaluate import Evaluation
from burnish.evaluation.self_correction import collapse_report, self_correction_means
from burnish.models.policy import Policy
from burnish.rollout.engine import Engine
from burnish.training.learner import Metrics
from burnish.training.seeds import derived_seed
from burnish.training.stage import Measure
from burnish.training.workbench import Workbench


class DevAttempts:
    """Greedy attempts on the dev split; the base model's are made once and compared with."""

    def __init__(
        self,
        bench: Workbench,
        engine: Engine,
        *,
        policy: Policy,
        base: Policy,
        correction: CorrectionConfig,
        selected_turn: int | None = None,
    ) -> None:
        """`selected_turn`: the attempt, from 1, that a model is selected by; None: the last."""
        self._bench = bench
        self._engine = engine
        self._policy = policy
        self._base = base
        self._follow_up = FollowUp(bench.task, policy.tokenizer, correction.instruction)
        self._num_turns = correction.turns
        self._selected_turn = selected_turn or correction.turns
        self._of_base: list[Evaluation] | None = None

    def measure(self) -> Metrics:
        """`dev/accuracy` first, of the attempt that a model is selected by; then all numbers.

        `alarm/no_edit` and `alarm/sabotage` are 1 where the model shows that collapse; a dev split
        with few problems has neither.
        """
        if self._of_base is None:
            self._of_base = self._attempts(self._base)
        turns = self._attempts(self._policy)
        report = collapse_report(turns, self._of_base)
        alarms = {"no_edit": report.no_edit, "sabotage": report.sabotage}
        shown = alarms if report.is_conclusive else {}
        return self._means(turns) | {f"alarm/{name}": float(is_so) for name, is_so in shown.items()}

    def of_base(self) -> Metrics:
        """The same numbers of the base model, which has nothing to be compared with."""
        return self._means(self._attempts(self._base))

    def _means(self, turns: list[Evaluation]) -> Metrics:
        means = self_correction_means(turns)
        return {
            "dev/accuracy": means[f"accuracy_t{self._selected_turn}"],
            **{f"dev/{name}": value for name, value in means.items()},
        }

    def _attempts(self, model: Policy) -> list[Evaluation]:
        self._engine.sync(model.sampling_weights())
        renderer = self._bench.renderer(self._policy)
        return evaluate_attempts(
            self._engine,
            self._bench.grader,
            [(p, renderer.prompt_ids(p)) for p in self._bench.dev_problems()],
            self._bench.sampling(temperature=0.0),
            follow_up=self._follow_up,
            num_turns=self._num_turns,
            num_samples=1,
            seed=derived_seed(self._bench.seed, "dev"),
            max_failure_share=self._bench.max_grader_failures,
        )


def measure_of_attempts(
    bench: Workbench, correction: CorrectionConfig, policy: Policy, base: Policy
) -> Measure:
    """What `policy` is selected by where it is not sampled for training: it has its own engine."""
    engine = bench.engine(policy)
    return DevAttempts(bench, engine, policy=policy, base=base, correction=correction).measure
