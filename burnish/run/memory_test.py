"""Memory in gaps of the heap goes back to the system."""

import sys

import pytest
import torch

from burnish.run.memory import return_free_memory


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap is Linux's")
def test_free_blocks_between_used_ones_are_returned():
    blocks = [torch.ones(16_000) for _ in range(4_000)]  # 64 kB each: too small to be mapped
    kept = blocks[::64]
    full = resident_bytes()
    del blocks

    return_free_memory()

    assert full - resident_bytes() > 0.8 * 4_000 * 64_000
    assert all(block.sum() == 16_000 for block in kept)
