"""Several attempts at a problem, each with the earlier ones in view, as one trajectory.

Token in, token out: the prompt of an attempt is the prompt before it, the tokens sampled there as
they are (its end, and its lack of one where it was cut off), and the follow-up's tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from burnish.data.follow_up import FollowUp
from burnish.data.rendering import Renderer
from burnish.errors import ConfigError
from burnish.graders.failures import require_graded
from burnish.rollout.engine import Engine, Request, SamplingParams
from burnish.training.collection import Collector
from burnish.training.seeds import derived_seed
from burnish.types import Completion, GraderFailure, Group, Problem, Score, Trajectory, Turn

Chain: TypeAlias = tuple[Completion, ...]
"""The attempts of one sample; the prompt of each holds all that came before it."""


def sample_attempts(
    engine: Engine,
    items: Sequence[tuple[Problem, Request]],
    params: SamplingParams,
    *,
    follow_up: FollowUp,
    num_turns: int,
) -> list[list[Chain]]:
    """For each problem and each seed of its request, the completions of all turns."""
    first = engine.sample([request for _, request in items], params)
    return _continued(engine, items, first, params, follow_up=follow_up, num_turns=num_turns)


def _continued(
    engine: Engine,
    items: Sequence[tuple[Problem, Request]],
    first: Sequence[Sequence[Completion]],
    params: SamplingParams,
    *,
    follow_up: FollowUp,
    num_turns: int,
) -> list[list[Chain]]:
    """The later attempts of the samples that begin with `first`."""
    problems = [problem for problem, _ in items]
    chains: list[list[Chain]] = [[(completion,) for completion in group] for group in first]
    seeds = [request.seeds for _, request in items]
    for turn in range(1, num_turns):
        requests = [
            Request(
                chain[-1].prompt_ids + chain[-1].token_ids + follow_up.after(problem, chain[-1]),
                (derived_seed(seed, "turn", turn),),
            )
            for problem, group, group_seeds in zip(problems, chains, seeds, strict=True)
            for chain, seed in zip(group, group_seeds, strict=True)
        ]
        answers = iter(engine.sample(requests, params))
        chains = [[(*chain, *next(answers)) for chain in group] for group in chains]
    return chains


def require_room(
    problems: Iterable[Problem],
    renderer: Renderer,
    follow_up: FollowUp,
    *,
    num_turns: int,
    max_new_tokens: int,
    max_context: int | None,
) -> None:
    """Raise ConfigError where a problem could outgrow the model's context in its last turn."""
    for problem in problems:
        opening, between = len(renderer.prompt_ids(problem)), len(follow_up.ids(problem))
        wanted = opening + num_turns * max_new_tokens + (num_turns - 1) * between
        if max_context is not None and wanted > max_context:
            raise ConfigError(
                f"the model's context of {max_context} tokens is too small for {num_turns} turns: "
                f"problem {problem.id!r} has a prompt of {opening}, {num_turns} attempts may take "
                f"{max_new_tokens} each, and the instruction takes {between}, which is {wanted}. "
                "Lower `lengths.max_new_tokens`, shorten `method.correction.instruction`, or use "
                "a model with a larger context."
            )


