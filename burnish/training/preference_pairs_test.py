from __future__ import annotations

from dataclasses import replace

import pytest

from burnish.data.rendering import Renderer
from burnish.data.tasks.arithmetic import ArithmeticTask
from burnish.errors import DataError
from burnish.models.tiny import tiny_model
from burnish.training.preference_pairs import (
    TokenPair,
    fingerprint_of,
    mismatched_pairs,
    read_pairs,
    usable_pairs,
    write_pairs,
    written_pair,
)
from burnish.types import Preference

PAIR = TokenPair("p", (1, 2), (5, 6, 7), (8,))
TASK = ArithmeticTask(train_size=2, dev_size=1, test_size=1)


def test_both_answers_follow_the_prompt_and_alone_are_learnt():
    assert PAIR.chosen.token_ids == (1, 2, 5, 6, 7)
    assert PAIR.rejected.token_ids == (1, 2, 8)
    assert PAIR.rejected.is_action == (False, False, True)
    assert PAIR.longer == PAIR.chosen
    assert replace(PAIR, rejected_ids=(8,) * 4).longer.token_ids == (1, 2, 8, 8, 8, 8)


def test_pairs_are_read_back_as_they_were_written(tmp_path):
    pairs = [PAIR, replace(PAIR, problem_id="q", chosen_ids=(9,))]
    write_pairs(tmp_path / "pairs.jsonl", pairs)
    assert read_pairs(tmp_path / "pairs.jsonl") == pairs


def test_written_texts_become_the_prompt_of_the_task_and_answers_closed_by_eos():
    tokenizer = tiny_model("llama").tokenizer
    renderer = Renderer(TASK, tokenizer, max_prompt_tokens=300)
    problem = TASK.problems("train")[0]
    pair = written_pair(Preference(problem, "Yes, it is 3.", "No."), renderer)
    assert pair.prompt_ids == renderer.prompt_ids(problem)
    assert pair.chosen_ids[-1] == pair.rejected_ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(list(pair.chosen_ids[:-1])) == "Yes, it is 3."
    assert tokenizer.decode(list(pair.rejected_ids[:-1])) == "No."


def test_equal_answers_are_left_out():
    same = TokenPair("same", (1,), (5,), (5,))
    assert usable_pairs([same, PAIR], max_context=None) == [PAIR]
    with pytest.raises(DataError, match="none of 2 pairs has two different answers"):
        usable_pairs([same, same], max_context=None)


def test_pair_fits_the_context_exactly_or_is_an_error():
    assert usable_pairs([PAIR], max_context=5) == [PAIR]
    with pytest.raises(DataError, match="5 tokens, past the model's context of 4"):
        usable_pairs([PAIR], max_context=4)


def test_empty_answer_is_an_error():
    with pytest.raises(DataError, match=r"'p'.*no tokens"):
        usable_pairs([PAIR, replace(PAIR, rejected_ids=())], max_context=None)


def test_mismatched_are_prompts_with_the_answers_of_the_next_pair_as_far_as_they_fit():
    other = TokenPair("q", (3,), (9, 9), (10,) * 6)
    first, second = mismatched_pairs([PAIR, other], max_context=6)
    assert first == TokenPair("p", (1, 2), (9, 9), (10,) * 4)
    assert second == TokenPair("q", (3,), (5, 6, 7), (8,))
    assert mismatched_pairs([PAIR, other], max_context=None)[0].rejected_ids == (10,) * 6


@pytest.mark.parametrize(
    "other",
    [
        [replace(PAIR, prompt_ids=(1, 3))],
        [replace(PAIR, chosen_ids=(5, 6, 8))],
        [replace(PAIR, rejected_ids=(9,))],
        [PAIR, PAIR],
    ],
)
def test_fingerprint_tells_pairs_apart(other):
    assert fingerprint_of(other) != fingerprint_of([PAIR])
    assert fingerprint_of([replace(PAIR)]) == fingerprint_of([PAIR])
