"""Best-of-n distillation: sample n answers, keep the one that a judge likes best, imitate it.

Often called RLAIF or rejection sampling (as in Llama 2, arXiv:2307.09288, section 3.2.3), it is
supervised fine-tuning: nothing is learnt from the answers that lose, and nothing holds the model
near where it started but the size of the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.errors import DataError
from burnish.evaluation.judged_duels import measure_of_duels
from burnish.training.candidate_judging import (
    CandidatesConfig,
    judge_candidates,
    judged_candidates,
)
from burnish.training.candidate_pairs import Candidate
from burnish.training.judging.candidate_judges import (
    AnyCandidateJudgeConfig,
    GraderJudgeConfig,
    PairsJudgeConfig,
)
from burnish.training.judging.judge_grader import TrueRewardGrader
from burnish.training.row_files import read_rows, write_rows
from burnish.training.samples import GradedSample, collect_samples, read_samples
from burnish.training.stage import Stage, StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate_examples, imitate_written
from burnish.training.workbench import Workbench

SFT, SAMPLE, JUDGE, DISTIL = "sft", "sample", "judge", "distil"
_SAMPLE = TypeAdapter(GradedSample)
_COUNTS = TypeAdapter(dict[str, float])


class BestOfNSamplesConfig(CandidatesConfig):
    """The answers to choose from."""

    samples_per_problem: int = Field(default=8, ge=2)
    """n: answers to each problem."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the answers."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Drawn from are the likeliest tokens that together have this probability; 1: all."""


class BestOfNDistillationConfig(Config):
    """Imitate the best of n."""

    type: Literal["best_of_n_distillation"] = "best_of_n_distillation"
    """the method"""
    sft: SupervisedConfig | None = None
    """Supervised fine-tuning on the task's written answers, whose model then answers and is
    distilled; default: the recipe's model."""
    sample: BestOfNSamplesConfig = BestOfNSamplesConfig()
    """The answers to choose from."""
    judge: AnyCandidateJudgeConfig = PairsJudgeConfig()
    """Who chooses: pairs, scores or grader."""
    judge_batch_size: int = Field(default=32, ge=1)
    """Problems whose answers are judged in one step."""
    train: SupervisedConfig = SupervisedConfig(epochs=1)
    """The imitation of what was chosen, selected by duels with the start on held-out prompts."""
    hands_on: Literal["selected", "last"] = "last"
    """Which model stands for the method."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sft where there is one, sample, judge, distil."""
        stages: list[Stage] = []
        if self.sft is not None:
            learn = partial(imitate_written, bench=bench, config=self.sft)
            stages.append(Stage(SFT, learn, hands_on="last"))
        return [
            *stages,
            Stage(SAMPLE, partial(self._sample, bench=bench), hands_on=None),
            Stage(JUDGE, partial(self._judge, bench=bench), hands_on=None),
            Stage(DISTIL, partial(self._distil, bench=bench), hands_on=self.hands_on),
        ]

    @property
    def start(self) -> str | None:
        """The stage whose model answers; None is the recipe's."""
        return None if self.sft is None else SFT

    def _start(self, run: StageRun) -> Path | None:
        return run.artifacts[self.start] if self.start else None

    def _sample(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage that trains nothing: n answers; they are graded only for a judge that grades."""
        policy = bench.load_policy(self._start(run))
        if not isinstance(self.judge, GraderJudgeConfig):
            bench = replace(bench, grader=TrueRewardGrader(bench.task))
        yield from collect_samples(run, bench=bench, policy=policy, config=self.sample)

    def _judge(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage that trains nothing: scores, and the best answer of each problem."""
        samples = read_samples(run.artifacts[SAMPLE])
        yield from judge_candidates(
            run,
            samples,
            problems={problem.id: problem for problem in bench.problems("train")},
            judge=self.judge.build(bench),
            batch_size=self.judge_batch_size,
        )
        keep_best(run.folder, judged_candidates(run.folder, samples))

    def _distil(self, run: StageRun, *, bench: Workbench) -> Iterator[StepResult]:
        """A stage: minimise -E log pi(best answer | x) from the model that has answered."""
        policy = bench.load_policy(self._start(run))
        yield from imitate_examples(
            run,
            policy,
            [
                sample.example()
                for sample in read_rows(run.artifacts[JUDGE] / "best.jsonl", _SAMPLE)
            ],
            config=self.train,
            max_tokens=bench.compute.max_tokens_per_batch,
            measure=measure_of_duels(
                run.folder,
                bench,
                policy,
                self.judge.build(bench),
                params=self.sample.params(bench),
                origin=self._start(run),
            ),
        )


def best_of(candidates: Sequence[Candidate]) -> Candidate | None:
    """The candidate with the highest score, the first of several; None where none has a score."""
    scored = [(c.judgement.score, c) for c in candidates if c.judgement.score is not None]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def keep_best(folder: Path, groups: Sequence[Sequence[Candidate]]) -> None:
    """Leave `best.jsonl` and `counts.json` in the folder of the stage that judged `groups`.

    Raises DataError where no answer has a score.
    """
    best = [found for group in groups if (found := best_of(group)) is not None]
    everything = [candidate for group in groups for candidate in group]
    counts = {
        "asked": float(len(groups)),
        "samples": float(len(everything)),
        "sampled_tokens": float(sum(len(c.sample.token_ids) for c in everything)),
        "judge_tokens": float(sum(c.judgement.num_tokens for c in everything)),
        "unreadable": float(sum(c.judgement.score is None for c in everything)),
        "kept": float(len(best)),
        "reward_of_all": fmean(c.sample.score.reward for c in everything) if everything else 0.0,
        "reward_of_best": fmean(c.sample.score.reward for c in best) if best else 0.0,
    }
    write_rows(folder / "best.jsonl", [c.sample for c in best], _SAMPLE)
    write_rows(folder / "counts.json", [counts], _COUNTS)
    if not best:
        raise DataError(
            f"{folder}: of {len(everything)} answers none got a score that can be read, so there is"
            " nothing to imitate. Look at the judge's prompt and options, or take another judge."
        )
