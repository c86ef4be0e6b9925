"""The end of a reward model's run: held-out and out-of-distribution agreement, length, calibration,
and the true reward where the task knows it; of an ensemble also what doubt is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from burnish.data.feedback.kinds import Feedback, FeedbackSet, FeedbackSplit, FeedbackTask
from burnish.methods.reward_model.reporting import answers_in, gold_report, label_report
from burnish.models.answer_reader import AnswerReader
from burnish.models.reward_model import RewardModel
from burnish.models.reward_values import RewardEnsemble, RewardJudge, Units
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.training.reward_model import row_scores
from burnish.training.reward_model_comparisons import ComparisonsConfig
from burnish.training.reward_model_stage import (
    FIT_STAGE,
    FeedbackConfig,
    comments_stage,
    feedback_of,
    gate_stage,
    objective_of_head,
)
from burnish.training.reward_training import RewardTrainingConfig
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench
from burnish.types import Json

_SPLITS: Sequence[FeedbackSplit] = ("test", "shifted")


def reward_model_results(
    config: RewardTrainingConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
    name: str = FIT_STAGE,
) -> dict[str, Json]:
    """For each trained model its numbers on `test` and `shifted`, then the ensemble's.

    Args:
        config: how it was trained.
        name: of the reward model in the run.
    """
    task = bench.task
    assert isinstance(task, FeedbackTask)
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    judged = at.get(comments_stage(name))
    tested = _Tested(bench, task, judged, config.feedback, config.weights)
    measured = dict.fromkeys(config.fit_stages(name), tested)
    if config.gate is not None:
        measured[gate_stage(name)] = _Tested(bench, task, None, ComparisonsConfig(), None)
    results: dict[str, Json] = {}
    for stage, test in measured.items():
        kept = at[stage] / "test" / "rewards.json"
        if not kept.exists():
            progress.note(f"testing {stage} on held-out feedback")
            found = test.results(at[stage] / "selected")
            folder.write_json(str(kept.relative_to(folder.path)), found)
        known = json.loads(kept.read_text(encoding="utf-8"))
        summary = json.loads((at[stage] / "stage.json").read_text(encoding="utf-8"))
        results[stage] = {**known, **{k: summary[k] for k in ("steps", "selected_step")}}
    if config.num_models > 1:
        members = [at[stage] / "selected" for stage in config.fit_stages(name)]
        key = "ensemble" if name == FIT_STAGE else f"{name}_ensemble"
        results[key] = tested.ensemble(members, k=config.pessimism)
    return results


@dataclass(frozen=True, slots=True)
class _Tested:
    """What trained reward models are measured on.

    Attributes:
        bench, task: of the run.
        judged: the folder of the stage that had comments read, where there is one.
        feedback: the kind that is asked about.
        weights: of attributes in the reward.
    """

    bench: Workbench
    task: FeedbackTask
    judged: Path | None
    feedback: FeedbackConfig
    weights: Mapping[str, float] | None

    def results(self, folder: Path) -> dict[str, Json]:
        """Of the model in `folder`, by split; one without feedback is left out."""
        model = self.bench.load_reward_model(folder)
        found: dict[str, Json] = {}
        for split in _SPLITS:
            feedback = self._feedback(split)
            if feedback.rows:
                skipped: dict[str, Json] = {"skipped": {**feedback.skipped}}
                found[split] = {**self._measured(model, feedback.rows), **skipped}
        return found

    def ensemble(self, folders: Sequence[Path], *, k: float) -> dict[str, Json]:
        """The mean and the pessimistic reward against the gold one, and where members disagree."""
        models = [self.bench.load_reward_model(folder) for folder in folders]
        reader = AnswerReader(self.bench.renderer(models[0]), models[0])
        judges = [self._judge(model) for model in models]
        dev = answers_in(self._feedback("dev").rows, self.task)
        known = [reader(a.problem, a.text) for a in dev]
        ensemble = RewardEnsemble(judges, [Units.of(judge.rewards(known)) for judge in judges])
        found: dict[str, Json] = {"k": k}
        for split in _SPLITS:
            answers = answers_in(self._feedback(split).rows, self.task)
            if answers:
                said = ensemble.rewards([reader(a.problem, a.text) for a in answers])
                found[split] = {
                    "disagreement": fmean(reward.deviation for reward in said),
                    "mean": gold_report(answers, [reward.mean for reward in said]),
                    "pessimistic": gold_report(answers, [r.pessimistic(k) for r in said]),
                }
        return found

    def _measured(self, model: RewardModel, feedback: Sequence[Feedback]) -> dict[str, Json]:
        reader = AnswerReader(self.bench.renderer(model), model)
        rows = objective_of_head(self.feedback, model.head).rows(feedback, reader)
        max_tokens = self.bench.compute.max_tokens_per_batch
        found = label_report(model, rows, row_scores(model, rows, max_tokens=max_tokens))
        answers = answers_in(feedback, self.task)
        rewards = self._judge(model).rewards([reader(a.problem, a.text) for a in answers])
        return {"num": len(rows), **found, **gold_report(answers, rewards)}

    def _judge(self, model: RewardModel) -> RewardJudge:
        max_tokens = self.bench.compute.max_tokens_per_batch
        return RewardJudge(model, max_tokens=max_tokens, weights=self.weights)

    def _feedback(self, split: FeedbackSplit) -> FeedbackSet:
        return feedback_of(self.task, self.feedback, split, self.judged)
