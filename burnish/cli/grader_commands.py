"""The commands about graders: parse, build, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from burnish.cli.guard import Debug, guarded

GraderRecipe = Annotated[Path | None, typer.Option("--recipe", help="Take this recipe's.")]
AnswerKey = Annotated[
    str | None, typer.Option(help="Column of the gold answers. Default: answer, solution, ...")
]


def grade(
    grader: Annotated[
        str | None, typer.Option(help="A grader: a JSON or YAML file, or a type.")
    ] = None,
    recipe: GraderRecipe = None,
    sample: Annotated[str | None, typer.Option(help="One text to grade.")] = None,
    item: Annotated[
        Path | None, typer.Option(help="The row that it answers: a file with one JSON object.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="JSON lines to grade, a sample a row.")] = None,
    sample_key: Annotated[
        str | None, typer.Option(help="Column of the samples. Default: output, or the reply.")
    ] = None,
    answer_key: AnswerKey = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the verdicts to this file, as JSON lines.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Grade a text, or a file of them: reward, parts and errors; exit code 1 for an error."""
    from burnish.cli.grade import run_grade

    guarded(
        lambda: run_grade(
            grader=grader,
            recipe=recipe,
            sample=sample,
            item=item,
            data=data,
            sample_key=sample_key,
            answer_key=answer_key,
            out=out,
        ),
        debug=debug,
    )


def redteam(
    grader: Annotated[
        str | None, typer.Argument(help="A grader: a JSON or YAML file, or a type.")
    ] = None,
    recipe: GraderRecipe = None,
    data: Annotated[Path | None, typer.Option(help="Problems to attack, as JSON lines.")] = None,
    answer_key: AnswerKey = None,
    split: Annotated[str, typer.Option(help="Of the recipe: train, dev or test.")] = "train",
    limit: Annotated[int, typer.Option(min=1, help="Number of problems.")] = 20,
    threshold: Annotated[float, typer.Option(help="A reward above it is pay.")] = 0.0,
    out: Annotated[Path | None, typer.Option(help="Write the findings to this JSON file.")] = None,
    debug: Debug = False,
) -> None:
    """Try to earn reward without answering; exit code 1 if a trick pays."""
    from burnish.cli.redteam import run_redteam

    guarded(
        lambda: run_redteam(
            grader,
            recipe=recipe,
            data=data,
            answer_key=answer_key,
            split=split,
            limit=limit,
            threshold=threshold,
            out=out,
        ),
        debug=debug,
    )
