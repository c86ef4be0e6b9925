"""STaR in two turns, a baseline of SCoRe (arXiv:2409.12917, section 3).

README.md beside this file says what the paper leaves open and what was chosen.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from burnish.data.follow_up import CorrectionConfig
from burnish.evaluation.dev_attempts import measure_of_attempts
from burnish.training.stage import Stage
from burnish.training.star import StarConfig, star_stages
from burnish.training.workbench import Workbench


class StarCorrectionConfig(StarConfig):
    """Imitate one's own second attempts that put the first ones right."""

    type: Literal["star_correction"] = "star_correction"
    correction: CorrectionConfig = CorrectionConfig()
    """How a problem is asked again. What is trained are second attempts, however many turns the
    model is measured in."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """sample_1, train_1, sample_2 and so on."""
        dev = partial(measure_of_attempts, bench, self.correction)
        return star_stages(bench, self, correction=self.correction, dev=dev)
