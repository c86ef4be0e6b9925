"""The stage of critiques and revisions, and what it leaves.

`transcripts.jsonl` has every answer with its rounds, `helpful.jsonl` the answers that are not
revised, `counts.json` how many there are and how many could not be used. One step is one round of
one batch of problems (the first answers are a round, too) and leaves one file in `pieces/`, whole
or not there; a piece that is there is not sampled again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from pydantic import Field, TypeAdapter

from burnish.config import Config
from burnish.errors import ConfigError
from burnish.methods.constitutional.constitution import Constitution
from burnish.methods.constitutional.dialogue import DialogueConfig
from burnish.methods.constitutional.revising import Reviser
from burnish.methods.constitutional.transcripts import (
    Transcript,
    read_transcripts,
    transcript_counts,
    write_transcripts,
)
from burnish.models.policy import Policy
from burnish.training.learner import Metrics
from burnish.training.row_files import write_rows
from burnish.training.seeds import batch_indices, derived_seed
from burnish.training.stage import StageRun, StepResult
from burnish.training.workbench import Workbench
from burnish.types import Problem

TRANSCRIPTS, HELPFUL = "transcripts.jsonl", "helpful.jsonl"
_COUNTS = TypeAdapter(dict[str, int])


class ReviseConfig(Config):
    """Answers, critiques and revisions; the rounds are the paper's."""

    rounds: int = Field(default=4, ge=1)
    """Critiques and revisions of each answer, each by a principle drawn anew; the paper: 4."""
    num_problems: int | None = Field(default=None, ge=1)
    """Train problems whose answers are revised, in an order of their own; default: all that are not
    answered helpfully."""
    samples_per_problem: int = Field(default=1, ge=1)
    """Answers to each of them."""
    helpful_share: float = Field(default=0.25, ge=0, lt=1)
    """Share of the train problems whose answers stay as they are and are mixed in, so that the
    model stays helpful; the paper has some four such prompts to ten that are revised."""
    helpful_samples: int = Field(default=2, ge=1)
    """Answers to each of those; the paper: 2."""
    dialogue: DialogueConfig = DialogueConfig()
    """How the model is asked."""
    temperature: float = Field(default=1.0, gt=0)
    """Of first answers."""
    critique_temperature: float = Field(default=1.0, ge=0)
    """Of critiques and revisions; 0: greedy."""
    max_critique_tokens: int = Field(default=256, ge=1)
    """A longer critique is not used, and counted."""
    batch_size: int = Field(default=32, ge=1)
    """Problems of one step; what a stopped run may have to sample again."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one step asks, and where it leaves it; `before` has the round before."""

    problems: Sequence[Problem]
    path: Path
    number: int
    num_samples: int
    before: Path | None = None


def revise(
    run: StageRun,
    *,
    bench: Workbench,
    config: ReviseConfig,
    constitution: Constitution,
    start: str | None,
) -> Iterator[StepResult]:
    """A stage that trains nothing: answers of the start model, and its revisions of them.

    Args:
        start: the earlier stage whose model it is; None is the recipe's own.

    Raises ConfigError where no problem is left to revise.
    """
    policy = bench.load_policy(run.artifacts[start] if start else None)
    reviser = reviser_of(bench, policy, config, constitution)
    plan = planned(run.folder, bench.problems("train"), config, seed=run.seed)
    for step in run.steps(len(plan), model=None, state={}, eval_every=1):
        piece = plan[step]
        if not piece.path.exists():
            seed = derived_seed(run.seed, "revise", step)
            write_transcripts(piece.path, _made(reviser, piece, seed=seed))
        yield StepResult(round_metrics(read_transcripts(piece.path), piece.number))
    _finish(run.folder, plan, config)


def reviser_of(
    bench: Workbench, policy: Policy, config: ReviseConfig, constitution: Constitution
) -> Reviser:
    """The policy as answerer, critic and reviser. Raises ConfigError for a trimmed vocabulary."""
    if bench.model.trim_vocabulary:
        raise ConfigError(
            "model.trim_vocabulary: critiques and revisions may need words that the task's texts"
            " have not. Set it to false."
        )
    dialogue = config.dialogue.build(policy.tokenizer)
    talking = replace(bench.sampling(temperature=config.critique_temperature), stop=dialogue.stop)
    return Reviser(
        engine=bench.engine(policy),
        renderer=bench.renderer(policy),
        dialogue=dialogue,
        constitution=constitution,
        task=bench.task,
        answering=bench.sampling(temperature=config.temperature),
        criticising=replace(talking, max_tokens=config.max_critique_tokens),
        revising=talking,
    )


