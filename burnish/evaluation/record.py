"""An evaluation as rows of JSON and back, so that a finished one is never asked again."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from burnish.errors import CheckpointError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.types import Completion, GraderFailure, Json, Problem, Score, StopReason

_VERDICT: TypeAdapter[Score | GraderFailure] = TypeAdapter(Score | GraderFailure)


def evaluation_rows(evaluation: Evaluation) -> list[dict[str, Json]]:
    """One row a problem: its id and, per sample, tokens, text, stop reason and verdict."""
    return [
        {
            "problem_id": row.problem.id,
            "samples": [
                {
                    "token_ids": list(completion.token_ids),
                    "text": completion.text,
                    "stop_reason": completion.stop_reason.value,
                    "verdict": _VERDICT.dump_python(verdict, mode="json"),
                }
                for completion, verdict in zip(row.completions, row.verdicts, strict=True)
            ],
        }
        for row in evaluation.rows
    ]


def evaluation_from_rows(
    rows: Sequence[dict[str, Json]], problems: Sequence[Problem]
) -> Evaluation:
    """Undo `evaluation_rows`. Prompts and log-probabilities are not kept and come back empty.

    Raises CheckpointError where the rows are not about `problems`.
    """
    if [row["problem_id"] for row in rows] != [problem.id for problem in problems]:
        raise CheckpointError(
            "an evaluation in the run folder is of other problems than the recipe's; remove its "
            "file to have it made again"
        )
    return Evaluation(
        tuple(_restored(row, problem) for row, problem in zip(rows, problems, strict=True))
    )


def _restored(row: dict[str, Json], problem: Problem) -> EvaluatedProblem:
    samples = row["samples"]
    assert isinstance(samples, list)
    return EvaluatedProblem(
        problem,
        tuple(_completion(sample) for sample in samples),
        tuple(_VERDICT.validate_python(sample["verdict"]) for sample in samples),
    )


def _completion(sample: dict[str, Json]) -> Completion:
    token_ids, text = sample["token_ids"], sample["text"]
    assert isinstance(token_ids, list)
    assert isinstance(text, str)
    return Completion(
        prompt_ids=(),
        token_ids=tuple(token_ids),
        logp=(),
        sampler_logp=(),
        text=text,
        stop_reason=StopReason(str(sample["stop_reason"])),
    )
