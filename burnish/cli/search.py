"""`burnish search`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from burnish.cli.search_table import print_searches, print_solution
from burnish.cli.splits import split_named
from burnish.errors import ConfigError, DataError
from burnish.run.search_models import FIRST_TEST, Judges, SearchModels
from burnish.run.search_recipe import SearchMethod, SearchRecipe, search_method, search_recipe
from burnish.run.search_run import Asked, SearchRun
from burnish.search.budget import Budget
from burnish.types import Problem

_TASK = "arithmetic"
_VOTES: Sequence[SearchMethod] = ("vote", "weighted_vote")
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
        if methods[0] in _VOTES:
            raise ConfigError(
                f"--method {methods[0]} compares answers of a task's problems; a --question is "
                "searched by mcts, beam, dfs, greedy, bon or orm"
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


def run_search(model: str, judges: Judges, overrides: Sequence[str], wanted: Wanted) -> None:
    """Print the best solution of a question, or search a task's problems and print a table.

    Args:
        model: the policy.
        judges: what values its solutions.
    """
    methods = wanted.checked_methods()
    for method in methods:
        judges.role_for(method)  # or an error, before anything is loaded
    if wanted.question is not None and judges.value == FIRST_TEST:
        raise ConfigError(
            f"--value {FIRST_TEST} runs a test of a task's problems; a --question has none. Name "
            "the folder of a value model, or leave --question out."
        )
    recipe = search_recipe(model, wanted.task or judges.run or _TASK, overrides)
    with _signals() as stop:
        session = _Session(recipe, judges, stop)
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

    def __init__(self, recipe: SearchRecipe, judges: Judges, stop: _Stop) -> None:
        self._recipe = recipe
        self._judges = judges
        self._stop = stop
        self._console = Console()
        self._bench = recipe.workbench()
        self._models = SearchModels(recipe, self._bench, judges, should_stop=stop.is_asked)

    def answer(self, question: str, method: SearchMethod, tokens: int) -> None:
        """Print the best solution with the values of its steps. Raises DataError for none."""
        searcher, strategy = self._models.searcher(method), self._recipe.strategy(method)
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
        if self._stop.is_asked():
            self._console.print("[yellow]stopped:[/] the best so far, before its budget was spent")

    def compare(self, methods: Sequence[SearchMethod], wanted: Wanted) -> None:
        """Search the problems, print the table."""
        self._models.load(methods)
        run = SearchRun(
            self._recipe,
            self._bench,
            wanted.out,
            judges=self._judges.as_json(),
            searcher=self._models.searcher,
            should_stop=self._stop.is_asked,
        )
        asked = Asked(split_named(wanted.split), wanted.limit, wanted.budgets)
        results = run.compare(methods, asked, resume=wanted.resume)
        print_searches(self._console, results)
        if self._stop.is_asked():
            self._console.print("Stopped and saved. Continue: the same command with --resume.")
        self._console.print(f"\n[bold]{wanted.out}/results.json[/]", highlight=False)
