"""How a batch is cut changes nothing, and padding is read by nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch

from burnish.run.doctor.check import Check, Finding, judged
from burnish.types import Example

CUT = "{loss}: the cut of a batch changes nothing"
PADDING = "{reader}: padding is not read"
TOLERANCES = {torch.float32: 2e-3, torch.bfloat16: 5e-2}
WHOLE = 1_000_000
ROW_BY_ROW = 1

StepAt: TypeAlias = Callable[[int], Mapping[str, float]]
"""One update from the same start, in micro-batches of at most so many tokens; loss and gradient."""
Reader: TypeAlias = Callable[[Sequence[Example]], Sequence[Sequence[float]]]
"""What a model says of each row of one batch."""


def check_cut(loss: str, step_at: StepAt, *, dtype: torch.dtype) -> Check:
    """Loss and gradient norm are those of the whole batch where each row is a micro-batch."""
    name = CUT.format(loss=loss)
    whole, rows = step_at(WHOLE), step_at(ROW_BY_ROW)
    gaps = {key: _relative(whole[key], rows[key]) for key in whole}
    key = max(gaps, key=lambda k: gaps[k])
    tolerance = TOLERANCES[dtype]
    if gaps[key] <= tolerance:
        return judged(name, None, seen=f"{key} moves by {gaps[key]:.1e} at most", numbers=gaps)
    found = Finding(
        f"{key} is {whole[key]:.6g} for the whole batch and {rows[key]:.6g} row by row: the run "
        "would depend on compute.max_tokens_per_batch, which must change memory only.",
        "Divide losses by counts of the whole batch, and mask padding before they are summed.",
    )
    return judged(name, found, seen="", numbers=gaps, stops_training=True)


def check_padding(
    reader: str, read: Reader, rows: Sequence[Example], *, dtype: torch.dtype
) -> Check:
    """Rows say the same alone as beside a longer one."""
    name = PADDING.format(reader=reader)
    together = read(rows)
    alone = [read([row])[0] for row in rows]
    gap = max(
        _relative(a, b)
        for one, other in zip(alone, together, strict=True)
        for a, b in zip(one, other, strict=False)
    )
    numbers = {"gap": gap}
    if gap <= TOLERANCES[dtype]:
        return judged(name, None, seen=f"{len(rows)} rows move by {gap:.1e}", numbers=numbers)
    found = Finding(
        f"a row says something else ({gap:.2g}, relative) beside a longer one than alone: padding "
        "is read, so scores depend on what else is in the batch",
        "Read the last real token, which the batch knows; never guess it from the padding id.",
    )
    return judged(name, found, seen="", numbers=numbers, stops_training=True)


def _relative(a: float, b: float) -> float:
    return abs(a - b) / max(1e-3, abs(a), abs(b))
