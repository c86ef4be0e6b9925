"""What a model is selected by where nobody but a judge can tell: duels with its reference.

    win_rate = mean over held-out prompts of P(the model's answer is better than the reference's)

Both answer the dev problems once, sampled with the same seeds each time. Where the task knows the
true reward, which the judge is not told, it stands beside, with the KL from where training began.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from pydantic import TypeAdapter

from burnish.data.feedback.kinds import true_reward
from burnish.evaluation.answer_measure import measure_of_answers
from burnish.graders.grader import Grader
from burnish.models.policy import Policy
from burnish.rollout.engine import Engine, SamplingParams
from burnish.training.candidate_judging import CandidateJudge
from burnish.training.collection import Collector
from burnish.training.judging.judge_grader import TrueRewardGrader
from burnish.training.judging.labels import EVEN
from burnish.training.learner import Metrics
from burnish.training.row_files import read_rows, write_rows
from burnish.training.samples import GradedSample, sample_of
from burnish.training.seeds import derived_seed
from burnish.training.stage import Measure
from burnish.training.workbench import Workbench

_SAMPLE = TypeAdapter(GradedSample)


def measure_of_duels(
    folder: Path,
    bench: Workbench,
    policy: Policy,
    judge: CandidateJudge,
    *,
    params: SamplingParams,
    origin: Path | None,
) -> Measure:
    """Of `policy` as it stands whenever it is measured; what it is now is the reference of duels.

    Args:
        folder: keeps the reference's answers; must be called before the policy is changed.
        params: how answers are sampled.
        origin: the folder of the model that the KL is taken from; None is the recipe's own.
    """
    grader, engine = TrueRewardGrader(bench.task), bench.engine(policy)
    kept = folder / "reference_answers.jsonl"
    if not kept.exists():
        write_rows(kept, _answers(bench, policy, engine, grader, params), _SAMPLE)
    before = read_rows(kept, _SAMPLE)
    distance = None
    if true_reward(bench.task, bench.dev_problems()[0], "") is not None:
        distance = measure_of_answers(bench, policy, bench.load_policy(origin), None)

    def measure() -> Metrics:
        engine.sync(policy.sampling_weights())
        after = _answers(bench, policy, engine, grader, params)
        found = duel_metrics(bench, judge, before, after)
        return found if distance is None else {**found, **distance()}

    return measure


def duel_metrics(
    bench: Workbench,
    judge: CandidateJudge,
    before: Sequence[GradedSample],
    after: Sequence[GradedSample],
) -> Metrics:
    """Answers to the dev problems by the reference and by the model: who wins, and at what cost.

    `dev/undecided` is the share of duels of which the judge says nothing: they count as none.
    """
    problems = {problem.id: problem for problem in bench.dev_problems()}
    both = [sample for pair in zip(before, after, strict=True) for sample in pair]
    said = judge.judge(
        [problems[sample.problem_id] for sample in both],
        both,
        seed=derived_seed(bench.seed, "duels"),
    )
    leads = [
        new.score - old.score
        for old, new in zip(said[::2], said[1::2], strict=True)
        if old.score is not None and new.score is not None
    ]
    wins = [EVEN if lead == 0 else float(lead > 0) for lead in leads]
    return {
        "dev/win_rate": fmean(wins) if wins else EVEN,
        "dev/undecided": 1.0 - len(wins) / len(after),
        "dev/length": fmean(len(sample.token_ids) for sample in after),
        "dev/judge_tokens": float(sum(judgement.num_tokens for judgement in said)),
    }


def _answers(
    bench: Workbench, policy: Policy, engine: Engine, grader: Grader, params: SamplingParams
) -> list[GradedSample]:
    collector = Collector(
        engine=engine,
        renderer=bench.renderer(policy),
        grader=grader,
        task=bench.task,
        params=params,
        num_samples=1,
    )
    groups = collector.collect(bench.dev_problems(), seed=derived_seed(bench.seed, "duel answers"))
    return [sample_of(group.trajectories[0]) for group in groups]
