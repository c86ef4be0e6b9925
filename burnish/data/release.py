"""Rows in the format of the ReFT release: item_id, question, answer_cot, answer_value."""

from __future__ import annotations

from burnish.data.jsonl import Row
from burnish.data.rationales import Style, body_of, chain_of, prompt_of, target_of
from burnish.errors import DataError
from burnish.types import Problem

ID, QUESTION, RATIONALE, ANSWER = "item_id", "question", "answer_cot", "answer_value"


def problem_of(row: Row, style: Style) -> Problem:
    """The problem of a row; its rationale where the row has one. Raises DataError."""
    rationale = None
    if RATIONALE in row.columns:
        rationale = (body_of if style == "pcot" else chain_of)(row, RATIONALE)
    return Problem(
        id=row.text(ID),
        question=row.text(QUESTION).strip(),
        answer=row.text(ANSWER).strip(),
        rationale=rationale,
    )


def prompt_for(problem: Problem, style: Style) -> str:
    """ReFT's prompt; of a conversation, the message."""
    return problem.messages[-1].content if problem.messages else prompt_of(problem.question, style)


def target_for(problem: Problem, style: Style) -> str:
    """The completion to be learnt; in a chat, programs have their header. Raises DataError."""
    if problem.rationale is None or problem.answer is None:
        missing = "rationale" if problem.rationale is None else "answer"
        raise DataError(
            f"problem {problem.id!r} has no {missing}, so there is nothing to imitate; supervised"
            " training needs rows that are annotated in the task's style"
        )
    target = target_of(problem.rationale, problem.answer, style)
    return f"def solution():\n{target}" if problem.messages and style == "pcot" else target
