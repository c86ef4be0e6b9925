from __future__ import annotations

from burnish.run.doctor.check import Verdict
from burnish.run.doctor.overlap import check_overlap
from burnish.types import Message, Problem


def asked(name: str, question: str, *turns: str) -> Problem:
    messages = tuple(Message("user", turn) for turn in turns)
    return Problem(name, question, "1", messages=messages)


def test_case_spaces_and_punctuation_do_not_make_another_question():
    problems = {
        "train": [asked("a", "Tom's 3 cats?"), asked("b", "Other")],
        "dev": [asked("c", "New")],
        "test": [asked("d", "tom 's 3 CATS ?")],
    }
    check = check_overlap(problems)
    assert check.verdict is Verdict.FAILED
    assert check.numbers == {"train and dev": 0, "train and test": 1, "dev and test": 0}
    assert "1 in train and test, such as 'd' of test" in check.meaning


def test_a_question_twice_in_one_split_is_no_overlap():
    problems = {"train": [asked("a", "Same"), asked("b", "Same")], "test": [asked("c", "New")]}
    assert check_overlap(problems).verdict is Verdict.PASSED


def test_conversations_with_one_end_and_other_beginnings_differ():
    problems = {
        "train": [asked("a", "And now?", "Two.", "And now?")],
        "test": [asked("b", "And now?", "Three.", "And now?")],
    }
    assert check_overlap(problems).verdict is Verdict.PASSED
