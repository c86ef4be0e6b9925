from __future__ import annotations

from burnish.data.splitting import divide, question_key
from burnish.types import Problem


def problems_with(*questions: str) -> list[Problem]:
    return [Problem(str(n), question, "1") for n, question in enumerate(questions)]


def test_a_question_asked_twice_stands_on_one_side():
    twice = [f"{greeting} {n} ducks?" for n in range(40) for greeting in ("How many:", "how MANY")]
    train, dev = divide(problems_with(*twice), "train"), divide(problems_with(*twice), "dev")

    assert len(train) == 72
    assert len(dev) == 8
    assert not {question_key(p.question) for p in train} & {question_key(p.question) for p in dev}


def test_side_does_not_depend_on_the_order_of_the_file():
    problems = problems_with(*(f"question {n}" for n in range(50)))
    forwards = {p.id for p in divide(problems, "dev")}
    backwards = [p.id for p in divide(problems[::-1], "dev")]

    assert forwards == set(backwards)
    assert backwards == sorted(backwards, key=int, reverse=True)


def test_dev_is_the_end_of_the_order_of_the_hash():
    problems = problems_with(*(f"question {n}" for n in range(10)))
    (dev,) = divide(problems, "dev")
    assert dev == max(problems, key=lambda p: question_key(p.question))


def test_share_is_of_the_questions_and_each_side_has_one():
    problems = problems_with(*(f"question {n}" for n in range(30)))

    assert len(divide(problems, "dev", dev_share=0.5)) == 15
    assert len(divide(problems[:2], "dev", dev_share=0.01)) == 1
    assert len(divide(problems[:2], "train", dev_share=0.99)) == 1
    assert len(divide(problems[:1], "train")) == 1


def test_questions_without_a_word_are_still_told_apart():
    assert question_key("?!") != question_key("!?")
