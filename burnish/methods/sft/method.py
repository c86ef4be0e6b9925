"""Supervised fine-tuning as a method of its own: one stage."""

from __future__ import annotations

from functools import partial
from typing import Literal

from burnish.training.stage import Stage
from burnish.training.supervised import SupervisedConfig, imitate
from burnish.training.workbench import Workbench


class SftConfig(SupervisedConfig):
    """Imitate the annotated rows."""

    type: Literal["sft"] = "sft"

    def stages(self, bench: Workbench) -> list[Stage]:
        """One stage, `sft`."""
        return [Stage("sft", partial(imitate, bench=bench, config=self))]
