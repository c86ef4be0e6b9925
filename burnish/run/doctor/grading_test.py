from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.graders.boundary import Guarded
from burnish.graders.numeric import NumericConfig
from burnish.run.doctor.check import Verdict
from burnish.run.doctor.grading import (
    check_determinism,
    check_faults_are_told,
    check_nothing_is_paid,
    check_references,
)
from burnish.types import Completion, GraderFailure, Problem, Score

TASK = ArithmeticTask(train_size=4, dev_size=1, test_size=1)
PROBLEMS = TASK.problems("train")
WRITTEN = [(problem, TASK.target(problem)) for problem in PROBLEMS]
ASKED = [(problem, TASK.prompt(problem)) for problem in PROBLEMS]


class Pays:
    """Whatever a function of problem and text says."""

    def __init__(self, reward: Callable[[Problem, str], float]) -> None:
        self._reward = reward

    def grade(self, pairs: Sequence[tuple[Problem, Completion]]) -> list[Score | GraderFailure]:
        rewards = [self._reward(problem, completion.text) for problem, completion in pairs]
        return [Score(reward, reward == 1.0, "said") for reward in rewards]


def test_a_real_grader_is_healthy():
    grader = NumericConfig().build()
    checks = [
        check_references(grader, WRITTEN, is_open=False),
        check_nothing_is_paid(grader, WRITTEN, ASKED, is_open=False),
        check_determinism(grader, WRITTEN),
        check_faults_are_told(grader, WRITTEN),
    ]
    assert [check.verdict for check in checks] == [Verdict.PASSED] * 4
    assert checks[0].numbers == {"reward": 1.0, "rejected": 0.0}
    assert "'gold_answer': 4" in checks[3].meaning


def test_references_that_are_not_accepted_are_named():
    first = PROBLEMS[0].id
    grader = Pays(lambda problem, _: 0.5 if problem.id == first else 1.0)
    check = check_references(grader, WRITTEN, is_open=False)
    assert check.verdict is Verdict.FAILED
    assert f"1 of 4 references are not accepted; of {first!r}" in check.meaning
    assert check_references(grader, WRITTEN, is_open=True).verdict is Verdict.PASSED


def test_references_that_cannot_be_graded_are_counted_by_kind():
    def broken(_problem: Problem, _text: str) -> float:
        raise ValueError("no such column")

    check = check_references(Guarded(Pays(broken)), WRITTEN, is_open=True)
    assert check.verdict is Verdict.FAILED
    assert "{'exception': 4}" in check.meaning
    assert "no such column" in check.meaning


def test_the_best_paid_text_without_an_answer_is_shown():
    grader = Pays(lambda _, text: {"none": 0.2, "": 0.1}.get(text, 0.0))
    check = check_nothing_is_paid(grader, WRITTEN, ASKED, is_open=False)
    assert check.verdict is Verdict.FAILED
    assert "'none' earns 0.2" in check.meaning
    assert check.numbers == {"highest": 0.2, "limit": 0.0}


def test_open_answers_must_only_earn_more_than_nothing_does():
    def worth(_problem: Problem, text: str) -> float:
        return min(1.0, len(text) / 1000)

    assert check_nothing_is_paid(Pays(worth), WRITTEN, [], is_open=True).verdict is Verdict.SKIPPED
    short = [(problem, "?") for problem in PROBLEMS]
    healthy = check_nothing_is_paid(Pays(worth), WRITTEN, short, is_open=True)
    assert healthy.verdict is Verdict.PASSED
    upside_down = Pays(lambda problem, text: 1.0 - worth(problem, text))
    check = check_nothing_is_paid(upside_down, WRITTEN, short, is_open=True)
    assert check.verdict is Verdict.FAILED


def test_where_the_gold_answer_is_none_that_is_an_answer():
    none = Problem("n", "Which of them?", "None")
    check = check_nothing_is_paid(
        Pays(lambda _, text: float("none" in text)), [], [(none, "Which?")], is_open=False
    )
    assert check.verdict is Verdict.PASSED


def test_a_grader_that_rolls_dice_is_found():
    numbers = count()
    check = check_determinism(Pays(lambda *_: next(numbers)), WRITTEN)
    assert check.verdict is Verdict.FAILED
    assert check.numbers == {"changed": 4}


def test_a_grader_that_needs_no_gold_answer_has_nothing_to_tell():
    check = check_faults_are_told(Pays(lambda *_: 0.7), WRITTEN)
    assert check.verdict is Verdict.PASSED
    assert check.meaning == "it needs no gold answer"


def test_a_lower_reward_without_the_gold_answer_is_a_hidden_fault():
    check = check_faults_are_told(Pays(lambda p, _: 0.7 if p.answer else 0.0), WRITTEN)
    assert check.verdict is Verdict.FAILED
    assert check.numbers == {"lowered": 4}


def test_without_references_nobody_looks():
    grader = NumericConfig().build()
    assert check_references(grader, [], is_open=False).verdict is Verdict.SKIPPED
    assert check_determinism(grader, []).verdict is Verdict.SKIPPED
    assert check_faults_are_told(grader, ASKED).verdict is Verdict.SKIPPED
