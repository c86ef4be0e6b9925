from __future__ import annotations

import re
from collections import Counter

import pytest
from pydantic import ValidationError

from burnish.data.tasks.arithmetic import ArithmeticTask, Equation
from burnish.data.tasks.task import Split
from burnish.errors import DataError

SPLITS: tuple[Split, ...] = ("train", "dev", "test")
STYLES = ("ncot", "pcot")


def small(**settings) -> ArithmeticTask:
    sizes = {"train_size": 120, "dev_size": 40, "test_size": 40}
    return ArithmeticTask.model_validate(sizes | settings)


def equation_of(problem) -> str:
    return str(problem.fields["equation"])


def returned(program: str) -> object:
    names: dict = {}
    exec(f"def solution():\n{program}", names)
    return names["solution"]()


def test_equation_is_applied_from_left_to_right():
    equation = Equation(12, (("+", 7), ("*", 2), ("-", 3), ("/", 5)))
    assert equation.amounts() == [19, 38, 35, 7]
    assert equation.text() == "((12 + 7) * 2 - 3) / 5"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("split", SPLITS)
def test_answer_is_the_value_of_the_equation(style, split):
    for problem in small(style=style).problems(split):
        assert float(problem.answer or "") == eval(equation_of(problem))


def test_numbers_of_the_story_are_those_of_the_equation_in_order():
    for problem in small().problems("train"):
        told = re.findall(r"\d+", re.sub(r"only half|Half|half", "2", problem.question))
        assert told == re.findall(r"\d+", equation_of(problem))


def test_no_amount_leaves_its_range():
    for problem in small(largest=30, spelled_share=1.0).problems("train"):
        numbers = [int(n) for n in re.findall(r"\d+", f"{problem.rationale}")]
        assert min(numbers) >= 1
        assert max(numbers) <= 30


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_equality_of_an_annotation_holds_and_the_last_is_the_answer(share):
    for problem in small(spelled_share=share).problems("train"):
        steps = str(problem.rationale).removesuffix(".").split(". ")
        for step in steps:
            left, _, right = step.partition(" = ")
            assert eval(left) == int(right)
        assert steps[-1].endswith(f" = {problem.answer}")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_program_of_an_annotation_returns_the_answer_as_a_whole_number(share):
    for problem in small(style="pcot", spelled_share=share).problems("train"):
        value = returned(f"{problem.rationale}")
        assert str(value) == problem.answer
        assert isinstance(value, int)


@pytest.mark.parametrize("style", STYLES)
def test_spelled_share_decides_who_spells_every_step(style):
    def spelled(share: float) -> list[float]:
        task = small(style=style, spelled_share=share, min_steps=2)
        return [task.traits(p, task.target(p))["spelled_out"] for p in task.problems("train")]

    assert set(spelled(1.0)) == {1.0}
    assert set(spelled(0.0)) == {0.0}
    assert 0.3 < sum(spelled(0.5)) / 120 < 0.7


def test_completion_that_skips_one_of_its_steps_is_not_spelled_out():
    task = small(spelled_share=1.0, min_steps=3, max_steps=3)
    problem = task.problems("train")[0]
    whole = task.target(problem)
    skipping = whole.partition(". ")[2]
    assert task.traits(problem, whole) == {"spelled_out": 1.0}
    assert task.traits(problem, skipping) == {"spelled_out": 0.0}


def test_step_counts_cover_their_range_evenly():
    counts = Counter(
        p.fields["num_steps"] for p in small(min_steps=2, max_steps=4).problems("train")
    )
    assert set(counts) == {2, 3, 4}
    assert min(counts.values()) > 20


def test_no_equation_stands_in_two_splits_whatever_the_seeds():
    places: dict[str, set[str]] = {}
    for seed in range(3):
        task = small(seed=seed, min_steps=1, max_steps=2, largest=40)
        for split in SPLITS:
            for problem in task.problems(split):
                places.setdefault(equation_of(problem), set()).add(split)
    assert all(len(splits) == 1 for splits in places.values())


def test_problems_of_a_split_differ_and_their_ids_too():
    for split in SPLITS:
        problems = small().problems(split)
        assert len({p.question for p in problems}) == len({p.id for p in problems}) == len(problems)


def test_problems_are_the_same_each_time_and_others_with_another_seed():
    assert small().problems("train") == small().problems("train")
    others = {p.question for p in small(seed=1).problems("train")}
    assert not others & {p.question for p in small().problems("train")}


def test_more_training_rows_begin_with_the_same_ones():
    assert small(train_size=200).problems("train")[:120] == small().problems("train")


def test_drills_are_bare_equations_of_one_step_and_only_for_training():
    task = small(drill_share=1.0)
    assert all(re.fullmatch(r"\d+ [-+*/] \d+ = \?", p.question) for p in task.problems("train"))
    assert not any("= ?" in p.question for split in ("dev", "test") for p in task.problems(split))


def test_longer_drills_are_spelled_and_of_the_train_split():
    task = small(drill_share=1.0, drill_steps=3, spelled_share=0.0)
    longer = [p for p in task.problems("train") if int(str(p.fields["num_steps"])) > 1]
    assert len(longer) > 40
    for problem in longer:
        assert task.traits(problem, task.target(problem))["spelled_out"] == 1.0
        assert str(problem.rationale).count(" = ") == problem.fields["num_steps"]
    dev = small(min_steps=2, max_steps=3, dev_size=400, largest=30).problems("dev")
    many = small(train_size=3000, drill_share=1.0, drill_steps=3, largest=30).problems("train")
    drilled = {equation_of(p) for p in many if int(str(p.fields["num_steps"])) > 1}
    assert not drilled & {equation_of(p) for p in dev}


def test_more_steps_at_least_than_at_most_are_refused():
    with pytest.raises(ValidationError, match="min_steps: 3 is more than max_steps, 2"):
        small(min_steps=3, max_steps=2)


def test_asking_for_more_problems_than_there_are_is_an_error():
    task = ArithmeticTask(train_size=5000, drill_share=1.0, largest=20)
    with pytest.raises(DataError, match="fewer than the 5000 asked for"):
        task.problems("train")


def test_prompt_and_target_have_the_format_of_the_paper():
    task = small()
    problem = task.problems("train")[0]
    assert task.prompt(problem) == f"Question:\n{problem.question}\nAnswer reasoning:\n"
    assert task.target(problem).endswith(f"\nTherefore, the answer is: {problem.answer}")


def test_prompt_of_a_program_ends_with_its_header():
    task = small(style="pcot")
    problem = task.problems("train")[0]
    header = f'Answer reasoning:\ndef solution():\n    """{problem.question}"""\n'
    assert task.prompt(problem).endswith(header)
    assert task.target(problem).startswith("    ")
