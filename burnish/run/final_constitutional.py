"""The end of a Constitutional AI run: what paid runs report, and a card for each principle.

Held-out problems are answered greedily by the start model, whose answers are then criticised and
revised as in training, by the model that has learnt revisions, and by the one after RL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from burnish.data.feedback.kinds import FeedbackTask
from burnish.evaluation.statistics import bootstrap_mean
from burnish.graders.grader import Grader
from burnish.methods.constitutional.constitution import load_constitution
from burnish.methods.constitutional.method import (
    PREFERENCE_MODEL,
    REVISE,
    RL_CAI,
    SL_CAI,
    ConstitutionalConfig,
)
from burnish.methods.constitutional.revise import TRANSCRIPTS, reviser_of
from burnish.methods.constitutional.scorecard import (
    AnsweredProblem,
    gold_change,
    principle_scores,
)
from burnish.methods.constitutional.transcripts import (
    Transcript,
    read_transcripts,
    transcript_counts,
    write_transcripts,
)
from burnish.run.final_answers import answer_results
from burnish.run.final_reward_model import reward_model_results
from burnish.run.folder import RunFolder
from burnish.run.progress import Progress
from burnish.run.recipe import Recipe
from burnish.training.answer_rewards import WeightedRewards, read_units
from burnish.training.answer_rl import UNITS_FILE
from burnish.training.reward_training import RewardTrainingConfig
from burnish.training.seeds import derived_seed
from burnish.training.stage import Stage, StageRun
from burnish.training.workbench import Workbench
from burnish.types import Json, Problem

REVISED, REWARD = "revised", "reward"


def constitutional_results(
    recipe: Recipe,
    method: ConstitutionalConfig,
    bench: Workbench,
    folder: RunFolder,
    stages: Sequence[Stage],
    *,
    progress: Progress,
) -> dict[str, Json]:
    """What `answer_results` reports, the preference model's numbers where the task has comparisons,
    `revisions` (what answers are worth after each round) and `scorecard`."""
    at = {stage.name: folder.stage(n, stage.name) for n, stage in enumerate(stages, start=1)}
    artifacts = {stage.name: at[stage.name] / (stage.hands_on or "") for stage in stages}

    def payer() -> Grader:
        run = StageRun(RL_CAI, at[RL_CAI], seed=recipe.seed, artifacts=artifacts)
        units = read_units(at[RL_CAI] / UNITS_FILE)
        return WeightedRewards(method.sources(run, bench=bench), units)

    found = answer_results(
        recipe, bench, folder, stages, reference=SL_CAI, payer=payer, progress=progress
    )
    if isinstance(bench.task, FeedbackTask):
        fitted = RewardTrainingConfig(feedback=method.preference_model.feedback)
        found["reward_models"] = {
            **reward_model_results(
                fitted, bench, folder, stages, progress=progress, name=PREFERENCE_MODEL
            )
        }
    test = _Tested(recipe, method, bench, folder, at, artifacts, progress)
    transcripts = test.transcripts()
    found["revisions"] = revision_results(transcripts)
    found["scorecard"] = test.scorecard(transcripts)
    return found


@dataclass(frozen=True, slots=True)
class _Tested:
    """The test problems, and the run's models on them."""

    recipe: Recipe
    method: ConstitutionalConfig
    bench: Workbench
    folder: RunFolder
    at: Mapping[str, Path]
    artifacts: Mapping[str, Path]
    progress: Progress

    @property
    def problems(self) -> list[Problem]:
        """Those that are asked."""
        return self.bench.problems("test")[: self.recipe.evaluation.num_test]

    def transcripts(self) -> list[Transcript]:
        """Greedy answers of the start model with all rounds; read back where they were made."""
        kept = self.at[REVISE] / "test" / TRANSCRIPTS
        if kept.exists():
            return read_transcripts(kept)
        self.progress.note(f"revising answers to {len(self.problems)} test problems")
        constitution = load_constitution(self.method.constitution)
        policy = self.bench.load_policy(self._start)
        reviser = reviser_of(self.bench, policy, self.method.revise, constitution)
        seed = derived_seed(self.recipe.seed, "test revisions")
        problems = self.problems
        found = reviser.greedy_answers(problems, seed=seed)
        for number in range(self.method.revise.rounds):
            found = reviser.revise(problems, found, seed=derived_seed(seed, number))
        write_transcripts(kept, found)
        return found

    def scorecard(self, transcripts: Sequence[Transcript]) -> dict[str, Json]:
        """By model, by principle; read back where it was made."""
        kept = self.at[RL_CAI] / "test" / "scorecard.json"
        if not kept.exists():
            self.progress.note("comparing answers by every principle of the constitution")
            self.folder.write_json(
                str(kept.relative_to(self.folder.path)), self._scored(transcripts)
            )
        found: dict[str, Json] = json.loads(kept.read_text(encoding="utf-8"))
        return found

    @property
    def _start(self) -> Path | None:
        name = self.method.answerer
        return None if name is None else self.artifacts[name]

    def _scored(self, transcripts: Sequence[Transcript]) -> dict[str, Json]:
        constitution = load_constitution(self.method.constitution)
        judge = self.method.feedback.build(self.bench, constitution)
        later = {REVISED: [transcript.text for transcript in transcripts]}
        later |= {name: self._greedy(name) for name in (SL_CAI, RL_CAI)}
        seed = derived_seed(self.recipe.seed, "scorecard")
        models: dict[str, Json] = {}
        for name, texts in later.items():
            rows = [
                AnsweredProblem(problem, transcript.answer, text)
                for problem, transcript, text in zip(self.problems, transcripts, texts, strict=True)
            ]
            scores = principle_scores(judge, self.bench.task, rows, seed=seed)
            models[name] = {"principles": scores, **gold_change(self.bench.task, REWARD, rows)}
        return {
            "start": self.method.answerer or "base",
            "judge": judge.name,
            "models": models,
        }

    def _greedy(self, name: str) -> list[str]:
        policy = self.bench.load_policy(self.artifacts[name])
        constitution = load_constitution(self.method.constitution)
        reviser = reviser_of(self.bench, policy, self.method.revise, constitution)
        return [t.answer for t in reviser.greedy_answers(self.problems, seed=self.recipe.seed)]


def revision_results(transcripts: Sequence[Transcript]) -> dict[str, Json]:
    """`counts`, and `rounds`: after 0, 1, ... revisions, the true numbers where they are known."""
    num_rounds = max(len(transcript.rounds) for transcript in transcripts)
    rounds: list[Json] = []
    for number in range(num_rounds + 1):
        gold = [t.gold_after(number) for t in transcripts]
        known = [values for values in gold if values is not None]
        names = known[0] if known else ()
        rounds.append(
            {name: bootstrap_mean([v[name] for v in known], seed=0).as_json() for name in names}
        )
    counts: dict[str, Json] = {**transcript_counts(transcripts)}
    return {"counts": counts, "rounds": rounds}
