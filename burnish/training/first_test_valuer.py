"""The visible test of a coding problem as the value model of a search.

    1            the program passes the visible tests
    low          it is finished, and does not
    open_value   it is not finished, and does not: nothing is known of it

The task says which tests are visible (`mbpp` with `visible_tests`); the others are gold, and are
never run here. Programs run in the shared sandbox. Nothing is charged but the call: no tokens are
read.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from burnish.config import Config
from burnish.data.tasks.mbpp import VISIBLE_TESTS
from burnish.errors import ConfigError, GraderError
from burnish.graders.code_tests import CodeTestsConfig
from burnish.graders.grader import Grader
from burnish.sandbox.execution import Limits
from burnish.search.asks import End, Prefix, Valuation
from burnish.training.tree_questions import Questions
from burnish.types import Completion, GraderFailure, Problem, Score, StopReason


class FirstTestConfig(Config):
    """What a program is worth before its gold tests are known."""

    low: float = Field(default=0.0, ge=0, le=1)
    """value of a finished program that fails a visible test"""
    open_value: float = Field(default=0.5, ge=0, le=1)
    """value of an unfinished program that fails one, as most do"""
    setup_key: str = "setup"
    """column of the row with code that runs before the tests, if there is one"""
    limits: Limits = Limits(timeout_s=3.0)
    """what the process of one program may use"""


class FirstTestValuer:
    """Runs every program, finished or not, against the visible tests of its problem."""

    def __init__(self, config: FirstTestConfig, questions: Questions) -> None:
        """`questions`: of the trees."""
        self._config = config
        self._questions = questions
        tests = CodeTestsConfig(
            tests_key=VISIBLE_TESTS, setup_key=config.setup_key, limits=config.limits
        )
        self._grader: Grader = tests.build()

    def value(self, prefixes: Sequence[Prefix]) -> list[Valuation]:
        """The value of each prefix, in order.

        Raises ConfigError for a problem without visible tests, GraderError where they cannot run.
        """
        pairs = [(self._problem(prefix), _completion(prefix)) for prefix in prefixes]
        verdicts = self._grader.grade(pairs)
        return [
            Valuation(self._worth(prefix, verdict))
            for prefix, verdict in zip(prefixes, verdicts, strict=True)
        ]

    def _problem(self, prefix: Prefix) -> Problem:
        problem = self._questions.problems[prefix.tree_id]
        if not problem.fields.get(VISIBLE_TESTS):
            raise ConfigError(
                f"--value first_test: problem {problem.id!r} has no column {VISIBLE_TESTS!r} with "
                "tests that a search may run. Search --task mbpp with task.visible_tests=1, or a "
                "task whose rows have them."
            )
        return problem

    def _worth(self, prefix: Prefix, verdict: Score | GraderFailure) -> float:
        if isinstance(verdict, GraderFailure):
            raise GraderError(f"the visible tests could not be run: {verdict.message}")
        if verdict.is_correct:
            return 1.0
        is_final = prefix.steps[-1].end == End.FINAL
        return self._config.low if is_final else self._config.open_value


def _completion(prefix: Prefix) -> Completion:
    """The program as a grader reads it."""
    zeros = (0.0,) * len(prefix.token_ids)
    return Completion((), prefix.token_ids, zeros, zeros, prefix.text, StopReason.STOP_STRING)
