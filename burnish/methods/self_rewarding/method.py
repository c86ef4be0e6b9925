"""Self-Rewarding: sample, judge, prefer the best to the worst by DPO, and again.

Yuan et al. 2024, Self-Rewarding Language Models (arXiv:2401.10020), as a baseline of ReST-MCTS*
(arXiv:2406.03816). README.md beside this file has the equations, and where papers and code differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.methods.self_rewarding.judges import AnyJudgeConfig
from burnish.methods.self_rewarding.pairing import Candidate, Judgement, pair_up
from burnish.methods.self_rewarding.words import PolicyJudgeConfig
from burnish.training.learner import Metrics, OptimizerConfig
from burnish.training.preference import PreferenceConfig, prefer
from burnish.training.preference_pairs import read_pairs
from burnish.training.row_files import read_rows, write_rows
from burnish.training.samples import (
    GradedSample,
    SampleDataConfig,
    collect_samples,
    read_samples,
    samples_by_problem,
)
from burnish.training.seeds import derived_seed
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.workbench import Workbench

WARM_UP = "warm_up"
_JUDGEMENT = TypeAdapter(Judgement)


class CandidatesConfig(SampleDataConfig):
    """What one round samples; the defaults are the Self-Rewarding paper's."""

    samples_per_problem: int = Field(default=4, ge=2)
    """N: candidates of each problem, at most; the paper: 4."""
    top_k: int = Field(default=0, ge=0)
    """Drawn from are the k most likely tokens; 0: all."""
    top_p: float = Field(default=0.9, gt=0, le=1)
    """Drawn from are the likeliest tokens that together have this probability; 1: all."""


class PreferTrainingConfig(PreferenceConfig):
    """DPO of one round; the defaults are those of ReST-MCTS*'s code, batch size and all."""

    batch_size: int = Field(default=16, ge=1)
    """Pairs of one update; all of them where there are fewer. The Self-Rewarding paper: 16; the
    code of ReST-MCTS*: 2 on each device."""
    optimizer: OptimizerConfig = OptimizerConfig(learning_rate=3e-6, warmup_ratio=0.0)
    """AdamW; the Self-Rewarding paper: 1e-6."""


