"""Self-Rewarding: sample, judge, prefer the best to the worst by DPO, and again.

Yuan et al. 2024, Self-Rewarding Language Models (arXiv:2401.10020), as a baseline of ReST-MCTS*
(arXiv:2406.03816). README.md beside this file has the equations, and where papers and code differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from pydantic import Field

from burnish.config import Config
from burnish.methods.self_rewarding.judges import AnyJudgeConfig
from burnish.methods.self_rewarding.words import PolicyJudgeConfig
from burnish.training.candidate_judging import (
    CandidatesConfig,
    judge_candidates,
    judged_candidates,
)
from burnish.training.candidate_pairs import pair_up
from burnish.training.learner import OptimizerConfig
from burnish.training.preference import PreferenceConfig, prefer
from burnish.training.preference_pairs import read_pairs
from burnish.training.samples import collect_samples, read_samples
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.workbench import Workbench

WARM_UP = "warm_up"


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

    Args:
        data: the stage that has sampled the candidates.
        model: the earlier stage whose model the round begins with; None is the recipe's own.
    """
    policy = bench.load_policy(run.artifacts[model] if model else None)
    problems = {problem.id: problem for problem in bench.problems("train")}
    samples = read_samples(run.artifacts[data])
    yield from judge_candidates(
        run,
        samples,
        problems=problems,
        judge=config.judge.build(bench, policy),
        batch_size=config.judge_batch_size,
    )
    num_asked = config.sample.num_problems or len(problems)
    pair_up(run.folder, judged_candidates(run.folder, samples), num_asked=num_asked)


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
