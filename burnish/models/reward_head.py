"""What the numbers of a reward model are about, and what it has learnt about labels.

Both stand in `reward_model.json` beside the weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn
from torch.nn import functional

from burnish.core.reward_losses import ordered_thresholds
from burnish.data.feedback.kinds import FeedbackKind
from burnish.errors import ModelError

HEAD_FILE = "reward_model.json"
WANTED = "Name the folder of a trained reward model, such as RUN/stages/01-reward_model/selected."


@dataclass(frozen=True, slots=True)
class RewardHead:
    """What the numbers of a reward model are about.

    Attributes:
        kind: the feedback that it is fitted to.
        outputs: a name for each of K numbers.
        thresholds: between the grades of a rating scale, rising, as they are before training.
        raters: whose use of the scale it learns.
        strictness: what each of them adds to the thresholds before training.
        means, deviations: of the labels of each output, which its numbers are standardised by.
        mixed: attributes that a gate on the prompt makes the one output of; else empty.
    """

    kind: FeedbackKind
    outputs: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    raters: tuple[str, ...] = ()
    strictness: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    mixed: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What the linear layer says."""
        return self.mixed or self.outputs


class LabelScale(nn.Module):
    """What is learnt about the labels beside the scores. Parts that are not needed have size 0.

    `raw` are the thresholds between grades before they are ordered, `shift` what each rater adds to
    them (a strict one has higher ones), `tie` the width of ties before it is made positive.
    """

    def __init__(self, head: RewardHead) -> None:
        super().__init__()
        first = head.thresholds[:1]
        gaps = [math.log(math.expm1(high - low)) for low, high in pairwise(head.thresholds)]
        self.raw = nn.Parameter(torch.tensor([*first, *gaps]))
        self.shift = nn.Parameter(torch.tensor([*head.strictness]))
        self.tie = nn.Parameter(torch.zeros(1 if head.kind == "comparisons" else 0))

    def thresholds(self, raters: Sequence[str], names: Sequence[str]) -> Float[Tensor, "B J"]:
        """Those of each row's rater; of one who is not in `names`, those of the average rater."""
        shift = torch.cat([self.shift - self.shift.mean(), self.shift.new_zeros(1)])
        place = {name: i for i, name in enumerate(names)}
        rows = torch.tensor([place.get(rater, len(place)) for rater in raters])
        return ordered_thresholds(self.raw) + shift[rows.to(shift.device), None]

    @property
    def tie_width(self) -> Float[Tensor, ""]:
        """w > 0."""
        return functional.softplus(self.tie).squeeze(0)


def write_head(folder: Path, head: RewardHead, scale: LabelScale, tokenizer: str) -> None:
    """`tokenizer`: the fingerprint of the model's own."""
    about = {
        "head": asdict(head),
        "scale": {name: value.tolist() for name, value in scale.state_dict().items()},
        "tokenizer": tokenizer,
    }
    (folder / HEAD_FILE).write_text(json.dumps(about, indent=1), encoding="utf-8")


def read_head(folder: Path) -> tuple[RewardHead, dict[str, list[float]], str]:
    """Head, label scale and fingerprint of the tokenizer. Raises ModelError."""
    path = folder / HEAD_FILE
    if not path.is_file():
        raise ModelError(f"reward model {folder}: there is no {HEAD_FILE} in it. {WANTED}")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        head = TypeAdapter(RewardHead).validate_python(about["head"])
        scale = TypeAdapter(dict[str, list[float]]).validate_python(about["scale"])
        return head, scale, str(about["tokenizer"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); the file is damaged.") from error
