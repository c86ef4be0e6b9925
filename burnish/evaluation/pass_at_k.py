"""pass@k: the chance that at least one of k samples is right."""

from __future__ import annotations

import math


def pass_at_k(num_samples: int, num_correct: int, k: int) -> float:
    """Unbiased estimate from n >= k samples of one problem, c of them right.

        1 - C(n-c, k) / C(n, k) = 1 - prod_{i = n-c+1}^{n} (1 - k / i)

    The product form of Chen et al. 2021 (arXiv:2107.03374), section 2.1: no large binomials.

    Raises ValueError unless 1 <= k <= n and 0 <= c <= n.
    """
    if not 1 <= k <= num_samples:
        raise ValueError(f"pass@{k} needs at least {max(k, 1)} samples; there are {num_samples}")
    if not 0 <= num_correct <= num_samples:
        raise ValueError(f"{num_correct} of {num_samples} samples cannot be right")
    smallest = num_samples - num_correct + 1
    return 1.0 - math.prod(1.0 - k / i for i in range(smallest, num_samples + 1))
