"""Reward-model reranking as in ReFT (arXiv:2401.08967, section 4.3): learn to judge, then choose.

Sample a policy on the train problems, label each sample by its answer, train a classifier on them
(lqtrung1998/mwp_ReFT@train_reward_model.py), and of k samples of a test problem take the one that
it finds most likely to be right. README.md beside this file lists the differences.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from burnish.config import Config
from burnish.methods.reranker.classify import ClassifyConfig, train_verifier
from burnish.methods.reranker.samples import SamplesConfig, collect_samples
from burnish.training.stage import Stage
from burnish.training.workbench import Workbench


class RerankerConfig(Config):
    """An outcome reward model that reranks a policy's samples."""

    type: Literal["reranker"] = "reranker"
    policy: Path | None = None
    """Whose samples are judged, in training and on the test problems: the paper's warm-up
    checkpoint; default: the recipe's model."""
    start: Path | None = None
    """Whose backbone the reranker starts from: the paper's best SFT or ReFT checkpoint; default:
    the policy."""
    samples: SamplesConfig = SamplesConfig()
    """The data."""
    classify: ClassifyConfig = ClassifyConfig()
    """The training."""

    def stages(self, bench: Workbench) -> list[Stage]:
        """samples, which trains nothing, and reranker."""
        samples = Stage(
            "samples",
            partial(collect_samples, bench=bench, config=self.samples, policy_folder=self.policy),
            hands_on=None,
        )
        reranker = Stage(
            "reranker",
            partial(
                train_verifier,
                bench=bench,
                config=self.classify,
                start=self.start or self.policy,
            ),
        )
        return [samples, reranker]
