"""What a policy's answers are worth, and how far the policy has gone from its reference.

Answers are sampled at temperature 1, so that the log-ratio log pi - log pi_ref, summed over an
answer, has the mean KL(pi || pi_ref). Of each answer: its proxy reward (what a policy is paid, by
any grader), its gold reward (where the task knows it), its length, and whether it ended by itself.
Usable for every way to train a policy: over a training these numbers are the curve of gold reward
against KL, on which over-optimisation is seen (Gao et al. 2022, arXiv:2210.10760).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import torch

from burnish.core.kl import k1
from burnish.data.feedback.kinds import true_reward
from burnish.evaluation.evaluate import evaluation_requests
from burnish.evaluation.statistics import bootstrap_mean
from burnish.graders.failures import require_graded
from burnish.graders.grader import Grader
from burnish.models.policy import Policy
from burnish.rollout.engine import Engine
from burnish.training.collection import trajectory
from burnish.training.experience import gather_experience
from burnish.training.learner import Metrics
from burnish.training.seeds import derived_seed
from burnish.training.stage import Measure
from burnish.training.workbench import Workbench
from burnish.types import Completion, Json, Problem, Score, Trajectory

Columns = Mapping[str, Sequence[float]]
"""By name a value for each problem, the mean of its answers: proxy, gold, kl, kl_token, length,
entropy, no_eos. Rewards that nobody can tell are missing."""
_UNGRADED = Score(0.0, False, None)


def measured_answers(
    bench: Workbench,
    policy: Policy,
    reference: Policy,
    problems: Sequence[Problem],
    *,
    payer: Grader | None,
    num_samples: int,
    seed: int,
    engine: Engine | None = None,
) -> Columns:
    """Sample answers to problems, and measure them.

    Args:
        policy, reference: with the same tokens.
        payer: gives the proxy reward; None: there is none.
        num_samples: answers to each problem.
        engine: of the policy, in step with it; None: a new one.

    Raises GraderError where the payer fails on too many.
    """
    renderer = bench.renderer(policy)
    items = [(problem, renderer.prompt_ids(problem)) for problem in problems]
    requests = evaluation_requests(items, num_samples=num_samples, seed=seed)
    sampled = (engine or bench.engine(policy)).sample(requests, bench.sampling(temperature=1.0))
    pairs = [(p, c) for p, group in zip(problems, sampled, strict=True) for c in group]
    rows: dict[str, dict[str, list[float]]] = {}
    facts = _facts(bench, pairs, policy, reference, payer)
    for (problem, _), numbers in zip(pairs, facts, strict=True):
        for name, value in numbers.items():
            rows.setdefault(name, {}).setdefault(problem.id, []).append(value)
    return {
        name: [fmean(values) for values in of_problem.values()] for name, of_problem in rows.items()
    }


def measure_of_answers(
    bench: Workbench,
    policy: Policy,
    reference: Policy,
    payer: Grader | None,
    *,
    kl_coef: float = 0.0,
    num_samples: int = 1,
) -> Measure:
    """Of `policy` as it stands whenever it is measured, on the dev problems: means of the columns.

    The first is `dev/objective`, proxy reward less `kl_coef` times the KL, where there is a proxy.
    """
    engine = bench.engine(policy)

    def measure() -> Metrics:
        engine.sync(policy.sampling_weights())
        columns = measured_answers(
            bench,
            policy,
            reference,
            bench.dev_problems(),
            payer=payer,
            num_samples=num_samples,
            seed=derived_seed(bench.seed, "dev answers"),
            engine=engine,
        )
        means = {name: fmean(values) for name, values in columns.items()}
        found = {f"dev/sampled_{name}": value for name, value in means.items()}
        if "proxy" not in means:
            return found
        return {"dev/objective": means["proxy"] - kl_coef * means["kl"], **found}

    return measure


def answer_intervals(columns: Columns) -> dict[str, Json]:
    """The mean of each column with its bootstrap interval over problems."""
    return {name: bootstrap_mean(values, seed=0).as_json() for name, values in columns.items()}


def _facts(
    bench: Workbench,
    pairs: Sequence[tuple[Problem, Completion]],
    policy: Policy,
    reference: Policy,
    payer: Grader | None,
) -> list[dict[str, float]]:
    """The numbers of each answer."""
    samples = [trajectory(problem, completion, _UNGRADED) for problem, completion in pairs]
    found = _distances(bench, samples, policy, reference)
    for numbers, (problem, completion) in zip(found, pairs, strict=True):
        numbers["length"] = float(len(completion.token_ids))
        numbers["no_eos"] = float(completion.is_truncated)
        gold = true_reward(bench.task, problem, completion.text)
        if gold is not None:
            numbers["gold"] = gold["reward"]
    if payer is not None:
        verdicts = payer.grade(pairs)
        require_graded(verdicts, max_share=bench.max_grader_failures)
        for numbers, verdict in zip(found, verdicts, strict=True):
            if isinstance(verdict, Score):
                numbers["proxy"] = verdict.reward
    return found


@torch.no_grad()
def _distances(
    bench: Workbench, samples: Sequence[Trajectory], policy: Policy, reference: Policy
) -> list[dict[str, float]]:
    """KL estimate and entropy of each sample."""
    found: dict[int, dict[str, float]] = {}
    for e in gather_experience(
        samples,
        policy=policy,
        reference=reference,
        critic=None,
        max_tokens=bench.compute.max_tokens_per_batch,
    ):
        sizes = e.batch.action_mask.sum(dim=1)
        kl = k1(e.old_logp, e.ref_logp).sum(dim=1)
        entropy = e.entropy.sum(dim=1) / sizes
        for row, sample in enumerate(e.trajectories):
            found[id(sample)] = {
                "kl": kl[row].item(),
                "kl_token": (kl[row] / sizes[row]).item(),
                "entropy": entropy[row].item(),
            }
    return [found[id(sample)] for sample in samples]
