from __future__ import annotations

import pytest

from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.models.tiny import byte_fallback_tokenizer, byte_level_tokenizer
from burnish.rollout.stopping import decode
from burnish.search.steps import MarkerSteps, SentenceSteps
from burnish.training.collection import trajectory
from burnish.training.step_tokens import sampled_steps, steps_of, written_steps
from burnish.types import Completion, Problem, Score, StopReason

SENTENCES = SentenceSteps()
PROBLEM = Problem("p", "12 + 7 = ?", "19")
TOKENIZERS = [byte_level_tokenizer(starts_with_bos=True), byte_fallback_tokenizer()]
TEXTS = ("12 + 7 = 19. ", "19 * 2 = 38 \u20ac.\n", "Therefore, the answer is: 38")


def completion(tokenizer, text: str) -> Completion:
    ids = (*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id)
    zeros = (0.0,) * len(ids)
    return Completion((2, 40, 41), ids, zeros, zeros, text, StopReason.EOS)


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["byte level", "byte fallback"])
def test_sampled_tokens_are_kept_and_each_step_ends_where_its_text_does(tokenizer):
    sampled = completion(tokenizer, "".join(TEXTS))
    found = sampled_steps(PROBLEM, sampled, steps=SENTENCES, tokenizer=tokenizer)
    assert found.token_ids == sampled.prompt_ids + sampled.token_ids
    assert found.step_ids[-1][-1] == tokenizer.eos_token_id
    ends = found.step_ends
    texts = [decode(tokenizer, found.token_ids[3:end]) for end in ends]
    assert [text.strip() for text in texts] == ["".join(TEXTS[: k + 1]).strip() for k in range(3)]


def test_steps_of_a_trajectory_are_those_of_its_completion():
    tokenizer = TOKENIZERS[0]
    sampled = completion(tokenizer, "".join(TEXTS))
    graded = trajectory(PROBLEM, sampled, Score(1.0, True, "19"))
    found = steps_of(graded, steps=SENTENCES, tokenizer=tokenizer)
    assert len(found.step_ids) == 3
    assert found == sampled_steps(PROBLEM, sampled, steps=SENTENCES, tokenizer=tokenizer)


def test_a_token_with_two_steps_in_it_belongs_to_the_first():
    tokenizer = byte_level_tokenizer()
    sampled = completion(tokenizer, "answer answer")
    first = decode(tokenizer, sampled.token_ids[:1])
    assert len(first) >= 2, "a token of two letters is needed"
    steps = MarkerSteps(marker=first[1:], stands="at_start")
    found = sampled_steps(PROBLEM, sampled, steps=steps, tokenizer=tokenizer)
    assert sum(found.step_ids, ()) == sampled.token_ids
    assert found.step_ids[0] == sampled.token_ids[:1]


def test_a_completion_of_eos_alone_has_no_steps():
    tokenizer = byte_level_tokenizer()
    found = sampled_steps(PROBLEM, completion(tokenizer, ""), steps=SENTENCES, tokenizer=tokenizer)
    assert found.step_ids == ()


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=["byte level", "byte fallback"])
def test_written_steps_have_the_tokens_of_supervised_training_without_eos(tokenizer):
    renderer = Renderer(ArithmeticTask(), tokenizer, max_prompt_tokens=100)
    found = written_steps(PROBLEM, TEXTS, (1.0, None, 0.5), renderer=renderer, tokenizer=tokenizer)
    imitated = renderer.imitation(PROBLEM, "".join(TEXTS))
    assert found.tokens.token_ids == imitated.token_ids[:-1]
    assert found.values == (1.0, None, 0.5)
    assert len(found.tokens.step_ids) == 3


def test_of_steps_that_end_in_one_token_the_last_label_is_kept():
    tokenizer = byte_level_tokenizer()
    renderer = Renderer(ArithmeticTask(), tokenizer, max_prompt_tokens=100)
    tokens = tokenizer.encode("answer", add_special_tokens=False)
    whole = decode(tokenizer, tokens[:1])
    assert len(whole) >= 2, "a token of two letters is needed"
    found = written_steps(
        PROBLEM,
        (whole[:1], whole[1:], "answer"),
        (0.25, 0.75, 1.0),
        renderer=renderer,
        tokenizer=tokenizer,
    )
    assert found.values == (0.75, 1.0)
    assert len(found.tokens.step_ids) == 2
