from __future__ import annotations

import pytest

from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import DataError
from burnish.models.tiny import byte_level_tokenizer
from burnish.rollout.stopping import decode
from burnish.search.asks import Prefix, ProposalRequest, Step
from burnish.training.step_advice import AdvisedProposer, advised
from burnish.training.tree_questions import Questions
from burnish.types import Message, Problem

TOKENIZER = byte_level_tokenizer(384)
TASK = ArithmeticTask()
PREFIX = Prefix("a", "", 3, (Step("2 + 3\n", 2, (20, 21)),))


class Prompted:
    """A proposer that says which prompt and seed it was given."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self.requests: list[ProposalRequest] = []

    def propose(self, requests):
        self.requests += requests
        prompts = (self._questions.prompts[request.prefix.tree_id] for request in requests)
        return [[(Step(decode(TOKENIZER, prompt), 1),)] for prompt in prompts]


def planted() -> Questions:
    problem = Problem("a", "What is 2 + 3?", "5")
    renderer = Renderer(TASK, TOKENIZER, max_prompt_tokens=100)
    return Questions({"a": problem}, {"a": renderer.prompt_ids(problem)})


def proposer(questions: Questions, *, limit: int = 200) -> tuple[AdvisedProposer, Prompted]:
    inner = Prompted(questions)
    renderer = Renderer(TASK, TOKENIZER, max_prompt_tokens=limit)
    return AdvisedProposer(inner, renderer, questions, lead="Advice: "), inner


def test_advice_stands_behind_the_question_of_its_own_request_alone():
    outer, inner = proposer(planted())
    plain = ProposalRequest(PREFIX, (7, 8))
    with_advice = ProposalRequest(PREFIX, (9,), 2, "Add them.")

    answers = outer.propose([plain, with_advice, plain])

    texts = [continuation[0].text for ((continuation),) in answers]
    assert texts[0] == texts[2] == TASK.prompt(Problem("a", "What is 2 + 3?", "5"))
    question = "What is 2 + 3?\nAdvice: Add them."
    assert texts[1] == TASK.prompt(Problem("a", question, "5"))
    assert inner.requests[0] == plain
    asked = inner.requests[1]
    assert (asked.prefix.steps, asked.seeds, asked.max_steps) == (PREFIX.steps, (9,), 2)
    assert asked.advice == ""


def test_advice_that_leaves_no_room_in_the_prompt_is_an_error():
    outer, _ = proposer(planted(), limit=3)
    with pytest.raises(DataError, match="more than the limit"):
        outer.propose([ProposalRequest(PREFIX, (9,), 1, "Add them.")])


def test_in_a_conversation_the_last_turn_carries_the_advice():
    turns = (Message("system", "Be brief."), Message("user", "2 + 3?"))
    found = advised(Problem("a", "q", "5", messages=turns), "Add.")
    assert [turn.content for turn in found.messages] == ["Be brief.", "2 + 3?\n\nAdd."]
    assert [turn.role for turn in found.messages] == ["system", "user"]
    assert found.question == "q"
