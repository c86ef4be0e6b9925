"""Keys and values of the rows in decode: contiguous blocks, each row at its own position.

`transformers`' dynamic cache concatenates every layer's keys at every step. Here a step writes one
column a row into a block `[2, slot, head, column, channel]` per layer. Columns are counted from the
start of the row's own sequence: there is no left padding.

Decoders want different layouts. Batched products of attention run 2 to 4 times slower over a view
into wider rows on a CPU, so there blocks are as wide as the longest row needs, in steps of 32
columns; re-laying them out every 32 steps costs little. Kernels that read no column past a row's
end take any width. A recorded step wants its addresses to last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import torch
from torch import Tensor
from transformers import Cache

COLUMNS_PER_BLOCK = 32
_SHRINK_BELOW = 0.75


class Layout(Enum):
    """How wide blocks are, and what stands in columns past a row's end."""

    TIGHT = "as wide as the longest row needs, now; zeros"
    LOOSE = "twice as wide when they must grow; anything"
    STEADY = (
        "twice as wide when they must grow; zeros; and the engine keeps the cache between calls"
    )


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

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Nothing stands before a prompt."""
        return 0

    def prefixes(self, row: int, length: int) -> list[Tensor]:
        """One row's `[2, head, length, channel]` of every layer."""
        return [pair[:, row, :, :length] for pair in self._pairs]


class SlotCache(Cache):
    """The rows in decode. Slots `0 .. B-1` are in use.

    Args:
        num_slots: most rows at once.
        layout: of the blocks. Where whole blocks are read, the columns past a row's end hold zeros:
            masked columns have weight 0, but 0 times an uninitialised NaN is NaN.
    """

    def __init__(self, num_slots: int, layout: Layout) -> None:
        super().__init__(layers=[])
        self.num_slots = num_slots
        self.layout = layout
        self.num_columns = 0
        self._blocks: list[Tensor] = []
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._spare: Tensor | None = None
        self._num_rows = 0
        self._positions = torch.empty(0, dtype=torch.long)
        self._write_index: Tensor | None = None

    def fit(self, num_columns: int, prefixes: list[Tensor] | None = None) -> None:
        """Make the blocks as wide as the longest row needs, keeping the rows in use.

        Args:
            num_columns: positions of the longest row.
            prefixes: as given to `fill`; the first call learns the shape from it.
        """
        wanted = -(-num_columns // COLUMNS_PER_BLOCK) * COLUMNS_PER_BLOCK
        too_wide = self.layout is Layout.TIGHT and wanted <= _SHRINK_BELOW * self.num_columns
        if self._blocks and wanted <= self.num_columns and not too_wide:
            return
        if self.layout is not Layout.TIGHT:
            wanted = max(wanted, 2 * self.num_columns)
        if not self._blocks:
            assert prefixes is not None, "the first row gives the shape"
            self._blocks = [self._empty_like(prefix) for prefix in prefixes]
        self._blocks = [self._laid_out(block, wanted) for block in self._blocks]
        self._keys = [block[0].view(-1, block.shape[-1]) for block in self._blocks]
        self._values = [block[1].view(-1, block.shape[-1]) for block in self._blocks]
        self.num_columns = wanted

    def fill(self, first_slot: int, num_rows: int, prefixes: list[Tensor]) -> None:
        """Start rows in new slots: copy one prompt's `[2, head, column, channel]` into each."""
        slots = slice(first_slot, first_slot + num_rows)
        for block, prefix in zip(self._blocks, prefixes, strict=True):
            length = prefix.shape[2]
            block[:, slots, :, :length] = prefix[:, None]
            if self.layout is not Layout.LOOSE:
                block[:, slots, :, length:] = 0.0
        self._num_rows = first_slot + num_rows

    def put(self, slot: int, start: int, piece: Tensor) -> None:
        """Write `[layer, 2, head, column, channel]` into a slot, from column `start` on."""
        end = start + piece.shape[3]
        for block, layer in zip(self._blocks, piece.unbind(0), strict=True):
            block[:, slot, :, start:end] = layer

    def prefix(self, slot: int, num_columns: int) -> list[Tensor]:
        """The first columns of a slot, `[2, head, column, channel]` of every layer, as views."""
        return [block[:, slot, :, :num_columns] for block in self._blocks]

    def copied(self, slot: int, end: int, start: int) -> Tensor:
        """A slot from `start` to `end`, `[layer, 2, head, column, channel]`, as an own tensor."""
        return torch.stack([block[:, slot, :, start:end] for block in self._blocks])

    def move(self, source: int, target: int) -> None:
        """Copy one slot over another."""
        for block in self._blocks:
            block[:, target] = block[:, source]

    def keep(self, num_rows: int) -> None:
        """Only the first `num_rows` slots are in use from now on."""
        self._num_rows = num_rows

    def point(self, positions: Tensor) -> None:
        """The next step writes row b at column `positions[b]`, for the B rows in use."""
        assert len(positions) == self._num_rows, "one position a row"
        self._positions, self._write_index = positions, None

    @contextmanager
    def recording(self, positions: Tensor) -> Iterator[None]:
        """As if the first `len(positions)` slots were in use, and the step wrote there."""
        num_rows, self._num_rows = self._num_rows, len(positions)
        self.point(positions)
        yield
        self.keep(num_rows)

    def block(self, layer_idx: int) -> tuple[Tensor, Tensor]:
        """Keys and values `[slot, head, column, channel]` of one layer, to be read and written."""
        keys, values = self._blocks[layer_idx]
        return keys, values

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *args: object,
        **kwargs: object,
    ) -> tuple[Tensor, Tensor]:
        """Write `[B, head, 1, channel]`; return all columns of the B rows."""
        index, channels = self._places(), key_states.shape[-1]
        self._keys[layer_idx].index_copy_(0, index, key_states.reshape(-1, channels))
        self._values[layer_idx].index_copy_(0, index, value_states.reshape(-1, channels))
        rows = self._blocks[layer_idx][:, : self._num_rows]
        return rows[0], rows[1]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Not defined: rows differ, so position ids are always given."""
        raise NotImplementedError("rows have lengths of their own; pass position_ids")

    def _places(self) -> Tensor:
        """Where this step writes in `_keys` and `_values`; the same for every layer."""
        if self._write_index is None:
            heads, device = self._blocks[0].shape[2], self._positions.device
            rows = torch.arange(self._num_rows * heads, device=device) * self.num_columns
            self._write_index = rows + self._positions.repeat_interleave(heads)
        return self._write_index

    def _empty_like(self, prefix: Tensor) -> Tensor:
        _, heads, _, channels = prefix.shape
        return prefix.new_empty((2, self.num_slots, heads, 0, channels))

    def _laid_out(self, block: Tensor, num_columns: int) -> Tensor:
        """The block with another width. Its old storage is kept for the next layer."""
        pair, slots, heads, columns, channels = block.shape
        size = pair * slots * heads * num_columns * channels
        storage = self._spare
        if storage is None or storage.numel() < size:
            storage = block.new_empty(size)
        new = storage[:size].view(pair, slots, heads, num_columns, channels)
        kept, used = min(columns, num_columns), slice(0, self._num_rows)
        new[:, used, :, :kept] = block[:, used, :, :kept]
        if self.layout is not Layout.LOOSE:
            new[:, used, :, kept:] = 0.0
        self._spare = block.view(-1) if columns else None
        return new