@dataclass(frozen=True, slots=True)
class AttemptCollector:
    """Samples chains of attempts and has every attempt graded.

    Attributes:
        collector: what samples and grades, how many samples a problem.
        follow_up: what stands between two attempts.
        num_turns: attempts of each sample.
    """

    collector: Collector
    follow_up: FollowUp
    num_turns: int

    def first_attempts(
        self, problems: Sequence[Problem], *, seed: int, num: int
    ) -> list[list[Completion]]:
        """First attempts of the last `num` samples of each problem, by the engine's model now."""
        requests = [
            Request(request.prompt_ids, request.seeds[-num:])
            for request in self.collector.requests(problems, seed=seed)
        ]
        return self.collector.engine.sample(requests, self.collector.params)

    def collect(
        self,
        problems: Sequence[Problem],
        *,
        seed: int,
        given: Sequence[Sequence[Completion]] = (),
    ) -> list[Group]:
        """One group per problem; a sample of which any attempt could not be graded is a failure.

        Args:
            problems: what is asked.
            seed: of this batch.
            given: per problem, first attempts of its last samples that another model has made
                (with this seed); they are context, and none of their tokens is an action.

        Raises GraderError where too many attempts fail to be graded.
        """
        requests = self.collector.requests(problems, seed=seed)
        given = given or [()] * len(problems)
        num_own = [self.collector.num_samples - len(group) for group in given]
        own = self.collector.engine.sample(
            [
                Request(request.prompt_ids, request.seeds[:num])
                for request, num in zip(requests, num_own, strict=True)
            ],
            self.collector.params,
        )
        chains = _continued(
            self.collector.engine,
            list(zip(problems, requests, strict=True)),
            [[*a, *b] for a, b in zip(own, given, strict=True)],
            self.collector.params,
            follow_up=self.follow_up,
            num_turns=self.num_turns,
        )
        pairs = [
            (problem, completion)
            for problem, group in zip(problems, chains, strict=True)
            for chain in group
            for completion in chain
        ]
        verdicts = self.collector.grader.grade(pairs)
        require_graded(verdicts, max_share=self.collector.max_failure_share)
        rest = iter(verdicts)
        return [
            _group(problem, [(chain, [next(rest) for _ in chain]) for chain in group], num)
            for problem, group, num in zip(problems, chains, num_own, strict=True)
        ]


def _group(
    problem: Problem,
    judged: Sequence[tuple[Chain, Sequence[Score | GraderFailure]]],
    num_own: int,
) -> Group:
    """`num_own`: samples, from the first, whose first attempt is the policy's own."""
    kept: list[Trajectory] = []
    failed: list[GraderFailure] = []
    for number, (chain, verdicts) in enumerate(judged):
        scores = [verdict for verdict in verdicts if isinstance(verdict, Score)]
        failures = [verdict for verdict in verdicts if isinstance(verdict, GraderFailure)]
        if failures:
            failed.append(failures[0])
        else:
            num_given = int(number >= num_own)
            kept.append(attempts_trajectory(problem, chain, scores, num_given=num_given))
    return Group(problem, tuple(kept), tuple(failed))


def is_own(sample: Trajectory, turn: Turn) -> bool:
    """Whether the policy made this attempt, so that its tokens are actions; else it is context."""
    return sample.is_action[turn.start]


def attempts_trajectory(
    problem: Problem, chain: Chain, scores: Sequence[Score], *, num_given: int = 0
) -> Trajectory:
    """One trajectory with a segment per attempt; score and text are the last one's.

    Segments are trainable but for the first `num_given`, which another model has made.
    """
    last = chain[-1]
    for before, after in pairwise(chain):
        sampled = before.prompt_ids + before.token_ids
        assert after.prompt_ids[: len(sampled)] == sampled, "an attempt continues the one before"
    size = len(last.prompt_ids) + len(last.token_ids)
    is_action, logp, sampler_logp = [False] * size, [0.0] * size, [0.0] * size
    turns = []
    for number, (completion, score) in enumerate(zip(chain, scores, strict=True)):
        start = len(completion.prompt_ids)
        stop = start + len(completion.token_ids)
        if number >= num_given:
            is_action[start:stop] = [True] * (stop - start)
            logp[start:stop] = completion.logp
            sampler_logp[start:stop] = completion.sampler_logp
        turns.append(Turn(start, stop, completion.text, score, completion.stop_reason))
    return Trajectory(
        problem_id=problem.id,
        token_ids=last.prompt_ids + last.token_ids,
        is_action=tuple(is_action),
        logp=tuple(logp),
        sampler_logp=tuple(sampler_logp),
        score=scores[-1],
        stop_reason=last.stop_reason,
        text=last.text,
        turns=tuple(turns),
    )
