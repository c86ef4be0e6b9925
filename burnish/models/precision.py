"""Which dtype this machine multiplies matrices faster in, by trying both."""

from __future__ import annotations

import time

import torch

_ROWS, _WIDTH = 256, 512
_NUM_TRIES = 8
_CLEARLY_FASTER = 1.2


def faster_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where its products are clearly faster than float32's, else float32.

    CPUs without bfloat16 units emulate it, several times slower. Takes some milliseconds on a CPU;
    a CUDA device is only asked what it can do.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    full, half = (_product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16))
    return torch.bfloat16 if half * _CLEARLY_FASTER < full else torch.float32


def _product_seconds(dtype: torch.dtype) -> float:
    """The best of a few tries, so that a busy moment of the machine does not decide."""
    rows, weight = torch.ones(_ROWS, _WIDTH, dtype=dtype), torch.ones(_WIDTH, _WIDTH, dtype=dtype)
    best = float("inf")
    for _ in range(_NUM_TRIES):
        start = time.perf_counter()
        torch.mm(rows, weight)
        best = min(best, time.perf_counter() - start)
    return best
