"""The command line: parse, build, call, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from burnish.cli.grader_commands import grade, redteam
from burnish.cli.guard import Debug, guarded

app = typer.Typer(
    help="Reinforcement fine-tuning for language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RecipePath = Annotated[Path, typer.Argument(help="A recipe file; `burnish recipes` lists some.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings that replace the recipe's: seed=1 a.b=c")
]


@app.command()
def quickstart(
    overrides: Overrides = None,
    out: Annotated[Path, typer.Option(help="Run folder.")] = Path("runs/quickstart"),
    debug: Debug = False,
) -> None:
    """Watch a small model learn by ReFT, offline, in a few minutes."""
    from burnish.cli.quickstart import run_quickstart

    guarded(lambda: run_quickstart(overrides or [], out), debug=debug)


@app.command()
def train(
    recipe: RecipePath,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder. Default: runs/<name of the recipe>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped run.")] = False,
    debug: Debug = False,
) -> None:
    """Run a recipe: train, evaluate, report."""
    from burnish.cli.train import run_training

    folder = out or Path("runs") / (recipe.stem.strip(".") or "run")
    guarded(lambda: run_training(recipe, overrides or [], folder, resume=resume), debug=debug)


@app.command()
def doctor(
    recipe: RecipePath,
    overrides: Overrides = None,
    steps: Annotated[
        int, typer.Option(min=0, help="Steps of each stage that are tried for time and memory.")
    ] = 1,
    out: Annotated[Path | None, typer.Option(help="Write the checks to this JSON file.")] = None,
    debug: Debug = False,
) -> None:
    """Look for silent faults on a recipe's own model and rows; exit code 1 where one is found."""
    from burnish.cli.doctor import run_doctor

    guarded(
        lambda: run_doctor(recipe, overrides or [], num_tried=steps, out=out),
        debug=debug,
    )


@app.command()
def forecast(
    recipe: RecipePath,
    overrides: Overrides = None,
    model: Annotated[
        str | None,
        typer.Option(help="The start model instead, such as RUN/stages/01-warm_up/last."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=2, help="Of each problem. Default: as the method, at least 8.")
    ] = None,
    problems: Annotated[
        int, typer.Option(min=0, help="Train problems that are asked; 0 for all.")
    ] = 200,
    steps: Annotated[
        int, typer.Option(min=0, help="Steps of each stage that are tried for time and memory.")
    ] = 2,
    out: Annotated[Path | None, typer.Option(help="Write the numbers to this JSON file.")] = None,
    debug: Debug = False,
) -> None:
    """Before a long run: what can be learnt from, and what it will take."""
    from burnish.cli.forecast import run_forecast

    guarded(
        lambda: run_forecast(
            recipe,
            overrides or [],
            model=model,
            num_samples=samples,
            num_problems=problems,
            num_steps=steps,
            out=out,
        ),
        debug=debug,
    )


