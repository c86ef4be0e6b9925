"""Learning-rate schedules: functions from the number of steps done to a multiplier.

Given to `torch.optim.lr_scheduler.LambdaLR` through `functools.partial`. The multiplier of the
first step is that of step 0.
"""

from __future__ import annotations

import math


def constant(step: int) -> float:
    """1 at every step."""
    del step
    return 1.0


def linear_decay(step: int, *, num_steps: int, num_warm_up_steps: int = 0) -> float:
    """Linear from 0 to 1 during warm-up, then linear to 0 at `num_steps` and 0 after.

        step / num_warm_up_steps                              while step < num_warm_up_steps
        (num_steps - step) / (num_steps - num_warm_up_steps)  then

    As transformers' `get_linear_schedule_with_warmup`: with warm-up the first step's rate is 0.
    """
    if step < num_warm_up_steps:
        return step / num_warm_up_steps
    return max(0.0, (num_steps - step) / max(1, num_steps - num_warm_up_steps))


def warm_up_steps(num_steps: int, *, ratio: float) -> int:
    """Steps of warm-up that are `ratio` of all steps, rounded up."""
    return math.ceil(round(num_steps * ratio, 6))