class SelfRewardingConfig(Config):
    """Rounds of sampling, judging and DPO."""

    type: Literal["self_rewarding"] = "self_rewarding"
    warm_up: SupervisedConfig | None = None
    """Supervised fine-tuning on the annotated rows, with whose model the first round begins;
    default: none, it begins with the recipe's model."""
    rounds: int = Field(default=2, ge=1)
    """Rounds; both papers: 2."""
    sample: CandidatesConfig = CandidatesConfig()
    """The candidates of one round, sampled from the model of the round before."""
    judge: AnyJudgeConfig = PolicyJudgeConfig()
    """Who scores the candidates: policy (the round's model itself, as in both papers), value_model
    (a trained process reward model) or grader (the gold answers)."""
    judge_batch_size: int = Field(default=32, ge=1)
    """Problems whose candidates are judged in one step."""
    train: PreferTrainingConfig = PreferTrainingConfig()
    """The training of one round, from the round's model and with it as the reference."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """warm_up where there is one, then sample_1, judge_1, train_1, sample_2 and so on."""
        stages: list[Stage] = []
        model: str | None = None
        if self.warm_up is not None:
            warm_up = partial(imitate, bench=bench, config=self.warm_up)
            stages.append(Stage(WARM_UP, warm_up, hands_on="last"))
            model = WARM_UP
        for number in range(1, self.rounds + 1):
            data, name = f"judge_{number}", f"train_{number}"
            stages += [
                Stage(
                    f"sample_{number}",
                    partial(sample, bench=bench, config=self, model=model),
                    hands_on=None,
                ),
                Stage(
                    data,
                    partial(judge, bench=bench, config=self, data=f"sample_{number}", model=model),
                    hands_on=None,
                ),
                Stage(
                    name,
                    partial(train, bench=bench, config=self, data=data, model=model),
                    hands_on=self.train.hands_on,
                ),
            ]
            model = name
        return stages


def sample(
    run: StageRun, *, bench: Workbench, config: SelfRewardingConfig, model: str | None
) -> Iterator[StepResult]:
    """A stage that trains nothing: candidates of the round's model.

    Args:
        model: the earlier stage whose model it is; None is the recipe's own.
    """
    policy = bench.load_policy(run.artifacts[model] if model else None)
    yield from collect_samples(run, bench=bench, policy=policy, config=config.sample)


def judge(
    run: StageRun,
    *,
    bench: Workbench,
    config: SelfRewardingConfig,
    data: str,
    model: str | None,
) -> Iterator[StepResult]:
    """A stage that trains nothing: scores of the candidates, and the pairs that follow from them.

    One step judges one batch of problems and leaves one file in `pieces/`, whole or not there; a
    piece that is there is not judged again.

    Args:
        data: the stage that has sampled the candidates.
        model: the earlier stage whose model the round begins with; None is the recipe's own.
    """
    policy = bench.load_policy(run.artifacts[model] if model else None)
    judge_of_round = config.judge.build(bench, policy)
    problems = {problem.id: problem for problem in bench.problems("train")}
    groups = [*samples_by_problem(read_samples(run.artifacts[data])).values()]
    starts = range(0, len(groups), config.judge_batch_size)
    for step in run.steps(len(starts), model=None, state={}, eval_every=1):
        batch = _flat(groups[starts[step] : starts[step] + config.judge_batch_size])
        piece = _piece(run.folder, step)
        if not piece.exists():
            judgements = judge_of_round.judge(
                [problems[candidate.problem_id] for candidate in batch],
                batch,
                seed=derived_seed(run.seed, "judge", step),
            )
            write_rows(piece, judgements, _JUDGEMENT)
        yield StepResult(judge_metrics(batch, read_rows(piece, _JUDGEMENT)))
    judgements = iter(
        [row for n in range(len(starts)) for row in read_rows(_piece(run.folder, n), _JUDGEMENT)]
    )
    judged = [[Candidate(sample, next(judgements)) for sample in group] for group in groups]
    num_asked = config.sample.num_problems or len(problems)
    pair_up(run.folder, judged, num_asked=num_asked)


def train(
    run: StageRun,
    *,
    bench: Workbench,
    config: SelfRewardingConfig,
    data: str,
    model: str | None,
) -> Iterator[StepResult]:
    """A stage: DPO on the round's pairs, from the round's model and with it as the reference.

    Args:
        data: the stage that has paired the candidates.
        model: the earlier stage whose model the round begins with; None is the recipe's own.
    """
    yield from prefer(
        run,
        bench.load_policy(run.artifacts[model] if model else None),
        read_pairs(run.artifacts[data] / "pairs.jsonl"),
        config=config.train,
        max_tokens=bench.compute.max_tokens_per_batch,
    )


def judge_metrics(candidates: list[GradedSample], judgements: list[Judgement]) -> Metrics:
    """Of one batch: how much could be read, and how far right answers are above wrong ones."""
    scored = [
        (judgement.score, candidate.score.is_correct)
        for candidate, judgement in zip(candidates, judgements, strict=True)
        if judgement.score is not None
    ]
    metrics: Metrics = {"judge/readable": len(scored) / len(judgements)}
    if scored:
        metrics["judge/score"] = fmean(score for score, _ in scored)
    for name, wanted in (("right", True), ("wrong", False)):
        scores = [score for score, is_right in scored if is_right is wanted]
        if scores:
            metrics[f"judge/score_of_{name}"] = fmean(scores)
    return metrics


def _flat(groups: list[list[GradedSample]]) -> list[GradedSample]:
    return [candidate for group in groups for candidate in group]


def _piece(folder: Path, step: int) -> Path:
    return folder / "pieces" / f"{step:06d}.jsonl"
