from __future__ import annotations

import pytest
import torch

from burnish.evaluation.agreement_by_source import kind_of_source, row_metrics_by_source
from burnish.models.reward_head import RewardHead
from burnish.models.reward_model import RewardModel, start_reward_model
from burnish.models.tiny import tiny_model
from burnish.training.reward_model_comparisons import Pair
from burnish.training.reward_model_rows import JudgedRow
from burnish.types import Example


@pytest.fixture
def model() -> RewardModel:
    head = RewardHead("comparisons", ("reward",))
    return start_reward_model(
        tiny_model("llama"), head, compute_dtype=torch.float32, head_start="zero", lora=None
    )


def row(source: str) -> JudgedRow:
    answers = tuple(Example("p", (1, n), (False, True)) for n in (2, 3))
    return JudgedRow("p", answers, (Pair(0, 1),), source=source)


def test_accuracy_is_told_apart_by_source(model):
    rows = [row("ai:one"), row("human"), row("ai:two"), row("ai:one")]
    scores = [[[1.0], [0.0]], [[1.0], [0.0]], [[0.0], [1.0]], [[0.0], [1.0]]]
    found = row_metrics_by_source(model, rows, scores)
    assert found["accuracy"] == 0.5
    assert (found["accuracy_ai"], found["rows_ai"]) == (pytest.approx(1 / 3), 3.0)
    assert (found["accuracy_human"], found["rows_human"]) == (1.0, 1.0)


def test_one_source_is_not_told_apart(model):
    found = row_metrics_by_source(model, [row("ai:one"), row("ai:two")], [[[1.0], [0.0]]] * 2)
    assert not [name for name in found if name.endswith("_ai")]


def test_all_judges_are_one_source():
    assert (kind_of_source("ai:judge@host:80"), kind_of_source("human")) == ("ai", "human")