def planned(
    folder: Path, problems: Sequence[Problem], config: ReviseConfig, *, seed: int
) -> list[_Piece]:
    """All steps: first answers, round after round of them, then the answers that are not revised.

    Raises ConfigError where no problem is left to revise.
    """
    order = batch_indices(len(problems), 0, batch_size=len(problems), seed=seed)
    num_helpful = round(config.helpful_share * len(problems))
    helpful = [problems[place] for place in order[:num_helpful]]
    revised = [problems[place] for place in order[num_helpful:]][: config.num_problems]
    if not revised:
        raise ConfigError(
            f"method.revise.helpful_share: {config.helpful_share:g} of {len(problems)} problems"
            " leaves none to revise. Lower it, or give more problems."
        )
    plan: list[_Piece] = []
    for number in range(config.rounds + 1):
        for batch, asked in enumerate(_batches(revised, config.batch_size)):
            path = _piece(folder, number, batch)
            before = _piece(folder, number - 1, batch) if number else None
            plan.append(_Piece(asked, path, number, config.samples_per_problem, before))
    for batch, asked in enumerate(_batches(helpful, config.batch_size)):
        path = folder / "pieces" / f"helpful-{batch:06d}.jsonl"
        plan.append(_Piece(asked, path, 0, config.helpful_samples))
    return plan


def round_metrics(transcripts: Sequence[Transcript], number: int) -> Metrics:
    """Of one batch after a round: what the answers are worth, and what could not be used."""
    flaws = [t.rounds[-1].flaw if number and t.rounds else t.flaw for t in transcripts]
    found: Metrics = {"revise/round": float(number), "revise/unusable": _share(flaws)}
    found |= {
        f"revise/{flaw}": float(flaws.count(flaw)) for flaw in sorted({f for f in flaws if f})
    }
    found["revise/words"] = fmean(len(t.text.split()) for t in transcripts)
    gold = [t.rounds[-1].gold if t.rounds else t.gold for t in transcripts]
    known = [values for values in gold if values is not None]
    for name in known[0] if known else ():
        key = "rollout/gold" if name == "reward" else f"gold/{name}"
        found[key] = fmean(values[name] for values in known)
    return found


def _made(reviser: Reviser, piece: _Piece, *, seed: int) -> list[Transcript]:
    if piece.before is None:
        return reviser.answer(piece.problems, num_samples=piece.num_samples, seed=seed)
    asked = {problem.id: problem for problem in piece.problems}
    rows = read_transcripts(piece.before)
    return reviser.revise([asked[row.problem_id] for row in rows], rows, seed=seed)


def _finish(folder: Path, plan: Sequence[_Piece], config: ReviseConfig) -> None:
    """Join the pieces of the last round, and those of the answers that are not revised."""
    helpful = [piece for piece in plan if piece.path.name.startswith("helpful")]
    last = [piece for piece in plan if piece.number == config.rounds]
    transcripts = [row for piece in last for row in read_transcripts(piece.path)]
    answers = [row for piece in helpful for row in read_transcripts(piece.path)]
    write_transcripts(folder / TRANSCRIPTS, transcripts)
    write_transcripts(folder / HELPFUL, answers)
    mixed_in = sum(answer.flaw is None for answer in answers)
    counts = transcript_counts(transcripts) | {"helpful_answers": mixed_in}
    write_rows(folder / "counts.json", [counts], _COUNTS)


def _batches(problems: Sequence[Problem], size: int) -> list[Sequence[Problem]]:
    return [problems[start : start + size] for start in range(0, len(problems), size)]


def _piece(folder: Path, number: int, batch: int) -> Path:
    return folder / "pieces" / f"round-{number}" / f"{batch:06d}.jsonl"


def _share(flaws: Sequence[str | None]) -> float:
    return fmean(flaw is not None for flaw in flaws)
