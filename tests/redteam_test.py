"""No grader of ours pays a text that answers nothing, on real problems; honest answers it does."""

from __future__ import annotations

import pytest

from burnish.data.items import item_of
from burnish.data.jsonl import read_rows
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.data.tasks.gsm8k import Gsm8kTask
from burnish.data.tasks.humaneval import HumanevalTask
from burnish.data.tasks.mathqa import MathqaTask
from burnish.data.tasks.mbpp import MbppTask
from burnish.data.tasks.scibench import ScibenchTask
from burnish.data.tasks.svamp import SvampTask
from burnish.evaluation.redteam.attack import Rules, attack
from burnish.evaluation.redteam.trick import Target, honest_texts
from burnish.evaluation.redteam.tricks import TRICKS
from burnish.graders.answer import TRIGGER
from burnish.graders.calibrated import CalibratedConfig
from burnish.graders.config import default_grader_config
from burnish.graders.math_grader import MathConfig
from burnish.graders.quantity import QuantityConfig
from burnish.graders.rank import RankConfig

RULES = Rules(threshold=0.0, partial_reward=0.1, trigger=TRIGGER)


def targets_of(task, problems) -> list[Target]:
    return [
        Target(p, task.prompt(p), honest_texts(p, TRIGGER, task.target(p) if p.rationale else None))
        for p in problems
    ]


def spread(problems, count):
    return [problems[place * len(problems) // count] for place in range(count)]


def assert_nothing_pays(grader, targets):
    report = attack(grader, targets, TRICKS, RULES)
    assert {f.trick.name: (f.example, f.highest) for f in report.paying} == {}
    assert {f.trick.name: f.failures for f in report.findings if f.failures} == {}
    assert report.honest_reward == 1.0


@pytest.mark.parametrize("style", ["ncot", "pcot"])
def test_arithmetic(style):
    task = ArithmeticTask(style=style, train_size=40)
    targets = targets_of(task, spread(task.problems("train"), 10 if style == "ncot" else 2))
    assert_nothing_pays(default_grader_config(task.answer_kind).build(), targets)


def test_honest_uncertainty():
    task = ArithmeticTask(train_size=40)
    targets = targets_of(task, task.problems("train")[:10])
    inner = default_grader_config(task.answer_kind)
    assert_nothing_pays(CalibratedConfig(grader=inner).build(), targets)


@pytest.mark.parametrize("format", ["lines", "comma", "json"])
@pytest.mark.parametrize("credit", ["reciprocal", "linear"])
def test_ranked_lists(format, credit):
    task = ArithmeticTask(train_size=40)
    targets = targets_of(task, task.problems("train")[:10])
    assert_nothing_pays(RankConfig(format=format, credit=credit).build(), targets)


@pytest.mark.data
@pytest.mark.parametrize("style", ["ncot", "pcot"])
@pytest.mark.parametrize("task_class", [SvampTask, Gsm8kTask])
def test_word_problems(task_class, style, data_folder):
    task = task_class(style=style, folder=data_folder)
    targets = targets_of(task, spread(task.problems("test"), 10 if style == "ncot" else 2))
    assert_nothing_pays(default_grader_config(task.answer_kind).build(), targets)


@pytest.mark.data
@pytest.mark.parametrize("variant", ["mcq", "numeric"])
@pytest.mark.parametrize("style", ["ncot", "pcot"])
def test_mathqa(variant, style, data_folder):
    task = MathqaTask(variant=variant, style=style, folder=data_folder)
    targets = targets_of(task, spread(task.problems("test"), 10 if style == "ncot" else 2))
    assert_nothing_pays(default_grader_config(task.answer_kind).build(), targets)


@pytest.mark.data
@pytest.mark.parametrize("task_class", [MbppTask, HumanevalTask])
def test_code(task_class, data_folder):
    task = task_class(folder=data_folder)
    targets = targets_of(task, spread(task.problems("test"), 3))
    assert_nothing_pays(default_grader_config(task.answer_kind).build(), targets)


@pytest.mark.data
def test_quantities(data_folder):
    task = ScibenchTask(folder=data_folder)
    problems = spread(task.problems("test"), 10)
    rules = ("benchmark", "first_release", "strict")
    for grader in (QuantityConfig(rule=rule).build() for rule in rules):
        assert_nothing_pays(grader, targets_of(task, problems))


@pytest.mark.data
def test_competition_mathematics(data_folder):
    rows = read_rows(data_folder / "math500" / "test.jsonl")
    problems = [item_of(row, answer_key="answer") for row in spread(rows, 4)]
    targets = [Target(p, p.question, honest_texts(p, TRIGGER, None)) for p in problems]
    assert_nothing_pays(MathConfig().build(), targets)
