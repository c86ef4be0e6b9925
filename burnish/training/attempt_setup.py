"""What asking a problem several times needs, checked before the first step of a stage."""

from __future__ import annotations

from burnish.data.follow_up import CorrectionConfig, FollowUp
from burnish.models.policy import Policy
from burnish.training.attempts import AttemptCollector, require_room
from burnish.training.collection import Collector
from burnish.training.workbench import Workbench


def checked_follow_up(bench: Workbench, policy: Policy, correction: CorrectionConfig) -> FollowUp:
    """What stands between two attempts at the problems of all three splits.

    Raises ConfigError where the instruction holds an answer or the context is too small for
    `correction.turns`, and DataError where the chat template does not keep earlier attempts.
    """
    everything = [*bench.problems("train"), *bench.problems("dev"), *bench.problems("test")]
    correction.check(everything)
    follow_up = FollowUp(bench.task, policy.tokenizer, correction.instruction)
    require_room(
        everything,
        bench.renderer(policy),
        follow_up,
        num_turns=correction.turns,
        max_new_tokens=bench.lengths.max_new_tokens,
        max_context=policy.max_context,
    )
    return follow_up


def attempt_collector(
    bench: Workbench,
    policy: Policy,
    follow_up: FollowUp,
    *,
    num_turns: int,
    num_samples: int,
    temperature: float,
) -> AttemptCollector:
    """What samples and grades chains of attempts of `policy`, as it is now."""
    collector = Collector(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        grader=bench.grader,
        task=bench.task,
        params=bench.sampling(temperature=temperature),
        num_samples=num_samples,
        max_failure_share=bench.max_grader_failures,
    )
    return AttemptCollector(collector, follow_up, num_turns)
