from __future__ import annotations

import torch

from burnish.models.token_batch import TokenBatch
from burnish.types import Example


def example(num_prompt: int, num_target: int) -> Example:
    """Tokens 10, 11, ... so that each says where it stands."""
    size = num_prompt + num_target
    flags = (False,) * num_prompt + (True,) * num_target
    return Example("p", tuple(range(10, 10 + size)), flags)


def test_padding_is_on_the_right_and_not_real():
    batch = TokenBatch.collate([example(1, 1), example(2, 2)])
    assert batch.token_ids.tolist() == [[10, 11, 0, 0], [10, 11, 12, 13]]
    assert batch.is_real.tolist() == [[True, True, False, False], [True] * 4]


def test_mask_is_true_at_the_column_before_each_action():
    batch = TokenBatch.collate([example(1, 1), example(2, 2)])
    assert batch.action_mask.tolist() == [[True, False, False], [False, True, True]]
    predicted = batch.token_ids[:, 1:][batch.action_mask]
    assert predicted.tolist() == [11, 12, 13]
    assert batch.num_actions == 3


def test_actions_of_several_turns_keep_their_places():
    turns = Example("p", (1, 2, 3, 4, 5), (False, True, False, False, True))
    assert TokenBatch.collate([turns]).action_mask.tolist() == [[True, False, False, True]]


def test_positions_count_from_zero_in_every_row():
    positions = TokenBatch.collate([example(1, 1), example(2, 2)]).position_ids
    assert positions.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]


def test_moving_to_a_device_moves_everything():
    batch = TokenBatch.collate([example(1, 2)]).to(torch.device("meta"))
    tensors = (batch.token_ids, batch.is_real, batch.action_mask, batch.position_ids)
    assert {tensor.device.type for tensor in tensors} == {"meta"}
