"""The curve of gold and proxy reward against KL from the reference, as a run has measured it.

Any stage whose measure is `measure_of_answers` (or has its numbers among others) leaves one: a
point where it starts, at KL 0, and one for each evaluation on the dev split.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from burnish.training.start_measure import START_FILE, read_start
from burnish.types import Json

_PREFIX = "dev/sampled_"


@dataclass(frozen=True, slots=True)
class RewardPoint:
    """A policy on the dev problems.

    Attributes:
        step: of its stage; 0 is the reference itself.
        kl: from the reference, in nats an answer.
        gold, proxy: mean rewards of sampled answers; None where nobody can tell.
        length: tokens of an answer.
        no_eos: share of answers that the token limit cut off.
    """

    step: int
    kl: float
    gold: float | None
    proxy: float | None
    length: float
    no_eos: float

    def as_json(self) -> dict[str, Json]:
        """For `results.json`."""
        return {**asdict(self)}


def read_curve(run: Path, stage: Path) -> list[RewardPoint]:
    """The curve of a stage, none where it has not been measured so.

    Args:
        run: the run folder.
        stage: the stage's folder in it, `NN-NAME`.
    """
    name = stage.name.partition("-")[2]
    start = stage / START_FILE
    rows: list[dict[str, Json]] = [{"step": 0, **read_start(start)}] if start.exists() else []
    log = run / "metrics.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    rows += [row for row in map(json.loads, lines) if row["stage"] == name]
    return [_point(row) for row in rows if f"{_PREFIX}kl" in row]


def _point(row: dict[str, Json]) -> RewardPoint:
    def number(name: str) -> float | None:
        value = row.get(f"{_PREFIX}{name}")
        return None if value is None else float(str(value))

    return RewardPoint(
        step=int(str(row["step"])),
        kl=number("kl") or 0.0,
        gold=number("gold"),
        proxy=number("proxy"),
        length=number("length") or 0.0,
        no_eos=number("no_eos") or 0.0,
    )
