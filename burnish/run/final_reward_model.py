"""The end of a reward model's run: held-out and out-of-distribution agreement, length, calibration,
and the true reward where the task knows it; of an ensemble also what doubt is worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from burnish.data.feedback.kinds import Feedback, FeedbackSplit, FeedbackTask
from burnish.evaluation.reward_model_metrics import rank_correlation
from burnish.methods.reward_model.fit import objective_of_head
from burnish.methods.reward_model.method import RewardModelConfig
from burnish.methods.reward_model.reporting import Answer, answers_in, gold_report, label_report
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.training.reward_model import row_scores
from burnish.training.reward_model_rows import AnswerReader
from burnish.training.reward_model_values import RewardEnsemble, RewardJudge, Units
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench
from burnish.types import Json

_SPLITS: Sequence[FeedbackSplit] = ("test", "shifted")


def reward_model_results(
    method: RewardModelConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """For each trained model its numbers on `test` and `shifted`, then the ensemble's."""
    task = bench.task
    assert isinstance(task, FeedbackTask)
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    results: dict[str, Json] = {}
    for name in method.stage_names:
        kept = at[name] / "test" / "rewards.json"
        if not kept.exists():
            progress.note(f"testing {name} on held-out feedback")
            found = _Tested(method, bench, task, at[name] / "selected").results()
            folder.write_json(str(kept.relative_to(folder.path)), found)
        results[name] = json.loads(kept.read_text(encoding="utf-8"))
        summary = json.loads((at[name] / "stage.json").read_text(encoding="utf-8"))
        results[name] |= {k: summary[k] for k in ("steps", "selected_step")}
    if method.num_models > 1:
        members = [at[name] / "selected" for name in method.stage_names]
        results["ensemble"] = _ensemble_results(method, bench, task, members)
    return results


@dataclass(frozen=True, slots=True)
class _Tested:
    """A trained reward model, and what it is measured on."""

    method: RewardModelConfig
    bench: Workbench
    task: FeedbackTask
    folder: Path

    def results(self) -> dict[str, Json]:
        """By split; one without feedback is left out."""
        found: dict[str, Json] = {}
        for split in _SPLITS:
            feedback = self.task.feedback(self.method.feedback.type, split)
            if feedback.rows:
                skipped: dict[str, Json] = {"skipped": {**feedback.skipped}}
                found[split] = {**self._measured(feedback.rows), **skipped}
        return found

    def _measured(self, feedback: Sequence[Feedback]) -> dict[str, Json]:
        model = self.bench.load_reward_model(self.folder)
        max_tokens = self.bench.compute.max_tokens_per_batch
        reader = AnswerReader(self.bench.renderer(model), model)
        rows = objective_of_head(self.method.feedback, model.head).rows(feedback, reader)
        found = label_report(model, rows, row_scores(model, rows, max_tokens=max_tokens))
        answers = answers_in(feedback, self.task)
        judge = RewardJudge(model, max_tokens=max_tokens, weights=self.method.weights)
        rewards = judge.rewards([reader(a.problem, a.text) for a in answers])
        return {"num": len(rows), **found, **gold_report(answers, rewards)}


def _ensemble_results(
    method: RewardModelConfig, bench: Workbench, task: FeedbackTask, folders: Sequence[Path]
) -> dict[str, Json]:
    """The mean and the pessimistic reward against the gold one, and where members disagree."""
    models = [bench.load_reward_model(folder) for folder in folders]
    reader = AnswerReader(bench.renderer(models[0]), models[0])
    max_tokens = bench.compute.max_tokens_per_batch
    judges = [RewardJudge(m, max_tokens=max_tokens, weights=method.weights) for m in models]
    dev = answers_in(task.feedback(method.feedback.type, "dev").rows, task)
    known = [reader(a.problem, a.text) for a in dev]
    ensemble = RewardEnsemble(judges, [Units.of(judge.rewards(known)) for judge in judges])
    found: dict[str, Json] = {"k": method.pessimism}
    for split in _SPLITS:
        answers: list[Answer] = answers_in(task.feedback(method.feedback.type, split).rows, task)
        if not answers:
            continue
        said = ensemble.rewards([reader(a.problem, a.text) for a in answers])
        means = [reward.mean for reward in said]
        found[split] = {
            "disagreement": fmean(reward.deviation for reward in said),
            "disagreement_with_length": rank_correlation(
                [reward.deviation for reward in said], [len(a.text) for a in answers]
            ),
            "mean": gold_report(answers, means),
            "pessimistic": gold_report(answers, [r.pessimistic(method.pessimism) for r in said]),
        }
    return found
