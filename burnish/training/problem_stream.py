"""Which problems a step asks: every one in turn, save those that taught nothing and rest.

A problem whose samples are all right, or all wrong, gives a group method no gradient. It rests for
some passes over the problems, and for twice as many each further time that it taught nothing; then
it is asked again, as a policy that has changed may solve it now, or have forgotten how to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from burnish.config import Config
from burnish.training.seeds import epoch_order
from burnish.types import Group, Problem


class RestConfig(Config):
    """How long problems rest that were solved by all their samples, or by none."""

    passes: int = Field(default=1, ge=1)
    """Passes over the problems in which such a problem is left out, the first time."""
    max_passes: int = Field(default=8, ge=1)
    """The most passes that it is left out for: twice as many each further time, up to these."""


class ProblemStream:
    """Problems without end; what is drawn and what rests is its state.

    Without `rest` the problems are those of `batch_indices`: shuffled passes that follow each other
    without a gap.
    """

    def __init__(
        self, problems: Sequence[Problem], *, seed: int, rest: RestConfig | None = None
    ) -> None:
        self._problems = problems
        self._seed = seed
        self._rest = rest
        self.num_drawn = 0
        self._position = 0
        self._resting: dict[str, int] = {}  # passes that are left
        self._streak: dict[str, int] = {}  # times in a row that nothing was taught

    def draw(self, num: int) -> list[Problem]:
        """The next problems whose turn it is."""
        drawn: list[Problem] = []
        while len(drawn) < num:
            epoch, place = divmod(self._position, len(self._problems))
            order = epoch_order(len(self._problems), seed=self._seed, epoch=epoch)
            problem = self._problems[order[place]]
            self._position += 1
            left = self._resting.pop(problem.id, 0)
            if left > 1:
                self._resting[problem.id] = left - 1
            if not left:
                drawn.append(problem)
        self.num_drawn += num
        return drawn

    def observe(self, groups: Sequence[Group]) -> None:
        """Take note of what the samples of some problems were worth."""
        if self._rest is None:
            return
        for group in groups:
            passed = {t.score.is_correct for t in group.trajectories}
            name = group.problem.id
            if len(passed) > 1:
                self._streak.pop(name, None)
            elif passed:
                self._streak[name] = self._streak.get(name, 0) + 1
                longer = self._rest.passes * 2 ** (self._streak[name] - 1)
                self._resting[name] = min(longer, self._rest.max_passes)

    def metrics(self) -> dict[str, float]:
        """Share of the problems that rest; nothing where none ever does."""
        if self._rest is None:
            return {}
        return {"problems/resting": len(self._resting) / len(self._problems)}

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {
            "num_drawn": self.num_drawn,
            "position": self._position,
            "resting": dict(self._resting),
            "streak": dict(self._streak),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """From the checkpoint."""
        self.num_drawn, self._position = state["num_drawn"], state["position"]
        self._resting, self._streak = dict(state["resting"]), dict(state["streak"])
