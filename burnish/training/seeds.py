"""One seed for a run, from which every random choice is derived by its place in the run.

Nothing is drawn from a shared stream, so a resumed run makes the same choices as one that was
never stopped, and adding a draw in one place changes none elsewhere.
"""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache


def derived_seed(seed: int, *place: str | int) -> int:
    """A 63-bit seed for one place, such as `derived_seed(1, "reft", step, problem.id, sample)`."""
    key = repr((seed, *place)).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1


@lru_cache(maxsize=2)
def epoch_order(size: int, *, seed: int, epoch: int) -> tuple[int, ...]:
    """The order in which an epoch visits `size` rows."""
    order = list(range(size))
    random.Random(derived_seed(seed, "epoch", epoch)).shuffle(order)
    return tuple(order)


def batch_indices(size: int, step: int, *, batch_size: int, seed: int) -> list[int]:
    """The rows of batch `step` when epochs of shuffled rows follow each other without a gap.

    Every row is seen once before any is seen again; a batch may span two epochs.
    """
    indices: list[int] = []
    position = step * batch_size
    while len(indices) < batch_size:
        epoch, offset = divmod(position + len(indices), size)
        order = epoch_order(size, seed=seed, epoch=epoch)
        indices += order[offset : offset + batch_size - len(indices)]
    return indices
