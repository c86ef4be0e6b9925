"""Agreement with labels, apart for each of those who gave them: people, and judges of any kind."""

from __future__ import annotations

from burnish.evaluation.reward_model_agreement import row_metrics
from burnish.models.reward_model import RewardModel
from burnish.training.learner import Metrics
from burnish.training.reward_model import Rows, RowScores

AI = "ai"


def kind_of_source(source: str) -> str:
    """`ai` for every judge (`ai:NAME`), other sources as they are called."""
    return source.partition(":")[0]


def row_metrics_by_source(model: RewardModel, rows: Rows, scores: RowScores) -> Metrics:
    """`accuracy` and so on over all rows, and `accuracy_SOURCE` where there are several sources."""
    found = row_metrics(model, rows, scores)
    kinds = [kind_of_source(row.source) for row in rows]
    distinct = dict.fromkeys(kinds)
    if len(distinct) < 2:
        return found
    for wanted in distinct:
        places = [place for place, kind in enumerate(kinds) if kind == wanted]
        part = row_metrics(model, [rows[p] for p in places], [scores[p] for p in places])
        found |= {f"{name}_{wanted}": part[name] for name in ("accuracy",) if name in part}
        found[f"rows_{wanted}"] = float(len(places))
    return found
