"""One uniform number per sample and step, a pure function of the sample's seed and the step.

There is no generator with a state, so nothing depends on which rows are in the batch or in what
order they run. The mixer is SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2714064.2660195).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def seed_keys(seeds: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread small seeds over 64 bits, so that seed s at step t + 1 is not seed s + 1 at step t."""
    return _mix(seeds + _GAMMA)


def uniforms(keys: NDArray[np.uint64], steps: NDArray[np.uint64]) -> NDArray[np.float32]:
    """B float32 numbers in `[0, 1 - 2**-23]` for B keys (of `seed_keys`) and B steps.

    23 bits, so that a uniform times a sum in float32 stays below the sum.
    """
    bits = _mix(keys + (steps + np.uint64(1)) * _GAMMA)
    return ((bits >> np.uint64(41)).astype(np.float32)) * np.float32(2.0**-23)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return bits ^ (bits >> np.uint64(31))
