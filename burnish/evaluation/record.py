"""An evaluation as rows of JSON and back, so that a finished one is never asked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from burnish.errors import CheckpointError
from burnish.evaluation.evaluate import EvaluatedProblem, Evaluation
from burnish.types import Completion, GraderFailure, Json, Problem, Score, StopReason

_VERDICT: TypeAdapter[Score | GraderFailure] = TypeAdapter(Score | GraderFailure)


@dataclass(frozen=True, slots=True)
class _Sample:
    token_ids: tuple[int, ...]
    text: str
    stop_reason: StopReason
    verdict: Score | GraderFailure


@dataclass(frozen=True, slots=True)
class _Row:
    problem_id: str
    samples: tuple[_Sample, ...]


_ROWS: TypeAdapter[list[_Row]] = TypeAdapter(list[_Row])


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

    Raises CheckpointError where the rows are damaged or not about `problems`.
    """
    try:
        found = _ROWS.validate_python(rows)
    except ValidationError as error:
        raise CheckpointError(
            "an evaluation in the run folder is damaged; remove its file to have it made again"
        ) from error
    if [row.problem_id for row in found] != [problem.id for problem in problems]:
        raise CheckpointError(
            "an evaluation in the run folder is of other problems than the recipe's; remove its "
            "file to have it made again"
        )
    return Evaluation(
        tuple(_restored(row, problem) for row, problem in zip(found, problems, strict=True))
    )


def _restored(row: _Row, problem: Problem) -> EvaluatedProblem:
    return EvaluatedProblem(
        problem,
        tuple(
            Completion((), sample.token_ids, (), (), sample.text, sample.stop_reason)
            for sample in row.samples
        ),
        tuple(sample.verdict for sample in row.samples),
    )
