"""Every gold answer of the real data scores 1 when it is written as the task's target; no prompt
scores at all. Rows of data sets without rationales get one here. Of the programs, each of which
is run, only every so many-th is taken."""

from dataclasses import replace

import pytest

from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.gsm8k import Gsm8kTask
from burnish.data.tasks.math500 import Math500Task
from burnish.data.tasks.mathqa import MathqaTask
from burnish.data.tasks.replies import RepliesTask
from burnish.data.tasks.scibench import ScibenchTask
from burnish.data.tasks.svamp import SvampTask
from burnish.graders.config import default_grader_config
from burnish.types import Completion, Score, StopReason

MAX_PROGRAMS = 150


def scores(task, problems, texts) -> list[Score]:
    completions = [Completion((), (), (), (), text, StopReason.EOS) for text in texts]
    grader = default_grader_config(task.answer_kind).build()
    verdicts = grader.grade(list(zip(problems, completions, strict=True)))
    assert all(isinstance(verdict, Score) for verdict in verdicts)
    return [verdict for verdict in verdicts if isinstance(verdict, Score)]


def failing(problems, verdicts, *, expected):
    return [p.id for p, v in zip(problems, verdicts, strict=True) if v.reward != expected]


def assert_targets_earn_one_and_prompts_nothing(task, problems):
    assert len(problems) > 0
    if task.style == "pcot":
        problems = problems[:: len(problems) // MAX_PROGRAMS + 1]
    targets = [task.target(problem) for problem in problems]
    assert failing(problems, scores(task, problems, targets), expected=1.0) == []
    prompts = [task.prompt(problem) for problem in problems]
    assert failing(problems, scores(task, problems, prompts), expected=0.0) == []


@pytest.mark.data
@pytest.mark.parametrize("style", ["ncot", "pcot"])
@pytest.mark.parametrize("task_class", [SvampTask, Gsm8kTask])
def test_annotated_rows(task_class, style, data_folder):
    task = task_class(style=style, folder=data_folder)
    problems = [*task.problems("train"), *task.problems("dev")]
    assert_targets_earn_one_and_prompts_nothing(task, problems)


@pytest.mark.data
@pytest.mark.parametrize("task_class", [SvampTask, Gsm8kTask])
def test_test_rows(task_class, data_folder):
    task = task_class(style="ncot", folder=data_folder)
    problems = [replace(p, rationale="Counting.") for p in task.problems("test")]
    assert_targets_earn_one_and_prompts_nothing(task, problems)


@pytest.mark.data
@pytest.mark.parametrize("variant", ["mcq", "numeric"])
@pytest.mark.parametrize("style", ["ncot", "pcot"])
def test_mathqa(variant, style, data_folder):
    task = MathqaTask(variant=variant, style=style, folder=data_folder)
    problems = [
        replace(p, rationale=f"    return {p.answer!r}" if style == "pcot" else "Counting.")
        for p in task.problems("test")
    ]
    assert_targets_earn_one_and_prompts_nothing(task, problems)


@pytest.mark.data
def test_math500(data_folder):
    task = Math500Task(folder=data_folder)
    problems = task.problems("test")
    targets = [task.target(problem) for problem in problems]
    assert failing(problems, scores(task, problems, targets), expected=1.0) == []
    solutions = [str(problem.rationale) for problem in problems]  # read from their \\boxed{}
    assert failing(problems, scores(task, problems, solutions), expected=1.0) == []
    prompts = [task.prompt(problem) for problem in problems]
    assert failing(problems, scores(task, problems, prompts), expected=0.0) == []


@pytest.mark.data
def test_scibench(data_folder):
    task = ScibenchTask(folder=data_folder)
    problems = [replace(p, rationale="By the gas law.") for p in task.problems("test")]
    verdicts = scores(task, problems, [task.target(problem) for problem in problems])
    assert {tuple(verdict.parts.values()) for verdict in verdicts} == {(1.0,) * 4}
    prompts = [task.prompt(problem) for problem in problems]
    assert failing(problems, scores(task, problems, prompts), expected=0.0) == []


def test_replies():
    task = RepliesTask(model_share=1.0, train_size=100)
    problems = task.problems("train")
    targets = [task.target(problem) for problem in problems]
    verdicts = scores(task, problems, targets)
    assert [verdict.reward for verdict in verdicts] == pytest.approx([1.0] * 100)
    assert all(verdict.is_correct for verdict in verdicts)
    prompts = [task.prompt(problem) for problem in problems]
    assert failing(problems, scores(task, problems, prompts), expected=0.0) == []


@pytest.mark.parametrize("style", ["ncot", "pcot"])
def test_arithmetic(style):
    task = ArithmeticTask(style=style)
    problems = task.problems("train")[:100]
    assert_targets_earn_one_and_prompts_nothing(task, problems)
