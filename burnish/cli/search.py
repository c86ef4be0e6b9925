"""`burnish search`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console

from burnish.cli.search_table import print_searches, print_solution
from burnish.cli.splits import split_named
from burnish.errors import ConfigError, DataError
from burnish.models.process_reward_model import HEAD_FILE
from burnish.run.search_recipe import SearchMethod, SearchRecipe, search_method, search_recipe
from burnish.run.search_run import Asked, SearchRun
from burnish.run.trained import last_model
from burnish.search.budget import Budget
from burnish.training.tree_search import TreeSearcher
from burnish.types import Problem

_TASK = "arithmetic"
_SIGNAL_EXIT = 128


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be searched.

    Attributes:
        question: one question; None searches the task's problems.
        task: the type of a task, a recipe or a run; None: the value model's run, or arithmetic.
        methods: the searches to compare.
        budgets: tokens a problem.
        split, limit: which problems of the task, and how many (0: all).
        out: the folder that takes trees and table.
        resume: go on with what is there.
    """

    question: str | None = None
    task: str | None = None
    methods: Sequence[str] = ("mcts",)
    budgets: Sequence[int] = (2000,)
    split: str = "test"
    limit: int = 0
    out: Path = Path("runs/search")
    resume: bool = False

    def checked_methods(self) -> list[SearchMethod]:
        """The methods. Raises ConfigError for what does not go together."""
        methods: list[SearchMethod] = [search_method(name) for name in self.methods]
        if self.question is None:
            return methods
        if len(methods) > 1 or len(self.budgets) > 1:
            raise ConfigError("--question is searched once: name one --method and one budget")
        if methods == ["vote"]:
            raise ConfigError(
                "--method vote compares answers of a task's problems; a --question is searched by "
                "mcts, beam, dfs or bon"
            )
        return methods


def budgets_named(text: str) -> tuple[int, ...]:
    """The budgets of `--budget-tokens 500,1000`, in rising order. Raises ConfigError."""
    try:
        budgets = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        budgets = ()
    if not budgets or budgets[0] < 1:
        raise ConfigError(
            f"--budget-tokens {text}: expected numbers of tokens above 0 with commas between them, "
            "such as 500,1000,2000"
        )
    return budgets


def run_search(model: str, value: Path | None, overrides: Sequence[str], wanted: Wanted) -> None:
    """Print the best solution of a question, or search a task's problems and print a table.

    Args:
        model: the policy.
        value: folder of a value model, or of the run that trained it.
    """
    methods = wanted.checked_methods()
    if value is None and methods != ["vote"]:
        raise ConfigError(
            f"--method {' --method '.join(methods)}: only vote searches without a value model; "
            "name the folder of a trained one, or of its run, with --value"
        )
    recipe = search_recipe(model, wanted.task or _run_of(value) or _TASK, overrides)
    with _signals() as stop:
        session = _Session(recipe, None if value is None else _value_model(value), stop)
        if wanted.question is not None:
            session.answer(wanted.question, methods[0], wanted.budgets[0])
        else:
            session.compare(methods, wanted)
    if stop.number is not None:
        sys.exit(_SIGNAL_EXIT + stop.number)


@dataclass(slots=True)
class _Stop:
    """The signal that asked to stop; a second one ends the process at once."""

    number: int | None = None

    def is_asked(self) -> bool:
        return self.number is not None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Session:
    """The models, and what is printed of their searches."""

    def __init__(self, recipe: SearchRecipe, value: Path | None, stop: _Stop) -> None:
        self._recipe = recipe
        self._value_folder = value
        self._bench = recipe.workbench()
        self._stop = stop
        self._console = Console()
        policy = self._bench.load_policy()
        value_model = None if value is None else self._bench.load_process_reward(value)
        self._searcher = partial(
            TreeSearcher,
            self._bench,
            policy,
            value_model,
            recipe.search,
            clock=time.monotonic,
            should_stop=stop.is_asked,
        )

    def answer(self, question: str, method: SearchMethod, tokens: int) -> None:
        """Print the best solution with the values of its steps. Raises DataError for none."""
        searcher, strategy = self._searcher(), self._recipe.strategy(method)
        trees = searcher.plant([Problem(id="question", question=question, answer=None)])
        for _ in searcher.grow(trees, strategy, Budget(tokens=tokens)):
            pass
        best = strategy.best(trees[0])
        if best is None:
            raise DataError(
                f"the tree is empty: {method} found no acceptable step within {tokens} tokens. "
                "Raise --budget-tokens, or look at what the model says with `burnish sample`."
            )
        print_solution(self._console, trees[0], best)

    def compare(self, methods: Sequence[SearchMethod], wanted: Wanted) -> None:
        """Search the problems, print the table."""
        run = SearchRun(
            self._recipe,
            self._bench,
            wanted.out,
            value_model=self._value_folder,
            searcher=self._searcher,
            should_stop=self._stop.is_asked,
        )
        asked = Asked(split_named(wanted.split), wanted.limit, wanted.budgets)
        results = run.compare(methods, asked, resume=wanted.resume)
        print_searches(self._console, results)
        if self._stop.is_asked():
            self._console.print("Stopped and saved. Continue: the same command with --resume.")
        self._console.print(f"\n[bold]{wanted.out}/results.json[/]", highlight=False)


def _value_model(path: Path) -> Path:
    """The folder of the value model itself, where that of its run is named."""
    if (path / HEAD_FILE).is_file() or not (path / "config.yaml").is_file():
        return path
    return last_model(path) or path


def _run_of(value: Path | None) -> str | None:
    """The run that a value model comes from: RUN, or RUN/stages/STAGE/selected."""
    if value is None:
        return None
    folders = [value, *value.absolute().parents[2:3]]
    return next((str(folder) for folder in folders if (folder / "config.yaml").is_file()), None)
