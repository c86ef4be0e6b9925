"""SL-CAI: supervised fine-tuning on all revisions, mixed with helpful answers.

    L = -E log pi(y | x) over {(x, revision r of its answer), r = 1..R} and {(x', answer to x')}

The revisions are learnt as answers to the bare question: critique and requests are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from burnish.data.rendering import Renderer
from burnish.data.splitting import divide
from burnish.errors import DataError
from burnish.methods.constitutional.revise import HELPFUL, TRANSCRIPTS
from burnish.methods.constitutional.transcripts import read_transcripts
from burnish.training.stage import StageRun, StepResult
from burnish.training.supervised import SupervisedConfig, imitate_examples, measure_of_imitation
from burnish.training.workbench import Workbench
from burnish.types import Example, Problem


class SuperviseConfig(SupervisedConfig):
    """Imitate revisions and helpful answers; one epoch, as in the paper."""

    epochs: float = Field(default=1, gt=0)
    """Passes over revisions and helpful answers together; the paper: 1."""
    start: Literal["model", "helpful"] = "model"
    """model: the recipe's, as the paper starts from the pretrained one; helpful: the one that has
    answered."""
    dev_share: float = Field(default=0.05, gt=0, lt=1)
    """Share of the revised problems whose revisions are not learnt: the model is selected by how
    likely they are."""
    hands_on: Literal["selected", "last"] = "last"
    """Which model stands for the stage: the one of its last step, or the best on dev."""


@dataclass(frozen=True, slots=True)
class Imitated:
    """What is learnt, and what the model is selected by."""

    revisions: Sequence[Example]
    answers: Sequence[Example]
    dev: Sequence[Example]


def supervise(
    run: StageRun, *, bench: Workbench, config: SuperviseConfig, data: str, start: str | None
) -> Iterator[StepResult]:
    """A stage: minimise L.

    Args:
        data: the stage that has answered and revised.
        start: the earlier stage whose model to start from; None is the recipe's own.

    Raises DataError where there is no revision to learn from.
    """
    policy = bench.load_policy(run.artifacts[start] if start else None)
    renderer, max_tokens = bench.renderer(policy), bench.compute.max_tokens_per_batch
    found = revisions_and_answers(
        run.artifacts[data], bench.problems("train"), renderer, dev_share=config.dev_share
    )
    counts = {
        "data/revisions": float(len(found.revisions)),
        "data/helpful_answers": float(len(found.answers)),
    }
    for result in imitate_examples(
        run,
        policy,
        [*found.revisions, *found.answers],
        config=config,
        max_tokens=max_tokens,
        measure=measure_of_imitation(policy, found.dev, max_tokens=max_tokens),
    ):
        first = counts if run.num_done == 1 else {}
        yield StepResult({**result.metrics, **first})


def revisions_and_answers(
    folder: Path, problems: Sequence[Problem], renderer: Renderer, *, dev_share: float
) -> Imitated:
    """What the stage in `folder` has left to imitate: every usable revision, and the answers.

    Raises DataError where fewer than two problems have a revision.
    """
    asked = {problem.id: problem for problem in problems}
    transcripts = read_transcripts(folder / TRANSCRIPTS)
    revised = [transcript for transcript in transcripts if transcript.revisions]
    with_revision = list({t.problem_id: asked[t.problem_id] for t in revised}.values())
    if len(with_revision) < 2:
        raise DataError(
            f"{folder}: of {len(transcripts)} answers {len(revised)} were revised (counts.json"
            " there says why), too few to learn from. Look at the transcripts: allow more tokens"
            " (method.revise.max_critique_tokens, lengths.max_new_tokens), show exemplars"
            " (method.revise.dialogue.exemplars), or take a larger model."
        )
    held_out = {p.id for p in divide(with_revision, "dev", dev_share=dev_share)}
    helpful = [t for t in read_transcripts(folder / HELPFUL) if t.flaw is None]

    def examples(*, of_dev: bool) -> list[Example]:
        return [
            renderer.imitation(asked[t.problem_id], text)
            for t in revised
            if (t.problem_id in held_out) == of_dev
            for text in t.revisions
        ]

    answers = [renderer.imitation(asked[t.problem_id], t.answer) for t in helpful]
    return Imitated(examples(of_dev=False), answers, examples(of_dev=True))