@app.command(name="eval")
def evaluate(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the folder of a run.")],
    overrides: Overrides = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model to evaluate instead; several are compared.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    samples: Annotated[int, typer.Option(help="Samples a problem for vote@k and pass@k.")] = 0,
    reranker: Annotated[
        Path | None, typer.Option(help="A trained reranker, for rerank@k of the samples.")
    ] = None,
    turns: Annotated[
        int,
        typer.Option(help="Greedy attempts; 2 measures self-correction, sampled with --samples."),
    ] = 1,
    instruction: Annotated[
        str | None, typer.Option(help="What asks for another attempt. Default: the recipe's.")
    ] = None,
    inference_scaling: Annotated[
        str | None,
        typer.Option(help="Budgets K, as 2,4,8: vote over K attempts, or over K/2 corrected ones."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Of samples. Default: the recipe's; for inference scaling 0.7."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the numbers to this JSON file.")] = None,
    debug: Debug = False,
) -> None:
    """Measure models on a recipe's task: greedy accuracy, votes, corrections, paired tests."""
    from burnish.cli.evaluation import Wanted, budgets_named, run_evaluation

    def run() -> None:
        wanted = Wanted(
            split=split,
            num_samples=samples,
            reranker=reranker,
            num_turns=turns,
            budgets=() if inference_scaling is None else budgets_named(inference_scaling),
            instruction=instruction,
            temperature=temperature,
        )
        run_evaluation(recipe, overrides or [], model or [], wanted, out=out)

    guarded(run, debug=debug)


@app.command()
def sample(
    recipe: RecipePath,
    overrides: Overrides = None,
    question: Annotated[
        str | None, typer.Option(help="Your own question; default: problems of the task.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model to sample from instead.")] = None,
    num: Annotated[int, typer.Option("-n", "--num", help="Samples of each question.")] = 1,
    temperature: Annotated[float, typer.Option(help="0 is greedy.")] = 0.0,
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    limit: Annotated[int, typer.Option(help="Number of problems; 0 for all.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Write the samples to this file, a JSON line each.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Print what a model answers, with scores."""
    from burnish.cli.sampling import run_sampling

    guarded(
        lambda: run_sampling(
            recipe,
            overrides or [],
            question=question,
            model=model,
            num_samples=num,
            temperature=temperature,
            split=split,
            limit=limit,
            out=out,
        ),
        debug=debug,
    )


@app.command()
def search(
    model: Annotated[str, typer.Argument(help="The policy: a folder, or a name as in a recipe.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings: mcts.branch=4 search.temperature=1 ...")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(help="The value model: its folder, or its run; or first_test, for code."),
    ] = None,
    outcome: Annotated[
        Path | None,
        typer.Option(help="The outcome model of orm: a reranker's or a value model's folder."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(help="Your own question; default: problems of the task.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="A task's type, a recipe or a run. Default: that of the value model."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="mcts, beam, dfs, greedy, vote, bon, orm or weighted_vote; several are compared."
            " Default: mcts."
        ),
    ] = None,
    budget_tokens: Annotated[
        str, typer.Option(help="Tokens a problem, sampled and valued; several as 500,1000,2000.")
    ] = "2000",
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    limit: Annotated[int, typer.Option(min=0, help="Number of problems; 0 for all.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for trees and table.")] = Path("runs/search"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped search.")] = False,
    debug: Debug = False,
) -> None:
    """Search for solutions with a policy and a value model; compare searches on a task."""
    from burnish.cli.search import Wanted, budgets_named, run_search
    from burnish.run.search_models import Judges

    def run() -> None:
        wanted = Wanted(
            question=question,
            task=task,
            methods=method or ["mcts"],
            budgets=budgets_named(budget_tokens),
            split=split,
            limit=limit,
            out=out,
            resume=resume,
        )
        run_search(model, Judges(value, outcome), overrides or [], wanted)

    guarded(run, debug=debug)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run folder, finished or running.")],
    debug: Debug = False,
) -> None:
    """Write the run's report.html, one static page."""
    from burnish.report.build import write_report

    guarded(lambda: typer.echo(f"wrote {write_report(run)}"), debug=debug)


@app.command()
def repro(
    folder: Annotated[Path, typer.Argument(help="What the error named: RUN/repro/STAGE-step-N.")],
    overrides: Overrides = None,
    debug: Debug = False,
) -> None:
    """Do a step again that failed for numbers not finite; exit code 1 if it still does."""
    from burnish.cli.repro import run_repro

    guarded(lambda: run_repro(folder, overrides or []), debug=debug)


@app.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path("runs"),
    debug: Debug = False,
) -> None:
    """List runs: running, finished, interrupted or failed, and why."""
    from burnish.cli.runs import list_runs

    guarded(lambda: list_runs(folder), debug=debug)


@app.command()
def recipes(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path("recipes"),
    debug: Debug = False,
) -> None:
    """List the recipes at hand."""
    from burnish.cli.recipes import list_recipes

    guarded(lambda: list_recipes(folder), debug=debug)


@app.command()
def bench(
    name: Annotated[
        str, typer.Argument(help="rollout, train, search, memory, sandbox or breakdown.")
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="For the script, after --; `-- --help` lists them.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Measure this library beside others; needs the repository's checkout."""
    from burnish.cli.bench import run_benchmark

    guarded(lambda: sys.exit(run_benchmark(name, arguments or [])), debug=debug)


app.command()(grade)
app.command()(redteam)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
