"""Keys and values of the rows in decode: one preallocated block, each row at its own position.

`transformers`' dynamic cache concatenates every layer's keys at every step. Here one tensor
`[layer, 2, slot, head, column, channel]` holds all of them, so that a step writes one column a row,
and copying or moving a row is one operation for all layers. Columns are counted from the start of
the row's own sequence: there is no left padding.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import Cache

COLUMNS_PER_BLOCK = 64


class PrefillCache(Cache):
    """Collects the keys and values of one forward pass over prompts, right-padded."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self._pairs: list[Tensor] = []

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *args: object,
        **kwargs: object,
    ) -> tuple[Tensor, Tensor]:
        """Keep `[row, head, column, channel]` keys and values; attention sees them as they are."""
        assert layer_idx == len(self._pairs), "layers run in order"
        self._pairs.append(torch.stack((key_states, value_states)))
        return key_states, value_states

    def stacked(self) -> Tensor:
        """All layers: `[layer, 2, row, head, column, channel]`."""
        return torch.stack(self._pairs)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Nothing stands before a prompt."""
        return 0


class SlotCache(Cache):
    """The rows in decode. Slots `0 .. B-1` are in use; the tensor grows when a row needs room.

    Args:
        num_slots: most rows at once.
        dtype: of the stored keys and values. On a CPU float32 is faster than bfloat16: the batched
            products of attention are 2 to 5 times slower there in bfloat16.
    """

    def __init__(self, num_slots: int, dtype: torch.dtype) -> None:
        super().__init__(layers=[])
        self.num_slots = num_slots
        self.dtype = dtype
        self._block: Tensor | None = None
        self._key_rows: list[Tensor] = []
        self._value_rows: list[Tensor] = []
        self._write_index = torch.empty(0, dtype=torch.long)
        self._num_rows = 0
        self._num_visible = 0

    @property
    def num_columns(self) -> int:
        """Columns allocated for each slot."""
        return 0 if self._block is None else self._block.shape[4]

    def reserve(self, num_columns: int, like: Tensor) -> None:
        """Make room for `num_columns` positions a row, keeping what is stored.

        `like` is `[layer, 2, row, head, column, channel]` and gives the shape and the device.
        """
        if num_columns <= self.num_columns:
            return
        wanted = max(num_columns, self.num_columns * 3 // 2)
        wanted = -(-wanted // COLUMNS_PER_BLOCK) * COLUMNS_PER_BLOCK
        layers, pair, _, heads, _, channels = like.shape
        shape = (layers, pair, self.num_slots, heads, wanted, channels)
        # Zeros: a masked column has weight 0, but 0 times an uninitialised NaN is NaN.
        block = torch.zeros(shape, dtype=self.dtype, device=like.device)
        if self._block is not None:
            block[:, :, :, :, : self.num_columns] = self._block
        self._block = block
        self._key_rows = [layer[0].view(-1, channels) for layer in block]
        self._value_rows = [layer[1].view(-1, channels) for layer in block]

    def grow(self, num_columns: int) -> None:
        """`reserve` with the shape already known."""
        assert self._block is not None, "the first row gives the shape"
        self.reserve(num_columns, self._block)

    def fill(self, slot: int, prefix: Tensor) -> None:
        """Start a row: copy a prompt's `[layer, 2, head, column, channel]` into a slot."""
        assert self._block is not None, "reserve comes first"
        self._block[:, :, slot, :, : prefix.shape[3]] = prefix

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` columns of one slot over another."""
        assert self._block is not None, "only filled rows move"
        self._block[:, :, target, :, :length] = self._block[:, :, source, :, :length]

    def point(self, positions: Tensor, num_visible: int) -> None:
        """Say where the next step writes.

        Args:
            positions: B positions; row b writes column `positions[b]`.
            num_visible: `max(positions) + 1`; attention sees this many columns.
        """
        assert self._block is not None, "only filled rows decode"
        _, _, _, heads, columns, _ = self._block.shape
        rows = torch.arange(len(positions) * heads, device=positions.device) * columns
        self._write_index = rows + positions.repeat_interleave(heads)
        self._num_rows = len(positions)
        self._num_visible = num_visible

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *args: object,
        **kwargs: object,
    ) -> tuple[Tensor, Tensor]:
        """Write `[B, head, 1, channel]`; return all visible keys and values of the B rows."""
        assert self._block is not None, "only filled rows decode"
        channels = key_states.shape[-1]
        keys, values = self._key_rows[layer_idx], self._value_rows[layer_idx]
        keys.index_copy_(0, self._write_index, key_states.reshape(-1, channels).to(self.dtype))
        values.index_copy_(0, self._write_index, value_states.reshape(-1, channels).to(self.dtype))
        visible = self._block[layer_idx, :, : self._num_rows, :, : self._num_visible]
        return visible[0], visible[1]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Columns before this step; models need it only where position ids are missing."""
        return self._num_visible - 1
