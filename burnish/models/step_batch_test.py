from __future__ import annotations

import pytest

from burnish.models.step_batch import StepBatch, reading_of_prefix, reading_of_steps
from burnish.types import SteppedTokens

EOS = 1
OPEN = SteppedTokens("p", (2, 40, 41), ((9, 10, 11), (12, 13)))
CLOSED = SteppedTokens("p", (2, 40, 41), ((9, 10, 11), (12, 13, EOS)))
QUESTION = SteppedTokens("p", (2, 40, 41), ())


def test_steps_end_where_the_next_begins():
    assert OPEN.token_ids == (2, 40, 41, 9, 10, 11, 12, 13)
    assert OPEN.step_ends == (6, 8)
    assert QUESTION.step_ends == ()


@pytest.mark.parametrize("solution", [OPEN, CLOSED])
def test_the_value_of_a_step_is_read_at_its_last_token_and_not_at_eos(solution):
    reading = reading_of_steps(solution, eos_id=EOS)
    assert reading.token_ids == (2, 40, 41, 9, 10, 11, 12, 13, EOS)
    assert reading.columns == (5, 7)
    assert reading.shared == 3


@pytest.mark.parametrize("solution", [OPEN, CLOSED])
def test_a_prefix_is_read_at_its_end_and_shares_all_earlier_steps(solution):
    reading = reading_of_prefix(solution, eos_id=EOS)
    assert reading.columns == (7,)
    assert reading.shared == 6
    assert reading.is_action == (False,) * 6 + (True,) * 3


def test_a_prompt_that_ends_with_eos_keeps_it():
    question = SteppedTokens("p", (2, 40, EOS), ())
    assert reading_of_prefix(question, eos_id=EOS).columns == (2,)


def test_a_batch_lists_the_places_row_by_row():
    readings = [reading_of_steps(OPEN, eos_id=EOS), reading_of_prefix(QUESTION, eos_id=EOS)]
    batch = StepBatch.collate(readings)
    assert batch.row.tolist() == [0, 0, 1]
    assert batch.column.tolist() == [5, 7, 2]
