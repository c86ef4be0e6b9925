import pytest
import torch

from burnish.models import precision
from burnish.models.precision import faster_dtype


@pytest.mark.parametrize(
    ("float32_s", "bfloat16_s", "expected"),
    [(1.0, 0.2, torch.bfloat16), (1.0, 0.9, torch.float32), (1.0, 7.0, torch.float32)],
)
def test_bfloat16_must_be_clearly_faster(monkeypatch, float32_s, bfloat16_s, expected):
    seconds = {torch.float32: float32_s, torch.bfloat16: bfloat16_s}
    monkeypatch.setattr(precision, "_product_seconds", seconds.__getitem__)

    assert faster_dtype(torch.device("cpu")) is expected


def test_this_machine_gives_an_answer():
    assert faster_dtype(torch.device("cpu")) in (torch.float32, torch.bfloat16)
